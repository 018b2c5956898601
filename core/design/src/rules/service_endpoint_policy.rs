//! Service-endpoint policies on RouteServerSubnet.

use crate::settle::vnets::ROUTE_SERVER_SUBNET;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "service-endpoint-policy",
    severity: Severity::Error,
    says: "RouteServerSubnet has a service-endpoint policy.",
    because: "the platform keeps RouteServerSubnet free of policies, security groups and route tables",
    try_this: "take the policy off this subnet",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {service_endpoint_policies: [nva]}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {service_endpoint_policies: [RouteServerSubnet]}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let policies = region.as_built.service_endpoint_policies.as_ref();
        for subnet in policies.iter().flat_map(|list| &list.value) {
            if subnet.value.0 == ROUTE_SERVER_SUBNET {
                let says = format!(
                    "{ROUTE_SERVER_SUBNET} of {} has a service-endpoint policy",
                    region.name.value
                );
                reports.push(rule.report(&[Some(subnet.span)], says));
            }
        }
    }
}
