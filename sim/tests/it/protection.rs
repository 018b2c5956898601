//! Classes that are protected against what underlays lose: by parity where there is one path, by copies where there are two.

use core::time::Duration;

use sim::{Options, PairLoss, PhaseLoss, World};
use tunnel::Suite;
use view::{Answer, Query};

use super::{after, converge, fail, plan_of};

const DESIGN: &str = include_str!("../../../examples/17-lossy-underlays.yaml");
const SECOND: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_millis(20);
/// Packets of each pair in a minute.
const SENT: u64 = 3_000;

/// The example with the test's traffic in this class, which is protected like this.
fn running(class: &str, protect: &str) -> World {
    let classes =
        "  voice: {dscp: [46], protect: fec}\n  alarms: {dscp: [40], protect: duplicate}\n";
    assert!(DESIGN.contains(classes), "the example has changed");
    let asked = format!("  {class}: {{protocol: udp, ports: 7001, protect: {protect}}}\n");
    let options = Options {
        suite: Suite::Null,
        seed: 5,
    };
    let plan = plan_of(&DESIGN.replace(classes, &asked));
    let mut world = World::new(plan, options).unwrap_or_else(|error| panic!("{error}"));
    converge(&mut world);
    world
}

/// A minute of traffic, in the middle of which something may fail.
fn minute(world: &mut World, failure: Option<&str>) -> Vec<PhaseLoss> {
    world.start_traffic(INTERVAL);
    world.run_until(after(world, SECOND * 30));
    if let Some(target) = failure {
        fail(world, target);
    }
    world.run_until(after(world, SECOND * 30));
    world.stop_traffic()
}

fn touches_paris(pair: &PairLoss) -> bool {
    pair.source.ends_with("paris") || pair.destination.ends_with("paris")
}

/// The losses of packets from and to Paris.
fn of_paris(phases: &[PhaseLoss]) -> Vec<&PairLoss> {
    let pairs = phases.iter().flat_map(|phase| &phase.pairs);
    pairs.filter(|pair| touches_paris(pair)).collect()
}

/// The losses of packets that have nothing to do with Paris.
fn apart(phases: &[PhaseLoss]) -> Vec<&PairLoss> {
    let pairs = phases.iter().flat_map(|phase| &phase.pairs);
    pairs.filter(|pair| !touches_paris(pair)).collect()
}

fn counter(world: &World, device: &str, name: &str) -> u64 {
    let Ok(Answer::Counters(answer)) = world.ask(device, &Query::Counters) else {
        panic!("{device} does not answer");
    };
    let counters = answer.counters.into_iter();
    let values = counters.filter(|one| one.group == "protection" && one.name == name);
    values.map(|one| one.value).sum()
}

#[test]
fn five_percent_of_random_loss_on_the_only_path_become_less_than_one_with_parity() {
    let mut world = running("voice", "fec");
    let loss = minute(&mut world, None);
    for pair in of_paris(&loss) {
        assert!(pair.lost * 100 <= SENT, "{pair:?}");
    }
    assert!(counter(&world, "cpe1.paris", "recovered") > 100);
    assert!(counter(&world, "cpe1.paris", "parity") > 100);
    // Where nothing is lost there is nothing to make good.
    assert_eq!(counter(&world, "cpe1.london", "parity"), 0);
    assert_eq!(apart(&loss), Vec::<&PairLoss>::new());
}

#[test]
fn the_same_path_loses_its_five_percent_without_protection() {
    let mut world = running("voice", "none");
    let loss = minute(&mut world, None);
    let pairs = of_paris(&loss);
    assert!(pairs.len() >= 2, "{pairs:?}");
    for pair in pairs {
        let percent = pair.lost * 100 / SENT;
        assert!((3..=8).contains(&percent), "{pair:?}");
    }
    assert_eq!(counter(&world, "cpe1.paris", "recovered"), 0);
}

#[test]
fn an_underlay_that_goes_dark_costs_nothing_where_copies_go_by_another() {
    let mut world = running("alarms", "duplicate");
    let loss = minute(&mut world, Some("underlay:london/internet"));
    assert_eq!(apart(&loss), Vec::<&PairLoss>::new());
    assert!(counter(&world, "cpe1.london", "duplicates") > 100);
}
