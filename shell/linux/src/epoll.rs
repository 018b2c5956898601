//! Waiting for many descriptors at once, until a moment known to the nanosecond.

#![expect(unsafe_code, reason = "epoll_pwait2 has no safe binding")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::ptr;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

/// As many ready descriptors as one wait reports; the others come with the next.
const BATCH: usize = 64;
/// As many as one look reports: a thousand neighbours that all have something are one round.
const ROUND: usize = 1024;

/// A set of descriptors to wait for, level-triggered, each with a token of the caller's.
#[derive(Debug)]
pub struct Poller(Epoll);

/// A descriptor that can be used. One that broke can be both read and written: either tells how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The caller's token for it.
    pub token: u64,
    /// Reading will not block.
    pub readable: bool,
    /// Writing will not block.
    pub writable: bool,
}

impl Poller {
    /// An empty set.
    ///
    /// # Errors
    ///
    /// Too many open files.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// Waits for `descriptor` to become readable (or closed) from now on.
    ///
    /// # Errors
    ///
    /// The descriptor is in the set already or cannot be waited for.
    pub fn add_readable(&self, descriptor: impl AsFd, token: u64) -> io::Result<()> {
        Ok(self
            .0
            .add(descriptor, EpollEvent::new(EpollFlags::EPOLLIN, token))?)
    }

    /// Waits for `descriptor` to become writable from now on, or for a connection to be made.
    ///
    /// # Errors
    ///
    /// The descriptor is in the set already or cannot be waited for.
    pub fn add_writable(&self, descriptor: impl AsFd, token: u64) -> io::Result<()> {
        Ok(self
            .0
            .add(descriptor, EpollEvent::new(EpollFlags::EPOLLOUT, token))?)
    }

    /// Waits for `descriptor` to become readable and, if `write`, writable; it is in the set already.
    ///
    /// # Errors
    ///
    /// The descriptor is not in the set.
    pub fn modify(&self, descriptor: impl AsFd, token: u64, write: bool) -> io::Result<()> {
        let mut flags = EpollFlags::EPOLLIN;
        flags.set(EpollFlags::EPOLLOUT, write);
        Ok(self
            .0
            .modify(descriptor, &mut EpollEvent::new(flags, token))?)
    }

    /// No longer waits for `descriptor`.
    ///
    /// # Errors
    ///
    /// The descriptor is not in the set.
    pub fn remove(&self, descriptor: impl AsFd) -> io::Result<()> {
        Ok(self.0.delete(descriptor)?)
    }

    /// Waits until a descriptor is ready or `timeout` has passed (`None`: however long it takes),
    /// then appends the tokens of those that are ready.
    ///
    /// # Errors
    ///
    /// The kernel is older than 5.11. A signal only ends the wait early.
    pub fn wait(&self, timeout: Option<Duration>, ready: &mut Vec<u64>) -> io::Result<()> {
        self.collect::<BATCH>(timeout, |event| ready.push(event.token))
    }

    /// Appends what is ready now, for what; waits for nothing.
    ///
    /// # Errors
    ///
    /// The kernel is older than 5.11.
    pub fn ready(&self, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.collect::<ROUND>(Some(Duration::ZERO), |event| ready.push(event))
    }

    fn collect<const N: usize>(
        &self,
        timeout: Option<Duration>,
        mut found: impl FnMut(Ready),
    ) -> io::Result<()> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; N];
        let timeout = timeout.map(|timeout| libc::timespec {
            tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: `events` has room for `N` entries and `timeout` is null or points at a
        // timespec; both live through the call. A null signal mask changes none.
        let result = Errno::result(unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.0.0.as_raw_fd(),
                events.as_mut_ptr(),
                N,
                timeout,
                ptr::null::<libc::sigset_t>(),
                0usize,
            )
        });
        let count = match result {
            Ok(count) => usize::try_from(count).unwrap_or(0),
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in events.iter().take(count) {
            let has = |flags: i32| event.events & flags.cast_unsigned() != 0;
            let broken = has(libc::EPOLLERR | libc::EPOLLHUP);
            found(Ready {
                token: event.u64,
                readable: broken || has(libc::EPOLLIN),
                writable: broken || has(libc::EPOLLOUT),
            });
        }
        Ok(())
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}

impl AsRawFd for Poller {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}
