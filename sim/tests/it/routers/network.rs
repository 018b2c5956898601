//! The Plan of a provider's network with two customers.

use core::net::Ipv4Addr;

use design::plan::{
    FabricConfig, HostConfig, HostPlace, InterfaceConfig, LanConfig, LanPortConfig,
    LinkConfigOneWay, Overlay, Plan, RouterDevice, RouterPlace, Site, WireConfig, WireEnd,
};
use inet::{Asn, Prefix};

/// A link: interface, address and far address at both ends.
struct Link {
    a: (&'static str, &'static str),
    b: (&'static str, &'static str),
    /// The lower address of its /31; `a` has it.
    base: &'static str,
}

const LINKS: [Link; 6] = [
    link(("core.lyon", "net0"), ("pe-a.mpls", "net0"), "172.30.0.0"),
    link(("pe-a.mpls", "net1"), ("pe-b.mpls", "net1"), "172.30.0.2"),
    link(("pe-a.mpls", "net2"), ("pe-c.mpls", "net1"), "172.30.0.4"),
    link(("pe-b.mpls", "net2"), ("pe-c.mpls", "net2"), "172.30.0.6"),
    link(("core.paris", "net0"), ("pe-b.mpls", "net0"), "172.30.0.8"),
    link(("core.paris", "net1"), ("pe-c.mpls", "net0"), "172.30.0.10"),
];

const fn link(
    a: (&'static str, &'static str),
    b: (&'static str, &'static str),
    base: &'static str,
) -> Link {
    Link { a, b, base }
}

/// Routers with their AS and, where they have one, their LAN.
const ROUTERS: [(&str, u32, Option<&str>); 5] = [
    ("core.lyon", 65101, Some("10.1.0.0/24")),
    ("core.paris", 65102, Some("10.2.0.0/24")),
    ("pe-a.mpls", 64900, None),
    ("pe-b.mpls", 64900, None),
    ("pe-c.mpls", 64900, None),
];

/// The network; `extra` are lines that every router's file gets.
pub(crate) fn network(extra: &str) -> Plan {
    Plan {
        name: "provider".to_owned(),
        overlay: Overlay {
            asn: Asn(65010),
            loopbacks: prefix("10.255.0.0/16"),
            summaries: Vec::new(),
        },
        regions: Vec::new(),
        sites: ["lyon", "paris"].map(site).to_vec(),
        nodes: Vec::new(),
        route_servers: Vec::new(),
        gateways: Vec::new(),
        msees: Vec::new(),
        routers: ROUTERS
            .iter()
            .map(|(name, asn, lan)| router(name, *asn, *lan, extra))
            .collect(),
        hosts: [("lyon", 1), ("paris", 2)].map(host).to_vec(),
        foreign: Vec::new(),
        fabric: fabric(),
    }
}

/// Gives a router a static default route.
pub(super) fn default_route(plan: &mut Plan, router: &str, next_hop: &str) {
    let device = plan.routers.iter_mut().find(|own| own.name == router);
    let device = device.expect("a router of the network");
    let text = format!("static_routes:\n  - {{prefix: 0.0.0.0/0, next_hop: {next_hop}}}\n");
    device.config.push_str(&text);
}

pub(crate) fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}

pub(crate) fn address(text: &str, add: u32) -> Ipv4Addr {
    let base: Ipv4Addr = text.parse().expect("an address");
    Ipv4Addr::from_bits(base.to_bits() + add)
}

pub(crate) fn site(name: &str) -> Site {
    Site {
        name: name.to_owned(),
        home: "westeurope".to_owned(),
        backup: None,
        cpes: Vec::new(),
        lans: Vec::new(),
    }
}

pub(crate) fn interface(name: &str, address: Ipv4Addr, prefix_len: u8) -> InterfaceConfig {
    InterfaceConfig {
        name: name.to_owned(),
        address,
        prefix_len,
        default_route_metric: None,
    }
}

pub(crate) fn host((site, net): (&str, u8)) -> HostConfig {
    HostConfig {
        name: format!("host1.{site}"),
        interface: InterfaceConfig {
            default_route_metric: Some(0),
            ..interface("eth0", Ipv4Addr::new(10, net, 0, 10), 24)
        },
        place: HostPlace::Site {
            site: site.to_owned(),
        },
    }
}

