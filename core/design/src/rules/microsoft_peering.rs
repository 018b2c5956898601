//! Microsoft peerings that announce nothing, or what is not the customer's.

use inet::Prefix;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "microsoft-peering",
    severity: Severity::Error,
    says: "A Microsoft peering announces nothing, or prefixes that are not public.",
    because: "Microsoft announces no prefix without a route filter, and takes only public prefixes that \
              were validated as the customer's; a default route is not taken",
    try_this: "name communities in `route_filter`, and public prefixes of yours in `customer_prefixes`",
    source: sources::ER_ROUTING,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, microsoft_peering: {customer_prefixes: [198.51.100.0/28], route_filter: ['12076:51002']}}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, microsoft_peering: {customer_prefixes: [10.9.0.0/28], route_filter: ['12076:51002']}}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for circuit in &settled.circuits {
        let Some(peering) = &circuit.microsoft_peering else {
            continue;
        };
        let name = &circuit.name.value;
        if circuit.route_filter.is_empty() {
            let says = format!(
                "the Microsoft peering of {name} has no route filter: nothing is announced"
            );
            let mut report = rule.report(&[peering.why.span(), circuit.name.why.span()], says);
            report.severity = Severity::Warning;
            reports.push(report);
        }
        for prefix in &circuit.customer_prefixes {
            if prefix.value.len() == 0 || is_private(prefix.value) {
                let says = format!(
                    "{} of the Microsoft peering of {name} is not public",
                    prefix.value
                );
                reports.push(rule.report(&[prefix.why.span(), peering.why.span()], says));
            }
        }
    }
}

/// Whether a prefix is private (RFC 1918) or shared (RFC 6598).
fn is_private(prefix: Prefix) -> bool {
    const RANGES: [([u8; 4], u8); 4] = [
        ([10, 0, 0, 0], 8),
        ([172, 16, 0, 0], 12),
        ([192, 168, 0, 0], 16),
        ([100, 64, 0, 0], 10),
    ];
    let ranges = RANGES
        .iter()
        .filter_map(|(address, len)| Prefix::new((*address).into(), *len));
    ranges.into_iter().any(|range| range.overlaps(prefix))
}
