//! The Plan: every device of a design with all its settings decided.
//!
//! Everything downstream consumes the Plan and nothing else: the simulator builds its devices from
//! it, the lab writes each device's part to a file and starts the daemon from that file, and the
//! same files serve in production. So these are plain values: names, addresses, roles. What a
//! device makes of them (policies, timers) is the device's own matter.

use core::net::{Ipv4Addr, SocketAddrV4};

use inet::{Asn, Coordinates, Prefix};
use serde::{Deserialize, Serialize};

mod community;
mod express_route;
mod forwarding;
mod route_server;
mod router;
mod routers;
mod steering;

pub use community::Community;
pub use express_route::{
    CircuitLimits, CustomerEdge, ErGatewayConfig, ForwarderConfig, ForwarderKind,
    GatewayConnection, GatewayLimits, GatewaySku, MicrosoftPeering, MseeConfig, MseeConnection,
    PrivatePeering, TaggedPrefix,
};
pub use forwarding::{ForwardingConfig, SourceCheck, THREADS_MAX};
pub use route_server::{
    BranchKind, GatewayConfig, Limits, MapPair, NicShare, OverTotal, PeerMaps, PlatformChoices,
    ProgrammingConfig, RouteMapAction, RouteMapConfig, RouteMapMatch, RouteMapRule, RouteMaps,
    RouteServerConfig, RoutesCounted, RoutingPreference, VmsOver,
};
pub use router::{
    AuthConfig, AuthKind, BfdConfig, BmpConfig, MrtConfig, RouterConfig, StaticRoute,
};
pub use routers::{NodeNeighbor, RouterDevice, RouterPlace, WireConfig, WireEnd};
pub use steering::{
    BudgetConfig, ClassConfig, ClassMatch, OtherwiseConfig, PlainLink, PrefixSet, ProtectConfig,
    ProxyConfig, ShareConfig, ShortcutConfig, SlaConfig,
};

/// A design, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The design's name; also names the lab's state directory.
    pub name: String,
    /// Overlay-wide values.
    pub overlay: Overlay,
    /// Azure regions, in the order of the design.
    pub regions: Vec<Region>,
    /// Sites, in the order of the design.
    pub sites: Vec<Site>,
    /// NVAs and CPEs.
    pub nodes: Vec<NodeConfig>,
    /// Route Server instances, two for each Route Server.
    pub route_servers: Vec<RouteServerConfig>,
    /// Instances of ExpressRoute gateways, two for each gateway.
    #[serde(default)]
    pub gateways: Vec<ErGatewayConfig>,
    /// MSEEs, two for each circuit.
    #[serde(default)]
    pub msees: Vec<MseeConfig>,
    /// Customer and provider routers.
    #[serde(default)]
    pub routers: Vec<RouterDevice>,
    /// VMs and hosts at sites.
    pub hosts: Vec<HostConfig>,
    /// Devices run by foreign software (BIRD, FRR, `wireguard-go`): an address and a place only.
    pub foreign: Vec<ForeignConfig>,
    /// The platform and the underlays between all of them.
    pub fabric: FabricConfig,
}

/// Overlay-wide values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// The overlay's AS.
    pub asn: Asn,
    /// Where loopbacks come from.
    pub loopbacks: Prefix,
    /// What hubs announce to sites in place of single routes.
    pub summaries: Vec<Prefix>,
}

/// A region, for people and reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Azure's name, such as `westeurope`.
    pub name: String,
    /// A number unique in the design, 1 and up; travels in route origins.
    pub number: u16,
    /// Names of its NVAs.
    pub nvas: Vec<String>,
    /// Names of its VNets, hub first.
    pub vnets: Vec<String>,
}

/// A site, for people and reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The site's name.
    pub name: String,
    /// Home region.
    pub home: String,
    /// Backup region, if any.
    pub backup: Option<String>,
    /// Names of its CPEs.
    pub cpes: Vec<String>,
    /// Its LAN prefixes.
    pub lans: Vec<Prefix>,
}

