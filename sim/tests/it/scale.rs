//! Generated designs. The figures for a thousand sites are in the docs; here a smaller one shows
//! that nothing depends on the example's size.

use sim::{Options, World};
use tunnel::Suite;

use super::{converge, plan_of};

#[test]
fn a_generated_design_of_a_hundred_sites_converges_with_every_session_up() {
    let plan = plan_of(&design::generate(4, 100, 1));
    let options = Options {
        suite: Suite::Null,
        seed: 1,
    };
    let mut world = World::new(plan, options).unwrap_or_else(|error| panic!("{error}"));
    let convergence = converge(&mut world);
    assert_eq!(convergence.sessions_up, convergence.sessions);
    assert!(convergence.sessions > 800, "{convergence:?}");
    let totals = world.status(None).totals;
    assert_eq!(totals.paths_up, totals.paths);
}
