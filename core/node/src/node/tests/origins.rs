//! Where routes entered the overlay: circuits, what is made for Route Server alone, and links
//! without tunnels.

use core::time::Duration;

use bgp::{Origination, Policy};
use design::plan::LinkRole::Hub;
use inet::Asn;

use super::harness::{Device, Net, through};
use crate::{Kind, NextHop, RouteVia, origin_community, stub};

const SECOND: Duration = Duration::from_secs(1);
const ON_PREMISES: &str = "10.50.0.0/16";
const EAST_VNET: &str = "10.2.0.0/16";

/// Two regions with one NVA and one Route Server instance each, and what the other is told of
/// on-premises prefixes that come over the west's circuits.
struct Regions {
    net: Net,
    nvas: [Device; 2],
    servers: [Device; 2],
}

struct Choices {
    circuits: [&'static [u16]; 2],
    guards_origin: bool,
    plain: bool,
    originate: &'static [&'static str],
}

const USUAL: Choices = Choices {
    circuits: [&[7], &[8]],
    guards_origin: true,
    plain: false,
    originate: &[],
};

fn regions(choices: &Choices) -> Regions {
    let mut west = stub::nva("nva1.west", 1, 1);
    let mut east = stub::nva("nva1.east", 2, 2);
    match choices.plain {
        true => stub::link_plain(&mut west, &mut east, Hub),
        false => stub::link(&mut west, &mut east, (Hub, Hub)),
    }
    let addresses = [stub::address("10.1.0.4"), stub::address("10.2.0.4")];
    for ((nva, address), circuits) in [&mut west, &mut east]
        .into_iter()
        .zip(addresses)
        .zip(choices.circuits)
    {
        stub::add_route_server(nva, "rs0", address);
        nva.domains = circuits.to_vec();
        nva.guards_origin = choices.guards_origin;
        let originate = choices.originate.iter();
        nva.originate = originate.map(|text| stub::prefix(text)).collect();
    }
    let mut net = Net::default();
    let servers = [&west, &east].map(|nva| {
        let address = nva.route_servers[0].address;
        let mut settings = bgp::Settings::new(stub::PLATFORM, address);
        let remote = nva.interfaces[0].address;
        let mut neighbor = bgp::Neighbor::new(&nva.name, address, remote, stub::OVERLAY);
        neighbor.import = Some(Policy::accept_all());
        neighbor.export = Some(Policy::accept_all());
        settings.neighbors.push(neighbor);
        (address, settings)
    });
    let nvas = [net.add(west), net.add(east)];
    let servers = servers.map(|(address, settings)| net.add_speaker(address, settings));
    originate(&mut net, servers[0], ON_PREMISES, &[12_076, 65_020]);
    originate(&mut net, servers[1], EAST_VNET, &[]);
    net.run(SECOND * 10);
    Regions { net, nvas, servers }
}

fn originate(net: &mut Net, device: Device, prefix: &str, as_path: &[u32]) {
    let origination = Origination {
        as_path: as_path.iter().copied().map(Asn).collect(),
        ..Origination::default()
    };
    let command = bgp::Command::Originate(stub::prefix(prefix).into(), origination);
    net.bgp(device, bgp::Input::Command(command));
}

impl Regions {
    fn east_is_told(&self, prefix: &str) -> bool {
        let paths = self
            .net
            .speaker(self.servers[1])
            .paths(stub::prefix(prefix));
        paths.iter().any(|path| path.neighbor.is_some())
    }
}

#[test]
fn a_route_from_expressroute_carries_every_circuit_that_it_may_have_come_by() {
    let world = regions(&Choices {
        circuits: [&[7, 9], &[8]],
        ..USUAL
    });
    let paths = world
        .net
        .speaker(world.nvas[1])
        .paths(stub::prefix(ON_PREMISES));
    let origins = [7, 9].map(|number| origin_community(stub::OVERLAY, number, Kind::ExpressRoute));
    assert_eq!(paths[0].attributes.ext_communities, origins);
}

#[test]
fn another_circuits_region_is_told_and_the_same_circuits_region_is_not() {
    assert!(regions(&USUAL).east_is_told(ON_PREMISES));
    let shared = Choices {
        circuits: [&[7, 9], &[8, 9]],
        ..USUAL
    };
    assert!(!regions(&shared).east_is_told(ON_PREMISES));
}

#[test]
fn without_the_guard_a_route_goes_back_to_the_circuit_it_came_by() {
    let shared = Choices {
        circuits: [&[7], &[7]],
        guards_origin: false,
        ..USUAL
    };
    assert!(regions(&shared).east_is_told(ON_PREMISES));
}

#[test]
fn what_an_nva_brings_up_for_route_server_goes_nowhere_else() {
    let world = regions(&Choices {
        originate: &["0.0.0.0/0"],
        ..USUAL
    });
    assert!(world.east_is_told("0.0.0.0/0"));
    let paths = world
        .net
        .speaker(world.nvas[1])
        .paths(stub::prefix("0.0.0.0/0"));
    assert_eq!(paths.len(), 1, "its own, and none of the other region");
    assert_eq!(world.net.next_hop(world.nvas[1], "0.0.0.0/0"), None);
}

#[test]
fn without_tunnels_another_regions_packets_are_left_to_the_underlay() {
    let world = regions(&Choices {
        plain: true,
        ..USUAL
    });
    let west = world.nvas[0];
    assert_eq!(world.net.next_hop(west, EAST_VNET), through(&["nva1.east"]));
    let via = world.net.kernel_route(west, EAST_VNET);
    assert_eq!(via, Some(RouteVia::Underlay));
    let session = world.net.kernel_route(west, "198.51.100.2/32");
    assert_eq!(session, Some(RouteVia::Underlay), "no summary swallows it");
    assert!(world.east_is_told(ON_PREMISES));
    let links = world.net.node(west).links(world.net.now);
    assert!(links[0].up && links[0].paths.is_empty());
    let local = world.net.next_hop(world.nvas[1], EAST_VNET);
    assert_eq!(local, Some(NextHop::Platform));
}
