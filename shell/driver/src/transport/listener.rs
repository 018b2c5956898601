//! A socket that neighbours connect to.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::time::Duration;

use linux::epoll::Poller;

use super::callers::{Call, Callers};

/// Connections that are refused at once, or were over before they were taken, in one turn.
const REFUSALS: usize = 64;
/// How long a listener rests when the system has no descriptor for a connection.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// Descriptors kept for what the daemon itself opens: files, control connections, own sessions.
const RESERVED: usize = 64;
/// Tokens of listeners count down from the highest number, those of connections that were taken up
/// from 2⁶³: they never meet.
const TOKENS: u64 = u64::MAX;
/// More listeners than any daemon has.
const LISTENERS_MAX: u64 = 1 << 16;

/// The poller's token of the `index`-th listener.
pub(super) fn token(index: usize) -> u64 {
    TOKENS - index as u64
}

/// Which listener a token stands for; none when it is a connection's.
pub(super) fn index(token: u64) -> Option<usize> {
    let index = TOKENS - token;
    (index < LISTENERS_MAX).then_some(index as usize)
}

/// How many connections from outside a process may have, as far as its descriptors go. It takes
/// what the system lets it have.
pub(super) fn connections_max() -> usize {
    let descriptors = linux::raise_descriptor_limit();
    (descriptors / 2).saturating_sub(RESERVED).max(RESERVED)
}

/// A socket that neighbours connect to.
#[derive(Debug)]
pub(super) struct Listener(TcpListener);

impl Listener {
    /// Listens on an address.
    pub(super) fn open(address: SocketAddr, token: u64, poller: &Poller) -> io::Result<Self> {
        let socket = linux::socket::tcp_listen(address)?;
        poller.add_readable(socket.as_fd(), token)?;
        Ok(Self(socket))
    }

    /// Takes one connection that is welcome; nothing when no more wait, or many were refused.
    pub(super) fn accept(
        &self,
        callers: &Callers,
    ) -> io::Result<Option<(TcpStream, SocketAddr, Call)>> {
        for _ in 0..REFUSALS {
            match self.0.accept() {
                Ok((stream, from)) => match callers.admit(from.ip()) {
                    Some(call) => return Ok(Some((stream, from, call))),
                    None => tracing::debug!(%from, "too many connections"),
                },
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok(None),
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(None)
    }

    /// Does not look for connections for a while; those that come wait in the kernel.
    pub(super) fn pause(&self, poller: &Poller) {
        if let Err(error) = poller.remove(self.0.as_fd()) {
            tracing::warn!(%error, "pausing a listener");
        }
    }

    /// Looks for connections again.
    pub(super) fn resume(&self, token: u64, poller: &Poller) {
        if let Err(error) = poller.add_readable(self.0.as_fd(), token) {
            tracing::warn!(%error, "listening again");
        }
    }
}
