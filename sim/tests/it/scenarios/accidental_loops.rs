//! Scenario 13: what people build by accident. `check` finds each of them; here is what its packets do.

use core::time::Duration;

use azure::fabric::DropReason;
use sim::{End, Options, World};
use tunnel::Suite;
use view::{Answer, FABRIC, Flow, Passage, Query};

use super::super::{after, converge, fail, plan_of};
use super::running;

const CIRCUIT: &str =
    include_str!("../../../../examples/13-accidents/two-regions-on-a-circuit.yaml");
const DEFAULT: &str =
    include_str!("../../../../examples/13-accidents/default-into-own-subnet.yaml");
const PLAIN: &str = include_str!("../../../../examples/13-accidents/hub-to-hub-plain.yaml");
const INSTANCE: &str =
    include_str!("../../../../examples/13-accidents/one-route-server-instance.yaml");
const GATEWAY: &str =
    include_str!("../../../../examples/13-accidents/route-over-route-server-subnet.yaml");

/// A design that need not converge, after a minute.
fn built(text: &str) -> World {
    let options = Options {
        suite: Suite::Null,
        seed: 1,
    };
    let mut world = World::new(plan_of(text), options).unwrap_or_else(|error| panic!("{error}"));
    world.run_until(after(&world, Duration::from_mins(1)));
    world
}

/// How many packets the fabric dropped for a reason.
fn dropped(world: &World, reason: DropReason) -> u64 {
    let mut drops = world.drops();
    drops
        .find(|(why, _)| *why == reason)
        .map_or(0, |(_, count)| count)
}

#[test]
fn check_finds_each_of_them_before_and_not_what_cures_it() {
    let found = |text: &str, rule: &str| {
        let (design, reports) = design::read("accident.yaml", text, &design::NoFiles);
        let design = design.unwrap_or_else(|| panic!("{reports:?}"));
        let reports = design::check(&design);
        reports.iter().any(|report| report.rule == rule)
    };
    let guarded = CIRCUIT.replace("guards_origin: false", "guards_origin: true");
    let accidents = [
        (CIRCUIT, guarded, "circuit-loop"),
        (DEFAULT, default_cured(), "default-route-loop"),
        (PLAIN, PLAIN.replace("plain", "tunnel"), "hub-to-hub-plain"),
        (
            INSTANCE,
            INSTANCE.replace("[0]", "[0, 1]"),
            "one-route-server-instance",
        ),
        (GATEWAY, gateway_cured(), "gateway-subnet-route"),
    ];
    for (accident, cured, rule) in accidents {
        assert!(found(accident, rule), "{rule} is not found");
        assert!(!found(&cured, rule), "{rule} is found in what cures it");
    }
}

/// The NVA subnet keeps its own default route.
fn default_cured() -> String {
    DEFAULT.replace(
        "hub: {address_space: 10.1.0.0/20}",
        "hub: {address_space: 10.1.0.0/20, subnets: {nva: {route_table: out}}}\n    route_tables: {out: {routes: [{prefix: 0.0.0.0/0, next_hop: Internet}]}}",
    )
}

/// GatewaySubnet has no route table.
fn gateway_cured() -> String {
    GATEWAY.replace("subnets: {GatewaySubnet: {route_table: inspect}}", "")
}

#[test]
fn what_came_over_a_circuit_goes_to_the_other_region_on_it_when_origins_are_not_guarded() {
    // Whether Route Server of northeurope hears of Paris from its NVA while its gateway is away.
    let told = |text: &str| {
        let mut world = running(text);
        assert_eq!(world.reachability(4).lost, []);
        fail(&mut world, "ergw0.northeurope");
        fail(&mut world, "ergw1.northeurope");
        converge(&mut world);
        let prefix = "10.200.1.0/24".parse().expect("a prefix");
        let query = Query::Routes {
            prefix: Some(prefix),
        };
        match world.ask("rs0.northeurope", &query) {
            Ok(Answer::Routes(routes)) => !routes.routes.is_empty(),
            answer => panic!("{answer:?}"),
        }
    };
    assert!(told(CIRCUIT));
    let guarded = CIRCUIT.replace("guards_origin: false", "guards_origin: true");
    assert!(!told(&guarded));
}

