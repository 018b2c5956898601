//! The devices of regions: NVAs, Route Servers, VMs, routers of other make.

use core::net::Ipv4Addr;

use inet::{Asn, Prefix};

use super::addresses::RegionAddresses;
use super::express_route::{GatewayAddresses, gateway_name};
use super::{AZURE, Addresses, Devices, nva_name, nva_nsg_name, probe};
use crate::model::{NvaMode, Preference};
use crate::plan::{
    BgpPeerConfig, BranchKind, BudgetConfig, ForeignConfig, GatewayConfig, HostConfig, HostPlace,
    InterfaceConfig, Limits, LocatorConfig, MapPair, NicConfig, NodeConfig, NodeRole, PeerMaps,
    RouteMaps, RouteServerConfig, RoutingPreference,
};
use crate::settle::vnets::{NVA_SUBNET, ROUTE_SERVER_SUBNET, workload_subnet};
use crate::settle::{Region, RouteServer, Settled, Val, Vnet};

/// Route Server's AS.
pub(crate) const ROUTE_SERVER_ASN: Asn = Asn(65_515);
/// How often a passive NVA prepends: once would lose to nothing, twice also beats one stray hop.
const PASSIVE_PREPEND: u8 = 2;

/// Makes the devices of every region.
pub(crate) fn build(
    settled: &Settled,
    addresses: &Addresses,
    public_key: &dyn Fn(&str) -> String,
    devices: &mut Devices,
) {
    for (region, own) in settled.regions.iter().zip(&addresses.regions) {
        devices.nva_start.push(devices.nodes.len());
        for index in 0..own.nvas.len() {
            nva(settled, region, own, index, public_key, devices);
        }
        if let Some(server) = &region.route_server {
            for instance in 0..2 {
                route_server(settled, region, server, own, instance, devices);
            }
        }
        for (vnet, vms) in region.vnets().zip(&own.vms) {
            for (index, address) in vms.iter().enumerate() {
                vm(vnet, index, *address, devices);
            }
        }
        for (router, address) in region.foreign.iter().zip(&own.foreign) {
            let name = format!("{}.{}", router.name.value, region.name.value);
            devices.foreign.push(ForeignConfig {
                interfaces: vec![interface(*address, subnet(&region.hub, NVA_SUBNET))],
                ip_forward: true,
                name: name.clone(),
            });
            let mut nic = nic(name, &region.hub, NVA_SUBNET, *address);
            nic.ip_forwarding = true;
            devices.fabric.nics.push(nic);
        }
    }
}

/// A region for people.
pub(crate) fn summary(region: &Region) -> crate::plan::Region {
    let name = &region.name.value;
    crate::plan::Region {
        name: name.clone(),
        number: region.number,
        nvas: (0..region.nvas.count.value as usize)
            .map(|index| nva_name(name, index))
            .collect(),
        vnets: region.vnets().map(|vnet| vnet.name.value.clone()).collect(),
    }
}

pub(super) fn subnet(vnet: &Vnet, name: &str) -> Option<Prefix> {
    vnet.subnet(name)
}

/// Address space of the hub and of spokes that use its gateway.
pub(super) fn announced(region: &Region) -> Vec<Prefix> {
    let uses = |vnet: &&Vnet| {
        vnet.short == "hub" || (vnet.peering.transit.value && vnet.peering.remote.value)
    };
    region
        .vnets()
        .filter(uses)
        .flat_map(|vnet| vnet.space.value.clone())
        .collect()
}

pub(super) fn interface(address: Ipv4Addr, subnet: Option<Prefix>) -> InterfaceConfig {
    InterfaceConfig {
        name: "eth0".to_owned(),
        address,
        prefix_len: subnet.map_or(32, Prefix::len),
        default_route_metric: Some(0),
    }
}

pub(super) fn nic(device: String, vnet: &Vnet, subnet: &str, address: Ipv4Addr) -> NicConfig {
    NicConfig {
        device,
        interface: "eth0".to_owned(),
        vnet: vnet.name.value.clone(),
        subnet: subnet.to_owned(),
        address,
        public_address: None,
        ip_forwarding: false,
        nsg: None,
    }
}

