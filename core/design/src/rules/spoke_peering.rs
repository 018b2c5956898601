//! Peerings whose two halves do not fit, or that keep the routes or packets of sites out.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "spoke-peering",
    severity: Severity::Error,
    says: "The peering of a spoke with its hub does not do what the design needs.",
    because: "a spoke learns the routes of Route Server only if the hub allows gateway transit and the \
              spoke uses remote gateways; packets of sites come forwarded by NVAs; and a spoke of \
              Virtual WAN belongs to another hub",
    try_this: "set `hub_allow_gateway_transit`, `spoke_use_remote_gateways` and `allow_forwarded_traffic`",
    source: sources::PEERING,
    passing: "longhaul: 1
name: d
regions: {westeurope: {spokes: {spoke1: {peering: {spoke_use_remote_gateways: false}}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {spokes: {spoke1: {peering: {hub_allow_gateway_transit: false}}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        for vnet in &region.spokes {
            let (name, peering) = (&vnet.name.value, &vnet.peering);
            if peering.remote.value && !peering.transit.value {
                let at = [peering.transit.why.span(), peering.remote.why.span()];
                let says = format!("{name} uses the hub's gateways and the hub does not allow it");
                reports.push(rule.report(&at, says));
            }
            if peering.remote.value && !peering.forwarded.value {
                let says = format!("{name} drops what comes forwarded by NVAs of its hub");
                let mut report = rule.report(&[peering.forwarded.why.span()], says);
                report.severity = Severity::Warning;
                reports.push(report);
            }
        }
        let of_wan = region.as_built.virtual_wan_spokes.as_ref();
        for spoke in of_wan.iter().flat_map(|list| &list.value) {
            let vnet = region.spokes.iter().find(|vnet| vnet.short == spoke.value);
            if vnet.is_some_and(|vnet| vnet.peering.remote.value) {
                let says = format!(
                    "{} is a spoke of Virtual WAN and uses the gateways of {}",
                    spoke.value, region.name.value
                );
                let advice =
                    "a VNet has the gateways of one hub only: disconnect it from one of them";
                reports.push(rule.report(&[Some(spoke.span)], says).try_this(advice));
            }
        }
    }
}
