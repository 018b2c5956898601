//! Tunnels over ExpressRoute whose packets are too large for it.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "tunnel-mtu",
    severity: Severity::Error,
    says: "Packets of tunnels do not fit ExpressRoute.",
    because: "packets over 1,400 octets are fragmented on the way, and fragments out of order are \
              dropped: large packets are lost and small ones pass",
    try_this: "set `overlay.mtu` so that it and 60 octets of the tunnel fit",
    source: sources::ER_GATEWAYS,
    passing: "longhaul: 1
name: d
regions: {westeurope: {express_route: true}}
underlays: {er: {kind: private-peering}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}, underlays: [{name: er, via: core}]}]
",
    failing: "longhaul: 1
name: d
overlay: {mtu: 1420}
regions: {westeurope: {express_route: true}}
underlays: {er: {kind: private-peering}}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}, underlays: [{name: er, via: core}]}]
",
    check,
};

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let limit = settled.platform.numbers.express_route.max_packet;
    let mtu = &settled.overlay.mtu;
    let outer = u32::from(mtu.value) + OVERHEAD;
    let over = settled
        .underlays
        .iter()
        .find(|underlay| underlay.kind.value.is_peering());
    if let Some(underlay) = over.filter(|_| outer > limit) {
        let says = format!(
            "packets of {} octets become {outer} in the tunnels over {}; ExpressRoute passes {limit}",
            mtu.value, underlay.name.value
        );
        let report = rule.report(&[mtu.why.span(), underlay.name.why.span()], says);
        reports.push(report.also(underlay.name.why.span(), "the underlay"));
    }
}

/// What a tunnel adds: IPv4, UDP, and WireGuard's header and tag.
const OVERHEAD: u32 = 20 + 8 + 32;
