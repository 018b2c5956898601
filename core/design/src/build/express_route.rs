//! ExpressRoute: instances of gateways, MSEEs, and their places in GatewaySubnet.

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::{Asn, Prefix};

use super::addresses::RegionAddresses;
use super::regions::{ROUTE_SERVER_ASN, announced, interface, nic, server_name, subnet};
use super::wires::{Joins, Wire, by_device, msee_name, router_asn, router_name};
use super::{Addresses, Devices};
use crate::communities;
use crate::plan::{
    BgpPeerConfig, CustomerEdge, ErGatewayConfig, ForwarderConfig, ForwarderKind,
    GatewayConnection, InterfaceConfig, MicrosoftPeering, MseeConfig, MseeConnection, Place,
    PrivatePeering, TaggedPrefix,
};
use crate::report::Report;
use crate::settle::vnets::GATEWAY_SUBNET;
use crate::settle::{Circuit, CircuitPeering, ExpressRoute, Region, Settled};

/// Microsoft's AS.
pub(crate) const MSEE_ASN: Asn = Asn(12_076);
/// The AS of gateways.
const GATEWAY_ASN: Asn = ROUTE_SERVER_ASN;
/// Where the instances of a gateway are in its subnet, as captured.
const INSTANCES: [u64; 2] = [12, 13];
/// Where the first MSEE is in a gateway's subnet, as captured.
const FIRST_MSEE: u64 = 4;

/// Addresses in a region's GatewaySubnet.
#[derive(Clone, Debug)]
pub(crate) struct GatewayAddresses {
    /// Of both instances.
    pub(crate) instances: [Ipv4Addr; 2],
    /// Of both MSEEs of each circuit that is connected, by the circuit's index.
    pub(crate) msees: Vec<(usize, [Ipv4Addr; 2])>,
}

/// Gives out the addresses of a region's GatewaySubnet.
pub(crate) fn addresses(
    settled: &Settled,
    index: usize,
    reports: &mut Vec<Report>,
) -> Option<GatewayAddresses> {
    let region = &settled.regions[index];
    let gateway = region.express_route.as_ref()?;
    let Some(prefix) = subnet(&region.hub, GATEWAY_SUBNET) else {
        let says = format!("the hub of {} has no {GATEWAY_SUBNET}", region.name.value);
        if let Some(at) = gateway.why.span() {
            reports.push(Report::shape(at, says));
        }
        return None;
    };
    let last = prefix.size().saturating_sub(1);
    let mut next = FIRST_MSEE;
    let mut too_small = last <= INSTANCES[1];
    let mut msees = Vec::new();
    for (circuit, settled) in settled.circuits.iter().enumerate() {
        if !settled.connects(index) {
            continue;
        }
        let ends = [0, 1].map(|_| {
            while INSTANCES.contains(&next) {
                next += 1;
            }
            let address = prefix.nth(next).filter(|_| next < last);
            next += 1;
            too_small |= address.is_none();
            address.unwrap_or(prefix.address())
        });
        msees.push((circuit, ends));
    }
    if let (true, Some(at)) = (too_small, gateway.why.span()) {
        let says = format!(
            "{GATEWAY_SUBNET} of {} ({prefix}) is too small for its gateway and circuits",
            region.name.value
        );
        reports.push(
            Report {
                rule: "subnet-size",
                ..Report::shape(at, says)
            }
            .try_this("make it a /27, or a /26 for many circuits"),
        );
    }
    let instance = |offset| prefix.nth(offset).unwrap_or(prefix.address());
    Some(GatewayAddresses {
        instances: INSTANCES.map(instance),
        msees,
    })
}

/// `ergw0.westeurope`.
pub(crate) fn gateway_name(region: &Region, instance: usize) -> String {
    format!("ergw{instance}.{}", region.name.value)
}

/// Makes gateways and MSEEs.
pub(crate) fn build(settled: &Settled, addresses: &Addresses, devices: &mut Devices) {
    for (region, own) in settled.regions.iter().zip(&addresses.regions) {
        if let (Some(gateway), Some(places)) = (&region.express_route, &own.gateway) {
            for instance in 0..2 {
                self::gateway(settled, region, (gateway, places, own), instance, devices);
            }
        }
    }
    let laid = by_device(&addresses.wires);
    for (index, circuit) in settled.circuits.iter().enumerate() {
        for link in 0..2 {
            let name = msee_name(&circuit.name.value, link);
            let wires = laid.get(name.as_str()).map_or(&[][..], |wires| &wires[..]);
            msee(settled, addresses, (index, circuit, link), wires, devices);
        }
    }
}

