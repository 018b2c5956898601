//! Point-to-point links: between provider edges, routers, CPEs and MSEEs, each with two addresses.
//!
//! A /31 of `overlay.addresses.links` is found by the hash of the link's name, so that adding one
//! link or taking it away leaves the others their addresses. Circuits have /30s in the order of the
//! design; CPEs behind Microsoft peering have addresses of the customer's public prefixes.

mod places;
mod pools;

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use inet::{Coordinates, hash};

use super::cpe_name;
use crate::geography;
use crate::model::UnderlayKind;
use crate::plan::{LinkConfigOneWay, WireConfig, WireEnd};
use crate::report::Report;
use crate::settle::{CIRCUIT_STRETCH, RouterAt, Settled, Site};

/// What a link joins. `a` is named first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joins {
    /// Two provider edges of a network.
    Provider { network: usize },
    /// A site's router and a provider edge.
    Attachment {
        site: usize,
        router: usize,
        attachment: usize,
    },
    /// A customer's or provider's router and an MSEE: link 0 or 1.
    Circuit {
        circuit: usize,
        link: usize,
        microsoft: bool,
    },
    /// A site's router and a CPE.
    Lan { site: usize, cpe: usize },
    /// A site's router and a CPE's port to an underlay behind it.
    Underlay { site: usize, cpe: usize, wan: usize },
    /// MSEEs of two circuits.
    GlobalReach { circuits: (usize, usize) },
}

/// A link with its addresses.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) joins: Joins,
    pub(crate) a: End,
    pub(crate) b: End,
    /// Length of the prefix that both ends are in.
    pub(crate) len: u8,
    rate_bps: u64,
    latency_us: u32,
}

/// An end of a link.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) device: String,
    pub(crate) interface: String,
    pub(crate) address: Ipv4Addr,
    /// The router that it is, when it is one.
    pub(crate) router: Option<RouterAt>,
}

impl Wire {
    /// The own end and the other, seen from a device.
    pub(crate) fn seen_from(&self, device: &str) -> (&End, &End) {
        if self.a.device == device {
            (&self.a, &self.b)
        } else {
            (&self.b, &self.a)
        }
    }

    /// As the fabric knows it.
    pub(crate) fn config(&self, settled: &Settled) -> WireConfig {
        let end = |end: &End| WireEnd {
            device: end.device.clone(),
            interface: end.interface.clone(),
            address: end.address,
        };
        let way = LinkConfigOneWay {
            rate_bps: self.rate_bps,
            latency_us: self.latency_us,
            jitter_us: 0,
            loss_ppm: 0,
            queue_bytes: 0,
        };
        let (mut a_to_b, mut b_to_a) = (way, way);
        if let Joins::Underlay { site, wan, .. } = self.joins {
            let link = &settled.sites[site].underlays[wan];
            // `up` is from the site's CPE, which is the second end.
            (b_to_a, a_to_b) = (
                super::sites::one_way(&link.up),
                super::sites::one_way(&link.down),
            );
        }
        WireConfig {
            a: end(&self.a),
            b: end(&self.b),
            a_to_b,
            b_to_a,
        }
    }
}

/// Characters of the longest name of an interface.
const INTERFACE_MAX: usize = 15;

/// A cable inside a building, and the equipment at its ends.
const CABLE_US: u32 = 100;

/// Lays every link of a design, in the order of the design.
pub(crate) fn lay(settled: &Settled, reports: &mut Vec<Report>) -> Vec<Wire> {
    let mut layer = Layer {
        settled,
        wires: Vec::new(),
        ports: BTreeMap::new(),
        customers: BTreeSet::new(),
    };
    layer.networks();
    for (index, site) in settled.sites.iter().enumerate() {
        layer.attachments(index, site);
    }
    layer.circuits();
    for (index, site) in settled.sites.iter().enumerate() {
        layer.cpes(index, site);
    }
    let mut wires = layer.wires;
    pools::address(settled, &mut wires, reports);
    wires
}

struct Layer<'a> {
    settled: &'a Settled,
    wires: Vec<Wire>,
    /// How many interfaces of a kind a device has.
    ports: BTreeMap<(String, &'static str), usize>,
    /// Interfaces of provider edges towards customers.
    customers: BTreeSet<(String, String)>,
}

