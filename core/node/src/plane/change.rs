//! What the two halves of a node tell each other.

use core::net::{Ipv4Addr, SocketAddrV4};

use inet::{Instant, Prefix};
use path::PathId;

use super::tables::Heard;
use crate::classifier::DomainSet;
use crate::fib::{Source, Target};
use crate::id::{ClassId, LinkId, LocatorId};
use crate::view::Counters;

use super::shortcuts::Partner;
use super::sightings::Sighting;

/// A change for a forwarder, or for all of them.
#[derive(Clone, Debug)]
pub struct Order {
    /// For which; `None` for all.
    pub shard: Option<usize>,
    /// The change.
    pub change: Change,
}

impl Order {
    pub(crate) const fn all(change: Change) -> Self {
        Self {
            shard: None,
            change,
        }
    }
}

/// A change of what forwarders know, to be applied by each of them in the order given.
#[derive(Clone, Debug)]
pub struct Change(pub(crate) Kind);

/// What a change changes.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// What a source knows of a prefix.
    Route {
        prefix: Prefix,
        source: Source,
        target: Option<Target>,
    },
    /// The paths to a neighbour.
    Link { link: LinkId, paths: LinkPaths },
    /// From which domains an address was resolved.
    Name {
        address: Ipv4Addr,
        domains: DomainSet,
    },
    /// How long a packet may be to get through a path.
    Mtu { path: PathId, octets: u16 },
    /// Who is at the other end of a slot.
    Slot {
        link: LinkId,
        partner: Option<Partner>,
    },
    /// How much parity a class gets on a path.
    Protect {
        path: PathId,
        class: ClassId,
        level: fec::Level,
    },
    /// What a locator's lanes on this shard have to know.
    Tunnel {
        locator: LocatorId,
        change: tunnel::Change,
    },
    /// A packet of the node's own for the tunnel of a path: a probe, an ICMP error. It does not queue.
    Send { path: PathId, packet: Vec<u8> },
}

/// What a forwarder noticed.
#[derive(Clone, Debug)]
pub struct Notice(pub(crate) Noticed);

/// What was noticed.
#[derive(Clone, Debug)]
pub(crate) enum Noticed {
    /// By a locator's lanes.
    Tunnel {
        locator: LocatorId,
        notice: tunnel::Notice,
    },
    /// Packets pass between two links.
    Sighting(Sighting),
    /// Packets went through a path.
    Used(PathId),
    /// What passed and what was dropped since the last report.
    Counters(Counters),
    /// What came to nothing at a locator since the start, before any packet was seen.
    Tunnels {
        locator: LocatorId,
        counters: tunnel::Counters,
    },
}

/// Something from a tunnel or the underlay that is for the control half.
#[derive(Clone, Debug)]
pub struct Punt {
    pub(crate) at: Instant,
    pub(crate) kind: Punted,
}

impl Punt {
    /// Whether it is a handshake: anybody can send those, so they may not crowd out anything else.
    pub const fn is_handshake(&self) -> bool {
        matches!(self.kind, Punted::Handshake { .. })
    }
}

/// What is for the control half.
#[derive(Clone, Debug)]
pub(crate) enum Punted {
    /// A handshake message, which anybody may have sent.
    Handshake {
        locator: LocatorId,
        from: SocketAddrV4,
        bytes: Vec<u8>,
    },
    /// The payload of a reply to a probe.
    Reply { path: PathId, payload: Vec<u8> },
    /// What an answer of DNS says about domains of classes.
    Names(Heard),
    /// What came of a protected stream that was sent into a path.
    Report {
        path: PathId,
        class: ClassId,
        stream: u8,
        report: fec::Report,
    },
}

/// Which paths to a neighbour take packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LinkPaths {
    /// The paths for traffic of no class; flows share them. None while the link is down.
    pub(crate) usable: Vec<PathId>,
    /// The paths of each class, by [`crate::ClassId`].
    pub(crate) classes: Vec<Vec<PathId>>,
    /// All that are up: a second one for copies may be one that carries nothing else.
    pub(crate) up: Vec<PathId>,
}

impl LinkPaths {
    /// Whether the neighbour can be reached.
    pub(crate) const fn is_up(&self) -> bool {
        !self.usable.is_empty()
    }
}
