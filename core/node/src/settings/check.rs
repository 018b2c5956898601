//! The checks of a configuration, one function for each part of the file. None stops at the first
//! fault: the operator sees them all.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeSet;

use design::plan::{
    BudgetConfig, InterfaceConfig, LinkConfig, LinkRole, Liveness, LocatorConfig, NodeConfig,
    NodeLan, NodeNeighbor, NodeRole, PathConfig, PlainLink, THREADS_MAX,
};
use inet::Prefix;
use tunnel::PublicKey;

use super::error::{ConfigError, ConfigErrors, ConfigReason};
use super::{Interface, Lan, Link, Locator, Path, Router, Settings};
use crate::Classifier;
use crate::Secrets;
use crate::id::{InterfaceId, LinkId, LocatorId};
use crate::vrrp;

pub(super) struct Checker<'a> {
    pub(super) config: &'a NodeConfig,
    secrets: &'a Secrets,
    errors: Vec<ConfigError>,
}

impl<'a> Checker<'a> {
    pub(super) const fn new(config: &'a NodeConfig, secrets: &'a Secrets) -> Self {
        Self {
            config,
            secrets,
            errors: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Result<Settings, ConfigErrors> {
        let config = self.config;
        self.node();
        self.interfaces();
        self.route_servers();
        let locators = self.locators();
        let (mut links, mut paths) = self.links();
        let shortcuts = self.shortcuts(&mut links, &mut paths);
        let lans = self.lans();
        let classes = self.classes();
        let routers = self.routers();
        if !self.errors.is_empty() {
            return Err(ConfigErrors(self.errors));
        }
        Ok(Settings {
            name: config.name.clone(),
            role: config.role.clone(),
            asn: config.asn,
            loopback: config.loopback,
            underlay_address: underlay(config).map(|interface| interface.address),
            interfaces: interfaces(config),
            locators,
            links,
            paths,
            route_servers: config.route_servers.clone(),
            classes,
            shortcuts,
            classifier: Classifier::new(&config.classes, &config.prefix_sets),
            summaries: config.summaries.clone(),
            originate: config.originate.clone(),
            domains: config.domains.clone(),
            guards_origin: config.guards_origin,
            budget: config.budget.clone(),
            lans,
            routers,
            probe_interval: Duration::from_millis(u64::from(config.probe.interval_ms)),
            probe_idle_interval: Duration::from_millis(u64::from(match config.probe {
                probe if probe.idle_interval_ms == 0 => probe.interval_ms,
                probe => probe.idle_interval_ms,
            })),
            probe_dead_after: Duration::from_millis(u64::from(config.probe.dead_after_ms)),
            prepend: config.prepend,
            mtu: config.mtu,
            forwarding: config.forwarding,
        })
    }

    pub(super) fn refuse(&mut self, field: impl Into<String>, reason: ConfigReason) {
        self.errors.push(ConfigError {
            field: field.into(),
            reason,
        });
    }

    pub(super) fn range(&mut self, field: impl Into<String>, value: u32, min: u32, max: u32) {
        if !(min..=max).contains(&value) {
            self.refuse(field, ConfigReason::OutOfRange { min, max });
        }
    }

    fn host(&mut self, field: impl Into<String>, address: Ipv4Addr) {
        if !is_host(address) {
            self.refuse(field, ConfigReason::NotAHostAddress);
        }
    }

    pub(super) fn is_nva(&self) -> bool {
        matches!(self.config.role, NodeRole::Nva { .. })
    }

    fn node(&mut self) {
        let config = self.config;
        if config.name.is_empty() {
            self.refuse("name", ConfigReason::Empty);
        }
        if !config.asn.is_two_octet() {
            self.refuse("asn", ConfigReason::AsnTooLarge);
        } else if config.asn.0 == 0 {
            self.range("asn", 0, 1, 65_535);
        }
        if let NodeRole::Nva { number, .. } = &config.role {
            self.range("role.nva.number", u32::from(*number), 1, 65_535);
        }
        self.host("loopback", config.loopback);
        self.range("mtu", u32::from(config.mtu), MTU_MIN, MTU_MAX);
        let threads = u32::from(config.forwarding.threads);
        self.range("forwarding.threads", threads, 1, u32::from(THREADS_MAX));
        self.range("prepend", u32::from(config.prepend), 0, PREPEND_MAX);
        let probe = config.probe;
        self.range("probe.interval_ms", probe.interval_ms, 10, 60_000);
        self.range("probe.dead_after_ms", probe.dead_after_ms, 20, 600_000);
        if probe.idle_interval_ms > 0 {
            self.range("probe.idle_interval_ms", probe.idle_interval_ms, 10, 60_000);
        }
        if probe.dead_after_ms <= probe.interval_ms {
            self.refuse("probe.dead_after_ms", ConfigReason::NotLongerThanInterval);
        }
        if !self.is_nva() && !config.summaries.is_empty() {
            self.refuse("summaries", ConfigReason::NotForCpe);
        }
        self.budget(&config.budget);
        if !self.is_nva() && !config.originate.is_empty() {
            self.refuse("originate", ConfigReason::NotForCpe);
        }
        for (index, number) in config.domains.iter().enumerate() {
            self.range(format!("domains[{index}]"), u32::from(*number), 1, 65_535);
        }
    }

    fn budget(&mut self, budget: &BudgetConfig) {
        if !self.is_nva() && !budget.is_default() {
            self.refuse("budget", ConfigReason::NotForCpe);
        }
        let percent = u32::from(budget.warn_percent);
        self.range("budget.warn_percent", percent, 1, 100);
        if budget.routes_per_peer > 0 {
            let max = budget.routes_per_peer - 1;
            self.range("budget.route_server", budget.route_server, 0, max);
        }
        self.range("budget.burst_gap_ms", budget.burst_gap_ms, 1, 600_000);
        for (index, prefix) in budget.discard.iter().enumerate() {
            if prefix.len() == 0 {
                self.refuse(format!("budget.discard[{index}]"), ConfigReason::Default);
            }
        }
    }

    fn interfaces(&mut self) {
        let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for (index, interface) in self.config.interfaces.iter().enumerate() {
            let at = format!("interfaces[{index}]");
            if interface.name.is_empty() {
                self.refuse(format!("{at}.name"), ConfigReason::Empty);
            }
            if !names.insert(&interface.name) {
                self.refuse(format!("{at}.name"), ConfigReason::Duplicate);
            }
            self.host(format!("{at}.address"), interface.address);
            if interface.address == self.config.loopback || !addresses.insert(interface.address) {
                self.refuse(format!("{at}.address"), ConfigReason::Duplicate);
            }
            self.range(
                format!("{at}.prefix_len"),
                u32::from(interface.prefix_len),
                1,
                32,
            );
        }
    }

    fn route_servers(&mut self) {
        let config = self.config;
        if config.route_servers.is_empty() {
            return;
        }
        if !self.is_nva() {
            self.refuse("route_servers", ConfigReason::NotForCpe);
        }
        if underlay(config).is_none() {
            self.refuse("route_servers", ConfigReason::NeedsDefaultRoute);
        }
        let mut addresses = BTreeSet::new();
        for (index, peer) in config.route_servers.iter().enumerate() {
            let at = format!("route_servers[{index}]");
            self.host(format!("{at}.address"), peer.address);
            if !addresses.insert(peer.address) {
                self.refuse(format!("{at}.address"), ConfigReason::Duplicate);
            }
            if peer.asn == config.asn {
                self.refuse(format!("{at}.asn"), ConfigReason::AsnOfOverlay);
            }
        }
    }

    fn locators(&mut self) -> Vec<Locator> {
        let config = self.config;
        let count = config.locators.len() as u32;
        self.range("locators", count, 1, u32::from(u16::MAX));
        let mut names = BTreeSet::new();
        let (mut sockets, mut listeners) = (BTreeSet::new(), BTreeSet::new());
        let mut locators = Vec::new();
        for (index, locator) in config.locators.iter().enumerate() {
            let at = format!("locators[{index}]");
            if !names.insert(&locator.name) {
                self.refuse(format!("{at}.name"), ConfigReason::Duplicate);
            }
            if !sockets.insert((&locator.interface, locator.port)) {
                self.refuse(format!("{at}.port"), ConfigReason::Duplicate);
            }
            if let Some(port) = locator.tls_port {
                self.range(format!("{at}.tls_port"), u32::from(port), 1, 65_535);
                if !listeners.insert((&locator.interface, port)) {
                    self.refuse(format!("{at}.tls_port"), ConfigReason::Duplicate);
                }
            }
            locators.extend(self.locator(&at, locator));
        }
        locators
    }

    fn locator(&mut self, at: &str, locator: &LocatorConfig) -> Option<Locator> {
        self.range(format!("{at}.port"), u32::from(locator.port), 1, 65_535);
        let interface = self
            .config
            .interfaces
            .iter()
            .find(|interface| interface.name == locator.interface);
        if interface.is_none() {
            let name = locator.interface.clone();
            self.refuse(format!("{at}.interface"), ConfigReason::Unknown { name });
        }
        let public_key = self.key(&format!("{at}.public_key"), &locator.public_key);
        let Some(private_key) = self.secrets.private_keys.get(&locator.name) else {
            self.refuse(at, ConfigReason::NoPrivateKey);
            return None;
        };
        if public_key? != private_key.public_key() {
            self.refuse(format!("{at}.public_key"), ConfigReason::OtherPrivateKey);
        }
        Some(Locator {
            name: locator.name.clone(),
            address: interface?.address,
            port: locator.port,
            tls_port: locator.tls_port,
            private_key: private_key.clone(),
            internet: locator.internet,
            up_bps: locator.up_bps,
        })
    }

    fn key(&mut self, field: &str, text: &str) -> Option<PublicKey> {
        let key = text.parse().ok();
        if key.is_none() {
            self.refuse(field, ConfigReason::NotAKey);
        }
        key
    }

    fn links(&mut self) -> (Vec<Link>, Vec<Path>) {
        let (mut names, mut loopbacks) = (BTreeSet::new(), BTreeSet::new());
        let mut keys = BTreeSet::new();
        let (mut links, mut paths) = (Vec::new(), Vec::new());
        for (index, link) in self.config.links.iter().enumerate() {
            let at = format!("links[{index}]");
            if !names.insert(&link.neighbor) || link.neighbor == self.config.name {
                self.refuse(format!("{at}.neighbor"), ConfigReason::Duplicate);
            }
            self.link(&at, link);
            if let Some(loopback) = link.loopback
                && (loopback == self.config.loopback || !loopbacks.insert(loopback))
            {
                self.refuse(format!("{at}.loopback"), ConfigReason::Duplicate);
            }
            let first_path = paths.len() as u32;
            for (number, config) in link.paths.iter().enumerate() {
                let at = format!("{at}.paths[{number}]");
                let Some(path) = self.path(&at, LinkId(index as u32), link, config) else {
                    continue;
                };
                if !keys.insert((path.locator, path.public_key)) {
                    self.refuse(format!("{at}.public_key"), ConfigReason::Duplicate);
                }
                paths.push(path);
            }
            links.push(Link {
                neighbor: link.neighbor.clone(),
                role: link.role,
                loopback: link.loopback.filter(|_| link.plain.is_none()),
                static_routes: link.static_routes.clone(),
                accept: link.accept.clone(),
                plain: link.plain.clone(),
                shortcuts: link.shortcuts,
                first_path,
                path_count: paths.len() as u32 - first_path,
            });
        }
        (links, paths)
    }

    fn link(&mut self, at: &str, link: &LinkConfig) {
        if link.neighbor.is_empty() {
            self.refuse(format!("{at}.neighbor"), ConfigReason::Empty);
        }
        self.link_role(at, link);
        if let Some(plain) = &link.plain {
            self.plain_link(at, link, plain);
            return;
        }
        if link.paths.is_empty() {
            self.refuse(format!("{at}.paths"), ConfigReason::Empty);
        }
        match link.loopback {
            Some(loopback) => {
                self.host(format!("{at}.loopback"), loopback);
                if !link.static_routes.is_empty() {
                    let field = format!("{at}.static_routes");
                    self.refuse(field, ConfigReason::StaticRoutesNeedPlainPeer);
                }
            }
            None if link.static_routes.is_empty() => {
                self.refuse(format!("{at}.static_routes"), ConfigReason::Empty);
            }
            None => {}
        }
    }

    fn link_role(&mut self, at: &str, link: &LinkConfig) {
        match link.role {
            LinkRole::Hub | LinkRole::Twin | LinkRole::HomeSite | LinkRole::BackupSite => {
                if !self.is_nva() {
                    self.refuse(format!("{at}.role"), ConfigReason::NotForCpe);
                }
            }
            LinkRole::HomeHub | LinkRole::BackupHub => {
                if self.is_nva() {
                    self.refuse(format!("{at}.role"), ConfigReason::NotForNva);
                }
            }
        }
    }

    /// A link without tunnels: between NVAs, from an address of the interface that it names.
    fn plain_link(&mut self, at: &str, link: &LinkConfig, plain: &PlainLink) {
        if !matches!(link.role, LinkRole::Hub | LinkRole::Twin) {
            self.refuse(format!("{at}.plain"), ConfigReason::NotForCpe);
        }
        if !link.paths.is_empty() {
            self.refuse(format!("{at}.paths"), ConfigReason::NotForPlainLink);
        }
        if !link.static_routes.is_empty() {
            self.refuse(format!("{at}.static_routes"), ConfigReason::NotForPlainLink);
        }
        match self.interface(&plain.interface) {
            None => {
                let name = plain.interface.clone();
                self.refuse(
                    format!("{at}.plain.interface"),
                    ConfigReason::Unknown { name },
                );
            }
            Some((_, interface)) if interface.address != plain.local => {
                self.refuse(format!("{at}.plain.local"), ConfigReason::OffLink);
            }
            Some(_) => {}
        }
        self.host(format!("{at}.plain.remote"), plain.remote);
        if plain.remote == plain.local {
            self.refuse(format!("{at}.plain.remote"), ConfigReason::OwnAddress);
        }
        if underlay(self.config).is_none_or(|underlay| underlay.name != plain.interface) {
            self.refuse(
                format!("{at}.plain.interface"),
                ConfigReason::NeedsDefaultRoute,
            );
        }
    }

    fn interface(&self, name: &str) -> Option<(InterfaceId, &'a InterfaceConfig)> {
        let config = self.config;
        let at = config.interfaces.iter().position(|own| own.name == name)?;
        Some((InterfaceId(at.try_into().ok()?), &config.interfaces[at]))
    }

    fn path(&mut self, at: &str, id: LinkId, link: &LinkConfig, path: &PathConfig) -> Option<Path> {
        let locator = self
            .config
            .locators
            .iter()
            .position(|locator| locator.name == path.local);
        if locator.is_none() {
            let name = path.local.clone();
            self.refuse(format!("{at}.local"), ConfigReason::Unknown { name });
        }
        if let Some(mtu) = path.mtu {
            self.range(format!("{at}.mtu"), u32::from(mtu), OUTER_MIN, OUTER_MAX);
        }
        if (path.initiate || path.tls.is_some()) && path.endpoint.is_none() {
            self.refuse(format!("{at}.endpoint"), ConfigReason::NeedsEndpoint);
        }
        for (field, address) in [("endpoint", path.endpoint), ("tls", path.tls)] {
            if let Some(address) = address {
                let at = format!("{at}.{field}");
                self.host(at.clone(), *address.ip());
                self.range(at, u32::from(address.port()), 1, 65_535);
            }
        }
        if path.liveness == Liveness::Probe && link.loopback.is_none() {
            self.refuse(format!("{at}.liveness"), ConfigReason::ProbeNeedsLoopback);
        }
        let public_key = self.key(&format!("{at}.public_key"), &path.public_key);
        Some(Path {
            link: id,
            locator: LocatorId(locator?.try_into().ok()?),
            remote: path.remote.clone(),
            underlay: self.underlay_of(path),
            public_key: public_key?,
            endpoint: path.endpoint,
            preference: path.preference,
            initiate: path.initiate,
            keepalive: (path.keepalive_s > 0)
                .then(|| Duration::from_secs(u64::from(path.keepalive_s))),
            liveness: path.liveness,
            tls: path.tls,
            mtu: path.mtu,
            down_bps: path.down_bps,
        })
    }

    fn lans(&mut self) -> Vec<Lan> {
        let config = self.config;
        if self.is_nva() && !config.lans.is_empty() {
            self.refuse("lans", ConfigReason::NotForNva);
        }
        let mut interfaces = BTreeSet::new();
        let mut lans = Vec::new();
        for (index, lan) in config.lans.iter().enumerate() {
            let at = format!("lans[{index}]");
            if !interfaces.insert(&lan.interface) {
                self.refuse(format!("{at}.interface"), ConfigReason::Duplicate);
            }
            if lan.prefix.len() == 0 {
                self.refuse(format!("{at}.prefix"), ConfigReason::Default);
            }
            lans.extend(self.lan(&at, lan));
        }
        lans
    }

    fn lan(&mut self, at: &str, lan: &NodeLan) -> Option<Lan> {
        let interfaces = &self.config.interfaces;
        let Some(interface) = interfaces.iter().find(|i| i.name == lan.interface) else {
            let name = lan.interface.clone();
            self.refuse(format!("{at}.interface"), ConfigReason::Unknown { name });
            return None;
        };
        if !lan.prefix.contains(interface.address) {
            self.refuse(format!("{at}.prefix"), ConfigReason::OutsideLan);
        }
        if let Some(vrrp) = &lan.vrrp {
            let at = format!("{at}.vrrp");
            self.range(format!("{at}.id"), u32::from(vrrp.id), 1, 255);
            self.range(format!("{at}.priority"), u32::from(vrrp.priority), 1, 254);
            let interval = u32::from(vrrp.interval_cs);
            self.range(format!("{at}.interval_cs"), interval, 1, 4095);
            if !lan.prefix.contains(vrrp.virtual_address) {
                self.refuse(format!("{at}.virtual_address"), ConfigReason::OutsideLan);
            }
            if vrrp.virtual_address == interface.address {
                self.refuse(format!("{at}.virtual_address"), ConfigReason::OwnAddress);
            }
        }
        Some(Lan {
            interface: lan.interface.clone(),
            prefix: lan.prefix,
            vrrp: lan.vrrp.as_ref().map(|vrrp| vrrp::Settings {
                id: vrrp.id,
                virtual_address: vrrp.virtual_address,
                address: interface.address,
                priority: vrrp.priority,
                interval_cs: vrrp.interval_cs,
            }),
        })
    }
}

impl Checker<'_> {
    fn routers(&mut self) -> Vec<Router> {
        let config = self.config;
        if self.is_nva() && !config.neighbors.is_empty() {
            self.refuse("neighbors", ConfigReason::NotForNva);
        }
        let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        let mut routers = Vec::new();
        for (index, router) in config.neighbors.iter().enumerate() {
            let at = format!("neighbors[{index}]");
            if router.name.is_empty() {
                self.refuse(format!("{at}.name"), ConfigReason::Empty);
            }
            if !names.insert(&router.name) {
                self.refuse(format!("{at}.name"), ConfigReason::Duplicate);
            }
            if !addresses.insert(router.address) {
                self.refuse(format!("{at}.address"), ConfigReason::Duplicate);
            }
            if router.asn == config.asn {
                self.refuse(format!("{at}.asn"), ConfigReason::AsnOfOverlay);
            }
            routers.extend(self.router(&at, router));
        }
        routers
    }

    fn router(&mut self, at: &str, router: &NodeNeighbor) -> Option<Router> {
        self.host(format!("{at}.address"), router.address);
        let Some((id, interface)) = self.interface(&router.interface) else {
            let name = router.interface.clone();
            self.refuse(format!("{at}.interface"), ConfigReason::Unknown { name });
            return None;
        };
        let connected = Prefix::around(interface.address, interface.prefix_len);
        if !connected.is_some_and(|prefix| prefix.contains(router.address)) {
            self.refuse(format!("{at}.address"), ConfigReason::OffLink);
        }
        if router.address == interface.address {
            self.refuse(format!("{at}.address"), ConfigReason::OwnAddress);
        }
        Some(Router {
            name: router.name.clone(),
            interface: id,
            local: interface.address,
            address: router.address,
            asn: router.asn,
            accept: router.accept.clone(),
        })
    }
}

fn interfaces(config: &NodeConfig) -> Vec<Interface> {
    let interfaces = config.interfaces.iter();
    interfaces
        .map(|interface| Interface {
            name: interface.name.clone(),
            address: interface.address,
        })
        .collect()
}

/// The interface with the default route of the lowest metric; the first of equal ones.
fn underlay(config: &NodeConfig) -> Option<&InterfaceConfig> {
    config
        .interfaces
        .iter()
        .filter_map(|interface| Some((interface.default_route_metric?, interface)))
        .min_by_key(|(metric, _)| *metric)
        .map(|(_, interface)| interface)
}

fn is_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified()
        && !address.is_multicast()
        && !address.is_broadcast()
        && !address.is_loopback()
}

/// The smallest MTU that every IPv4 host must take (RFC 791).
const MTU_MIN: u32 = 576;
/// A jumbo frame without the tunnel's overhead.
const MTU_MAX: u32 = 8_920;
/// The smallest packet that holds the smallest one inside, and what is around it.
const OUTER_MIN: u32 = MTU_MIN + 60;
/// A jumbo frame.
const OUTER_MAX: u32 = 9_216;
/// More than this says nothing more and makes paths that others refuse as too long.
const PREPEND_MAX: u32 = 10;
