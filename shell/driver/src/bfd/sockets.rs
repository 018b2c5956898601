//! The sockets of BFD: one to receive for each local address and kind, one to send for each session (RFC 5881 §4).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use ::bfd::{Hops, Octets, SOURCE_PORT_MIN, SessionKey};
use inet::Instant;
use linux::datagram::{TtlSocket, send_only};
use linux::epoll::Poller;

/// Longer payloads are no BFD packets; what is cut off is padding.
const PAYLOAD_MAX: usize = 128;
/// A port that is taken is tried again after this long.
const RETRY: Duration = Duration::from_secs(1);
/// As many datagrams of one socket are taken before time is looked at again.
const BATCH: usize = 1_024;

/// Where datagrams are received.
type Place = (IpAddr, Hops);

/// All sockets.
#[derive(Debug)]
pub(crate) struct Sockets {
    poller: Poller,
    receivers: BTreeMap<Place, Receiver>,
    senders: BTreeMap<SessionKey, UdpSocket>,
    /// Sessions that wait for a socket to send from.
    unsent: BTreeSet<SessionKey>,
    next_token: u64,
    next_port: u16,
    retry_at: Option<Instant>,
}

/// A socket to receive on, or the wait for it.
#[derive(Debug)]
struct Receiver {
    /// How many sessions want it.
    sessions: usize,
    open: Option<(u64, TtlSocket)>,
}

impl Sockets {
    /// None yet. `seed` says which source port is tried first.
    pub(crate) fn new(poller: Poller, first_token: u64, seed: u64) -> Self {
        let span = u64::from(u16::MAX - SOURCE_PORT_MIN) + 1;
        let offset = u16::try_from(seed % span).unwrap_or(0);
        Self {
            poller,
            receivers: BTreeMap::new(),
            senders: BTreeMap::new(),
            unsent: BTreeSet::new(),
            next_token: first_token,
            next_port: SOURCE_PORT_MIN + offset,
            retry_at: None,
        }
    }

    pub(crate) const fn poller(&self) -> &Poller {
        &self.poller
    }

    /// When [`Self::retry`] has something to do.
    pub(crate) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Makes what a session needs, unless it is there.
    pub(crate) fn add(&mut self, now: Instant, session: SessionKey) {
        if self.senders.contains_key(&session) {
            return;
        }
        match self.sender(session.local) {
            Ok(sender) => {
                self.unsent.remove(&session);
                self.senders.insert(session, sender);
                let place = (session.local, session.hops);
                let receiver = Receiver {
                    sessions: 0,
                    open: None,
                };
                self.receivers.entry(place).or_insert(receiver).sessions += 1;
                self.open(now, place);
            }
            Err(error) => {
                if self.unsent.insert(session) {
                    let local = session.local;
                    tracing::warn!(%error, %local, "no BFD until there is a source port");
                }
                self.retry_at = Some(now + RETRY);
            }
        }
    }

    /// Closes what only this session needed.
    pub(crate) fn remove(&mut self, session: SessionKey) {
        self.unsent.remove(&session);
        if self.senders.remove(&session).is_none() {
            return;
        }
        let place = (session.local, session.hops);
        let Some(receiver) = self.receivers.get_mut(&place) else {
            return;
        };
        receiver.sessions -= 1;
        if receiver.sessions == 0 {
            self.receivers.remove(&place);
        }
    }

