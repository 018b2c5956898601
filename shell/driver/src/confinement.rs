//! What a daemon gives up once it has read its files and opened its sockets (decision 0028).

use linux::confine::{Capability, forbid_other_calls, keep_capabilities};

use crate::Error;

/// Gives up, before there is a second thread, all rights but those that setting up takes.
pub(crate) fn begin() -> Result<(), Error> {
    keep(&[
        Capability::NetBindService,
        Capability::NetAdmin,
        Capability::NetRaw,
    ])
}

/// Gives up all rights but `rights`, for this thread and those it starts from now on.
pub(crate) fn keep(rights: &[Capability]) -> Result<(), Error> {
    keep_capabilities(rights).map_err(Error::system("giving up capabilities"))
}

/// Gives up, for all threads, the system calls that a running daemon does not make. A kernel without filters of system
/// calls is said to be one, and the daemon goes on.
pub(crate) fn seal() {
    if let Err(error) = forbid_other_calls() {
        tracing::warn!(%error, "system calls are not confined");
    }
}
