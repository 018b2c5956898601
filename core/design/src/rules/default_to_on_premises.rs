//! A default route of NVAs that on-premises routers get.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "default-to-on-premises",
    severity: Severity::Warning,
    says: "On-premises networks get the default route of the NVAs over ExpressRoute.",
    because: "with branch-to-branch the gateway announces what Route Server has, a default route \
              included: traffic of on-premises networks to the internet leaves through Azure",
    try_this: "turn branch-to-branch off, keep the default out with an outbound route map of the \
              ExpressRoute connection, or waive this if it is meant",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: 
  westeurope:
    express_route: true
    route_server: {branch_to_branch: true}
    nvas: {originate: [0.0.0.0/0]}
    hub: {subnets: {nva: {route_table: out}}}
    route_tables: {out: {routes: [{prefix: 0.0.0.0/0, next_hop: Internet}]}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for (index, region) in settled.regions.iter().enumerate() {
        let default = region.nvas.announced_default();
        let Some(default) = default.filter(|_| region.branch_to_branch()) else {
            continue;
        };
        let outbound = region.route_server.as_ref();
        let outbound =
            outbound.and_then(|server| server.route_maps.express_route.outbound.as_ref());
        let names = settled
            .circuits
            .iter()
            .filter(|circuit| circuit.connects(index));
        let names: Vec<&str> = names.map(|circuit| circuit.name.value.as_str()).collect();
        if !names.is_empty() && outbound.is_none() {
            let says = format!(
                "the NVAs' 0.0.0.0/0 of {} goes on-premises over {}",
                region.name.value,
                names.join(", ")
            );
            reports.push(rule.report(&[default.why.span(), region.name.why.span()], says));
        }
    }
}
