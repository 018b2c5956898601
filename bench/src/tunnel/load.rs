//! The load: TCP transfers, small and numbered packets, and pings, from threads on given processors.

use std::io;
use std::net::Ipv4Addr;
use std::thread::{self, JoinHandle};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::arena::Site;
use crate::Error;
use crate::place::Place;

pub(super) mod numbered;
pub(super) mod packets;
pub(super) mod ping;
pub(super) mod tcp;

/// An end of the load.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) place: &'a Place,
    pub(super) address: Ipv4Addr,
    pub(super) processor: usize,
}

impl Site {
    /// The load generator's end beside a node.
    pub(super) fn end(&self) -> End<'_> {
        End {
            place: &self.place,
            address: self.address(),
            processor: self.processor,
        }
    }
}

/// Starts a thread that stays on a processor.
pub(super) fn on_processor<T: Send + 'static>(
    processor: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    let failed = |cause| Error::system("a thread for the load")(cause);
    let mut set = CpuSet::new();
    set.set(processor)
        .map_err(io::Error::from)
        .map_err(failed)?;
    let started = thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || {
            // Where this is refused the figures are only less steady.
            let _ = sched_setaffinity(Pid::from_raw(0), &set);
            work()
        });
    started.map_err(failed)
}