fn nva(
    settled: &Settled,
    region: &Region,
    own: &RegionAddresses,
    index: usize,
    public_key: &dyn Fn(&str) -> String,
    devices: &mut Devices,
) {
    let name = nva_name(&region.name.value, index);
    let address = own.nvas[index];
    let locator = format!("{name}/{AZURE}");
    let passive = region.nvas.mode.value == NvaMode::ActivePassive && index > 0;
    let instances = &region.nvas.route_server_instances.value;
    let servers = own
        .route_servers
        .iter()
        .enumerate()
        .filter(|(instance, _)| instances.contains(&(*instance as u8)))
        .map(|(instance, address)| BgpPeerConfig {
            name: server_name(region, instance),
            address: *address,
            asn: ROUTE_SERVER_ASN,
        });
    devices.nodes.push(NodeConfig {
        role: NodeRole::Nva {
            region: region.name.value.clone(),
            number: region.number,
        },
        asn: settled.overlay.asn.value,
        loopback: address.loopback,
        interfaces: vec![interface(address.private, subnet(&region.hub, NVA_SUBNET))],
        locators: vec![LocatorConfig {
            public_key: public_key(&locator),
            name: locator,
            underlay: AZURE.to_owned(),
            interface: "eth0".to_owned(),
            port: settled.overlay.port.value,
            internet: false,
            up_bps: 0,
            tls_port: settled.overlay.tls.value,
            proxy: None,
        }],
        links: Vec::new(),
        route_servers: servers.collect(),
        summaries: settled.overlay.summaries.value.clone(),
        lans: Vec::new(),
        neighbors: Vec::new(),
        classes: super::classes(settled),
        prefix_sets: super::prefix_sets(settled),
        shortcuts: super::shortcuts(settled, true),
        originate: region.nvas.originate.iter().map(|at| at.value).collect(),
        domains: own.gateway.iter().flat_map(domains).collect(),
        guards_origin: region.nvas.guards_origin.value,
        budget: budget(settled, region),
        probe: probe(settled),
        prepend: if passive { PASSIVE_PREPEND } else { 0 },
        mtu: settled.overlay.mtu.value,
        forwarding: region.nvas.forwarding.config(),
        name: name.clone(),
    });
    let mut nic = nic(name, &region.hub, NVA_SUBNET, address.private);
    nic.public_address = Some(address.public);
    nic.ip_forwarding = true;
    nic.nsg = Some(nva_nsg_name(&region.name.value));
    devices.fabric.nics.push(nic);
}

/// Numbers of the circuits that a gateway is connected to, from 1 in the order of the design.
fn domains(gateway: &GatewayAddresses) -> impl Iterator<Item = u16> {
    let circuits = gateway.msees.iter().map(|(circuit, _)| circuit + 1);
    circuits.map(|number| u16::try_from(number).unwrap_or(u16::MAX))
}

/// How many routes an NVA may announce.
fn budget(settled: &Settled, region: &Region) -> BudgetConfig {
    let Some(budget) = &region.budget else {
        return BudgetConfig::default();
    };
    let list = |prefixes: &[Val<Prefix>]| prefixes.iter().map(|at| at.value).collect();
    let gateway = region.express_route.as_ref();
    let summarized = gateway.map_or(&[][..], |gateway| &gateway.summarized);
    let own = announced(region);
    let single = own
        .iter()
        .filter(|space| !summarized.iter().any(|at| at.value.covers(**space)));
    let used = single.count() + summarized.len();
    let told = region
        .route_server
        .as_ref()
        .is_some_and(|server| server.branch_to_branch.value && gateway.is_some());
    BudgetConfig {
        route_server: budget.route_server.value,
        express_route: if told { budget.express_route.value } else { 0 },
        express_route_used: u32::try_from(used).unwrap_or(u32::MAX),
        warn_percent: budget.warn_percent.value,
        aggregate: budget.aggregate.value,
        discard: list(&budget.discard),
        priority: list(&budget.priority),
        routes_per_peer: region
            .route_server
            .as_ref()
            .map_or(0, |server| server.routes_per_peer.value),
        burst_gap_ms: settled.platform.choices.burst_gap_ms,
    }
}