fn gateway(
    settled: &Settled,
    region: &Region,
    (gateway, places, own): (&ExpressRoute, &GatewayAddresses, &RegionAddresses),
    instance: usize,
    devices: &mut Devices,
) {
    let name = gateway_name(region, instance);
    let address = places.instances[instance];
    let servers = own.route_servers.iter().enumerate();
    let servers = servers.map(|(instance, address)| BgpPeerConfig {
        name: server_name(region, instance),
        address: *address,
        asn: ROUTE_SERVER_ASN,
    });
    let also = gateway.also.iter().map(|prefix| prefix.value);
    devices.gateways.push(ErGatewayConfig {
        region: region.name.value.clone(),
        vnet: region.hub.name.value.clone(),
        instance: instance as u8,
        twin: BgpPeerConfig {
            name: gateway_name(region, 1 - instance),
            address: places.instances[1 - instance],
            asn: GATEWAY_ASN,
        },
        interface: interface(address, subnet(&region.hub, GATEWAY_SUBNET)),
        asn: GATEWAY_ASN,
        sku: gateway.sku.value,
        limits: settled.platform.numbers.gateway_limits(gateway.sku.value),
        route_servers: servers.collect(),
        branch_to_branch: region
            .route_server
            .as_ref()
            .is_some_and(|server| server.branch_to_branch.value),
        announced: announced(region).into_iter().chain(also).collect(),
        vnet_space: region
            .vnets()
            .flat_map(|vnet| vnet.space.value.clone())
            .collect(),
        summarized: gateway
            .summarized
            .iter()
            .map(|prefix| prefix.value)
            .collect(),
        connections: joined(settled, region, places),
        name: name.clone(),
    });
    let max_packet = settled.platform.numbers.express_route.max_packet;
    devices.fabric.forwarders.push(ForwarderConfig {
        device: name.clone(),
        kind: ForwarderKind::Gateway {
            max_packet: u16::try_from(max_packet).unwrap_or(u16::MAX),
        },
    });
    let mut nic = nic(name, &region.hub, GATEWAY_SUBNET, address);
    nic.ip_forwarding = true;
    devices.fabric.nics.push(nic);
}

/// The circuits that a region's gateway is connected to.
fn joined(settled: &Settled, region: &Region, places: &GatewayAddresses) -> Vec<GatewayConnection> {
    let joined = places.msees.iter().filter_map(|(index, ends)| {
        let circuit = &settled.circuits[*index];
        let mut connections = circuit.connections.iter();
        let connection = connections.find(|connection| {
            let connected = &settled.regions[connection.region.value];
            connected.name.value == region.name.value
        })?;
        let msees = ends
            .iter()
            .enumerate()
            .map(|(link, address)| BgpPeerConfig {
                name: msee_name(&circuit.name.value, link),
                address: *address,
                asn: MSEE_ASN,
            });
        Some(GatewayConnection {
            circuit: circuit.name.value.clone(),
            weight: connection.weight.value,
            msees: msees.collect(),
            fast_path: connection.fast_path.value,
        })
    });
    joined.collect()
}

fn msee(
    settled: &Settled,
    addresses: &Addresses,
    (index, circuit, link): (usize, &Circuit, usize),
    wires: &[&Wire],
    devices: &mut Devices,
) {
    let name = msee_name(&circuit.name.value, link);
    let mut interfaces: Vec<InterfaceConfig> = wires
        .iter()
        .map(|wire| {
            let (own, _) = wire.seen_from(&name);
            InterfaceConfig {
                name: own.interface.clone(),
                address: own.address,
                prefix_len: wire.len,
                default_route_metric: None,
            }
        })
        .collect();
    let connections = connections(settled, addresses, (index, link), &mut interfaces, devices);
    if interfaces.is_empty() {
        return;
    }
    let edge = |wanted: bool, peering: &Option<CircuitPeering>| {
        let wire = wires.iter().find(
            |wire| matches!(wire.joins, Joins::Circuit { microsoft, .. } if microsoft == wanted),
        )?;
        customer(settled, &name, wire, peering.as_ref()?)
    };
    let reach = wires.iter().filter_map(|wire| match wire.joins {
        Joins::GlobalReach { .. } => {
            let (_, far) = wire.seen_from(&name);
            Some(BgpPeerConfig {
                name: far.device.clone(),
                address: far.address,
                asn: MSEE_ASN,
            })
        }
        Joins::Provider { .. }
        | Joins::Attachment { .. }
        | Joins::Circuit { .. }
        | Joins::Lan { .. }
        | Joins::Underlay { .. } => None,
    });
    let microsoft = edge(true, &circuit.microsoft_peering).map(|edge| MicrosoftPeering {
        edge,
        customer_prefixes: values(&circuit.customer_prefixes),
        prefixes: microsoft_prefixes(settled, addresses),
        route_filter: circuit
            .route_filter
            .iter()
            .map(|value| value.value)
            .collect(),
    });
    let config = MseeConfig {
        circuit: circuit.name.value.clone(),
        primary: link == 0,
        router_id: interfaces[0].address,
        asn: MSEE_ASN,
        limits: settled.platform.numbers.circuit_limits(circuit.sku.value),
        private_peering: edge(false, &circuit.private_peering).map(|edge| PrivatePeering { edge }),
        microsoft_peering: microsoft,
        connections,
        global_reach: reach.collect(),
        interfaces,
        name: name.clone(),
    };
    forwarder(settled, circuit, &config, devices);
    devices.msees.push(config);
}

