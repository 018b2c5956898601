//! Underlays, site classes and sites.

use core::net::Ipv4Addr;

use inet::{Coordinates, Prefix};
use serde_json::{Map, Value, json};

use super::{ProxyText, SiteRouterText};
use crate::reader::{At, Named, Shape, Switched, read_at, record};
use crate::report::Report;
use crate::scalars::{Count, Loss, Rate, Stretch, Text, TimeSpan, words};
use crate::tree::{Kind, Node};

words! {
    /// Kinds of underlays.
    UnderlayKind {
        /// The public internet.
        Internet = "internet",
        /// A provider's IPVPN that reaches the public endpoints of NVAs, as with ExpressRoute
        /// Microsoft peering.
        Mpls = "mpls",
        /// ExpressRoute private peering: private endpoints of NVAs, reached through a router.
        PrivatePeering = "private-peering",
        /// ExpressRoute Microsoft peering: public endpoints of NVAs, reached through a router.
        MicrosoftPeering = "microsoft-peering",
    }
}

impl UnderlayKind {
    /// Whether it is a peering of a circuit, reached through a router.
    pub(crate) const fn is_peering(self) -> bool {
        matches!(self, Self::PrivatePeering | Self::MicrosoftPeering)
    }

    /// The peering, for people.
    pub(crate) const fn peering(self) -> &'static str {
        match self {
            Self::MicrosoftPeering => "Microsoft peering",
            Self::Internet | Self::Mpls | Self::PrivatePeering => "private peering",
        }
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
        /// The largest packet that all of it passes, octets with the IPv4 header.
        mtu: Count<576, 9216> = "9000",
        /// Where the sites' addresses on it come from.
        addresses: Prefix = "11.1.0.0/16",
        /// What an access link is like when the site does not say.
        access: AccessText = r#"{"bandwidth": "100mbit", "latency": "2ms"}"#,
        /// What sites' TCP connections to NVAs go through, where they have no proxy of their own.
        proxy: ProxyText = r#"{"address": "192.0.2.7:3128"}"#,
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
pub(crate) type NatText = Switched<NatSettings>;

record! {
    /// A site's link to an underlay.
    SiteUnderlaySettings required name {
        /// The underlay's name.
        name: String = "internet",
        /// The site's router that the CPEs reach it through.
        via: String = "core",
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
        /// What TCP connections to NVAs go through.
        proxy: ProxyText = r#"{"address": "192.0.2.7:3128", "user": "branch"}"#,
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
        /// How many CPEs; several share each LAN's gateway by VRRP. A site with routers may have none.
        cpes: Count<0, 4> = "1",
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
        /// Whether it makes shortcuts, where the overlay has them.
        shortcuts: bool = "false",
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
        /// How many CPEs; several share each LAN's gateway by VRRP. A site with routers may have none.
        cpes: Count<0, 4> = "1",
        /// Underlays, the preferred one first.
        underlays: Vec<At<SiteUnderlayText>> = r#"["internet"]"#,
        /// Hosts on each LAN.
        hosts: Count<0, 200> = "1",
        /// The region whose hubs carry the site's traffic: its name, or `closest`.
        home: RegionChoice = "westeurope",
        /// The region that takes over: its name, `closest` (the next nearest) or `none`.
        backup: RegionChoice = "closest",
        /// Routers of the site by name.
        routers: Named<SiteRouterText> = r#"{"core": {"asn": 65101, "networks": ["mpls"]}}"#,
        /// A plain WireGuard device in place of a CPE.
        wireguard: WireguardText = r#"{"nva": "nva1"}"#,
        /// Whether it makes shortcuts, where the overlay has them.
        shortcuts: bool = "false",
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
