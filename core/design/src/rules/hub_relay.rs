//! Pairs of regions that a third one does not help.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "hub-relay",
    severity: Severity::Note,
    says: "No region relays between two others.",
    because: "NVAs tell other regions what is behind them and nothing that another region told them, so that \
              no route can circle; when the backbone between two regions is cut, their VNets and sites do \
              not reach each other, although both still reach the third region",
    try_this: "nothing, where Microsoft's backbone is trusted to go around cuts of its own; else put what must \
               survive it into one region",
    source: sources::MULTI_REGION,
    passing: "longhaul: 1
name: d
regions: {westeurope: {}, eastus: {}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {}, eastus: {}, southeastasia: {}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let [first, second, third, ..] = &settled.regions[..] else {
        return;
    };
    let pairs = settled.regions.len() * (settled.regions.len() - 1) / 2;
    let says = format!(
        "each of {pairs} pairs of regions has the backbone between the two alone: {} does not relay between {} and {}",
        third.name.value, first.name.value, second.name.value
    );
    reports.push(rule.report(&[third.name.why.span()], says));
}
