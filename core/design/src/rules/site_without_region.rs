//! Sites whose home region does not follow from anything.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "site-without-region",
    severity: Severity::Error,
    says: "A site has no home region.",
    because: "a site reaches the network through the hubs of its home region",
    try_this: "give the site coordinates, a city or a region that it is near, or name its `home`",
    source: sources::SDWAN,
    passing: "longhaul: 1
name: d
regions: {westeurope: {}}
sites: [{name: paris, city: Paris}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {}}
sites: [{name: paris}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for site in &settled.sites {
        // A home that is named but not there, and a city that is not known, have their own report.
        let reported = site.home_written || site.place_written || site.underlays.is_empty();
        if site.home.is_none() && !reported {
            let says = format!("site {} has no home region", site.name.value);
            reports.push(rule.report(&[site.name.why.span()], says));
        }
    }
}
