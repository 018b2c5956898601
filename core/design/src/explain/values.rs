//! The decided values of a design, by name.

use core::time::Duration;

use inet::Coordinates;

use super::{Everything, attached, list, paths};
use crate::plan::NatBehavior;
use crate::scalars::Word;
use crate::settle::{Access, Overlay, Region, Settled, Site, SiteUnderlay, Vnet};

/// Adds every value.
pub(super) fn design(settled: &Settled, all: &mut Everything) {
    all.value("longhaul", &settled.format, settled.format.value);
    all.value("name", &settled.name, &settled.name.value);
    overlay(&settled.overlay, all);
    let (latency, delay) = (&settled.region_latency, &settled.programming_delay);
    all.value("defaults.region_latency", latency, time(latency.value));
    all.value("defaults.programming_delay", delay, time(delay.value));
    let longest = &settled.programming_delay_max;
    all.value(
        "defaults.programming_delay_max",
        longest,
        time(longest.value),
    );
    for (name, why, shown) in &settled.platform.decided {
        all.why(format!("platform.{name}"), *why, shown);
    }
    for region in &settled.regions {
        self::region(region, all);
    }
    for pair in &settled.backbone {
        let name = |index: usize| &settled.regions[index].name.value;
        let path = format!("backbone.{}-{}.latency", name(pair.a), name(pair.b));
        all.value(
            path,
            &pair.one_way_us,
            time(Duration::from_micros(pair.one_way_us.value.into())),
        );
    }
    for underlay in &settled.underlays {
        let path = |field: &str| format!("underlays.{}.{field}", underlay.name.value);
        all.value(path("kind"), &underlay.kind, underlay.kind.value.word());
        all.value(
            path("stretch"),
            &underlay.stretch,
            format!("{}%", underlay.stretch.value),
        );
        all.value(
            path("loss"),
            &underlay.loss_ppm,
            share(underlay.loss_ppm.value),
        );
        all.value(
            path("jitter"),
            &underlay.jitter,
            time(underlay.jitter.value),
        );
        all.value(path("mtu"), &underlay.mtu, underlay.mtu.value);
        all.value(
            path("addresses"),
            &underlay.addresses,
            underlay.addresses.value,
        );
    }
    for site in &settled.sites {
        self::site(settled, site, all);
    }
}

fn overlay(overlay: &Overlay, all: &mut Everything) {
    all.value("overlay.asn", &overlay.asn, overlay.asn.value);
    all.value(
        "overlay.loopbacks",
        &overlay.loopbacks,
        overlay.loopbacks.value,
    );
    all.value("overlay.port", &overlay.port, overlay.port.value);
    all.value(
        "overlay.keepalive",
        &overlay.keepalive,
        time(overlay.keepalive.value),
    );
    paths::overlay(overlay, all);
    all.value(
        "overlay.summaries",
        &overlay.summaries,
        list(&overlay.summaries.value),
    );
    all.value("overlay.mtu", &overlay.mtu, overlay.mtu.value);
    attached::forwarding(&overlay.forwarding, "overlay.forwarding", all);
    all.value("overlay.seed", &overlay.seed, overlay.seed.value);
    let pools = [
        ("nva_public", &overlay.pools.nva_public),
        ("underlays", &overlay.pools.underlays),
        ("behind_nat", &overlay.pools.behind_nat),
        ("lans", &overlay.pools.lans),
        ("links", &overlay.pools.links),
        ("circuits", &overlay.pools.circuits),
    ];
    for (name, pool) in pools {
        all.value(format!("overlay.addresses.{name}"), pool, pool.value);
    }
}

