//! A network in a few lines.

use std::collections::BTreeMap;

use design::plan::{Plan, RouterPlace};
use serde::{Deserialize, Serialize};

use crate::FormatVersion;

mod expected;

pub use expected::expected_sessions;

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// An SD-WAN hub.
    Nva,
    /// Customer-premises equipment.
    Cpe,
    /// An instance of Route Server.
    RouteServer,
    /// A plain BGP router.
    Router,
    /// An instance of an ExpressRoute gateway.
    Gateway,
    /// A router of Microsoft's at the end of a circuit.
    Msee,
    /// The platform and the underlays.
    Fabric,
    /// A VM or a host.
    Host,
}

/// A device in a few numbers. A device that does not answer has all zeros and `running: false`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// Its name.
    pub device: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Whether it answers.
    pub running: bool,
    /// BGP sessions established.
    pub sessions_up: u32,
    /// BGP sessions configured.
    pub sessions: u32,
    /// Links with a working path.
    pub tunnels_up: u32,
    /// Links configured.
    pub tunnels: u32,
    /// Working paths.
    pub paths_up: u32,
    /// Paths configured.
    pub paths: u32,
    /// Prefixes in the forwarding table (node), or programmed (Route Server).
    pub routes: u32,
}

impl DeviceStatus {
    /// A device that does not answer.
    pub fn silent(device: &str, kind: DeviceKind) -> Self {
        Self {
            device: device.to_owned(),
            kind,
            running: false,
            sessions_up: 0,
            sessions: 0,
            tunnels_up: 0,
            tunnels: 0,
            paths_up: 0,
            paths: 0,
            routes: 0,
        }
    }
}

impl DeviceStatus {
    /// With what the Plan expects of a device that does not answer, so that sums over devices stay
    /// the same when one dies.
    fn with_expected(mut self, plan: &Plan, sessions: &BTreeMap<String, Vec<String>>) -> Self {
        if self.running {
            return self;
        }
        let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
        self.sessions = sessions
            .get(&self.device)
            .map_or(0, |peers| count(peers.len()));
        if let Some(node) = plan.nodes.iter().find(|node| node.name == self.device) {
            self.tunnels = count(node.links.len());
            self.paths = count(node.links.iter().map(|link| link.paths.len()).sum());
        }
        self
    }
}

/// Sums over devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Devices that answer.
    pub running: u32,
    /// Devices in all.
    pub devices: u32,
    /// Ends of BGP sessions established.
    pub sessions_up: u32,
    /// Ends of BGP sessions configured.
    pub sessions: u32,
    /// Ends of links with a working path.
    pub tunnels_up: u32,
    /// Ends of links configured.
    pub tunnels: u32,
    /// Ends of working paths.
    pub paths_up: u32,
    /// Ends of paths configured.
    pub paths: u32,
    /// Entries of all forwarding tables.
    pub routes: u32,
}

impl Totals {
    fn add(&mut self, device: &DeviceStatus) {
        self.devices += 1;
        self.running += u32::from(device.running);
        self.sessions_up += device.sessions_up;
        self.sessions += device.sessions;
        self.tunnels_up += device.tunnels_up;
        self.tunnels += device.tunnels;
        self.paths_up += device.paths_up;
        self.paths += device.paths;
        self.routes += device.routes;
    }

    fn of<'a>(devices: impl IntoIterator<Item = &'a DeviceStatus>) -> Self {
        let mut totals = Self::default();
        for device in devices {
            totals.add(device);
        }
        totals
    }
}

/// Who reaches whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Ordered pairs of hosts tried.
    pub pairs: u32,
    /// Pairs that answered.
    pub reached: u32,
    /// Pairs that did not: `host1.paris > vm1.spoke1-eastus: no reply`.
    pub failures: Vec<String>,
    /// Milliseconds since it was done; what has failed or was mended since is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
}

/// A region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionStatus {
    /// Azure's name.
    pub name: String,
    /// Its NVAs, Route Server instances and gateway instances.
    pub totals: Totals,
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteStatus {
    /// Its name.
    pub name: String,
    /// Home region.
    pub home: String,
    /// Backup region.
    pub backup: Option<String>,
    /// Its CPEs and routers.
    pub totals: Totals,
}

/// A network in a few lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The design's name.
    pub name: String,
    /// All devices.
    pub totals: Totals,
    /// Regions in the order of the design.
    pub regions: Vec<RegionStatus>,
    /// Sites in the order of the design.
    pub sites: Vec<SiteStatus>,
    /// Who reaches whom, when that was tried.
    pub verification: Option<Verification>,
}

impl Status {
    /// Puts the answers of all devices together that have a daemon.
    pub fn assemble(
        plan: &Plan,
        devices: &[DeviceStatus],
        verification: Option<Verification>,
    ) -> Self {
        let expected = expected_sessions(plan);
        let devices: Vec<DeviceStatus> = devices
            .iter()
            .map(|device| device.clone().with_expected(plan, &expected))
            .collect();
        let by_name: BTreeMap<&str, &DeviceStatus> = devices
            .iter()
            .map(|device| (device.device.as_str(), device))
            .collect();
        let find = |name: &str| by_name.get(name).copied();
        let regions = plan.regions.iter().map(|region| {
            let instances = plan
                .route_servers
                .iter()
                .filter(|instance| instance.region == region.name)
                .map(|instance| instance.name.as_str());
            let gateways = plan
                .gateways
                .iter()
                .filter(|gateway| gateway.region == region.name)
                .map(|gateway| gateway.name.as_str());
            let names = region.nvas.iter().map(String::as_str);
            let names = names.chain(instances).chain(gateways);
            RegionStatus {
                name: region.name.clone(),
                totals: Totals::of(names.filter_map(find)),
            }
        });
        let sites = plan.sites.iter().map(|site| {
            let routers = plan.routers.iter().filter(|router| match &router.place {
                RouterPlace::Site { site: own } => *own == site.name,
                RouterPlace::Provider { .. } => false,
            });
            let names = site.cpes.iter().chain(routers.map(|router| &router.name));
            SiteStatus {
                name: site.name.clone(),
                home: site.home.clone(),
                backup: site.backup.clone(),
                totals: Totals::of(names.filter_map(|name| find(name))),
            }
        });
        Self {
            format_version: FormatVersion,
            name: plan.name.clone(),
            totals: Totals::of(&devices),
            regions: regions.collect(),
            sites: sites.collect(),
            verification,
        }
    }
}
