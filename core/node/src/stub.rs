//! Configurations for tests: a small overlay, built node by node and link by link.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use design::plan::{
    BgpPeerConfig, InterfaceConfig, LinkConfig, LinkRole, Liveness, LocatorConfig, NodeConfig,
    NodeLan, NodeNeighbor, NodeRole, PathConfig, PlainLink, ProbeConfig, VrrpConfig,
};
use inet::{Asn, Prefix};
use tunnel::{PrivateKey, Suite};

use crate::{Options, Secrets};

pub(crate) const OVERLAY: Asn = Asn(65_010);
pub(crate) const PLATFORM: Asn = Asn(65_515);

/// The AS of routers at sites.
pub(crate) const ROUTER: Asn = Asn(65_050);

pub(crate) fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}

pub(crate) fn address(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

pub(crate) fn key(locator: &str) -> PrivateKey {
    PrivateKey::derive(&[7; 32], locator)
}

pub(crate) fn secrets(config: &NodeConfig) -> Secrets {
    let names = config.locators.iter().map(|locator| locator.name.clone());
    Secrets {
        private_keys: names.map(|name| (name.clone(), key(&name))).collect(),
    }
}

pub(crate) fn options(number: u8) -> Options {
    Options {
        suite: Suite::WireGuard,
        aes: true,
        seed: [number; 32],
        epoch: Duration::from_secs(1_700_000_000),
    }
}

/// An NVA of a region: loopback 172.16.0.`number`, underlay address 198.51.100.`number`.
pub(crate) fn nva(name: &str, number: u8, region: u16) -> NodeConfig {
    let role = NodeRole::Nva {
        region: format!("region{region}"),
        number: region,
    };
    let mut config = node(name, number, role);
    config.summaries = vec![prefix("10.0.0.0/8")];
    add_locator(&mut config, "eth0", Ipv4Addr::new(198, 51, 100, number));
    config
}

/// A CPE with one underlay, and a LAN.
pub(crate) fn cpe(name: &str, number: u8, lan: &str) -> NodeConfig {
    let role = NodeRole::Cpe {
        site: name.to_owned(),
    };
    let mut config = node(name, number, role);
    add_locator(&mut config, "wan0", Ipv4Addr::new(203, 0, 113, number));
    let lan = prefix(lan);
    let own = lan.nth(u64::from(number)).expect("room in the LAN");
    config.interfaces.push(interface("lan0", own, lan.len()));
    config.lans.push(NodeLan {
        interface: "lan0".into(),
        prefix: lan,
        vrrp: None,
    });
    config
}

pub(crate) fn add_vrrp(config: &mut NodeConfig, priority: u8) {
    let lan = &mut config.lans[0];
    lan.vrrp = Some(VrrpConfig {
        id: 1,
        virtual_address: lan.prefix.nth(254).expect("room in the LAN"),
        priority,
        interval_cs: 25,
    });
}

pub(crate) fn add_route_server(config: &mut NodeConfig, name: &str, address: Ipv4Addr) {
    config.route_servers.push(BgpPeerConfig {
        name: name.into(),
        address,
        asn: PLATFORM,
    });
}

/// A link to a router of the site: interface `name`, the CPE at `local`, the router beside it.
pub(crate) fn add_router(
    config: &mut NodeConfig,
    name: &str,
    (local, remote): (&str, &str),
    accept: Option<&[&str]>,
) {
    config.interfaces.push(interface(name, address(local), 31));
    config.neighbors.push(NodeNeighbor {
        name: format!("{name}.site"),
        interface: name.into(),
        address: address(remote),
        asn: ROUTER,
        accept: accept.map(|accept| accept.iter().map(|text| prefix(text)).collect()),
    });
}

/// Links two NVAs without tunnels, from their first interfaces.
pub(crate) fn link_plain(a: &mut NodeConfig, b: &mut NodeConfig, role: LinkRole) {
    let ends = [&*a, &*b].map(|config| config.interfaces[0].address);
    let mut to_b = neighbor(b, role, Vec::new());
    let mut to_a = neighbor(a, role, Vec::new());
    for (link, [local, remote]) in [(&mut to_b, ends), (&mut to_a, [ends[1], ends[0]])] {
        link.plain = Some(PlainLink {
            interface: "eth0".into(),
            local,
            remote,
        });
    }
    a.links.push(to_b);
    b.links.push(to_a);
}

pub(crate) fn add_locator(config: &mut NodeConfig, name: &str, address: Ipv4Addr) {
    let locator = format!("{}/{name}", config.name);
    config.locators.push(LocatorConfig {
        public_key: key(&locator).public_key().to_string(),
        name: locator,
        underlay: name.into(),
        interface: name.into(),
        port: 51_820,
        internet: false,
        up_bps: 0,
        tls_port: None,
        proxy: None,
    });
    config.interfaces.push(InterfaceConfig {
        default_route_metric: Some(config.interfaces.len() as u32),
        ..interface(name, address, 24)
    });
}

/// Links two nodes by their first locators. The first node calls.
pub(crate) fn link(a: &mut NodeConfig, b: &mut NodeConfig, roles: (LinkRole, LinkRole)) {
    link_by(a, b, roles, &[(0, 0, 10)]);
}

/// Links two nodes by pairs of locators (first node's, second node's, preference).
pub(crate) fn link_by(
    a: &mut NodeConfig,
    b: &mut NodeConfig,
    roles: (LinkRole, LinkRole),
    paths: &[(usize, usize, u8)],
) {
    let of_a = paths.iter().map(|&(at, to, preference)| {
        let mut path = path(a, at, b, to, preference);
        path.initiate = true;
        path
    });
    let to_b = neighbor(b, roles.0, of_a.collect());
    let of_b = paths
        .iter()
        .map(|&(to, at, preference)| path(b, at, a, to, preference));
    let to_a = neighbor(a, roles.1, of_b.collect());
    a.links.push(to_b);
    b.links.push(to_a);
}

fn neighbor(config: &NodeConfig, role: LinkRole, paths: Vec<PathConfig>) -> LinkConfig {
    LinkConfig {
        neighbor: config.name.clone(),
        role,
        loopback: Some(config.loopback),
        static_routes: Vec::new(),
        accept: None,
        paths,
        plain: None,
        shortcuts: false,
    }
}

fn path(own: &NodeConfig, at: usize, other: &NodeConfig, to: usize, preference: u8) -> PathConfig {
    let remote = &other.locators[to];
    let interface = other
        .interfaces
        .iter()
        .find(|interface| interface.name == remote.interface)
        .expect("the locator's interface");
    PathConfig {
        local: own.locators[at].name.clone(),
        remote: remote.name.clone(),
        public_key: remote.public_key.clone(),
        endpoint: Some(SocketAddrV4::new(interface.address, remote.port)),
        preference,
        initiate: false,
        keepalive_s: 0,
        liveness: Liveness::Probe,
        mtu: None,
        down_bps: 0,
        tls: None,
    }
}

fn node(name: &str, number: u8, role: NodeRole) -> NodeConfig {
    NodeConfig {
        name: name.into(),
        role,
        asn: OVERLAY,
        loopback: Ipv4Addr::new(172, 16, 0, number),
        interfaces: Vec::new(),
        locators: Vec::new(),
        links: Vec::new(),
        route_servers: Vec::new(),
        summaries: Vec::new(),
        lans: Vec::new(),
        neighbors: Vec::new(),
        classes: Vec::new(),
        prefix_sets: Vec::new(),
        shortcuts: design::plan::ShortcutConfig::default(),
        originate: Vec::new(),
        domains: Vec::new(),
        guards_origin: true,
        budget: design::plan::BudgetConfig::default(),
        probe: ProbeConfig {
            interval_ms: 200,
            idle_interval_ms: 0,
            dead_after_ms: 900,
        },
        prepend: 0,
        mtu: 1_420,
        forwarding: design::plan::ForwardingConfig::default(),
    }
}

fn interface(name: &str, address: Ipv4Addr, prefix_len: u8) -> InterfaceConfig {
    InterfaceConfig {
        name: name.into(),
        address,
        prefix_len,
        default_route_metric: None,
    }
}
