//! Budgets of routes that guard nothing: at or over what the platform takes.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "route-budget",
    severity: Severity::Error,
    says: "A budget of routes is not below the limit that it guards.",
    because: "an NVA that announces again keeps what it holds and what is on the way below Route Server's \
              limit, for which there has to be room; NVAs refuse such a file. A budget over what a circuit \
              takes lets the circuit's sessions drop",
    try_this: "leave room for one burst: four fifths of what Route Server takes from a peer, nine tenths of \
              what a circuit takes",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {route_budget: {route_server: 3200}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {route_budget: {route_server: 4000}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let numbers = &settled.platform.numbers;
    let circuit = numbers
        .express_route
        .announced
        .min(numbers.route_server.routes_to_express_route);
    for region in &settled.regions {
        let (Some(budget), Some(server)) = (&region.budget, &region.route_server) else {
            continue;
        };
        let name = &region.name.value;
        let (own, limit) = (&budget.route_server, &server.routes_per_peer);
        if own.value >= limit.value {
            let says = format!(
                "NVAs of {name} may announce {} routes; its Route Server takes {} of a peer, those on the way included",
                own.value, limit.value
            );
            let places = [own.why.span(), limit.why.span(), region.name.why.span()];
            reports.push(
                rule.report(&places, says)
                    .also(limit.why.span(), "the limit"),
            );
        }
        let own = &budget.express_route;
        if region.express_route.is_some() && own.value > circuit {
            let says = format!(
                "NVAs of {name} may fill circuits to {} routes; a circuit takes {circuit}",
                own.value
            );
            reports.push(rule.report(&[own.why.span(), region.name.why.span()], says));
        }
    }
}
