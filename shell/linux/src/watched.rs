//! Descriptors of this crate in a tokio event loop.

#![expect(unsafe_code, reason = "tokio trusts that a descriptor stays the same")]

use std::io;
use std::sync::Arc;
use std::task::Context;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::Tun;
use crate::epoll::{Poller, Ready};
use crate::socket::RawSocket;

/// Something non-blocking to read packets from.
pub trait PacketSource: std::os::fd::AsRawFd + private::Steady {
    /// Reads one packet; its length, or `WouldBlock`.
    ///
    /// # Errors
    ///
    /// The device's or socket's.
    fn read_packet(&self, buffer: &mut [u8]) -> io::Result<usize>;
}

mod private {
    /// A type that owns its descriptor and never exchanges it.
    pub trait Steady {}
    impl Steady for std::sync::Arc<crate::Tun> {}
    impl Steady for crate::socket::RawSocket {}
}

impl PacketSource for Arc<Tun> {
    fn read_packet(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }
}

impl PacketSource for RawSocket {
    fn read_packet(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer)
    }
}

/// A packet source that the event loop waits for.
#[derive(Debug)]
pub struct Watched<T: PacketSource>(AsyncFd<T>);

impl<T: PacketSource> Watched<T> {
    /// Registers it with the event loop of the calling task.
    ///
    /// # Errors
    ///
    /// The kernel cannot wait for it.
    pub fn new(source: T) -> io::Result<Self> {
        // SAFETY: the sealed trait is implemented only for types that own their descriptor and
        // keep it as long as they live; `AsyncFd` owns the value.
        let watched = unsafe { AsyncFd::register_with_interest(source, Interest::READABLE) };
        Ok(Self(watched?))
    }

    /// Whether a read is worth while; if not, the task is woken when it is. An error counts as
    /// readiness: reading will meet it.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> bool {
        self.0.poll_read_ready(context).is_ready()
    }

    /// Reads one packet if one waits; if none does, the event loop waits again.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, or the device's or socket's.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0
            .try_io(Interest::READABLE, |source| source.read_packet(buffer))
    }

    /// What is watched.
    pub fn get(&self) -> &T {
        self.0.get_ref()
    }
}

/// A set of descriptors that the event loop waits for as for one.
#[derive(Debug)]
pub struct WatchedPoller(AsyncFd<Poller>);

impl WatchedPoller {
    /// Registers a set with the event loop of the calling task.
    ///
    /// # Errors
    ///
    /// The kernel cannot wait for it.
    pub fn new(poller: Poller) -> io::Result<Self> {
        // SAFETY: a `Poller` owns its descriptor and keeps it as long as it lives; `AsyncFd` owns
        // the value.
        let watched = unsafe { AsyncFd::register_with_interest(poller, Interest::READABLE) };
        Ok(Self(watched?))
    }

    /// The set.
    pub fn get(&self) -> &Poller {
        self.0.get_ref()
    }

    /// Waits until a descriptor is ready, then appends those that are. Cancelling the wait loses
    /// nothing.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub async fn ready(&self, ready: &mut Vec<Ready>) -> io::Result<()> {
        loop {
            let mut guard = self.0.readable().await?;
            let before = ready.len();
            self.get().ready(ready)?;
            if ready.len() > before {
                return Ok(());
            }
            // The event loop wakes for news only, so that the set must be empty before it waits.
            guard.clear_ready();
        }
    }
}
