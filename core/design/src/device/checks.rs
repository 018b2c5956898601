//! What a device would trip over, found before it starts.

mod fabric;

use std::collections::BTreeSet;

use super::Step::{Field, Item};
use super::{Findings, Step, key};
pub(in crate::device) use fabric::fabric;

use crate::plan::{
    InterfaceConfig, LinkConfig, LinkRole, NodeConfig, NodeRole, RouteServerConfig, THREADS_MAX,
};

/// What a path's MTU may be: IPv4's least reassembly size, and the largest jumbo frames in use.
const PATH_MTU: core::ops::RangeInclusive<u16> = 576..=9_216;

/// Checks a node's file.
pub(super) fn node(config: &NodeConfig, findings: &mut Findings) {
    let interfaces = config
        .interfaces
        .iter()
        .map(|interface| interface.name.as_str());
    unique(interfaces, "interface", &[Field("interfaces")], findings);
    for (index, interface) in config.interfaces.iter().enumerate() {
        prefix_len(interface, &[Field("interfaces"), Item(index)], findings);
    }
    let known: BTreeSet<&str> = config
        .interfaces
        .iter()
        .map(|interface| interface.name.as_str())
        .collect();
    let mut on_interface = |name: &str, path: [Step; 3]| {
        if !known.contains(name) {
            findings.add(
                &path,
                format!("there is no interface `{name}` in this file"),
            );
        }
    };
    for (index, locator) in config.locators.iter().enumerate() {
        on_interface(
            &locator.interface,
            [Field("locators"), Item(index), Field("interface")],
        );
    }
    for (index, lan) in config.lans.iter().enumerate() {
        on_interface(
            &lan.interface,
            [Field("lans"), Item(index), Field("interface")],
        );
    }
    locators(config, findings);
    let names = config.links.iter().map(|link| link.neighbor.as_str());
    unique(names, "link to", &[Field("links")], findings);
    for (index, link) in config.links.iter().enumerate() {
        self::link(config, link, index, findings);
    }
    lans(config, findings);
    if config.probe.interval_ms == 0 {
        findings.add(
            &[Field("probe"), Field("interval_ms")],
            "probes need a time between them".to_owned(),
        );
    }
    if config.probe.dead_after_ms <= config.probe.interval_ms {
        let reason =
            "dead_after_ms is longer than interval_ms, or every path is down between two probes";
        findings.add(&[Field("probe"), Field("dead_after_ms")], reason.to_owned());
    }
    if !(576..=9_000).contains(&config.mtu) {
        findings.add(
            &[Field("mtu")],
            format!("an MTU is 576 to 9000, not {}", config.mtu),
        );
    }
    if !(1..=THREADS_MAX).contains(&config.forwarding.threads) {
        let threads = config.forwarding.threads;
        findings.add(
            &[Field("forwarding"), Field("threads")],
            format!("a node has 1 to {THREADS_MAX} forwarding threads, not {threads}"),
        );
    }
    if matches!(config.role, NodeRole::Cpe { .. }) && !config.route_servers.is_empty() {
        findings.add(
            &[Field("route_servers")],
            "only an NVA peers with Route Servers".to_owned(),
        );
    }
}

fn prefix_len(interface: &InterfaceConfig, path: &[Step], findings: &mut Findings) {
    if interface.prefix_len > 32 {
        let path = [path, &[Field("prefix_len")]].concat();
        findings.add(
            &path,
            format!(
                "a prefix length is at most 32, not {}",
                interface.prefix_len
            ),
        );
    }
}

fn locators(config: &NodeConfig, findings: &mut Findings) {
    unique(
        config.locators.iter().map(|locator| locator.name.as_str()),
        "locator",
        &[Field("locators")],
        findings,
    );
    let mut sockets = BTreeSet::new();
    for (index, locator) in config.locators.iter().enumerate() {
        let at = |field| [Field("locators"), Item(index), Field(field)];
        if let Err(why) = key(&locator.public_key) {
            findings.add(
                &at("public_key"),
                format!("this is not a public key: {why}"),
            );
        }
        if locator.port == 0 {
            findings.add(
                &at("port"),
                "a locator listens on a port of its own, not 0".to_owned(),
            );
        }
        if !sockets.insert((&locator.interface, locator.port)) {
            let reason = format!(
                "port {} of {} has a locator already",
                locator.port, locator.interface
            );
            findings.add(&at("port"), reason);
        }
    }
}

