//! Designs for the tests: hubs with NVAs, Route Servers and gateways; circuits with customers.
//!
//! Hub `h` has 10.h.0.0/16: NVAs from 10.h.1.4, Route Server 10.h.2.4 and .5, gateway 10.h.3.12 and
//! .13, the MSEEs of circuit `c` at 10.h.3.(4 + 2c) and one more. Circuit `c` has the links
//! 172.29.c.0/30 and 172.29.c.4/30 to its customer `ce.c`, and 172.29.(100 + c).0/30 and .4/30 for
//! its Microsoft peering.

use core::net::Ipv4Addr;
use core::time::Duration;

use bgp::{Match, Neighbor, NextHopRule, Policy, Settings, Speaker, Term, Verdict};
use design::plan::{
    BgpPeerConfig, BranchKind, CircuitLimits, CustomerEdge, ErGatewayConfig, GatewayConfig,
    GatewayConnection, GatewayLimits, GatewaySku, InterfaceConfig, Limits, MseeConfig,
    MseeConnection, PlatformChoices, PrivatePeering, RouteMaps, RouteServerConfig,
    RoutingPreference,
};
use inet::{Asn, Instant, Prefix};

use crate::express_route::{Gateway, Msee};
use crate::net::{Device, Net, Router};
use crate::route_server::RouteServer;

/// AS of each circuit's customer.
pub(super) const CUSTOMER: Asn = Asn(65_020);
const MICROSOFT: Asn = Asn(12_076);
const AZURE: Asn = Asn(65_515);

/// A hub and what stands in it.
#[derive(Clone)]
pub(super) struct Hub {
    /// Its number: 10.h.0.0/16.
    pub(super) number: u8,
    /// ASes of its NVAs.
    pub(super) nvas: Vec<u32>,
    pub(super) route_server: bool,
    pub(super) branch_to_branch: bool,
    /// Circuits with their weights.
    pub(super) circuits: Vec<(u8, u32)>,
}

/// A hub with Route Server, gateway, two NVAs and circuit 0.
pub(super) fn hub(number: u8) -> Hub {
    let first = 65_000 + u32::from(number) * 10;
    Hub {
        number,
        nvas: vec![first + 1, first + 2],
        route_server: true,
        branch_to_branch: true,
        circuits: vec![(0, 0)],
    }
}

/// The configurations of a design, before anything runs.
pub(super) struct World {
    pub(super) servers: Vec<RouteServerConfig>,
    pub(super) gateways: Vec<ErGatewayConfig>,
    pub(super) msees: Vec<MseeConfig>,
    hubs: Vec<Hub>,
}

impl World {
    /// Hubs, and circuits enough for them.
    pub(super) fn new(hubs: &[Hub]) -> Self {
        let circuits = hubs.iter().flat_map(|hub| &hub.circuits);
        let most = circuits.map(|(circuit, _)| *circuit).max();
        let circuits = 0..=most.expect("a circuit");
        Self {
            servers: hubs.iter().flat_map(servers).collect(),
            gateways: hubs.iter().flat_map(gateways).collect(),
            msees: circuits.flat_map(|circuit| msees(circuit, hubs)).collect(),
            hubs: hubs.to_vec(),
        }
    }

    /// Runs it until all sessions stand.
    pub(super) fn start(self) -> Net {
        self.start_with(|_, _| {})
    }

    /// The same with routers whose sessions are changed, by the router's name.
    pub(super) fn start_with(self, change: impl Fn(&str, &mut Neighbor)) -> Net {
        let mut net = self.run_with(change);
        net.settle();
        net
    }

    /// The same without waiting for sessions.
    pub(super) fn run_with(self, change: impl Fn(&str, &mut Neighbor)) -> Net {
        let mut devices = Vec::new();
        for config in &self.servers {
            let server = RouteServer::new(config, 1, Instant::ZERO).expect("a good configuration");
            let address = vec![config.interface.address];
            devices.push((config.name.clone(), address, Device::Server(server)));
        }
        for config in &self.gateways {
            let gateway = Gateway::new(config, 2, Instant::ZERO).expect("a good configuration");
            let address = vec![config.interface.address];
            devices.push((config.name.clone(), address, Device::Gateway(gateway)));
        }
        for config in &self.msees {
            let msee = Msee::new(config, 3, Instant::ZERO).expect("a good configuration");
            let addresses = config.interfaces.iter().map(|one| one.address).collect();
            devices.push((config.name.clone(), addresses, Device::Msee(msee)));
        }
        devices.extend(self.nvas(&change));
        devices.extend(self.customers(&change));
        Net::new(devices)
    }

