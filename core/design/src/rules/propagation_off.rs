//! Route tables that keep the routes of sites out of subnets with VMs.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "propagation-off",
    severity: Severity::Warning,
    says: "A subnet with VMs has no routes to the sites.",
    because: "a route table that keeps BGP routes out keeps out those of gateways and of Route Server \
              alike: there is no way to keep out only one",
    try_this: "let the routes in, or give the table user routes to the sites by way of the NVAs",
    source: sources::USER_ROUTES,
    passing: "longhaul: 1
name: d
regions:
  westeurope:
    spokes: {spoke1: {subnets: {default: {route_table: own}}, vms: 1}}
    route_tables: {own: {disable_bgp_propagation: true, routes: [{prefix: 10.0.0.0/8, next_hop: 10.1.0.4}]}}
sites: [{name: paris, city: Paris, lans: [10.200.1.0/24]}]
",
    failing: "longhaul: 1
name: d
regions:
  westeurope:
    spokes: {spoke1: {subnets: {default: {route_table: own}}, vms: 1}}
    route_tables: {own: {disable_bgp_propagation: true}}
sites: [{name: paris, city: Paris, lans: [10.200.1.0/24]}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let lans = || settled.sites.iter().flat_map(|site| &site.lans);
    for region in &settled.regions {
        for vnet in region.vnets().filter(|vnet| vnet.vms.value > 0) {
            let subnet = crate::settle::vnets::workload_subnet(vnet);
            let Some(used) = subnet.and_then(|subnet| subnet.route_table.as_ref()) else {
                continue;
            };
            let Some(table) = region.table(&used.value) else {
                continue;
            };
            let has = |lan: &crate::settle::Lan| {
                let mut routes = table.routes.iter();
                routes.any(|route| route.prefix.covers(lan.prefix.value))
            };
            let without = lans().filter(|lan| !has(lan)).count();
            if table.disable_bgp_propagation && without > 0 {
                let says = format!(
                    "VMs of {} have no route to {without} LANs: route table `{}` keeps BGP routes out",
                    vnet.name.value, used.value
                );
                reports.push(rule.report(&[used.why.span()], says));
            }
        }
    }
}
