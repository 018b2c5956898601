//! Routed networks, routers of sites, circuits, gateways, classes and budgets, by name.

use inet::Prefix;

use super::values::{degrees, rate};
use super::{Everything, list, paths, time};
use crate::plan::{GatewaySku, Plan};
use crate::platform::CircuitSku;
use crate::settle::policies::is_name;
use crate::settle::{
    Budget, Circuit, CircuitPeering, ExpressRoute, Filters, Network, Router, RouterAt, Settled,
    Site, Val,
};

/// Adds what is beside the overlay.
pub(super) fn design(settled: &Settled, all: &mut Everything) {
    for network in &settled.networks {
        self::network(settled, network, all);
    }
    for circuit in &settled.circuits {
        self::circuit(settled, circuit, all);
    }
    paths::classes(settled, all);
    let hub_to_hub = &settled.overlay.hub_to_hub;
    let word = crate::scalars::Word::word(hub_to_hub.value);
    all.value("overlay.hub_to_hub", hub_to_hub, word);
}

fn network(settled: &Settled, network: &Network, all: &mut Everything) {
    let path = |field: &str| format!("networks.{}.{field}", network.name.value);
    all.value(path("asn"), &network.asn, network.asn.value);
    let stretch = format!("{}%", network.stretch.value);
    all.value(path("stretch"), &network.stretch, stretch);
    for pe in &network.pes {
        let path = |field: &str| path(&format!("pes.{}.{field}", pe.name.value));
        all.value(path("coordinates"), &pe.place, degrees(pe.place.value));
        all.value(path("foreign"), &pe.foreign, pe.foreign.value);
        for (circuit, text) in &pe.circuits {
            let name = &settled.circuits[circuit.value].name.value;
            filters(text, &path(&format!("circuits.{name}")), all);
        }
    }
}

/// What a policy is: its name, or that its statements stand in the line.
fn filters(text: &Filters, place: &str, all: &mut Everything) {
    for (field, policy) in [("import", &text.import), ("export", &text.export)] {
        if let Some(policy) = policy {
            let shown = match is_name(&policy.value) {
                true => policy.value.trim(),
                false => "statements",
            };
            all.value(format!("{place}.{field}"), policy, shown);
        }
    }
}

fn circuit(settled: &Settled, circuit: &Circuit, all: &mut Everything) {
    let path = |field: &str| format!("circuits.{}.{field}", circuit.name.value);
    let location = &circuit.location;
    all.value(path("location"), location, degrees(location.value));
    let sku = match circuit.sku.value {
        CircuitSku::Local => "local",
        CircuitSku::Standard => "standard",
        CircuitSku::Premium => "premium",
    };
    all.value(path("sku"), &circuit.sku, sku);
    let bandwidth = &circuit.rate_bps;
    all.value(path("bandwidth"), bandwidth, rate(bandwidth.value));
    for (field, customer) in ["primary", "secondary"].into_iter().zip(&circuit.customer) {
        if let Some(customer) = customer {
            let name = router_name(settled, customer.value);
            all.value(path(&format!("customer.{field}")), customer, name);
        }
    }
    let peerings = [
        ("private_peering", &circuit.private_peering),
        ("microsoft_peering", &circuit.microsoft_peering),
    ];
    for (name, peering) in peerings {
        match peering {
            Some(peering) => self::peering(peering, &path(name), all),
            None => all.derived(path(name), "not asked for", false),
        }
    }
    if circuit.microsoft_peering.is_some() {
        let path = |field: &str| path(&format!("microsoft_peering.{field}"));
        each(&circuit.customer_prefixes, &path("customer_prefixes"), all);
        each(&circuit.route_filter, &path("route_filter"), all);
    }
    for connection in &circuit.connections {
        let region = &settled.regions[connection.region.value].name.value;
        let path = |field: &str| path(&format!("connections.{region}.{field}"));
        all.value(path("weight"), &connection.weight, connection.weight.value);
        let fast_path = &connection.fast_path;
        all.value(path("fast_path"), fast_path, fast_path.value);
        let remote = &connection.remote_vnets;
        all.value(path("remote_vnets"), remote, remote.value);
        if let Some(community) = &connection.community {
            all.value(path("community"), community, community.value);
        }
    }
    for other in &circuit.global_reach {
        let name = &settled.circuits[other.value].name.value;
        all.value(path(&format!("global_reach.{name}")), other, true);
    }
}

fn router_name(settled: &Settled, at: RouterAt) -> String {
    crate::build::router_name(settled, at)
}

/// The items of a list, each with its line.
fn each<T: core::fmt::Display>(items: &[Val<T>], place: &str, all: &mut Everything) {
    for (index, item) in items.iter().enumerate() {
        all.value(format!("{place}.{index}"), item, &item.value);
    }
}

fn peering(peering: &CircuitPeering, place: &str, all: &mut Everything) {
    all.why(place, peering.why, true);
    let path = |field: &str| format!("{place}.{field}");
    all.value(path("bfd"), &peering.bfd, peering.bfd.value);
    let (keepalive, hold) = (&peering.keepalive, &peering.hold_time);
    all.value(path("keepalive"), keepalive, time(keepalive.value));
    all.value(path("hold_time"), hold, time(hold.value));
}

