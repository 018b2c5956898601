//! Routes: who learns what from whom, and what a failure changes.

use core::net::Ipv4Addr;
use core::time::Duration;

use bgp::{AsPath, Policy};
use design::plan::LinkRole::{BackupHub, BackupSite, HomeHub, HomeSite, Hub, Twin};
use design::plan::{Liveness, NodeConfig};
use inet::{FiveTuple, Prefix, packet};

use super::harness::{Device, Net, through};
use crate::{Command, Decision, Event, NextHop, RouteVia, stub};

const SECOND: Duration = Duration::from_secs(1);
const LAN: &str = "10.10.0.0/24";
const WEST_VNET: &str = "10.1.0.0/16";
const EAST_VNET: &str = "10.2.0.0/16";

/// Two regions, west with two NVAs and east with one, each with a Route Server instance, and one
/// site with home west and backup east.
struct World {
    net: Net,
    west: [Device; 2],
    east: Device,
    cpe: Device,
    servers: [Device; 2],
}

fn world() -> World {
    let mut west1 = stub::nva("nva1.west", 1, 1);
    let mut west2 = stub::nva("nva2.west", 2, 1);
    let mut east = stub::nva("nva1.east", 3, 2);
    let mut cpe = stub::cpe("cpe1.paris", 10, LAN);
    stub::link(&mut west1, &mut west2, (Twin, Twin));
    stub::link(&mut west1, &mut east, (Hub, Hub));
    stub::link(&mut west2, &mut east, (Hub, Hub));
    stub::link(&mut cpe, &mut west1, (HomeHub, HomeSite));
    stub::link(&mut cpe, &mut west2, (HomeHub, HomeSite));
    stub::link(&mut cpe, &mut east, (BackupHub, BackupSite));
    let servers = [stub::address("10.1.0.4"), stub::address("10.2.0.4")];
    stub::add_route_server(&mut west1, "rs0.west", servers[0]);
    stub::add_route_server(&mut west2, "rs0.west", servers[0]);
    stub::add_route_server(&mut east, "rs0.east", servers[1]);
    let west_peers = route_server(servers[0], &[&west1, &west2]);
    let east_peers = route_server(servers[1], &[&east]);
    let mut net = Net::default();
    let west = [net.add(west1), net.add(west2)];
    let (east, cpe) = (net.add(east), net.add(cpe));
    let devices = [
        net.add_speaker(servers[0], west_peers),
        net.add_speaker(servers[1], east_peers),
    ];
    for (device, vnet) in devices.into_iter().zip([WEST_VNET, EAST_VNET]) {
        let command = bgp::Command::Originate(stub::prefix(vnet).into(), Default::default());
        net.bgp(device, bgp::Input::Command(command));
    }
    net.run(SECOND * 5);
    World {
        net,
        west,
        east,
        cpe,
        servers: devices,
    }
}

fn route_server(address: Ipv4Addr, nvas: &[&NodeConfig]) -> bgp::Settings {
    let mut settings = bgp::Settings::new(stub::PLATFORM, address);
    settings.multipath_max = 8;
    for nva in nvas {
        let remote = nva.interfaces[0].address;
        let mut neighbor = bgp::Neighbor::new(&nva.name, address, remote, stub::OVERLAY);
        neighbor.import = Some(Policy::accept_all());
        neighbor.export = Some(Policy::accept_all());
        neighbor.connect = bgp::ConnectMode::Passive;
        settings.neighbors.push(neighbor);
    }
    settings
}

impl World {
    /// The NVAs (by number of the session) from which a Route Server holds a prefix.
    fn told(&self, server: Device, prefix: &str) -> Vec<u32> {
        let paths = self.net.speaker(server).paths(stub::prefix(prefix));
        let mut told: Vec<u32> = paths
            .into_iter()
            .filter_map(|path| path.neighbor.map(|id| id.0))
            .collect();
        told.sort_unstable();
        told
    }

    fn cut(&mut self, a: &str, b: &str) {
        self.net.cut(stub::address(a), stub::address(b), true);
    }
}

const CPE: &str = "203.0.113.10";
const WEST1: &str = "198.51.100.1";
const WEST2: &str = "198.51.100.2";
const EAST: &str = "198.51.100.3";

#[test]
fn a_site_prefix_reaches_the_remote_hub_over_both_home_hubs() {
    let world = world();
    let home = through(&["nva1.west", "nva2.west"]);
    assert_eq!(world.net.next_hop(world.east, LAN), home);
    for nva in world.west {
        assert_eq!(world.net.next_hop(nva, LAN), through(&["cpe1.paris"]));
        assert_eq!(world.net.kernel_route(nva, LAN), Some(RouteVia::Overlay));
    }
}

