//! Who reaches whom by the tables alone, held to packets and to traces.

use sim::{End, Options, World};
use tunnel::Suite;
use view::FlowSpec;

use super::{converge, converged, fail, plan_of};

#[test]
fn what_the_tables_say_is_what_packets_find() {
    let mut world = converged();
    assert!(world.reachability(4).is_complete());
    fail(&mut world, "underlay:paris/internet");
    converge(&mut world);
    let said = world.reachability(1);
    let mut by_tables: Vec<String> = said
        .lost
        .iter()
        .map(|lost| format!("{} > {}: no reply", lost.source, lost.destination))
        .collect();
    by_tables.sort();
    let mut by_packets = world.ping_all().verification().failures;
    by_packets.sort();
    // A reply that is lost loses the echo of its request.
    by_packets.retain(|line| by_tables.contains(line));
    assert_eq!(by_tables, by_packets);
    assert!(!by_tables.is_empty());
}

#[test]
fn what_the_tables_say_is_what_the_trace_says() {
    let mut world = converged();
    fail(&mut world, "nva1.westeurope");
    fail(&mut world, "underlay:london/internet");
    let said = world.reachability(1);
    for lost in &said.lost {
        let trace = world.trace(&lost.source, &lost.destination, FlowSpec::default());
        let Ok(trace) = trace else {
            continue;
        };
        let leg = trace.forward;
        assert!(!leg.delivered, "{lost}");
        match &lost.end {
            End::Loop(devices) => assert_eq!(*devices, leg.cycle, "{lost}"),
            End::Dropped { device, .. } => {
                let last = leg.hops.last().map(|hop| hop.device.as_str());
                assert_eq!(last, Some(device.as_str()), "{lost}");
            }
        }
    }
    assert!(!said.is_complete());
}

#[test]
fn fifty_sites_are_looked_through_at_once() {
    let plan = plan_of(&design::generate(2, 50, 1));
    let options = Options {
        suite: Suite::Null,
        seed: 1,
    };
    let mut world = World::new(plan, options).unwrap_or_else(|error| panic!("{error}"));
    converge(&mut world);
    let said = world.reachability(1);
    assert!(said.pairs >= 50 * 49, "{}", said.pairs);
    assert_eq!(said.lost, []);
}
