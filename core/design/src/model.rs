//! The design file as it is written: every record with every field, its meaning and an example.
//!
//! This is the only description of the format: the reader, the JSON Schema and the names in
//! messages all follow from these tables. Which value holds where a field is absent is decided in
//! [`settle`](crate::settle).

use core::net::Ipv4Addr;

use inet::{Asn, Coordinates, Prefix};
use serde_json::{Map, Value, json};

use crate::reader::{At, Named, OneOrMore, Shape, expected, read_at, record};
use crate::report::Report;
use crate::scalars::{AnyPrefix, Count, Loss, Rate, Stretch, Text, TimeSpan, words};
use crate::tree::{Kind, Node};

record! {
    /// A Longhaul design, format version 1.
    DesignFile required longhaul name regions {
        /// Version of the format.
        longhaul: Count<1, 1> = "1",
        /// The design's name.
        name: String = "global",
        /// Values of the overlay as a whole.
        overlay: OverlayText = r#"{"asn": 65010}"#,
        /// Values for every region and site that does not have its own.
        defaults: DefaultsText = r#"{"region": {"nvas": {"count": 2}}}"#,
        /// Azure regions by Azure's name.
        regions: Named<RegionText> = r#"{"westeurope": {"hub": {"address_space": "10.1.0.0/20"}}}"#,
        /// Underlays by name. `internet` is there without being named.
        underlays: Named<UnderlayText> = r#"{"mpls": {"kind": "mpls"}}"#,
        /// Kinds of sites: values that many sites share.
        site_classes: Named<ClassText> = r#"{"branch": {"underlays": ["internet"]}}"#,
        /// The sites: a list, or a table in a file of its own.
        sites: SitesText = r#"{"from": "sites.csv"}"#,
    }
}

record! {
    /// Values of the overlay as a whole.
    OverlayText {
        /// The overlay's AS: a private 16-bit number, since Route Server takes no 32-bit one.
        asn: Asn = "65010",
        /// Where the loopback addresses of NVAs and CPEs come from.
        loopbacks: Prefix = "10.255.0.0/16",
        /// UDP port of the tunnels.
        port: Count<1024, 65535> = "51820",
        /// Time between keepalives on a silent tunnel; keeps NAT mappings alive.
        keepalive: TimeSpan = "25s",
        /// How paths are probed.
        probe: ProbeText = r#"{"interval": "200ms", "dead_after": "900ms"}"#,
        /// What hubs announce to sites in place of single routes; `[]` sends the full table.
        summaries: Vec<At<Prefix>> = r#"["10.0.0.0/8"]"#,
        /// MTU of the overlay device.
        mtu: Count<576, 1440> = "1340",
        /// Where addresses come from that the design does not name.
        addresses: AddressesText = r#"{"nva_public": "203.0.113.0/24"}"#,
        /// Seed of the modelled jitter and loss.
        seed: Count<0, 4294967295> = "1",
    }
}

record! {
    /// How paths are probed.
    ProbeText {
        /// Time between probes on each path.
        interval: TimeSpan = "200ms",
        /// A path is down this long after the last reply.
        dead_after: TimeSpan = "900ms",
    }
}

record! {
    /// Where addresses come from that the design does not name.
    AddressesText {
        /// Public addresses of NVAs.
        nva_public: Prefix = "203.0.113.0/24",
        /// Addresses of sites on the underlays, one /16 or smaller part for each underlay.
        underlays: Prefix = "11.0.0.0/8",
        /// Addresses of CPEs behind NAT.
        behind_nat: Prefix = "172.31.0.0/16",
        /// LANs of sites that name none, a /24 each.
        lans: Prefix = "10.128.0.0/10",
    }
}

record! {
    /// Values for every region and site that does not have its own.
    DefaultsText {
        /// For regions.
        region: RegionDefaultsText = r#"{"nvas": {"count": 2}}"#,
        /// Time from a Route Server's decision to the network interfaces.
        programming_delay: TimeSpan = "0ms",
        /// One-way latency inside a region.
        region_latency: TimeSpan = "400us",
        /// For sites; a site's class comes before them.
        site: ClassText = r#"{"underlays": ["internet"]}"#,
    }
}

