//! User routes to appliances that are not there.

use crate::plan::UserNextHop;

use super::{Rule, sources};
use crate::model::HubToHub;
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "user-route-next-hop",
    severity: Severity::Error,
    says: "The next hop of a user route is not within reach.",
    because: "the platform looks for a next hop in the subnet's VNet and in those peered with it, and \
              nowhere else: packets to another one are dropped",
    try_this: "name an address of the same VNet or of its hub",
    source: sources::USER_ROUTES,
    passing: "longhaul: 1
name: d
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    route_tables: {own: {routes: [{prefix: 10.9.0.0/24, next_hop: 10.1.0.4}]}}
",
    failing: "longhaul: 1
name: d
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    route_tables: {own: {routes: [{prefix: 10.9.0.0/24, next_hop: 10.2.0.4}]}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let mut spaces: Vec<&inet::Prefix> = Vec::new();
        for vnet in region.vnets() {
            spaces.extend(&vnet.space.value);
        }
        // Hubs are peered with each other where their NVAs do without tunnels.
        if settled.overlay.hub_to_hub.value == HubToHub::Plain {
            let hubs = settled.regions.iter().map(|region| &region.hub);
            spaces.extend(hubs.flat_map(|hub| &hub.space.value));
        }
        for (name, table) in &region.route_tables {
            for route in &table.routes {
                let UserNextHop::VirtualAppliance(address) = route.next_hop else {
                    continue;
                };
                let host = inet::Prefix::host(address);
                if !spaces.iter().any(|space| space.covers(host)) {
                    let says = format!(
                        "user route {} of `{}` leads to {address}, which is in no VNet of {}",
                        route.prefix, name.value, region.name.value
                    );
                    reports.push(rule.report(&[name.why.span()], says));
                }
            }
        }
    }
}
