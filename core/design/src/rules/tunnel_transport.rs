//! Tunnels that the platform does not carry, or that end behind a load balancer.

use crate::model::Transport;
use crate::scalars::Word;

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "tunnel-transport",
    severity: Severity::Error,
    says: "Tunnels of NVAs are not carried by the platform.",
    because: "the platform carries TCP and UDP between networks, and drops GRE and IP in IP; ESP needs \
              NAT traversal; and a load balancer before the endpoints sends the packets of a tunnel to \
              an NVA that does not have its keys",
    try_this: "carry tunnels in UDP, and give each NVA an endpoint of its own, to which every site builds \
              a tunnel",
    source: sources::SDWAN,
    passing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {transport: udp, load_balancer: false}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {as_built: {nvas: {transport: gre, load_balancer: true}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    for region in &settled.regions {
        let Some(facts) = region.nva_facts() else {
            continue;
        };
        let name = &region.name.value;
        let dropped = facts.transport.as_ref();
        let dropped = dropped.filter(|at| !matches!(at.value, Transport::Udp | Transport::Tcp));
        if let Some(at) = dropped {
            let says = format!("tunnels of the NVAs of {name} are {}", at.value.word());
            reports.push(rule.report(&[Some(at.span)], says));
        }
        if let Some(at) = facts.load_balancer.as_ref().filter(|at| at.value) {
            let says = format!("a load balancer stands before the tunnels of the NVAs of {name}");
            reports.push(rule.report(&[Some(at.span)], says));
        }
    }
}
