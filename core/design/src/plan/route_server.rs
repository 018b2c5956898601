//! A Route Server instance's configuration, with what the platform allows and how it behaves where
//! it publishes nothing.

use core::net::Ipv4Addr;

use inet::{Asn, Prefix};
use serde::{Deserialize, Serialize};

use crate::platform::PublishedLimits;

use super::{BgpPeerConfig, Community, InterfaceConfig};

/// One of the two instances of a Route Server: its whole configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteServerConfig {
    /// Device name: `rs0.westeurope`, `rs1.westeurope`.
    pub name: String,
    /// Region name.
    pub region: String,
    /// The VNet it stands in.
    pub vnet: String,
    /// 0 or 1.
    pub instance: u8,
    /// The other instance's device name.
    pub twin: String,
    /// Its interface (`eth0`) in RouteServerSubnet; the address is the BGP endpoint and router ID.
    pub interface: InterfaceConfig,
    /// RouteServerSubnet, which is never learned.
    pub subnet: Prefix,
    /// 65515.
    pub asn: Asn,
    /// The NVAs.
    pub peers: Vec<BgpPeerConfig>,
    /// Address space announced to NVAs: the own VNet and spokes that use the hub's gateway.
    pub announced: Vec<Prefix>,
    /// Address space of the own and all peered VNets: equal or longer routes are never programmed.
    pub vnet_space: Vec<Prefix>,
    /// Whether routes of one NVA or gateway go to the others.
    pub branch_to_branch: bool,
    /// Which source wins for equal prefixes.
    pub routing_preference: RoutingPreference,
    /// Offered hold time in seconds (platform: 180).
    pub hold_time_s: u16,
    /// Routes a peer may have, counted as held plus incoming (platform: 4000).
    pub routes_per_peer: u32,
    /// Address space of the own VNet; a part of `vnet_space`.
    #[serde(default)]
    pub own_space: Vec<Prefix>,
    /// Instances of ExpressRoute and VPN gateways in the VNet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<GatewayConfig>,
    /// Route maps by name, and where they are attached.
    #[serde(default, skip_serializing_if = "RouteMaps::is_empty")]
    pub route_maps: RouteMaps,
    /// The platform's other limits.
    #[serde(default)]
    pub limits: Limits,
    /// What the platform does where it publishes nothing.
    #[serde(default)]
    pub choices: PlatformChoices,
}

/// Hub routing preference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoutingPreference {
    /// Routes from ExpressRoute first.
    #[default]
    ExpressRoute,
    /// Routes from VPN and NVAs first.
    VpnGateway,
    /// Shortest AS_PATH, whatever the source.
    AsPath,
}

/// An instance of an ExpressRoute or VPN gateway: an internal peer that the platform manages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Device name.
    pub name: String,
    /// Its address in GatewaySubnet.
    pub address: Ipv4Addr,
    /// What it connects.
    pub kind: BranchKind,
}

/// What a gateway connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BranchKind {
    /// ExpressRoute circuits.
    ExpressRoute,
    /// VPN branches.
    Vpn,
}

/// What the platform publishes as limits of a Route Server, beside
/// [`RouteServerConfig::routes_per_peer`]; `data/platform.yaml` has them by date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// BGP peers.
    pub peers: u32,
    /// Prefixes in all, the VNets' address space included; 0 is none.
    pub routes_total: u32,
    /// VMs in the own and all peered VNets that are sure to be programmed; 0 is none.
    pub vms: u32,
    /// VNets, the own included; 0 is none.
    pub vnets: u32,
    /// Equal next hops of one prefix at a NIC.
    pub next_hops: u8,
}

impl Default for Limits {
    fn default() -> Self {
        let newest = PublishedLimits::newest();
        Self {
            peers: newest.peers,
            routes_total: newest.routes_total,
            vms: newest.vms,
            vnets: newest.vnets,
            next_hops: u8::try_from(newest.next_hops).unwrap_or(u8::MAX),
        }
    }
}

/// What the platform does where it publishes nothing, or where its texts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own that the platform leaves open"
)]
pub struct PlatformChoices {
    /// A peer's smaller hold time is used (RFC 4271 §4.2); otherwise ours is, whatever it offers.
    pub smaller_hold_time: bool,
    /// How routes count against `routes_per_peer`.
    pub routes_counted: RoutesCounted,
    /// Announcements that are further apart than this many milliseconds are counted anew.
    pub burst_gap_ms: u32,
    /// Subcode of the Cease that ends a session over `routes_per_peer` (RFC 4486: 1).
    pub over_routes_subcode: u8,
    /// What happens at `routes_total`.
    pub over_total: OverTotal,
    /// NO_EXPORT (RFC 1997) is obeyed towards NVAs; otherwise it is carried.
    pub obeys_no_export: bool,
    /// ORIGIN takes part in the decision.
    pub compares_origin: bool,
    /// MULTI_EXIT_DISC takes part in the decision, within a neighbouring AS.
    pub compares_med: bool,
    /// A gateway's own routes (empty AS_PATH) come before all others, as a text of 2023 has it.
    pub static_before_bgp: bool,
    /// Of paths that are otherwise equal those of ExpressRoute win, as Virtual WAN has it.
    pub expressroute_breaks_ties: bool,
    /// Several ExpressRoute next hops share a prefix; the platform uses one when there is a Route
    /// Server in the VNet.
    pub expressroute_multipath: bool,
    /// A prefix that ExpressRoute lost stays with VPN or NVAs when ExpressRoute is back, unless
    /// their AS_PATHs are longer.
    pub sticky_failback: bool,
    /// Gateways' routes are programmed without branch-to-branch.
    pub gateway_routes_always: bool,
    /// Seconds that the upgrade takes which the first route map brings.
    pub route_map_upgrade_s: u32,
}

