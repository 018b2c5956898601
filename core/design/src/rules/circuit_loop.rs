//! Two regions on one circuit whose NVAs pass on what they heard over it.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "circuit-loop",
    severity: Severity::Error,
    says: "Routes go round over a circuit that two regions share.",
    because: "with branch-to-branch in both regions, and NVAs that put their own AS in place of the \
              platform's, what one region announced over the circuit comes back through the other and \
              nobody recognizes it: packets run in a circle",
    try_this: "leave `guards_origin` on, let NVAs not pass on what they learned from ExpressRoute, or \
              turn branch-to-branch off in one of the regions",
    source: sources::MULTI_REGION,
    passing: "longhaul: 1
name: d
regions:
  westeurope: {express_route: true, route_server: {branch_to_branch: true}}
  northeurope: {express_route: true, route_server: {branch_to_branch: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope, northeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions:
  westeurope: {express_route: true, route_server: {branch_to_branch: true}, nvas: {guards_origin: false}}
  northeurope: {express_route: true, route_server: {branch_to_branch: true}, nvas: {guards_origin: false}}
circuits: {ams: {customer: core.paris, connections: [westeurope, northeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for circuit in &settled.circuits {
        let regions = circuit.connections.iter().map(|connection| {
            let region = connection.region.value;
            &settled.regions[region]
        });
        let passing: Vec<_> = regions.filter(|region| region.branch_to_branch()).collect();
        let blind: Vec<_> = passing
            .iter()
            .filter(|region| !region.nvas.guards_origin.value)
            .collect();
        if passing.len() < 2 || blind.is_empty() {
            continue;
        }
        let names: Vec<&str> = passing
            .iter()
            .map(|region| region.name.value.as_str())
            .collect();
        for region in blind {
            let says = format!(
                "NVAs of {} pass on what they hear over circuit {}, which connects {}",
                region.name.value,
                circuit.name.value,
                names.join(" and ")
            );
            let at = [region.nvas.guards_origin.why.span(), region.name.why.span()];
            reports.push(
                rule.report(&at, says)
                    .also(circuit.name.why.span(), "the circuit"),
            );
        }
    }
}
