//! What the operator decided about an endpoint and its peers.

use core::fmt;
use std::net::SocketAddrV4;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::{PrivateKey, PublicKey};

/// Which cryptography runs inside the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Suite {
    /// WireGuard's.
    #[default]
    WireGuard,
    /// None, with messages of the same shape and size. For simulations; it protects nothing.
    Null,
}

/// An endpoint's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The locator's name, for people.
    pub name: String,
    /// The static key.
    pub private_key: PrivateKey,
    /// Which cryptography.
    pub suite: Suite,
    /// The peers; the first is `PeerId(0)`.
    pub peers: Vec<Peer>,
    /// MTU of the packets inside. Padding to 16 octets never makes a packet longer than this.
    pub mtu: u16,
    /// Handshake initiations a second that are answered without asking for a cookie first.
    /// To be changed by whoever serves thousands of tunnels from one endpoint.
    pub handshake_rate: u32,
    /// Forwarding threads, 1 to 16: each gets [`Lanes`](crate::Lanes) of its own.
    pub shards: u8,
    /// Whether this machine computes AES-256-GCM fast enough to offer it to peers with [`Peer::extended`].
    pub aes: bool,
}

impl Settings {
    /// Settings with WireGuard's cryptography, an MTU of 1420 octets and no peers.
    pub fn new(name: impl Into<String>, private_key: PrivateKey) -> Self {
        Self {
            name: name.into(),
            private_key,
            suite: Suite::WireGuard,
            peers: Vec::new(),
            mtu: 1420,
            handshake_rate: 1000,
            shards: 1,
            aes: false,
        }
    }
}

/// A peer's place in its endpoint's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// A peer's settings.
#[derive(Clone)]
pub struct Peer {
    /// Who it is.
    pub public_key: PublicKey,
    /// An additional secret shared by both sides; without one the protocol uses zeros.
    pub preshared_key: Option<Zeroizing<[u8; 32]>>,
    /// Where it is reached, until its own packets come from elsewhere; `None` when it must come to us.
    pub endpoint: Option<SocketAddrV4>,
    /// Whether it is called unasked, at once and for ever.
    pub initiate: bool,
    /// How often to send something on an otherwise silent tunnel, for the NATs on the way.
    pub keepalive: Option<Duration>,
    /// Whether its address is where its packets come from; otherwise it stays where [`Peer::endpoint`] and
    /// [`Input::Move`](crate::Input::Move) say.
    pub roams: bool,
    /// Whether the peer is of this project too, so that AEAD and lanes are worth negotiating. Without an
    /// answer the tunnel is plain WireGuard; `false` never asks.
    pub extended: bool,
    /// How long to wait for the answer to the first initiation. Doubles with every retry up to
    /// WireGuard's five seconds. One second starts a network soon; five is what others do.
    pub first_retry: Duration,
}

impl Peer {
    /// A peer with this key that comes to us.
    pub fn new(public_key: PublicKey) -> Self {
        Self {
            public_key,
            preshared_key: None,
            endpoint: None,
            initiate: false,
            keepalive: None,
            roams: true,
            extended: false,
            first_retry: FIRST_RETRY,
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("public_key", &self.public_key)
            .field("endpoint", &self.endpoint)
            .field("initiate", &self.initiate)
            .field("keepalive", &self.keepalive)
            .field("roams", &self.roams)
            .field("extended", &self.extended)
            .field("first_retry", &self.first_retry)
            .finish_non_exhaustive()
    }
}

/// Longer than any round trip on Earth by way of a geostationary satellite, so that a slow peer is not
/// called twice; short enough that one lost datagram does not delay a network's start by five seconds.
const FIRST_RETRY: Duration = Duration::from_secs(1);