record! {
    /// Values that regions share.
    RegionDefaultsText {
        /// The SD-WAN hubs.
        nvas: NvasText = r#"{"count": 2, "mode": "active-active"}"#,
        /// Azure Route Server, or `false`.
        route_server: RouteServerText = r#"{"branch_to_branch": false}"#,
        /// Flags of the peerings between hub and spokes.
        peering: PeeringText = r#"{"allow_forwarded_traffic": true}"#,
    }
}

record! {
    /// An Azure region with its hub and spokes.
    RegionText {
        /// Latitude and longitude in degrees, for places that the built-in table lacks.
        coordinates: Coordinates = "[52.3667, 4.9]",
        /// Round-trip times to other regions, where they differ from the published ones.
        rtt: Named<Rtt> = r#"{"eastus": "83ms"}"#,
        /// The hub VNet.
        hub: VnetText = r#"{"address_space": "10.1.0.0/20"}"#,
        /// The SD-WAN hubs.
        nvas: NvasText = r#"{"count": 2, "mode": "active-active"}"#,
        /// Azure Route Server, or `false`.
        route_server: RouteServerText = r#"{"branch_to_branch": false}"#,
        /// Flags of the peerings between hub and spokes.
        peering: PeeringText = r#"{"allow_forwarded_traffic": true}"#,
        /// Spoke VNets by name.
        spokes: Named<VnetText> = r#"{"spoke1": {"address_space": "10.1.16.0/20", "vms": 1}}"#,
        /// Network security groups by name.
        nsgs: Named<NsgText> = r#"{"web": {"rules": []}}"#,
        /// Route tables by name.
        route_tables: Named<RouteTableText> = r#"{"spoke": {"routes": []}}"#,
        /// Routers of other make in the NVA subnet that peer with Route Server, by name.
        foreign: Named<ForeignRouterText> = r#"{"bird1": {"asn": 65020}}"#,
    }
}

record! {
    /// The SD-WAN hubs of a region.
    NvasText {
        /// How many.
        count: Count<1, 8> = "2",
        /// Whether all carry traffic, or the first with the others in reserve.
        mode: NvaMode = "active-active",
        /// Azure's VM size.
        vm_size: Text = "Standard_D8s_v5",
        /// Their public addresses, in order.
        public_addresses: Vec<At<Ipv4Addr>> = r#"["203.0.113.1", "203.0.113.2"]"#,
    }
}

words! {
    /// How the NVAs of a region share the traffic.
    NvaMode {
        /// All announce alike; the platform spreads flows.
        ActiveActive = "active-active",
        /// All but the first prepend.
        ActivePassive = "active-passive",
    }
}

words! {
    /// Which source wins for equal prefixes.
    Preference {
        /// ExpressRoute.
        ExpressRoute = "express-route",
        /// VPN and NVAs.
        VpnGateway = "vpn-gateway",
        /// The shortest AS path.
        AsPath = "as-path",
    }
}

record! {
    /// Settings of a Route Server.
    RouteServerSettings {
        /// Whether routes of one NVA or gateway go to the others.
        branch_to_branch: bool = "false",
        /// Which source wins for equal prefixes.
        routing_preference: Preference = "express-route",
        /// Hold time offered to the NVAs.
        hold_time: TimeSpan = "180s",
        /// Routes that a peer may have, held and incoming counted together.
        routes_per_peer: Count<1, 100000> = "4000",
    }
}

/// Azure Route Server: on or off, or on with settings.
#[derive(Clone, Debug)]
pub(crate) enum RouteServerText {
    Switch(bool),
    Settings(RouteServerSettings),
}

impl Shape for RouteServerText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => RouteServerSettings::read(node, reports).map(Self::Settings),
            _ => bool::read(node, reports).map(Self::Switch),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, RouteServerSettings::schema(definitions)] })
    }
}

record! {
    /// Flags of the peerings between hub and spokes, as on the platform.
    PeeringText {
        /// Both sides see each other's prefixes.
        allow_virtual_network_access: bool = "true",
        /// Packets from beyond the other VNet are let in.
        allow_forwarded_traffic: bool = "true",
        /// The hub lends its Route Server and gateway.
        hub_allow_gateway_transit: bool = "true",
        /// The spokes use them.
        spoke_use_remote_gateways: bool = "true",
    }
}

