//! ExpressRoute: circuits, their peerings and connections, and a region's gateway.

use inet::{Coordinates, Prefix};
use serde_json::{Map, Value, json};

use crate::plan::{Community, GatewaySku};
use crate::platform::CircuitSku;
use crate::reader::{At, Shape, expected, read_at, record};
use crate::report::Report;
use crate::scalars::{Count, Rate, Text, TimeSpan, scalar, word};
use crate::tree::{Kind, Node};

record! {
    /// An ExpressRoute circuit with its two links.
    CircuitText required customer {
        /// The peering location: a big city or coordinates; where the customer's router is when absent.
        location: LocationText = "Amsterdam",
        /// What it reaches, and how much it takes.
        sku: CircuitSku = "premium",
        /// Its rate.
        bandwidth: Rate = "1gbit",
        /// The router where both links end: a site's, or a provider edge.
        customer: CustomerText = "core.paris",
        /// Private peering; there unless only Microsoft peering is written.
        private_peering: PrivatePeeringText = r#"{"bfd": true}"#,
        /// Microsoft peering.
        microsoft_peering: MicrosoftPeeringText = r#"{"customer_prefixes": ["198.51.100.0/28"], "route_filter": ["12076:51002"]}"#,
        /// Regions whose gateways it is connected to.
        connections: Vec<At<ConnectionText>> = r#"["westeurope"]"#,
        /// Circuits that it is joined with by Global Reach.
        global_reach: Vec<At<String>> = r#"["lon"]"#,
    }
}

/// A place: a city, or coordinates.
#[derive(Clone, Debug)]
pub(crate) enum LocationText {
    City(Text),
    Coordinates(Coordinates),
}

impl Shape for LocationText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::List(_) => Coordinates::read(node, reports).map(Self::Coordinates),
            _ => Text::read(node, reports).map(Self::City),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [Text::schema(definitions), Coordinates::schema(definitions)] })
    }
}

impl Shape for CircuitSku {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let words = [
            ("standard", Self::Standard),
            ("premium", Self::Premium),
            ("local", Self::Local),
        ];
        word(node, &words, reports)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "enum": ["standard", "premium", "local"] })
    }
}

/// A router by its device name, such as `core.paris`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RouterName(pub(crate) String, pub(crate) String);

impl Shape for RouterName {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "a router such as core.paris or pe-ams.mpls";
        let text = scalar(node, what, reports)?;
        let Some((router, place)) = text.split_once('.') else {
            reports.push(expected(node, what));
            return None;
        };
        let router = crate::scalars::name(router, node.span, reports)?;
        let place = crate::scalars::name(place, node.span, reports)?;
        Some(Self(router, place))
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": r"^[a-z0-9-]+\.[a-z0-9-]+$" })
    }
}

record! {
    /// The routers where a circuit's links end, when they are two.
    CustomerSettings required primary secondary {
        /// Of the primary link.
        primary: RouterName = "core1.paris",
        /// Of the secondary link.
        secondary: RouterName = "core2.paris",
    }
}

/// Where a circuit's links end.
#[derive(Clone, Debug)]
pub(crate) enum CustomerText {
    One(RouterName),
    Two(CustomerSettings),
}

impl Shape for CustomerText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => CustomerSettings::read(node, reports).map(Self::Two),
            _ => RouterName::read(node, reports).map(Self::One),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let one = RouterName::schema(definitions);
        json!({ "anyOf": [one, CustomerSettings::schema(definitions)] })
    }
}

record! {
    /// Private peering.
    PrivatePeeringSettings {
        /// Whether the MSEEs speak BFD, 300 ms and a multiplier of 3.
        bfd: bool = "true",
        /// Time between keepalives that the MSEEs offer.
        keepalive: TimeSpan = "60s",
        /// Hold time that the MSEEs offer; a smaller one of the customer's holds, down to 10 s.
        hold_time: TimeSpan = "180s",
        /// The /30 of the primary link.
        primary: Prefix = "172.29.0.0/30",
        /// The /30 of the secondary link.
        secondary: Prefix = "172.29.0.4/30",
    }
}

/// Private peering: there or not, or there with settings.
#[derive(Clone, Debug)]
pub(crate) enum PrivatePeeringText {
    Switch(bool),
    Settings(PrivatePeeringSettings),
}

