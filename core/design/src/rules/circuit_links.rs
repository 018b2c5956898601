//! More VNets and circuits joined to a circuit than it takes.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "circuit-links",
    severity: Severity::Error,
    says: "A circuit is joined to more VNets and circuits than it takes.",
    because: "each gateway and each Global Reach counts as a link; a standard circuit has 10 of them, a \
              premium one 20 to 100 by its bandwidth",
    try_this: "take a premium circuit or more bandwidth, or another circuit",
    source: sources::LIMITS,
    passing: "longhaul: 1
name: d
platform: {express_route: {links_standard: 1}}
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
platform: {express_route: {links_standard: 1}}
regions:
  westeurope: {express_route: true}
  northeurope: {express_route: true}
circuits: {ams: {customer: core.paris, connections: [westeurope, northeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for circuit in &settled.circuits {
        let mbps = u32::try_from(circuit.rate_bps.value / 1_000_000).unwrap_or(u32::MAX);
        let limit = settled
            .platform
            .numbers
            .circuit_links(circuit.sku.value, mbps);
        let (vnets, circuits) = (circuit.connections.len(), circuit.global_reach.len());
        if vnets + circuits > limit as usize {
            let says = format!(
                "circuit {} is joined to {vnets} VNets and {circuits} circuits; it takes {limit} in all",
                circuit.name.value
            );
            let at = [circuit.sku.why.span(), circuit.name.why.span()];
            reports.push(rule.report(&at, says));
        }
    }
}
