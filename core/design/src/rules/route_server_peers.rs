//! Route Servers with more BGP peers than the platform allows.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "route-server-peers",
    severity: Severity::Error,
    says: "A Route Server has more BGP peers than it takes.",
    because: "the platform refuses the ninth peer",
    try_this: "use fewer, larger NVAs in the region, or put some of the spokes behind a second hub-and-spoke network in it, as \
               `NAME: {region: ...}`",
    source: sources::FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {count: 7}, foreign: {bird1: {asn: 65020}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {count: 8}, foreign: {bird1: {asn: 65020}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let peers_max = settled.platform.numbers.route_server.peers as usize;
    for region in settled
        .regions
        .iter()
        .filter(|region| region.route_server.is_some())
    {
        let foreign: Vec<_> = region
            .foreign
            .iter()
            .filter(|router| router.peers.value)
            .collect();
        let nvas = region.nvas.count.value as usize;
        let peers = nvas + foreign.len();
        if peers > peers_max {
            let says = format!(
                "Route Server of {} has {peers} peers ({nvas} NVAs and {} other routers); it takes {peers_max}",
                region.name.value,
                foreign.len()
            );
            let mut report = rule.report(
                &[region.nvas.count.why.span(), region.name.why.span()],
                says,
            );
            if let Some(router) = foreign.last() {
                report = report.also(router.name.why.span(), "peers too");
            }
            reports.push(report);
        }
    }
}
