//! Timers that MSEEs do not take.

use core::time::Duration;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "msee-timers",
    severity: Severity::Error,
    says: "BGP timers of a peering are shorter than MSEEs take.",
    because: "MSEEs take a keepalive interval of 3 s and a hold time of 10 s at least; BFD finds a dead \
              link in 0.9 s without short timers",
    try_this: "use BFD, and leave the timers at 60 s and 180 s",
    source: sources::ER_ROUTING,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
circuits: {ams: {customer: core.paris, private_peering: {keepalive: 1s, hold_time: 3s}, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let floor = &settled.platform.numbers.express_route;
    for circuit in &settled.circuits {
        let peerings = [&circuit.private_peering, &circuit.microsoft_peering];
        for peering in peerings.into_iter().flatten() {
            let timers = [
                (
                    "keepalive interval",
                    &peering.keepalive,
                    floor.keepalive_floor_s,
                ),
                ("hold time", &peering.hold_time, floor.hold_floor_s),
            ];
            for (what, timer, least) in timers {
                if timer.value < Duration::from_secs(least.into()) {
                    let says = format!(
                        "the {what} of circuit {} is {}; MSEEs take {least}s at least",
                        circuit.name.value,
                        crate::explain::time(timer.value)
                    );
                    reports.push(rule.report(&[timer.why.span(), peering.why.span()], says));
                }
            }
        }
    }
}
