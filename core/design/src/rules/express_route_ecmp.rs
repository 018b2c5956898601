//! Several circuits beside a Route Server.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "express-route-ecmp",
    severity: Severity::Warning,
    says: "A gateway with several circuits does not share traffic among them.",
    because: "with a Route Server in the VNet one circuit carries each on-premises prefix; the others are \
              in reserve",
    try_this: "split prefixes among the circuits, or put the gateway into a VNet without Route Server; \
              waive this if a reserve is what is meant",
    source: sources::TROUBLESHOOT,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}, par: {location: Paris, customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for (index, region) in settled.regions.iter().enumerate() {
        if region.route_server.is_none() {
            continue;
        }
        let circuits = settled
            .circuits
            .iter()
            .filter(|circuit| circuit.connects(index));
        let names: Vec<&str> = circuits
            .map(|circuit| circuit.name.value.as_str())
            .collect();
        if names.len() > 1 {
            let says = format!(
                "{} has a Route Server and {} circuits ({}): one carries each prefix",
                region.name.value,
                names.len(),
                names.join(", ")
            );
            reports.push(rule.report(&[region.name.why.span()], says));
        }
    }
}
