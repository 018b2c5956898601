//! NVAs that peer with one of the two instances of Route Server.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "one-route-server-instance",
    severity: Severity::Error,
    says: "NVAs peer with one instance of Route Server only.",
    because: "each instance programs a share of the VMs with what it knows: about half of them have no \
              routes to the sites, and maintenance of the other instance takes the rest",
    try_this: "let every NVA peer with both instances and announce the same to both",
    source: sources::TROUBLESHOOT,
    passing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {route_server_instances: [0, 1]}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {nvas: {route_server_instances: [0]}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in settled
        .regions
        .iter()
        .filter(|region| region.route_server.is_some())
    {
        let instances = &region.nvas.route_server_instances;
        let without: Vec<String> = [0, 1]
            .iter()
            .filter(|instance| !instances.value.contains(instance))
            .map(ToString::to_string)
            .collect();
        if !without.is_empty() {
            let says = format!(
                "NVAs of {} do not peer with instance {} of Route Server",
                region.name.value,
                without.join(" and ")
            );
            reports.push(rule.report(&[instances.why.span(), region.name.why.span()], says));
        }
    }
}
