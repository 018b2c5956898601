//! What all daemons do alike: listen on a Unix socket, end when told to.

use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use crate::Error;

/// Makes a non-blocking Unix socket that only its owner may connect to. A socket that an earlier
/// daemon left goes; anything else stays, and is an error.
pub(crate) fn listen(path: &Path) -> Result<UnixListener, Error> {
    let make = || {
        clear(path)?;
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    make().map_err(Error::system(format!("Unix socket {}", path.display())))
}

/// Takes away the socket at `path`, if there is one.
fn clear(path: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if kind.is_socket() {
        return fs::remove_file(path);
    }
    let found = match kind {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_file() => "a regular file",
        kind if kind.is_symlink() => "a symbolic link",
        _ => "something that is no socket",
    };
    let reason = format!("{found} is in the way; move it, or name another path");
    Err(io::Error::new(io::ErrorKind::AlreadyExists, reason))
}

/// Runs a daemon's loop on the calling thread.
pub(crate) fn block_on(daemon: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::system("starting the event loop"))?
        .block_on(daemon)
}

/// Waits until `at`; without a time, for ever. The timer wheel knows milliseconds only, and would
/// make what is due already wait for the next one.
pub(crate) async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) if at <= tokio::time::Instant::now() => {}
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Ends when the process is asked to: SIGTERM or SIGINT.
pub(crate) struct Termination {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Termination {
    /// Takes the two signals over from now on.
    pub(crate) fn new() -> Result<Self, Error> {
        let take = |kind| signal(kind).map_err(Error::system("taking signals"));
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
        })
    }

    /// Waits for either.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Hears when the process is asked to read its configuration again: SIGHUP.
pub(crate) struct Hangup(tokio::signal::unix::Signal);

impl Hangup {
    /// Takes the signal over from now on.
    pub(crate) fn new() -> Result<Self, Error> {
        let taken = signal(SignalKind::hangup()).map_err(Error::system("taking signals"))?;
        Ok(Self(taken))
    }

    /// Waits for it. Several that come at once are heard as one.
    pub(crate) async fn heard(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_socket_gives_way_and_a_file_stays() {
        let path = std::env::temp_dir().join(format!("listen-{}.sock", std::process::id()));
        fs::write(&path, "precious").expect("it is written");
        let error = listen(&path).expect_err("a file is in the way").to_string();
        let name = path.display().to_string();
        assert!(
            error.contains(&name) && error.contains("a regular file is in the way"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).expect("it stays"), "precious");
        fs::remove_file(&path).expect("it goes");
        drop(listen(&path).expect("nothing is in the way"));
        drop(listen(&path).expect("the old socket goes"));
        fs::remove_file(&path).expect("it goes");
    }
}
