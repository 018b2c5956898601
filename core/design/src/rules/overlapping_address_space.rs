//! Address space that is used twice: VNets, LANs, loopbacks, addresses on underlays.

use inet::Prefix;

use super::{Rule, sources};
use crate::report::{Report, Severity, Span};
use crate::settle::{Settled, Vnet};

pub(super) static RULE: Rule = Rule {
    id: "overlapping-address-space",
    severity: Severity::Error,
    says: "Two parts of the network use the same addresses.",
    because: "routes are told apart by prefix only: one of the two would not be reachable",
    try_this: "give one of them other addresses",
    source: sources::PEERING,
    passing: "longhaul: 1
name: d
regions: {westeurope: {hub: {address_space: 10.1.0.0/20}}}
sites: [{name: paris, city: Paris, lans: [10.200.1.0/24]}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {hub: {address_space: 10.1.0.0/20}}}
sites: [{name: paris, city: Paris, lans: [10.1.1.0/24]}]
",
    check,
};

/// A prefix in use: by whom, and where that is written.
struct Used {
    prefix: Prefix,
    by: String,
    at: Option<Span>,
}

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    among(rule, spaces(settled), reports);
    for vnet in settled.regions.iter().flat_map(|region| region.vnets()) {
        subnets(rule, vnet, reports);
    }
}

fn spaces(settled: &Settled) -> Vec<Used> {
    let overlay = &settled.overlay;
    let mut all = vec![Used {
        prefix: overlay.loopbacks.value,
        by: "the loopbacks".to_owned(),
        at: overlay.loopbacks.why.span(),
    }];
    let mut pool = |value: &crate::settle::Val<Prefix>, by: String| {
        all.push(Used {
            prefix: value.value,
            by,
            at: value.why.span(),
        });
    };
    pool(
        &overlay.pools.nva_public,
        "the NVAs' public addresses".to_owned(),
    );
    if settled
        .sites
        .iter()
        .flat_map(|site| &site.underlays)
        .any(|link| link.nat.is_some())
    {
        pool(
            &overlay.pools.behind_nat,
            "the addresses behind NAT".to_owned(),
        );
    }
    for underlay in &settled.underlays {
        pool(
            &underlay.addresses,
            format!("underlay {}", underlay.name.value),
        );
    }
    for vnet in settled.regions.iter().flat_map(|region| region.vnets()) {
        let at = vnet.space.why.span().or(vnet.name.why.span());
        let by = || format!("VNet {}", vnet.name.value);
        all.extend(vnet.space.value.iter().map(|prefix| Used {
            prefix: *prefix,
            by: by(),
            at,
        }));
    }
    for site in &settled.sites {
        all.extend(site.lans.iter().map(|lan| Used {
            prefix: lan.prefix.value,
            by: format!("a LAN of {}", site.name.value),
            at: lan.prefix.why.span().or(site.name.why.span()),
        }));
    }
    all
}

/// Reports each prefix that lies in another. Sorted, the enclosing one comes first, so that one
/// pass over a stack of open prefixes finds them.
fn among(rule: &Rule, mut all: Vec<Used>, reports: &mut Vec<Report>) {
    all.sort_by_key(|used| (used.prefix, used.at));
    let mut open: Vec<Used> = Vec::new();
    for used in all {
        while open
            .last()
            .is_some_and(|outer| !outer.prefix.covers(used.prefix))
        {
            open.pop();
        }
        if let Some(outer) = open.last() {
            let (first, second) = if outer.at <= used.at {
                (outer, &used)
            } else {
                (&used, outer)
            };
            let says = format!(
                "{} of {} and {} of {} overlap",
                second.prefix, second.by, first.prefix, first.by
            );
            let words = format!("{} here", first.prefix);
            let report = rule.report(&[second.at, first.at], says);
            reports.push(match second.at {
                Some(at) if Some(at) != first.at => report.also(first.at, words),
                _ => report,
            });
        }
        open.push(used);
    }
}

fn subnets(rule: &Rule, vnet: &Vnet, reports: &mut Vec<Report>) {
    for (index, subnet) in vnet.subnets.iter().enumerate() {
        let at = subnet.prefix.why.span();
        let name = &subnet.name.value;
        for other in &vnet.subnets[..index] {
            if other.prefix.value.overlaps(subnet.prefix.value) {
                let says = format!(
                    "subnets {name} and {} of {} overlap",
                    other.name.value, vnet.name.value
                );
                let report = rule.report(&[at, vnet.name.why.span()], says);
                reports.push(report.also(other.prefix.why.span(), "the other one"));
            }
        }
    }
}
