//! What the operator decided about a speaker and its neighbours.

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::Asn;

use crate::policy::Policy;

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

/// What we offer in the multiprotocol capability (RFC 4760 §8). IPv4 unicast is always offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdvertisedFamilies {
    /// IPv4 unicast.
    #[default]
    Ipv4,
    /// IPv4 and IPv6 unicast, as Azure Route Server does. IPv6 routes are checked and dropped.
    Ipv4AndIpv6,
}

/// One neighbour.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an operator's switch of its own, none depends on another"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// For people.
    pub name: String,
    /// Our end of the session.
    pub local_address: Ipv4Addr,
    /// Its end of the session.
    pub address: Ipv4Addr,
    /// Its AS; equal to ours makes the session internal.
    pub remote_as: Asn,
    /// Its class, for policies.
    pub group: Group,
    /// We only listen.
    pub passive: bool,
    /// Starts with the speaker; otherwise waits for [`crate::Command::Up`].
    pub start_enabled: bool,
    /// What we offer; zero, or at least three seconds. The smaller of both offers is used.
    pub hold_time: Duration,
    /// Between attempts to connect, before jitter.
    pub connect_retry: Duration,
    /// The first pause after a session failed, before jitter; doubles with each further failure,
    /// up to 64 times as long (RFC 4271 §8.1.1, DampPeerOscillations).
    pub idle_hold: Duration,
    /// It is our route reflection client (internal sessions only).
    pub route_reflector_client: bool,
    /// The interior cost of next hops behind it (RFC 4271 §9.1.2.2 e).
    pub interior_cost: u32,
    /// On export its own AS in AS_PATH is replaced by ours (external sessions only).
    pub as_override: bool,
    /// How often our own AS may stand in a received AS_PATH; 0 as RFC 4271 §9.1.2 says.
    pub own_as_allowed: u8,
    /// Whether the first AS of a received AS_PATH must be its own (external sessions only).
    pub enforce_first_as: bool,
    /// Time to live of outgoing connections; at least 2 for external multihop sessions.
    pub ebgp_multihop_ttl: u8,
    /// How many routes it may send. Without one, [`PrefixLimit::ALWAYS`] holds.
    pub prefix_limit: Option<PrefixLimit>,
    /// What to take. `None`: everything from an internal neighbour, nothing from an external
    /// one (RFC 8212).
    pub import: Option<Policy>,
    /// What to tell. `None`: as for `import`.
    pub export: Option<Policy>,
    /// Whose address it is told as NEXT_HOP.
    pub next_hop: NextHopRule,
    /// The families we offer.
    pub families: AdvertisedFamilies,
    /// Whether we offer four-octet AS numbers (RFC 6793).
    pub four_octet_as: bool,
    /// Whether we offer route refresh (RFC 2918).
    pub route_refresh: bool,
}

impl Neighbor {
    /// A neighbour with the usual values: hold time 90 s, connect retry 30 s, no policies.
    pub fn new(
        name: impl Into<String>,
        local_address: Ipv4Addr,
        address: Ipv4Addr,
        remote_as: Asn,
    ) -> Self {
        Self {
            name: name.into(),
            local_address,
            address,
            remote_as,
            group: Group(0),
            passive: false,
            start_enabled: true,
            hold_time: Duration::from_secs(90),
            connect_retry: Duration::from_secs(30),
            idle_hold: Duration::from_secs(1),
            route_reflector_client: false,
            interior_cost: 0,
            as_override: false,
            own_as_allowed: 0,
            enforce_first_as: true,
            ebgp_multihop_ttl: 64,
            prefix_limit: None,
            import: None,
            export: None,
            next_hop: NextHopRule::Standard,
            families: AdvertisedFamilies::Ipv4,
            four_octet_as: true,
            route_refresh: true,
        }
    }
}

/// Whose address a neighbour is told as NEXT_HOP. A policy's `Action::NextHop` goes before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHopRule {
    /// RFC 4271 §5.1.3: ours to external neighbours and for what we originate without a next
    /// hop, unchanged to internal ones.
    #[default]
    Standard,
    /// Always ours, for reflected routes as well.
    Ourselves,
    /// As received; ours only for what we originate without a next hop.
    Unchanged,
}

/// How many routes a neighbour may have here, and how they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixLimit {
    /// The most that is tolerated; one more ends the session with Cease, subcode 1 (RFC 4486).
    pub max: u32,
    /// How routes are counted.
    pub count: Counting,
}

impl PrefixLimit {
    /// The bound on memory that holds for every neighbour without a limit of its own.
    pub const ALWAYS: Self = Self {
        max: 4_000_000,
        count: Counting::Held,
    };
}

/// How routes are counted against a [`PrefixLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Distinct prefixes held from the neighbour.
    Held,
    /// Those held when a burst begins, plus every announcement of the burst, repetitions
    /// included: Azure Route Server's rule. A burst ends after one second without announcements.
    HeldPlusIncoming,
}