record! {
    /// A virtual network.
    VnetText {
        /// Address space: one prefix or several.
        address_space: OneOrMore<AnyPrefix> = "10.1.0.0/20",
        /// Subnets by name. In a hub, `nva`, `RouteServerSubnet` and `GatewaySubnet` are made when absent.
        subnets: SubnetsText = r#"{"default": {"prefix": "10.1.16.0/24"}}"#,
        /// How many VMs stand in it: `vm1`, `vm2`, … in the first subnet.
        vms: Count<0, 200> = "1",
        /// Flags of its peering with the hub (spokes only).
        peering: PeeringText = r#"{"allow_forwarded_traffic": true}"#,
    }
}

/// Subnets by name, in the order of the file. Names are the platform's, upper case included.
#[derive(Clone, Debug, Default)]
pub(crate) struct SubnetsText(pub(crate) Vec<(At<String>, SubnetText)>);

impl Shape for SubnetsText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            reports.push(expected(node, "a mapping from subnet names"));
            return None;
        };
        let mut all: Vec<(At<String>, SubnetText)> = Vec::new();
        for (key, node) in entries {
            let name = At {
                value: key.text.clone(),
                span: key.span,
            };
            let subnet = match &node.kind {
                _ if node.is_null() => Some(SubnetText::default()),
                Kind::Scalar { .. } => read_at(node, reports).map(|prefix| SubnetText {
                    prefix: Some(prefix),
                    ..SubnetText::default()
                }),
                _ => SubnetText::read(node, reports),
            };
            if let Some((first, _)) = all.iter().find(|(first, _)| first.value == name.value) {
                let says = format!("the key `{}` is here twice", name.value);
                reports.push(Report::shape(name.span, says).also(Some(first.span), "first here"));
            } else if let Some(subnet) = subnet {
                all.push((name, subnet));
            }
        }
        Some(Self(all))
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let (prefix, subnet) = (Prefix::schema(definitions), SubnetText::schema(definitions));
        json!({
            "type": "object",
            "additionalProperties": { "anyOf": [prefix, subnet, { "type": "null" }] },
        })
    }
}

record! {
    /// A subnet.
    SubnetText {
        /// Its prefix; the next free part of the address space when absent.
        prefix: Prefix = "10.1.16.0/24",
        /// Name of its network security group.
        nsg: String = "web",
        /// Name of its route table.
        route_table: String = "spoke",
    }
}

record! {
    /// A network security group; the platform's default rules follow its own.
    NsgText {
        /// Rules in any order.
        rules: Vec<At<NsgRuleText>> = r#"[{"name": "https", "priority": 100, "ports": "443"}]"#,
    }
}

words! {
    /// Direction of a rule, seen from the interface.
    RuleDirection {
        /// Into the interface.
        In = "in",
        /// Out of it.
        Out = "out",
    }
}

words! {
    /// What a rule does.
    RuleAction {
        /// Lets pass.
        Allow = "allow",
        /// Drops.
        Deny = "deny",
    }
}

words! {
    /// IP protocols that a rule can name.
    RuleProtocol {
        /// Any.
        Any = "any",
        /// ICMP.
        Icmp = "icmp",
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
    }
}

record! {
    /// A rule of a network security group.
    NsgRuleText required name priority {
        /// Its name.
        name: String = "https",
        /// Lower comes first.
        priority: Count<100, 4096> = "100",
        /// Direction; `in` when absent.
        direction: RuleDirection = "in",
        /// What it does; `allow` when absent.
        action: RuleAction = "allow",
        /// Protocol; any when absent.
        protocol: RuleProtocol = "tcp",
        /// Source: a prefix, `VirtualNetwork` or `Internet`; any when absent.
        source: RuleAddress = "Internet",
        /// Destination, in the same way.
        destination: RuleAddress = "10.1.16.0/24",
        /// Destination port or range; any when absent.
        ports: Ports = "443",
    }
}

/// An address of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleAddress(pub(crate) crate::plan::NsgAddress);

