//! More VMs than a Route Server is sure to program.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "vms-per-route-server",
    severity: Severity::Warning,
    says: "A Route Server has more VMs than it is sure to program.",
    because: "the VMs of the hub and of all VNets peered with it count; beyond the limit it is not \
              certain which of them get the routes",
    try_this: "give Route Server more infrastructure units (about 0.10 USD an hour each, growing takes up \
              to 25 minutes), or put spokes behind a second hub-and-spoke network in the region, as \
              `NAME: {region: ...}`",
    source: sources::CAPACITY,
    passing: "longhaul: 1
name: d
regions: {westeurope: {spokes: {spoke1: {vms: 4}}}}
",
    failing: "longhaul: 1
name: d
platform: {vms: 3}
regions: {westeurope: {spokes: {spoke1: {vms: 4}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let Some(server) = &region.route_server else {
            continue;
        };
        let limits = &settled.platform.numbers.route_server;
        let limit = limits.vms_with(server.units.value);
        let in_vnets: u32 = region.vnets().map(|vnet| vnet.vms.value).sum();
        let vms = in_vnets + region.nvas.count.value;
        if vms > limit && settled.platform.limits.vms > 0 {
            let says = format!(
                "Route Server of {} has {vms} VMs; with {} units it is sure to program {limit}",
                region.name.value, server.units.value
            );
            let at = [server.units.why.span(), region.name.why.span()];
            reports.push(rule.report(&at, says));
        }
    }
}