fn forwarder(settled: &Settled, circuit: &Circuit, config: &MseeConfig, devices: &mut Devices) {
    let fast = circuit.connections.iter().filter(|one| one.fast_path.value);
    let fast = fast.map(|one| settled.regions[one.region.value].hub.name.value.clone());
    devices.fabric.forwarders.push(ForwarderConfig {
        device: config.name.clone(),
        kind: ForwarderKind::Msee {
            place: Place {
                latitude_udeg: circuit.location.value.latitude_udeg,
                longitude_udeg: circuit.location.value.longitude_udeg,
            },
            fast_path: fast.collect(),
            microsoft: config.microsoft_peering.is_some(),
        },
    });
}

/// An MSEE's ends in the GatewaySubnets, with their interfaces.
fn connections(
    settled: &Settled,
    addresses: &Addresses,
    (index, link): (usize, usize),
    interfaces: &mut Vec<InterfaceConfig>,
    devices: &mut Devices,
) -> Vec<MseeConnection> {
    let circuit = &settled.circuits[index];
    let name = msee_name(&circuit.name.value, link);
    let mut all = Vec::new();
    for connection in &circuit.connections {
        let region = &settled.regions[connection.region.value];
        let Some(places) = &addresses.regions[connection.region.value].gateway else {
            continue;
        };
        let ends = places.msees.iter().find(|(circuit, _)| *circuit == index);
        let Some((_, ends)) = ends else { continue };
        let port = format!("vnet{}", all.len());
        let own = interface(ends[link], subnet(&region.hub, GATEWAY_SUBNET));
        interfaces.push(InterfaceConfig {
            name: port.clone(),
            default_route_metric: None,
            ..own
        });
        let mut nic = nic(name.clone(), &region.hub, GATEWAY_SUBNET, ends[link]);
        nic.interface.clone_from(&port);
        nic.ip_forwarding = true;
        devices.fabric.nics.push(nic);
        let gateways = places.instances.iter().enumerate();
        let gateways = gateways.map(|(instance, address)| BgpPeerConfig {
            name: gateway_name(region, instance),
            address: *address,
            asn: GATEWAY_ASN,
        });
        all.push(MseeConnection {
            vnet: region.hub.name.value.clone(),
            interface: port,
            gateways: gateways.collect(),
            region_community: communities::private(&region.azure.value),
            custom_community: connection.community.as_ref().map(|value| value.value),
            remote_vnets: connection.remote_vnets.value,
        });
    }
    all
}

/// The customer's side of a link.
fn customer(
    settled: &Settled,
    name: &str,
    wire: &Wire,
    peering: &CircuitPeering,
) -> Option<CustomerEdge> {
    let (own, far) = wire.seen_from(name);
    let router = far.router?;
    let seconds = |time: Duration| u16::try_from(time.as_secs()).unwrap_or(u16::MAX);
    Some(CustomerEdge {
        peer: BgpPeerConfig {
            name: router_name(settled, router),
            address: far.address,
            asn: router_asn(settled, router),
        },
        interface: own.interface.clone(),
        bfd: peering.bfd.value,
        keepalive_s: seconds(peering.keepalive.value),
        hold_time_s: seconds(peering.hold_time.value),
    })
}

/// Public addresses in Azure: those of the NVAs, with the community of their region.
fn microsoft_prefixes(settled: &Settled, addresses: &Addresses) -> Vec<TaggedPrefix> {
    let regions = settled.regions.iter().zip(&addresses.regions);
    let all = regions.flat_map(|(region, own)| {
        let community = communities::public(&region.azure.value);
        own.nvas.iter().map(move |nva| TaggedPrefix {
            prefix: Prefix::host(nva.public),
            communities: community.into_iter().collect(),
        })
    });
    all.collect()
}

fn values(prefixes: &[crate::settle::Val<Prefix>]) -> Vec<Prefix> {
    prefixes.iter().map(|prefix| prefix.value).collect()
}
