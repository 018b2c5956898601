//! NVAs whose sessions with Route Server cannot come up or do not stay up.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "nva-bgp-reach",
    severity: Severity::Error,
    says: "NVAs do not reach Route Server in a way that stays.",
    because: "NVA and Route Server are in different subnets: the session is eBGP over more than one hop, \
              and without routes of their own to both addresses the NVAs follow a route that Route \
              Server gave them, and lose it again",
    try_this: "give each NVA a /32 route to both addresses of Route Server by its subnet's gateway, and \
              eBGP multihop of 2 or more",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {multihop: 2, static_routes: true}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {multihop: 1, static_routes: false}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let Some(facts) = region.nva_facts() else {
            continue;
        };
        let name = &region.name.value;
        if let Some(at) = facts.multihop.as_ref().filter(|at| at.value.0 < 2) {
            let says = format!("sessions of the NVAs of {name} with Route Server reach one hop");
            reports.push(rule.report(&[Some(at.span)], says));
        }
        if let Some(at) = facts.static_routes.as_ref().filter(|at| !at.value) {
            let says = format!("NVAs of {name} have no routes of their own to Route Server");
            reports.push(rule.report(&[Some(at.span)], says));
        }
    }
}
