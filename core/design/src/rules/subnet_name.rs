//! Subnets whose name the platform gives a meaning, written almost right.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;
use crate::settle::vnets::{GATEWAY_SUBNET, ROUTE_SERVER_SUBNET};

pub(super) static RULE: Rule = Rule {
    id: "subnet-name",
    severity: Severity::Error,
    says: "A subnet's name is almost one that the platform gives a meaning.",
    because: "Route Server and gateways are only deployed into subnets of exactly these names",
    try_this: "write RouteServerSubnet and GatewaySubnet exactly so, and only in hubs",
    source: sources::QUICKSTART,
    passing: "longhaul: 1
name: d
regions: {westeurope: {hub: {subnets: {RouteServerSubnet: 10.1.0.64/26}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {hub: {subnets: {routeserver-subnet: 10.1.0.64/26}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for vnet in settled.regions.iter().flat_map(|region| region.vnets()) {
        for subnet in &vnet.subnets {
            let name = &subnet.name.value;
            let letters = |text: &str| {
                let letters = text.chars().filter(char::is_ascii_alphanumeric);
                letters.collect::<String>().to_ascii_lowercase()
            };
            for meant in [ROUTE_SERVER_SUBNET, GATEWAY_SUBNET] {
                let at = subnet.name.why.span();
                if name == meant && vnet.short != "hub" {
                    let says = format!("{} is a spoke and has a {meant}", vnet.name.value);
                    let advice = "Route Server and gateways stand in the hub; the spoke uses them by peering";
                    reports.push(rule.report(&[at], says).because(advice));
                } else if name != meant && letters(name) == letters(meant) {
                    let says = format!("subnet `{name}` is not `{meant}`");
                    reports.push(rule.report(&[at], says));
                }
            }
            if name.is_empty() || name.len() > NAME_MAX {
                let says = format!("a subnet's name has 1 to {NAME_MAX} characters");
                reports.push(rule.report(&[subnet.name.why.span()], says));
            }
        }
    }
}

/// The platform's limit.
const NAME_MAX: usize = 80;