/// An SD-WAN node: its whole configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Unique device name: `nva1.westeurope`, `cpe1.paris`.
    pub name: String,
    /// What the node is.
    pub role: NodeRole,
    /// The overlay's AS.
    pub asn: Asn,
    /// Loopback address: BGP, probes and the router ID use it.
    pub loopback: Ipv4Addr,
    /// Kernel interfaces that exist when the daemon starts.
    pub interfaces: Vec<InterfaceConfig>,
    /// Tunnel endpoints.
    pub locators: Vec<LocatorConfig>,
    /// Neighbours reached by tunnels.
    pub links: Vec<LinkConfig>,
    /// Both Route Server endpoints (NVA only).
    #[serde(default)]
    pub route_servers: Vec<BgpPeerConfig>,
    /// Prefixes that hubs send to sites in place of single routes (NVA only).
    #[serde(default)]
    pub summaries: Vec<Prefix>,
    /// The LANs behind the node (CPE only).
    #[serde(default)]
    pub lans: Vec<NodeLan>,
    /// Routers at the site that it speaks BGP with (CPE only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbors: Vec<NodeNeighbor>,
    /// Application classes, first match first; what none matches takes `PathConfig::preference`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassConfig>,
    /// Lists of prefixes that classes name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefix_sets: Vec<PrefixSet>,
    /// Tunnels between sites beside those to hubs.
    #[serde(default, skip_serializing_if = "ShortcutConfig::is_default")]
    pub shortcuts: ShortcutConfig,
    /// Prefixes that it announces to Route Server of its own accord, such as a default (NVA only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub originate: Vec<Prefix>,
    /// Numbers of the routing domains that Route Server's side reaches beside its own region: the
    /// circuits of its gateway. What came from one of them is not announced there again (NVA only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<u16>,
    /// Whether routes of other origin than the own side are told from each other by where they came
    /// from; without it a loop across regions is possible, as with routers of other make (NVA only).
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub guards_origin: bool,
    /// How many routes it may announce, and what it does about it (NVA only).
    #[serde(default, skip_serializing_if = "BudgetConfig::is_default")]
    pub budget: BudgetConfig,
    /// Probing of paths.
    pub probe: ProbeConfig,
    /// How many times the own AS is prepended towards Route Server: 0 active, 2 or so passive.
    #[serde(default)]
    pub prepend: u8,
    /// MTU of the overlay device.
    pub mtu: u16,
    /// Threads, source checks, ciphers.
    #[serde(default, skip_serializing_if = "ForwardingConfig::is_default")]
    pub forwarding: ForwardingConfig,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum NodeRole {
    /// An SD-WAN hub in a region's hub VNet.
    Nva {
        /// Region name.
        region: String,
        /// Region number, for route origins.
        number: u16,
    },
    /// Customer-premises equipment.
    Cpe {
        /// Site name.
        site: String,
    },
}

/// A kernel interface with one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceConfig {
    /// `eth0`, `wan0`, `wan1`, `lan0`.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Length of the connected prefix.
    pub prefix_len: u8,
    /// Whether it carries a default route, and with which metric (lower wins).
    #[serde(default)]
    pub default_route_metric: Option<u32>,
}

/// A tunnel endpoint: one key pair, one UDP port, one underlay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocatorConfig {
    /// Unique in the whole design: `nva1.westeurope/azure`, `cpe1.paris/internet`.
    pub name: String,
    /// The underlay's name.
    pub underlay: String,
    /// The interface it is bound to.
    pub interface: String,
    /// UDP port it listens on.
    pub port: u16,
    /// X25519 public key in base64, as WireGuard writes it; the private key is in a file of its own.
    pub public_key: String,
    /// Whether the underlay reaches the internet, so that classes can break out there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub internet: bool,
    /// Bits per second that the underlay takes from here; 0 is no limit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub up_bps: u64,
    /// The TCP port of its interface on which it takes tunnels over TLS as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_port: Option<u16>,
    /// What stands in the way out of TCP connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyConfig>,
}

/// A neighbour and the paths to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkConfig {
    /// The neighbour's device name.
    pub neighbor: String,
    /// What the neighbour is to this node.
    pub role: LinkRole,
    /// The neighbour's loopback; `None` for a plain WireGuard peer without BGP.
    #[serde(default)]
    pub loopback: Option<Ipv4Addr>,
    /// Prefixes behind a plain WireGuard peer, announced by this node while the peer is up;
    /// also the only inner source addresses accepted from it.
    #[serde(default)]
    pub static_routes: Vec<Prefix>,
    /// The paths, one for each pair of locators.
    pub paths: Vec<PathConfig>,
    /// What the neighbour may announce: exactly these prefixes and no others (an NVA's link to a site:
    /// the LANs of the site, and what its CPEs take from its routers).
    /// `None` takes everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<Vec<Prefix>>,
    /// Without any tunnel: BGP and packets go over the underlay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain: Option<PlainLink>,
    /// Whether the neighbour is a site that makes shortcuts to other sites, when this hub introduces it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shortcuts: bool,
}

