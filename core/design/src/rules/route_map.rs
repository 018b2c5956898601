//! Route maps that the platform refuses, or that say what nobody obeys.

use crate::plan::{Community, RouteMapAction};

use super::reserved_asn::reserved;
use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "route-map",
    severity: Severity::Error,
    says: "A route map has AS numbers or communities that it must not have.",
    because: "route maps take 16-bit AS numbers, private and reserved ones must not be prepended, and \
              communities of the platform must stay",
    try_this: "prepend a public 16-bit AS number of yours, and remove only communities of your own",
    source: sources::ROUTE_MAPS,
    passing: "longhaul: 1
name: d
regions: {westeurope: {route_server: {route_maps: {m: {rules: [{prefix_equals: [0.0.0.0/0], drop: true}]}}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {route_server: {route_maps: {m: {rules: [{remove_community: ['65517:65517']}]}}}}}
",
    check,
};

/// Communities of the platform's own, which route maps must leave where they are.
const PLATFORM: [(u16, u16); 11] = [
    (65_517, 12_001),
    (65_517, 12_002),
    (65_517, 12_003),
    (65_517, 12_005),
    (65_517, 12_006),
    (65_517, 65_517),
    (65_518, 65_518),
    (65_517, 12_076),
    (65_518, 12_076),
    (65_515, 10_000),
    (65_515, 20_000),
];

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let Some(server) = &region.route_server else {
            continue;
        };
        let at = [region.route_server_why.span(), region.name.why.span()];
        for map in &server.route_maps.maps {
            let wrong = map
                .rules
                .iter()
                .flat_map(|rule| &rule.then)
                .filter_map(wrong);
            for (what, severity) in wrong {
                let says = format!("route map `{}` of {} {what}", map.name, region.name.value);
                let mut report = rule.report(&at, says);
                report.severity = severity;
                reports.push(report);
            }
        }
    }
}

/// What is wrong with an action.
fn wrong(action: &RouteMapAction) -> Option<(String, Severity)> {
    match action {
        RouteMapAction::AddAsPath(path) | RouteMapAction::ReplaceAsPath(path) => {
            let long = path.iter().find(|asn| !asn.is_two_octet());
            let reserved = path.iter().find_map(|asn| Some((asn, reserved(asn.0)?)));
            let private = path.iter().find(|asn| asn.is_private());
            let long = long.map(|asn| {
                let what = format!("has AS {}, which does not fit 16 bits", asn.0);
                (what, Severity::Error)
            });
            let reserved = reserved.map(|(asn, whose)| {
                let what = format!("puts AS {} into paths, which is reserved {whose}", asn.0);
                (what, Severity::Error)
            });
            long.or(reserved).or(private.map(|asn| {
                let what = format!("puts the private AS {} into paths", asn.0);
                (what, Severity::Warning)
            }))
        }
        RouteMapAction::RemoveCommunity(list) => {
            let own = |(high, low): &(u16, u16)| Community::new(*high, *low);
            let taken = PLATFORM.iter().map(own).find(|own| list.contains(own))?;
            let what = format!("removes {taken}, a community of the platform");
            Some((what, Severity::Error))
        }
        RouteMapAction::Drop
        | RouteMapAction::ReplacePrefix(_)
        | RouteMapAction::AddCommunity(_)
        | RouteMapAction::ReplaceCommunity(_) => None,
    }
}
