//! What the two halves of an endpoint tell each other: orders and changes downwards, notices upwards.

use core::fmt;
use std::net::SocketAddrV4;

use inet::Instant;

use crate::extension::{Secrets, Terms};
use crate::{Output, PeerCounters, PeerId};

/// What [`Handshakes`](crate::Handshakes) asks for, to be done in the order given.
#[derive(Debug)]
pub enum Order {
    /// For the locator's socket, or for whoever wants to know.
    Output(Output),
    /// For the [`Lanes`](crate::Lanes) of a shard.
    Change {
        /// Which one.
        shard: usize,
        /// What changes there.
        change: Change,
    },
}

/// A change of what the lanes know. It may hold keys, and shows none.
#[derive(Clone)]
pub struct Change(pub(crate) Kind);

/// What a change changes.
#[derive(Clone)]
pub(crate) enum Kind {
    /// A peer is there; what was known of another one in its place is gone.
    Peer {
        id: PeerId,
        endpoint: Option<SocketAddrV4>,
        /// Whether what comes from elsewhere moves the endpoint there.
        roams: bool,
        /// The lane that a peer without the extension has.
        plain_lane: Option<u8>,
    },
    /// It is gone.
    Gone(PeerId),
    /// Its packets go there now.
    Moved(PeerId, SocketAddrV4),
    /// Keys to receive with.
    Install(Box<Install>),
    /// Packets are sent with the keys of this index.
    Use(PeerId, u32),
    /// The keys of this index are not needed any more.
    Forget(PeerId, u32),
    /// What was held can be sent; with `or_keepalive` something is sent in any case.
    Flush { id: PeerId, or_keepalive: bool },
    /// Send an empty packet.
    Keepalive(PeerId),
    /// What was held will never be sent.
    DropHeld(PeerId),
}

/// The keys of one handshake.
#[derive(Clone)]
pub(crate) struct Install {
    pub(crate) id: PeerId,
    pub(crate) local_index: u32,
    pub(crate) remote_index: u32,
    pub(crate) created: Instant,
    pub(crate) terms: Terms,
    pub(crate) secrets: Secrets,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, id) = match &self.0 {
            Kind::Peer { id, .. } => ("Peer", id),
            Kind::Gone(id) => ("Gone", id),
            Kind::Moved(id, _) => ("Moved", id),
            Kind::Install(install) => ("Install", &install.id),
            Kind::Use(id, _) => ("Use", id),
            Kind::Forget(id, _) => ("Forget", id),
            Kind::Flush { id, .. } => ("Flush", id),
            Kind::Keepalive(id) => ("Keepalive", id),
            Kind::DropHeld(id) => ("DropHeld", id),
        };
        write!(f, "Change({name} {})", id.0)
    }
}

/// What the lanes of a shard noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// There are packets for this peer, and no keys to send them with.
    Wanted(PeerId),
    /// Something went to or came from a peer.
    Activity(Activity),
}

/// What went through a peer's lanes since the last report, and when it last did. Only authentic messages count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Whose.
    pub peer: PeerId,
    /// Anything was sent.
    pub(crate) sent: Option<Instant>,
    /// A packet was sent, not only a keepalive.
    pub(crate) sent_packet: Option<Instant>,
    /// Anything came.
    pub(crate) received: Option<Instant>,
    /// A packet came, not only a keepalive.
    pub(crate) received_packet: Option<Instant>,
    /// It came from a new address.
    pub(crate) from: Option<SocketAddrV4>,
    /// It was the first one with the keys of this index.
    pub(crate) first_with: Option<u32>,
    /// The keys in use have sealed as much as they should.
    pub(crate) used_up: bool,
    /// Packets and octets since the last report.
    pub(crate) counters: PeerCounters,
}

impl Activity {
    pub(crate) fn new(peer: PeerId) -> Self {
        Self {
            peer,
            sent: None,
            sent_packet: None,
            received: None,
            received_packet: None,
            from: None,
            first_with: None,
            used_up: false,
            counters: PeerCounters::default(),
        }
    }
}
