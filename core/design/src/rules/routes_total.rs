//! More prefixes than a Route Server handles.

use super::counts::RouteCounts;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "routes-total",
    severity: Severity::Error,
    says: "A Route Server is to handle more prefixes than it does.",
    because: "the prefixes of all peers and of the VNets count together; what happens beyond the limit is \
              not published",
    try_this: "let sites share prefixes, or put some of them behind a second hub-and-spoke network in the \
              region, as `NAME: {region: ...}`",
    source: sources::CAPACITY,
    passing: "longhaul: 1
name: d
platform: {routes_total: 6}
regions: {westeurope: {}}
sites: [{name: paris, city: Paris, lans: [10.200.1.0/24, 10.200.2.0/24]}]
",
    failing: "longhaul: 1
name: d
platform: {routes_total: 2, routes_per_peer: 100}
regions: {westeurope: {}}
sites: [{name: paris, city: Paris, lans: [10.200.1.0/24, 10.200.2.0/24]}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let limit = settled.platform.limits.routes_total as usize;
    if limit == 0 {
        return;
    }
    let counts = RouteCounts::of(settled);
    for (index, region) in settled.regions.iter().enumerate() {
        if region.route_server.is_none() {
            continue;
        }
        let (from_nvas, own) = (counts.of_nvas(index), counts.announced_spaces(index));
        if from_nvas + own > limit {
            let says = format!(
                "Route Server of {} handles {} prefixes ({from_nvas} of its NVAs, {own} of its VNets); its limit is {limit}",
                region.name.value,
                from_nvas + own
            );
            reports.push(rule.report(&[region.name.why.span()], says));
        }
    }
}