/// What a neighbour is to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkRole {
    /// An NVA of another region (seen from an NVA).
    Hub,
    /// Another NVA of the own region (seen from an NVA).
    Twin,
    /// A site that has this region as home (seen from an NVA).
    HomeSite,
    /// A site that has this region as backup (seen from an NVA).
    BackupSite,
    /// An NVA of the home region (seen from a CPE).
    HomeHub,
    /// An NVA of the backup region (seen from a CPE).
    BackupHub,
}

/// A pair of locators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathConfig {
    /// The own locator's name.
    pub local: String,
    /// The other side's locator's name.
    pub remote: String,
    /// The other side's public key in base64.
    pub public_key: String,
    /// Where the other side is reached; `None` when it is behind NAT and must come to us.
    #[serde(default)]
    pub endpoint: Option<SocketAddrV4>,
    /// Lower is preferred; paths of equal preference share flows.
    pub preference: u8,
    /// Whether this side starts handshakes unasked.
    pub initiate: bool,
    /// Seconds between keepalives on an otherwise silent tunnel; 0 is off.
    pub keepalive_s: u16,
    /// How it is known that the path works.
    pub liveness: Liveness,
    /// The largest packet of the underlay, octets with its IPv4 header, that is ever tried: 1,400
    /// over ExpressRoute, more than 1,500 where all of the way is known to pass it. `None` is 1,500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// Bits per second that the other side's underlay takes from its cloud; 0 is no limit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub down_bps: u64,
    /// Where the other side takes the tunnel over TLS, when UDP does not get through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<SocketAddrV4>,
}

/// How it is known that a path works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Liveness {
    /// By STAMP probes inside the tunnel.
    Probe,
    /// By the tunnel's own handshakes and keepalives (a plain WireGuard peer).
    Handshake,
}

/// Probing of paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeConfig {
    /// Milliseconds between probes on each path that is in use.
    pub interval_ms: u32,
    /// The same for a path that is not; 0 is as if it were.
    #[serde(default, skip_serializing_if = "is_none")]
    pub idle_interval_ms: u32,
    /// A path is down this many milliseconds after the last reply.
    pub dead_after_ms: u32,
}

/// A BGP peer outside the overlay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BgpPeerConfig {
    /// Device name of the peer.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its AS.
    pub asn: Asn,
}

/// A LAN behind a CPE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeLan {
    /// Interface towards the LAN.
    pub interface: String,
    /// Its prefix, announced to the hubs.
    pub prefix: Prefix,
    /// First-hop redundancy, when the site has several CPEs.
    #[serde(default)]
    pub vrrp: Option<VrrpConfig>,
}

/// VRRP version 3 on a LAN (RFC 9568).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VrrpConfig {
    /// Virtual router ID.
    pub id: u8,
    /// The hosts' gateway address.
    pub virtual_address: Ipv4Addr,
    /// 1 to 254, highest becomes active; a node without any hub takes 1.
    pub priority: u8,
    /// Centiseconds between advertisements.
    pub interval_cs: u16,
}

/// A VM or a host at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostConfig {
    /// Device name: `vm1.spoke1-westeurope`, `host1.paris`.
    pub name: String,
    /// Its interface, always `eth0`.
    pub interface: InterfaceConfig,
    /// Where it stands.
    pub place: HostPlace,
}

/// Where a host stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum HostPlace {
    /// A VM in a VNet.
    Vnet {
        /// VNet name.
        vnet: String,
    },
    /// A host on a site's LAN.
    Site {
        /// Site name.
        site: String,
    },
}

/// A device run by foreign software.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignConfig {
    /// Device name.
    pub name: String,
    /// Its interfaces.
    pub interfaces: Vec<InterfaceConfig>,
    /// Whether its kernel forwards.
    pub ip_forward: bool,
}

