//! Announcements of NVAs that the platform's own routes go before.

use inet::Prefix;

use crate::plan::UserNextHop;
use crate::settle::Region;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "announcement-not-programmed",
    severity: Severity::Error,
    says: "NVAs announce a prefix for which VNets keep their own routes.",
    because: "routes to a VNet's own and its peers' address space go before BGP routes, even before \
              longer ones: a prefix that equals a VNet's or lies inside is not programmed at all, and \
              one around it does not draw traffic between VNets",
    try_this: "steer traffic between VNets with user routes to the NVAs",
    source: sources::INJECTION,
    passing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {originate: [192.168.0.0/16]}, hub: {address_space: 10.1.0.0/20}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {originate: [10.1.0.0/21]}, hub: {address_space: 10.1.0.0/20}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in settled
        .regions
        .iter()
        .filter(|region| region.route_server.is_some())
    {
        for prefix in &region.nvas.originate {
            let at = [prefix.why.span(), region.name.why.span()];
            let spaces = region.vnets().flat_map(|vnet| {
                let spaces = vnet.space.value.iter();
                spaces.map(move |space| (vnet, *space))
            });
            for (vnet, space) in spaces {
                if space.covers(prefix.value) {
                    let says = format!(
                        "{} is not programmed: it lies in the address space of {} ({space})",
                        prefix.value, vnet.name.value
                    );
                    reports.push(rule.report(&at, says));
                } else if prefix.value.covers(space)
                    && prefix.value.len() > 0
                    && !steered(region, prefix.value)
                {
                    let says = format!(
                        "{} does not draw traffic to {} ({space}) through the NVAs",
                        prefix.value, vnet.name.value
                    );
                    let mut report = rule.report(&at, says);
                    report.severity = Severity::Warning;
                    reports.push(report);
                }
            }
        }
    }
}

/// Whether a user route of the region leads a prefix to an appliance.
fn steered(region: &Region, prefix: Prefix) -> bool {
    let mut routes = region
        .route_tables
        .iter()
        .flat_map(|(_, table)| &table.routes);
    routes.any(|route| {
        let leads = matches!(route.next_hop, UserNextHop::VirtualAppliance(_));
        leads && (route.prefix.covers(prefix) || prefix.covers(route.prefix))
    })
}
