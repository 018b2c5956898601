//! A design with every value decided: what rules, explanations and the building of devices read.

mod attached;

pub(crate) use attached::{
    Application, Attachment, Budget, Circuit, CircuitPeering, Connection, ExpressRoute, Filters,
    Network, Pe, PrefixList, Router, RouterAt,
};

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::{Asn, Coordinates, Prefix};

use super::{Val, Why};
use crate::model::{HubToHub, NvaMode, Preference, SourceCheckText, UnderlayKind};
use crate::reader::At;

/// A design with every value decided.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) format: Val<u32>,
    pub(crate) name: Val<String>,
    pub(crate) overlay: Overlay,
    pub(crate) region_latency: Val<Duration>,
    pub(crate) programming_delay: Val<Duration>,
    pub(crate) programming_delay_max: Val<Duration>,
    pub(crate) platform: super::Platform,
    pub(crate) regions: Vec<Region>,
    pub(crate) backbone: Vec<Backbone>,
    pub(crate) underlays: Vec<Underlay>,
    pub(crate) networks: Vec<Network>,
    pub(crate) circuits: Vec<Circuit>,
    /// Application classes, in the order in which they are tried.
    pub(crate) classes: Vec<Application>,
    /// Lists of prefixes that classes name.
    pub(crate) prefix_sets: Vec<PrefixList>,
    /// Text of the policies that have names.
    pub(crate) policies: Option<String>,
    pub(crate) sites: Vec<Site>,
}

/// Values of the overlay.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    pub(crate) asn: Val<Asn>,
    pub(crate) loopbacks: Val<Prefix>,
    pub(crate) port: Val<u16>,
    pub(crate) keepalive: Val<Duration>,
    pub(crate) probe: Probe,
    /// The TCP port on which NVAs take tunnels over TLS; `None` where they do not.
    pub(crate) tls: Val<Option<u16>>,
    pub(crate) shortcuts: Shortcuts,
    pub(crate) summaries: Val<Vec<Prefix>>,
    pub(crate) mtu: Val<u16>,
    pub(crate) seed: Val<u64>,
    pub(crate) hub_to_hub: Val<HubToHub>,
    pub(crate) forwarding: Forwarding,
    pub(crate) pools: Pools,
}

/// How paths are probed.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub(crate) fast: Val<bool>,
    pub(crate) interval: Val<Duration>,
    pub(crate) idle: Val<Duration>,
    pub(crate) dead_after: Val<Duration>,
}

/// Tunnels between sites.
#[derive(Clone, Debug)]
pub(crate) struct Shortcuts {
    /// How many a site has; 0 is none.
    pub(crate) slots: Val<u16>,
    pub(crate) margin_percent: Val<u8>,
    pub(crate) idle: Val<Duration>,
}

/// How nodes forward.
#[derive(Clone, Debug)]
pub(crate) struct Forwarding {
    pub(crate) threads: Val<u8>,
    pub(crate) source_check: Val<SourceCheckText>,
    pub(crate) aes: Val<bool>,
}

/// Where addresses come from that the design does not name.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    pub(crate) nva_public: Val<Prefix>,
    pub(crate) underlays: Val<Prefix>,
    pub(crate) behind_nat: Val<Prefix>,
    pub(crate) lans: Val<Prefix>,
    pub(crate) links: Val<Prefix>,
    pub(crate) circuits: Val<Prefix>,
}

/// A region.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// Azure's name of it.
    pub(crate) azure: Val<String>,
    pub(crate) name: Val<String>,
    pub(crate) number: u16,
    pub(crate) place: Val<Coordinates>,
    pub(crate) hub: Vnet,
    pub(crate) spokes: Vec<Vnet>,
    pub(crate) nvas: Nvas,
    pub(crate) route_server: Option<RouteServer>,
    pub(crate) route_server_why: Why,
    pub(crate) express_route: Option<ExpressRoute>,
    pub(crate) budget: Option<Budget>,
    pub(crate) nsgs: Vec<(Val<String>, Vec<crate::plan::NsgRuleConfig>)>,
    pub(crate) route_tables: Vec<(Val<String>, crate::plan::RouteTableConfig)>,
    pub(crate) foreign: Vec<ForeignRouter>,
    /// Facts that only rules read.
    pub(crate) as_built: crate::model::AsBuiltText,
}

impl Region {
    /// The hub first, then the spokes.
    pub(crate) fn vnets(&self) -> impl Iterator<Item = &Vnet> {
        core::iter::once(&self.hub).chain(&self.spokes)
    }

