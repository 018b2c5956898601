//! What customer edges take from MSEEs and tell them: the routers' own policies, as they are in the
//! files that they run, applied to the routes that will be announced.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use bgp::policy::Policy;
use bgp::wire::attributes::{AsPath, Attributes};
use bgp::{Group, NeighborId};
use inet::{Asn, Net, Prefix};

use crate::build;
use crate::plan::{
    ErGatewayConfig, MseeConfig, NodeRole, Plan, RouterConfig, RouterDevice, RouterPlace,
};
use crate::report::Span;
use crate::settle::{Filters, RouterAt, Settled};

/// The AS of MSEEs.
const MSEE_ASN: Asn = Asn(12_076);
/// An MSEE's interface towards the customer on private peering.
const PRIVATE: &str = "private0";

/// A router's session with an MSEE on private peering.
pub(super) struct Edge {
    /// Index of the circuit.
    pub(super) circuit: usize,
    /// Which router.
    pub(super) router: RouterAt,
    /// Its device name.
    pub(super) name: String,
    /// Where its import policy is written, if it is.
    pub(super) import: Option<Span>,
    /// Where its export policy is written, if it is.
    pub(super) export: Option<Span>,
    /// What the MSEE announces.
    announced: Vec<(Prefix, Attributes)>,
    /// The NVAs behind the circuit with their private addresses.
    pub(super) nvas: Vec<(String, Ipv4Addr)>,
    policies: Policies,
}

/// Both policies of the session, compiled, with the router's AS and the neighbour's place.
struct Policies {
    local_as: Asn,
    neighbor: NeighborId,
    import: Option<Policy>,
    export: Option<Policy>,
}

impl Edge {
    /// The prefixes that the router takes.
    pub(super) fn taken(&self) -> impl Iterator<Item = Prefix> {
        let Policies {
            local_as,
            neighbor,
            import,
            ..
        } = &self.policies;
        self.announced.iter().filter_map(|(prefix, attributes)| {
            let from = Some((*neighbor, Group::default()));
            let taken = import
                .as_ref()?
                .of_route(Net::V4(*prefix), from, attributes, *local_as);
            taken.map(|_| *prefix)
        })
    }

    /// What the router tells the MSEE of a prefix of its own, if it does.
    pub(super) fn tells(&self, own: Prefix) -> Option<Attributes> {
        let attributes = Attributes::new(Ipv4Addr::UNSPECIFIED);
        let export = self.policies.export.as_ref()?;
        export.of_route(Net::V4(own), None, &attributes, self.policies.local_as)
    }

    /// Whether hosts of a site send what leaves the LAN to it.
    pub(super) fn is_hosts_gateway(&self, settled: &Settled) -> bool {
        match self.router {
            RouterAt::Site { site, router } => settled.sites[site].routers[router].lan.value,
            RouterAt::Provider { .. } => false,
        }
    }
}

/// All sessions of customers' routers on private peering. What is wrong with the design besides is
/// reported elsewhere.
pub(super) fn of(settled: &Settled) -> Vec<Edge> {
    let plan = build::build(settled, &|locator| locator.to_owned(), &mut Vec::new());
    let index = Index::of(settled, &plan);
    let mut files: BTreeMap<&str, Option<RouterConfig>> = BTreeMap::new();
    let mut all = Vec::new();
    for msee in &plan.msees {
        let peering = msee.private_peering.as_ref();
        let name = peering.map(|peering| peering.edge.peer.name.as_str());
        let Some(device) = name.and_then(|name| index.routers.get(name)) else {
            continue;
        };
        let config = files.entry(&device.name).or_insert_with(|| {
            let (config, _) = crate::read_router(&device.name, &device.config);
            config
        });
        if let Some(config) = config {
            all.extend(edge(settled, &index, (msee, device), config));
        }
    }
    all
}

/// The Plan by name.
struct Index<'a> {
    circuits: BTreeMap<&'a str, usize>,
    routers: BTreeMap<&'a str, &'a RouterDevice>,
    /// By VNet: what its gateway announces, and the NVAs of its region.
    gateways: BTreeMap<&'a str, Behind>,
}

