//! More circuits at a gateway than it takes.

use std::collections::BTreeMap;

use crate::settle::vnets::GATEWAY_SUBNET;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "gateway-circuits",
    severity: Severity::Error,
    says: "A gateway has more circuits than it takes.",
    because: "the platform refuses further connections, and more than four circuits of one peering \
              location; 16 circuits need a GatewaySubnet of /26",
    try_this: "take a larger SKU or more units, circuits of other peering locations, or a larger \
              GatewaySubnet",
    source: sources::ER_GATEWAYS,
    passing: "longhaul: 1
name: d
platform: {ergw1az: {circuits: 1}}
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
platform: {ergw1az: {circuits: 1}}
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}, par: {location: Paris, customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let numbers = &settled.platform.numbers;
    for (index, region) in settled.regions.iter().enumerate() {
        let Some(gateway) = &region.express_route else {
            continue;
        };
        let circuits = settled
            .circuits
            .iter()
            .filter(|circuit| circuit.connects(index));
        let mut places = BTreeMap::new();
        for circuit in circuits {
            let place = circuit.location.value;
            *places
                .entry((place.latitude_udeg, place.longitude_udeg))
                .or_insert(0_u32) += 1;
        }
        let (count, most): (u32, u32) = (
            places.values().sum(),
            places.values().max().copied().unwrap_or(0),
        );
        let at = [
            gateway.sku.why.span(),
            gateway.why.span(),
            region.name.why.span(),
        ];
        let limit = numbers.gateway_limits(gateway.sku.value).circuits;
        let name = &region.name.value;
        if count > limit {
            let says = format!("the gateway of {name} has {count} circuits; its SKU takes {limit}");
            reports.push(rule.report(&at, says));
        }
        let same = numbers.express_route.same_location;
        if most > same {
            let says = format!(
                "the gateway of {name} has {most} circuits of one peering location; it takes {same}"
            );
            reports.push(rule.report(&at, says));
        }
        let Some(subnet) = region.hub.subnet_named(GATEWAY_SUBNET) else {
            continue;
        };
        let longest = numbers.gateway_subnet(count);
        if u32::from(subnet.prefix.value.len()) > longest {
            let says = format!(
                "GatewaySubnet of {name} is a /{}; with {count} circuits it has to be a /{longest} or larger",
                subnet.prefix.value.len()
            );
            reports.push(rule.report(&[subnet.prefix.why.span(), at[1], at[2]], says));
        }
    }
}
