//! FastPath on a gateway that does not have it.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "fast-path",
    severity: Severity::Error,
    says: "A connection asks for FastPath and the gateway does not have it.",
    because: "FastPath takes an ErGw3AZ, or an ErGwScale of 10 units or more",
    try_this: "take such a gateway, or leave FastPath out",
    source: sources::FAST_PATH,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: {sku: ErGw3AZ}}}
circuits: {ams: {customer: core.paris, connections: [{region: westeurope, fast_path: true}]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [{region: westeurope, fast_path: true}]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for connection in settled
        .circuits
        .iter()
        .flat_map(|circuit| &circuit.connections)
    {
        let region = &settled.regions[connection.region.value];
        let Some(gateway) = region
            .express_route
            .as_ref()
            .filter(|_| connection.fast_path.value)
        else {
            continue;
        };
        if !settled.platform.numbers.has_fast_path(gateway.sku.value) {
            let says = format!("the gateway of {} has no FastPath", region.name.value);
            let at = [
                connection.fast_path.why.span(),
                connection.region.why.span(),
            ];
            reports.push(
                rule.report(&at, says)
                    .also(gateway.why.span(), "the gateway"),
            );
        }
    }
}