/// The platform and the underlays: the fabric's whole configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FabricConfig {
    /// Seed of jitter and loss.
    pub seed: u64,
    /// Regions with their places.
    pub regions: Vec<FabricRegion>,
    /// One-way latency between regions; missing pairs follow from the distance.
    pub backbone: Vec<BackboneConfig>,
    /// One-way latency inside a region, microseconds.
    pub region_latency_us: u32,
    /// Virtual networks.
    pub vnets: Vec<VnetConfig>,
    /// Network interfaces in VNets.
    pub nics: Vec<NicConfig>,
    /// Network security groups by name.
    pub nsgs: Vec<NsgConfig>,
    /// Route tables by name.
    pub route_tables: Vec<RouteTableConfig>,
    /// Internet and MPLS clouds.
    pub clouds: Vec<CloudConfig>,
    /// Access links of sites to clouds.
    pub attachments: Vec<AttachmentConfig>,
    /// Site LANs.
    pub lans: Vec<LanConfig>,
    /// Point-to-point links.
    #[serde(default)]
    pub wires: Vec<WireConfig>,
    /// Devices whose packets the fabric forwards itself: gateways and MSEEs.
    #[serde(default)]
    pub forwarders: Vec<ForwarderConfig>,
    /// Milliseconds from a Route Server's decision to the NICs, at least.
    pub programming_delay_ms: u32,
    /// At most: each decision takes a time between the two. Smaller than the least means the least.
    #[serde(default)]
    pub programming_delay_max_ms: u32,
}

/// A region's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FabricRegion {
    /// Azure's name.
    pub name: String,
    /// Latitude and longitude in millionths of a degree.
    pub place: Place,
}

/// Latitude and longitude in millionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// North is positive.
    pub latitude_udeg: i32,
    /// East is positive.
    pub longitude_udeg: i32,
}

impl From<Place> for Coordinates {
    fn from(place: Place) -> Self {
        Self {
            latitude_udeg: place.latitude_udeg,
            longitude_udeg: place.longitude_udeg,
        }
    }
}

/// The backbone between two regions, both ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackboneConfig {
    /// One region.
    pub a: String,
    /// The other.
    pub b: String,
    /// One-way latency, microseconds (half of the published round trip).
    pub one_way_us: u32,
}

/// A virtual network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VnetConfig {
    /// Unique name: `hub-westeurope`.
    pub name: String,
    /// Region name.
    pub region: String,
    /// Address space.
    pub address_space: Vec<Prefix>,
    /// Subnets.
    pub subnets: Vec<SubnetConfig>,
    /// This side's halves of its peerings.
    pub peerings: Vec<PeeringConfig>,
    /// How the Route Server that stands here programs NICs.
    #[serde(default, skip_serializing_if = "ProgrammingConfig::is_default")]
    pub programming: ProgrammingConfig,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetConfig {
    /// Name, such as `RouteServerSubnet`.
    pub name: String,
    /// Its prefix.
    pub prefix: Prefix,
    /// Name of its network security group.
    #[serde(default)]
    pub nsg: Option<String>,
    /// Name of its route table.
    #[serde(default)]
    pub route_table: Option<String>,
}

/// One half of a peering. Flags as on the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the platform's four flags")]
pub struct PeeringConfig {
    /// Name of the VNet on the other side.
    pub remote: String,
    /// The other side's prefixes are in the VirtualNetwork tag.
    pub allow_virtual_network_access: bool,
    /// Packets that do not come from the other VNet's own address space are let in from it.
    pub allow_forwarded_traffic: bool,
    /// The other side may use this VNet's gateway and Route Server.
    pub allow_gateway_transit: bool,
    /// This side uses the other's gateway and Route Server.
    pub use_remote_gateways: bool,
}

/// A network interface in a VNet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NicConfig {
    /// Device it belongs to.
    pub device: String,
    /// Interface name in the device.
    pub interface: String,
    /// VNet.
    pub vnet: String,
    /// Subnet.
    pub subnet: String,
    /// Private address.
    pub address: Ipv4Addr,
    /// Public address, translated one to one.
    #[serde(default)]
    pub public_address: Option<Ipv4Addr>,
    /// Whether packets that are not from or to its own address pass.
    pub ip_forwarding: bool,
    /// Network security group on the interface.
    #[serde(default)]
    pub nsg: Option<String>,
}

/// A network security group: the operator's rules; the platform's default rules follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NsgConfig {
    /// Name.
    pub name: String,
    /// Rules in any order.
    pub rules: Vec<NsgRuleConfig>,
}

