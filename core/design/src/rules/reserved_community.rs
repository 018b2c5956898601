//! Routes of customers with the community by which the platform knows its own.

use super::edges;
use crate::plan::Community;
use crate::settle::RouterAt;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "reserved-community",
    severity: Severity::Error,
    says: "A router announces routes with community 65517:65517 over a circuit.",
    because: "gateways beside a Route Server drop routes with it: it marks what the NVAs of one VNet \
              announced over the circuit, so that those of another VNet do not get it back, nor learn it \
              that way at all",
    try_this: "remove the community in the router's export policy; let regions on one circuit learn each \
              other's sites from NVA to NVA",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050, circuits: {ams: {export: 'add community 65517:65517 accept'}}}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    if settled.circuits.is_empty() {
        return;
    }
    for edge in edges::of(settled) {
        let RouterAt::Site { site, .. } = edge.router else {
            continue;
        };
        let site = &settled.sites[site];
        let marked = site.lans.iter().find(|lan| {
            let told = edge.tells(lan.prefix.value);
            told.is_some_and(|told| told.communities.contains(&RESERVED.0))
        });
        if let Some(lan) = marked {
            let circuit = &settled.circuits[edge.circuit];
            let says = format!(
                "{} announces {} with {RESERVED} to circuit {}",
                edge.name, lan.prefix.value, circuit.name.value
            );
            reports.push(rule.report(&[edge.export, circuit.name.why.span()], says));
        }
    }
}

/// What gateways filter on.
const RESERVED: Community = Community::new(65_517, 65_517);
