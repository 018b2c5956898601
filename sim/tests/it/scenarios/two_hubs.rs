//! Scenario 14: two hub-and-spoke networks in one region, for what one Route Server does not hold.

use super::super::{converge, fail, nobody_is_silent};
use super::{goes, running, ways};

const DESIGN: &str = include_str!("../../../../examples/14-two-hubs-in-a-region.yaml");

const FIRST: &str = "nva1.westeurope|nva2.westeurope";
const SECOND: &str = "nva1.westeurope-2|nva2.westeurope-2";

#[test]
fn spokes_of_two_networks_in_a_region_reach_each_other_through_both_hubs() {
    let mut world = running(DESIGN);
    nobody_is_silent(&mut world);
    let (there, back) = ways(&world, "vm1.spoke1-westeurope", "vm1.spoke1-westeurope-2");
    goes(
        &there,
        &format!("vm1.spoke1-westeurope > {FIRST} > {SECOND} > vm1.spoke1-westeurope-2"),
    );
    goes(
        &back,
        &format!("vm1.spoke1-westeurope-2 > {SECOND} > {FIRST} > vm1.spoke1-westeurope"),
    );
}

#[test]
fn a_site_is_reached_through_its_own_hub_and_through_the_other_when_that_is_gone() {
    let mut world = running(DESIGN);
    let (there, _) = ways(&world, "vm1.spoke1-westeurope", "host1.berlin");
    goes(
        &there,
        &format!("vm1.spoke1-westeurope > {FIRST} > {SECOND} > cpe1.berlin > host1.berlin"),
    );
    fail(&mut world, "nva1.westeurope-2");
    fail(&mut world, "nva2.westeurope-2");
    converge(&mut world);
    let (there, back) = ways(&world, "vm1.spoke1-westeurope", "host1.berlin");
    goes(
        &there,
        &format!("vm1.spoke1-westeurope > {FIRST} > cpe1.berlin > host1.berlin"),
    );
    goes(
        &back,
        &format!("host1.berlin > cpe1.berlin > {FIRST} > vm1.spoke1-westeurope"),
    );
}
