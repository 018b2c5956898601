//! The Plan of one circuit between a site and a VNet.

use core::net::Ipv4Addr;

use design::plan::{
    BgpPeerConfig, CircuitLimits, CustomerEdge, ErGatewayConfig, FabricConfig, FabricRegion,
    ForwarderConfig, ForwarderKind, GatewayConnection, GatewayLimits, GatewaySku, HostConfig,
    HostPlace, InterfaceConfig, MseeConfig, MseeConnection, NicConfig, Place, Plan, PrivatePeering,
    ProgrammingConfig, Region, RouterDevice, RouterPlace, SubnetConfig, VnetConfig, WireConfig,
    WireEnd,
};
use inet::Asn;

use crate::routers::network as provider;
use provider::{host, interface, lan, prefix, site};

const AMSTERDAM: Place = Place {
    latitude_udeg: 52_370_000,
    longitude_udeg: 4_900_000,
};
const MSEES: [&str; 2] = ["msee0.ams", "msee1.ams"];
const GATEWAYS: [&str; 2] = ["ergw0.westeurope", "ergw1.westeurope"];
const HUB: &str = "hub-westeurope";

pub(super) fn network() -> Plan {
    let provider = provider::network("");
    Plan {
        name: "circuit".to_owned(),
        regions: vec![Region {
            name: "westeurope".to_owned(),
            number: 1,
            nvas: Vec::new(),
            vnets: vec![HUB.to_owned()],
        }],
        sites: vec![site("paris")],
        gateways: vec![gateway(0), gateway(1)],
        msees: vec![msee(0), msee(1)],
        routers: vec![router()],
        hosts: vec![host(("paris", 2)), vm()],
        fabric: fabric(provider.fabric),
        ..provider
    }
}

fn peer(name: &str, address: Ipv4Addr, asn: u32) -> BgpPeerConfig {
    BgpPeerConfig {
        name: name.to_owned(),
        address,
        asn: Asn(asn),
    }
}

/// An address in GatewaySubnet.
const fn inside(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 10, 255, last)
}

/// The customer's end of a link of the circuit; the MSEE's follows.
fn customer(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 29, 0, 4 * index + 1)
}

fn microsoft(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 29, 0, 4 * index + 2)
}

fn instances<T>(one: impl Fn(u8) -> T) -> Vec<T> {
    vec![one(0), one(1)]
}

fn gateway_peer(index: u8) -> BgpPeerConfig {
    peer(GATEWAYS[usize::from(index)], inside(12 + index), 65515)
}

fn gateway(index: u8) -> ErGatewayConfig {
    ErGatewayConfig {
        name: GATEWAYS[usize::from(index)].to_owned(),
        region: "westeurope".to_owned(),
        vnet: HUB.to_owned(),
        instance: index,
        twin: gateway_peer(1 - index),
        interface: InterfaceConfig {
            default_route_metric: Some(0),
            ..interface("eth0", inside(12 + index), 24)
        },
        asn: Asn(65515),
        sku: GatewaySku::ErGw1Az,
        limits: GatewayLimits {
            circuits: 4,
            learned: 4000,
            announced: 500,
            total: 11_000,
        },
        route_servers: Vec::new(),
        branch_to_branch: false,
        vnet_space: vec![prefix("10.10.0.0/16")],
        announced: vec![prefix("10.10.0.0/16")],
        summarized: Vec::new(),
        connections: vec![GatewayConnection {
            circuit: "ams".to_owned(),
            weight: 0,
            msees: instances(|at| peer(MSEES[usize::from(at)], inside(4 + at), 12076)),
            fast_path: false,
        }],
    }
}

fn msee(index: u8) -> MseeConfig {
    MseeConfig {
        name: MSEES[usize::from(index)].to_owned(),
        circuit: "ams".to_owned(),
        primary: index == 0,
        interfaces: vec![
            interface("private0", microsoft(index), 30),
            interface("hub0", inside(4 + index), 24),
        ],
        asn: Asn(12076),
        router_id: microsoft(index),
        limits: CircuitLimits {
            private_in: 4000,
            private_out: 1000,
            microsoft_in: 200,
        },
        private_peering: Some(PrivatePeering {
            edge: CustomerEdge {
                peer: peer("core.paris", customer(index), 65102),
                interface: "private0".to_owned(),
                bfd: true,
                keepalive_s: 60,
                hold_time_s: 180,
            },
        }),
        microsoft_peering: None,
        connections: vec![MseeConnection {
            vnet: HUB.to_owned(),
            interface: "hub0".to_owned(),
            gateways: instances(gateway_peer),
            region_community: None,
            custom_community: None,
            remote_vnets: true,
        }],
        global_reach: Vec::new(),
    }
}

