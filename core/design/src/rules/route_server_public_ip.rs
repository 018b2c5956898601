//! The public address of a Route Server.

use crate::model::{Allocation, PublicIpSku};

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "route-server-public-ip",
    severity: Severity::Error,
    says: "Route Server has a public address that the platform does not take.",
    because: "a Route Server is managed by a public address of SKU Standard that is assigned once and for \
              all; no traffic of yours passes it",
    try_this: "give it a Standard address with static allocation",
    source: sources::QUICKSTART,
    passing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {public_ip: {sku: standard, allocation: static}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {public_ip: {sku: basic}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let Some(address) = region.as_built.public_ip.as_ref() else {
            continue;
        };
        let name = &region.name.value;
        if let Some(at) = &address.value.sku
            && at.value == PublicIpSku::Basic
        {
            let says = format!("Route Server of {name} has a public address of SKU Basic");
            reports.push(rule.report(&[Some(at.span)], says));
        }
        if let Some(at) = &address.value.allocation
            && at.value == Allocation::Dynamic
        {
            let says = format!("the public address of Route Server of {name} is dynamic");
            reports.push(rule.report(&[Some(at.span)], says));
        }
    }
}