impl Shape for PrivatePeeringText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => PrivatePeeringSettings::read(node, reports).map(Self::Settings),
            _ => bool::read(node, reports).map(Self::Switch),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, PrivatePeeringSettings::schema(definitions)] })
    }
}

record! {
    /// Microsoft peering.
    MicrosoftPeeringText required customer_prefixes {
        /// Public prefixes that were validated as the customer's.
        customer_prefixes: Vec<At<Prefix>> = r#"["198.51.100.0/28"]"#,
        /// Community values of Microsoft's prefixes that are announced; none without one.
        route_filter: Vec<At<CommunityText>> = r#"["12076:51002"]"#,
        /// Whether the MSEEs speak BFD.
        bfd: bool = "true",
        /// Time between keepalives that the MSEEs offer.
        keepalive: TimeSpan = "60s",
        /// Hold time that the MSEEs offer.
        hold_time: TimeSpan = "180s",
        /// The /30 of the primary link.
        primary: Prefix = "172.29.0.8/30",
        /// The /30 of the secondary link.
        secondary: Prefix = "172.29.0.12/30",
    }
}

/// A community of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommunityText(pub(crate) Community);

impl Shape for CommunityText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "a community such as 12076:51002";
        let community = scalar(node, what, reports)?.parse().ok();
        if community.is_none() {
            reports.push(expected(node, what));
        }
        community.map(Self)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+:[0-9]+$" })
    }
}

record! {
    /// A circuit's connection to a region's gateway.
    ConnectionSettings required region {
        /// The region.
        region: String = "westeurope",
        /// Routing weight: among circuits with equal prefixes the gateway takes the higher one.
        weight: Count<0, 32000> = "10",
        /// Whether packets from on-premises go around the gateway (FastPath).
        fast_path: bool = "false",
        /// Whether the VNet and the circuit's other VNets that say so hear of each other.
        remote_vnets: bool = "false",
        /// Community of the VNet; its region's community is told only with one.
        community: CommunityText = "12076:20031",
    }
}

/// A connection: the region's name, or the name with settings.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionText(pub(crate) ConnectionSettings);

impl Shape for ConnectionText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => ConnectionSettings::read(node, reports).map(Self),
            _ => {
                let region = read_at(node, reports)?;
                Some(Self(ConnectionSettings {
                    region: Some(region),
                    ..ConnectionSettings::default()
                }))
            }
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let name = String::schema(definitions);
        json!({ "anyOf": [name, ConnectionSettings::schema(definitions)] })
    }
}

/// SKU of a gateway: `ErGw1AZ`, or `ErGwScale` with its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GatewaySkuText(pub(crate) GatewaySku);

impl Shape for GatewaySkuText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let words = [
            ("ErGw1AZ", GatewaySku::ErGw1Az),
            ("ErGw2AZ", GatewaySku::ErGw2Az),
            ("ErGw3AZ", GatewaySku::ErGw3Az),
            ("ErGwScale", GatewaySku::ErGwScale(1)),
        ];
        word(node, &words, reports).map(Self)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "enum": ["ErGw1AZ", "ErGw2AZ", "ErGw3AZ", "ErGwScale"] })
    }
}

record! {
    /// An ExpressRoute gateway.
    ExpressRouteSettings {
        /// Its SKU.
        sku: GatewaySkuText = "ErGw1AZ",
        /// Scale units of `ErGwScale`.
        units: Count<1, 40> = "2",
        /// Prefixes announced to circuits in place of those of VNets inside them.
        summarized: Vec<At<Prefix>> = r#"["10.1.0.0/16"]"#,
        /// Prefixes announced to circuits besides.
        also: Vec<At<Prefix>> = r#"["10.9.0.0/16"]"#,
    }
}

/// An ExpressRoute gateway: there or not, or there with settings.
#[derive(Clone, Debug)]
pub(crate) enum ExpressRouteText {
    Switch(bool),
    Settings(ExpressRouteSettings),
}

impl Shape for ExpressRouteText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => ExpressRouteSettings::read(node, reports).map(Self::Settings),
            _ => bool::read(node, reports).map(Self::Switch),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, ExpressRouteSettings::schema(definitions)] })
    }
}
