//! What the operator decided about a speaker and its neighbours.

mod capabilities;
mod dynamic;
mod limits;
mod neighbor;
mod transport;

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::Asn;

pub use capabilities::{AddPath, AddPaths, Families, GracefulRestart, Role};
pub use dynamic::DynamicNeighbors;
pub use limits::{Counting, OnExceed, Pace, PrefixLimit};
pub use neighbor::{ConnectMode, HoldTimeRule, Neighbor, NextHopRule};
pub use transport::{AoAlgorithm, Auth, Secret, TcpOptions};

/// Names a TCP connection between the speaker and its shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

impl ConnId {
    /// The `n`-th connection that the shell accepted. The speaker itself names the connections
    /// that it opens, with numbers below 2⁶³.
    pub const fn accepted(n: u64) -> Self {
        Self(n | 1 << 63)
    }
}

/// A neighbour: its place in the order of the settings and of later additions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NeighborId(pub u32);

impl NeighborId {
    /// The place as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A class of neighbours, free for policies to use (`Match::FromGroup`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(pub u8);

/// A speaker: itself, how it decides, and its neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Our AS.
    pub local_as: Asn,
    /// Our BGP identifier.
    pub router_id: Ipv4Addr,
    /// Our cluster when we reflect (RFC 4456); the router ID when `None`.
    pub cluster_id: Option<Ipv4Addr>,
    /// How many equal paths a prefix may use; 0 and 1 mean the best one only.
    pub multipath_max: u8,
    /// Which AS_PATHs count as equal for multipath.
    pub multipath_as_path: AsPathRule,
    /// Between which paths MULTI_EXIT_DISC is compared.
    pub med: MedRule,
    /// Whether ORIGIN takes part in the decision (RFC 4271 §9.1.2.2 b).
    pub compare_origin: bool,
    /// Whether external paths go before internal ones (RFC 4271 §9.1.2.2 d).
    pub prefer_external: bool,
    /// While this many prefixes have a path, no neighbour brings another prefix: its route is kept
    /// and not used until it is announced anew. `None` is no limit.
    pub prefixes_max: Option<u32>,
    /// How long an open connection may go without the other side's OPEN (RFC 4271 §8.2.2 suggests
    /// four minutes).
    pub open_hold_time: Duration,
    /// How many accepted connections may be without a session at once, over all neighbours; further
    /// ones are closed. Each neighbour has one at the most.
    pub half_open_max: u32,
    /// Whether the speaker begins after a restart with its forwarding kept (RFC 4724 §4.1), and how
    /// long it then waits for the neighbours' routes before it uses and tells any.
    pub restarting: Option<Duration>,
    /// Whether each whole message in and out is shown as [`crate::Output::Message`].
    pub tap: bool,
    /// Who may become a neighbour by connecting to us; the longest prefix counts.
    pub dynamic: Vec<DynamicNeighbors>,
    /// The neighbours; the index is the [`NeighborId`].
    pub neighbors: Vec<Neighbor>,
}

impl Settings {
    /// A speaker without neighbours that decides as RFC 4271 says.
    pub const fn new(local_as: Asn, router_id: Ipv4Addr) -> Self {
        Self {
            local_as,
            router_id,
            cluster_id: None,
            multipath_max: 1,
            multipath_as_path: AsPathRule::SameLength,
            med: MedRule::SameNeighborAs,
            compare_origin: true,
            prefer_external: true,
            prefixes_max: None,
            open_hold_time: Duration::from_secs(240),
            half_open_max: 1_024,
            restarting: None,
            tap: false,
            dynamic: Vec::new(),
            neighbors: Vec::new(),
        }
    }

    /// The cluster ID in force.
    pub fn cluster(&self) -> Ipv4Addr {
        self.cluster_id.unwrap_or(self.router_id)
    }
}

/// Which AS_PATHs count as equal for multipath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsPathRule {
    /// The same numbers in the same order.
    Identical,
    /// The same length.
    SameLength,
}

/// Between which paths MULTI_EXIT_DISC is compared (RFC 4271 §9.1.2.2 c).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MedRule {
    /// Between all.
    Always,
    /// Between none.
    Never,
    /// Between paths from the same neighbouring AS, as the RFC says.
    SameNeighborAs,
}
