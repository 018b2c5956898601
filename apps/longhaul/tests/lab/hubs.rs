//! Scenarios 2 and 14 with real packets: Route Server is on no way, and two hub-and-spoke networks in
//! a region reach each other.

use crate::raised::Raised;

/// A flow of which the way is asked.
const FLOW: &str = "tcp:51000:443";

/// Whether a way leads through one of each of these.
#[track_caller]
fn leads(way: &[String], stations: &[&[&str]]) {
    let fits = |(device, one_of): (&String, &&[&str])| one_of.contains(&device.as_str());
    let right = way.len() == stations.len() && way.iter().zip(stations).all(fits);
    assert!(right, "{}", way.join(" > "));
}

#[test]
fn figure_2_route_server_tells_the_way_and_sends_no_packet_on_it() {
    let (vm, host) = ("vm1.spoke1-westeurope", "host1.paris");
    let nvas: &[&str] = &["nva1.westeurope", "nva2.westeurope"];
    let lab = Raised::example("figure2", "02-route-server.yaml");
    let there: [&[&str]; 4] = [&[vm], nvas, &["cpe1.paris"], &[host]];
    leads(&lab.way(vm, host, FLOW), &there);
    assert!(lab.sent_by(("cpe1.paris", "lan0"), vm, host, 200) >= 200);
    // Keepalives of BGP and whatever else an instance has to say.
    for instance in ["rs0.westeurope", "rs1.westeurope"] {
        let sent = lab.sent_by((instance, "eth0"), vm, host, 200);
        assert!(sent < 100, "{instance} sent {sent} packets");
    }
    lab.fail("rs0.westeurope");
    assert!(lab.reaches(vm, host));
    leads(&lab.way(vm, host, FLOW), &there);
}

#[test]
fn spokes_of_two_networks_in_a_region_reach_each_other_through_both_hubs() {
    let (here, beyond) = ("vm1.spoke1-westeurope", "vm1.spoke1-westeurope-2");
    let first: &[&str] = &["nva1.westeurope", "nva2.westeurope"];
    let second: &[&str] = &["nva1.westeurope-2", "nva2.westeurope-2"];
    let lab = Raised::example("twohubs", "14-two-hubs-in-a-region.yaml");
    leads(
        &lab.way(here, beyond, FLOW),
        &[&[here], first, second, &[beyond]],
    );
    leads(
        &lab.way(beyond, here, FLOW),
        &[&[beyond], second, first, &[here]],
    );
    assert!(lab.reaches(here, beyond) && lab.reaches(beyond, here));
    // A hub that loses one of its two ways into the other network takes the other way.
    let tunnel = "path:nva1.westeurope>nva1.westeurope-2";
    lab.fail(tunnel);
    lab.expect(Some(tunnel));
    leads(
        &lab.way(here, beyond, FLOW),
        &[&[here], first, second, &[beyond]],
    );
    assert!(lab.reaches(here, beyond) && lab.reaches(beyond, here));
}
