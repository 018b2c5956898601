//! ExpressRoute: gateways, circuits with their two MSEEs, and what each is told.

use core::net::Ipv4Addr;

use inet::{Asn, Prefix};
use serde::{Deserialize, Serialize};

use super::{BgpPeerConfig, Community, InterfaceConfig, Place};

/// One of the two instances of an ExpressRoute gateway: its whole configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErGatewayConfig {
    /// Device name: `ergw0.westeurope`, `ergw1.westeurope`.
    pub name: String,
    /// Region name.
    pub region: String,
    /// The VNet it stands in.
    pub vnet: String,
    /// 0 or 1.
    pub instance: u8,
    /// The other instance's device name and address.
    pub twin: BgpPeerConfig,
    /// Its interface (`eth0`) in GatewaySubnet, base + 12 or + 13; the address is the router ID.
    pub interface: InterfaceConfig,
    /// 65515.
    pub asn: Asn,
    /// Its SKU.
    pub sku: GatewaySku,
    /// What the SKU and the platform allow.
    pub limits: GatewayLimits,
    /// The Route Server instances of the VNet; none without a Route Server.
    #[serde(default)]
    pub route_servers: Vec<BgpPeerConfig>,
    /// Whether Route Server and gateway exchange routes.
    pub branch_to_branch: bool,
    /// Address space announced to circuits: the own VNet and spokes that use the hub's gateway.
    pub announced: Vec<Prefix>,
    /// Address space of the own and all peered VNets: equal or longer routes are never programmed.
    #[serde(default)]
    pub vnet_space: Vec<Prefix>,
    /// These instead of what of `announced` is inside them.
    #[serde(default)]
    pub summarized: Vec<Prefix>,
    /// The circuits.
    pub connections: Vec<GatewayConnection>,
}

/// A gateway's connection to a circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConnection {
    /// Circuit name.
    pub circuit: String,
    /// `routingWeight`: the higher wins.
    pub weight: u32,
    /// The MSEEs' ends in GatewaySubnet, primary first.
    pub msees: Vec<BgpPeerConfig>,
    /// `expressRouteGatewayBypass`.
    #[serde(default)]
    pub fast_path: bool,
}

/// SKU of an ExpressRoute gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatewaySku {
    /// 1 Gb/s.
    #[default]
    ErGw1Az,
    /// 2 Gb/s.
    ErGw2Az,
    /// 10 Gb/s.
    ErGw3Az,
    /// 1 Gb/s for each of its units, 1 to 40.
    ErGwScale(u8),
}

/// What a gateway allows; `data/platform.yaml` has the numbers by SKU and date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayLimits {
    /// Circuits connected.
    pub circuits: u32,
    /// Routes learned from circuits.
    pub learned: u32,
    /// Routes announced to one circuit: more end the sessions.
    pub announced: u32,
    /// Routes in all.
    pub total: u32,
}

/// One of the two MSEEs of a circuit: its whole configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MseeConfig {
    /// Device name: `msee0.amsterdam` (primary), `msee1.amsterdam` (secondary).
    pub name: String,
    /// Circuit name.
    pub circuit: String,
    /// Whether it is the primary.
    pub primary: bool,
    /// Kernel interfaces: `private0`, `microsoft0`, one for each connection, one for each Global Reach.
    pub interfaces: Vec<InterfaceConfig>,
    /// 12076.
    pub asn: Asn,
    /// Router ID.
    pub router_id: Ipv4Addr,
    /// What the circuit allows.
    pub limits: CircuitLimits,
    /// Private peering.
    #[serde(default)]
    pub private_peering: Option<PrivatePeering>,
    /// Microsoft peering.
    #[serde(default)]
    pub microsoft_peering: Option<MicrosoftPeering>,
    /// The gateways.
    #[serde(default)]
    pub connections: Vec<MseeConnection>,
    /// MSEEs of other circuits (Global Reach).
    #[serde(default)]
    pub global_reach: Vec<BgpPeerConfig>,
}

/// The customer's side of a peering, as an MSEE sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerEdge {
    /// Device name, address (the first usable of the /30) and AS.
    pub peer: BgpPeerConfig,
    /// The MSEE's interface towards it.
    pub interface: String,
    /// BFD with 300 ms and a multiplier of 3.
    pub bfd: bool,
    /// Offered keepalive interval and hold time, seconds (platform: 60 and 180).
    pub keepalive_s: u16,
    /// See `keepalive_s`; a smaller one of the customer's holds, down to 10.
    pub hold_time_s: u16,
}

/// Private peering of a circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivatePeering {
    /// The customer's or provider's router.
    pub edge: CustomerEdge,
}

/// Microsoft peering of a circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MicrosoftPeering {
    /// The customer's or provider's router.
    pub edge: CustomerEdge,
    /// Public prefixes that were validated as the customer's; nothing else is taken.
    pub customer_prefixes: Vec<Prefix>,
    /// Microsoft's public prefixes with their communities.
    pub prefixes: Vec<TaggedPrefix>,
    /// Community values of the route filter; nothing is announced without one.
    #[serde(default)]
    pub route_filter: Vec<Community>,
}

/// A public prefix of Microsoft's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaggedPrefix {
    /// The prefix.
    pub prefix: Prefix,
    /// Region and service, such as 12076:51002.
    pub communities: Vec<Community>,
}

/// An MSEE's connection to a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MseeConnection {
    /// VNet name.
    pub vnet: String,
    /// The own interface in its GatewaySubnet, base + 4 (primary) or + 5.
    pub interface: String,
    /// Both instances of the gateway.
    pub gateways: Vec<BgpPeerConfig>,
    /// Community of the region, such as 12076:50002; told with `custom_community` only.
    #[serde(default)]
    pub region_community: Option<Community>,
    /// Community of the VNet, such as 12076:20031.
    #[serde(default)]
    pub custom_community: Option<Community>,
    /// Whether it hears of the circuit's other VNets that also do, and they of it (platform: off on
    /// new gateways).
    #[serde(default = "super::yes", skip_serializing_if = "super::is_yes")]
    pub remote_vnets: bool,
}

/// What a circuit allows; `data/platform.yaml` has the numbers by SKU and date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CircuitLimits {
    /// Prefixes of the customer on the private peering.
    pub private_in: u32,
    /// Prefixes of one gateway towards the customer.
    pub private_out: u32,
    /// Prefixes of the customer on the Microsoft peering, for each session.
    pub microsoft_in: u32,
}

/// A device of the platform whose packets the fabric forwards itself, by the table that the device
/// programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwarderConfig {
    /// Device name.
    pub device: String,
    /// What it is.
    pub kind: ForwarderKind,
}

/// What a forwarder is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ForwarderKind {
    /// An instance of an ExpressRoute gateway.
    Gateway {
        /// Bytes of the largest packet that passes (platform: 1400).
        max_packet: u16,
    },
    /// An MSEE.
    Msee {
        /// Where the circuit's peering location is.
        place: Place,
        /// VNets whose gateway is bypassed towards VMs (FastPath).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fast_path: Vec<String>,
        /// Whether it has a Microsoft peering, and so reaches public addresses.
        microsoft: bool,
    },
}
