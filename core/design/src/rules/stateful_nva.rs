//! NVAs that keep state and share flows.

use crate::model::NvaMode;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "stateful-nva",
    severity: Severity::Error,
    says: "NVAs that drop what belongs to no flow of theirs get half of the packets of a flow.",
    because: "each direction of a flow is spread over the NVAs by a hash of its own: the platform gives \
              no symmetry, and about half of the flows come back through another NVA",
    try_this: "use `mode: active-passive`, translate sources (`source_nat`), share the state, or put the \
              stateful function behind a Standard load balancer of its own",
    source: sources::SDWAN,
    passing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {count: 2, mode: active-passive}, as_built: {nvas: {stateful: true}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {count: 2}, as_built: {nvas: {stateful: true}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let Some(facts) = region.nva_facts() else {
            continue;
        };
        let translates = facts.source_nat.as_ref().is_some_and(|at| at.value);
        let shares = region.nvas.count.value > 1 && region.nvas.mode.value == NvaMode::ActiveActive;
        let stateful = facts.stateful.as_ref().filter(|at| at.value);
        if let Some(at) = stateful.filter(|_| shares && !translates) {
            let says = format!(
                "the {} NVAs of {} keep state and are all active",
                region.nvas.count.value, region.name.value
            );
            let report = rule.report(&[Some(at.span)], says);
            reports.push(report.also(region.nvas.mode.why.span(), "all active"));
        }
    }
}