    /// Opens what could not be opened.
    pub(crate) fn retry(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            let closed = self
                .receivers
                .iter()
                .filter(|(_, receiver)| receiver.open.is_none());
            for place in closed.map(|(place, _)| *place).collect::<Vec<_>>() {
                self.open(now, place);
            }
            for session in self.unsent.clone() {
                self.add(now, session);
            }
        }
    }

    /// Sends a session's packet. Without a route, or with the queue full, it is lost like any other.
    pub(crate) fn send(&self, session: SessionKey, bytes: &Octets) {
        let to = SocketAddr::new(session.remote, session.hops.port());
        if let Some(sender) = self.senders.get(&session)
            && let Err(error) = sender.send_to(bytes, to)
        {
            tracing::debug!(%error, %to, "a BFD packet is not sent");
        }
    }

    /// Takes the datagrams that wait at a token: who sent each, to which address, its TTL, what it says.
    pub(crate) fn receive(
        &mut self,
        token: u64,
        mut take: impl FnMut(SocketAddr, SocketAddr, u8, &[u8]),
    ) {
        let found = self.receivers.iter_mut().find_map(|(place, receiver)| {
            let (its, socket) = receiver.open.as_mut()?;
            (*its == token).then_some((*place, socket))
        });
        let Some(((address, hops), socket)) = found else {
            return;
        };
        let to = SocketAddr::new(address, hops.port());
        let mut buffer = [0; PAYLOAD_MAX];
        for _ in 0..BATCH {
            match socket.receive(&mut buffer) {
                Ok((len, from, ttl)) => take(from, to, ttl, &buffer[..len.min(PAYLOAD_MAX)]),
                Err(error) if super::is_would_block(&error) => return,
                Err(error) => {
                    tracing::debug!(%error, %to, "receiving BFD");
                    return;
                }
            }
        }
    }

    fn open(&mut self, now: Instant, place: Place) {
        let Some(receiver) = self.receivers.get_mut(&place) else {
            return;
        };
        if receiver.open.is_some() {
            return;
        }
        let address = SocketAddr::new(place.0, place.1.port());
        // Whatever comes from further away is dropped by the kernel, and costs nothing here.
        let ttl_min = match place.1 {
            Hops::Single => 255,
            Hops::Multi => 0,
        };
        let token = self.next_token;
        let opened = TtlSocket::bind(address, ttl_min)
            .and_then(|socket| self.poller.add_readable(&socket, token).map(|()| socket));
        match opened {
            Ok(socket) => {
                self.next_token += 1;
                receiver.open = Some((token, socket));
            }
            Err(error) => {
                tracing::warn!(%error, %address, "no BFD here until the port is free");
                self.retry_at = Some(now + RETRY);
            }
        }
    }

    /// A socket with a source port of its own.
    fn sender(&mut self, local: IpAddr) -> io::Result<UdpSocket> {
        let mut result = Err(io::ErrorKind::AddrInUse.into());
        for _ in SOURCE_PORT_MIN..=u16::MAX {
            let address = SocketAddr::new(local, self.next_port);
            self.next_port = self.next_port.checked_add(1).unwrap_or(SOURCE_PORT_MIN);
            result = send_only(address, 255);
            match &result {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Ok(_) | Err(_) => break,
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn a_session_without_a_source_port_is_tried_again_until_it_is_removed() {
        let mut sockets = Sockets::new(Poller::new().expect("a poller"), 1, 0);
        let session = SessionKey {
            // The kernel binds no link-local address without its interface.
            local: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).into(),
            remote: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2).into(),
            hops: Hops::Single,
        };
        let began = Instant::default();
        sockets.add(began, session);
        assert_eq!(sockets.retry_at(), Some(began + RETRY));
        sockets.retry(began + RETRY);
        assert_eq!(sockets.retry_at(), Some(began + RETRY + RETRY));
        sockets.remove(session);
        sockets.retry(began + RETRY + RETRY);
        assert_eq!(sockets.retry_at(), None);
    }

    #[test]
    fn a_session_that_waited_gets_its_sockets_when_there_is_a_port() {
        let mut sockets = Sockets::new(Poller::new().expect("a poller"), 1, 0);
        let session = SessionKey {
            local: IpAddr::from([127, 0, 0, 93]),
            remote: IpAddr::from([127, 0, 0, 94]),
            hops: Hops::Multi,
        };
        let began = Instant::default();
        sockets.unsent.insert(session);
        sockets.retry_at = Some(began);
        sockets.retry(began);
        assert!(sockets.senders.contains_key(&session));
        assert!(sockets.unsent.is_empty());
    }
}
