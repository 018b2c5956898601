//! Gateways and MSEEs: private peering, FastPath, Global Reach.

use core::time::Duration;

use design::plan::{FabricConfig, RouteTableConfig, UserNextHop, UserRouteConfig};
use inet::packet::{self, Ipv4};
use inet::{FiveTuple, Instant};
use underlay::geography;

use super::express_route::{HOST, WIRE_US, circuits, converged, fast_path};
use super::world::{
    Got, PARIS, PROGRAMMING_DELAY, REGION_LATENCY, WEST, World, ip, packet_of, prefix, tcp, udp,
};
use crate::Fabric;
use crate::fabric::{Carrier, DropReason, Fault, Input, NextHopType, Output, RouteSource};

/// User routes on the GatewaySubnet of the hub.
fn with_gateway_routes(config: &mut FabricConfig, routes: &[(&str, &str)]) {
    config.route_tables.push(RouteTableConfig {
        name: "gateways".to_owned(),
        disable_bgp_propagation: true,
        routes: routes
            .iter()
            .map(|(text, hop)| UserRouteConfig {
                prefix: prefix(text),
                next_hop: UserNextHop::VirtualAppliance(ip(hop)),
            })
            .collect(),
    });
    let subnets = &mut config.vnets[0].subnets;
    subnets.last_mut().expect("GatewaySubnet").route_table = Some("gateways".to_owned());
}

/// A packet of a flow with this many bytes, which must not be fragmented.
fn packet_of_size(flow: FiveTuple, bytes: u16) -> Vec<u8> {
    let mut packet = packet::ipv4(flow, 64, &vec![0; usize::from(bytes) - 20]);
    packet[6] |= 0x40;
    packet
}