    fn nvas(&self, change: &impl Fn(&str, &mut Neighbor)) -> Vec<(String, Vec<Ipv4Addr>, Device)> {
        let mut devices = Vec::new();
        for hub in &self.hubs {
            for (index, asn) in (0..).zip(&hub.nvas) {
                let name = format!("nva{index}.{}", hub.number);
                let local = nva(hub.number, index);
                let own = self.servers.iter();
                let own = own.filter(|server| server.interface.address.octets()[1] == hub.number);
                let servers = own.map(|server| (server.name.clone(), server.interface.address));
                let peers = servers
                    .map(|(server, at)| (server, local, at, AZURE))
                    .collect();
                let router = router(&name, Asn(*asn), local, peers, change);
                devices.push((name, vec![local], router));
            }
        }
        devices
    }

    fn customers(
        &self,
        change: &impl Fn(&str, &mut Neighbor),
    ) -> Vec<(String, Vec<Ipv4Addr>, Device)> {
        let mut circuits: Vec<&str> = self.msees.iter().map(|msee| &*msee.circuit).collect();
        circuits.dedup();
        let devices = circuits.into_iter().map(|circuit| {
            let name = format!("ce.{circuit}");
            let msees = self.msees.iter().filter(|msee| msee.circuit == circuit);
            let mut peers = Vec::new();
            let mut asn = CUSTOMER;
            for msee in msees {
                let private = msee.private_peering.as_ref().map(|peering| &peering.edge);
                let microsoft = msee.microsoft_peering.as_ref();
                let edges = private
                    .into_iter()
                    .chain(microsoft.map(|peering| &peering.edge));
                for edge in edges {
                    asn = edge.peer.asn;
                    let mut interfaces = msee.interfaces.iter();
                    let there = interfaces.find(|one| one.name == edge.interface);
                    let there = there.expect("its interface").address;
                    let suffix = if edge.interface == "microsoft0" {
                        "/ms"
                    } else {
                        ""
                    };
                    let other = format!("{}{suffix}", msee.name);
                    peers.push((other, edge.peer.address, there, MICROSOFT));
                }
            }
            let addresses: Vec<_> = peers.iter().map(|(_, local, ..)| *local).collect();
            let id = addresses[0];
            let router = router(&name, asn, id, peers, change);
            (name, addresses, router)
        });
        devices.collect()
    }
}

fn router(
    name: &str,
    asn: Asn,
    router_id: Ipv4Addr,
    peers: Vec<(String, Ipv4Addr, Ipv4Addr, Asn)>,
    change: &impl Fn(&str, &mut Neighbor),
) -> Device {
    let mut settings = Settings::new(asn, router_id);
    for (other, local, address, remote_as) in peers {
        let mut neighbor = Neighbor::new(other, local, address, remote_as);
        neighbor.hold_time = Duration::from_secs(180);
        neighbor.import = Some(Policy::accept_all());
        neighbor.export = Some(own_routes());
        neighbor.next_hop = NextHopRule::Standard;
        change(name, &mut neighbor);
        settings.neighbors.push(neighbor);
    }
    Device::Router(Router {
        speaker: Speaker::new(settings, 4, Instant::ZERO),
        bfd: bfd::Endpoint::new(5),
    })
}

/// What routers of the tests tell: without such a filter a customer's router hands what one MSEE told
/// to the other one, which takes it although its own AS is in the path.
fn own_routes() -> Policy {
    let own = Term {
        when: vec![Match::Local],
        then: Vec::new(),
        verdict: Verdict::Accept,
    };
    Policy::new(vec![own], Verdict::Reject).expect("one term")
}

pub(super) const fn nva(hub: u8, index: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, hub, 1, 4 + index)
}

pub(super) const fn gateway(hub: u8, instance: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, hub, 3, 12 + instance)
}

/// An MSEE's end in a hub's GatewaySubnet.
pub(super) const fn msee(hub: u8, circuit: u8, number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, hub, 3, 4 + 2 * circuit + number)
}

/// A customer's end of a circuit's private peering.
pub(super) const fn customer(circuit: u8, number: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 29, circuit, 1 + 4 * number)
}

fn space(hub: u8) -> Prefix {
    Prefix::new(Ipv4Addr::new(10, hub, 0, 0), 16).expect("a prefix")
}

pub(super) fn peer(name: String, address: Ipv4Addr, asn: Asn) -> BgpPeerConfig {
    BgpPeerConfig { name, address, asn }
}

pub(super) fn interface(name: &str, address: Ipv4Addr, prefix_len: u8) -> InterfaceConfig {
    InterfaceConfig {
        name: name.to_owned(),
        address,
        prefix_len,
        default_route_metric: None,
    }
}