/// A region's gateway.
pub(super) fn express_route(gateway: &ExpressRoute, place: &str, all: &mut Everything) {
    all.why(place, gateway.why, true);
    let sku = match gateway.sku.value {
        GatewaySku::ErGw1Az => "ErGw1AZ".to_owned(),
        GatewaySku::ErGw2Az => "ErGw2AZ".to_owned(),
        GatewaySku::ErGw3Az => "ErGw3AZ".to_owned(),
        GatewaySku::ErGwScale(units) => format!("ErGwScale of {units}"),
    };
    all.value(format!("{place}.sku"), &gateway.sku, sku);
    each(&gateway.summarized, &format!("{place}.summarized"), all);
    each(&gateway.also, &format!("{place}.also"), all);
}

/// A region's budget of routes.
pub(super) fn budget(budget: &Budget, place: &str, all: &mut Everything) {
    let path = |field: &str| format!("{place}.{field}");
    let counts = [
        ("route_server", &budget.route_server),
        ("express_route", &budget.express_route),
    ];
    for (field, count) in counts {
        all.value(path(field), count, count.value);
    }
    let warn = format!("{}%", budget.warn_percent.value);
    all.value(path("warn"), &budget.warn_percent, warn);
    all.value(path("aggregate"), &budget.aggregate, budget.aggregate.value);
    each(&budget.discard, &path("discard"), all);
    each(&budget.priority, &path("priority"), all);
}

/// A site's routers.
pub(super) fn routers(settled: &Settled, site: &Site, all: &mut Everything) {
    for router in &site.routers {
        let place = format!("sites.{}.routers.{}", site.name.value, router.name.value);
        self::router(settled, router, &place, all);
    }
}

fn router(settled: &Settled, router: &Router, place: &str, all: &mut Everything) {
    let path = |field: &str| format!("{place}.{field}");
    all.value(path("asn"), &router.asn, router.asn.value);
    all.value(path("lan"), &router.lan, router.lan.value);
    all.value(path("foreign"), &router.foreign, router.foreign.value);
    for attachment in &router.networks {
        let network = &settled.networks[attachment.network];
        let place = path(&format!("networks.{}", network.name.value));
        all.why(place.clone(), attachment.why, true);
        let pe = &network.pes[attachment.pe.value].name.value;
        all.value(format!("{place}.pe"), &attachment.pe, pe);
        let bandwidth = &attachment.rate_bps;
        let shown = rate(bandwidth.value);
        all.value(format!("{place}.bandwidth"), bandwidth, shown);
        filters(&attachment.filters, &place, all);
    }
    for (circuit, text) in &router.circuits {
        let name = &settled.circuits[circuit.value].name.value;
        filters(text, &path(&format!("circuits.{name}")), all);
    }
    filters(&router.cpe, &path("cpe"), all);
}

/// What gateways, MSEEs and routers are given.
pub(super) fn plan(plan: &Plan, all: &mut Everything) {
    for gateway in &plan.gateways {
        let path = |field: &str| format!("gateways.{}.{field}", gateway.name);
        let how = "GatewaySubnet, base + 12 and + 13";
        all.derived(path("address"), how, gateway.interface.address);
        let how = "address space of the hub and of spokes that use its gateway, and `also`";
        all.derived(path("announced"), how, list(&gateway.announced));
    }
    for msee in &plan.msees {
        for interface in &msee.interfaces {
            let how = match &interface.name[..4] {
                "vnet" => "GatewaySubnet, base + 4 and + 5 for the first circuit, then the next",
                "reac" => "a /31 of overlay.addresses.links",
                _ => "the second usable address of the link's /30",
            };
            let path = format!("msees.{}.interfaces.{}.address", msee.name, interface.name);
            let shown = format!("{}/{}", interface.address, interface.prefix_len);
            all.derived(path, how, shown);
        }
    }
    for router in &plan.routers {
        for interface in &router.interfaces {
            let how = match &interface.name[..2] {
                "la" => "the LAN's gateway: the site has a router",
                "er" | "ms" => "the first usable address of the link's /30",
                _ => "a /31 of overlay.addresses.links, by the hash of the link's name",
            };
            let path = format!(
                "routers.{}.interfaces.{}.address",
                router.name, interface.name
            );
            let shown = format!("{}/{}", interface.address, interface.prefix_len);
            all.derived(path, how, shown);
        }
    }
}

/// What a region's NVAs announce of their own accord, and whom they peer with.
pub(super) fn knobs(nvas: &crate::settle::Nvas, place: &str, all: &mut Everything) {
    let path = |field: &str| format!("{place}.{field}");
    each::<Prefix>(&nvas.originate, &path("originate"), all);
    let instances = &nvas.route_server_instances;
    let shown = list(&instances.value);
    all.value(path("route_server_instances"), instances, shown);
    let guards = &nvas.guards_origin;
    all.value(path("guards_origin"), guards, guards.value);
    forwarding(&nvas.forwarding, &path("forwarding"), all);
}

/// How nodes forward.
pub(super) fn forwarding(
    forwarding: &crate::settle::Forwarding,
    place: &str,
    all: &mut Everything,
) {
    let path = |field: &str| format!("{place}.{field}");
    let threads = &forwarding.threads;
    all.value(path("threads"), threads, threads.value);
    let check = &forwarding.source_check;
    all.value(
        path("source_check"),
        check,
        crate::scalars::Word::word(check.value),
    );
    all.value(path("aes"), &forwarding.aes, forwarding.aes.value);
}