/// A rule of a network security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NsgRuleConfig {
    /// Rule name.
    pub name: String,
    /// 100 to 4096, lower first.
    pub priority: u16,
    /// `in` or `out`.
    pub direction: Direction,
    /// Whether a matching packet passes.
    pub allow: bool,
    /// IP protocol number; `None` is any.
    #[serde(default)]
    pub protocol: Option<u8>,
    /// Source; `None` is any.
    #[serde(default)]
    pub source: Option<NsgAddress>,
    /// Destination; `None` is any.
    #[serde(default)]
    pub destination: Option<NsgAddress>,
    /// Destination ports, inclusive; `None` is any.
    #[serde(default)]
    pub ports: Option<(u16, u16)>,
}

/// Direction of a rule, seen from the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Into the interface.
    In,
    /// Out of the interface.
    Out,
}

/// An address of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NsgAddress {
    /// Addresses in a prefix.
    Prefix(Prefix),
    /// The VirtualNetwork service tag.
    VirtualNetwork,
    /// The Internet service tag.
    Internet,
}

/// A route table of user routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteTableConfig {
    /// Name.
    pub name: String,
    /// Whether routes of gateways and Route Server are kept out.
    pub disable_bgp_propagation: bool,
    /// The routes.
    pub routes: Vec<UserRouteConfig>,
}

/// A user route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRouteConfig {
    /// Prefix.
    pub prefix: Prefix,
    /// Next hop.
    pub next_hop: UserNextHop,
}

/// Next hop of a user route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserNextHop {
    /// An address in this or a peered VNet.
    VirtualAppliance(Ipv4Addr),
    /// The VNet itself.
    VnetLocal,
    /// The internet.
    Internet,
    /// Dropped.
    None,
}

/// An underlay cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudConfig {
    /// `internet`, or the name of an MPLS IPVPN.
    pub name: String,
    /// Regions it reaches; empty is all.
    pub regions: Vec<String>,
    /// Latency is distance at 200 km/ms times this many percent (internet 170, MPLS 150).
    pub stretch_percent: u16,
    /// Loss inside the cloud, parts per million, each way.
    pub loss_ppm: u32,
    /// Jitter inside the cloud, microseconds: uniform from zero.
    pub jitter_us: u32,
}

/// A site's access link to a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentConfig {
    /// Device at the site.
    pub device: String,
    /// Its interface.
    pub interface: String,
    /// Site name.
    pub site: String,
    /// Cloud name.
    pub cloud: String,
    /// Where the site is.
    pub place: Place,
    /// The device's own address on the interface.
    pub address: Ipv4Addr,
    /// NAT in front of the device: its behaviour and the public address.
    #[serde(default)]
    pub nat: Option<NatConfig>,
    /// From the site into the cloud.
    pub up: LinkConfigOneWay,
    /// From the cloud to the site.
    pub down: LinkConfigOneWay,
}

/// One direction of an access link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkConfigOneWay {
    /// Bits per second; 0 is unlimited.
    pub rate_bps: u64,
    /// Microseconds added.
    pub latency_us: u32,
    /// Uniform from zero, microseconds.
    pub jitter_us: u32,
    /// Parts per million.
    pub loss_ppm: u32,
    /// Bytes that may wait for the rate; 0 is a default of 100 ms at the rate.
    pub queue_bytes: u32,
}

/// A NAT (RFC 4787 terms).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatConfig {
    /// The public address.
    pub public_address: Ipv4Addr,
    /// Which packets share a mapping.
    pub mapping: NatBehavior,
    /// Which packets are let in through a mapping.
    pub filtering: NatBehavior,
    /// Seconds an unused UDP mapping lives.
    pub timeout_s: u32,
}

/// What a mapping or filter looks at (RFC 4787 §4.1, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NatBehavior {
    /// Nothing of the remote side.
    EndpointIndependent,
    /// The remote address.
    AddressDependent,
    /// The remote address and port.
    AddressAndPortDependent,
}

/// A site's LAN: one segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanConfig {
    /// Site name.
    pub site: String,
    /// Its prefix.
    pub prefix: Prefix,
    /// The hosts' gateway: the CPE's own address, or the VRRP virtual address.
    pub gateway: Ipv4Addr,
    /// Who is on it.
    pub ports: Vec<LanPortConfig>,
}

/// A device on a LAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanPortConfig {
    /// Device.
    pub device: String,
    /// Its interface.
    pub interface: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Whether packets to other networks may be handed to it.
    pub router: bool,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_yes(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_none(value: &u32) -> bool {
    *value == 0
}
