//! Values of the overlay as a whole.

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::{Asn, Prefix};

use super::{Overlay, Pools, Region, Site, Val, paths, pick};
use crate::model::{AddressesText, DesignFile, HubToHub};
use crate::reader::At;
use crate::report::Report;
use crate::scalars::{Count, TimeSpan};

/// Settles them; summaries that the design leaves open are empty until its prefixes are known.
pub(super) fn overlay(file: &DesignFile, reports: &mut Vec<Report>) -> Overlay {
    let text = file
        .overlay
        .as_ref()
        .map(|at| at.value.clone())
        .unwrap_or_default();
    let duration = |span: &TimeSpan| span.0;
    let count = |at: &Count<1024, 65535>| at.0 as u16;
    let overlay = Overlay {
        asn: Val::pick(
            &[text.asn.as_ref()],
            Asn(65_010),
            "a private 16-bit AS number",
        ),
        loopbacks: Val::pick(
            &[text.loopbacks.as_ref()],
            Prefix::around(Ipv4Addr::new(10, 255, 0, 0), 16).expect("a length up to 32"),
            "the top /16 of 10.0.0.0/8",
        ),
        port: pick!([text.port], 51_820, "WireGuard's port", count),
        keepalive: pick!(
            [text.keepalive],
            Duration::from_secs(25),
            "under the 30 s after which NATs forget a UDP mapping",
            duration
        ),
        probe: paths::probe(
            &text
                .probe
                .as_ref()
                .map(|at| at.value.clone())
                .unwrap_or_default(),
            reports,
        ),
        tls: paths::tls(&text),
        shortcuts: paths::shortcuts(&text, reports),
        summaries: pick!(
            [text.summaries],
            Vec::new(),
            "the RFC 1918 blocks that the design uses",
            |list: &Vec<At<Prefix>>| list.iter().map(|at| at.value).collect()
        ),
        mtu: pick!(
            [text.mtu],
            1_340,
            "1400 bytes pass Azure unfragmented, less 60 of WireGuard",
            |mtu: &Count<576, 8940>| mtu.0 as u16
        ),
        seed: pick!(
            [text.seed],
            1,
            "any seed gives a run that repeats",
            |seed: &Count<0, 4294967295>| u64::from(seed.0)
        ),
        hub_to_hub: Val::pick(
            &[text.hub_to_hub.as_ref()],
            HubToHub::Tunnel,
            "the fabric sees no inner destination, so nothing can loop",
        ),
        forwarding: super::forwarding::forwarding(&[text.forwarding.as_ref()]),
        pools: pools(&text.addresses.map(|at| at.value).unwrap_or_default()),
    };
    let keepalive = &overlay.keepalive;
    if let (true, Some(at)) = (
        keepalive.value < Duration::from_secs(1),
        keepalive.why.span(),
    ) {
        reports.push(Report::shape(at, "keepalive is at least 1000ms"));
    }
    overlay
}

fn pools(addresses: &AddressesText) -> Pools {
    let prefix = |a, b, c, d, len| {
        Prefix::around(Ipv4Addr::new(a, b, c, d), len).expect("a length up to 32")
    };
    Pools {
        nva_public: Val::pick(
            &[addresses.nva_public.as_ref()],
            prefix(203, 0, 113, 0, 24),
            "documentation addresses (RFC 5737): in the lab they stand for public ones",
        ),
        underlays: Val::pick(
            &[addresses.underlays.as_ref()],
            prefix(11, 0, 0, 0, 8),
            "public addresses seen nowhere on the internet, and not in Azure's None routes",
        ),
        behind_nat: Val::pick(
            &[addresses.behind_nat.as_ref()],
            prefix(172, 31, 0, 0, 16),
            "the top /16 of 172.16.0.0/12",
        ),
        lans: Val::pick(
            &[addresses.lans.as_ref()],
            prefix(10, 128, 0, 0, 10),
            "a quarter of 10.0.0.0/8 that regions and loopbacks do not use by default",
        ),
        links: Val::pick(
            &[addresses.links.as_ref()],
            prefix(172, 30, 0, 0, 16),
            "a /16 of 172.16.0.0/12 below that of CPEs behind NAT",
        ),
        circuits: Val::pick(
            &[addresses.circuits.as_ref()],
            prefix(172, 29, 0, 0, 16),
            "a /16 of 172.16.0.0/12 below that of links",
        ),
    }
}

/// Which RFC 1918 blocks hold a VNet or a LAN.
pub(super) fn summaries(regions: &[Region], sites: &[Site]) -> Vec<Prefix> {
    let blocks = [
        ([10, 0, 0, 0], 8),
        ([172, 16, 0, 0], 12),
        ([192, 168, 0, 0], 16),
    ];
    let spaces = regions
        .iter()
        .flat_map(Region::vnets)
        .flat_map(|vnet| &vnet.space.value);
    let lans = sites
        .iter()
        .flat_map(|site| &site.lans)
        .map(|lan| &lan.prefix.value);
    let used: Vec<Prefix> = spaces.chain(lans).copied().collect();
    blocks
        .into_iter()
        .filter_map(|(address, len)| Prefix::new(address.into(), len))
        .filter(|block| used.iter().any(|prefix| block.covers(*prefix)))
        .collect()
}
