//! Security groups and route tables on subnets that the platform keeps free of them.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;
use crate::settle::vnets::{GATEWAY_SUBNET, ROUTE_SERVER_SUBNET};

pub(super) static RULE: Rule = Rule {
    id: "route-server-subnet",
    severity: Severity::Error,
    says: "RouteServerSubnet or GatewaySubnet has a security group or a route table that it must not have.",
    because: "the platform refuses both on RouteServerSubnet, and a security group or a kept-out BGP on GatewaySubnet \
              cuts the gateway off",
    try_this: "remove it from this subnet",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {hub: {subnets: {nva: {nsg: hubs}}}, nsgs: {hubs: {rules: [{name: tunnels, priority: 100, protocol: udp, ports: 51820}]}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {hub: {subnets: {RouteServerSubnet: {nsg: web}}}, nsgs: {web: {}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        for subnet in &region.hub.subnets {
            let name = &subnet.name.value;
            let is_server = name == ROUTE_SERVER_SUBNET;
            if let Some(nsg) = &subnet.nsg
                && (is_server || name == GATEWAY_SUBNET)
            {
                let says = format!(
                    "{name} of {} has security group `{}`",
                    region.name.value, nsg.value
                );
                reports.push(rule.report(&[nsg.why.span()], says));
            }
            let Some(table) = &subnet.route_table else {
                continue;
            };
            let kept_out = region.route_tables.iter().any(|(known, config)| {
                known.value == table.value && config.disable_bgp_propagation
            });
            if is_server || (name == GATEWAY_SUBNET && kept_out) {
                let says = format!(
                    "{name} of {} has route table `{}`",
                    region.name.value, table.value
                );
                reports.push(rule.report(&[table.why.span()], says));
            }
        }
    }
}