impl Shape for RuleAddress {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        use crate::plan::NsgAddress;
        let what = "a prefix, VirtualNetwork or Internet";
        let address = match crate::scalars::scalar(node, what, reports)? {
            "VirtualNetwork" => Some(NsgAddress::VirtualNetwork),
            "Internet" => Some(NsgAddress::Internet),
            text => text.parse().ok().map(NsgAddress::Prefix),
        };
        if address.is_none() {
            reports.push(expected(node, what));
        }
        address.map(Self)
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [{ "enum": ["VirtualNetwork", "Internet"] }, Prefix::schema(definitions)] })
    }
}

/// A destination port, `443`, or a range, `8000-8100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports(pub(crate) u16, pub(crate) u16);

impl Shape for Ports {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "a port such as 443 or a range such as 8000-8100";
        let text = crate::scalars::scalar(node, what, reports)?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) if first <= last => Some(Self(first, last)),
            _ => {
                reports.push(expected(node, what));
                None
            }
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": 65535 },
            { "type": "string", "pattern": "^[0-9]+(-[0-9]+)?$" },
        ] })
    }
}

record! {
    /// A route table.
    RouteTableText {
        /// Keeps routes of gateways and Route Server out of its subnets.
        disable_bgp_propagation: bool = "false",
        /// The routes.
        routes: Vec<At<UserRouteText>> = r#"[{"prefix": "0.0.0.0/0", "next_hop": "10.1.0.4"}]"#,
    }
}

record! {
    /// A user route.
    UserRouteText required prefix next_hop {
        /// Its prefix.
        prefix: Prefix = "0.0.0.0/0",
        /// An address, `VnetLocal`, `Internet` or `None`.
        next_hop: NextHop = "10.1.0.4",
    }
}

/// Next hop of a user route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextHop(pub(crate) crate::plan::UserNextHop);

impl Shape for NextHop {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        use crate::plan::UserNextHop;
        let what = "an address, VnetLocal, Internet or None";
        let next_hop = match crate::scalars::scalar(node, what, reports)? {
            "VnetLocal" => Some(UserNextHop::VnetLocal),
            "Internet" => Some(UserNextHop::Internet),
            "None" => Some(UserNextHop::None),
            text => text.parse().ok().map(UserNextHop::VirtualAppliance),
        };
        if next_hop.is_none() {
            reports.push(expected(node, what));
        }
        next_hop.map(Self)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [
            { "enum": ["VnetLocal", "Internet", "None"] },
            { "type": "string", "format": "ipv4" },
        ] })
    }
}

record! {
    /// A router of other make in the NVA subnet.
    ForeignRouterText required asn {
        /// Its AS.
        asn: Asn = "65020",
        /// Its private address in the NVA subnet; the next free one when absent.
        address: Ipv4Addr = "10.1.0.10",
        /// Whether it peers with Route Server; it does when absent.
        route_server: bool = "true",
    }
}

words! {
    /// Kinds of underlays.
    UnderlayKind {
        /// The public internet.
        Internet = "internet",
        /// A provider's IPVPN that reaches the public endpoints of NVAs, as with ExpressRoute
        /// Microsoft peering.
        Mpls = "mpls",
    }
}

record! {
    /// An underlay.
    UnderlayText {
        /// What it is; `internet` for the underlay of that name, else `mpls`.
        kind: UnderlayKind = "mpls",
        /// Regions that it reaches; all when absent.
        regions: Vec<At<String>> = r#"["westeurope"]"#,
        /// Length of its paths as a share of the great-circle distance.
        stretch: Stretch = "150%",
        /// Packets lost inside, each way.
        loss: Loss = "0%",
        /// Jitter inside, uniform from zero.
        jitter: TimeSpan = "0ms",
        /// Where the sites' addresses on it come from.
        addresses: Prefix = "11.1.0.0/16",
        /// What an access link is like when the site does not say.
        access: AccessText = r#"{"bandwidth": "100mbit", "latency": "2ms"}"#,
    }
}

/// A value for both directions, or one for each: `{up: …, down: …}`.
#[derive(Clone, Debug)]
pub(crate) struct Directed<T> {
    pub(crate) up: Option<At<T>>,
    pub(crate) down: Option<At<T>>,
}

