//! More routes towards a circuit than it takes.

use super::counts::RouteCounts;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "routes-to-express-route",
    severity: Severity::Error,
    says: "A gateway announces more routes to its circuits than they take.",
    because: "prefixes of the VNets, and with branch-to-branch all that the NVAs announce, count \
              together; over the limit the circuit's BGP sessions drop, come back and drop again",
    try_this: "summarize (`express_route.summarized`, aggregates of the NVAs by `route_budget`), turn \
              branch-to-branch off, or put spokes behind a second hub-and-spoke network in the region, \
              as `NAME: {region: ...}`",
    source: sources::LIMITS,
    passing: "longhaul: 1
name: d
platform: {routes_to_express_route: 10}
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
platform: {routes_to_express_route: 1}
regions: {westeurope: {express_route: true, route_server: {branch_to_branch: true}}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let counts = RouteCounts::of(settled);
    let numbers = &settled.platform.numbers;
    let limit = numbers
        .express_route
        .announced
        .min(numbers.route_server.routes_to_express_route) as usize;
    for (index, region) in settled.regions.iter().enumerate() {
        let connected = settled
            .circuits
            .iter()
            .any(|circuit| circuit.connects(index));
        let Some(gateway) = region.express_route.as_ref().filter(|_| connected) else {
            continue;
        };
        let own = RouteCounts::of_gateway(settled, index);
        let from_nvas = counts.of_nvas_at_circuits(settled, index);
        let routes = own + from_nvas;
        let says = format!(
            "the gateway of {} announces {routes} routes to each circuit ({own} of VNets, {from_nvas} of NVAs); a circuit takes {limit}",
            region.name.value
        );
        let mut report = rule.report(&[gateway.why.span(), region.name.why.span()], says);
        if routes * 100 <= limit * WARN_PERCENT {
            continue;
        }
        if routes <= limit {
            report.severity = Severity::Warning;
        }
        reports.push(report);
    }
}

/// The share of the limit from which there is a warning.
const WARN_PERCENT: usize = 80;
