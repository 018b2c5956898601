//! A bell that one thread rings and another, waiting for descriptors, hears (eventfd(2)).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use nix::sys::eventfd::{EfdFlags, EventFd};

/// The bell. Clones are the same bell.
#[derive(Clone, Debug)]
pub struct Bell(Arc<EventFd>);

impl Bell {
    /// A silent bell.
    ///
    /// # Errors
    ///
    /// Too many open files.
    pub fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self(Arc::new(EventFd::from_flags(flags)?)))
    }

    /// Makes the descriptor readable until the bell is silenced; ringing it again changes nothing.
    pub fn ring(&self) {
        // The only refusal is a count that is full: it rings already.
        let _full = self.0.write(1);
    }

    /// Silences it. What the ringing was about must be looked for afterwards, not before.
    pub fn silence(&self) {
        // Refused if it does not ring.
        let _silent = self.0.read();
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
