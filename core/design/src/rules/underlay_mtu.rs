//! Jumbo frames that do not get far.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "underlay-mtu",
    severity: Severity::Warning,
    says: "An underlay passes larger packets than the other end of its tunnels, or than ExpressRoute.",
    because: "the narrowest part of the way decides: network interfaces of Azure's VMs pass 1,500 octets unless \
              they are set to more, and ExpressRoute fragments above 1,400",
    try_this: "set `platform: {vm: {mtu: ...}}` when the NVAs' interfaces are set to more, else leave the \
               underlay's `mtu` away",
    source: sources::VM_MTU,
    passing: "longhaul: 1
name: d
platform: {vm: {mtu: 9000}}
regions: {westeurope: {}}
underlays: {mpls: {mtu: 9000}}
sites: [{name: paris, city: Paris, underlays: [mpls]}]
",
    failing: "longhaul: 1
name: d
regions: {westeurope: {}}
underlays: {mpls: {mtu: 9000}}
sites: [{name: paris, city: Paris, underlays: [mpls]}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let numbers = &settled.platform.numbers;
    for underlay in &settled.underlays {
        let (mtu, name) = (u32::from(underlay.mtu.value), &underlay.name.value);
        let peering = underlay.kind.value.is_peering();
        let says = if peering && mtu > numbers.express_route.max_packet {
            let most = numbers.express_route.max_packet;
            format!("{name} is said to pass {mtu} octets; ExpressRoute passes {most}")
        } else if mtu > numbers.vm.mtu && underlay.mtu.why.span().is_some() {
            let most = numbers.vm.mtu;
            format!("{name} passes {mtu} octets, the interfaces of NVAs {most}: so do the tunnels")
        } else {
            continue;
        };
        reports.push(rule.report(&[underlay.mtu.why.span()], says));
    }
}