fn region(region: &Region, all: &mut Everything) {
    let path = |field: &str| format!("regions.{}.{field}", region.name.value);
    all.value(
        path("coordinates"),
        &region.place,
        degrees(region.place.value),
    );
    all.derived(
        path("number"),
        "the region's position in the design",
        region.number,
    );
    let nvas = &region.nvas;
    all.value(path("nvas.count"), &nvas.count, nvas.count.value);
    all.value(path("nvas.mode"), &nvas.mode, nvas.mode.value.word());
    all.value(path("nvas.vm_size"), &nvas.vm_size, &nvas.vm_size.value);
    attached::knobs(nvas, &path("nvas"), all);
    all.value(path("region"), &region.azure, &region.azure.value);
    if let Some(gateway) = &region.express_route {
        attached::express_route(gateway, &path("express_route"), all);
    }
    if let Some(budget) = &region.budget {
        attached::budget(budget, &path("route_budget"), all);
    }
    match &region.route_server {
        None => all.why(path("route_server"), region.route_server_why, false),
        Some(server) => {
            all.why(path("route_server"), region.route_server_why, true);
            let flag = &server.branch_to_branch;
            all.value(path("route_server.branch_to_branch"), flag, flag.value);
            let preference = &server.preference;
            all.value(
                path("route_server.routing_preference"),
                preference,
                preference.value.word(),
            );
            all.value(
                path("route_server.hold_time"),
                &server.hold_time,
                time(server.hold_time.value),
            );
            let routes = &server.routes_per_peer;
            all.value(path("route_server.routes_per_peer"), routes, routes.value);
            all.value(
                path("route_server.units"),
                &server.units,
                server.units.value,
            );
        }
    }
    for vnet in region.vnets() {
        let place = match vnet.short.as_str() {
            "hub" => path("hub"),
            short => path(&format!("spokes.{short}")),
        };
        self::vnet(vnet, &place, all);
    }
    for router in &region.foreign {
        let path = |field: &str| path(&format!("foreign.{}.{field}", router.name.value));
        all.value(path("asn"), &router.asn, router.asn.value);
        all.value(path("route_server"), &router.peers, router.peers.value);
        if let Some(address) = &router.address {
            all.value(path("address"), address, address.value);
        }
    }
}

fn vnet(vnet: &Vnet, place: &str, all: &mut Everything) {
    all.value(
        format!("{place}.address_space"),
        &vnet.space,
        list(&vnet.space.value),
    );
    for subnet in &vnet.subnets {
        let path = |field: &str| format!("{place}.subnets.{}.{field}", subnet.name.value);
        all.value(path("prefix"), &subnet.prefix, subnet.prefix.value);
        for (field, name) in [("nsg", &subnet.nsg), ("route_table", &subnet.route_table)] {
            if let Some(name) = name {
                all.value(path(field), name, &name.value);
            }
        }
    }
    all.value(format!("{place}.vms"), &vnet.vms, vnet.vms.value);
    if vnet.short == "hub" {
        return;
    }
    let flags = [
        ("allow_virtual_network_access", &vnet.peering.access),
        ("allow_forwarded_traffic", &vnet.peering.forwarded),
        ("hub_allow_gateway_transit", &vnet.peering.transit),
        ("spoke_use_remote_gateways", &vnet.peering.remote),
    ];
    for (name, flag) in flags {
        all.value(format!("{place}.peering.{name}"), flag, flag.value);
    }
}

