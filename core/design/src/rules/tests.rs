//! Every rule finds what its failing design has, and nothing in its passing one.

use super::{Rule, rules};
use crate::NoFiles;

#[test]
fn every_rule_passes_its_passing_design_and_finds_its_failing_one() {
    let wrong: Vec<String> = rules().iter().filter_map(|rule| wrong(rule)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is wrong with a rule's two designs, if anything is.
fn wrong(rule: &Rule) -> Option<String> {
    let found = |text: &str| {
        let (design, reports) = crate::read("design.yaml", text, &NoFiles);
        let design = design.ok_or_else(|| reports.render(false))?;
        Ok::<_, String>(crate::check(&design))
    };
    let (passing, failing) = match (found(rule.passing), found(rule.failing)) {
        (Ok(passing), Ok(failing)) => (passing, failing),
        (Err(wrong), _) | (_, Err(wrong)) => return Some(format!("{}: {wrong}", rule.id)),
    };
    if !passing.is_empty() {
        return Some(format!("{} passes: {}", rule.id, passing.render(false)));
    }
    let mut own = failing
        .iter()
        .filter(|report| report.rule == rule.id)
        .peekable();
    if own.peek().is_none() {
        return Some(format!("{} fails: {}", rule.id, failing.render(false)));
    }
    own.find(|report| report.at.is_none() || report.severity > rule.severity)
        .map(|report| format!("{}: {report:?}", rule.id))
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
