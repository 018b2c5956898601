//! Effective routes and what they do.

use design::plan::{FabricConfig, RouteTableConfig, UserNextHop, UserRouteConfig};

use super::world::{Got, World, config, ip, prefix, tcp, udp};
use crate::fabric::{DropReason, EffectiveRoute, NextHopType, RouteSource};

/// The base world with user routes in the spoke's VM subnet.
fn with_user_routes(routes: &[(&str, UserNextHop)], disable: bool) -> FabricConfig {
    let mut config = config();
    config.route_tables.push(RouteTableConfig {
        name: "table".to_owned(),
        disable_bgp_propagation: disable,
        routes: routes
            .iter()
            .map(|(text, next_hop)| UserRouteConfig {
                prefix: prefix(text),
                next_hop: *next_hop,
            })
            .collect(),
    });
    config.vnets[1].subnets[0].route_table = Some("table".to_owned());
    config
}

fn rows(world: &World, device: &str) -> Vec<EffectiveRoute> {
    let port = world.port(device);
    world.fabric.effective_routes(port).expect("a NIC")
}

fn find(rows: &[EffectiveRoute], source: RouteSource, text: &str) -> Option<EffectiveRoute> {
    rows.iter()
        .find(|row| row.source == source && row.prefix == prefix(text))
        .cloned()
}

fn none_rows(rows: &[EffectiveRoute]) -> usize {
    rows.iter()
        .filter(|row| row.next_hop_type == NextHopType::None)
        .count()
}

#[test]
fn system_routes_are_own_space_peers_the_default_and_the_none_rows() {
    let world = World::new(&config());
    let rows = rows(&world, "nva1.west");
    let kinds: Vec<_> = [
        "10.1.0.0/16",
        "10.2.0.0/16",
        "10.11.0.0/16",
        "0.0.0.0/0",
        "10.0.0.0/8",
    ]
    .map(|text| {
        find(&rows, RouteSource::Default, text)
            .expect(text)
            .next_hop_type
    })
    .into();
    assert_eq!(
        kinds,
        [
            NextHopType::VnetLocal,
            NextHopType::VNetPeering,
            NextHopType::VNetGlobalPeering,
            NextHopType::Internet,
            NextHopType::None
        ]
    );
    assert_eq!(none_rows(&rows), 21);
}

#[test]
fn unknown_private_destinations_hit_a_none_row() {
    let mut world = World::new(&config());
    for destination in [
        "10.200.0.1",
        "172.16.0.1",
        "192.168.7.7",
        "100.64.0.1",
        "198.18.0.1",
    ] {
        let got = world.send("nva1.west", udp("10.1.1.4", destination));
        assert_eq!(got, Got::Dropped(DropReason::RouteNone), "{destination}");
    }
}

#[test]
fn a_default_route_from_route_server_takes_the_system_default_and_all_none_rows_away() {
    let mut world = World::new(&config());
    world.program_both("0.0.0.0/0", &["10.1.1.4"]);
    let rows = rows(&world, "vm1.spoke");
    assert_eq!(find(&rows, RouteSource::Default, "0.0.0.0/0"), None);
    assert_eq!(none_rows(&rows), 0);
    let row = find(&rows, RouteSource::VirtualNetworkGateway, "0.0.0.0/0").expect("programmed");
    assert_eq!(row.next_hops, [ip("10.1.1.4")]);
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "10.200.0.1")).at(),
        "nva1.west"
    );
}

#[test]
fn a_default_user_route_leaves_the_system_default_listed_as_invalid_without_none_rows() {
    let hop = UserNextHop::VirtualAppliance(ip("10.1.1.5"));
    let mut world = World::new(&with_user_routes(&[("0.0.0.0/0", hop)], false));
    let rows = rows(&world, "vm1.spoke");
    assert!(
        !find(&rows, RouteSource::Default, "0.0.0.0/0")
            .expect("listed")
            .active
    );
    assert!(
        find(&rows, RouteSource::User, "0.0.0.0/0")
            .expect("listed")
            .active
    );
    assert_eq!(none_rows(&rows), 0);
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "192.168.9.9")).at(),
        "nva2.west"
    );
}

#[test]
fn for_one_prefix_user_beats_route_server_and_route_server_beats_system() {
    let hop = UserNextHop::VirtualAppliance(ip("10.1.1.5"));
    let mut world = World::new(&with_user_routes(&[("172.20.0.0/16", hop)], false));
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    world.program_both("10.0.0.0/8", &["10.1.1.4"]);
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "172.20.1.1")).at(),
        "nva2.west"
    );
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "10.99.0.1")).at(),
        "nva1.west"
    );
    let rows = rows(&world, "vm1.spoke");
    let gateway = RouteSource::VirtualNetworkGateway;
    assert!(
        !find(&rows, gateway, "172.20.0.0/16")
            .expect("listed")
            .active
    );
    assert!(
        !find(&rows, RouteSource::Default, "10.0.0.0/8")
            .expect("listed")
            .active
    );
}

