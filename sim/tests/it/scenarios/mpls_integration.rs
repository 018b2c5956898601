//! Figure 10: sites with MPLS and internet, and application classes that choose between them.

use core::time::Duration;

use sim::World;
use view::FlowSpec;

use super::super::{after, fail, heal, nobody_is_silent};
use super::running;

const DESIGN: &str = include_str!("../../../../examples/11-mpls-integration.yaml");
const VM: &str = "vm1.spoke1-westeurope";

/// Expedited forwarding: class `voice`.
const VOICE: &str = "udp:5000:16384@46";
/// rsync: class `bulk`.
const BULK: &str = "tcp:40000:873";
/// Of no class.
const OTHER: &str = "tcp:40000:443";

fn wait(world: &mut World, seconds: u64) {
    let until = after(world, Duration::from_secs(seconds));
    world.run_until(until);
}

/// The clouds that a flow crosses, there and back.
fn underlays(world: &World, source: &str, destination: &str, flow: &str) -> Vec<String> {
    let flow: FlowSpec = flow.parse().expect("a flow");
    let trace = world.trace(source, destination, flow).expect("an answer");
    let reverse = trace.reverse.expect("it is delivered");
    let hops = trace.forward.hops.into_iter().chain(reverse.hops);
    let clouds = ["mpls", "internet"];
    let crossed = hops.filter_map(|hop| hop.underlay);
    crossed
        .filter(|name| clouds.contains(&name.as_str()))
        .collect()
}

#[test]
fn voice_takes_mpls_and_bulk_the_internet_there_and_back() {
    let mut world = running(DESIGN);
    for (flow, underlay) in [(VOICE, "mpls"), (BULK, "internet"), (OTHER, "mpls")] {
        assert_eq!(
            underlays(&world, "host1.paris", VM, flow),
            [underlay; 2],
            "{flow}"
        );
        assert_eq!(
            underlays(&world, VM, "host1.london", flow),
            [underlay; 2],
            "{flow}"
        );
        let between_sites = underlays(&world, "host1.paris", "host1.london", flow);
        assert_eq!(between_sites, [underlay; 4], "{flow}");
        assert_eq!(
            underlays(&world, "host1.lisbon", VM, flow),
            ["internet"; 2],
            "{flow}"
        );
    }
    nobody_is_silent(&mut world);
}

#[test]
fn a_brown_out_moves_voice_alone_and_only_at_the_site_that_has_it() {
    let mut world = running(DESIGN);
    fail(&mut world, "brownout:paris/mpls");
    wait(&mut world, 10);
    assert_eq!(underlays(&world, "host1.paris", VM, VOICE), ["internet"; 2]);
    assert_eq!(
        underlays(&world, "host1.paris", VM, OTHER),
        ["mpls"; 2],
        "it still works"
    );
    assert_eq!(underlays(&world, "host1.london", VM, VOICE), ["mpls"; 2]);
    let mixed = underlays(&world, "host1.paris", "host1.london", VOICE);
    assert_eq!(mixed, ["internet", "mpls", "mpls", "internet"]);
    heal(&mut world, "brownout:paris/mpls");
    wait(&mut world, 10);
    let early = underlays(&world, "host1.paris", VM, VOICE);
    assert_eq!(
        early, ["internet"; 2],
        "not before MPLS has been good for a while"
    );
    wait(&mut world, 70);
    assert_eq!(underlays(&world, "host1.paris", VM, VOICE), ["mpls"; 2]);
}

#[test]
fn a_black_out_moves_everything_within_a_second_and_a_half() {
    let mut world = running(DESIGN);
    fail(&mut world, "underlay:paris/mpls");
    let until = after(&world, Duration::from_millis(1_500));
    world.run_until(until);
    for flow in [VOICE, BULK, OTHER] {
        assert_eq!(
            underlays(&world, "host1.paris", VM, flow),
            ["internet"; 2],
            "{flow}"
        );
    }
    nobody_is_silent(&mut world);
    heal(&mut world, "underlay:paris/mpls");
    wait(&mut world, 5);
    assert_eq!(underlays(&world, "host1.paris", VM, OTHER), ["mpls"; 2]);
    assert_eq!(underlays(&world, "host1.paris", VM, VOICE), ["internet"; 2]);
    wait(&mut world, 65);
    assert_eq!(underlays(&world, "host1.paris", VM, VOICE), ["mpls"; 2]);
}

#[test]
fn mpls_that_flaps_is_left_once() {
    let mut world = running(DESIGN);
    for _ in 0..6 {
        fail(&mut world, "underlay:paris/mpls");
        wait(&mut world, 4);
        assert_eq!(underlays(&world, "host1.paris", VM, VOICE), ["internet"; 2]);
        heal(&mut world, "underlay:paris/mpls");
        wait(&mut world, 6);
        assert_eq!(underlays(&world, "host1.paris", VM, VOICE), ["internet"; 2]);
    }
}
