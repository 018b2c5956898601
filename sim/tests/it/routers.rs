//! Customer and provider routers: eBGP to the provider, iBGP inside it, links that fail unseen.
//!
//! ```text
//!  host1.lyon ─ core.lyon ─ pe-a ─┬─ pe-b ─┬─ core.paris ─ host1.paris
//!                                 └─ pe-c ─┘
//! ```

pub(crate) mod network;

use core::time::Duration;

use design::plan::Plan;
use sim::{Options, World};
use tunnel::Suite;
use view::{Answer, FlowSpec, Leg, Query, Trace};

use super::{after, converge, fail, heal, nobody_is_silent};
use network::network;

pub(crate) fn started(plan: Plan) -> World {
    let options = Options {
        suite: Suite::Null,
        seed: 1,
    };
    let mut world = World::new(plan, options).unwrap_or_else(|error| panic!("{error}"));
    converge(&mut world);
    world
}

pub(crate) fn trace(world: &World, source: &str, destination: &str, port: u16) -> Trace {
    let flow: FlowSpec = format!("udp:{port}:53").parse().expect("a flow");
    let trace = world.trace(source, destination, flow);
    trace.unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn devices(leg: &Leg) -> Vec<&str> {
    leg.hops.iter().map(|hop| hop.device.as_str()).collect()
}

const VIA_B: [&str; 6] = [
    "host1.lyon",
    "core.lyon",
    "pe-a.mpls",
    "pe-b.mpls",
    "core.paris",
    "host1.paris",
];
const VIA_C: [&str; 6] = [
    "host1.lyon",
    "core.lyon",
    "pe-a.mpls",
    "pe-c.mpls",
    "core.paris",
    "host1.paris",
];

#[test]
fn sites_reach_each_other_through_the_provider_both_ways() {
    let mut world = started(network(""));
    nobody_is_silent(&mut world);
    let trace = trace(&world, "host1.lyon", "host1.paris", 1000);
    assert_eq!(devices(&trace.forward), VIA_B);
    let back = trace.reverse.expect("it arrives");
    let mut way: Vec<&str> = devices(&back);
    way.reverse();
    assert!(way == VIA_B, "{way:?}");
    assert!(back.delivered);
}

#[test]
fn bfd_finds_a_link_that_fails_unseen_within_a_second_and_the_path_comes_back() {
    let mut world = started(network(""));
    let before = world.forwarding();
    fail(&mut world, "link:core.paris/net0");
    let failed_at = world.now();
    world.run_until(failed_at + Duration::from_secs(1));
    let trace = trace(&world, "host1.lyon", "host1.paris", 1000);
    assert_eq!(devices(&trace.forward), VIA_C);
    converge(&mut world);
    nobody_is_silent(&mut world);
    heal(&mut world, "link:core.paris/net0");
    converge(&mut world);
    let differences = before.differences(&world.forwarding());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn a_router_that_dies_takes_its_flows_to_the_other_one() {
    let mut world = started(network(""));
    fail(&mut world, "pe-b.mpls");
    converge(&mut world);
    nobody_is_silent(&mut world);
    heal(&mut world, "pe-b.mpls");
    converge(&mut world);
    nobody_is_silent(&mut world);
}

#[test]
fn flows_are_shared_between_paths_as_the_trace_says() {
    let world = started(network("multipath: {paths: 2}"));
    let mut ways = [0, 0];
    for port in 1000..1064 {
        let trace = trace(&world, "host1.lyon", "host1.paris", port);
        let way = devices(&trace.forward);
        ways[usize::from(way == VIA_C)] += 1;
        assert!(way == VIA_B || way == VIA_C, "{way:?}");
        let others = &trace.forward.hops[2].alternatives;
        assert_eq!(others.len(), 1, "{others:?}");
    }
    assert!(ways.iter().all(|count| *count >= 16), "{ways:?}");
}

#[test]
fn a_packet_that_goes_in_a_circle_expires_and_its_trace_shows_the_circle() {
    let mut plan = network("");
    // Both edges send what they do not know to each other.
    network::default_route(&mut plan, "core.lyon", "172.30.0.1");
    network::default_route(&mut plan, "pe-a.mpls", "172.30.0.0");
    let mut world = started(plan);
    assert_eq!(world.expired(), 0);
    fail(&mut world, "core.paris");
    converge(&mut world);
    let trace = trace(&world, "host1.lyon", "host1.paris", 1000);
    assert!(!trace.forward.delivered);
    assert_eq!(trace.forward.cycle, ["core.lyon", "pe-a.mpls"]);
    world.ping_all();
    assert!(world.expired() > 0);
}

#[test]
fn tables_of_routers_are_shown_as_those_of_other_devices() {
    let world = started(network(""));
    let answer = world.ask("core.lyon", &Query::Forwarding);
    let Ok(Answer::Forwarding(forwarding)) = answer else {
        panic!("{answer:?}");
    };
    let routes: Vec<String> = forwarding.devices[0]
        .routes
        .iter()
        .map(|route| format!("{} {}", route.prefix, route.next_hops.join(" ")))
        .collect();
    let expected = [
        "10.1.0.0/24 local",
        "10.2.0.0/24 172.30.0.1",
        "172.30.0.0/31 local",
        "192.0.2.0/32 172.30.0.1",
    ];
    assert_eq!(routes, expected);
    let status = world.status(None);
    assert_eq!(status.totals.sessions_up, status.totals.sessions);
    assert_eq!(status.totals.sessions, 12);
}

#[test]
fn the_same_seed_gives_the_same_packets() {
    let run = || {
        let mut world = started(network("multipath: {paths: 2}"));
        fail(&mut world, "link:core.paris/net0");
        world.run_until(after(&world, Duration::from_secs(5)));
        world.ping_all();
        world.trace_hash()
    };
    assert_eq!(run(), run());
}
