//! Subnets that are too small for the platform, or not in their VNet.

use super::{Rule, sources};
use crate::platform::Numbers;
use crate::report::{Report, Severity};
use crate::settle::vnets::{GATEWAY_SUBNET, NVA_SUBNET, ROUTE_SERVER_SUBNET};
use crate::settle::{Settled, Subnet, Vnet};

pub(super) static RULE: Rule = Rule {
    id: "subnet-size",
    severity: Severity::Error,
    says: "A subnet is too small, or outside of its VNet.",
    because: "the platform keeps five addresses of each subnet and refuses smaller ones than it documents",
    try_this: "RouteServerSubnet is a /26 or larger, GatewaySubnet a /27, any other a /29",
    source: sources::QUICKSTART,
    passing: "longhaul: 1
name: d
regions: {westeurope: {hub: {subnets: {RouteServerSubnet: 10.1.0.64/26}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {hub: {subnets: {RouteServerSubnet: 10.1.0.64/28}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for vnet in settled.regions.iter().flat_map(|region| region.vnets()) {
        for subnet in &vnet.subnets {
            size(rule, &settled.platform.numbers, (vnet, subnet), reports);
        }
    }
}

fn size(
    rule: &Rule,
    numbers: &Numbers,
    (vnet, subnet): (&Vnet, &Subnet),
    reports: &mut Vec<Report>,
) {
    let (name, prefix) = (&subnet.name.value, subnet.prefix.value);
    let places = [
        subnet.prefix.why.span(),
        subnet.name.why.span(),
        vnet.name.why.span(),
    ];
    if !vnet.space.value.iter().any(|space| space.covers(prefix)) {
        let says = format!(
            "subnet {name} ({prefix}) is not in the address space of {}",
            vnet.name.value
        );
        let report = rule
            .report(&places, says)
            .because("a subnet is a part of its VNet's address space");
        let shown = vnet
            .space
            .value
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        reports.push(
            report
                .try_this(format!("choose a part of {shown}"))
                .also(vnet.space.why.span(), "the address space"),
        );
    }
    let in_hub = vnet.short == "hub";
    let longest = match name.as_str() {
        ROUTE_SERVER_SUBNET if in_hub => numbers.route_server.subnet,
        GATEWAY_SUBNET if in_hub => numbers.express_route.gateway_subnet,
        NVA_SUBNET if in_hub => 28,
        _ => 29,
    };
    if u32::from(prefix.len()) <= longest {
        return;
    }
    let says = format!(
        "subnet {name} of {} is a /{}; it has to be a /{longest} or larger",
        vnet.name.value,
        prefix.len()
    );
    let mut report = rule.report(&places, says);
    // Documents before September 2025 allow a /27 for Route Server, and such ones exist.
    if name == ROUTE_SERVER_SUBNET && prefix.len() == 27 {
        report.severity = Severity::Warning;
    }
    reports.push(report);
}