    /// A route table by name.
    pub(crate) fn table(&self, name: &str) -> Option<&crate::plan::RouteTableConfig> {
        let found = self
            .route_tables
            .iter()
            .find(|(known, _)| known.value == name);
        found.map(|(_, table)| table)
    }

    /// The route table of a subnet of the hub, and where it is named.
    pub(crate) fn table_of(
        &self,
        subnet: &str,
    ) -> Option<(Option<crate::report::Span>, &crate::plan::RouteTableConfig)> {
        let used = self.hub.subnet_named(subnet)?.route_table.as_ref()?;
        Some((used.why.span(), self.table(&used.value)?))
    }

    /// Whether Route Server passes routes on between NVAs and gateways.
    pub(crate) fn branch_to_branch(&self) -> bool {
        let server = self.route_server.as_ref();
        server.is_some_and(|server| server.branch_to_branch.value)
    }

    /// Facts of the NVAs, where the design has some.
    pub(crate) fn nva_facts(&self) -> Option<&crate::model::NvaFactsText> {
        self.as_built.nvas.as_ref().map(|at| &at.value)
    }
}

/// The NVAs of a region.
#[derive(Clone, Debug)]
pub(crate) struct Nvas {
    pub(crate) count: Val<u32>,
    pub(crate) mode: Val<NvaMode>,
    pub(crate) vm_size: Val<String>,
    pub(crate) public_addresses: Vec<Val<Ipv4Addr>>,
    pub(crate) originate: Vec<Val<Prefix>>,
    pub(crate) route_server_instances: Val<Vec<u8>>,
    pub(crate) guards_origin: Val<bool>,
    pub(crate) forwarding: Forwarding,
}

impl Nvas {
    /// The default route that they announce, if they do.
    pub(crate) fn announced_default(&self) -> Option<&Val<Prefix>> {
        self.originate.iter().find(|prefix| prefix.value.len() == 0)
    }
}

/// A Route Server.
#[derive(Clone, Debug)]
pub(crate) struct RouteServer {
    pub(crate) branch_to_branch: Val<bool>,
    pub(crate) preference: Val<Preference>,
    pub(crate) hold_time: Val<Duration>,
    pub(crate) routes_per_peer: Val<u32>,
    pub(crate) units: Val<u32>,
    /// Route maps, and what is attached to NVAs.
    pub(crate) route_maps: crate::plan::RouteMaps,
    pub(crate) nva_maps: crate::plan::MapPair,
}

/// A virtual network.
#[derive(Clone, Debug)]
pub(crate) struct Vnet {
    /// `hub-westeurope`, `spoke1-westeurope`.
    pub(crate) name: Val<String>,
    /// `hub`, or the spoke's name in its region.
    pub(crate) short: String,
    pub(crate) space: Val<Vec<Prefix>>,
    /// IPv6 prefixes among the address space, as written.
    pub(crate) space_v6: Vec<At<String>>,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) vms: Val<u32>,
    pub(crate) peering: Peering,
}

impl Vnet {
    /// The prefix of a subnet.
    pub(crate) fn subnet(&self, name: &str) -> Option<Prefix> {
        let mut subnets = self.subnets.iter();
        let found = subnets.find(|subnet| subnet.name.value == name)?;
        Some(found.prefix.value)
    }

    /// A subnet by name.
    pub(crate) fn subnet_named(&self, name: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.name.value == name)
    }
}

/// A subnet.
#[derive(Clone, Debug)]
pub(crate) struct Subnet {
    pub(crate) name: Val<String>,
    pub(crate) prefix: Val<Prefix>,
    pub(crate) nsg: Option<Val<String>>,
    pub(crate) route_table: Option<Val<String>>,
}

/// Flags of the peering between a hub and a spoke.
#[derive(Clone, Debug)]
pub(crate) struct Peering {
    pub(crate) access: Val<bool>,
    pub(crate) forwarded: Val<bool>,
    pub(crate) transit: Val<bool>,
    pub(crate) remote: Val<bool>,
}

/// A router of other make.
#[derive(Clone, Debug)]
pub(crate) struct ForeignRouter {
    pub(crate) name: Val<String>,
    pub(crate) asn: Val<Asn>,
    pub(crate) address: Option<Val<Ipv4Addr>>,
    pub(crate) peers: Val<bool>,
}

/// The backbone between two regions.
#[derive(Clone, Debug)]
pub(crate) struct Backbone {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) one_way_us: Val<u32>,
}