fn router() -> RouterDevice {
    let neighbor = |index: u8| {
        let (local, remote) = (customer(index), microsoft(index));
        format!(
            "  msee{index}: {{address: {remote}, local_address: {local}, asn: 12076, multihop: 1, bfd: true, import: accept, export: accept}}\n"
        )
    };
    let config = format!(
        "router: 1\nname: core-paris\nasn: 65102\nrouter_id: 172.29.0.1\nneighbors:\n{}{}originate:\n  - prefix: 10.2.0.0/24\n",
        neighbor(0),
        neighbor(1)
    );
    RouterDevice {
        name: "core.paris".to_owned(),
        place: RouterPlace::Site {
            site: "paris".to_owned(),
        },
        interfaces: vec![
            interface("lan0", Ipv4Addr::new(10, 2, 0, 1), 24),
            interface("er0", customer(0), 30),
            interface("er1", customer(1), 30),
        ],
        config,
        foreign: false,
    }
}

fn vm() -> HostConfig {
    HostConfig {
        name: "vm1.hub".to_owned(),
        interface: InterfaceConfig {
            default_route_metric: Some(0),
            ..interface("eth0", Ipv4Addr::new(10, 10, 1, 4), 24)
        },
        place: HostPlace::Vnet {
            vnet: HUB.to_owned(),
        },
    }
}

fn fabric(provider: FabricConfig) -> FabricConfig {
    let way = provider.wires[0].a_to_b;
    let end = |device: &str, interface: &str, address| WireEnd {
        device: device.to_owned(),
        interface: interface.to_owned(),
        address,
    };
    let wires = instances(|at| WireConfig {
        a: end("core.paris", &format!("er{at}"), customer(at)),
        b: end(MSEES[usize::from(at)], "private0", microsoft(at)),
        a_to_b: way,
        b_to_a: way,
    });
    let gateways = GATEWAYS.map(|device| ForwarderConfig {
        device: device.to_owned(),
        kind: ForwarderKind::Gateway { max_packet: 1400 },
    });
    let msees = MSEES.map(|device| ForwarderConfig {
        device: device.to_owned(),
        kind: ForwarderKind::Msee {
            place: AMSTERDAM,
            fast_path: Vec::new(),
            microsoft: false,
        },
    });
    FabricConfig {
        regions: vec![FabricRegion {
            name: "westeurope".to_owned(),
            place: AMSTERDAM,
        }],
        vnets: vec![vnet()],
        nics: vec![
            nic(GATEWAYS[0], "eth0", "GatewaySubnet", inside(12)),
            nic(GATEWAYS[1], "eth0", "GatewaySubnet", inside(13)),
            nic(MSEES[0], "hub0", "GatewaySubnet", inside(4)),
            nic(MSEES[1], "hub0", "GatewaySubnet", inside(5)),
            nic("vm1.hub", "eth0", "vms", Ipv4Addr::new(10, 10, 1, 4)),
        ],
        lans: vec![lan(("paris", 2))],
        wires,
        forwarders: gateways.into_iter().chain(msees).collect(),
        ..provider
    }
}

fn vnet() -> VnetConfig {
    let subnet = |name: &str, text: &str| SubnetConfig {
        name: name.to_owned(),
        prefix: prefix(text),
        nsg: None,
        route_table: None,
    };
    VnetConfig {
        name: HUB.to_owned(),
        region: "westeurope".to_owned(),
        address_space: vec![prefix("10.10.0.0/16")],
        subnets: vec![
            subnet("GatewaySubnet", "10.10.255.0/24"),
            subnet("vms", "10.10.1.0/24"),
        ],
        peerings: Vec::new(),
        programming: ProgrammingConfig::default(),
    }
}

fn nic(device: &str, interface: &str, subnet: &str, address: Ipv4Addr) -> NicConfig {
    NicConfig {
        device: device.to_owned(),
        interface: interface.to_owned(),
        vnet: HUB.to_owned(),
        subnet: subnet.to_owned(),
        address,
        public_address: None,
        ip_forwarding: false,
        nsg: None,
    }
}
