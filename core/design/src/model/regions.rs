//! Regions: hubs, spokes, NVAs, Route Servers, security groups, route tables.

use core::net::Ipv4Addr;

use inet::{Asn, Coordinates, Prefix};
use serde_json::{Map, Value, json};

use super::{AsBuiltText, AttachText, BudgetText, ExpressRouteText, ForwardingText, RouteMapText};
use crate::reader::{At, Named, OneOrMore, Shape, expected, read_at, record};
use crate::report::Report;
use crate::scalars::{AnyPrefix, Count, Text, TimeSpan, words};
use crate::tree::{Kind, Node};

record! {
    /// An Azure region with its hub and spokes.
    RegionText {
        /// Azure's name of the region, where the key is another: a second hub-and-spoke network in it.
        region: String = "westeurope",
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
        /// An ExpressRoute gateway.
        express_route: ExpressRouteText = r#"{"sku": "ErGw1AZ"}"#,
        /// How many routes the NVAs announce, and what they do about it.
        route_budget: BudgetText = r#"{"route_server": 3200, "express_route": 900}"#,
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
        /// Facts of what stands, where they differ from what Longhaul sets up by itself.
        as_built: AsBuiltText = r#"{"vpn_gateway": {"active_active": true}}"#,
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
        /// Prefixes that they announce to Route Server of their own accord.
        originate: Vec<At<Prefix>> = r#"["0.0.0.0/0"]"#,
        /// The Route Server instances that they peer with.
        route_server_instances: Vec<At<Count<0, 1>>> = "[0, 1]",
        /// Whether they tell routes by where they came from, so that none comes back to its region.
        guards_origin: bool = "true",
        /// How they forward, where they differ from the nodes of the overlay.
        forwarding: ForwardingText = r#"{"threads": 8}"#,
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
        /// Infrastructure units: each beyond the second adds VMs that are sure to be programmed.
        units: Count<2, 48> = "2",
        /// Route maps by name.
        route_maps: Named<RouteMapText> = r#"{"no-default": {"rules": [{"prefix_equals": ["0.0.0.0/0"], "drop": true}]}}"#,
        /// What route maps are attached to.
        attach: AttachText = r#"{"nvas": {"inbound": "no-default"}}"#,
    }
}

/// Azure Route Server: on or off, or on with settings.
#[derive(Clone, Debug)]
pub(crate) enum RouteServerText {
    Switch(bool),
    Settings(Box<RouteServerSettings>),
}

impl Shape for RouteServerText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => {
                RouteServerSettings::read(node, reports).map(|all| Self::Settings(Box::new(all)))
            }
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
