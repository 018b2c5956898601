//! Gateways that are smaller than what they connect.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "gateway-capacity",
    severity: Severity::Warning,
    says: "An ExpressRoute gateway is smaller than what it connects.",
    because: "packets from on-premises networks pass the gateway, which drops what is over its figures; \
              beyond its number of VMs and flows it is not sure to work",
    try_this: "take a larger SKU or more units, or FastPath where the SKU has it",
    source: sources::ER_GATEWAYS,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, bandwidth: 10gbit, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for (index, region) in settled.regions.iter().enumerate() {
        let Some(gateway) = &region.express_route else {
            continue;
        };
        let has = settled.platform.numbers.gateway_capacity(gateway.sku.value);
        let at = [
            gateway.sku.why.span(),
            gateway.why.span(),
            region.name.why.span(),
        ];
        let slow = settled.circuits.iter().filter(|circuit| {
            let mut connections = circuit.connections.iter();
            connections.any(|to| to.region.value == index && !to.fast_path.value)
        });
        let mbps: u64 = slow.map(|circuit| circuit.rate_bps.value / 1_000_000).sum();
        if mbps > u64::from(has.mbps) {
            let says = format!(
                "circuits of {mbps} Mb/s end at the gateway of {}, which carries {} Mb/s",
                region.name.value, has.mbps
            );
            reports.push(rule.report(&at, says));
        }
        let vms: u32 = region.vnets().map(|vnet| vnet.vms.value).sum();
        if vms > has.vms {
            let says = format!(
                "{vms} VMs are behind the gateway of {}, which is made for {}",
                region.name.value, has.vms
            );
            reports.push(rule.report(&at, says));
        }
    }
}