#[test]
fn a_longer_prefix_of_route_server_beats_a_user_route() {
    let hop = UserNextHop::VirtualAppliance(ip("10.1.1.5"));
    let mut world = World::new(&with_user_routes(&[("172.16.0.0/12", hop)], false));
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "172.20.1.1")).at(),
        "nva1.west"
    );
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "172.21.1.1")).at(),
        "nva2.west"
    );
}

#[test]
fn route_server_never_wins_over_vnet_space_but_a_user_route_does() {
    let mut world = World::new(&config());
    for text in ["10.1.0.0/16", "10.1.1.0/24", "10.2.0.4/32"] {
        world.program_both(text, &["10.1.1.4"]);
    }
    let rs0 = world.instance("rs0.west");
    assert_eq!(world.fabric.programmed_by(rs0).count(), 0);
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "10.1.1.5")).at(),
        "nva2.west"
    );
    let hop = UserNextHop::VirtualAppliance(ip("10.1.1.4"));
    let mut world = World::new(&with_user_routes(&[("10.1.1.0/24", hop)], false));
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "10.1.1.5")).at(),
        "nva1.west"
    );
}

#[test]
fn a_supernet_of_vnet_space_works_for_the_remainder() {
    let mut world = World::new(&config());
    world.program_both("10.0.0.0/8", &["10.1.1.4"]);
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "10.77.0.1")).at(),
        "nva1.west"
    );
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "10.1.1.5")).at(),
        "nva2.west"
    );
}

#[test]
fn disabled_propagation_removes_route_server_routes_too() {
    let mut world = World::new(&with_user_routes(&[], true));
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    let got = world.send("vm1.spoke", udp("10.2.0.4", "172.20.1.1"));
    assert_eq!(got, Got::Dropped(DropReason::RouteNone));
}

#[test]
fn user_routes_lead_to_the_internet_to_nowhere_and_to_unreachable_appliances() {
    let far = UserNextHop::VirtualAppliance(ip("10.11.1.4"));
    let routes = [
        ("172.20.0.0/16", UserNextHop::None),
        ("84.0.0.0/8", UserNextHop::Internet),
        ("172.21.0.0/16", far),
    ];
    let mut world = World::new(&with_user_routes(&routes, false));
    let cases = [
        ("172.20.1.1", DropReason::RouteNone),
        ("84.0.0.1", DropReason::NoPublicAddress),
        ("172.21.1.1", DropReason::NextHopUnreachable),
    ];
    for (destination, reason) in cases {
        let got = world.send("vm1.spoke", udp("10.2.0.4", destination));
        assert_eq!(got, Got::Dropped(reason), "{destination}");
    }
}

#[test]
fn a_next_hop_outside_directly_peered_vnets_is_a_black_hole_shown_as_none() {
    let mut world = World::new(&config());
    world.program_both("172.20.0.0/16", &["10.11.1.4"]);
    // the hub is peered with the next hop's VNet, the spoke is not
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "172.20.1.1")).at(),
        "nva1.east"
    );
    let got = world.send("vm1.spoke", udp("10.2.0.4", "172.20.1.1"));
    assert_eq!(got, Got::Dropped(DropReason::NextHopUnreachable));
    let rows = rows(&world, "vm1.spoke");
    let row = find(&rows, RouteSource::VirtualNetworkGateway, "172.20.0.0/16").expect("listed");
    assert_eq!(row.next_hop_type, NextHopType::None);
}

#[test]
fn flows_spread_over_equal_next_hops_and_each_keeps_its_own() {
    let mut world = World::new(&config());
    world.program_both("172.20.0.0/16", &["10.1.1.4", "10.1.1.5"]);
    let mut first = 0;
    for port in 0..200 {
        let flow = tcp("10.2.0.4", "172.20.1.1", port, 443);
        let at = world.send("vm1.spoke", flow).at();
        assert_eq!(world.send("vm1.spoke", flow).at(), at);
        first += u32::from(at == "nva1.west");
    }
    assert!((70..130).contains(&first), "{first}");
}

#[test]
fn about_half_of_the_replies_return_through_the_other_nva() {
    // each direction is hashed by another host: nothing may depend on seeing both
    let mut world = World::new(&config());
    world.program_both("172.20.0.0/16", &["10.1.1.4", "10.1.1.5"]);
    let same = (0..200)
        .filter(|port| {
            let one = world
                .send("vm1.spoke", tcp("10.2.0.4", "172.20.1.1", *port, 443))
                .at();
            let two = world
                .send("vm2.spoke", tcp("10.2.0.5", "172.20.1.1", *port, 443))
                .at();
            one == two
        })
        .count();
    assert!((70..130).contains(&same), "{same}");
}

#[test]
fn an_nvas_own_nic_is_programmed_with_itself_as_next_hop() {
    let mut world = World::new(&config());
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    let got = world.send("nva1.west", udp("10.2.0.4", "172.20.1.1"));
    assert_eq!(got.at(), "nva1.west");
}
