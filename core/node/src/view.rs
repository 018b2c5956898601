//! What a node shows of itself: read-only values for operators, tests and the trace.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::collections::BTreeMap;

use carrier::Way;
use design::plan::LinkRole;
use inet::{FiveTuple, Instant, Prefix};
use path::{Cause, PathId};
use tunnel::SessionState;

use crate::fib::Source;
use crate::id::{LinkId, LocatorId};

/// A line of the forwarding table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardingEntry {
    /// The prefix.
    pub prefix: Prefix,
    /// Where its packets go.
    pub next_hop: NextHop,
    /// Who says so.
    pub source: Source,
}

/// Where packets of a prefix go, by names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// Into a tunnel to one of these neighbours, or to them without a tunnel; sorted by name.
    Neighbors(Vec<String>),
    /// To the kernel, which hands it to this router of the site.
    Router(String),
    /// To the kernel: an own address or LAN.
    Kernel,
    /// To the kernel, which hands it to the platform.
    Platform,
    /// Nowhere: the sender is told that it is unreachable.
    Unreachable,
    /// To the internet at the site, for classes that break out.
    Exit,
}

/// A neighbour and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// Its number.
    pub id: LinkId,
    /// Device name of the neighbour.
    pub neighbor: String,
    /// What the neighbour is to this node.
    pub role: LinkRole,
    /// The neighbour's loopback.
    pub loopback: Option<Ipv4Addr>,
    /// What it carries, when it is a shortcut to another site.
    pub shortcut: Option<ShortcutView>,
    /// Whether any path is up; without tunnels, whether BGP is.
    pub up: bool,
    /// The paths, in the order of the configuration.
    pub paths: Vec<PathView>,
}

/// A shortcut to another site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortcutView {
    /// What is behind the other site.
    pub prefixes: Vec<Prefix>,
    /// Whether packets to these prefixes go by it.
    pub carries: bool,
    /// What that was decided by; `None` before the first comparison.
    pub compared: Option<Compared>,
}

/// A shortcut beside the relay, in round-trip times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// By the shortcut.
    pub direct: Duration,
    /// By the relay.
    pub relay: Duration,
    /// How much shorter the shortcut must be before it carries.
    pub margin_percent: u8,
}

/// A path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathView {
    /// Its number.
    pub id: PathId,
    /// The own locator.
    pub locator: LocatorId,
    /// The own locator's name.
    pub local: String,
    /// The other side's locator's name.
    pub remote: String,
    /// Where the other side is reached; `None` while a neighbour behind NAT has not come yet.
    pub endpoint: Option<SocketAddrV4>,
    /// Lower is preferred.
    pub preference: u8,
    /// Whether it carries packets.
    pub up: bool,
    /// How its tunnel is carried.
    pub carrier: Way,
    /// Until when it carries packets only where there is no other, since it was down.
    pub held_until: Option<Instant>,
    /// What it weighs beside equal ones, bits per second.
    pub weight: u64,
    /// How it stands with each application class, in the order of the configuration.
    pub classes: Vec<ClassView>,
    /// What probing measured; `None` without probes.
    pub probe: Option<path::Statistics>,
    /// How far the tunnel is.
    pub session: SessionState,
    /// Time since the tunnel's last handshake; `None` before the first.
    pub handshake_age: Option<Duration>,
    /// What its keys seal with; `None` without keys.
    pub aead: Option<tunnel::Aead>,
    /// Lanes of its keys; 1 with plain WireGuard, `None` without keys.
    pub lanes: Option<u8>,
    /// Octets of the longest packet that it takes, before the tunnel's headers.
    pub mtu: u16,
    /// What went through the tunnel.
    pub tunnel: tunnel::PeerCounters,
}

/// How a path stands with an application class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassView {
    /// The class.
    pub name: String,
    /// Whether it does what the class asks, and what made it so.
    pub account: path::Account,
    /// Whether it carries the class.
    pub carries: bool,
}

/// An address that hosts of the site resolved from a domain of classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameView {
    /// The address.
    pub address: Ipv4Addr,
    /// The classes, in their order, that have it among their domains.
    pub classes: Vec<String>,
    /// How long it is known.
    pub until: Instant,
}

/// A move of traffic to other paths, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveView {
    /// When.
    pub at: Instant,
    /// Device name of the neighbour.
    pub neighbor: String,
    /// The class; `None` for what is of no class.
    pub class: Option<String>,
    /// The names of the paths that carried it.
    pub from: Vec<String>,
    /// The names of those that carry it now.
    pub to: Vec<String>,
    /// The name of the path that the cause is about.
    pub path: String,
    /// What was noticed.
    pub cause: Cause,
    /// How long a path must be good before what left it comes back.
    pub hold: Duration,
    /// After how long without a reply a path is down.
    pub dead_after: Duration,
}

