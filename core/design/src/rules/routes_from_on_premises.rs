//! More routes from on-premises networks than a circuit or gateway takes.

use crate::settle::{Circuit, RouterAt, Site};

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "routes-from-on-premises",
    severity: Severity::Error,
    says: "Customers announce more routes over a circuit than it or the gateway takes.",
    because: "over the limit the BGP session drops, comes back and drops again",
    try_this: "summarize on-premises, or take a premium circuit or a larger gateway",
    source: sources::LIMITS,
    passing: "longhaul: 1
name: d
platform: {express_route: {private_in_standard: 2}}
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
platform: {express_route: {private_in_standard: 1}}
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, lans: [10.200.1.0/24, 10.200.2.0/24], routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let numbers = &settled.platform.numbers;
    let mut learned = vec![0; settled.regions.len()];
    for circuit in &settled.circuits {
        let limits = numbers.circuit_limits(circuit.sku.value);
        let at = [circuit.sku.why.span(), circuit.name.why.span()];
        let inbound = on_premises(settled, circuit);
        for connection in &circuit.connections {
            learned[connection.region.value] += inbound;
        }
        let public = circuit.customer_prefixes.len();
        let peerings = [
            (
                circuit.private_peering.is_some(),
                "private",
                inbound,
                limits.private_in,
            ),
            (
                circuit.microsoft_peering.is_some(),
                "Microsoft",
                public,
                limits.microsoft_in,
            ),
        ];
        for (there, what, routes, limit) in peerings {
            if there && routes > limit as usize {
                let says = format!(
                    "customers announce {routes} routes on the {what} peering of circuit {}; it takes {limit}",
                    circuit.name.value
                );
                reports.push(rule.report(&at, says));
            }
        }
    }
    for (region, learned) in settled.regions.iter().zip(learned) {
        let Some(gateway) = &region.express_route else {
            continue;
        };
        let limit = numbers.gateway_limits(gateway.sku.value).learned;
        if learned > limit as usize {
            let says = format!(
                "the gateway of {} learns {learned} routes from its circuits; its SKU takes {limit}",
                region.name.value
            );
            let at = [
                gateway.sku.why.span(),
                gateway.why.span(),
                region.name.why.span(),
            ];
            reports.push(rule.report(&at, says));
        }
    }
}

/// Prefixes of the sites whose routers reach a circuit, by a link or through a routed network.
fn on_premises(settled: &Settled, circuit: &Circuit) -> usize {
    let ends: Vec<RouterAt> = circuit
        .customer
        .iter()
        .flatten()
        .map(|end| end.value)
        .collect();
    let behind = |index: usize, site: &Site| {
        ends.iter().any(|end| match *end {
            RouterAt::Site { site, .. } => site == index,
            RouterAt::Provider { network, .. } => {
                let mut networks = site.routers.iter().flat_map(|router| &router.networks);
                networks.any(|attachment| attachment.network == network)
            }
        })
    };
    let sites = settled.sites.iter().enumerate();
    let sites = sites.filter(|(index, site)| behind(*index, site));
    sites.map(|(_, site)| site.lans.len()).sum()
}
