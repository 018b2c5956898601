//! Prepending that on-premises routers do not see.

use crate::model::NvaMode;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "prepend-invisible",
    severity: Severity::Warning,
    says: "NVAs prepend to be the reserve, and on-premises routers do not see it.",
    because: "an MSEE takes private AS numbers out of paths: what leaves over ExpressRoute has AS 12076 \
              only, however often an NVA prepended",
    try_this: "rely on it inside Azure only, or let the reserve announce less specific prefixes",
    source: sources::ER_ROUTING,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true, nvas: {mode: active-passive}, route_server: {branch_to_branch: true}}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for (index, region) in settled.regions.iter().enumerate() {
        let connected = settled
            .circuits
            .iter()
            .any(|circuit| circuit.connects(index));
        let prepends =
            region.nvas.mode.value == NvaMode::ActivePassive && region.nvas.count.value > 1;
        if connected && prepends && region.branch_to_branch() {
            let says = format!(
                "prepending of the NVAs of {} is not seen beyond its circuits",
                region.name.value
            );
            reports.push(rule.report(&[region.nvas.mode.why.span(), region.name.why.span()], says));
        }
    }
}
