//! Sites whose home or backup region none of their underlays reaches.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "unreachable-region",
    severity: Severity::Error,
    says: "No underlay of a site reaches its home or backup region.",
    because: "a tunnel needs an underlay that both of its ends are on",
    try_this: "name a region that the underlay reaches, or add an underlay such as the internet",
    source: sources::ER_PEERINGS,
    passing: "longhaul: 1
name: d
regions: {westeurope: {}, eastus: {}}
underlays: {mpls: {regions: [westeurope]}}
sites: [{name: paris, city: Paris, underlays: [mpls, internet], backup: eastus}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {}, eastus: {}}
underlays: {mpls: {regions: [westeurope]}}
sites: [{name: paris, city: Paris, underlays: [mpls], backup: eastus}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for site in &settled.sites {
        let reaches = |region| {
            site.underlays
                .iter()
                .any(|link| link.reaches(&settled.underlays, region))
        };
        for (what, region) in [("home", &site.home), ("backup", &site.backup)] {
            let Some(region) = region.as_ref().filter(|region| !reaches(region.value)) else {
                continue;
            };
            let name = &settled.regions[region.value].name.value;
            let says = format!(
                "no underlay of site {} reaches its {what} region {name}",
                site.name.value
            );
            reports.push(rule.report(&[region.why.span(), site.name.why.span()], says));
        }
        if site.home.is_none()
            && site.place_written
            && !site.home_written
            && !site.underlays.is_empty()
            && site.place.is_some()
        {
            let says = format!("no underlay of site {} reaches any region", site.name.value);
            reports.push(rule.report(&[site.name.why.span()], says));
        }
    }
}
