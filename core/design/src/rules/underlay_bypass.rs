//! Routers that let traffic to Azure go around the tunnels.

use std::collections::BTreeSet;

use inet::Prefix;

use super::edges::{self, Edge};
use crate::model::UnderlayKind;
use crate::report::Span;
use crate::settle::vnets::{NVA_SUBNET, workload_subnet};
use crate::settle::{RouterAt, Site, Val};

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "underlay-bypass",
    severity: Severity::Error,
    says: "The router before an underlay takes routes by which traffic goes around the tunnels.",
    because: "over private peering the MSEEs announce the VNets' prefixes: a router that takes more of \
              them than the way to the NVAs sends the site's packets to VMs straight over the circuit, \
              unencrypted and past the overlay's policies; one that takes less has no underlay",
    try_this: "let the import filter towards the circuit take the prefixes of the hubs, in which the NVAs \
              are, and nothing else",
    source: sources::SDWAN,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
underlays: {er: {kind: private-peering}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}, underlays: [{name: er, via: core}]}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true, spokes: {spoke1: {vms: 1}}}}
underlays: {er: {kind: private-peering}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050, circuits: {ams: {import: accept}}}}, underlays: [{name: er, via: core}]}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let over_peering = |site: &Site| {
        site.underlays.iter().any(|link| {
            let kind = settled.underlays[link.underlay].kind.value;
            link.via.is_some() && kind == UnderlayKind::PrivatePeering
        })
    };
    if !settled.sites.iter().any(over_peering) {
        return;
    }
    let elsewhere = Elsewhere::of(settled);
    for edge in edges::of(settled) {
        let RouterAt::Site { site, router } = edge.router else {
            continue;
        };
        let site = &settled.sites[site];
        let carries = site.underlays.iter().any(|link| {
            let private =
                settled.underlays[link.underlay].kind.value == UnderlayKind::PrivatePeering;
            let via = link.via.as_ref().filter(|_| private);
            via.is_some_and(|via| {
                via.router.value == router && via.circuits.contains(&edge.circuit)
            })
        });
        if carries {
            judge(rule, settled, &elsewhere, (&edge, site), reports);
        }
    }
}

fn judge(
    rule: &Rule,
    settled: &Settled,
    elsewhere: &Elsewhere,
    (edge, site): (&Edge, &Site),
    reports: &mut Vec<Report>,
) {
    let circuit = &settled.circuits[edge.circuit];
    let name = &circuit.name.value;
    let taken: BTreeSet<Prefix> = edge.taken().collect();
    let at = |written: Option<Span>| [written, circuit.name.why.span()];
    let bypassing: Vec<String> = taken
        .iter()
        .filter(|prefix| elsewhere.is_at(**prefix))
        .map(ToString::to_string)
        .collect();
    if edge.is_hosts_gateway(settled) && !bypassing.is_empty() {
        let says = format!(
            "{} takes {} from circuit {name}: traffic of {} to there bypasses the tunnels",
            edge.name,
            bypassing.join(", "),
            site.name.value
        );
        reports.push(rule.report(&at(edge.import), says));
    }
    let unreached: Vec<&str> = edge
        .nvas
        .iter()
        .filter(|(_, address)| !taken.iter().any(|prefix| prefix.contains(*address)))
        .map(|(nva, _)| nva.as_str())
        .collect();
    let summarized = hidden_hub(settled, edge.circuit);
    if let (false, Some((gateway, summary))) = (unreached.is_empty(), summarized) {
        let says = format!(
            "the gateway of {gateway} announces {} in place of its hub: {} takes no route to {} from circuit {name}",
            summary.value,
            edge.name,
            unreached.join(", ")
        );
        let because = "a summary that covers the hub hides the way to the NVAs among what tunnels are to carry";
        let advice = "let `summarized` cover spokes only";
        let report = rule.report(&[summary.why.span()], says);
        reports.push(report.because(because).try_this(advice));
    } else if !unreached.is_empty() {
        let says = format!(
            "{} takes no route to {} from circuit {name}: no tunnel comes up over it",
            edge.name,
            unreached.join(", ")
        );
        reports.push(rule.report(&at(edge.import), says));
    }
    let told: Vec<String> = site
        .lans
        .iter()
        .map(|lan| lan.prefix.value)
        .filter(|lan| edge.tells(*lan).is_some())
        .map(|lan| lan.to_string())
        .collect();
    if !told.is_empty() {
        let says = format!(
            "{} announces {} to circuit {name}: what VMs send to {} bypasses the tunnels",
            edge.name,
            told.join(", "),
            site.name.value
        );
        reports.push(rule.report(&at(edge.export), says));
    }
}

/// A summary that a gateway on a circuit announces in place of its hub, with the region.
fn hidden_hub(settled: &Settled, circuit: usize) -> Option<(&str, &Val<Prefix>)> {
    let connections = settled.circuits[circuit].connections.iter();
    connections
        .map(|connection| &settled.regions[connection.region.value])
        .find_map(|region| {
            let mut summaries = region.express_route.as_ref()?.summarized.iter();
            let nvas = region.hub.subnet(NVA_SUBNET)?;
            let hub = region
                .hub
                .space
                .value
                .iter()
                .find(|space| space.covers(nvas))?;
            let summary = summaries.find(|summary| summary.value.covers(*hub))?;
            Some((region.name.value.as_str(), summary))
        })
}

/// What is not to be reached by an underlay: spokes, VMs in hubs, LANs of sites.
struct Elsewhere {
    vnets: Vec<Prefix>,
    /// None of them overlaps another one; where they do, that has a rule of its own.
    lans: BTreeSet<Prefix>,
}

impl Elsewhere {
    fn of(settled: &Settled) -> Self {
        let spokes = settled.regions.iter().flat_map(|region| &region.spokes);
        let spokes = spokes.flat_map(|vnet| vnet.space.value.iter().copied());
        let hubs = settled.regions.iter().map(|region| &region.hub);
        let of_hubs = hubs
            .filter(|hub| hub.vms.value > 0)
            .filter_map(workload_subnet)
            .map(|subnet| subnet.prefix.value);
        let lans = settled.sites.iter().flat_map(|site| &site.lans);
        Self {
            vnets: spokes.chain(of_hubs).collect(),
            lans: lans.map(|lan| lan.prefix.value).collect(),
        }
    }

    /// Whether a prefix leads there.
    fn is_at(&self, prefix: Prefix) -> bool {
        let last = Prefix::host(prefix.last());
        let lan = self.lans.range(..=last).next_back();
        self.vnets.iter().any(|vnet| vnet.overlaps(prefix))
            || lan.is_some_and(|lan| lan.overlaps(prefix))
    }
}
