//! Figure 8: private peering of a circuit carries the tunnels of a site, and nothing else.

use sim::World;
use view::{Answer, FlowSpec, Leg, Query, Trace};

use super::super::{converge, fail, heal, nobody_is_silent};
use super::running;

const DESIGN: &str = include_str!("../../../../examples/08-private-peering-underlay.yaml");

const SPOKE: &str = "10.1.16.0/20";
const VM: &str = "vm1.spoke1-westeurope";
const HOST: &str = "host1.paris";

/// The same with a router that takes everything that Azure announces.
fn unfiltered() -> String {
    let takes_all = "core: {asn: 65050, circuits: {ams: {import: accept}}}";
    replaced("core: {asn: 65050}", takes_all)
}

fn replaced(from: &str, to: &str) -> String {
    assert!(DESIGN.contains(from), "{from}");
    DESIGN.replace(from, to)
}

fn between_paris_and_the_vm(world: &World) -> Trace {
    let trace = world.trace(HOST, VM, FlowSpec::default());
    let trace = trace.unwrap_or_else(|error| panic!("{error}"));
    assert!(trace.forward.delivered, "{:?}", trace.forward);
    trace
}

fn passes(leg: &Leg, device: &str) -> bool {
    leg.hops.iter().any(|hop| hop.device.starts_with(device))
}

fn in_a_tunnel(leg: &Leg) -> bool {
    leg.hops
        .iter()
        .any(|hop| hop.action.starts_with("tunnel to"))
}

/// Whether a device uses a route to a prefix.
fn knows(world: &World, device: &str, prefix: &str) -> bool {
    let wanted = prefix.parse().expect("a prefix");
    let query = Query::Routes {
        prefix: Some(wanted),
    };
    let answer = world.ask(device, &query);
    match answer {
        Ok(Answer::Routes(routes)) => routes.routes.iter().any(|route| route.used),
        other => panic!("{device}: {other:?}"),
    }
}

#[test]
fn azure_3_10_with_the_filter_only_tunnels_take_the_circuit() {
    let mut world = running(DESIGN);
    nobody_is_silent(&mut world);
    assert!(
        knows(&world, "msee0.ams", SPOKE),
        "Azure announces the spoke"
    );
    assert!(!knows(&world, "core.paris", SPOKE), "the router filters it");
    let trace = between_paris_and_the_vm(&world);
    let back = trace.reverse.expect("it arrives");
    for leg in [&trace.forward, &back] {
        assert!(in_a_tunnel(leg) && passes(leg, "nva"), "{leg:?}");
        assert!(passes(leg, "msee"), "over the circuit: {leg:?}");
    }
}

#[test]
fn azure_3_10_without_the_filter_traffic_goes_around_the_tunnel() {
    let world = running(&unfiltered());
    assert!(knows(&world, "core.paris", SPOKE));
    let trace = between_paris_and_the_vm(&world);
    assert!(!in_a_tunnel(&trace.forward), "{:?}", trace.forward);
    assert!(!passes(&trace.forward, "nva"), "{:?}", trace.forward);
    assert!(passes(&trace.forward, "ergw"), "{:?}", trace.forward);
    let back = trace.reverse.expect("it arrives");
    assert!(
        in_a_tunnel(&back),
        "and replies come by the tunnel: {back:?}"
    );
    assert!(!trace.other_nvas.is_empty(), "asymmetric");
}

#[test]
fn azure_3_10_branch_to_branch_is_off_so_that_no_site_leaks_to_the_circuit() {
    let world = running(DESIGN);
    assert!(!knows(&world, "msee0.ams", "10.200.2.0/24"));
    let leaky = replaced("branch_to_branch: false", "branch_to_branch: true");
    let world = running(&leaky);
    assert!(knows(&world, "msee0.ams", "10.200.2.0/24"), "Berlin's LAN");
}

#[test]
fn azure_3_10_one_link_of_the_circuit_is_enough_and_comes_back() {
    let mut world = running(DESIGN);
    let before = world.forwarding();
    for target in ["link:core.paris/er0", "msee1.ams"] {
        fail(&mut world, target);
        converge(&mut world);
        nobody_is_silent(&mut world);
        heal(&mut world, target);
        converge(&mut world);
        let differences = before.differences(&world.forwarding());
        assert!(differences.is_empty(), "{target}: {differences:#?}");
    }
}