#[test]
fn a_cpe_gets_the_summary_only_and_uses_its_home_hubs() {
    let world = world();
    let summary = world.net.next_hop(world.cpe, "10.0.0.0/8");
    assert_eq!(summary, through(&["nva1.west", "nva2.west"]));
    assert_eq!(world.net.next_hop(world.cpe, WEST_VNET), None);
    assert_eq!(world.net.next_hop(world.cpe, LAN), Some(NextHop::Kernel));
    assert_eq!(world.net.kernel_route(world.cpe, LAN), None);
}

#[test]
fn vnet_prefixes_are_the_platforms_at_home_and_the_hubs_elsewhere() {
    let world = world();
    for nva in world.west {
        let local = world.net.next_hop(nva, WEST_VNET);
        assert_eq!(local, Some(NextHop::Platform));
        let via = world.net.kernel_route(nva, WEST_VNET);
        assert_eq!(via, Some(RouteVia::Underlay));
        let remote = world.net.next_hop(nva, EAST_VNET);
        assert_eq!(remote, through(&["nva1.east"]));
    }
}

#[test]
fn route_server_is_told_sites_and_other_regions_with_its_own_as_replaced() {
    let world = world();
    let [west, east] = world.servers;
    assert_eq!(world.told(west, LAN), [0, 1]);
    assert_eq!(world.told(west, EAST_VNET), [0, 1]);
    assert_eq!(world.told(east, WEST_VNET), [0]);
    let prefix = stub::prefix(EAST_VNET);
    let path = &world.net.speaker(west).multipath(prefix)[0];
    let overlay = AsPath::sequence([stub::OVERLAY, stub::OVERLAY]);
    assert_eq!(path.attributes.as_path, overlay);
}

#[test]
fn route_server_is_told_the_summaries_but_never_its_own_vnets() {
    let world = world();
    let [west, _] = world.servers;
    assert_eq!(world.told(west, "10.0.0.0/8"), [0, 1]);
    assert_eq!(world.told(west, WEST_VNET), [] as [u32; 0]);
}

#[test]
fn what_an_nva_reaches_only_through_its_twin_is_withdrawn_from_route_server_within_a_second() {
    let mut world = world();
    world.cut(CPE, WEST1);
    world.net.run(Duration::from_millis(1_100));
    let [west, _] = world.servers;
    assert_eq!(world.told(west, LAN), [1]);
    let detour = world.net.next_hop(world.west[0], LAN);
    assert_eq!(detour, through(&["nva2.west"]));
    assert_eq!(world.net.next_hop(world.east, LAN), through(&["nva2.west"]));
}

#[test]
fn the_backup_region_takes_over_when_home_is_lost_and_gives_back() {
    let mut world = world();
    world.cut(CPE, WEST1);
    world.cut(CPE, WEST2);
    world.net.run(Duration::from_millis(1_200));
    let direct = world.net.next_hop(world.east, LAN);
    assert_eq!(direct, through(&["cpe1.paris"]));
    for nva in world.west {
        assert_eq!(world.net.next_hop(nva, LAN), through(&["nva1.east"]));
    }
    let summary = world.net.next_hop(world.cpe, "10.0.0.0/8");
    assert_eq!(summary, through(&["nva1.east"]));
    assert_eq!(world.told(world.servers[0], LAN), [0, 1]);
    for west in [WEST1, WEST2] {
        let (cpe, west) = (stub::address(CPE), stub::address(west));
        world.net.cut(cpe, west, false);
    }
    world.net.run(SECOND * 5);
    let home = through(&["nva1.west", "nva2.west"]);
    assert_eq!(world.net.next_hop(world.east, LAN), home);
    assert_eq!(world.net.next_hop(world.cpe, "10.0.0.0/8"), home);
}

#[test]
fn a_prefix_lost_everywhere_is_withdrawn_everywhere() {
    let mut world = world();
    for hub in [WEST1, WEST2, EAST] {
        world.cut(CPE, hub);
    }
    world.net.run(Duration::from_millis(1_200));
    for nva in [world.west[0], world.west[1], world.east] {
        assert_eq!(world.net.next_hop(nva, LAN), None);
        assert_eq!(world.net.kernel_route(nva, LAN), None);
    }
    for server in world.servers {
        assert_eq!(world.told(server, LAN), [] as [u32; 0]);
    }
}