impl Layer<'_> {
    fn port(&mut self, device: String, kind: &'static str, router: Option<RouterAt>) -> End {
        let number = self.ports.entry((device.clone(), kind)).or_default();
        let interface = format!("{kind}{number}");
        *number += 1;
        End {
            device,
            interface,
            address: Ipv4Addr::UNSPECIFIED,
            router,
        }
    }

    fn router(&mut self, at: RouterAt, kind: &'static str) -> End {
        self.port(router_name(self.settled, at), kind, Some(at))
    }

    /// A provider's interface towards a customer's: named after that, so that it keeps its name when
    /// other customers come and go.
    fn customer(&mut self, provider: RouterAt, customer: &End) -> End {
        let (router, site) = customer
            .device
            .split_once('.')
            .unwrap_or(("", &customer.device));
        let name = format!("ce-{site}");
        let device = router_name(self.settled, provider);
        let first = !self.customers.contains(&(device.clone(), name.clone()));
        let interface = match first && name.len() <= INTERFACE_MAX {
            true => name,
            false => {
                let whole = format!("{router}.{site}/{}", customer.interface);
                format!(
                    "ce-{:010x}",
                    hash::bytes(0, whole.as_bytes()) & 0xff_ffff_ffff
                )
            }
        };
        self.customers.insert((device, interface.clone()));
        self.end(provider, interface)
    }

    fn lay(&mut self, joins: Joins, a: End, b: End, (rate_bps, latency_us): (u64, u32)) {
        self.wires.push(Wire {
            joins,
            a,
            b,
            len: 31,
            rate_bps,
            latency_us,
        });
    }

    fn networks(&mut self) {
        for (index, network) in self.settled.networks.iter().enumerate() {
            for b in 0..network.pes.len() {
                for a in 0..b {
                    let pe = |pe| RouterAt::Provider { network: index, pe };
                    let (near, far) = (self.router(pe(a), "net"), self.router(pe(b), "net"));
                    let places = [a, b].map(|pe| Some(network.pes[pe].place.value));
                    let latency = latency(places, network.stretch.value);
                    let joins = Joins::Provider { network: index };
                    self.lay(joins, near, far, (0, latency));
                }
            }
        }
    }

    fn attachments(&mut self, site_index: usize, site: &Site) {
        for (router_index, router) in site.routers.iter().enumerate() {
            for (index, attachment) in router.networks.iter().enumerate() {
                let network = &self.settled.networks[attachment.network];
                let pe = attachment.pe.value;
                let at = RouterAt::Site {
                    site: site_index,
                    router: router_index,
                };
                let provider = RouterAt::Provider {
                    network: attachment.network,
                    pe,
                };
                let near = self.router(at, "net");
                let far = self.customer(provider, &near);
                let places = [
                    site.place.as_ref().map(|place| place.value),
                    Some(network.pes[pe].place.value),
                ];
                let joins = Joins::Attachment {
                    site: site_index,
                    router: router_index,
                    attachment: index,
                };
                let latency = latency(places, network.stretch.value);
                self.lay(joins, near, far, (attachment.rate_bps.value, latency));
            }
        }
    }

    fn circuits(&mut self) {
        for (index, circuit) in self.settled.circuits.iter().enumerate() {
            let peerings = [
                (&circuit.private_peering, "er", "private"),
                (&circuit.microsoft_peering, "ms", "microsoft"),
            ];
            for (peering, own, theirs) in peerings {
                for (link, customer) in circuit.customer.iter().enumerate() {
                    let (Some(_), Some(customer)) = (peering, customer) else {
                        continue;
                    };
                    let near = self.router(customer.value, own);
                    let msee = msee_name(&circuit.name.value, link);
                    let far = self.port(msee, theirs, None);
                    let places = [
                        places::router_place(self.settled, customer.value),
                        Some(circuit.location.value),
                    ];
                    let joins = Joins::Circuit {
                        circuit: index,
                        link,
                        microsoft: theirs == "microsoft",
                    };
                    let latency = latency(places, CIRCUIT_STRETCH);
                    self.lay(joins, near, far, (circuit.rate_bps.value, latency));
                }
            }
        }
        self.global_reach();
    }

    /// Between the primaries and between the secondaries; named at one end or at both.
    fn global_reach(&mut self) {
        let circuits = &self.settled.circuits;
        let mut pairs = BTreeSet::new();
        for (index, circuit) in circuits.iter().enumerate() {
            let others = circuit.global_reach.iter();
            pairs.extend(others.map(|other| (index.min(other.value), index.max(other.value))));
        }
        for (a, b) in pairs {
            for link in 0..2 {
                let name = |index: usize| msee_name(&circuits[index].name.value, link);
                let near = self.port(name(a), "reach", None);
                let far = self.port(name(b), "reach", None);
                let places = [a, b].map(|index| Some(circuits[index].location.value));
                let joins = Joins::GlobalReach { circuits: (a, b) };
                self.lay(joins, near, far, (0, latency(places, CIRCUIT_STRETCH)));
            }
        }
    }

    fn cpes(&mut self, index: usize, site: &Site) {
        for cpe in 0..site.cpes.value as usize {
            if let Some((router, _)) = site.lan_router() {
                let at = RouterAt::Site {
                    site: index,
                    router,
                };
                let near = self.end(at, format!("cpe{}", cpe + 1));
                let far = self.port(cpe_name(&site.name.value, cpe), "rtr", None);
                self.lay(Joins::Lan { site: index, cpe }, near, far, (0, CABLE_US));
            }
            self.underlays(index, site, cpe);
        }
    }

    fn underlays(&mut self, index: usize, site: &Site, cpe: usize) {
        let mut ports = BTreeMap::new();
        for (wan, link) in site.underlays.iter().enumerate() {
            let Some(via) = &link.via else { continue };
            let at = RouterAt::Site {
                site: index,
                router: via.router.value,
            };
            let port: &mut usize = ports.entry(via.router.value).or_default();
            *port += 1;
            let interface = match *port {
                1 => format!("wan-cpe{}", cpe + 1),
                more => format!("wan{more}-cpe{}", cpe + 1),
            };
            let near = self.end(at, interface);
            let far = End {
                device: cpe_name(&site.name.value, cpe),
                interface: format!("wan{wan}"),
                address: Ipv4Addr::UNSPECIFIED,
                router: None,
            };
            let joins = Joins::Underlay {
                site: index,
                cpe,
                wan,
            };
            self.lay(joins, near, far, (0, CABLE_US));
        }
    }

    fn end(&self, at: RouterAt, interface: String) -> End {
        End {
            device: router_name(self.settled, at),
            interface,
            address: Ipv4Addr::UNSPECIFIED,
            router: Some(at),
        }
    }
}

