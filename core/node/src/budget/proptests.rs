//! Properties of the choice over random route sets in a universe of 256 addresses.

use core::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

/// A prefix of length 24 to 32 in 10.0.0.0/24.
fn arb_prefix() -> impl Strategy<Value = Prefix> {
    (24_u8..=32, any::<u8>()).prop_map(|(len, host)| {
        Prefix::around(Ipv4Addr::new(10, 0, 0, host), len).expect("a good length")
    })
}

fn arb_routes() -> impl Strategy<Value = BTreeMap<Prefix, Own>> {
    let own = prop_oneof![1 => Just(Own::Yes), 15 => Just(Own::No)];
    prop::collection::btree_map(arb_prefix(), own, 0..60)
}

fn arb_rules(discards: usize) -> impl Strategy<Value = BudgetConfig> {
    let list = |most| prop::collection::vec(arb_prefix(), 0..=most);
    (any::<bool>(), list(discards), list(3)).prop_map(|(aggregate, discard, priority)| {
        BudgetConfig {
            aggregate,
            discard,
            priority,
            ..BudgetConfig::default()
        }
    })
}

fn covers<'a>(mut prefixes: impl Iterator<Item = &'a Prefix>, address: Ipv4Addr) -> bool {
    prefixes.any(|prefix| prefix.contains(address))
}

fn addresses() -> impl Iterator<Item = Ipv4Addr> {
    (0..=255).map(|host| Ipv4Addr::new(10, 0, 0, host))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn never_over_the_limit_and_never_less_than_the_limit_allows(
        routes in arb_routes(), rules in arb_rules(2), limit in 0_usize..70,
    ) {
        let choice = choose(&routes, &BTreeSet::new(), limit, &rules);
        prop_assert!(choice.kept.len() <= limit);
        if routes.len() <= limit {
            prop_assert!(choice.kept.iter().eq(routes.keys()));
        }
        if !choice.left_out.is_empty() {
            prop_assert_eq!(choice.kept.len(), limit);
        }
    }

    #[test]
    fn only_what_was_announced_before_or_may_be_discarded_is_attracted(
        routes in arb_routes(), rules in arb_rules(2), limit in 0_usize..40,
    ) {
        let choice = choose(&routes, &BTreeSet::new(), limit, &rules);
        for address in addresses().filter(|address| covers(choice.kept.iter(), *address)) {
            let before = covers(routes.keys(), address);
            let discarded = rules.aggregate && covers(rules.discard.iter(), address);
            prop_assert!(before || discarded, "{}", address);
        }
        if choice.left_out.is_empty() {
            for address in addresses().filter(|address| covers(routes.keys(), *address)) {
                prop_assert!(covers(choice.kept.iter(), address), "{} was lost", address);
            }
        }
    }

    #[test]
    fn every_route_is_announced_in_an_aggregate_or_left_out(
        routes in arb_routes(), rules in arb_rules(2), limit in 0_usize..40,
    ) {
        let choice = choose(&routes, &BTreeSet::new(), limit, &rules);
        let parts: Vec<Prefix> = choice.aggregates.values().flatten().copied().collect();
        for prefix in routes.keys() {
            let times = usize::from(choice.kept.contains(prefix))
                + usize::from(choice.left_out.contains(prefix))
                + parts.iter().filter(|part| *part == prefix).count();
            prop_assert_eq!(times, 1, "{}", prefix);
        }
        for (whole, parts) in &choice.aggregates {
            prop_assert!(parts.iter().all(|part| whole.covers(*part) && routes.contains_key(part)));
        }
        for prefix in &choice.kept {
            prop_assert!(routes.contains_key(prefix) || choice.aggregates.contains_key(prefix));
        }
    }

    #[test]
    fn summaries_stay_as_long_as_there_is_room_for_them(
        routes in arb_routes(), rules in arb_rules(2), limit in 0_usize..40,
    ) {
        let own = routes.iter().filter(|(_, own)| **own == Own::Yes).count();
        let choice = choose(&routes, &BTreeSet::new(), limit, &rules);
        let kept = choice.kept.iter().filter(|prefix| routes.get(prefix) == Some(&Own::Yes));
        prop_assert_eq!(kept.count(), own.min(limit));
    }

    #[test]
    fn room_for_one_more_changes_three_announcements_at_most(
        routes in arb_routes(), rules in arb_rules(0), limit in 0_usize..60,
    ) {
        let none = BTreeSet::new();
        let less = choose(&routes, &none, limit, &rules).kept;
        let more = choose(&routes, &none, limit + 1, &rules).kept;
        prop_assert!(less.symmetric_difference(&more).count() <= 3);
    }

    #[test]
    fn without_aggregates_one_route_more_moves_one_at_most(
        routes in arb_routes(), one in arb_prefix(), limit in 0_usize..60,
    ) {
        let rules = BudgetConfig { aggregate: false, ..BudgetConfig::default() };
        let none = BTreeSet::new();
        let before = choose(&routes, &none, limit, &rules).kept;
        let mut more = routes;
        // A host covers nobody, so that nothing else becomes less important.
        more.entry(Prefix::host(one.address())).or_insert(Own::No);
        let after = choose(&more, &none, limit, &rules).kept;
        let gone = before.difference(&after).count();
        prop_assert!(gone <= 1 && after.difference(&before).count() <= 1 + gone);
    }
}
