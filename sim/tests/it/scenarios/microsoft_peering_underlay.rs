//! The Microsoft peering of a circuit as an underlay, with the internet behind it.

use super::super::{converge, fail, heal, nobody_is_silent};
use super::{goes, running, ways};

const DESIGN: &str = include_str!("../../../../examples/09-microsoft-peering-underlay.yaml");
const VM: &str = "vm1.spoke1-westeurope";

/// Whether packets between the site on the circuit and the VM pass the circuit, there and back.
#[track_caller]
fn by_circuit(world: &sim::World) {
    let (there, back) = ways(world, "host1.paris", VM);
    let nva = "nva1.westeurope|nva2.westeurope";
    let msee = "msee0.ams|msee1.ams";
    goes(
        &there,
        &format!("host1.paris > cpe1.paris > dmz.paris > {msee} > {nva} > {VM}"),
    );
    goes(
        &back,
        &format!("{VM} > {nva} > {msee} > dmz.paris > cpe1.paris > host1.paris"),
    );
}

#[track_caller]
fn by_internet(world: &sim::World) {
    let (there, back) = ways(world, "host1.paris", VM);
    let nva = "nva1.westeurope|nva2.westeurope";
    goes(&there, &format!("host1.paris > cpe1.paris > {nva} > {VM}"));
    goes(&back, &format!("{VM} > {nva} > cpe1.paris > host1.paris"));
}

#[test]
fn tunnels_run_over_the_circuit_to_public_addresses() {
    let mut world = running(DESIGN);
    by_circuit(&world);
    nobody_is_silent(&mut world);
}

#[test]
fn the_router_of_the_underlay_knows_public_addresses_and_nothing_of_the_company() {
    let world = running(DESIGN);
    let forwarding = world.forwarding();
    let router = forwarding
        .devices
        .iter()
        .find(|device| device.device == "dmz.paris");
    let routes = &router.expect("it forwards").routes;
    let company: inet::Prefix = "10.0.0.0/8".parse().expect("a prefix");
    assert!(routes.iter().all(|route| !company.covers(route.prefix)));
    let nva: inet::Prefix = "203.0.113.1/32".parse().expect("a prefix");
    let found = routes.iter().find(|route| route.prefix == nva);
    assert_eq!(found.expect("announced by Microsoft").next_hops.len(), 2);
}

#[test]
fn one_link_is_enough_and_without_the_circuit_the_internet_takes_over() {
    let mut world = running(DESIGN);
    let before = world.forwarding();
    fail(&mut world, "link:dmz.paris/ms0");
    converge(&mut world);
    by_circuit(&world);
    nobody_is_silent(&mut world);
    heal(&mut world, "link:dmz.paris/ms0");
    converge(&mut world);
    fail(&mut world, "circuit:ams");
    converge(&mut world);
    by_internet(&world);
    nobody_is_silent(&mut world);
    heal(&mut world, "circuit:ams");
    converge(&mut world);
    by_circuit(&world);
    let differences = before.differences(&world.forwarding());
    assert!(differences.is_empty(), "{differences:#?}");
}