impl<T: Shape + Clone> Shape for Directed<T> {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        if !matches!(node.kind, Kind::Map(_)) {
            let both = read_at::<T>(node, reports)?;
            return Some(Self {
                up: Some(both.clone()),
                down: Some(both),
            });
        }
        let fields = crate::reader::Fields::of(node, &["up", "down"], reports)?;
        Some(Self {
            up: fields.take("up", reports),
            down: fields.take("down", reports),
        })
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let one = T::schema(definitions);
        json!({ "anyOf": [one, {
            "type": "object",
            "additionalProperties": false,
            "properties": { "up": one, "down": one },
        }] })
    }
}

record! {
    /// An access link. Each value is for both directions, or `{up: …, down: …}` seen from the site.
    AccessText {
        /// Rate.
        bandwidth: Directed<Rate> = "100mbit",
        /// Latency added to that of the underlay.
        latency: Directed<TimeSpan> = "2ms",
        /// Jitter, uniform from zero.
        jitter: Directed<TimeSpan> = "1ms",
        /// Share of packets lost.
        loss: Directed<Loss> = "0.1%",
    }
}

words! {
    /// What a mapping or filter of a NAT looks at (RFC 4787).
    Behavior {
        /// Nothing of the remote side.
        EndpointIndependent = "endpoint-independent",
        /// The remote address.
        AddressDependent = "address-dependent",
        /// The remote address and port.
        AddressAndPortDependent = "address-and-port-dependent",
    }
}

record! {
    /// Behaviour of a NAT (RFC 4787).
    NatSettings {
        /// Which packets share a mapping.
        mapping: Behavior = "endpoint-independent",
        /// Which packets are let in through a mapping.
        filtering: Behavior = "address-and-port-dependent",
        /// How long an unused mapping lives.
        timeout: TimeSpan = "120s",
    }
}

/// A NAT: there or not, or there with a behaviour.
#[derive(Clone, Debug)]
pub(crate) enum NatText {
    Switch(bool),
    Settings(NatSettings),
}

impl Shape for NatText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => NatSettings::read(node, reports).map(Self::Settings),
            _ => bool::read(node, reports).map(Self::Switch),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, NatSettings::schema(definitions)] })
    }
}

record! {
    /// A site's link to an underlay.
    SiteUnderlaySettings required name {
        /// The underlay's name.
        name: String = "internet",
        /// Rate.
        bandwidth: Directed<Rate> = "100mbit",
        /// Latency added to that of the underlay.
        latency: Directed<TimeSpan> = "2ms",
        /// Jitter, uniform from zero.
        jitter: Directed<TimeSpan> = "1ms",
        /// Share of packets lost.
        loss: Directed<Loss> = "0.1%",
        /// Whether the CPEs are behind NAT, and which.
        nat: NatText = "true",
        /// Addresses of the CPEs on it, in order (of the NAT, when there is one).
        addresses: Vec<At<Ipv4Addr>> = r#"["11.0.0.7"]"#,
    }
}

/// A site's underlay: its name, or its name with settings.
#[derive(Clone, Debug)]
pub(crate) struct SiteUnderlayText(pub(crate) SiteUnderlaySettings);

impl Shape for SiteUnderlayText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => SiteUnderlaySettings::read(node, reports).map(Self),
            _ => {
                let name = read_at(node, reports)?;
                Some(Self(SiteUnderlaySettings {
                    name: Some(name),
                    ..SiteUnderlaySettings::default()
                }))
            }
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let name = String::schema(definitions);
        json!({ "anyOf": [name, SiteUnderlaySettings::schema(definitions)] })
    }
}

record! {
    /// A LAN of a site.
    LanSettings required prefix {
        /// Its prefix.
        prefix: Prefix = "10.200.1.0/24",
        /// The hosts' gateway; the first address when absent.
        gateway: Ipv4Addr = "10.200.1.1",
        /// Hosts on it.
        hosts: Count<0, 200> = "1",
    }
}

/// A LAN: its prefix, or its prefix with settings.
#[derive(Clone, Debug)]
pub(crate) struct LanText(pub(crate) LanSettings);

