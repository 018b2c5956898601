//! The small world with ExpressRoute: a circuit in Paris with both peerings, one in London joined to
//! it by Global Reach, gateways in a hub with Route Server and in a VNet without.

use core::net::Ipv4Addr;

use design::plan::{FabricConfig, ForwarderConfig, ForwarderKind, SubnetConfig};

use super::wire::{end, wire};
use super::world::{Got, PARIS, World, config, ip, nic, prefix};
use crate::fabric::{Explanation, ForwarderId, Input};

/// One way over each link towards a customer, microseconds.
pub(super) const WIRE_US: u32 = 1_000;

/// What a host at a site behind the circuit in Paris has.
pub(super) const HOST: &str = "172.21.0.10";

/// Interfaces in GatewaySubnet: device, VNet, address.
const NICS: [(&str, &str, &str); 7] = [
    ("ergw0.west/eth0", "hub-west", "10.1.255.12"),
    ("ergw1.west/eth0", "hub-west", "10.1.255.13"),
    ("msee0.par/hub", "hub-west", "10.1.255.4"),
    ("msee1.par/hub", "hub-west", "10.1.255.5"),
    ("ergw0.lonely/eth0", "lonely", "10.3.255.12"),
    ("ergw1.lonely/eth0", "lonely", "10.3.255.13"),
    ("msee0.par/lonely", "lonely", "10.3.255.4"),
];

/// Links: the ends, and the first of two addresses that follow each other.
const WIRES: [(&str, &str, &str); 6] = [
    ("core.paris/er0", "msee0.par/private0", "172.29.0.1"),
    ("core.paris/er1", "msee1.par/private0", "172.29.0.5"),
    ("core.paris/ms0", "msee0.par/microsoft0", "172.29.0.9"),
    ("core.paris/ms1", "msee1.par/microsoft0", "172.29.0.13"),
    ("core.london/er0", "msee0.lon/private0", "172.29.1.1"),
    ("msee0.par/reach0", "msee0.lon/reach0", "172.28.0.0"),
];

pub(super) fn circuits() -> FabricConfig {
    let mut config = config();
    for (port, vnet, address) in NICS {
        let (device, interface) = port.split_once('/').expect("device/interface");
        let mut nic = nic(device, vnet, "GatewaySubnet", address);
        interface.clone_into(&mut nic.interface);
        config.nics.push(nic);
    }
    for vnet in &mut config.vnets {
        vnet.subnets.push(SubnetConfig {
            name: "GatewaySubnet".to_owned(),
            prefix: vnet.address_space[0].subnet(24, 255).expect("room"),
            nsg: None,
            route_table: None,
        });
    }
    for (a, b, first) in WIRES {
        let second = Ipv4Addr::from_bits(ip(first).to_bits() + 1).to_string();
        let wire = wire(end(a, first), end(b, &second), WIRE_US);
        config.wires.push(wire);
    }
    let gateway = ForwarderKind::Gateway { max_packet: 1_400 };
    let msee = |microsoft| ForwarderKind::Msee {
        place: PARIS,
        fast_path: Vec::new(),
        microsoft,
    };
    for (device, kind) in [
        ("ergw0.west", gateway.clone()),
        ("ergw1.west", gateway.clone()),
        ("ergw0.lonely", gateway.clone()),
        ("ergw1.lonely", gateway),
        ("msee0.par", msee(true)),
        ("msee1.par", msee(true)),
        ("msee0.lon", msee(false)),
    ] {
        let device = device.to_owned();
        config.forwarders.push(ForwarderConfig { device, kind });
    }
    config
}

/// Lets the MSEEs of the circuit in Paris go around the gateway of a VNet.
pub(super) fn fast_path(config: &mut FabricConfig, vnet: &str) {
    for forwarder in &mut config.forwarders {
        if let ForwarderKind::Msee { fast_path, .. } = &mut forwarder.kind {
            fast_path.push(vnet.to_owned());
        }
    }
}

/// The world after BGP: gateways know the site, NICs around Route Server have the MSEEs for it, and
/// the MSEEs know VNets, site, and the customer's public prefix.
pub(super) fn converged(config: &FabricConfig) -> World {
    let mut world = World::new(config);
    for gateway in ["ergw0.west", "ergw1.west"] {
        world.learn(gateway, "172.21.0.0/16", &["10.1.255.4"]);
    }
    world.program_both("172.21.0.0/16", &["10.1.255.4"]);
    for (msee, customer, microsoft) in [
        ("msee0.par", "172.29.0.1", "172.29.0.9"),
        ("msee1.par", "172.29.0.5", "172.29.0.13"),
    ] {
        world.learn(msee, "10.1.0.0/16", &["10.1.255.12"]);
        world.learn(msee, "10.2.0.0/16", &["10.1.255.12"]);
        world.learn(msee, "172.21.0.0/16", &[customer]);
        world.learn(msee, "198.51.100.0/28", &[microsoft]);
    }
    world.learn("msee0.par", "172.22.0.0/16", &["172.28.0.1"]);
    world.learn("msee0.lon", "172.21.0.0/16", &["172.28.0.0"]);
    world.learn("msee0.lon", "172.22.0.0/16", &["172.29.1.1"]);
    world
}

impl World {
    pub(super) fn forwarder(&self, device: &str) -> ForwarderId {
        self.fabric.forwarder(device).expect("a forwarder")
    }

    /// Tells the fabric what a gateway or an MSEE decided.
    pub(super) fn learn(&mut self, device: &str, prefix: &str, hops: &[&str]) {
        let input = Input::Forward {
            forwarder: self.forwarder(device),
            prefix: self::prefix(prefix),
            next_hops: hops.iter().map(|hop| ip(hop)).collect(),
        };
        self.fabric.handle(self.now, input, &mut Vec::new());
    }

    pub(super) fn explain(&self, from: &str, flow: inet::FiveTuple) -> Explanation {
        self.fabric.explain(self.now, self.port(from), flow)
    }

    /// Sends a packet and says which gateways and MSEEs it passed, and where it came out.
    pub(super) fn path(
        &mut self,
        from: &str,
        flow: inet::FiveTuple,
    ) -> (Vec<String>, &'static str) {
        let said = self.explain(from, flow);
        let got = self.send(from, flow);
        let hops: Vec<_> = said.hops.into_iter().map(|hop| hop.device).collect();
        if let Got::Arrived { ttl, .. } = got {
            assert_eq!(
                usize::from(64 - ttl),
                hops.len(),
                "each hop lowers the time to live"
            );
        }
        (hops, got.at())
    }
}
