//! Scenario 2, Figure 2: Route Server tells VMs the way and is on none itself.

use core::time::Duration;

use view::{Answer, Query};

use super::super::{after, fail, nobody_is_silent};
use super::{goes, running, ways};

const DESIGN: &str = include_str!("../../../../examples/02-route-server.yaml");

const NVAS: &str = "nva1.westeurope|nva2.westeurope";

/// The next hops of a prefix at the VM of the first spoke, as the platform shows them.
fn next_hops(world: &sim::World, prefix: &str) -> Vec<String> {
    let query = Query::EffectiveRoutes {
        device: "vm1.spoke1-westeurope".to_owned(),
        interface: "eth0".to_owned(),
    };
    let Ok(Answer::EffectiveRoutes(routes)) = world.ask(view::FABRIC, &query) else {
        panic!("the fabric knows the VM's routes");
    };
    let prefix = prefix.parse().expect("a prefix");
    let rows = routes.value.iter();
    let rows = rows.filter(|row| row.address_prefix.contains(&prefix) && row.state == "Active");
    rows.flat_map(|row| &row.next_hop_ip_address)
        .map(ToString::to_string)
        .collect()
}

#[test]
fn figure_2_the_next_hop_is_the_nva_and_packets_pass_no_route_server() {
    let mut world = running(DESIGN);
    nobody_is_silent(&mut world);
    assert_eq!(next_hops(&world, "10.200.1.0/24"), ["10.1.0.4", "10.1.0.5"]);
    let (there, back) = ways(&world, "vm1.spoke1-westeurope", "host1.paris");
    goes(
        &there,
        &format!("vm1.spoke1-westeurope > {NVAS} > cpe1.paris > host1.paris"),
    );
    goes(
        &back,
        &format!("host1.paris > cpe1.paris > {NVAS} > vm1.spoke1-westeurope"),
    );
}

#[test]
fn figure_2_packets_pass_while_one_instance_of_route_server_is_gone() {
    let mut world = running(DESIGN);
    world.start_traffic(Duration::from_millis(100));
    fail(&mut world, "rs0.westeurope");
    let until = after(&world, Duration::from_secs(200));
    world.run_until(until);
    let phases = world.stop_traffic();
    let lost: u64 = phases.iter().map(|phase| phase.lost).sum();
    assert_eq!(lost, 0);
    assert_eq!(next_hops(&world, "10.200.1.0/24"), ["10.1.0.4", "10.1.0.5"]);
}
