//! IPv6 address space in VNets with a Route Server.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "ipv6-with-route-server",
    severity: Severity::Error,
    says: "A VNet that a Route Server serves has IPv6 address space.",
    because: "Route Server does not support IPv6, and a dual-stack VNet loses its IPv6 connectivity with one",
    try_this: "take the IPv6 prefix out, or turn the region's Route Server off",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {hub: {address_space: 10.1.0.0/20}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {hub: {address_space: [10.1.0.0/20, 'fd00:1::/48']}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        for vnet in region.vnets() {
            for prefix in &vnet.space_v6 {
                let (name, text) = (&vnet.name.value, &prefix.value);
                let uses = vnet.short == "hub" || vnet.peering.remote.value;
                if region.route_server.is_some() && uses {
                    let says = format!("{name} has IPv6 address space {text} and a Route Server");
                    let report = rule.report(&[Some(prefix.span)], says);
                    reports.push(report.also(region.route_server_why.span(), "the Route Server"));
                } else {
                    let says = format!(
                        "IPv6 address space {text} of {name} is not carried by the overlay"
                    );
                    let mut report = rule
                        .report(&[Some(prefix.span)], says)
                        .because("Longhaul carries IPv4");
                    report.severity = Severity::Warning;
                    reports.push(report.try_this("take the IPv6 prefix out"));
                }
            }
        }
    }
}
