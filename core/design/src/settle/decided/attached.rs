//! What is attached beside the overlay: routed networks, routers of sites, circuits, gateways,
//! application classes, budgets.

use core::time::Duration;

use inet::{Asn, Coordinates, Prefix};

use super::{Region, Val, Why};
use crate::communities;
use crate::plan::{ClassConfig, Community, GatewaySku, ProtectConfig, ShareConfig};
use crate::platform::CircuitSku;

/// A provider's routed network.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) name: Val<String>,
    pub(crate) asn: Val<Asn>,
    pub(crate) stretch: Val<u16>,
    pub(crate) pes: Vec<Pe>,
}

/// A provider edge.
#[derive(Clone, Debug)]
pub(crate) struct Pe {
    pub(crate) name: Val<String>,
    pub(crate) place: Val<Coordinates>,
    /// Filters towards the MSEEs of circuits, by the circuit's index.
    pub(crate) circuits: Vec<(Val<usize>, Filters)>,
    pub(crate) foreign: Val<bool>,
}

/// A router of a site.
#[derive(Clone, Debug)]
pub(crate) struct Router {
    pub(crate) name: Val<String>,
    pub(crate) asn: Val<Asn>,
    /// Whether it is the gateway of the site's hosts.
    pub(crate) lan: Val<bool>,
    pub(crate) networks: Vec<Attachment>,
    /// Filters towards the MSEEs of circuits, by the circuit's index.
    pub(crate) circuits: Vec<(Val<usize>, Filters)>,
    /// Filters towards the site's CPEs.
    pub(crate) cpe: Filters,
    pub(crate) foreign: Val<bool>,
}

/// A router's attachment to a routed network.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    /// Index of the network.
    pub(crate) network: usize,
    pub(crate) why: Why,
    /// Index of the provider edge.
    pub(crate) pe: Val<usize>,
    pub(crate) rate_bps: Val<u64>,
    pub(crate) filters: Filters,
}

/// What a router takes and tells, where the design says so: names or statements of policies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    pub(crate) import: Option<Val<String>>,
    pub(crate) export: Option<Val<String>>,
}

/// A router, wherever it stands. Indices into the settled design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RouterAt {
    Site { site: usize, router: usize },
    Provider { network: usize, pe: usize },
}

/// An ExpressRoute circuit.
#[derive(Clone, Debug)]
pub(crate) struct Circuit {
    pub(crate) name: Val<String>,
    pub(crate) location: Val<Coordinates>,
    pub(crate) sku: Val<CircuitSku>,
    pub(crate) rate_bps: Val<u64>,
    /// Where the primary and the secondary link end; `None` where a name is wrong.
    pub(crate) customer: [Option<Val<RouterAt>>; 2],
    pub(crate) private_peering: Option<CircuitPeering>,
    pub(crate) microsoft_peering: Option<CircuitPeering>,
    /// Of Microsoft peering.
    pub(crate) customer_prefixes: Vec<Val<Prefix>>,
    /// Of Microsoft peering.
    pub(crate) route_filter: Vec<Val<Community>>,
    pub(crate) connections: Vec<Connection>,
    /// Indices of circuits.
    pub(crate) global_reach: Vec<Val<usize>>,
}

/// A peering of a circuit.
#[derive(Clone, Debug)]
pub(crate) struct CircuitPeering {
    pub(crate) why: Why,
    pub(crate) bfd: Val<bool>,
    pub(crate) keepalive: Val<Duration>,
    pub(crate) hold_time: Val<Duration>,
    /// The /30 of the primary and the secondary link, where they are written.
    pub(crate) links: [Option<Val<Prefix>>; 2],
}

/// A circuit's connection to a gateway.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) region: Val<usize>,
    pub(crate) weight: Val<u32>,
    pub(crate) fast_path: Val<bool>,
    pub(crate) remote_vnets: Val<bool>,
    pub(crate) community: Option<Val<Community>>,
}

/// An ExpressRoute gateway.
#[derive(Clone, Debug)]
pub(crate) struct ExpressRoute {
    pub(crate) why: Why,
    pub(crate) sku: Val<GatewaySku>,
    pub(crate) summarized: Vec<Val<Prefix>>,
    pub(crate) also: Vec<Val<Prefix>>,
}

/// How many routes a region's NVAs announce.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    pub(crate) route_server: Val<u32>,
    pub(crate) express_route: Val<u32>,
    pub(crate) warn_percent: Val<u8>,
    pub(crate) aggregate: Val<bool>,
    pub(crate) discard: Vec<Val<Prefix>>,
    pub(crate) priority: Vec<Val<Prefix>>,
}

/// An application class.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub(crate) name: Val<String>,
    /// All of it, as nodes are told.
    pub(crate) config: ClassConfig,
    pub(crate) hold: Val<Duration>,
    pub(crate) share: Val<ShareConfig>,
    pub(crate) protect: Val<ProtectConfig>,
    pub(crate) breakout: Val<bool>,
    pub(crate) probe_octets: Val<u16>,
}

/// A list of prefixes that classes name.
#[derive(Clone, Debug)]
pub(crate) struct PrefixList {
    pub(crate) name: Val<String>,
    /// In order, without those that others cover.
    pub(crate) prefixes: Vec<Prefix>,
}

impl Circuit {
    /// Whether it is connected to a region's gateway.
    pub(crate) fn connects(&self, region: usize) -> bool {
        let mut connections = self.connections.iter();
        connections.any(|connection| connection.region.value == region)
    }

    /// Whether its Microsoft peering announces public prefixes of a region.
    pub(crate) fn announces(&self, region: &Region) -> bool {
        let community = communities::public(&region.azure.value);
        let mut filter = self.route_filter.iter();
        self.microsoft_peering.is_some() && filter.any(|value| Some(value.value) == community)
    }
}