impl Default for PlatformChoices {
    fn default() -> Self {
        Self {
            smaller_hold_time: true,
            routes_counted: RoutesCounted::HeldPlusIncoming,
            burst_gap_ms: 1_000,
            over_routes_subcode: 1,
            over_total: OverTotal::Refuse,
            obeys_no_export: false,
            compares_origin: false,
            compares_med: false,
            static_before_bgp: false,
            expressroute_breaks_ties: false,
            expressroute_multipath: false,
            sticky_failback: false,
            gateway_routes_always: true,
            route_map_upgrade_s: 25 * 60,
        }
    }
}

/// How routes count against the limit of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoutesCounted {
    /// Distinct prefixes held.
    Held,
    /// Those held plus those that arrive, repetitions included: as documented.
    HeldPlusIncoming,
}

/// What happens when there are more prefixes than a Route Server handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverTotal {
    /// The session that brought one too many ends.
    Drop,
    /// New prefixes are not taken.
    Refuse,
}

/// How a Route Server programs the NICs of its VNets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgrammingConfig {
    /// Which instance programs which NIC.
    pub share: NicShare,
    /// VMs that are sure to be programmed; 0 is no limit.
    pub vms: u32,
    /// Which VMs get nothing beyond that.
    pub over_vms: VmsOver,
}

impl Default for ProgrammingConfig {
    fn default() -> Self {
        Self {
            share: NicShare::Hash,
            vms: Limits::default().vms,
            over_vms: VmsOver::Last,
        }
    }
}

impl ProgrammingConfig {
    /// Whether it is as the platform is today.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Which instance programs which NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NicShare {
    /// In turns, in the order of the configuration.
    Alternate,
    /// By a hash of the NIC's name.
    Hash,
}

/// Which VMs are not programmed when there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VmsOver {
    /// Any, by a hash of the NIC's name.
    Hash,
    /// The last ones of the configuration.
    Last,
    /// None: the limit is not enforced.
    Nobody,
}

/// Route maps by name, and where they are attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteMaps {
    /// The maps.
    pub maps: Vec<RouteMapConfig>,
    /// By BGP peer.
    pub peers: Vec<PeerMaps>,
    /// On the ExpressRoute connection.
    pub express_route: MapPair,
    /// On the VPN connection.
    pub vpn: MapPair,
}

impl RouteMaps {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is attached to the peer with an address.
    pub fn of(&self, peer: Ipv4Addr) -> MapPair {
        let found = self.peers.iter().find(|maps| maps.peer == peer);
        found.map_or_else(MapPair::default, |maps| maps.maps.clone())
    }

    /// A map by name.
    pub fn map(&self, name: &str) -> Option<&RouteMapConfig> {
        self.maps.iter().find(|map| map.name == name)
    }
}

/// What is attached to a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerMaps {
    /// Its address.
    pub peer: Ipv4Addr,
    /// The maps.
    #[serde(flatten)]
    pub maps: MapPair,
}

/// Names of an inbound and an outbound route map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MapPair {
    /// For what is learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound: Option<String>,
    /// For what is announced, after the best path is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound: Option<String>,
}

/// A route map: rules in order. What no rule matches is permitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteMapConfig {
    /// Its name.
    pub name: String,
    /// The rules.
    pub rules: Vec<RouteMapRule>,
}

/// A rule of a route map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteMapRule {
    /// All must hold; none matches every route.
    #[serde(default)]
    pub when: Vec<RouteMapMatch>,
    /// What is done.
    #[serde(default)]
    pub then: Vec<RouteMapAction>,
    /// Whether the next rule follows; otherwise the map ends with this one.
    #[serde(default)]
    pub next: bool,
}

/// A condition of a route map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RouteMapMatch {
    /// The prefix is one of these.
    PrefixEquals(Vec<Prefix>),
    /// The prefix is one of these or inside one.
    PrefixContains(Vec<Prefix>),
    /// It has these communities and no others.
    CommunityEquals(Vec<Community>),
    /// It has all of these communities.
    CommunityContains(Vec<Community>),
    /// AS_PATH is this sequence.
    AsPathEquals(Vec<Asn>),
    /// AS_PATH has all of these.
    AsPathContains(Vec<Asn>),
}

/// What a rule of a route map does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RouteMapAction {
    /// The route is dropped.
    Drop,
    /// It counts under another prefix; AS_PATH and communities are lost.
    ReplacePrefix(Prefix),
    /// These are put before AS_PATH.
    AddAsPath(Vec<Asn>),
    /// AS_PATH becomes this sequence.
    ReplaceAsPath(Vec<Asn>),
    /// These are added.
    AddCommunity(Vec<Community>),
    /// These take the place of all that are not the platform's own.
    ReplaceCommunity(Vec<Community>),
    /// These are removed.
    RemoveCommunity(Vec<Community>),
}
