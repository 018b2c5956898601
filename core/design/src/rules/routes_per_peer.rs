//! More routes than a Route Server takes from one NVA, counted as the platform counts.

use std::collections::BTreeMap;

use super::counts::RouteCounts;
use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "routes-per-peer",
    severity: Severity::Error,
    says: "An NVA announces more routes than its Route Server takes.",
    because: "Route Server adds the routes it holds of a peer to those in an arriving update and drops the session over \
              the limit, so that announcing all of them again counts twice",
    try_this: "let the sites of a region share a prefix, or put some of them behind a second hub-and-spoke network in the \
               region, as `NAME: {region: ...}`",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
defaults: {region: {route_server: {routes_per_peer: 6}}}
regions: {westeurope: {}}
sites: [{name: paris, city: Paris, lans: [10.200.1.0/24, 10.200.2.0/24]}]
",
    failing: "longhaul: 1
name: d
defaults: {region: {route_server: {routes_per_peer: 5}}}
regions: {westeurope: {}}
sites: [{name: paris, city: Paris, lans: [10.200.1.0/24, 10.200.2.0/24]}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let counts = RouteCounts::of(settled);
    let lans = counts.of_sites();
    // One setting for many regions is one finding, about the region that has the most routes.
    let mut worst = BTreeMap::new();
    for (index, region) in settled.regions.iter().enumerate() {
        let Some(server) = &region.route_server else {
            continue;
        };
        let at = server.routes_per_peer.why.span().or(region.name.why.span());
        let routes = counts.of_nvas(index);
        let entry = worst.entry(at).or_insert((routes, index, server));
        if routes > entry.0 {
            *entry = (routes, index, server);
        }
    }
    for (at, (routes, index, server)) in worst {
        let limit = server.routes_per_peer.value as usize;
        let name = &settled.regions[index].name.value;
        let (others, own) = (counts.of_other_regions(index), counts.of_their_own(index));
        let counted = format!(
            "{routes} routes ({lans} of sites, {others} of other regions' VNets, {own} of its own)"
        );
        if routes > limit {
            let says =
                format!("each NVA of {name} announces {counted}; its Route Server takes {limit}");
            reports.push(rule.report(&[at], says));
        } else if routes * 2 > limit {
            let twice = routes * 2;
            let says = format!(
                "each NVA of {name} announces {counted}; announced again, they count {twice} of {limit}"
            );
            let mut report = rule.report(&[at], says);
            report.severity = Severity::Warning;
            reports.push(report);
        }
    }
}
