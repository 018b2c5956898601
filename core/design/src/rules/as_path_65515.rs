//! Paths of one Route Server that another one gets to see.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "as-path-65515",
    severity: Severity::Error,
    says: "NVAs announce paths with AS 65515 to the Route Server of another region.",
    because: "every Route Server has AS 65515 and discards paths that have it, before any route map: the \
              other region's routes are missing",
    try_this: "let the NVAs take 65515 out of the path: `as-override`, or deleting it, towards the other \
              region",
    source: sources::MULTI_REGION,
    passing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {as_override: true}}}, eastus: {}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {as_override: false}}}, eastus: {}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let servers = settled.regions.iter();
    let servers = servers
        .filter(|region| region.route_server.is_some())
        .count();
    for region in &settled.regions {
        let fact = region
            .nva_facts()
            .and_then(|nvas| nvas.as_override.as_ref());
        let Some(at) = fact.filter(|at| !at.value && servers > 1) else {
            continue;
        };
        let says = format!(
            "NVAs of {} leave AS 65515 in the paths that other regions' Route Servers get",
            region.name.value
        );
        reports.push(rule.report(&[Some(at.span)], says));
    }
}