/// The links of a router: own interface, own address, far device, far address.
fn links(name: &str) -> impl Iterator<Item = (&'static str, Ipv4Addr, &'static str, Ipv4Addr)> {
    LINKS.iter().filter_map(move |link| {
        let ends = (address(link.base, 0), address(link.base, 1));
        match (link.a.0 == name, link.b.0 == name) {
            (true, _) => Some((link.a.1, ends.0, link.b.0, ends.1)),
            (_, true) => Some((link.b.1, ends.1, link.a.0, ends.0)),
            _ => None,
        }
    })
}

fn router(name: &str, asn: u32, lan: Option<&str>, extra: &str) -> RouterDevice {
    let mut interfaces: Vec<InterfaceConfig> = links(name)
        .map(|(own, local, ..)| interface(own, local, 31))
        .collect();
    let lan = lan.map(prefix);
    if let Some(lan) = lan {
        let gateway = lan.nth(1).expect("a LAN has addresses");
        interfaces.push(interface("lan0", gateway, lan.len()));
    }
    let router_id = interfaces[0].address;
    let title = name.replace('.', "-");
    let mut config = format!("router: 1\nname: {title}\nasn: {asn}\nrouter_id: {router_id}\n");
    config.push_str(extra);
    config.push_str("\nneighbors:\n");
    for (_, local, far, remote) in links(name) {
        let far_asn = ROUTERS.iter().find(|(name, ..)| *name == far);
        let far_asn = far_asn.map_or(asn, |(_, asn, _)| *asn);
        let kind = match far_asn == asn {
            true => "next_hop: self",
            false => "multihop: 1, bfd: true",
        };
        config.push_str(&format!(
            "  {}: {{address: {remote}, local_address: {local}, asn: {far_asn}, {kind}, import: accept, export: accept}}\n",
            far.replace('.', "-")
        ));
    }
    config.push_str("originate:\n");
    match lan {
        Some(lan) => config.push_str(&format!("  - prefix: {lan}\n")),
        None => config.push_str("  - prefix: 192.0.2.0/32\n"),
    }
    RouterDevice {
        name: name.to_owned(),
        place: match name.split_once('.') {
            Some((_, "mpls")) | None => RouterPlace::Provider {
                network: "mpls".to_owned(),
            },
            Some((_, site)) => RouterPlace::Site {
                site: site.to_owned(),
            },
        },
        interfaces,
        config,
        foreign: false,
    }
}

fn fabric() -> FabricConfig {
    let way = LinkConfigOneWay {
        rate_bps: 0,
        latency_us: 2_000,
        jitter_us: 0,
        loss_ppm: 0,
        queue_bytes: 0,
    };
    let end = |(device, interface): (&str, &str), address| WireEnd {
        device: device.to_owned(),
        interface: interface.to_owned(),
        address,
    };
    let wires = LINKS.iter().map(|link| WireConfig {
        a: end(link.a, address(link.base, 0)),
        b: end(link.b, address(link.base, 1)),
        a_to_b: way,
        b_to_a: way,
    });
    FabricConfig {
        seed: 1,
        regions: Vec::new(),
        backbone: Vec::new(),
        region_latency_us: 500,
        vnets: Vec::new(),
        nics: Vec::new(),
        nsgs: Vec::new(),
        route_tables: Vec::new(),
        clouds: Vec::new(),
        attachments: Vec::new(),
        lans: [("lyon", 1), ("paris", 2)].map(lan).to_vec(),
        wires: wires.collect(),
        forwarders: Vec::new(),
        programming_delay_ms: 0,
        programming_delay_max_ms: 0,
    }
}

pub(crate) fn lan((site, net): (&str, u8)) -> LanConfig {
    let port = |device: String, interface: &str, last, router| LanPortConfig {
        device,
        interface: interface.to_owned(),
        address: Ipv4Addr::new(10, net, 0, last),
        router,
    };
    LanConfig {
        site: site.to_owned(),
        prefix: prefix(&format!("10.{net}.0.0/24")),
        gateway: Ipv4Addr::new(10, net, 0, 1),
        ports: vec![
            port(format!("core.{site}"), "lan0", 1, true),
            port(format!("host1.{site}"), "eth0", 10, false),
        ],
    }
}
