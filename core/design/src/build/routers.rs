//! Customer and provider routers: interfaces, and the file that each runs.

mod file;

use inet::Prefix;

use super::wires::{self, Joins, Wire, router_asn, router_name};
use super::{Addresses, Devices};
use crate::plan::{InterfaceConfig, RouterDevice, RouterPlace};
use crate::report::Report;
use crate::settle::{Filters, Router, RouterAt, Settled, Site};

use file::{File, Peer, Policy};

/// Makes provider edges, then the routers of sites.
pub(crate) fn build(
    settled: &Settled,
    addresses: &Addresses,
    devices: &mut Devices,
    reports: &mut Vec<Report>,
) {
    let laid = wires::by_device(&addresses.wires);
    let links = |name: &str| laid.get(name).map_or(&[][..], |links| &links[..]);
    for (network_index, network) in settled.networks.iter().enumerate() {
        for (index, pe) in network.pes.iter().enumerate() {
            let at = RouterAt::Provider {
                network: network_index,
                pe: index,
            };
            let name = router_name(settled, at);
            let place = RouterPlace::Provider {
                network: network.name.value.clone(),
            };
            let device = device(settled, at, place, links(&name), pe.foreign.value, reports);
            devices.routers.push(device);
        }
    }
    for (site_index, site) in settled.sites.iter().enumerate() {
        for (index, router) in site.routers.iter().enumerate() {
            let at = RouterAt::Site {
                site: site_index,
                router: index,
            };
            let name = router_name(settled, at);
            let place = RouterPlace::Site {
                site: site.name.value.clone(),
            };
            let foreign = router.foreign.value;
            let device = device(settled, at, place, links(&name), foreign, reports);
            devices.routers.push(device);
        }
    }
}

fn device(
    settled: &Settled,
    at: RouterAt,
    place: RouterPlace,
    links: &[&Wire],
    foreign: bool,
    reports: &mut Vec<Report>,
) -> RouterDevice {
    let name = router_name(settled, at);
    let mut interfaces = Vec::new();
    let mut file = File {
        name: name.clone(),
        asn: router_asn(settled, at),
        router_id: None,
        library: settled.policies.as_deref(),
        own: Vec::new(),
        transit: Vec::new(),
        public: Vec::new(),
        peers: Vec::new(),
    };
    if let RouterAt::Site { site, router } = at {
        let site = &settled.sites[site];
        if site.routers[router].lan.value {
            for (index, lan) in site.lans.iter().enumerate() {
                interfaces.push(InterfaceConfig {
                    name: format!("lan{index}"),
                    address: lan.gateway.value,
                    prefix_len: lan.prefix.value.len(),
                    default_route_metric: None,
                });
                file.own.push(lan.prefix.value);
            }
        }
    }
    for wire in links {
        let (own, far) = wire.seen_from(&name);
        interfaces.push(InterfaceConfig {
            name: own.interface.clone(),
            address: own.address,
            prefix_len: wire.len,
            default_route_metric: None,
        });
        if let Joins::Underlay { .. } = wire.joins {
            file.transit.extend(Prefix::around(own.address, wire.len));
            continue;
        }
        file.peers.push(Peer {
            name: own.interface.clone(),
            local: own.address,
            address: far.address,
            ..peer(settled, at, wire, far)
        });
    }
    file.public = public(settled, links);
    file.router_id = interfaces.first().map(|interface| interface.address);
    let config = file.text();
    file.check(&config, reports);
    RouterDevice {
        name,
        place,
        interfaces,
        config,
        foreign,
    }
}