fn link(config: &NodeConfig, link: &LinkConfig, index: usize, findings: &mut Findings) {
    let at = |field| [Field("links"), Item(index), Field(field)];
    let of_nva = matches!(
        link.role,
        LinkRole::Hub | LinkRole::Twin | LinkRole::HomeSite | LinkRole::BackupSite
    );
    if of_nva != matches!(config.role, NodeRole::Nva { .. }) {
        findings.add(
            &at("role"),
            "this role belongs to the other kind of node".to_owned(),
        );
    }
    if link.neighbor == config.name {
        findings.add(
            &at("neighbor"),
            "a node is not its own neighbour".to_owned(),
        );
    }
    if link.paths.is_empty() && link.plain.is_none() {
        findings.add(
            &at("paths"),
            format!("the link to {} has no path", link.neighbor),
        );
    }
    let mut pairs = BTreeSet::new();
    for (number, path) in link.paths.iter().enumerate() {
        let at = |field| {
            [
                Field("links"),
                Item(index),
                Field("paths"),
                Item(number),
                Field(field),
            ]
        };
        if !config
            .locators
            .iter()
            .any(|locator| locator.name == path.local)
        {
            findings.add(
                &at("local"),
                format!("there is no locator `{}` in this file", path.local),
            );
        }
        if let Err(why) = key(&path.public_key) {
            findings.add(
                &at("public_key"),
                format!("this is not a public key: {why}"),
            );
        }
        if path.initiate && path.endpoint.is_none() {
            let reason = "a path is initiated only where the other side's endpoint is known";
            findings.add(&at("initiate"), reason.to_owned());
        }
        if path.mtu.is_some_and(|mtu| !PATH_MTU.contains(&mtu)) {
            let (least, most) = (PATH_MTU.start(), PATH_MTU.end());
            let reason = format!("packets of an underlay are {least} to {most} octets at most");
            findings.add(&at("mtu"), reason);
        }
        if !pairs.insert((&path.local, &path.remote)) {
            findings.add(
                &at("remote"),
                format!("the path {} > {} is here twice", path.local, path.remote),
            );
        }
    }
}

fn lans(config: &NodeConfig, findings: &mut Findings) {
    for (index, lan) in config.lans.iter().enumerate() {
        let Some(vrrp) = &lan.vrrp else { continue };
        let at = |field| [Field("lans"), Item(index), Field("vrrp"), Field(field)];
        if vrrp.id == 0 {
            findings.add(
                &at("id"),
                "a virtual router ID is 1 to 255 (RFC 9568 §5.2.3)".to_owned(),
            );
        }
        if vrrp.priority == 0 || vrrp.priority == 255 {
            let reason = "a priority is 1 to 254 here: 0 and 255 have meanings of their own (RFC 9568 §5.2.4)";
            findings.add(&at("priority"), reason.to_owned());
        }
        if vrrp.interval_cs == 0 || vrrp.interval_cs > 4_095 {
            findings.add(
                &at("interval_cs"),
                "an interval is 1 to 4095 centiseconds (RFC 9568 §5.2.7)".to_owned(),
            );
        }
        if !lan.prefix.contains(vrrp.virtual_address) {
            let reason = format!("{} is not on the LAN {}", vrrp.virtual_address, lan.prefix);
            findings.add(&at("virtual_address"), reason);
        }
    }
}

/// Checks a Route Server instance's file.
pub(super) fn route_server(config: &RouteServerConfig, findings: &mut Findings) {
    prefix_len(&config.interface, &[Field("interface")], findings);
    if config.instance > 1 {
        findings.add(
            &[Field("instance")],
            "a Route Server has instances 0 and 1".to_owned(),
        );
    }
    if config.twin == config.name {
        findings.add(
            &[Field("twin")],
            "an instance is not its own twin".to_owned(),
        );
    }
    if !config.subnet.contains(config.interface.address) {
        let reason = format!(
            "{} is not in the subnet {}",
            config.interface.address, config.subnet
        );
        findings.add(&[Field("interface"), Field("address")], reason);
    }
    unique(
        config.peers.iter().map(|peer| peer.name.as_str()),
        "peer",
        &[Field("peers")],
        findings,
    );
    let mut addresses = BTreeSet::new();
    for (index, peer) in config.peers.iter().enumerate() {
        let at = |field| [Field("peers"), Item(index), Field(field)];
        if !addresses.insert(peer.address) {
            findings.add(
                &at("address"),
                format!("{} is a peer already", peer.address),
            );
        }
        if peer.asn == config.asn {
            findings.add(
                &at("asn"),
                format!("a peer has another AS than {}", config.asn),
            );
        }
    }
    if matches!(config.hold_time_s, 1 | 2) {
        findings.add(
            &[Field("hold_time_s")],
            "a hold time is 0 or at least 3 seconds (RFC 4271 §4.2)".to_owned(),
        );
    }
}

pub(super) fn unique<'a>(
    names: impl Iterator<Item = &'a str>,
    what: &str,
    path: &[Step],
    findings: &mut Findings,
) {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        if !seen.insert(name) {
            let path = [path, &[Item(index)]].concat();
            findings.add(&path, format!("{what} `{name}` is here twice"));
        }
    }
}
