//! NVAs that do not speak Route Refresh.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "route-refresh",
    severity: Severity::Error,
    says: "NVAs do not speak Route Refresh (RFC 2918).",
    because: "each peering of a spoke that is made or removed makes Route Server ask all NVAs for their \
              routes again; a session without Route Refresh is reset for it, all of them at once",
    try_this: "turn Route Refresh on in the NVAs",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {route_refresh: true}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {route_refresh: false}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let fact = region
            .nva_facts()
            .and_then(|nvas| nvas.route_refresh.as_ref());
        if let Some(at) = fact.filter(|at| !at.value) {
            let says = format!("NVAs of {} do not speak Route Refresh", region.name.value);
            reports.push(rule.report(&[Some(at.span)], says));
        }
    }
}