pub(super) fn server_name(region: &Region, instance: usize) -> String {
    format!("rs{instance}.{}", region.name.value)
}

fn route_server(
    settled: &Settled,
    region: &Region,
    server: &RouteServer,
    own: &RegionAddresses,
    instance: usize,
    devices: &mut Devices,
) {
    let asn = settled.overlay.asn.value;
    let instances = &region.nvas.route_server_instances.value;
    let nvas = own
        .nvas
        .iter()
        .enumerate()
        .filter(|_| instances.contains(&(instance as u8)))
        .map(|(index, nva)| BgpPeerConfig {
            name: nva_name(&region.name.value, index),
            address: nva.private,
            asn,
        });
    let foreign = region
        .foreign
        .iter()
        .zip(&own.foreign)
        .filter(|(router, _)| router.peers.value);
    let foreign = foreign.map(|(router, address)| BgpPeerConfig {
        name: format!("{}.{}", router.name.value, region.name.value),
        address: *address,
        asn: router.asn.value,
    });
    let peers: Vec<BgpPeerConfig> = nvas.chain(foreign).collect();
    let subnet = subnet(&region.hub, ROUTE_SERVER_SUBNET);
    let name = server_name(region, instance);
    let address = own.route_servers[instance];
    let maps = route_maps(server, &peers);
    devices.route_servers.push(RouteServerConfig {
        region: region.name.value.clone(),
        vnet: region.hub.name.value.clone(),
        instance: instance as u8,
        twin: server_name(region, 1 - instance),
        interface: interface(address, subnet),
        subnet: subnet.unwrap_or(Prefix::host(address)),
        asn: ROUTE_SERVER_ASN,
        peers,
        announced: announced(region),
        vnet_space: region
            .vnets()
            .flat_map(|vnet| vnet.space.value.clone())
            .collect(),
        branch_to_branch: server.branch_to_branch.value,
        routing_preference: match server.preference.value {
            Preference::ExpressRoute => RoutingPreference::ExpressRoute,
            Preference::VpnGateway => RoutingPreference::VpnGateway,
            Preference::AsPath => RoutingPreference::AsPath,
        },
        hold_time_s: u16::try_from(server.hold_time.value.as_secs()).unwrap_or(u16::MAX),
        routes_per_peer: server.routes_per_peer.value,
        own_space: region.hub.space.value.clone(),
        gateways: gateways(region, own),
        route_maps: maps,
        limits: Limits {
            vms: super::fabric::vms(settled, server),
            ..settled.platform.limits
        },
        choices: settled.platform.choices,
        name: name.clone(),
    });
    devices
        .fabric
        .nics
        .push(nic(name, &region.hub, ROUTE_SERVER_SUBNET, address));
}

/// Both instances of the hub's ExpressRoute gateway.
fn gateways(region: &Region, own: &RegionAddresses) -> Vec<GatewayConfig> {
    let addresses = own.gateway.iter().flat_map(|places| places.instances);
    addresses
        .enumerate()
        .map(|(instance, address)| GatewayConfig {
            name: gateway_name(region, instance),
            address,
            kind: BranchKind::ExpressRoute,
        })
        .collect()
}

/// Route maps, with what is attached to every NVA.
fn route_maps(server: &RouteServer, peers: &[BgpPeerConfig]) -> RouteMaps {
    let mut maps = server.route_maps.clone();
    if server.nva_maps != MapPair::default() {
        maps.peers = peers
            .iter()
            .map(|peer| PeerMaps {
                peer: peer.address,
                maps: server.nva_maps.clone(),
            })
            .collect();
    }
    maps
}

fn vm(vnet: &Vnet, index: usize, address: Ipv4Addr, devices: &mut Devices) {
    let Some(subnet) = workload_subnet(vnet) else {
        return;
    };
    let name = format!("vm{}.{}", index + 1, vnet.name.value);
    devices.hosts.push(HostConfig {
        name: name.clone(),
        interface: interface(address, Some(subnet.prefix.value)),
        place: HostPlace::Vnet {
            vnet: vnet.name.value.clone(),
        },
    });
    devices
        .fabric
        .nics
        .push(nic(name, vnet, &subnet.name.value, address));
}
