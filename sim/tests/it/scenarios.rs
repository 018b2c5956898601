//! The scenarios of the reference, in its order: each design of `examples/` with the paths that its packets take.

mod accidental_loops;
mod coexistence;
mod global_overlay;
mod microsoft_peering_underlay;
mod mpls_decommissioning;
mod mpls_integration;
mod nvas;
mod private_peering_underlay;
mod route_server;
mod routing_preference;
mod steering;
mod two_hubs;

use sim::{Options, World};
use tunnel::Suite;
use view::{FlowSpec, Leg};

use super::{converge, plan_of};

/// A design, converged.
fn running(text: &str) -> World {
    let options = Options {
        suite: Suite::Null,
        seed: 1,
    };
    let mut world = World::new(plan_of(text), options).unwrap_or_else(|error| panic!("{error}"));
    converge(&mut world);
    world
}

/// The devices of a flow's way there, and of its replies' way back.
fn ways(world: &World, source: &str, destination: &str) -> (Vec<String>, Vec<String>) {
    let trace = world.trace(source, destination, FlowSpec::default());
    let trace = trace.unwrap_or_else(|error| panic!("{error}"));
    let way = |leg: &Leg| leg.hops.iter().map(|hop| hop.device.clone()).collect();
    (
        way(&trace.forward),
        trace.reverse.as_ref().map_or_else(Vec::new, way),
    )
}

/// Whether a way is as the words say, each a device or several with `|`.
#[track_caller]
fn goes(way: &[String], words: &str) {
    let words: Vec<&str> = words.split(" > ").collect();
    let fits = |(device, word): (&String, &&str)| word.split('|').any(|one| device == one);
    let right = way.len() == words.len() && way.iter().zip(&words).all(fits);
    assert!(right, "{} is not {}", way.join(" > "), words.join(" > "));
}
