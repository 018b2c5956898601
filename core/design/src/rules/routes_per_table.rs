//! Route tables with more routes than the platform allows.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "routes-per-table",
    severity: Severity::Error,
    says: "A route table has more routes than the platform allows.",
    because: "the platform refuses further routes: 400 until 2026, 1,000 since then",
    try_this: "put routes together, or let Route Server give them to the subnets",
    source: sources::USER_ROUTES,
    passing: "longhaul: 1
name: d
platform: {vnet: {routes_per_table: 2}}
regions: {westeurope: {route_tables: {own: {routes: [{prefix: 10.9.0.0/24, next_hop: None}, {prefix: 10.9.1.0/24, next_hop: None}]}}}}
",
    failing: "longhaul: 1
name: d
platform: {vnet: {routes_per_table: 1}}
regions: {westeurope: {route_tables: {own: {routes: [{prefix: 10.9.0.0/24, next_hop: None}, {prefix: 10.9.1.0/24, next_hop: None}]}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let limit = settled.platform.numbers.vnet.routes_per_table as usize;
    for region in &settled.regions {
        for (name, table) in &region.route_tables {
            let routes = table.routes.len();
            if routes > limit {
                let says = format!(
                    "route table `{}` of {} has {routes} routes; a table has {limit} at most",
                    name.value, region.name.value
                );
                reports.push(rule.report(&[name.why.span()], says));
            }
        }
    }
}
