//! Security groups on the NVA subnet that keep tunnels out.

use super::{Rule, sources};
use crate::plan::{Direction, NsgRuleConfig};
use crate::report::{Report, Severity};
use crate::settle::Settled;
use crate::settle::vnets::NVA_SUBNET;

/// IP protocol number of UDP.
const UDP: u8 = 17;
/// And of TCP.
const TCP: u8 = 6;

pub(super) static RULE: Rule = Rule {
    id: "nva-subnet-nsg",
    severity: Severity::Error,
    says: "The security group of an NVA subnet does not admit tunnels.",
    because: "sites and other regions' NVAs reach an NVA by UDP to the tunnel port, from the internet; with `overlay.tls` sites also by TCP",
    try_this: "add a rule that allows it from any source to the tunnel port",
    source: sources::NSG,
    passing: "longhaul: 1
name: d
regions: {westeurope: {hub: {subnets: {nva: {nsg: hubs}}}, nsgs: {hubs: {rules: [{name: tunnels, priority: 100, protocol: udp, ports: 51820}]}}}}
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {hub: {subnets: {nva: {nsg: hubs}}}, nsgs: {hubs: {rules: []}}}}
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let tunnels = ("UDP", UDP, settled.overlay.port.value);
    let over_tls = settled.overlay.tls.value.map(|port| ("TCP", TCP, port));
    for region in &settled.regions {
        let subnet = region
            .hub
            .subnets
            .iter()
            .find(|subnet| subnet.name.value == NVA_SUBNET);
        let Some(nsg) = subnet.and_then(|subnet| subnet.nsg.as_ref()) else {
            continue;
        };
        let Some((_, rules)) = region.nsgs.iter().find(|(name, _)| name.value == nsg.value) else {
            continue;
        };
        for (word, protocol, port) in [Some(tunnels), over_tls].into_iter().flatten() {
            if !admits(rules, protocol, port) {
                let says = format!(
                    "security group `{}` of the NVA subnet of {} keeps tunnels ({word} {port}) out",
                    nsg.value, region.name.value
                );
                reports.push(rule.report(&[nsg.why.span()], says));
            }
        }
    }
}

/// Whether the first rule that looks at tunnels from anywhere lets them pass.
fn admits(rules: &[NsgRuleConfig], protocol: u8, port: u16) -> bool {
    let looks = |rule: &&NsgRuleConfig| {
        rule.direction == Direction::In
            && rule.protocol.is_none_or(|number| number == protocol)
            && rule
                .ports
                .is_none_or(|(first, last)| (first..=last).contains(&port))
            && matches!(rule.source, None | Some(crate::plan::NsgAddress::Internet))
    };
    rules
        .iter()
        .filter(looks)
        .min_by_key(|rule| rule.priority)
        .is_some_and(|rule| rule.allow)
}
