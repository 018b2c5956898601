//! A circuit between a site and a VNet without Route Server: sessions, tables, failures.
//!
//! ```text
//!  host1.paris ─ core.paris ═╦═ msee0.ams ═╦═ ergw0.westeurope ─ vm1.hub
//!                            ╚═ msee1.ams ═╩═ ergw1.westeurope
//! ```

mod network;

use core::time::Duration;

use view::Query;

use super::routers::{devices, started, trace};
use super::{converge, fail, heal, nobody_is_silent};
use network::network;

#[test]
fn a_site_and_a_vnet_reach_each_other_through_the_gateway_and_back_around_it() {
    let mut world = started(network());
    nobody_is_silent(&mut world);
    let trace = trace(&world, "host1.paris", "vm1.hub", 1000);
    let there = devices(&trace.forward);
    assert_eq!(there[..2], ["host1.paris", "core.paris"]);
    assert!(
        there[2].starts_with("msee") && there[3].starts_with("ergw"),
        "{there:?}"
    );
    assert_eq!(there[4..], ["vm1.hub"]);
    let back = trace.reverse.expect("it arrives");
    let back = devices(&back);
    assert!(back[1].starts_with("msee"), "{back:?}");
    assert_eq!(
        [back[0], back[2], back[3]],
        ["vm1.hub", "core.paris", "host1.paris"]
    );
    assert_eq!(back.len(), 4);
}

#[test]
fn the_secondary_takes_over_when_a_link_of_the_circuit_fails_unseen() {
    let mut world = started(network());
    let before = world.forwarding();
    fail(&mut world, "link:core.paris/er0");
    world.run_until(world.now() + Duration::from_secs(2));
    assert_eq!(world.reachability(4).lost, []);
    converge(&mut world);
    heal(&mut world, "link:core.paris/er0");
    converge(&mut world);
    let differences = before.differences(&world.forwarding());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn one_msee_or_one_gateway_is_enough_and_a_circuit_is_not() {
    for target in [
        "msee0.ams",
        "msee1.ams",
        "ergw0.westeurope",
        "ergw1.westeurope",
    ] {
        let mut world = started(network());
        let before = world.forwarding();
        fail(&mut world, target);
        converge(&mut world);
        nobody_is_silent(&mut world);
        heal(&mut world, target);
        converge(&mut world);
        let differences = before.differences(&world.forwarding());
        assert!(differences.is_empty(), "{target}: {differences:#?}");
        nobody_is_silent(&mut world);
    }
    let mut world = started(network());
    fail(&mut world, "circuit:ams");
    converge(&mut world);
    assert_eq!(world.reachability(1).lost.len(), 2);
    heal(&mut world, "circuit:ams");
    converge(&mut world);
    nobody_is_silent(&mut world);
}

#[test]
fn gateways_and_msees_answer_as_in_the_lab() {
    let world = started(network());
    for device in ["ergw0.westeurope", "msee1.ams"] {
        let answer = world.ask(device, &Query::Sessions);
        assert!(
            matches!(answer, Ok(view::Answer::Sessions(_))),
            "{answer:?}"
        );
    }
    let status = world.status(None);
    assert_eq!(status.totals.running, status.totals.devices);
    assert_eq!(status.totals.sessions_up, status.totals.sessions);
    let mut names: Vec<String> = world
        .forwarding()
        .devices
        .into_iter()
        .map(|device| device.device)
        .collect();
    names.retain(|name| !name.contains('/'));
    assert!(names.iter().any(|name| name == "core.paris"), "{names:?}");
}
