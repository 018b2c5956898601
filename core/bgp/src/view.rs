//! What can be read from a speaker: neighbours, paths, tables.

use core::net::Ipv4Addr;

use inet::{Asn, Instant, Net};

pub use crate::decision::Step;
use crate::output::Ended;
use crate::peer::stale::Stale;
use crate::session::Negotiated;
use crate::settings::{ConnId, Neighbor, NeighborId};
use crate::wire::attributes::Attributes;
use crate::wire::capability::Capability;
use crate::wire::header::Kind;
use crate::wire::notification::Notification;

/// The states of RFC 4271 §8.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Down, or pausing after a failure. Connections are refused.
    Idle,
    /// Opening a connection.
    Connect,
    /// Listening; will connect when the retry timer says so.
    Active,
    /// Our OPEN is out.
    OpenSent,
    /// Both OPENs were good.
    OpenConfirm,
    /// Routes flow.
    Established,
}

impl State {
    /// The name that the RFC uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
        }
    }
}

/// Messages and routes, counted since the speaker began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// UPDATEs received.
    pub updates_in: u64,
    /// UPDATE messages sent.
    pub updates_out: u64,
    /// All messages received.
    pub messages_in: u64,
    /// All messages sent.
    pub messages_out: u64,
    /// OPENs received.
    pub opens_in: u64,
    /// OPENs sent.
    pub opens_out: u64,
    /// NOTIFICATIONs received.
    pub notifications_in: u64,
    /// NOTIFICATIONs sent.
    pub notifications_out: u64,
    /// KEEPALIVEs received.
    pub keepalives_in: u64,
    /// KEEPALIVEs sent.
    pub keepalives_out: u64,
    /// ROUTE-REFRESHs received.
    pub refreshes_in: u64,
    /// ROUTE-REFRESHs sent.
    pub refreshes_out: u64,
    /// Times the session was established.
    pub established: u32,
    /// UPDATEs whose faults the session survived (RFC 7606).
    pub faults: u32,
}

impl Counters {
    pub(crate) const fn heard(&mut self, kind: Kind) {
        self.messages_in += 1;
        match kind {
            Kind::Open => self.opens_in += 1,
            Kind::Update => self.updates_in += 1,
            Kind::Notification => self.notifications_in += 1,
            Kind::Keepalive => self.keepalives_in += 1,
            Kind::RouteRefresh => self.refreshes_in += 1,
        }
    }

    pub(crate) const fn said(&mut self, kind: Kind) {
        self.messages_out += 1;
        match kind {
            Kind::Open => self.opens_out += 1,
            Kind::Update => self.updates_out += 1,
            Kind::Notification => self.notifications_out += 1,
            Kind::Keepalive => self.keepalives_out += 1,
            Kind::RouteRefresh => self.refreshes_out += 1,
        }
    }
}

/// A neighbour as it is now.
#[derive(Clone, Debug)]
pub struct NeighborView<'a> {
    /// Its ID.
    pub id: NeighborId,
    /// Its settings.
    pub settings: &'a Neighbor,
    /// Its session's state: that of the more advanced connection.
    pub state: State,
    /// When the session reached or left Established.
    pub since: Instant,
    /// Whether it may run (`Up`).
    pub enabled: bool,
    /// Counters.
    pub counters: Counters,
    /// Prefixes held from it.
    pub received: u32,
    /// Of these, how many passed policy and loop checks.
    pub accepted: u32,
    /// How many routes it is told.
    pub sent: u32,
    /// When and why its last connection ended.
    pub last_end: Option<&'a (Instant, Ended)>,
    /// The last NOTIFICATION that we sent, and when.
    pub last_sent: Option<&'a (Instant, Notification)>,
    /// The last NOTIFICATION that we received, and when.
    pub last_received: Option<&'a (Instant, Notification)>,
    /// Whether it is a neighbour for as long as its connection lives ([`crate::Settings::dynamic`]).
    pub dynamic: bool,
    /// What its stale routes wait for: IPv4's and IPv6's.
    pub stale: [Stale; 2],
    /// Whether it is being drained ([`crate::Command::GracefulShutdown`]).
    pub graceful_shutdown: bool,
    /// What was negotiated, while established.
    pub session: Option<SessionView<'a>>,
}

