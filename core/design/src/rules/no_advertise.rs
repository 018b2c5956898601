//! Routes that a route map hides from everybody but the VNets.

use crate::plan::{Community, RouteMapAction};

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "no-advertise",
    severity: Severity::Warning,
    says: "A route map tags routes with NO_ADVERTISE although they are meant to go on.",
    because: "Route Server programs a route with 65535:65282 into VNets and gives it to nobody: neither \
              ExpressRoute nor VPN nor other NVAs get it, branch-to-branch or not",
    try_this: "tag only what is to stay in the region, or turn branch-to-branch off",
    source: sources::INJECTION,
    passing: "longhaul: 1
name: d
regions: {westeurope: {route_server: {route_maps: {m: {rules: [{add_community: ['65535:65282']}]}}, attach: {nvas: {inbound: m}}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {route_server: {branch_to_branch: true, route_maps: {m: {rules: [{add_community: ['65535:65282']}]}}, attach: {nvas: {inbound: m}}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let Some(server) = &region.route_server else {
            continue;
        };
        let attached = server.nva_maps.inbound.as_deref();
        let map = attached.and_then(|name| server.route_maps.map(name));
        let Some(map) = map.filter(|_| server.branch_to_branch.value) else {
            continue;
        };
        // A rule for some routes may be meant; one for all of them undoes branch-to-branch.
        let tags_all = map
            .rules
            .iter()
            .any(|rule| rule.when.is_empty() && rule.then.iter().any(is_tag));
        if tags_all {
            let says = format!(
                "route map `{}` keeps every route of the NVAs of {} from branches, and branch-to-branch is on",
                map.name, region.name.value
            );
            let at = [region.route_server_why.span(), region.name.why.span()];
            let report = rule.report(&at, says);
            reports.push(report.also(server.branch_to_branch.why.span(), "on here"));
        }
    }
}

fn is_tag(action: &RouteMapAction) -> bool {
    let tag = Community::new(65_535, 65_282);
    match action {
        RouteMapAction::AddCommunity(list) | RouteMapAction::ReplaceCommunity(list) => {
            list.contains(&tag)
        }
        _ => false,
    }
}
