//! Traffic between hubs without encapsulation.

use inet::Prefix;

use crate::model::HubToHub;
use crate::settle::vnets::NVA_SUBNET;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "hub-to-hub-plain",
    severity: Severity::Error,
    says: "NVAs of different regions reach each other without encapsulation.",
    because: "Route Server programs the other region's prefixes with the NVA as next hop into the NVA's \
              own subnet too: what an NVA sends on comes back to it",
    try_this: "use tunnels (`hub_to_hub: tunnel`), or give the NVA subnets a route table that keeps BGP \
              routes out and has user routes to the other regions' NVAs",
    source: sources::MULTI_REGION,
    passing: "longhaul: 1
name: d
regions: {westeurope: {}, eastus: {}}
",
    failing: "longhaul: 1
name: d
overlay: {hub_to_hub: plain}
regions: {westeurope: {}, eastus: {}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let how = &settled.overlay.hub_to_hub;
    if how.value != HubToHub::Plain {
        return;
    }
    for region in settled
        .regions
        .iter()
        .filter(|region| region.route_server.is_some())
    {
        let others = settled
            .regions
            .iter()
            .filter(|other| other.number != region.number);
        let spaces = others
            .flat_map(|other| other.vnets())
            .flat_map(|vnet| &vnet.space.value);
        let table = region.table_of(NVA_SUBNET).map(|(_, table)| table);
        let table = table.filter(|table| table.disable_bgp_propagation);
        let led = |space: &Prefix| {
            let mut routes = table.iter().flat_map(|table| &table.routes);
            routes.any(|route| route.prefix.covers(*space))
        };
        let looping = spaces.filter(|space| !led(space)).count();
        if looping > 0 {
            let says = format!(
                "packets of the NVAs of {} to {looping} prefixes of other regions come back to them",
                region.name.value
            );
            reports.push(rule.report(&[how.why.span(), region.name.why.span()], says));
        }
    }
}
