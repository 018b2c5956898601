//! Address space that the platform forbids, or that it drops unless routed.

use core::net::Ipv4Addr;

use inet::Prefix;

use super::{Rule, sources};
use crate::platform::NONE_ROUTES;
use crate::report::{Report, Severity, Span};
use crate::settle::Settled;

pub(super) static RULE: Rule = Rule {
    id: "forbidden-range",
    severity: Severity::Error,
    says: "Addresses are used that the platform forbids or drops.",
    because: "VNets cannot have these addresses; and what an NVA sends to them without a route for them is dropped by the \
              platform's routes of type None",
    try_this: "use private addresses (RFC 1918) in VNets and LANs, and public ones as public ones",
    source: sources::VNET_FAQ,
    passing: "longhaul: 1
name: d
regions: {westeurope: {hub: {address_space: 10.1.0.0/20}}}
",
    failing: "longhaul: 1
name: d
overlay: {addresses: {nva_public: 198.18.0.0/24}}
regions: {westeurope: {hub: {address_space: 169.254.0.0/20}}}
",
    check,
};

/// What a VNet cannot have (virtual network FAQ).
const FORBIDDEN: [([u8; 4], u8); 5] = [
    ([127, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

fn within(table: &[([u8; 4], u8)], prefix: Prefix) -> Option<Prefix> {
    let ranges = table
        .iter()
        .filter_map(|(address, len)| Prefix::new(Ipv4Addr::from(*address), *len));
    ranges.into_iter().find(|range| range.overlaps(prefix))
}

fn check(rule: &Rule, settled: &Settled, reports: &mut Vec<Report>) {
    let mut forbidden = |prefix: Prefix, by: &str, places: &[Option<Span>]| {
        if let Some(range) = within(&FORBIDDEN, prefix) {
            reports.push(rule.report(
                places,
                format!("{prefix} of {by} is in {range}, which the platform forbids"),
            ));
        }
    };
    for vnet in settled.regions.iter().flat_map(|region| region.vnets()) {
        for prefix in &vnet.space.value {
            forbidden(
                *prefix,
                &vnet.name.value,
                &[vnet.space.why.span(), vnet.name.why.span()],
            );
        }
    }
    for site in &settled.sites {
        for lan in &site.lans {
            let places = [lan.prefix.why.span(), site.name.why.span()];
            forbidden(lan.prefix.value, &site.name.value, &places);
        }
    }
    let mut dropped = |prefix: Prefix, by: &str, at: Option<Span>| {
        if let (Some(range), Some(at)) = (within(&NONE_ROUTES, prefix), at) {
            let says = format!(
                "{by} {prefix} would be dropped: the platform has a route {range} of type None"
            );
            reports.push(rule.report(&[Some(at)], says));
        }
    };
    let public = &settled.overlay.pools.nva_public;
    dropped(public.value, "public addresses", public.why.span());
    let pool = &settled.overlay.pools.underlays;
    dropped(pool.value, "addresses on underlays", pool.why.span());
    for address in settled
        .regions
        .iter()
        .flat_map(|region| &region.nvas.public_addresses)
    {
        dropped(
            Prefix::host(address.value),
            "public address",
            address.why.span(),
        );
    }
    for underlay in &settled.underlays {
        dropped(
            underlay.addresses.value,
            "addresses on the underlay",
            underlay.addresses.why.span(),
        );
    }
    for link in settled.sites.iter().flat_map(|site| &site.underlays) {
        for address in &link.addresses {
            dropped(
                Prefix::host(address.value),
                "address on the underlay",
                address.why.span(),
            );
        }
    }
}
