//! The design file as it is written: every record with every field, its meaning and an example.
//!
//! This is the only description of the format: the reader, the JSON Schema and the names in
//! messages all follow from these tables. Which value holds where a field is absent is decided in
//! [`settle`](crate::settle).

mod as_built;
mod circuits;
mod forwarding;
mod paths;
mod platform;
mod prefix_sets;
mod regions;
mod route_maps;
pub(crate) mod router;
mod routers;
mod sites;
mod steering;

pub(crate) use circuits::{
    CircuitText, ConnectionText, CustomerText, ExpressRouteSettings, ExpressRouteText,
    GatewaySkuText, LocationText, MicrosoftPeeringText, PrivatePeeringSettings, PrivatePeeringText,
    RouterName,
};
mod waivers;

pub(crate) use as_built::{Allocation, AsBuiltText, NvaFactsText, PublicIpSku, Transport};
pub(crate) use forwarding::{ForwardingText, SourceCheckText};
pub(crate) use paths::{ProxyText, ShortcutSettings, TlsSettings};
pub(crate) use platform::{
    ChoicesText, CountedText, NicShareText, OverTotalText, OverVmsText, PlatformText,
};
pub(crate) use prefix_sets::{CategoryText, PrefixFileText, PrefixSetText};
pub(crate) use regions::{
    NsgRuleText, NvaMode, NvasText, PeeringText, Preference, RegionText, RouteServerSettings,
    RouteServerText, RuleAction, RuleAddress, RuleDirection, RuleProtocol, SubnetText, VnetText,
};
pub(crate) use route_maps::{AttachText, MapPairText, RouteMapRuleText, RouteMapText};
pub(crate) use routers::{FiltersText, NetworkText, RouterNetworkText, SiteRouterText};
pub(crate) use sites::{
    AccessText, Behavior, ClassText, Directed, LanText, NatText, RegionChoice, SiteText,
    SiteUnderlaySettings, SiteUnderlayText, SitesText, UnderlayKind, UnderlayText,
};

pub(crate) use steering::{
    ApplicationText, BudgetText, OtherwiseText, ProtectText, ShareText, SlaText,
};
pub(crate) use waivers::WaiverText;

use inet::{Asn, Prefix};

use crate::reader::{At, Named, Switched, record};
use crate::scalars::{Count, Lines, TimeSpan, words};

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
        /// The platform's limits, and what it does where it publishes nothing.
        platform: PlatformText = r#"{"as_of": "2025-09"}"#,
        /// Azure regions by Azure's name.
        regions: Named<RegionText> = r#"{"westeurope": {"hub": {"address_space": "10.1.0.0/20"}}}"#,
        /// Underlays by name. `internet` is there without being named.
        underlays: Named<UnderlayText> = r#"{"mpls": {"kind": "mpls"}}"#,
        /// Routed networks of providers, by name.
        networks: Named<NetworkText> = r#"{"mpls": {"pes": {"ams": {"city": "Amsterdam"}}}}"#,
        /// ExpressRoute circuits by name.
        circuits: Named<CircuitText> = r#"{"ams": {"customer": "core.paris", "connections": ["westeurope"]}}"#,
        /// Application classes, in the order in which they are tried.
        classes: Named<ApplicationText> = r#"{"voice": {"dscp": [46], "underlays": ["mpls", "internet"]}}"#,
        /// Lists of prefixes that classes name, written out or from files.
        prefix_sets: Named<PrefixSetText> = r#"{"partners": ["192.0.2.0/24", "198.51.100.0/24"]}"#,
        /// Sets and policies for routers, in the language of policies (docs/policy.md).
        policies: Lines = "policy short { if prefix length > 24 { reject } accept }",
        /// Kinds of sites: values that many sites share.
        site_classes: Named<ClassText> = r#"{"branch": {"underlays": ["internet"]}}"#,
        /// The sites: a list, or a table in a file of its own.
        sites: SitesText = r#"{"from": "sites.csv"}"#,
        /// Findings of `check` that are accepted, each with a reason and a last day.
        waivers: Vec<At<WaiverText>> = r#"[{"rule": "route-server-peers", "at": "regions.westeurope", "reason": "the ninth goes soon", "until": "2027-03-01"}]"#,
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
        probe: ProbeText = r#"{"interval": "100ms", "idle": "300ms", "dead_after": "900ms"}"#,
        /// Whether NVAs take the tunnels of sites over TLS as well, for where UDP does not get through.
        tls: Switched<TlsSettings> = r#"{"port": 443}"#,
        /// Whether sites make tunnels between each other when a hub relays between them.
        shortcuts: Switched<ShortcutSettings> = r#"{"slots": 8, "margin": "10%", "idle": "60s"}"#,
        /// What hubs announce to sites in place of single routes; `[]` sends the full table.
        summaries: Vec<At<Prefix>> = r#"["10.0.0.0/8"]"#,
        /// MTU of the overlay device.
        mtu: Count<576, 8940> = "1340",
        /// How all nodes forward; a region's `nvas.forwarding` goes before it.
        forwarding: ForwardingText = r#"{"threads": 2}"#,
        /// Where addresses come from that the design does not name.
        addresses: AddressesText = r#"{"nva_public": "203.0.113.0/24"}"#,
        /// How NVAs of different regions reach each other.
        hub_to_hub: HubToHub = "tunnel",
        /// Seed of the modelled jitter and loss.
        seed: Count<0, 4294967295> = "1",
    }
}

words! {
    /// How NVAs of different regions reach each other.
    HubToHub {
        /// By tunnels.
        Tunnel = "tunnel",
        /// Without encapsulation, over peered hub VNets.
        Plain = "plain",
    }
}

record! {
    /// How paths are probed.
    ProbeText {
        /// Time between probes on each path that is in use.
        interval: TimeSpan = "100ms",
        /// The same on a path that is not.
        idle: TimeSpan = "300ms",
        /// A path is down this long after the last reply.
        dead_after: TimeSpan = "900ms",
        /// Whether the times that are not written find a dead path within 300 ms.
        fast: bool = "true",
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
        /// Links between routers, provider edges and CPEs, a /31 each.
        links: Prefix = "172.30.0.0/16",
        /// Links of circuits, a /30 each.
        circuits: Prefix = "172.29.0.0/16",
    }
}

record! {
    /// Values for every region and site that does not have its own.
    DefaultsText {
        /// For regions.
        region: RegionDefaultsText = r#"{"nvas": {"count": 2}}"#,
        /// Time from a Route Server's decision to the network interfaces.
        programming_delay: TimeSpan = "0ms",
        /// The longest such time: each route takes one between the two.
        programming_delay_max: TimeSpan = "30s",
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