#[test]
fn a_default_route_into_the_own_subnet_takes_the_tunnels_in_a_circle() {
    let world = built(DEFAULT);
    assert!(world.expired() > 0);
    assert_eq!(world.status(None).totals.tunnels_up, 0);
    // A handshake of an NVA to the CPE comes to an NVA.
    let nva = &world.plan().nodes[0];
    let flow = Flow {
        source: nva.interfaces[0].address,
        source_port: 51_820,
        destination: [11, 0, 0, 1].into(),
        destination_port: 51_820,
        ..Flow::from(inet::FiveTuple {
            source: [0; 4].into(),
            destination: [0; 4].into(),
            protocol: inet::packet::UDP,
            source_port: 0,
            destination_port: 0,
        })
    };
    let query = Query::Passage {
        device: nva.name.clone(),
        interface: "eth0".to_owned(),
        flow,
    };
    let answer = world.ask(FABRIC, &query);
    let Ok(Answer::Passage(Passage::Delivered { device, .. })) = answer else {
        panic!("{answer:?}");
    };
    assert!(device.starts_with("nva"), "{device}");
}

#[test]
fn a_default_route_that_the_own_subnet_does_not_take_leaves_the_tunnels_alone() {
    let world = running(&default_cured());
    assert_eq!(world.reachability(4).lost, []);
    assert_eq!(world.expired(), 0);
}

#[test]
fn azure_1_14_nvas_without_tunnels_between_regions_send_packets_to_themselves() {
    let mut world = built(PLAIN);
    let said = world.reachability(1);
    let circles: Vec<&End> = said.loops().map(|lost| &lost.end).collect();
    assert!(!circles.is_empty());
    for name in ["nva1.westeurope", "nva1.northeurope"] {
        assert!(
            circles.contains(&&End::Loop(vec![name.to_owned()])),
            "{circles:?}"
        );
    }
    world.ping_all();
    assert!(world.expired() > 0);
    let cured = running(&PLAIN.replace("plain", "tunnel"));
    assert_eq!(cured.reachability(4).lost, []);
}

#[test]
fn half_of_the_vms_reach_no_site_when_nvas_peer_with_one_instance() {
    let world = running(INSTANCE);
    let said = world.reachability(1);
    let no_route: Vec<&str> = said
        .dropped()
        .filter(|lost| {
            matches!(&lost.end, End::Dropped { device, reason } if *device == lost.source && reason == "route-none")
        })
        .map(|lost| lost.source.as_str())
        .collect();
    assert_eq!(no_route, ["vm1.spoke1-westeurope", "vm3.spoke1-westeurope"]);
    let both = running(&INSTANCE.replace("[0]", "[0, 1]"));
    assert_eq!(both.reachability(8).lost, []);
}

#[test]
fn a_user_route_over_route_server_subnet_ends_the_gateways_sessions() {
    let world = built(GATEWAY);
    let answer = world.ask("ergw0.westeurope", &Query::Sessions);
    let Ok(Answer::Sessions(sessions)) = answer else {
        panic!("{answer:?}");
    };
    for session in &sessions.sessions {
        let expected = if session.neighbor.starts_with("rs") {
            "down"
        } else {
            "up"
        };
        let state = if session.state == "established" {
            "up"
        } else {
            "down"
        };
        assert_eq!(state, expected, "{}", session.neighbor);
    }
    let expired = dropped(&world, DropReason::TtlExpired) + world.expired();
    assert!(expired > 0);
    let said = world.reachability(1);
    let between = |a: &str, b: &str| {
        let mut lost = said.lost.iter();
        lost.any(|lost| lost.source == a && lost.destination == b)
    };
    assert!(between("host1.paris", "host1.berlin") && between("host1.berlin", "host1.paris"));
    let cured = running(&gateway_cured());
    assert_eq!(cured.reachability(4).lost, []);
}
