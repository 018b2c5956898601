//! What customer edges take from MSEEs and tell them: the routers' own policies, as they are in the
//! files that they run, applied to the routes that will be announced.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use bgp::policy::Policy;
use bgp::wire::attributes::{AsPath, Attributes};
use bgp::{Group, NeighborId};
use inet::{Asn, Net, Prefix};

use crate::build;
use crate::plan::{ErGatewayConfig, MseeConfig, NodeRole, Plan, RouterConfig, RouterPlace};
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
    let mut files: BTreeMap<&str, Option<RouterConfig>> = BTreeMap::new();
    let mut all = Vec::new();
    for msee in &plan.msees {
        let Some(peering) = &msee.private_peering else {
            continue;
        };
        let Some(device) = plan
            .routers
            .iter()
            .find(|router| router.name == peering.edge.peer.name)
        else {
            continue;
        };
        let config = files.entry(&device.name).or_insert_with(|| {
            let (config, _) = crate::read_router(&device.name, &device.config);
            config
        });
        if let Some(config) = config {
            all.extend(edge(settled, &plan, (msee, &device.place), config));
        }
    }
    all
}

fn edge(
    settled: &Settled,
    plan: &Plan,
    (msee, place): (&MseeConfig, &RouterPlace),
    config: &RouterConfig,
) -> Option<Edge> {
    let circuits = settled.circuits.iter();
    let (index, circuit) = circuits
        .enumerate()
        .find(|(_, circuit)| circuit.name.value == msee.circuit)?;
    let end = circuit.customer[usize::from(!msee.primary)].as_ref()?;
    let own = msee
        .interfaces
        .iter()
        .find(|interface| interface.name == PRIVATE)?;
    let mut neighbors = config.settings.neighbors.iter();
    let neighbor = neighbors.position(|neighbor| neighbor.address == own.address)?;
    let written = match place {
        RouterPlace::Site { .. } => filters(settled, end.value, index),
        RouterPlace::Provider { .. } => None,
    };
    let span =
        |text: &Option<crate::settle::Val<String>>| text.as_ref().and_then(|text| text.why.span());
    let mut edge = Edge {
        circuit: index,
        router: end.value,
        name: msee.private_peering.as_ref()?.edge.peer.name.clone(),
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
        let gateway = plan
            .gateways
            .iter()
            .find(|gateway| gateway.vnet == connection.vnet)?;
        let mut attributes = Attributes::new(own.address);
        attributes.as_path = AsPath::sequence([MSEE_ASN]);
        attributes
            .communities
            .extend(connection.region_community.map(|community| community.0));
        let prefixes = announced(settled, plan, gateway);
        edge.announced.extend(
            prefixes
                .into_iter()
                .map(|prefix| (prefix, attributes.clone())),
        );
        edge.nvas.extend(nvas(plan, &gateway.region));
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

/// What a gateway announces: summaries in place of what they cover, and with branch-to-branch what
/// the region's NVAs announce.
fn announced(settled: &Settled, plan: &Plan, gateway: &ErGatewayConfig) -> Vec<Prefix> {
    let summarized = &gateway.summarized;
    let single = gateway.announced.iter().copied();
    let single = single.filter(|prefix| !summarized.iter().any(|whole| whole.covers(*prefix)));
    let mut all: Vec<Prefix> = single.chain(summarized.iter().copied()).collect();
    if gateway.branch_to_branch {
        let lans = plan.sites.iter().flat_map(|site| site.lans.iter().copied());
        let others = settled
            .regions
            .iter()
            .filter(|region| region.name.value != gateway.region);
        let spaces = others
            .flat_map(|region| region.vnets())
            .flat_map(|vnet| vnet.space.value.clone());
        all.extend(lans.chain(spaces));
    }
    all
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
