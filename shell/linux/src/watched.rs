//! Descriptors of this crate in a tokio event loop.

#![expect(unsafe_code, reason = "tokio trusts that a descriptor stays the same")]

use std::io;
use std::sync::Arc;
use std::task::Context;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::Tun;
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