fn latency([a, b]: [Option<Coordinates>; 2], stretch: u16) -> u32 {
    let distance = a.zip(b).map_or(0, |(a, b)| geography::distance_m(a, b));
    geography::latency_us(distance, stretch) + CABLE_US
}

/// The links of each device, by name.
pub(crate) fn by_device(wires: &[Wire]) -> BTreeMap<&str, Vec<&Wire>> {
    let mut all: BTreeMap<&str, Vec<&Wire>> = BTreeMap::new();
    for wire in wires {
        for end in [&wire.a, &wire.b] {
            all.entry(&end.device).or_default().push(wire);
        }
    }
    all
}

/// Addresses of CPEs on underlays that they reach through a router, by site, CPE and port.
pub(crate) fn behind_routers(wires: &[Wire]) -> BTreeMap<(usize, usize, usize), Ipv4Addr> {
    let own = wires.iter().filter_map(|wire| match wire.joins {
        Joins::Underlay { site, cpe, wan } => Some(((site, cpe, wan), wire.b.address)),
        Joins::Provider { .. }
        | Joins::Attachment { .. }
        | Joins::Circuit { .. }
        | Joins::Lan { .. }
        | Joins::GlobalReach { .. } => None,
    });
    own.collect()
}

/// Both ends of the links between routers and CPEs, the CPE's first, by site and CPE.
pub(crate) fn beside_routers(wires: &[Wire]) -> BTreeMap<(usize, usize), (End, End)> {
    let own = wires.iter().filter_map(|wire| match wire.joins {
        Joins::Lan { site, cpe } => Some(((site, cpe), (wire.b.clone(), wire.a.clone()))),
        Joins::Provider { .. }
        | Joins::Attachment { .. }
        | Joins::Circuit { .. }
        | Joins::Underlay { .. }
        | Joins::GlobalReach { .. } => None,
    });
    own.collect()
}

pub(crate) use places::{msee_name, router_asn, router_name};

/// Whether the circuit that a CPE's underlay uses has Microsoft peering for it.
fn is_microsoft(settled: &Settled, site: usize, wan: usize) -> bool {
    let underlay = settled.sites[site].underlays[wan].underlay;
    settled.underlays[underlay].kind.value == UnderlayKind::MicrosoftPeering
}
