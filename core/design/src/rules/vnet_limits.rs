//! VNets with more peerings or subnets than the platform allows, and too many of them.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "vnet-limits",
    severity: Severity::Error,
    says: "A region has more VNets, peerings, subnets or route tables than the platform allows.",
    because: "the platform refuses what is over its limits of a VNet and of a subscription in a region",
    try_this: "spread the spokes over a second hub-and-spoke network in the region, as `NAME: {region: \
              ...}`, or over more subscriptions",
    source: sources::LIMITS,
    passing: "longhaul: 1
name: d
platform: {vnet: {peerings: 2}}
regions: {westeurope: {spokes: {a: {}, b: {}}}}
",
    failing: "longhaul: 1
name: d
platform: {vnet: {peerings: 1}}
regions: {westeurope: {spokes: {a: {}, b: {}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let limits = &settled.platform.numbers.vnet;
    for region in &settled.regions {
        let server = region.route_server.is_some();
        let around = match settled.platform.limits.vnets as usize {
            0 => usize::MAX,
            limit => limit,
        };
        let nsgs = region.nsgs.len();
        let counted = [
            (
                region.spokes.len(),
                "peerings of its hub",
                limits.peerings as usize,
            ),
            (
                region.spokes.len() + 1,
                "VNets",
                limits.per_subscription as usize,
            ),
            (
                region.route_tables.len(),
                "route tables",
                limits.route_tables as usize,
            ),
            (nsgs, "security groups", limits.nsgs as usize),
            (
                if server { region.spokes.len() + 1 } else { 0 },
                "VNets around its Route Server",
                around,
            ),
        ];
        for (count, what, limit) in counted {
            if count > limit {
                let says = format!(
                    "{} has {count} {what}; the platform allows {limit}",
                    region.name.value
                );
                reports.push(rule.report(&[region.name.why.span()], says));
            }
        }
        for vnet in region.vnets() {
            let (count, limit) = (vnet.subnets.len(), limits.subnets as usize);
            if count > limit {
                let says = format!(
                    "{} has {count} subnets; a VNet has {limit} at most",
                    vnet.name.value
                );
                reports.push(rule.report(&[vnet.name.why.span()], says));
            }
        }
    }
}
