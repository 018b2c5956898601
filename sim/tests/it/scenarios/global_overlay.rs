//! Scenario 1, Figure 1: a global overlay over internet, MPLS, a dedicated circuit, and Microsoft's
//! backbone.

use super::super::{converge, fail, heal, nobody_is_silent};
use super::{goes, running, ways};

const DESIGN: &str = include_str!("../../../../examples/01-global-overlay.yaml");

const MSEES: &str = "msee0.ams|msee1.ams";
const GATEWAYS: &str = "ergw0.westeurope|ergw1.westeurope";

#[test]
fn figure_1_sites_far_apart_reach_each_other_by_the_hubs_closest_to_them() {
    let mut world = running(DESIGN);
    nobody_is_silent(&mut world);
    assert_eq!(world.reachability(4).lost, []);
    let (there, back) = ways(&world, "host1.newyork", "host1.singapore");
    goes(
        &there,
        "host1.newyork > cpe1.newyork > nva1.eastus > nva1.southeastasia > cpe1.singapore > host1.singapore",
    );
    goes(
        &back,
        "host1.singapore > cpe1.singapore > nva1.southeastasia > nva1.eastus > cpe1.newyork > host1.newyork",
    );
}

#[test]
fn azure_3_10_a_site_with_a_circuit_of_its_own_has_its_tunnels_over_it() {
    let world = running(DESIGN);
    let (there, back) = ways(&world, "host1.paris", "vm1.spoke1-westeurope");
    goes(
        &there,
        &format!(
            "host1.paris > cpe1.paris > edge.paris > {MSEES} > {GATEWAYS} > nva1.westeurope > vm1.spoke1-westeurope"
        ),
    );
    // Azure 3.7: towards on-premises packets go around the gateway.
    goes(
        &back,
        &format!(
            "vm1.spoke1-westeurope > nva1.westeurope > {MSEES} > edge.paris > cpe1.paris > host1.paris"
        ),
    );
}

#[test]
fn the_internet_takes_over_when_the_circuit_is_lost_and_gives_back() {
    let mut world = running(DESIGN);
    let before = world.forwarding();
    fail(&mut world, "circuit:ams");
    converge(&mut world);
    nobody_is_silent(&mut world);
    let (there, _) = ways(&world, "host1.paris", "vm1.spoke1-westeurope");
    goes(
        &there,
        "host1.paris > cpe1.paris > nva1.westeurope > vm1.spoke1-westeurope",
    );
    heal(&mut world, "circuit:ams");
    converge(&mut world);
    let differences = before.differences(&world.forwarding());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn one_link_of_the_circuit_is_enough() {
    let mut world = running(DESIGN);
    fail(&mut world, "msee0.ams");
    converge(&mut world);
    nobody_is_silent(&mut world);
    let (there, _) = ways(&world, "host1.paris", "vm1.spoke1-westeurope");
    goes(
        &there,
        &format!(
            "host1.paris > cpe1.paris > edge.paris > msee1.ams > {GATEWAYS} > nva1.westeurope > vm1.spoke1-westeurope"
        ),
    );
}
