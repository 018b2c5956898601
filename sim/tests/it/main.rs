//! Whole networks in virtual time, through the public API only.

mod breakout;
mod budget;
mod carrier;
mod cold_start;
mod express_route;
mod failures;
mod loss;
mod nat;
mod ordeal;
mod protection;
mod random_designs;
mod reach;
mod routers;
mod scale;
mod scenarios;
mod shortcuts;

use core::time::Duration;

use design::NoFiles;
use design::plan::Plan;
use inet::Instant;
use sim::{Convergence, Options, World};
use tunnel::Suite;
use view::Target;

/// Quiet time that convergence takes in these tests.
const SETTLE: Duration = Duration::from_secs(2);
/// Longer than the platform's hold time.
const PATIENCE: Duration = Duration::from_secs(400);

fn plan_of(text: &str) -> Plan {
    let (design, reports) = design::read("test.yaml", text, &NoFiles);
    let design = design.unwrap_or_else(|| panic!("{reports:?}"));
    design::resolve(&design, &sim::public_key).unwrap_or_else(|reports| panic!("{reports:?}"))
}

/// The example design, started.
fn example(suite: Suite, seed: u64) -> World {
    let plan = plan_of(design::EXAMPLE_GLOBAL);
    World::new(plan, Options { suite, seed }).unwrap_or_else(|error| panic!("{error}"))
}

/// The example design, converged.
fn converged() -> World {
    let mut world = example(Suite::Null, 1);
    converge(&mut world);
    world
}

fn converge(world: &mut World) -> Convergence {
    let limit = world.now() + PATIENCE;
    let outcome = world.run_until_converged(SETTLE, limit);
    outcome.unwrap_or_else(|error| panic!("{error}"))
}

fn target(world: &World, text: &str) -> Target {
    Target::parse(text, world.plan()).unwrap_or_else(|error| panic!("{error}"))
}

fn fail(world: &mut World, text: &str) {
    let target = target(world, text);
    world
        .fail(&target)
        .unwrap_or_else(|error| panic!("{error}"));
}

fn heal(world: &mut World, text: &str) {
    let target = target(world, text);
    world
        .heal(&target)
        .unwrap_or_else(|error| panic!("{error}"));
}

fn nobody_is_silent(world: &mut World) {
    let failures = world.ping_all().verification().failures;
    assert!(
        failures.is_empty(),
        "{} pairs: {:?}",
        failures.len(),
        &failures[..3.min(failures.len())]
    );
}

fn after(world: &World, duration: Duration) -> Instant {
    world.now() + duration
}
