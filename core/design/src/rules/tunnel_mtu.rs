//! Tunnels whose packets are too large for an underlay.

use super::{Rule, sources};
use crate::report::{Report, Severity};
use crate::settle::forwarding::{ETHERNET, nva_mtu, path_mtu};
use crate::settle::{Settled, Underlay};

pub(super) static RULE: Rule = Rule {
    id: "tunnel-mtu",
    severity: Severity::Error,
    says: "Packets of tunnels do not fit an underlay.",
    because: "over ExpressRoute packets above 1,400 octets are fragmented, and fragments out of order are \
              dropped; elsewhere hosts have to learn of a smaller size by ICMP, which many firewalls drop: \
              large packets are lost and small ones pass",
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
    let mtu = &settled.overlay.mtu;
    let outer = mtu.value.saturating_add(OVERHEAD);
    let used = |index: usize| {
        let mut links = settled.sites.iter().flat_map(|site| &site.underlays);
        links.any(|link| link.underlay == index)
    };
    let passes = |underlay: &Underlay| path_mtu(underlay, &settled.platform).unwrap_or(ETHERNET);
    let underlays = settled.underlays.iter().enumerate();
    let narrowest = underlays
        .filter(|(index, underlay)| used(*index) || underlay.kind.value.is_peering())
        .min_by_key(|(_, underlay)| passes(underlay));
    let between = nva_mtu(&settled.platform).unwrap_or(ETHERNET);
    if let Some((_, underlay)) = narrowest.filter(|(_, underlay)| outer > passes(underlay)) {
        let says = format!(
            "packets of {} octets become {outer} in the tunnels over {}, which passes {}",
            mtu.value,
            underlay.name.value,
            passes(underlay)
        );
        let report = rule.report(&[mtu.why.span(), underlay.name.why.span()], says);
        reports.push(report.also(underlay.name.why.span(), "the underlay"));
    } else if outer > between {
        let says = format!(
            "packets of {} octets become {outer} in the tunnels between NVAs, whose interfaces pass {between}",
            mtu.value
        );
        reports.push(rule.report(&[mtu.why.span()], says));
    }
}

/// What a tunnel adds: IPv4, UDP, and WireGuard's header and tag.
const OVERHEAD: u16 = 20 + 8 + 32;
