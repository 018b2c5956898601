//! Routers at a circuit with an AS number that MSEEs do not take.

use crate::settle::RouterAt;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "circuit-asn",
    severity: Severity::Error,
    says: "The customer's router at a circuit has a reserved AS number.",
    because: "MSEEs do not peer with the AS numbers that the platform keeps for itself (65515 to 65520, \
              12076, 8074, 8075), nor with 64496 to 64511 on Microsoft peering",
    try_this: "choose another private AS number, or a public one of yours",
    source: sources::ER_ROUTING,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65516}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for circuit in &settled.circuits {
        for end in circuit.customer.iter().flatten() {
            let (asn, whose) = match end.value {
                RouterAt::Site { site, router } => {
                    let site = &settled.sites[site];
                    let router = &site.routers[router];
                    (
                        &router.asn,
                        format!("{}.{}", router.name.value, site.name.value),
                    )
                }
                RouterAt::Provider { network, .. } => {
                    let network = &settled.networks[network];
                    (&network.asn, network.name.value.clone())
                }
            };
            let reserved = match asn.value.0 {
                8_074 | 8_075 | 12_076 | 65_515..=65_520 => true,
                64_496..=64_511 => circuit.microsoft_peering.is_some(),
                _ => false,
            };
            if reserved {
                let says = format!("AS {} of {whose} is reserved", asn.value.0);
                let report = rule.report(&[asn.why.span(), end.why.span()], says);
                reports.push(report.also(circuit.name.why.span(), "at this circuit"));
            }
        }
    }
}