/// Everything that comes out after a packet, with the interface.
fn results(world: &mut World, from: &str, bytes: Vec<u8>) -> Vec<(String, Ipv4Summary)> {
    let port = world.port(from);
    let mut out = Vec::new();
    let input = Input::Packet { port, bytes };
    world.fabric.handle(world.now, input, &mut out);
    while let Some(at) = world.fabric.wake() {
        world.now = at;
        world.fabric.handle(at, Input::Wake, &mut out);
    }
    out.into_iter()
        .map(|output| match output {
            Output::Deliver { port, bytes } => {
                let view = Ipv4::parse(&bytes).expect("a packet");
                let (device, _) = world.fabric.port_name(port).expect("a port");
                (
                    device.to_owned(),
                    Ipv4Summary::Packet(view.source().to_string(), view.payload().to_vec()),
                )
            }
            Output::Drop { port, reason, .. } => {
                let (device, _) = world.fabric.port_name(port).expect("a port");
                (device.to_owned(), Ipv4Summary::Dropped(reason))
            }
            Output::Refused(fault) => panic!("{fault:?}"),
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Ipv4Summary {
    Packet(String, Vec<u8>),
    Dropped(DropReason),
}

#[test]
fn azure_3_7_on_premises_to_azure_passes_msee_and_gateway() {
    let mut world = converged(&circuits());
    for (vm, address) in [("vm1.spoke", "10.2.0.4"), ("nva1.west", "10.1.1.4")] {
        let (hops, at) = world.path("core.paris/er0", udp(HOST, address));
        assert_eq!(
            (hops, at),
            (vec!["msee0.par".to_owned(), "ergw0.west".to_owned()], vm)
        );
    }
    let away = geography::latency(PARIS.into(), WEST.into(), 170);
    let wire = Duration::from_micros(u64::from(WIRE_US));
    let got = world.send("core.paris/er0", udp(HOST, "10.2.0.4"));
    assert_eq!(got.after(), wire + away + REGION_LATENCY * 2);
}

#[test]
fn azure_3_7_azure_to_on_premises_goes_around_the_gateway() {
    let mut world = converged(&circuits());
    let flow = udp("10.2.0.4", HOST);
    let (hops, at) = world.path("vm1.spoke", flow);
    assert_eq!((hops, at), (vec!["msee0.par".to_owned()], "core.paris/er0"));
    let said = world.explain("vm1.spoke", flow);
    let (from, to) = ("west".to_owned(), "msee0.par".to_owned());
    assert_eq!(said.carrier, Some(Carrier::Backbone { from, to }));
    let to = "core.paris".to_owned();
    assert_eq!(said.hops[0].carrier, Some(Carrier::Wire { to }));
}

#[test]
fn azure_3_1_packets_above_1400_bytes_end_at_the_gateway_and_pass_around_it() {
    let mut world = converged(&circuits());
    let inbound = |bytes| packet_of_size(udp(HOST, "10.2.0.4"), bytes);
    let passed = results(&mut world, "core.paris/er0", inbound(1_400));
    assert_eq!(passed[0].0, "vm1.spoke");
    let ended = results(&mut world, "core.paris/er0", inbound(1_401));
    let dropped = Ipv4Summary::Dropped(DropReason::TooBig);
    assert!(ended.contains(&("ergw0.west".to_owned(), dropped)));
    let told = &ended[1];
    let Ipv4Summary::Packet(source, icmp) = &told.1 else {
        panic!("{ended:?}");
    };
    assert_eq!(
        (told.0.as_str(), source.as_str()),
        ("core.paris", "10.1.255.12")
    );
    // RFC 1191 §4: type 3, code 4, next-hop MTU in the last two of eight octets
    assert_eq!(
        (&icmp[..2], &icmp[6..8]),
        (&[3, 4][..], &1_400_u16.to_be_bytes()[..])
    );
    let outbound = packet_of_size(udp("10.2.0.4", HOST), 1_500);
    let passed = results(&mut world, "vm1.spoke", outbound);
    assert_eq!(passed[0].0, "core.paris");
}

#[test]
fn azure_3_7_fast_path_goes_around_the_gateway_for_its_own_vnet_only() {
    let mut config = circuits();
    fast_path(&mut config, "hub-west");
    let mut world = converged(&config);
    let (hops, at) = world.path("core.paris/er0", udp(HOST, "10.1.1.4"));
    assert_eq!((hops, at), (vec!["msee0.par".to_owned()], "nva1.west"));
    let said = world.explain("core.paris/er0", udp(HOST, "10.1.1.4"));
    assert!(said.hops[0].fast_path);
    let (hops, _) = world.path("core.paris/er0", udp(HOST, "10.2.0.4"));
    assert_eq!(hops.len(), 2, "a peered VNet is behind the gateway");
    let large = packet_of_size(udp(HOST, "10.1.1.4"), 1_500);
    let passed = results(&mut world, "core.paris/er0", large);
    assert_eq!(passed[0].0, "nva1.west");
    let nobody = world.send("core.paris/er0", udp(HOST, "10.1.9.9"));
    assert_eq!(nobody, Got::Dropped(DropReason::NoSuchAddress));
}

#[test]
fn azure_3_7_a_hairpin_through_an_nva_is_only_for_what_passes_the_gateway() {
    let mut config = circuits();
    with_gateway_routes(
        &mut config,
        &[("10.2.0.0/16", "10.1.1.4"), ("10.1.1.5/32", "10.1.1.4")],
    );
    let mut world = converged(&config);
    let (hops, at) = world.path("core.paris/er0", udp(HOST, "10.2.0.4"));
    assert_eq!((hops.len(), at), (2, "nva1.west"));
    let (hops, at) = world.path("vm1.spoke", udp("10.2.0.4", HOST));
    assert_eq!((hops.len(), at), (1, "core.paris/er0"));
    fast_path(&mut config, "hub-west");
    let mut world = converged(&config);
    let (hops, at) = world.path("core.paris/er0", udp(HOST, "10.1.1.5"));
    assert_eq!(
        (hops.len(), at),
        (1, "nva2.west"),
        "FastPath knows no user route"
    );
}

#[test]
fn azure_2_4_a_user_route_over_routeserversubnet_takes_the_gateways_own_packets_to_the_nva() {
    let mut config = circuits();
    let mut world = converged(&config);
    let bgp = tcp("10.1.255.12", "10.1.2.4", 40_000, 179);
    assert_eq!(world.send("ergw0.west", bgp).at(), "rs0.west");
    with_gateway_routes(&mut config, &[("10.1.0.0/16", "10.1.1.4")]);
    let mut world = converged(&config);
    assert_eq!(world.send("ergw0.west", bgp).at(), "nva1.west");
    let back = tcp("10.1.2.4", "10.1.255.12", 179, 40_000);
    assert_eq!(world.send("rs0.west", back).at(), "ergw0.west");
}

#[test]
fn azure_2_4_a_gateway_keeps_its_routes_whatever_the_table_of_its_subnet_says() {
    let mut config = circuits();
    with_gateway_routes(&mut config, &[]);
    let mut world = converged(&config);
    world.learn("ergw0.west", "172.23.0.0/16", &["10.1.1.4"]);
    world.learn("msee0.par", "172.23.0.0/16", &["10.1.255.12"]);
    let (hops, at) = world.path("core.paris/er0", udp(HOST, "172.23.0.1"));
    assert_eq!((hops.len(), at), (2, "nva1.west"));
}

#[test]
fn azure_3_3_sessions_run_between_gateways_msees_and_route_server_as_any_packet_does() {
    let mut world = World::new(&circuits());
    let away = geography::latency(PARIS.into(), WEST.into(), 170);
    for (from, to, source, destination, after) in [
        (
            "ergw0.west",
            "msee0.par/hub",
            "10.1.255.12",
            "10.1.255.4",
            away,
        ),
        (
            "msee1.par/hub",
            "ergw1.west",
            "10.1.255.5",
            "10.1.255.13",
            away,
        ),
        (
            "ergw1.west",
            "rs1.west",
            "10.1.255.13",
            "10.1.2.5",
            Duration::ZERO,
        ),
    ] {
        let got = world.send(from, tcp(source, destination, 40_000, 179));
        assert_eq!(
            (got.at(), got.after(), got.ttl()),
            (to, REGION_LATENCY + after, 64)
        );
    }
    let got = world.send(
        "core.paris/er0",
        tcp("172.29.0.1", "172.29.0.2", 40_000, 179),
    );
    assert_eq!((got.at(), got.ttl()), ("msee0.par/private0", 64));
}

#[test]
fn azure_3_7_circuits_reach_each_other_by_global_reach_and_not_beyond() {
    let mut world = converged(&circuits());
    let there = udp(HOST, "172.22.0.10");
    let (hops, at) = world.path("core.paris/er0", there);
    let both = vec!["msee0.par".to_owned(), "msee0.lon".to_owned()];
    assert_eq!((hops, at), (both, "core.london/er0"));
    // what a circuit did not learn it does not forward, VNets of the other one among it
    let got = world.send("core.london/er0", udp("172.22.0.10", "10.2.0.4"));
    assert_eq!(got, Got::Dropped(DropReason::NoRoute));
    world.learn("msee0.par", "172.22.0.0/16", &[]);
    let got = world.send("core.paris/er0", there);
    assert_eq!(got, Got::Dropped(DropReason::NoRoute));
}

#[test]
fn azure_3_7_two_vnets_on_one_circuit_reach_each_other_when_the_msee_knows_both() {
    let mut world = converged(&circuits());
    world.program_both("10.3.0.0/16", &["10.1.255.4"]);
    let flow = udp("10.2.0.4", "10.3.0.4");
    assert_eq!(
        world.send("vm1.spoke", flow),
        Got::Dropped(DropReason::NoRoute)
    );
    world.learn("msee0.par", "10.3.0.0/16", &["10.3.255.12"]);
    let (hops, at) = world.path("vm1.spoke", flow);
    let both = vec!["msee0.par".to_owned(), "ergw0.lonely".to_owned()];
    assert_eq!((hops, at), (both, "vm1.lonely"));
}

#[test]
fn without_route_server_the_gateway_programs_the_nics_and_the_twin_takes_over() {
    let mut world = converged(&circuits());
    assert_eq!(
        world.fabric.instance("ergw0.west"),
        None,
        "Route Server does it there"
    );
    world.learn("msee0.par", "172.21.0.0/16", &["172.29.0.1"]);
    for gateway in ["ergw0.lonely", "ergw1.lonely"] {
        world.program(gateway, "172.21.0.0/16", &["10.3.255.4"]);
    }
    let flow = udp("10.3.0.4", HOST);
    assert_eq!(world.path("vm1.lonely", flow).1, "core.paris/er0");
    let rows = world.fabric.effective_routes(world.port("vm1.lonely"));
    let rows = rows.expect("a NIC");
    let row = rows
        .iter()
        .find(|row| row.prefix == prefix("172.21.0.0/16"));
    let row = row.expect("programmed");
    assert_eq!(row.source, RouteSource::VirtualNetworkGateway);
    assert_eq!(row.next_hop_type, NextHopType::VirtualNetworkGateway);
    assert_eq!(row.next_hops, [ip("10.3.255.4")]);
    for gateway in ["ergw0.lonely", "ergw1.lonely"] {
        let mut world = converged(&circuits());
        let (dies, lives) = (
            gateway,
            if gateway == "ergw0.lonely" {
                "ergw1.lonely"
            } else {
                "ergw0.lonely"
            },
        );
        world.program(lives, "172.21.0.0/16", &["10.3.255.4"]);
        world.device(dies, false);
        world.pass(PROGRAMMING_DELAY);
        assert_eq!(world.path("vm1.lonely", flow).1, "core.paris/er0");
    }
}

#[test]
fn a_vnet_without_route_server_and_gateway_keeps_what_the_system_gives() {
    let world = World::new(&super::world::config());
    let rows = world.fabric.effective_routes(world.port("vm1.lonely"));
    let rows = rows.expect("a NIC");
    assert!(rows.iter().all(|row| row.source == RouteSource::Default));
}

#[test]
fn a_dead_forwarder_drops_and_comes_back_knowing_nothing() {
    let mut world = converged(&circuits());
    let flow = udp(HOST, "10.2.0.4");
    world.device("ergw0.west", false);
    assert_eq!(
        world.send("core.paris/er0", flow),
        Got::Dropped(DropReason::DeviceDown)
    );
    world.device("ergw0.west", true);
    assert_eq!(
        world.path("core.paris/er0", flow).1,
        "vm1.spoke",
        "address space is the system's"
    );
    world.device("msee0.par", false);
    for (from, flow) in [
        ("core.paris/er0", flow),
        ("vm1.spoke", udp("10.2.0.4", HOST)),
    ] {
        assert_eq!(world.send(from, flow), Got::Dropped(DropReason::DeviceDown));
    }
    world.device("msee0.par", true);
    let msee = world.forwarder("msee0.par");
    assert_eq!(world.fabric.forwarding(msee).count(), 0);
    assert_eq!(
        world.send("core.paris/er0", flow),
        Got::Dropped(DropReason::NoRoute)
    );
    let other = world.forwarder("msee1.par");
    assert!(world.fabric.forwarding(other).count() > 0);
    let input = Input::ForwarderUp(other);
    world.fabric.handle(world.now, input, &mut Vec::new());
    assert_eq!(world.fabric.forwarding(other).count(), 0);
}

#[test]
fn equal_next_hops_share_flows() {
    let mut world = converged(&circuits());
    world.learn("msee0.par", "10.2.0.0/16", &["10.1.255.12", "10.1.255.13"]);
    let mut used = [0; 2];
    for port in 0..200 {
        let flow = tcp(HOST, "10.2.0.4", 10_000 + port, 443);
        let (hops, _) = world.path("core.paris/er0", flow);
        used[usize::from(hops[1] == "ergw1.west")] += 1;
    }
    assert!(
        used.iter().all(|count| (60..140).contains(count)),
        "{used:?}"
    );
}

#[test]
fn a_loop_between_forwarders_ends_with_the_time_to_live() {
    let mut world = converged(&circuits());
    world.learn("msee0.lon", "172.24.0.0/16", &["172.28.0.0"]);
    world.learn("msee0.par", "172.24.0.0/16", &["172.28.0.1"]);
    let got = world.send("core.paris/er0", udp(HOST, "172.24.0.1"));
    assert_eq!(got, Got::Dropped(DropReason::TtlExpired));
    let mut short = packet_of(udp(HOST, "10.2.0.4"));
    short[8] = 1;
    packet::rewrite(&mut short, udp(HOST, "10.2.0.4"));
    let got = world.send_packet("core.paris/er0", short);
    assert_eq!(got, Got::Dropped(DropReason::TtlExpired));
}

#[test]
fn a_next_hop_that_is_nobodys_and_a_protocol_that_is_not_carried_are_dropped() {
    let mut world = converged(&circuits());
    world.learn("msee0.par", "172.25.0.0/16", &["192.0.2.1"]);
    let got = world.send("core.paris/er0", udp(HOST, "172.25.0.1"));
    assert_eq!(got, Got::Dropped(DropReason::NextHopUnreachable));
    world.learn("msee0.par", "172.26.0.0/16", &["10.1.255.12"]);
    let got = world.send("core.paris/er0", udp(HOST, "172.26.0.1"));
    assert_eq!(
        got,
        Got::Dropped(DropReason::NoRoute),
        "the gateway does not know it"
    );
    let gre = FiveTuple {
        protocol: 47,
        ..udp(HOST, "10.2.0.4")
    };
    let got = world.send("core.paris/er0", gre);
    assert_eq!(got, Got::Dropped(DropReason::Protocol));
}

#[test]
fn cut_links_and_paths_count_where_the_packet_was() {
    let mut world = converged(&circuits());
    let (device, interface) = ("core.paris".to_owned(), "er0".to_owned());
    world.fault(Fault::Wire {
        device,
        interface,
        up: false,
    });
    let back = udp("10.2.0.4", HOST);
    assert_eq!(
        world.send("vm1.spoke", back),
        Got::Dropped(DropReason::WireDown)
    );
    let counters = world.fabric.counters(world.port("msee0.par/hub"));
    let counters = counters.expect("a port");
    assert_eq!(
        (counters.received_packets, counters.dropped_packets),
        (1, 1)
    );
    let path = Fault::Path {
        a: ip(HOST),
        b: ip("10.2.0.4"),
        up: false,
    };
    let mut world = converged(&circuits());
    world.fault(path);
    for (from, flow) in [
        ("vm1.spoke", back),
        ("core.paris/er0", udp(HOST, "10.2.0.4")),
    ] {
        assert_eq!(world.send(from, flow), Got::Dropped(DropReason::PathDown));
    }
}

#[test]
fn forwarders_that_do_not_exist_are_errors() {
    let error = |change: fn(&mut FabricConfig)| {
        let mut config = circuits();
        change(&mut config);
        Fabric::new(&config, Instant::ZERO)
            .expect_err("a wrong configuration")
            .to_string()
    };
    assert_eq!(
        error(|config| config.forwarders[0].device = "ergw7.west".to_owned()),
        "forwarder ergw7.west refers to device \"ergw7.west\", which does not exist"
    );
    assert_eq!(
        error(|config| config.forwarders[0].device = "core.paris".to_owned()),
        "forwarder core.paris refers to a NIC of \"core.paris\", which does not exist"
    );
    assert_eq!(
        error(|config| fast_path(config, "hub-south")),
        "forwarder msee0.par refers to VNet \"hub-south\", which does not exist"
    );
    assert_eq!(
        error(|config| config.forwarders.push(config.forwarders[0].clone())),
        "ergw0.west is named as a forwarder twice"
    );
}
