//! Branch-to-branch where ExpressRoute is only the underlay.

use std::collections::BTreeSet;

use crate::model::UnderlayKind;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "branch-to-branch-underlay",
    severity: Severity::Error,
    says: "Branch-to-branch is on where ExpressRoute private peering carries the tunnels.",
    because: "the NVAs' routes to sites would be announced over ExpressRoute too: sites would reach each \
              other, and Azure, around the tunnels",
    try_this: "turn branch-to-branch off",
    source: sources::SDWAN,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
underlays: {er: {kind: private-peering}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}, underlays: [{name: er, via: core}]}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true, route_server: {branch_to_branch: true}}}
underlays: {er: {kind: private-peering}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}, underlays: [{name: er, via: core}]}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let private =
        |index: usize| settled.underlays[index].kind.value == UnderlayKind::PrivatePeering;
    let links = settled.sites.iter().flat_map(|site| &site.underlays);
    let links = links.filter(|link| private(link.underlay));
    let circuits: BTreeSet<usize> = links
        .filter_map(|link| link.via.as_ref())
        .flat_map(|via| via.circuits.iter().copied())
        .collect();
    for (index, region) in settled.regions.iter().enumerate() {
        let carries = circuits
            .iter()
            .find(|circuit| settled.circuits[**circuit].connects(index));
        if let (Some(circuit), Some(server)) = (carries, &region.route_server)
            && server.branch_to_branch.value
        {
            let circuit = &settled.circuits[*circuit];
            let says = format!(
                "{} has branch-to-branch on, and circuit {} carries tunnels to it",
                region.name.value, circuit.name.value
            );
            let at = [server.branch_to_branch.why.span(), region.name.why.span()];
            reports.push(
                rule.report(&at, says)
                    .also(circuit.name.why.span(), "the circuit"),
            );
        }
    }
}