impl Shape for LanText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => LanSettings::read(node, reports).map(Self),
            _ => {
                let prefix = read_at(node, reports)?;
                Some(Self(LanSettings {
                    prefix: Some(prefix),
                    ..LanSettings::default()
                }))
            }
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let prefix = Prefix::schema(definitions);
        json!({ "anyOf": [prefix, LanSettings::schema(definitions)] })
    }
}

/// A region by name, or a word in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RegionChoice {
    /// The nearest by modelled latency.
    Closest,
    /// None (backup only).
    None,
    /// This one.
    Named(String),
}

impl Shape for RegionChoice {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let text = crate::scalars::scalar(node, "a region, `closest` or `none`", reports)?;
        match text {
            "closest" => Some(Self::Closest),
            "none" => Some(Self::None),
            _ => crate::scalars::name(text, node.span, reports).map(Self::Named),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        String::schema(definitions)
    }
}

record! {
    /// Values that the sites of a class share.
    ClassText {
        /// A class whose values hold where this one has none.
        extends: String = "branch",
        /// How many CPEs; several share each LAN's gateway by VRRP.
        cpes: Count<1, 4> = "1",
        /// Underlays, the preferred one first.
        underlays: Vec<At<SiteUnderlayText>> = r#"["internet"]"#,
        /// Hosts on each LAN.
        hosts: Count<0, 200> = "1",
        /// The region whose hubs carry the site's traffic: its name, or `closest`.
        home: RegionChoice = "closest",
        /// The region that takes over: its name, `closest` (the next nearest) or `none`.
        backup: RegionChoice = "closest",
        /// Length of the LANs made for sites that name none.
        lan_length: Count<16, 29> = "24",
    }
}

record! {
    /// A site.
    SiteText required name {
        /// Its name.
        name: String = "paris",
        /// Its class.
        class: String = "branch",
        /// Latitude and longitude in degrees.
        coordinates: Coordinates = "[48.8566, 2.3522]",
        /// A big city that it is in or near, in place of coordinates.
        city: Text = "Paris",
        /// An Azure region that it is near, in place of coordinates or city.
        near: String = "francecentral",
        /// Its LANs.
        lans: Vec<At<LanText>> = r#"["10.200.1.0/24"]"#,
        /// How many CPEs; several share each LAN's gateway by VRRP.
        cpes: Count<1, 4> = "1",
        /// Underlays, the preferred one first.
        underlays: Vec<At<SiteUnderlayText>> = r#"["internet"]"#,
        /// Hosts on each LAN.
        hosts: Count<0, 200> = "1",
        /// The region whose hubs carry the site's traffic: its name, or `closest`.
        home: RegionChoice = "westeurope",
        /// The region that takes over: its name, `closest` (the next nearest) or `none`.
        backup: RegionChoice = "closest",
        /// A plain WireGuard device in place of a CPE.
        wireguard: WireguardText = r#"{"nva": "nva1"}"#,
    }
}

record! {
    /// A plain WireGuard device: one tunnel, static routes, no BGP.
    WireguardText {
        /// Its public key in base64; made like a CPE's when absent.
        public_key: Text = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
        /// The NVA of the home region that it connects to.
        nva: String = "nva1",
        /// Prefixes behind it; its LANs when absent.
        allowed: Vec<At<Prefix>> = r#"["10.200.9.0/24"]"#,
    }
}

/// The sites: written out, or in a table.
#[derive(Clone, Debug)]
pub(crate) enum SitesText {
    List(Vec<At<SiteText>>),
    Table(TableText),
}

record! {
    /// A table of sites in a file of its own.
    TableText required from {
        /// Name of a CSV file, seen from the design file.
        from: Text = "sites.csv",
    }
}

impl Shape for SitesText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => TableText::read(node, reports).map(Self::Table),
            _ => Vec::read(node, reports).map(Self::List),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let list = Vec::<At<SiteText>>::schema(definitions);
        json!({ "anyOf": [list, TableText::schema(definitions)] })
    }
}

/// A round-trip time. Half of it is the latency one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rtt(pub(crate) TimeSpan);

impl Default for Rtt {
    fn default() -> Self {
        Self(TimeSpan(core::time::Duration::ZERO))
    }
}

impl Shape for Rtt {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        TimeSpan::read(node, reports).map(Self)
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        TimeSpan::schema(definitions)
    }
}