impl MoveView {
    /// The measurement and the rule that made it, in words.
    pub fn because(&self) -> String {
        let (path, hold) = (&self.path, self.hold.as_secs());
        let keeps = match &self.class {
            Some(class) => format!("what class {class} asks"),
            None => "its replies coming".to_owned(),
        };
        match self.cause {
            Cause::Appeared(_) => format!("{path} came up for the first time"),
            Cause::Down(_) => {
                format!(
                    "{path} is down: no reply for {}ms",
                    self.dead_after.as_millis()
                )
            }
            Cause::Up(_) => format!("{path} came up again"),
            Cause::Broke(_, measure) => format!("{path} measured {measure}"),
            Cause::Degraded(_) => {
                format!("{path} is carried over TLS, since UDP does not get through")
            }
            Cause::Kept(_) => {
                format!("{path} is preferred and has kept {keeps} for {hold}s or more")
            }
            Cause::Better(_) => format!("{path} misses it by less than what carried it"),
        }
    }
}

impl fmt::Display for MoveView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |paths: &[String]| match paths {
            [] => "nothing".to_owned(),
            paths => paths.join("+"),
        };
        let class = self.class.as_deref().unwrap_or("what is of no class");
        let (from, to) = (names(&self.from), names(&self.to));
        let (neighbor, because) = (&self.neighbor, self.because());
        write!(
            f,
            "{class} to {neighbor} goes by {to} and no longer by {from}: {because}"
        )
    }
}

/// What the node would do with a packet of a flow, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The flow.
    pub flow: FiveTuple,
    /// The longest match and who put it there.
    pub matched: Option<(Prefix, Source)>,
    /// The application class that it belongs to.
    pub class: Option<String>,
    /// What happens to the packet.
    pub decision: Decision,
    /// Every neighbour the table offers for this flow, with the reason for or against it.
    pub neighbors: Vec<NeighborChoice>,
    /// The shortcut that takes it in place of a hub.
    pub shortcut: Option<ShortcutView>,
    /// Every path to the chosen neighbour, with the reason for or against it.
    pub paths: Vec<PathChoice>,
}

/// What happens to a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is for the node itself or one of its LANs: the kernel has it.
    Kernel,
    /// The kernel hands it to the platform through the underlay interface.
    Platform,
    /// The kernel hands it to a router of the site.
    Router {
        /// Device name of the router.
        name: String,
        /// The interface towards it.
        interface: String,
    },
    /// The kernel lets it out to the internet, with the interface's address.
    Breakout {
        /// The interface.
        interface: String,
    },
    /// It goes into a tunnel.
    Tunnel {
        /// Device name of the neighbour.
        neighbor: String,
        /// The path taken.
        path: PathId,
        /// The own locator.
        locator: LocatorId,
        /// The flow of the outer packet as it leaves this node.
        outer: FiveTuple,
    },
    /// It is dropped.
    Drop(DropReason),
}

/// A neighbour that could take a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighborChoice {
    /// Device name.
    pub neighbor: String,
    /// Why it does or does not.
    pub reason: ChoiceReason,
}

/// A path that could take a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathChoice {
    /// Its number.
    pub path: PathId,
    /// The own locator's name.
    pub local: String,
    /// The other side's locator's name.
    pub remote: String,
    /// Why it does or does not.
    pub reason: ChoiceReason,
    /// How it stands with the flow's class, and what made it so; `None` without a class.
    pub account: Option<path::Account>,
    /// Until when it is held for traffic of no class, since it was down.
    pub held_until: Option<Instant>,
    /// What it weighs beside equal ones, bits per second.
    pub weight: u64,
}

/// Why a neighbour or a path does or does not take a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChoiceReason {
    /// Nothing else could.
    Only,
    /// It is a shortcut to the site, and measures better than the relay.
    Shortcut,
    /// The flow's hash chose it among equals.
    Hash,
    /// The flow's hash chose another equal one.
    OtherByHash,
    /// Another is preferred.
    LessPreferred,
    /// It was down, or has broken what the flow's class asks, and is not trusted again yet.
    Held,
    /// It does not keep what the flow's class asks.
    BreaksSla,
    /// It would be better, but the class has moved too often of late.
    MovedOften,
    /// It is down.
    Down,
}

