//! A default route that NVAs announce and then follow themselves.

use crate::plan::UserNextHop;
use crate::settle::vnets::NVA_SUBNET;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "default-route-loop",
    severity: Severity::Error,
    says: "NVAs announce a default route that leads them to themselves.",
    because: "Route Server programs it into the NVA subnet as well: the tunnels of the NVAs, and whatever \
              they send to the internet, come back to them until their TTL ends",
    try_this: "give the NVA subnet a route table with 0.0.0.0/0 to Internet, or one that keeps BGP routes out",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions:
  westeurope:
    nvas: {originate: [0.0.0.0/0]}
    hub: {subnets: {nva: {route_table: out}}}
    route_tables: {out: {routes: [{prefix: 0.0.0.0/0, next_hop: Internet}]}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {originate: [0.0.0.0/0]}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in settled
        .regions
        .iter()
        .filter(|region| region.route_server.is_some())
    {
        let Some(default) = region.nvas.announced_default() else {
            continue;
        };
        let table = region.table_of(NVA_SUBNET).map(|(_, table)| table);
        let leaves = table.is_some_and(|table| {
            let mut routes = table.routes.iter();
            table.disable_bgp_propagation
                || routes
                    .any(|route| route.prefix.len() == 0 && route.next_hop == UserNextHop::Internet)
        });
        if !leaves {
            let says = format!(
                "NVAs of {} announce 0.0.0.0/0, and their own subnet takes it",
                region.name.value
            );
            reports.push(rule.report(&[default.why.span(), region.name.why.span()], says));
        }
    }
}
