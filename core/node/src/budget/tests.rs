//! What is announced when not everything fits, by example.

use super::*;

fn prefix(text: &str) -> Prefix {
    crate::stub::prefix(text)
}

fn prefixes(list: &[&str]) -> BTreeSet<Prefix> {
    list.iter().map(|text| prefix(text)).collect()
}

/// Summaries come with a star in front.
fn chosen(routes: &[&str], limit: usize, rules: &BudgetConfig) -> Choice {
    let routes = routes.iter().map(|text| match text.strip_prefix('*') {
        Some(own) => (prefix(own), Own::Yes),
        None => (prefix(text), Own::No),
    });
    choose(&routes.collect(), &BTreeSet::new(), limit, rules)
}

fn rules() -> BudgetConfig {
    BudgetConfig::default()
}

const HALVES: [&str; 4] = ["10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/24", "10.9.0.0/16"];

#[test]
fn what_fits_is_announced_as_it_is() {
    let choice = chosen(&HALVES, 4, &rules());
    assert_eq!(choice.kept, prefixes(&HALVES));
    assert!(choice.aggregates.is_empty() && choice.left_out.is_empty());
}

#[test]
fn two_halves_become_the_whole_when_one_is_too_many() {
    let choice = chosen(&HALVES, 3, &rules());
    assert_eq!(
        choice.kept,
        prefixes(&["10.1.0.0/23", "10.1.2.0/24", "10.9.0.0/16"])
    );
    let parts = vec![prefix("10.1.0.0/24"), prefix("10.1.1.0/24")];
    assert_eq!(
        choice.aggregates,
        BTreeMap::from([(prefix("10.1.0.0/23"), parts)])
    );
    assert!(choice.left_out.is_empty());
}

#[test]
fn a_prefix_with_a_gap_is_not_announced_unless_the_gap_may_be_discarded() {
    let routes = ["10.1.0.0/24", "10.1.2.0/24", "10.1.3.0/25"];
    let choice = chosen(&routes, 2, &rules());
    assert!(choice.aggregates.is_empty());
    assert_eq!(choice.left_out, prefixes(&["10.1.3.0/25"]));
    let allowed = BudgetConfig {
        discard: vec![prefix("10.1.0.0/16")],
        ..rules()
    };
    let choice = chosen(&routes, 2, &allowed);
    assert_eq!(choice.kept, prefixes(&["10.1.0.0/16"]));
    assert!(choice.left_out.is_empty());
}

#[test]
fn nothing_is_joined_that_the_operator_keeps_apart() {
    let apart = BudgetConfig {
        aggregate: false,
        ..rules()
    };
    let choice = chosen(&HALVES, 3, &apart);
    assert!(choice.aggregates.is_empty());
    assert_eq!(choice.left_out, prefixes(&["10.1.2.0/24"]));
}

#[test]
fn a_prefix_that_something_else_has_is_no_aggregate() {
    let routes = HALVES.map(|text| (prefix(text), Own::No)).into();
    let taken = prefixes(&["10.1.0.0/23"]);
    let choice = choose(&routes, &taken, 3, &rules());
    assert!(choice.aggregates.is_empty());
    assert_eq!(choice.left_out.len(), 1);
}

#[test]
fn summaries_stay_then_priorities_in_their_order_then_what_nothing_covers() {
    let routes = [
        "*10.0.0.0/8",
        "10.7.0.0/24",
        "10.8.0.0/24",
        "10.9.0.0/24",
        "192.0.2.0/25",
    ];
    let ranked = BudgetConfig {
        priority: vec![prefix("10.9.0.0/16"), prefix("10.8.0.0/16")],
        ..rules()
    };
    let expected = [
        "10.0.0.0/8",
        "10.9.0.0/24",
        "10.8.0.0/24",
        "192.0.2.0/25",
        "10.7.0.0/24",
    ];
    for limit in 0..=expected.len() {
        let kept = chosen(&routes, limit, &ranked).kept;
        assert_eq!(kept, prefixes(&expected[..limit]));
    }
}

#[test]
fn joining_goes_on_upwards_and_takes_in_a_route_of_that_name() {
    let routes = ["10.1.0.0/23", "10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/23"];
    let choice = chosen(&routes, 1, &rules());
    assert_eq!(choice.kept, prefixes(&["10.1.0.0/22"]));
    let parts: BTreeSet<Prefix> = choice.aggregates[&prefix("10.1.0.0/22")]
        .iter()
        .copied()
        .collect();
    assert_eq!(parts, prefixes(&routes));
}