/// What the two sides agreed.
#[derive(Clone, Debug)]
pub struct SessionView<'a> {
    /// The connection.
    pub conn: ConnId,
    /// The neighbour's BGP identifier.
    pub router_id: Ipv4Addr,
    /// The neighbour's AS.
    pub remote_as: Asn,
    /// Hold time in force, in seconds; zero is none.
    pub hold_time_s: u16,
    /// What the neighbour can do.
    pub capabilities: &'a [Capability],
    /// What both sides make of it.
    pub negotiated: &'a Negotiated,
}

/// A path to a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Who told us; `None` for a route of our own.
    pub neighbor: Option<NeighborId>,
    /// The path identifier that it came with (RFC 7911); 0 without.
    pub path_id: u32,
    /// Whether it is the best path, the one that is told to others.
    pub best: bool,
    /// Its attributes after import policy.
    pub attributes: Attributes,
}

/// A route in an Adj-RIB-In.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRoute {
    /// The prefix.
    pub net: Net,
    /// The path identifier that it came with (RFC 7911); 0 without.
    pub path_id: u32,
    /// As received.
    pub received: Attributes,
    /// After import policy; `None` when it was refused.
    pub accepted: Option<Attributes>,
    /// Why it was refused.
    pub refused: Option<Refusal>,
}

/// A route in an Adj-RIB-Out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertisedRoute {
    /// The prefix.
    pub net: Net,
    /// The path identifier that it has there (RFC 7911); 0 without.
    pub path_id: u32,
    /// As sent.
    pub attributes: Attributes,
}

/// Why a route of a neighbour is kept but not a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Our AS stands in AS_PATH (RFC 4271 §9.1.2).
    AsLoop,
    /// We are in ORIGINATOR_ID or CLUSTER_LIST (RFC 4456 §8).
    ReflectionLoop,
    /// An external neighbour without an import policy (RFC 8212).
    NoPolicy,
    /// The import policy said no.
    Policy,
    /// OTC says that it leaked (RFC 9234 §5).
    RouteLeak,
    /// It counts under a shorter prefix.
    Aggregated,
    /// There are as many prefixes as there may be.
    TooManyPrefixes,
}

/// What became of a path in the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is the best path.
    Best,
    /// It is as good as the best one and shares its flows.
    Used,
    /// It lost.
    Lost {
        /// At which step.
        step: Step,
        /// To whose path; `None` is our own.
        to: Option<NeighborId>,
    },
    /// It was no candidate.
    Refused(Refusal),
}

/// One path to a prefix and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who told us; `None` for a route of our own.
    pub neighbor: Option<NeighborId>,
    /// The path identifier that it came with (RFC 7911); 0 without.
    pub path_id: u32,
    /// After import policy; as received when it was refused.
    pub attributes: Attributes,
    /// Whether its neighbour has not told it again since it restarted.
    pub stale: bool,
    /// What became of it.
    pub fate: Fate,
}

/// Every path to a prefix, in order of preference; refused ones last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The prefix.
    pub net: Net,
    /// Its paths.
    pub candidates: Vec<Candidate>,
}

/// Sizes of the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Prefixes with a path in use.
    pub prefixes: usize,
    /// Paths of all neighbours, and our own.
    pub paths: usize,
    /// Different attribute sets, received and sent.
    pub attribute_sets: usize,
    /// Bytes of their blocks.
    pub attribute_bytes: usize,
}

/// A route as bytes: attributes as a block, as they stand in an UPDATE to a four-octet neighbour, NEXT_HOP of either
/// family included and no MP_REACH_NLRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedRoute<'a> {
    /// The prefix.
    pub net: Net,
    /// Who told us; `None` for a route of our own.
    pub neighbor: Option<NeighborId>,
    /// The path identifier that it came with (RFC 7911); 0 without.
    pub path_id: u32,
    /// Before import policy.
    pub received: &'a [u8],
    /// After it; `None` when it was refused.
    pub accepted: Option<&'a [u8]>,
}

/// A part of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// Its routes; those to one prefix stand together.
    pub routes: Vec<RecordedRoute<'a>>,
    /// Where the next page begins; `None` when this is the last one.
    pub next: Option<u32>,
}
