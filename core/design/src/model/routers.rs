//! Customer and provider routers: routed networks with their provider edges, and routers of sites.

use inet::{Asn, Coordinates};
use serde_json::{Map, Value, json};

use crate::reader::{At, Named, Shape, read_at, record};
use crate::report::Report;
use crate::scalars::{Lines, Rate, Stretch, Text};
use crate::tree::{Kind, Node};

record! {
    /// A provider's routed network, such as an MPLS IPVPN.
    NetworkText {
        /// The provider's AS.
        asn: Asn = "64900",
        /// Its provider edges by name, in a full mesh.
        pes: Named<PeText> = r#"{"ams": {"city": "Amsterdam"}, "lon": {"city": "London"}}"#,
        /// Length of its paths as a share of the great-circle distance.
        stretch: Stretch = "150%",
    }
}

record! {
    /// A provider edge.
    PeText {
        /// A big city that it is in or near.
        city: Text = "Amsterdam",
        /// Latitude and longitude in degrees, in place of a city.
        coordinates: Coordinates = "[52.37, 4.89]",
        /// An Azure region that it is near, in place of city or coordinates.
        near: String = "westeurope",
        /// What it takes from and tells the MSEEs of circuits that end at it, by circuit.
        circuits: Named<FiltersText> = r#"{"ams": {"export": "accept"}}"#,
        /// Whether the lab leaves it to a daemon of other make.
        foreign: bool = "false",
    }
}

record! {
    /// A router of a site.
    SiteRouterText {
        /// Its AS; a private one of its own when absent.
        asn: Asn = "65101",
        /// Whether it is the gateway of the site's hosts; the first router is, unless another says so.
        lan: bool = "true",
        /// Routed networks that it is attached to.
        networks: Vec<At<RouterNetworkText>> = r#"["mpls"]"#,
        /// What it takes from and tells the MSEEs of circuits that end at it, by circuit.
        circuits: Named<FiltersText> = r#"{"ams": {"import": "accept"}}"#,
        /// What it takes from and tells the site's CPEs.
        cpe: FiltersText = r#"{"import": "accept"}"#,
        /// Whether the lab leaves it to a daemon of other make.
        foreign: bool = "false",
    }
}

record! {
    /// What a router takes from a neighbour and what it tells it, in the language of policies: the
    /// name of one under `policies`, or the statements themselves.
    FiltersText {
        /// What it takes.
        import: Lines = "if prefix in [10.1.0.0/20] { accept } reject",
        /// What it tells.
        export: Lines = "accept",
    }
}

record! {
    /// A router's attachment to a routed network.
    RouterNetworkSettings required name {
        /// The network.
        name: String = "mpls",
        /// The provider edge; the closest when absent.
        pe: String = "ams",
        /// Rate of the link.
        bandwidth: Rate = "100mbit",
        /// What it takes.
        import: Lines = "accept",
        /// What it tells.
        export: Lines = "accept",
    }
}

/// An attachment: the network's name, or the name with settings.
#[derive(Clone, Debug)]
pub(crate) struct RouterNetworkText(pub(crate) RouterNetworkSettings);

impl Shape for RouterNetworkText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        match node.kind {
            Kind::Map(_) => RouterNetworkSettings::read(node, reports).map(Self),
            _ => {
                let name = read_at(node, reports)?;
                Some(Self(RouterNetworkSettings {
                    name: Some(name),
                    ..RouterNetworkSettings::default()
                }))
            }
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let name = String::schema(definitions);
        json!({ "anyOf": [name, RouterNetworkSettings::schema(definitions)] })
    }
}