/// Why a packet was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// Not a whole IPv4 packet.
    Malformed,
    /// No entry of the table matches.
    NoRoute,
    /// Only a summary matches: nothing of it is behind this address.
    Unreachable,
    /// Every link that could take it is down.
    LinkDown,
    /// No path keeps what its application class asks.
    NoPathForClass,
    /// The tunnel cannot send: no session, no endpoint, or its queue is full.
    NoSession,
    /// The kernel sent into the overlay what the kernel itself should deliver.
    NotForOverlay,
    /// It would leave by the link it came from.
    Returning,
    /// Its time to live ended here.
    TtlExpired,
    /// It is larger than its path takes and must not be fragmented.
    TooBig,
    /// The peer that sent it may not use its source address.
    SourceNotAllowed,
    /// It waited for too long, or longer ones of its flow left it no room: the queue of its path was full.
    Queue,
    /// The underlay marked it as having met congestion, and its transport does not understand that (RFC 6040).
    Congestion,
    /// A probe that fits no path.
    StrayProbe,
}

impl DropReason {
    /// Its name in answers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NoRoute => "no-route",
            Self::Unreachable => "unreachable",
            Self::LinkDown => "link-down",
            Self::NoPathForClass => "no-path-for-class",
            Self::NoSession => "no-session",
            Self::NotForOverlay => "not-for-overlay",
            Self::Returning => "returning",
            Self::TtlExpired => "ttl-expired",
            Self::TooBig => "too-big",
            Self::SourceNotAllowed => "source-not-allowed",
            Self::Queue => "queue",
            Self::Congestion => "congestion",
            Self::StrayProbe => "stray-probe",
        }
    }
}

/// What passed and what was dropped since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets from the kernel.
    pub from_kernel: u64,
    /// Packets to the kernel.
    pub to_kernel: u64,
    /// Packets that left through a tunnel, probes not counted.
    pub to_tunnels: u64,
    /// Packets that came through a tunnel, probes not counted.
    pub from_tunnels: u64,
    /// Packets that came through one tunnel and left through another.
    pub relayed: u64,
    /// ICMP errors sent.
    pub icmp_errors: u64,
    /// Packets sent a second time, by another path.
    pub copies: u64,
    /// Sums over packets that were sent behind them.
    pub parity: u64,
    /// Packets that were lost and brought back by parity.
    pub recovered: u64,
    /// Packets that had come before, by another path or by parity: they end here.
    pub duplicates: u64,
    /// Dropped packets by reason.
    pub drops: BTreeMap<DropReason, u64>,
}

impl Counters {
    /// Adds what another part counted.
    pub(crate) fn add(&mut self, more: &Self) {
        let Self {
            from_kernel,
            to_kernel,
            to_tunnels,
            from_tunnels,
            relayed,
            icmp_errors,
            copies,
            parity,
            recovered,
            duplicates,
            drops,
        } = more;
        self.from_kernel += from_kernel;
        self.to_kernel += to_kernel;
        self.to_tunnels += to_tunnels;
        self.from_tunnels += from_tunnels;
        self.relayed += relayed;
        self.icmp_errors += icmp_errors;
        self.copies += copies;
        self.parity += parity;
        self.recovered += recovered;
        self.duplicates += duplicates;
        for (reason, count) in drops {
            *self.drops.entry(*reason).or_default() += count;
        }
    }

    pub(crate) fn drop(&mut self, reason: DropReason) {
        *self.drops.entry(reason).or_default() += 1;
    }
}

/// The route budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Towards a session with Route Server; `None` without a budget for it.
    pub route_server: Option<BudgetUse>,
    /// Towards the circuits behind the region's gateway, all NVAs and the address space together;
    /// `None` without a budget for it.
    pub express_route: Option<BudgetUse>,
    /// What is announced for others, and for which.
    pub aggregates: BTreeMap<Prefix, Vec<Prefix>>,
    /// What Route Server is told for its VNets only (NO_ADVERTISE), since it does not fit the circuits.
    pub vnets_only: Vec<Prefix>,
    /// What is not told at all.
    pub left_out: Vec<Prefix>,
}

/// How far a budget is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetUse {
    /// Routes that there are to tell.
    pub wanted: u32,
    /// Routes that are told.
    pub told: u32,
    /// The budget.
    pub limit: u32,
    /// How it stands.
    pub level: BudgetLevel,
}

/// How a budget stands, by what there is to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum BudgetLevel {
    /// Below the threshold.
    #[default]
    Within,
    /// At the threshold or above.
    Near,
    /// Over the limit: something is aggregated or left out.
    Over,
}

/// What a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// A session with Route Server.
    RouteServer,
    /// The circuits behind the region's gateway.
    ExpressRoute,
}

/// A LAN's virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayView {
    /// The LAN's interface.
    pub interface: String,
    /// The hosts' gateway address.
    pub virtual_address: Ipv4Addr,
    /// The priority in use.
    pub priority: u8,
    /// Whether this node is the hosts' gateway.
    pub active: bool,
}
