//! Searches with a judge that knows which edits hold.

use super::*;
use crate::evidence::Lost;

const FROM: &str = "
name: x
regions: {we: {hub: {address_space: 10.1.0.0/20}}}
sites:
  - {name: a, lans: [10.9.0.0/24], hosts: 1}
  - {name: b, lans: [10.9.1.0/24], hosts: 1}
  - {name: c, lans: [10.9.2.0/24], hosts: 1}
";

fn planner() -> Planner {
    let value = |text: &str| Value::parse("test", text).expect("YAML");
    let to = FROM.replace("hosts: 1", "hosts: 2");
    Planner::new(Migration::between(&value(FROM), &value(&to)).expect("edits"))
}

fn broken() -> Evidence {
    Evidence {
        pairs: 6,
        lost: vec![Lost {
            source: "host1.a".to_owned(),
            destination: "host1.b".to_owned(),
            at: "nva1.we".to_owned(),
            because: "no route".to_owned(),
            loops: false,
        }],
        ..Evidence::default()
    }
}

/// Proves all that is wanted, a few at a time, with a judge of designs by the edits they have.
fn search(planner: &mut Planner, holds: impl Fn(&[usize]) -> bool) -> usize {
    let mut proofs = 0;
    while planner.outcome().is_none() {
        let wanted = planner.wanted(2);
        assert!(
            !wanted.is_empty(),
            "the search has something to ask until it ends"
        );
        for candidate in wanted {
            let evidence = if holds(&candidate.done) {
                Evidence::default()
            } else {
                broken()
            };
            planner.prove(&candidate, evidence, None);
            proofs += 1;
        }
    }
    proofs
}

fn order(planner: &Planner) -> Vec<String> {
    let outcome = planner.outcome().expect("an end");
    outcome
        .steps
        .iter()
        .map(|step| step.edit.to_string())
        .collect()
}

#[test]
fn where_everything_holds_each_design_is_proven_once_and_in_order() {
    let mut planner = planner();
    assert_eq!(search(&mut planner, |_| true), 4);
    assert_eq!(order(&planner).len(), 3);
    assert!(order(&planner)[0].starts_with("a:"));
}

#[test]
fn an_edit_that_needs_another_one_waits_for_it() {
    let mut planner = planner();
    // The first site needs the third.
    search(&mut planner, |done| !done.contains(&0) || done.contains(&2));
    let outcome = planner.outcome().expect("an end");
    assert!(outcome.stuck.is_empty());
    assert_eq!(order(&planner)[2], "a: as in the second design");
    assert_eq!(outcome.waited.len(), 1);
    assert_eq!(outcome.waited[0].after, 0);
}

#[test]
fn where_no_order_holds_the_edits_that_are_left_say_why() {
    let mut planner = planner();
    search(&mut planner, |done| !done.contains(&1));
    let outcome = planner.outcome().expect("an end");
    assert_eq!(outcome.steps.len(), 2);
    assert_eq!(outcome.stuck.len(), 1);
    assert_eq!(
        outcome.stuck[0].edit.to_string(),
        "b: as in the second design"
    );
    assert_eq!(outcome.stuck[0].objections.len(), 1);
}

#[test]
fn a_search_that_finds_nothing_ends() {
    let mut planner = planner();
    let proofs = search(&mut planner, <[usize]>::is_empty);
    assert_eq!(planner.outcome().expect("an end").stuck.len(), 3);
    assert!(proofs <= 8, "{proofs}");
}

#[test]
fn proofs_may_come_in_any_order() {
    let mut planner = planner();
    let mut wanted = planner.wanted(10);
    assert_eq!(wanted.len(), 4);
    wanted.reverse();
    for candidate in &wanted {
        planner.prove(candidate, Evidence::default(), None);
    }
    assert_eq!(order(&planner).len(), 3);
}
