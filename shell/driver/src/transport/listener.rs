//! A socket that neighbours connect to.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::time::Duration;

use linux::epoll::Poller;

use super::callers::{Call, Callers};
use super::guard::Guard;

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

/// The poller's token of the `n`-th listener.
pub(super) fn token(n: u64) -> u64 {
    TOKENS - n % LISTENERS_MAX
}

/// Whether a token is a listener's; else it is a connection's.
pub(super) fn has(token: u64) -> bool {
    TOKENS - token < LISTENERS_MAX
}

/// How many connections from outside a process may have, as far as its descriptors go. It takes
/// what the system lets it have.
pub(super) fn connections_max() -> usize {
    let descriptors = linux::raise_descriptor_limit();
    (descriptors / 2).saturating_sub(RESERVED).max(RESERVED)
}

/// A socket that neighbours connect to.
#[derive(Debug)]
pub(super) struct Listener {
    /// Where it listens.
    pub(super) address: SocketAddr,
    socket: TcpListener,
}

impl Listener {
    /// Listens on an address; [`Self::resume`] lets connections in.
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = linux::socket::tcp_listen(address)?;
        Ok(Self { address, socket })
    }

    /// Takes the keys of `old` guards that are none of the `new` ones away, and adds those that are
    /// new.
    pub(super) fn exchange(&self, old: &[Guard], new: &[Guard]) -> io::Result<()> {
        let gone = old.iter().filter(|guard| !new.contains(guard));
        for guard in gone.filter(|guard| guard.concerns(self.address)) {
            guard.unlock(&self.socket)?;
        }
        let come = new.iter().filter(|guard| !old.contains(guard));
        for guard in come.filter(|guard| guard.concerns(self.address)) {
            guard.lock(&self.socket)?;
        }
        Ok(())
    }

    /// Has the keys of the `old` guards again, of which some may have been exchanged for those of the
    /// `new` ones.
    pub(super) fn restore(&self, new: &[Guard], old: &[Guard]) {
        let of_new = new.iter().filter(|guard| !old.contains(guard));
        for guard in of_new.filter(|guard| guard.concerns(self.address)) {
            // It may not have got that far.
            drop(guard.unlock(&self.socket));
        }
        let of_old = old.iter().filter(|guard| !new.contains(guard));
        for guard in of_old.filter(|guard| guard.concerns(self.address)) {
            // The key may be there still.
            drop(guard.lock(&self.socket));
        }
    }

    /// Takes one connection that is welcome; nothing when no more wait, or many were refused.
    pub(super) fn accept(
        &self,
        callers: &Callers,
    ) -> io::Result<Option<(TcpStream, SocketAddr, Call)>> {
        for _ in 0..REFUSALS {
            match self.socket.accept() {
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
        if let Err(error) = poller.remove(self.socket.as_fd()) {
            tracing::warn!(%error, "pausing a listener");
        }
    }

    /// Looks for connections from now on.
    pub(super) fn resume(&self, token: u64, poller: &Poller) {
        if let Err(error) = poller.add_readable(self.socket.as_fd(), token) {
            tracing::warn!(%error, "waiting for connections");
        }
    }
}
