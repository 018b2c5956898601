//! Hours of random failures: no loop, no black hole, no reordering, nothing that stays.

use core::time::Duration;

use design::NoFiles;
use sim::ordeal::{Ordeal, Verdict};
use sim::{Options, World};
use tunnel::Suite;

const MINUTE: Duration = Duration::from_secs(60);

const DESIGN: &str = include_str!("../ordeal.yaml");

fn ordeal(seed: u64, duration: Duration) -> Verdict {
    let (design, reports) = design::read("ordeal.yaml", DESIGN, &NoFiles);
    let design = design.unwrap_or_else(|| panic!("{reports:?}"));
    let plan = design::resolve(&design, &sim::public_key).expect("it can be built");
    let options = Options {
        suite: Suite::Null,
        seed,
    };
    let mut world = World::new(plan, options).expect("it can be simulated");
    let ordeal = Ordeal {
        duration,
        interval: Duration::from_millis(100),
        seed,
    };
    ordeal.run(&mut world)
}

#[test]
fn half_an_hour_of_random_failures_does_no_lasting_harm() {
    for seed in 0..4 {
        let verdict = ordeal(seed, MINUTE * 30);
        assert!(verdict.faults > 5, "{verdict:#?}");
        assert_eq!(verdict.wrong, 0, "seed {seed}: {verdict:#?}");
    }
}
