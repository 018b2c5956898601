//! A VPN gateway that Route Server does not work with.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "vpn-gateway",
    severity: Severity::Error,
    says: "The VPN gateway beside Route Server is not one that it works with.",
    because: "Route Server exchanges routes with a VPN gateway only if that is active-active and has AS 65515",
    try_this: "make the gateway active-active and give it AS 65515",
    source: sources::EXPRESS_ROUTE_VPN,
    passing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {vpn_gateway: {active_active: true, asn: 65515}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {vpn_gateway: {active_active: false, asn: 65020}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let gateway = region.as_built.vpn_gateway.as_ref();
        let Some(gateway) = gateway.filter(|_| region.route_server.is_some()) else {
            continue;
        };
        let name = &region.name.value;
        if let Some(at) = gateway.value.active_active.as_ref().filter(|at| !at.value) {
            let says = format!("the VPN gateway of {name} is active-standby");
            reports.push(rule.report(&[Some(at.span)], says));
        }
        let asn = gateway.value.asn.as_ref();
        if let Some(at) = asn.filter(|at| at.value != GATEWAY_ASN) {
            let says = format!("the VPN gateway of {name} has AS {}, not 65515", at.value.0);
            reports.push(rule.report(&[Some(at.span)], says));
        }
    }
}

/// The AS of the platform's gateways and Route Servers.
const GATEWAY_ASN: inet::Asn = inet::Asn(65_515);