/// An underlay.
#[derive(Clone, Debug)]
pub(crate) struct Underlay {
    pub(crate) name: Val<String>,
    pub(crate) kind: Val<UnderlayKind>,
    /// Indices of the regions it reaches; `None` is all.
    pub(crate) regions: Option<Vec<usize>>,
    pub(crate) stretch: Val<u16>,
    pub(crate) loss_ppm: Val<u32>,
    pub(crate) jitter: Val<Duration>,
    pub(crate) mtu: Val<u16>,
    pub(crate) addresses: Val<Prefix>,
}

impl Underlay {
    /// Whether a region is reached.
    pub(crate) fn reaches(&self, region: usize) -> bool {
        self.regions
            .as_ref()
            .is_none_or(|regions| regions.contains(&region))
    }
}

/// A site.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) name: Val<String>,
    pub(crate) place: Option<Val<Coordinates>>,
    /// Whether the file says where the site is, known or not.
    pub(crate) place_written: bool,
    pub(crate) home: Option<Val<usize>>,
    /// Whether the file names a home region, known or not.
    pub(crate) home_written: bool,
    pub(crate) backup: Option<Val<usize>>,
    pub(crate) cpes: Val<u32>,
    pub(crate) lans: Vec<Lan>,
    pub(crate) underlays: Vec<SiteUnderlay>,
    pub(crate) wireguard: Option<Wireguard>,
    pub(crate) routers: Vec<Router>,
    /// Whether it makes shortcuts, where the overlay has them.
    pub(crate) shortcuts: Val<bool>,
}

impl Site {
    /// The router that is the hosts' gateway.
    pub(crate) fn lan_router(&self) -> Option<(usize, &Router)> {
        let mut routers = self.routers.iter().enumerate();
        routers.find(|(_, router)| router.lan.value)
    }
}

/// A LAN.
#[derive(Clone, Debug)]
pub(crate) struct Lan {
    pub(crate) prefix: Val<Prefix>,
    pub(crate) gateway: Val<Ipv4Addr>,
    pub(crate) hosts: Val<u32>,
}

/// A site's access to an underlay.
#[derive(Clone, Debug)]
pub(crate) struct SiteUnderlay {
    /// Index of the underlay.
    pub(crate) underlay: usize,
    pub(crate) why: Why,
    pub(crate) up: Access,
    pub(crate) down: Access,
    pub(crate) nat: Option<Nat>,
    pub(crate) nat_why: Why,
    pub(crate) addresses: Vec<Val<Ipv4Addr>>,
    /// The site's router that it is reached through.
    pub(crate) via: Option<Via>,
    /// What TCP connections go through.
    pub(crate) proxy: Option<Val<crate::plan::ProxyConfig>>,
}

impl SiteUnderlay {
    /// Whether a region is reached.
    pub(crate) fn reaches(&self, underlays: &[Underlay], region: usize) -> bool {
        match &self.via {
            None => underlays[self.underlay].reaches(region),
            Some(via) => via.regions.iter().any(|(index, _)| *index == region),
        }
    }
}

/// A router on the way to an underlay.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    /// Index of the router in the site.
    pub(crate) router: Val<usize>,
    /// Indices of the circuits that carry it.
    pub(crate) circuits: Vec<usize>,
    /// Indices of the regions that they reach, with the one-way latency in microseconds.
    pub(crate) regions: Vec<(usize, u32)>,
}

impl Via {
    /// The latency to a region that is reached.
    pub(crate) fn latency_us(&self, region: usize) -> Option<u32> {
        let mut regions = self.regions.iter();
        let (_, latency) = regions.find(|(index, _)| *index == region)?;
        Some(*latency)
    }
}

/// One direction of an access link.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) rate_bps: Val<u64>,
    pub(crate) latency: Val<Duration>,
    pub(crate) jitter: Val<Duration>,
    pub(crate) loss_ppm: Val<u32>,
}

/// A NAT.
#[derive(Clone, Debug)]
pub(crate) struct Nat {
    pub(crate) mapping: Val<crate::plan::NatBehavior>,
    pub(crate) filtering: Val<crate::plan::NatBehavior>,
    pub(crate) timeout: Val<Duration>,
}

/// A plain WireGuard device.
#[derive(Clone, Debug)]
pub(crate) struct Wireguard {
    pub(crate) public_key: Option<Val<String>>,
    pub(crate) nva: Val<String>,
    pub(crate) allowed: Val<Vec<Prefix>>,
}