fn site(settled: &Settled, site: &Site, all: &mut Everything) {
    let path = |field: &str| format!("sites.{}.{field}", site.name.value);
    if let Some(place) = &site.place {
        all.value(path("coordinates"), place, degrees(place.value));
    }
    for (field, region) in [("home", &site.home), ("backup", &site.backup)] {
        if let Some(region) = region {
            all.value(
                path(field),
                region,
                &settled.regions[region.value].name.value,
            );
        }
    }
    all.value(path("cpes"), &site.cpes, site.cpes.value);
    all.value(path("shortcuts"), &site.shortcuts, site.shortcuts.value);
    for (index, lan) in site.lans.iter().enumerate() {
        let path = |field: &str| path(&format!("lans.{index}.{field}"));
        all.value(path("prefix"), &lan.prefix, lan.prefix.value);
        all.value(path("gateway"), &lan.gateway, lan.gateway.value);
        all.value(path("hosts"), &lan.hosts, lan.hosts.value);
    }
    for (rank, link) in site.underlays.iter().enumerate() {
        let name = &settled.underlays[link.underlay].name.value;
        underlay(link, rank, &path(&format!("underlays.{name}")), all);
        if let Some(via) = &link.via {
            let router = &site.routers[via.router.value].name.value;
            let path = path(&format!("underlays.{name}.via"));
            all.value(path, &via.router, router);
        }
    }
    attached::routers(settled, site, all);
    if let Some(wireguard) = &site.wireguard {
        all.value(path("wireguard.nva"), &wireguard.nva, &wireguard.nva.value);
        all.value(
            path("wireguard.allowed"),
            &wireguard.allowed,
            list(&wireguard.allowed.value),
        );
        if let Some(key) = &wireguard.public_key {
            all.value(path("wireguard.public_key"), key, &key.value);
        }
    }
}

fn underlay(link: &SiteUnderlay, rank: usize, place: &str, all: &mut Everything) {
    all.why(format!("{place}.preference"), link.why, rank);
    for (side, access) in [("up", &link.up), ("down", &link.down)] {
        let Access {
            rate_bps,
            latency,
            jitter,
            loss_ppm,
        } = access;
        all.value(
            format!("{place}.bandwidth.{side}"),
            rate_bps,
            rate(rate_bps.value),
        );
        all.value(
            format!("{place}.latency.{side}"),
            latency,
            time(latency.value),
        );
        all.value(format!("{place}.jitter.{side}"), jitter, time(jitter.value));
        all.value(
            format!("{place}.loss.{side}"),
            loss_ppm,
            share(loss_ppm.value),
        );
    }
    if let Some(proxy) = &link.proxy {
        all.value(format!("{place}.proxy"), proxy, proxy.value.address);
    }
    all.why(format!("{place}.nat"), link.nat_why, link.nat.is_some());
    if let Some(nat) = &link.nat {
        all.value(
            format!("{place}.nat.mapping"),
            &nat.mapping,
            behavior(nat.mapping.value),
        );
        all.value(
            format!("{place}.nat.filtering"),
            &nat.filtering,
            behavior(nat.filtering.value),
        );
        all.value(
            format!("{place}.nat.timeout"),
            &nat.timeout,
            time(nat.timeout.value),
        );
    }
}

const fn behavior(behavior: NatBehavior) -> &'static str {
    match behavior {
        NatBehavior::EndpointIndependent => "endpoint-independent",
        NatBehavior::AddressDependent => "address-dependent",
        NatBehavior::AddressAndPortDependent => "address-and-port-dependent",
    }
}

/// A whole and six decimals, without zeros at the end.
fn millionths(value: u64) -> String {
    let text = format!("{}.{:06}", value / 1_000_000, value % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A time span as people write it.
pub(crate) fn time(duration: Duration) -> String {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    match micros {
        0..1_000 => format!("{micros}us"),
        1_000..1_000_000 => format!("{}ms", millionths(micros * 1_000)),
        _ => format!("{}s", millionths(micros)),
    }
}

pub(super) fn rate(bps: u64) -> String {
    format!("{}mbit", millionths(bps))
}

fn share(ppm: u32) -> String {
    format!("{}%", millionths(u64::from(ppm) * 100))
}

pub(super) fn degrees(place: Coordinates) -> String {
    let one = |udeg: i32| {
        let sign = if udeg < 0 { "-" } else { "" };
        format!("{sign}{}", millionths(udeg.unsigned_abs().into()))
    };
    format!(
        "[{}, {}]",
        one(place.latitude_udeg),
        one(place.longitude_udeg)
    )
}
