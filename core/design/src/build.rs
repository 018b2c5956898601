//! Devices made of settled values: the Plan.
//!
//! Addresses are given out here, each from its pool, in the order of the design, so that adding at
//! the end moves nothing. Then nodes get their links and the fabric its ports.

mod addresses;
mod express_route;
mod fabric;
mod links;
mod regions;
mod routers;
mod sites;
mod wires;

use std::collections::BTreeSet;

use crate::plan::{
    ClassConfig, ErGatewayConfig, ForeignConfig, HostConfig, MseeConfig, NodeConfig, Plan,
    PrefixSet, ProbeConfig, RouteServerConfig, RouterDevice, ShortcutConfig,
};
use crate::report::Report;
use crate::settle::Settled;

pub(crate) use addresses::Addresses;
pub(crate) use fabric::nva_nsg_name;
pub(crate) use wires::router_name;

/// The underlay name of an NVA's only locator.
pub(crate) const AZURE: &str = "azure";

/// Makes the Plan. Reports are about pools that are too small.
pub(crate) fn build(
    settled: &Settled,
    public_key: &dyn Fn(&str) -> String,
    reports: &mut Vec<Report>,
) -> Plan {
    let addresses = Addresses::allocate(settled, reports);
    let mut devices = Devices::default();
    regions::build(settled, &addresses, public_key, &mut devices);
    sites::build(settled, &addresses, public_key, &mut devices);
    links::build(settled, &addresses, &mut devices);
    express_route::build(settled, &addresses, &mut devices);
    routers::build(settled, &addresses, &mut devices, reports);
    let wires = addresses.wires.iter().map(|wire| wire.config(settled));
    devices.fabric.wires = wires.collect();
    let fabric = fabric::build(settled, devices.fabric);
    Plan {
        name: settled.name.value.clone(),
        overlay: crate::plan::Overlay {
            asn: settled.overlay.asn.value,
            loopbacks: settled.overlay.loopbacks.value,
            summaries: settled.overlay.summaries.value.clone(),
        },
        regions: settled.regions.iter().map(regions::summary).collect(),
        sites: settled
            .sites
            .iter()
            .map(|site| sites::summary(settled, site))
            .collect(),
        nodes: devices.nodes,
        route_servers: devices.route_servers,
        gateways: devices.gateways,
        msees: devices.msees,
        routers: devices.routers,
        hosts: devices.hosts,
        foreign: devices.foreign,
        fabric,
    }
}

/// Devices while they are made.
#[derive(Default)]
pub(crate) struct Devices {
    /// NVAs region by region, then CPEs site by site.
    pub(crate) nodes: Vec<NodeConfig>,
    /// Index of the first NVA of each region.
    pub(crate) nva_start: Vec<usize>,
    /// Index of the first CPE of each site; `None` where a plain WireGuard device stands.
    pub(crate) cpe_start: Vec<Option<usize>>,
    /// Public key of each site's plain WireGuard device.
    pub(crate) wireguard_keys: Vec<Option<String>>,
    pub(crate) route_servers: Vec<RouteServerConfig>,
    pub(crate) gateways: Vec<ErGatewayConfig>,
    pub(crate) msees: Vec<MseeConfig>,
    pub(crate) routers: Vec<RouterDevice>,
    pub(crate) hosts: Vec<HostConfig>,
    pub(crate) foreign: Vec<ForeignConfig>,
    pub(crate) fabric: FabricParts,
}

/// What devices add to the fabric.
#[derive(Default)]
pub(crate) struct FabricParts {
    pub(crate) nics: Vec<crate::plan::NicConfig>,
    pub(crate) attachments: Vec<crate::plan::AttachmentConfig>,
    pub(crate) lans: Vec<crate::plan::LanConfig>,
    pub(crate) wires: Vec<crate::plan::WireConfig>,
    pub(crate) forwarders: Vec<crate::plan::ForwarderConfig>,
}

/// Probing as every node is told.
pub(crate) fn probe(settled: &Settled) -> ProbeConfig {
    let millis =
        |duration: core::time::Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    let probe = &settled.overlay.probe;
    ProbeConfig {
        interval_ms: millis(probe.interval.value).max(1),
        idle_interval_ms: millis(probe.idle.value).max(1),
        dead_after_ms: millis(probe.dead_after.value).max(1),
    }
}

/// Prefix sets as every node is told: those that a class names.
pub(crate) fn prefix_sets(settled: &Settled) -> Vec<PrefixSet> {
    let classes = settled.classes.iter();
    let matches = classes.flat_map(|class| &class.config.matches);
    let used: BTreeSet<&String> = matches.flat_map(|one| &one.sets).collect();
    let all = settled.prefix_sets.iter();
    all.filter(|set| used.contains(&set.name.value))
        .map(|set| PrefixSet {
            name: set.name.value.clone(),
            prefixes: set.prefixes.clone(),
        })
        .collect()
}

/// Shortcuts as a node is told.
pub(crate) fn shortcuts(settled: &Settled, wanted: bool) -> ShortcutConfig {
    let shortcuts = &settled.overlay.shortcuts;
    if !wanted || shortcuts.slots.value == 0 {
        return ShortcutConfig::default();
    }
    ShortcutConfig {
        slots: shortcuts.slots.value,
        margin_percent: shortcuts.margin_percent.value,
        idle_s: u16::try_from(shortcuts.idle.value.as_secs()).unwrap_or(u16::MAX),
    }
}

/// Application classes as every node is told.
pub(crate) fn classes(settled: &Settled) -> Vec<ClassConfig> {
    let classes = settled.classes.iter();
    classes.map(|class| class.config.clone()).collect()
}

/// Whole microseconds, as the fabric counts them.
pub(crate) fn micros(duration: core::time::Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// The name of a region's NVA, counted from zero.
pub(crate) fn nva_name(region: &str, index: usize) -> String {
    format!("nva{}.{region}", index + 1)
}

/// The name of a site's CPE, counted from zero.
pub(crate) fn cpe_name(site: &str, index: usize) -> String {
    format!("cpe{}.{site}", index + 1)
}
