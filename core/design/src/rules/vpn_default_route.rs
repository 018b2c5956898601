//! A default route that branches behind a VPN gateway do not get.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "vpn-default-route",
    severity: Severity::Warning,
    says: "Branches behind the VPN gateway do not get the default route of the NVAs.",
    because: "the VPN gateway does not announce a default route to its BGP peers, branch-to-branch or not",
    try_this: "give these branches 0.0.0.0/1 and 128.0.0.0/1, or a route of their own",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions:
  westeurope:
    as_built: {vpn_gateway: {active_active: true}}
    nvas: {originate: [0.0.0.0/0]}
    hub: {subnets: {nva: {route_table: out}}}
    route_tables: {out: {routes: [{prefix: 0.0.0.0/0, next_hop: Internet}]}}
",
    failing: "longhaul: 1
name: d
regions:
  westeurope:
    as_built: {vpn_gateway: {active_active: true}}
    route_server: {branch_to_branch: true}
    nvas: {originate: [0.0.0.0/0]}
    hub: {subnets: {nva: {route_table: out}}}
    route_tables: {out: {routes: [{prefix: 0.0.0.0/0, next_hop: Internet}]}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let Some(gateway) = region.as_built.vpn_gateway.as_ref() else {
            continue;
        };
        let default = region.nvas.announced_default();
        if let Some(default) = default.filter(|_| region.branch_to_branch()) {
            let says = format!(
                "branches at the VPN gateway of {} do not get the NVAs' 0.0.0.0/0",
                region.name.value
            );
            let report = rule.report(&[default.why.span(), Some(gateway.span)], says);
            reports.push(report.also(Some(gateway.span), "the gateway"));
        }
    }
}
