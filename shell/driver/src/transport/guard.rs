//! What neighbours' settings ask of the sockets that they call: keys and limits on hops.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsFd;

use bgp::{AoAlgorithm, Auth, Neighbor, Settings, TcpOptions};
use linux::protect::{self, AoKey, Peers};
use linux::socket::set_ttl;

/// What connections of a neighbour are protected with, or of all neighbours inside a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guard {
    pub(super) peers: Peers,
    /// Time to live of what is sent.
    ttl: u8,
    options: TcpOptions,
}

impl Guard {
    /// The guards that a speaker's neighbours need.
    pub(crate) fn all(settings: &Settings) -> Vec<Self> {
        let neighbors = settings.neighbors.iter();
        let neighbors = neighbors.map(|one| Self::new(Peers::one(one.address), one));
        let ranges = settings.dynamic.iter().map(|range| {
            let peers = Peers {
                address: range.prefix.address(),
                len: range.prefix.len(),
            };
            Self::new(peers, &range.template)
        });
        neighbors.chain(ranges).collect()
    }

    fn new(peers: Peers, neighbor: &Neighbor) -> Self {
        Self {
            peers,
            ttl: neighbor.ebgp_multihop_ttl,
            options: TcpOptions {
                auth: neighbor.auth.clone(),
                ttl_security: neighbor.ttl_security,
            },
        }
    }

    /// The one that holds for an address: that of the longest prefix.
    pub(super) fn of(guards: &[Self], address: IpAddr) -> Option<&Self> {
        guards
            .iter()
            .filter(|guard| guard.peers.contains(address))
            .max_by_key(|guard| guard.peers.len)
    }

    /// Whether a listener of this address can be called by these neighbours.
    pub(super) const fn concerns(&self, listener: SocketAddr) -> bool {
        self.peers.address.is_ipv4() == listener.is_ipv4()
    }

    /// Gives a listener the key.
    pub(super) fn lock(&self, listener: &impl AsFd) -> io::Result<()> {
        add_key(listener, self.peers, self.options.auth.as_ref())
    }

    /// Takes the key away from a listener. Connections that stand keep it.
    pub(super) fn unlock(&self, listener: &impl AsFd) -> io::Result<()> {
        match &self.options.auth {
            None => Ok(()),
            Some(Auth::Md5(_)) => protect::set_md5_key(listener, self.peers, &[]),
            Some(Auth::Ao {
                send_id,
                receive_id,
                ..
            }) => protect::remove_ao_key(listener, self.peers, *send_id, *receive_id),
        }
    }

    /// Prepares a connection that a neighbour made; it has the listener's key.
    pub(super) fn admit(&self, stream: &TcpStream) -> io::Result<()> {
        let is_ipv6 = self.peers.address.is_ipv6();
        set_ttl(stream, is_ipv6, ttl(self.ttl, &self.options))?;
        limit_hops(stream, is_ipv6, &self.options)
    }
}

/// The time to live that a connection is to have.
pub(super) fn ttl(usual: u8, options: &TcpOptions) -> u8 {
    options.ttl_security.map_or(usual, |_| u8::MAX)
}

/// Prepares a connection that we make.
pub(super) fn prepare(socket: &impl AsFd, remote: IpAddr, options: &TcpOptions) -> io::Result<()> {
    add_key(socket, Peers::one(remote), options.auth.as_ref())?;
    limit_hops(socket, remote.is_ipv6(), options)
}

fn limit_hops(socket: &impl AsFd, is_ipv6: bool, options: &TcpOptions) -> io::Result<()> {
    match options.ttl_security {
        // What comes from a neighbour on the same link has lost nothing of its 255.
        Some(hops) => protect::set_least_ttl(socket, is_ipv6, u8::MAX - hops.saturating_sub(1)),
        None => Ok(()),
    }
}

fn add_key(socket: &impl AsFd, peers: Peers, auth: Option<&Auth>) -> io::Result<()> {
    match auth {
        None => Ok(()),
        Some(Auth::Md5(key)) => protect::set_md5_key(socket, peers, key.octets()),
        Some(Auth::Ao {
            algorithm,
            send_id,
            receive_id,
            key,
        }) => {
            let key = AoKey {
                algorithm: match algorithm {
                    AoAlgorithm::HmacSha1 => "hmac(sha1)",
                    AoAlgorithm::Aes128Cmac => "cmac(aes128)",
                    AoAlgorithm::HmacSha256 => "hmac(sha256)",
                },
                send_id: *send_id,
                receive_id: *receive_id,
                key: key.octets(),
            };
            protect::add_ao_key(socket, peers, &key)
        }
    }
}