#[test]
fn flows_share_both_home_hubs_and_stay_where_they_are_when_one_is_lost() {
    let mut world = world();
    let flow = |port| FiveTuple {
        source: stub::address("10.2.1.1"),
        destination: stub::address("10.10.0.5"),
        protocol: packet::TCP,
        source_port: port,
        destination_port: 443,
    };
    let takes = |world: &World, port| {
        let node = world.net.node(world.east);
        match node.explain(world.net.now, flow(port)).decision {
            Decision::Tunnel { neighbor, .. } => neighbor,
            other => panic!("{other:?}"),
        }
    };
    let before: Vec<String> = (0..200).map(|port| takes(&world, port)).collect();
    let first = before.iter().filter(|name| *name == "nva1.west").count();
    assert!((70..130).contains(&first), "{first} of 200");
    world.net.kill(world.west[0]);
    world.net.run(Duration::from_millis(1_200));
    assert!((0..200).all(|port| takes(&world, port) == "nva2.west"));
}

#[test]
fn a_passive_nva_prepends_towards_route_server_only() {
    let mut passive = stub::nva("nva1.west", 1, 1);
    passive.prepend = 2;
    let mut cpe = stub::cpe("cpe1.paris", 10, LAN);
    stub::link(&mut cpe, &mut passive, (HomeHub, HomeSite));
    let server = stub::address("10.1.0.4");
    stub::add_route_server(&mut passive, "rs0.west", server);
    let peers = route_server(server, &[&passive]);
    let mut net = Net::default();
    net.add(passive);
    net.add(cpe);
    let server = net.add_speaker(server, peers);
    net.run(SECOND * 5);
    let lan: Prefix = stub::prefix(LAN);
    let path = &net.speaker(server).multipath(lan)[0];
    let overlay = AsPath::sequence([stub::OVERLAY; 3]);
    assert_eq!(path.attributes.as_path, overlay);
}

#[test]
fn every_session_stands_a_moment_after_its_link() {
    let world = world();
    for device in [world.west[0], world.west[1], world.east, world.cpe] {
        let events = world.net.events(device);
        let links = world.net.node(device).links(world.net.now);
        for link in &links {
            let up = |event: &Event| matches!(event, Event::LinkUp(id) if *id == link.id);
            let neighbor = bgp::NeighborId(link.id.0);
            let stands = |event: &Event| matches!(event, Event::Bgp(bgp::Event::Established { neighbor: id }) if *id == neighbor);
            let at = |wanted: &dyn Fn(&Event) -> bool| {
                let found: Vec<_> = events.iter().filter(|(_, event)| wanted(event)).collect();
                assert_eq!(found.len(), 1, "once, and for good");
                found[0].0
            };
            let took = at(&stands).since(at(&up));
            assert!(took <= Duration::from_millis(300), "{took:?}");
        }
    }
}

#[test]
fn routes_behind_a_plain_peer_are_announced_while_it_is_up() {
    let behind = "10.77.0.0/24";
    let mut west = stub::nva("nva1.west", 1, 1);
    let mut east = stub::nva("nva1.east", 2, 2);
    let mut foreign = stub::nva("wg1.lyon", 3, 3);
    stub::link(&mut west, &mut east, (Hub, Hub));
    stub::link(&mut foreign, &mut west, (Hub, HomeSite));
    for (config, prefix) in [(&mut west, behind), (&mut foreign, "10.0.0.0/8")] {
        let link = config.links.last_mut().expect("the plain peer");
        link.loopback = None;
        link.static_routes = vec![stub::prefix(prefix)];
        link.paths[0].liveness = Liveness::Handshake;
    }
    foreign.summaries.clear();
    let server = stub::address("10.1.0.4");
    stub::add_route_server(&mut west, "rs0.west", server);
    let peers = route_server(server, &[&west]);
    let mut net = Net::default();
    let (west, east, foreign) = (net.add(west), net.add(east), net.add(foreign));
    let server = net.add_speaker(server, peers);
    net.run(SECOND * 5);
    let lan = stub::prefix(behind);
    assert_eq!(net.next_hop(west, behind), through(&["wg1.lyon"]));
    assert_eq!(net.next_hop(east, behind), through(&["nva1.west"]));
    assert_eq!(net.speaker(server).paths(lan).len(), 1);
    net.kill(foreign);
    net.run(SECOND * 300);
    assert_eq!(net.next_hop(east, behind), None);
    assert!(net.speaker(server).paths(lan).is_empty());
}

#[test]
fn a_node_that_shuts_down_is_gone_from_route_server_at_once() {
    let mut world = world();
    let text = "maintenance".to_owned();
    world.net.command(world.west[0], Command::Shutdown { text });
    world.net.run(Duration::from_millis(100));
    assert_eq!(world.told(world.servers[0], LAN), [1]);
    assert_eq!(world.net.next_hop(world.east, LAN), through(&["nva2.west"]));
}
