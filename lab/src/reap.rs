//! Taking a lab down, and removing what a killed one left.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use linux::epoll::Poller;
use linux::process::{self, ProcessId};

use crate::Error;
use crate::request::{self, Request};
use crate::state::{MARK, State};

/// How long a supervisor may take to end a lab before it is killed.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long a killed process may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(5);

/// Removes what a lab without a supervisor left: its processes, if any could outlive it, and its
/// directory. A lab that left nothing is fine.
pub(crate) fn remains(state: &State) -> Result<(), Error> {
    if let Ok(identity) = state.identity() {
        strays(&identity.mark)?;
    }
    state.remove()
}

/// Kills every process that carries a lab's mark: started with `exec` and left in the background,
/// for one.
pub(crate) fn strays(mark: &str) -> Result<(), Error> {
    let system = |cause| Error::system("looking for the lab's processes")(cause);
    let own = std::process::id();
    let strays = process::with_environment(MARK, mark).map_err(system)?;
    for stray in strays.iter().filter(|stray| stray.number != own) {
        if let Err(error) = stray.kill() {
            tracing::warn!(%error, process = stray.number, "killing");
        }
    }
    Ok(())
}

/// Ends a running lab: in order if its supervisor listens, else by force.
pub(crate) fn take_down(state: &State) -> Result<(), Error> {
    let supervisor = match state.identity() {
        Ok(identity) => identity.process(),
        // It has just ended by itself.
        Err(_) if !state.is_running()? => return remains(state),
        Err(error) => return Err(error),
    };
    let asked = UnixStream::connect(state.supervisor_socket())
        .and_then(|mut stream| request::send(&mut stream, &Request::Down));
    if asked.is_err() || !ends_within(supervisor, PATIENCE)? {
        let system = |cause| Error::system("killing the lab's supervisor")(cause);
        supervisor.kill().map_err(system)?;
        ends_within(supervisor, LAST_BREATH)?;
    }
    remains(state)
}

/// Whether a process ends in time.
fn ends_within(process: ProcessId, patience: Duration) -> Result<bool, Error> {
    let system = |cause| Error::system("waiting for the lab's supervisor")(cause);
    let watch = match process.watch() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        other => other.map_err(system)?,
    };
    let poller = Poller::new().map_err(system)?;
    poller.add_readable(&watch, 0).map_err(system)?;
    let deadline = Instant::now() + patience;
    let mut ready = Vec::new();
    while ready.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        poller.wait(Some(left), &mut ready).map_err(system)?;
    }
    Ok(true)
}
