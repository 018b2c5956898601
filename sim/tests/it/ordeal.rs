//! Hours of random failures: no loop, no black hole, no reordering, nothing that stays.

use core::time::Duration;

use design::NoFiles;
use sim::ordeal::{Ordeal, Verdict};
use sim::{Options, World};
use tunnel::Suite;

const MINUTE: Duration = Duration::from_secs(60);

/// Two regions, three NVAs; sites with one and two underlays, one behind a NAT and one with two CPEs.
const DESIGN: &str = "
longhaul: 1
name: ordeal
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    spokes: {spoke1: {address_space: 10.1.16.0/20, vms: 1}}
    nvas: {count: 2}
  eastus:
    hub: {address_space: 10.2.0.0/20}
    nvas: {count: 1}
underlays:
  internet: {}
  mpls: {kind: mpls}
classes:
  voice: {dscp: [46], sla: {rtt: 300ms, jitter: 30ms, loss: 1%}, underlays: [mpls, internet]}
sites:
  - {name: paris, city: Paris, lans: [10.200.1.0/24], underlays: [mpls, internet]}
  - {name: london, city: London, lans: [10.200.2.0/24], underlays: [{name: internet, nat: true}], backup: eastus}
  - {name: newyork, city: New York, lans: [10.200.3.0/24], cpes: 2}
";

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
