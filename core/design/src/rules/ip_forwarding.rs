//! NVAs that do not forward, on the platform's side or on their own.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "ip-forwarding",
    severity: Severity::Error,
    says: "NVAs do not forward packets.",
    because: "forwarding has two switches, the platform's at the interface and the operating system's, \
              and both are off at first; and traffic of sites over several interfaces leaves by another \
              one than it came",
    try_this: "turn both on, and carry all traffic of sites over one interface in a subnet of its own",
    source: sources::SDWAN,
    passing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {ip_forwarding: true, os_forwarding: true, traffic_interfaces: 1}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {ip_forwarding: true, os_forwarding: false}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let Some(facts) = region.nva_facts() else {
            continue;
        };
        let name = &region.name.value;
        let switches = [
            (
                &facts.ip_forwarding,
                "IP forwarding is off at the interfaces",
            ),
            (
                &facts.os_forwarding,
                "forwarding is off in the operating system",
            ),
        ];
        for (fact, what) in switches {
            if let Some(at) = fact.as_ref().filter(|at| !at.value) {
                let says = format!("{what} of the NVAs of {name}");
                reports.push(rule.report(&[Some(at.span)], says));
            }
        }
        let several = facts.traffic_interfaces.as_ref();
        if let Some(at) = several.filter(|at| at.value.0 > 1) {
            let says = format!("NVAs of {name} carry traffic of sites over several interfaces");
            let mut report = rule.report(&[Some(at.span)], says);
            report.severity = Severity::Warning;
            reports.push(report);
        }
    }
}
