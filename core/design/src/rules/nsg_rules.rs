//! Security groups with more rules than the platform allows.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "nsg-rules",
    severity: Severity::Error,
    says: "A security group has more rules than the platform allows.",
    because: "the platform refuses further rules",
    try_this: "put prefixes and ports of like rules together",
    source: sources::NSG,
    passing: "longhaul: 1
name: d
platform: {vnet: {nsg_rules: 1}}
regions: {westeurope: {nsgs: {web: {rules: [{name: a, priority: 100}]}}}}
",
    failing: "longhaul: 1
name: d
platform: {vnet: {nsg_rules: 1}}
regions: {westeurope: {nsgs: {web: {rules: [{name: a, priority: 100}, {name: b, priority: 101}]}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let limit = settled.platform.numbers.vnet.nsg_rules as usize;
    for region in &settled.regions {
        for (name, rules) in region.nsgs.iter().filter(|(_, rules)| rules.len() > limit) {
            let says = format!(
                "security group `{}` of {} has {} rules; a group has {limit} at most",
                name.value,
                region.name.value,
                rules.len()
            );
            reports.push(rule.report(&[name.why.span()], says));
        }
    }
}
