//! Single failures: the network converges again, everybody reaches everybody, and a repair
//! brings back exactly what was.

use super::{converge, converged, fail, heal, nobody_is_silent};

/// What a failure must leave intact: everything, since each has something that takes over.
fn survives(target: &str) {
    let mut world = converged();
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

#[test]
fn an_nva_crash_leaves_nobody_silent() {
    survives("nva1.westeurope");
}

#[test]
fn the_second_cpe_takes_over_the_gateway_address() {
    survives("cpe1.newyork");
}

#[test]
fn the_internet_takes_over_from_mpls() {
    survives("underlay:london/mpls");
}

#[test]
fn mpls_takes_over_from_the_internet() {
    survives("underlay:london/internet");
}

#[test]
fn one_route_server_instance_is_enough() {
    survives("rs0.westeurope");
    survives("rs1.eastus");
}

#[test]
fn azure_1_1_maintenance_of_one_route_server_instance_disturbs_nobody() {
    survives("maintenance:rs0.westeurope");
    survives("maintenance:rs1.eastus");
}

#[test]
fn a_cut_tunnel_is_avoided() {
    survives("path:nva1.westeurope>cpe1.paris");
}

#[test]
fn a_site_cut_off_is_silent_and_comes_back() {
    let mut world = converged();
    let before = world.forwarding();
    fail(&mut world, "underlay:paris/internet");
    converge(&mut world);
    let failures = world.ping_all().verification().failures;
    let about_paris = |line: &String| line.contains("host1.paris");
    assert!(
        !failures.is_empty() && failures.iter().all(about_paris),
        "{failures:?}"
    );
    heal(&mut world, "underlay:paris/internet");
    converge(&mut world);
    let differences = before.differences(&world.forwarding());
    assert!(differences.is_empty(), "{differences:#?}");
    nobody_is_silent(&mut world);
}

#[test]
fn a_lost_region_takes_its_own_with_it_and_nobody_else() {
    let mut world = converged();
    fail(&mut world, "region:westeurope");
    converge(&mut world);
    let failures = world.ping_all().verification().failures;
    let inside = |line: &String| line.contains("-westeurope");
    assert!(failures.iter().all(inside), "{failures:?}");
    heal(&mut world, "region:westeurope");
    converge(&mut world);
    nobody_is_silent(&mut world);
}
