//! What a supervisor can be asked on its socket: one line of JSON, one line back, then the end.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use design::plan::Plan;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Installed, Recording, Report};

/// Most that is read in one conversation: reports about all pairs of hosts are the largest.
const OCTETS_MAX: u64 = 256 << 20;

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Let a target fail (`up` is false) or heal.
    Change {
        /// In the words of an operator.
        target: String,
        /// Whether it works from now on.
        up: bool,
    },
    /// Hand over the namespaces of a device.
    Enter {
        /// The device.
        device: String,
    },
    /// Give a device another file, from which it goes on; without one it ends.
    Install {
        /// The device.
        device: String,
        /// Its file.
        file: Option<String>,
    },
    /// The lab is another network from now on.
    Become {
        /// Its Plan.
        plan: Box<Plan>,
    },
    /// Let every host reach every other one.
    Verify,
    /// Begin to send packets between all pairs of hosts.
    Record {
        /// Microseconds between the packets of a pair.
        interval_us: u64,
    },
    /// End that, and report.
    StopRecording,
    /// End the lab.
    Down,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// It is done.
    Done,
    /// It is not done.
    Refused {
        /// Why.
        reason: String,
    },
    /// To [`Request::Enter`]; the descriptors of the device's network namespace and of the lab's
    /// user namespace come with it.
    Entered {
        /// The mark of the lab's processes.
        mark: String,
    },
    /// To [`Request::Install`].
    Installed(Installed),
    /// To [`Request::Verify`].
    Verified(Report),
    /// To [`Request::StopRecording`].
    Recorded(Recording),
}

/// Sends a value as a line.
pub(crate) fn send<T: Serialize>(stream: &mut UnixStream, value: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(value).map_err(io::Error::from)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Reads values, each a line.
pub(crate) struct Lines<'a>(BufReader<io::Take<&'a UnixStream>>);

impl<'a> Lines<'a> {
    /// Waits at most `patience` for each.
    pub(crate) fn new(stream: &'a UnixStream, patience: Duration) -> Self {
        // A stream that cannot have a timeout is one that has ended, as reading will tell.
        drop(stream.set_read_timeout(Some(patience)));
        Self(BufReader::new(stream.take(OCTETS_MAX)))
    }

    /// The next value.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_slice(&line)?)
    }
}
