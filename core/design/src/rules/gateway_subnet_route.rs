//! User routes of GatewaySubnet that cut the gateway off.

use crate::plan::UserNextHop;
use crate::settle::vnets::{GATEWAY_SUBNET, ROUTE_SERVER_SUBNET};

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "gateway-subnet-route",
    severity: Severity::Error,
    says: "A user route of GatewaySubnet takes the gateway's traffic with Route Server elsewhere.",
    because: "the gateway speaks BGP with Route Server: a user route that covers RouteServerSubnet sends \
              these packets to its next hop, and the sessions go down; a default route is not taken at \
              all",
    try_this: "give the table a route for RouteServerSubnet with the next hop VnetLocal, and no default route",
    source: sources::EXPRESS_ROUTE_VPN,
    passing: "longhaul: 1
name: d
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20, subnets: {GatewaySubnet: {route_table: gw}, RouteServerSubnet: 10.1.1.0/26}}
    route_tables: {gw: {routes: [{prefix: 10.1.0.0/20, next_hop: 10.1.0.4}, {prefix: 10.1.1.0/26, next_hop: VnetLocal}]}}
",
    failing: "longhaul: 1
name: d
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20, subnets: {GatewaySubnet: {route_table: gw}, RouteServerSubnet: 10.1.1.0/26}}
    route_tables: {gw: {routes: [{prefix: 10.1.0.0/20, next_hop: 10.1.0.4}]}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let name = &region.name.value;
        let Some((at, table)) = region.table_of(GATEWAY_SUBNET) else {
            continue;
        };
        if table.routes.iter().any(|route| route.prefix.len() == 0) {
            let says = format!("GatewaySubnet of {name} has a user route 0.0.0.0/0");
            reports.push(rule.report(&[at], says));
        }
        let Some(server) = region.hub.subnet_named(ROUTE_SERVER_SUBNET) else {
            continue;
        };
        let over = table.routes.iter();
        let over = over.filter(|route| route.prefix.covers(server.prefix.value));
        let taken = over.max_by_key(|route| route.prefix.len());
        if let Some(route) = taken
            && route.next_hop != UserNextHop::VnetLocal
            && region.route_server.is_some()
        {
            let says = format!(
                "user route {} of GatewaySubnet of {name} covers RouteServerSubnet ({})",
                route.prefix, server.prefix.value
            );
            let report = rule.report(&[at], says);
            reports.push(report.also(server.prefix.why.span(), "RouteServerSubnet"));
        }
    }
}
