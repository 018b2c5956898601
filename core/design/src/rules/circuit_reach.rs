//! Circuits that are connected further than their SKU reaches.

use inet::Coordinates;

use crate::geography;
use crate::platform::CircuitSku;
use crate::report::{Report, Severity};
use crate::settle::{Circuit, Settled};

use super::{Rule, sources};

pub(super) static RULE: Rule = Rule {
    id: "circuit-reach",
    severity: Severity::Error,
    says: "A circuit is connected to a region, or joined with a circuit, that its SKU does not reach.",
    because: "a standard circuit reaches the regions of its own geopolitical region, a local one those beside \
              its peering location; across geopolitical regions connections and Global Reach need premium",
    try_this: "make it `sku: premium`, or connect the region by a circuit of its own part of the world",
    source: sources::ER_LOCATIONS,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}, eastus: {express_route: true}}
circuits: {ams: {sku: premium, customer: core.paris, connections: [westeurope, eastus]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}, eastus: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope, eastus]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

/// How far a region is from a peering location at most whose local circuits reach it, metres.
/// Microsoft publishes pairs of names; the furthest of them, Washington and Virginia, are nearer.
const LOCAL_M: u32 = 300_000;

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    // Where a customer is not known there is another finding, and no place to measure from.
    let placed = |circuit: &&Circuit| circuit.location.value != Coordinates::default();
    for circuit in settled.circuits.iter().filter(placed) {
        connections(rule, settled, circuit, reports);
        for other in &circuit.global_reach {
            let far = &settled.circuits[other.value];
            if !placed(&far) {
                continue;
            }
            let (here, there) = (home(circuit), home(far));
            let lower = [circuit, far]
                .into_iter()
                .find(|circuit| circuit.sku.value != CircuitSku::Premium);
            if let (Some(lower), true) = (lower, here != there) {
                let says = format!(
                    "circuits {} ({here}) and {} ({there}) are joined by Global Reach, and {} is not premium",
                    circuit.name.value, far.name.value, lower.name.value
                );
                let places = [lower.sku.why.span(), other.why.span()];
                let report = rule.report(&places, says);
                reports.push(report.also(other.why.span(), "joined here"));
            }
        }
    }
}

fn connections(rule: &Rule, settled: &Settled, circuit: &Circuit, reports: &mut Vec<Report>) {
    let (name, place) = (&circuit.name.value, circuit.location.value);
    for connection in &circuit.connections {
        let region = &settled.regions[connection.region.value];
        // A region that the table lacks has coordinates of its own.
        let there = geography::geopolitical(&region.azure.value)
            .unwrap_or_else(|| geography::geopolitical_around(region.place.value));
        let says = match circuit.sku.value {
            CircuitSku::Premium => continue,
            CircuitSku::Standard if home(circuit) == there => continue,
            CircuitSku::Standard => format!(
                "{} is in {there}, and the standard circuit {name} ends in {}",
                region.name.value,
                home(circuit)
            ),
            CircuitSku::Local => {
                let away = geography::distance_m(place, region.place.value);
                if away <= LOCAL_M {
                    continue;
                }
                format!(
                    "{} is {} km from where the local circuit {name} ends",
                    region.name.value,
                    away / 1_000
                )
            }
        };
        let report = rule.report(&[connection.region.why.span()], says);
        reports.push(report.also(circuit.sku.why.span(), "the SKU"));
    }
}

/// The geopolitical region that a circuit ends in.
fn home(circuit: &Circuit) -> &'static str {
    geography::geopolitical_around(circuit.location.value)
}