/// The customer's public prefixes, at the router where a Microsoft peering ends.
fn public(settled: &Settled, links: &[&Wire]) -> Vec<Prefix> {
    let mut all = Vec::new();
    for wire in links {
        if let Joins::Circuit {
            circuit,
            microsoft: true,
            ..
        } = wire.joins
        {
            let prefixes = settled.circuits[circuit].customer_prefixes.iter();
            all.extend(prefixes.map(|prefix| prefix.value));
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// What a router is told about the neighbour at the far end; names and addresses are the caller's.
fn peer(settled: &Settled, at: RouterAt, wire: &Wire, far: &wires::End) -> Peer {
    let asn = far.router.map(|far| router_asn(settled, far));
    match wire.joins {
        Joins::Provider { .. } => Peer {
            next_hop_self: true,
            bfd: true,
            ..Peer::of(asn.unwrap_or(settled.overlay.asn.value))
        },
        Joins::Attachment {
            site,
            router,
            attachment,
        } => {
            let mut peer = Peer::of(asn.unwrap_or(settled.overlay.asn.value));
            peer.bfd = true;
            (peer.import, peer.export) = match at {
                RouterAt::Provider { .. } => (Policy::Accept, Policy::Accept),
                RouterAt::Site { .. } => {
                    let attachment = &settled.sites[site].routers[router].networks[attachment];
                    written(&attachment.filters, Policy::Accept, Policy::Own)
                }
            };
            peer
        }
        Joins::Circuit {
            circuit, microsoft, ..
        } => msee(settled, at, circuit, microsoft),
        Joins::Lan { site, .. } => {
            let (_, router) = settled.sites[site]
                .lan_router()
                .expect("a link to a CPE begins at the router of the LAN");
            let mut peer = Peer::of(settled.overlay.asn.value);
            (peer.import, peer.export) = written(&router.cpe, Policy::Accept, Policy::OwnOnly);
            peer.fast = true;
            peer
        }
        Joins::Underlay { .. } | Joins::GlobalReach { .. } => Peer::of(settled.overlay.asn.value),
    }
}

/// The neighbour on a circuit, filtered where the circuit is an underlay.
fn msee(settled: &Settled, at: RouterAt, index: usize, microsoft: bool) -> Peer {
    let circuit = &settled.circuits[index];
    let peering = match microsoft {
        true => &circuit.microsoft_peering,
        false => &circuit.private_peering,
    };
    let mut peer = Peer::of(super::express_route::MSEE_ASN);
    if let Some(peering) = peering {
        peer.bfd = peering.bfd.value;
        peer.timers = Some((peering.keepalive.value, peering.hold_time.value));
    }
    (peer.import, peer.export) = match at {
        RouterAt::Provider { network, pe } => {
            let pe = &settled.networks[network].pes[pe];
            let filters = pe.circuits.iter().find(|(at, _)| at.value == index);
            let filters = filters.map(|(_, filters)| filters.clone());
            let filters = filters.unwrap_or_default();
            written(&filters, Policy::Accept, Policy::NotFromMicrosoft)
        }
        RouterAt::Site { site, router } => {
            let site = &settled.sites[site];
            let filters = circuit_filters(&site.routers[router], index);
            let (import, export) = match (microsoft, carries(site, router, index)) {
                (true, _) => (Policy::Accept, Policy::Public),
                (false, true) => (Policy::Only(hubs(settled, index)), Policy::Transit),
                (false, false) => (Policy::Accept, Policy::Own),
            };
            written(&filters, import, export)
        }
    };
    peer
}

fn circuit_filters(router: &Router, circuit: usize) -> Filters {
    let found = router.circuits.iter().find(|(at, _)| at.value == circuit);
    found
        .map(|(_, filters)| filters.clone())
        .unwrap_or_default()
}

/// Whether a circuit that ends at a router is an underlay of the site's CPEs.
fn carries(site: &Site, router: usize, circuit: usize) -> bool {
    let vias = site.underlays.iter().filter_map(|link| link.via.as_ref());
    vias.into_iter()
        .any(|via| via.router.value == router && via.circuits.contains(&circuit))
}

/// Address space of the hubs that a circuit is connected to: the NVAs stand there.
fn hubs(settled: &Settled, circuit: usize) -> Vec<Prefix> {
    let connections = settled.circuits[circuit].connections.iter();
    connections
        .map(|connection| &settled.regions[connection.region.value].hub)
        .flat_map(|hub| {
            let nva = hub.subnet(crate::settle::vnets::NVA_SUBNET);
            let spaces = hub.space.value.iter().copied();
            spaces.filter(move |space| nva.is_some_and(|nva| space.covers(nva)))
        })
        .collect()
}

/// What the design says, else what the router does of its own accord.
fn written(filters: &Filters, import: Policy, export: Policy) -> (Policy, Policy) {
    let one = |text: &Option<crate::settle::Val<String>>, default| match text {
        Some(text) => Policy::Written(text.value.clone(), text.why.span()),
        None => default,
    };
    (one(&filters.import, import), one(&filters.export, export))
}
