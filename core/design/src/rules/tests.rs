//! Every rule finds what its failing design has, and nothing in its passing one.

use super::rules;
use crate::NoFiles;

#[test]
fn every_rule_passes_its_passing_design_and_finds_its_failing_one() {
    for rule in rules() {
        let found = |text: &str| {
            let (design, reports) = crate::read("design.yaml", text, &NoFiles);
            let design = design.unwrap_or_else(|| panic!("{}: {}", rule.id, reports.render(false)));
            crate::check(&design)
        };
        let passing = found(rule.passing);
        assert!(passing.is_empty(), "{}: {}", rule.id, passing.render(false));
        let failing = found(rule.failing);
        assert!(
            failing.iter().any(|report| report.rule == rule.id),
            "{}",
            rule.id
        );
        for report in failing.iter().filter(|report| report.rule == rule.id) {
            assert!(report.at.is_some(), "{} points nowhere", rule.id);
            assert!(report.severity <= rule.severity);
        }
    }
}

#[test]
fn rules_are_named_in_kebab_case_and_listed_once_in_order() {
    let ids: Vec<&str> = rules().iter().map(|rule| rule.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted);
    for rule in rules() {
        assert!(
            rule.id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        );
        assert!(
            !rule.because.is_empty()
                && !rule.try_this.is_empty()
                && !rule.source.document.is_empty()
                && rule.source.dated.parse::<crate::Date>().is_ok()
        );
    }
}