fn servers(hub: &Hub) -> Vec<RouteServerConfig> {
    let h = hub.number;
    let instances = if hub.route_server { 2 } else { 0 };
    let server = |n: u8| RouteServerConfig {
        name: format!("rs{n}.{h}"),
        region: format!("r{h}"),
        vnet: format!("hub-{h}"),
        instance: n,
        twin: format!("rs{}.{h}", 1 - n),
        interface: interface("eth0", Ipv4Addr::new(10, h, 2, 4 + n), 24),
        subnet: Prefix::new(Ipv4Addr::new(10, h, 2, 0), 24).expect("a prefix"),
        asn: AZURE,
        peers: (0..)
            .zip(&hub.nvas)
            .map(|(index, asn)| peer(format!("nva{index}.{h}"), nva(h, index), Asn(*asn)))
            .collect(),
        announced: vec![space(h)],
        vnet_space: vec![space(h)],
        branch_to_branch: hub.branch_to_branch,
        routing_preference: RoutingPreference::default(),
        hold_time_s: 180,
        routes_per_peer: 4_000,
        own_space: vec![space(h)],
        gateways: (0..2)
            .map(|n| GatewayConfig {
                name: format!("gw{n}.{h}"),
                address: gateway(h, n),
                kind: BranchKind::ExpressRoute,
            })
            .collect(),
        route_maps: RouteMaps::default(),
        limits: Limits::default(),
        choices: PlatformChoices::default(),
    };
    (0..instances).map(server).collect()
}

fn gateways(hub: &Hub) -> Vec<ErGatewayConfig> {
    let h = hub.number;
    let servers = servers(hub);
    let servers = servers
        .iter()
        .map(|server| peer(server.name.clone(), server.interface.address, AZURE));
    let servers: Vec<_> = servers.collect();
    let connection = |(circuit, weight): &(u8, u32)| GatewayConnection {
        circuit: circuit.to_string(),
        weight: *weight,
        msees: (0..2)
            .map(|n| {
                peer(
                    format!("msee{n}.{circuit}"),
                    msee(h, *circuit, n),
                    MICROSOFT,
                )
            })
            .collect(),
        fast_path: false,
    };
    let instance = |n: u8| ErGatewayConfig {
        name: format!("gw{n}.{h}"),
        region: format!("r{h}"),
        vnet: format!("hub-{h}"),
        instance: n,
        twin: peer(format!("gw{}.{h}", 1 - n), gateway(h, 1 - n), AZURE),
        interface: interface("eth0", gateway(h, n), 24),
        asn: AZURE,
        sku: GatewaySku::ErGw1Az,
        limits: GatewayLimits {
            circuits: 4,
            learned: 4_000,
            announced: 1_000,
            total: 11_000,
        },
        route_servers: servers.clone(),
        branch_to_branch: hub.branch_to_branch,
        announced: vec![space(h)],
        vnet_space: vec![space(h)],
        summarized: Vec::new(),
        connections: hub.circuits.iter().map(connection).collect(),
    };
    (0..2).map(instance).collect()
}

fn msees(circuit: u8, hubs: &[Hub]) -> Vec<MseeConfig> {
    let hubs: Vec<&Hub> = hubs
        .iter()
        .filter(|hub| hub.circuits.iter().any(|(one, _)| *one == circuit))
        .collect();
    let msee_of = |n: u8| {
        let local = Ipv4Addr::new(172, 29, circuit, 2 + 4 * n);
        let ends = hubs.iter().map(|hub| {
            let name = format!("hub{}", hub.number);
            interface(&name, msee(hub.number, circuit, n), 24)
        });
        let connections = hubs.iter().map(|hub| MseeConnection {
            vnet: format!("hub-{}", hub.number),
            interface: format!("hub{}", hub.number),
            gateways: (0..2)
                .map(|g| {
                    peer(
                        format!("gw{g}.{}", hub.number),
                        gateway(hub.number, g),
                        AZURE,
                    )
                })
                .collect(),
            region_community: None,
            custom_community: None,
            remote_vnets: true,
        });
        let private = interface("private0", local, 30);
        MseeConfig {
            name: format!("msee{n}.{circuit}"),
            circuit: circuit.to_string(),
            primary: n == 0,
            interfaces: core::iter::once(private).chain(ends).collect(),
            asn: MICROSOFT,
            router_id: local,
            limits: CircuitLimits {
                private_in: 4_000,
                private_out: 1_000,
                microsoft_in: 200,
            },
            private_peering: Some(PrivatePeering {
                edge: CustomerEdge {
                    peer: peer(format!("ce.{circuit}"), customer(circuit, n), CUSTOMER),
                    interface: "private0".to_owned(),
                    bfd: false,
                    keepalive_s: 60,
                    hold_time_s: 180,
                },
            }),
            microsoft_peering: None,
            connections: connections.collect(),
            global_reach: Vec::new(),
        }
    };
    (0..2).map(msee_of).collect()
}