/// What a gateway announces, and the NVAs of its region with their private addresses.
type Behind = (Vec<Prefix>, Vec<(String, Ipv4Addr)>);

impl<'a> Index<'a> {
    fn of(settled: &'a Settled, plan: &'a Plan) -> Self {
        let circuits = settled.circuits.iter().enumerate();
        let routers = plan.routers.iter();
        let gateways = plan.gateways.iter().filter(|gateway| gateway.instance == 0);
        Self {
            circuits: circuits
                .map(|(index, circuit)| (circuit.name.value.as_str(), index))
                .collect(),
            routers: routers
                .map(|router| (router.name.as_str(), router))
                .collect(),
            gateways: gateways
                .map(|gateway| {
                    let parts = (announced(gateway), nvas(plan, &gateway.region));
                    (gateway.vnet.as_str(), parts)
                })
                .collect(),
        }
    }
}

fn edge(
    settled: &Settled,
    plan: &Index<'_>,
    (msee, device): (&MseeConfig, &RouterDevice),
    config: &RouterConfig,
) -> Option<Edge> {
    let index = *plan.circuits.get(msee.circuit.as_str())?;
    let end = settled.circuits[index].customer[usize::from(!msee.primary)].as_ref()?;
    let own = msee
        .interfaces
        .iter()
        .find(|interface| interface.name == PRIVATE)?;
    let mut neighbors = config.settings.neighbors.iter();
    let neighbor = neighbors.position(|neighbor| neighbor.address == own.address)?;
    let written = match &device.place {
        RouterPlace::Site { .. } => filters(settled, end.value, index),
        RouterPlace::Provider { .. } => None,
    };
    let span =
        |text: &Option<crate::settle::Val<String>>| text.as_ref().and_then(|text| text.why.span());
    let mut edge = Edge {
        circuit: index,
        router: end.value,
        name: device.name.clone(),
        import: written.and_then(|filters| span(&filters.import)),
        export: written.and_then(|filters| span(&filters.export)),
        announced: Vec::new(),
        nvas: Vec::new(),
        policies: Policies {
            local_as: config.settings.local_as,
            neighbor: NeighborId(u32::try_from(neighbor).ok()?),
            import: config.settings.neighbors[neighbor].import.clone(),
            export: config.settings.neighbors[neighbor].export.clone(),
        },
    };
    for connection in &msee.connections {
        let (prefixes, nvas) = plan.gateways.get(connection.vnet.as_str())?;
        let mut attributes = Attributes::new(own.address);
        attributes.as_path = AsPath::sequence([MSEE_ASN]);
        attributes
            .communities
            .extend(connection.region_community.map(|community| community.0));
        let routes = prefixes.iter().map(|prefix| (*prefix, attributes.clone()));
        edge.announced.extend(routes);
        edge.nvas.extend(nvas.iter().cloned());
    }
    Some(edge)
}

fn filters(settled: &Settled, at: RouterAt, circuit: usize) -> Option<&Filters> {
    let RouterAt::Site { site, router } = at else {
        return None;
    };
    let mut circuits = settled.sites[site].routers[router].circuits.iter();
    let (_, filters) = circuits.find(|(at, _)| at.value == circuit)?;
    Some(filters)
}

/// What a gateway announces of VNets: summaries in place of what they cover. Routes of NVAs come
/// along with branch-to-branch only, which has a rule of its own where a circuit is an underlay.
fn announced(gateway: &ErGatewayConfig) -> Vec<Prefix> {
    let summarized = &gateway.summarized;
    let single = gateway.announced.iter().copied();
    let single = single.filter(|prefix| !summarized.iter().any(|whole| whole.covers(*prefix)));
    single.chain(summarized.iter().copied()).collect()
}

fn nvas(plan: &Plan, of: &str) -> Vec<(String, Ipv4Addr)> {
    let nodes = plan
        .nodes
        .iter()
        .filter(|node| matches!(&node.role, NodeRole::Nva { region, .. } if region == of));
    let found = nodes.filter_map(|node| {
        let interface = node.interfaces.first()?;
        Some((node.name.clone(), interface.address))
    });
    found.collect()
}
