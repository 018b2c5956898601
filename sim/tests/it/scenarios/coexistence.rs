//! Scenario 7, Figures 6 and 7: sites with tunnels and sites on MPLS and ExpressRoute reach each other.

use sim::World;

use super::super::{converge, fail, heal, nobody_is_silent};
use super::{goes, running, ways};

const DESIGN: &str = include_str!("../../../../examples/07-coexistence.yaml");

const NVAS: &str = "nva1.westeurope|nva2.westeurope";
const AMS: &str = "msee0.ams|msee1.ams";
const LON: &str = "msee0.lon|msee1.lon";
const GATEWAYS: &str = "ergw0.westeurope|ergw1.westeurope";

/// Where flows between Berlin and Lyon go, both ways.
#[track_caller]
fn berlin_and_lyon_go(world: &World, there: &str, back: &str) {
    let (forward, reverse) = ways(world, "host1.berlin", "host1.lyon");
    goes(&forward, there);
    goes(&reverse, back);
}

#[test]
fn figure_7_a_site_with_tunnels_and_one_on_mpls_reach_each_other_hop_by_hop() {
    let mut world = running(DESIGN);
    nobody_is_silent(&mut world);
    assert_eq!(world.reachability(8).lost, []);
    berlin_and_lyon_go(
        &world,
        &format!(
            "host1.berlin > cpe1.berlin > {NVAS} > {AMS} > pe-ams.mpls > core.lyon > host1.lyon"
        ),
        &format!(
            "host1.lyon > core.lyon > pe-ams.mpls > {AMS} > {GATEWAYS} > {NVAS} > cpe1.berlin > host1.berlin"
        ),
    );
}

#[test]
fn figure_6_sites_on_mpls_reach_each_other_and_the_spokes_without_the_overlay() {
    let world = running(DESIGN);
    let (forward, reverse) = ways(&world, "host1.lyon", "host1.manchester");
    goes(
        &forward,
        "host1.lyon > core.lyon > pe-ams.mpls > pe-lon.mpls > core.manchester > host1.manchester",
    );
    goes(
        &reverse,
        "host1.manchester > core.manchester > pe-lon.mpls > pe-ams.mpls > core.lyon > host1.lyon",
    );
    // Both circuits tell of both sites with paths of one length: the platform takes either.
    let (forward, reverse) = ways(&world, "vm1.spoke1-westeurope", "host1.lyon");
    goes(
        &forward,
        &format!("vm1.spoke1-westeurope > {AMS} > pe-ams.mpls > core.lyon > host1.lyon"),
    );
    goes(
        &reverse,
        &format!(
            "host1.lyon > core.lyon > pe-ams.mpls > {AMS} > {GATEWAYS} > vm1.spoke1-westeurope"
        ),
    );
}

/// What a failure must leave intact, and bring back.
fn survives(target: &str) {
    let mut world = running(DESIGN);
    let before = world.forwarding();
    fail(&mut world, target);
    converge(&mut world);
    assert_eq!(world.reachability(8).lost, [], "{target}");
    nobody_is_silent(&mut world);
    heal(&mut world, target);
    converge(&mut world);
    let differences = before.differences(&world.forwarding());
    assert!(differences.is_empty(), "{target}: {differences:#?}");
}

#[test]
fn the_other_circuit_takes_over_through_the_provider() {
    let mut world = running(DESIGN);
    fail(&mut world, "circuit:ams");
    converge(&mut world);
    nobody_is_silent(&mut world);
    berlin_and_lyon_go(
        &world,
        &format!(
            "host1.berlin > cpe1.berlin > {NVAS} > {LON} > pe-lon.mpls > pe-ams.mpls > core.lyon > host1.lyon"
        ),
        &format!(
            "host1.lyon > core.lyon > pe-ams.mpls > pe-lon.mpls > {LON} > {GATEWAYS} > {NVAS} > cpe1.berlin > host1.berlin"
        ),
    );
    survives("circuit:lon");
}

#[test]
fn one_of_each_pair_is_enough() {
    for target in [
        "msee0.ams",
        "ergw1.westeurope",
        "nva1.westeurope",
        "rs0.westeurope",
        "link:pe-ams.mpls/er0",
    ] {
        survives(target);
    }
}
