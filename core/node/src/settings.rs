//! A node's configuration, checked: names became numbers, texts became keys, and what cannot work
//! was refused with the field and the reason.

mod check;
mod class;
mod error;
mod shortcuts;
#[cfg(test)]
mod tests;

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use design::plan::{
    BgpPeerConfig, BudgetConfig, ForwardingConfig, LinkRole, Liveness, NodeConfig, NodeRole,
    PlainLink,
};
use inet::{Asn, Prefix};
use tunnel::{PrivateKey, PublicKey};

pub(crate) use class::{Class, Shape};
pub use error::{ConfigError, ConfigErrors, ConfigReason};
pub(crate) use shortcuts::Shortcuts;

use crate::Secrets;
use crate::classifier::Classifier;
use crate::id::{InterfaceId, LinkId, LocatorId};
use crate::vrrp;

/// A checked configuration.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) role: NodeRole,
    pub(crate) asn: Asn,
    pub(crate) loopback: Ipv4Addr,
    /// Address of the interface with the default route of the lowest metric.
    pub(crate) underlay_address: Option<Ipv4Addr>,
    /// By [`InterfaceId`].
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) locators: Vec<Locator>,
    /// Those of the configuration, then the slots for shortcuts.
    pub(crate) links: Vec<Link>,
    /// The paths of all links, in order; a link's paths are adjacent.
    pub(crate) paths: Vec<Path>,
    pub(crate) route_servers: Vec<BgpPeerConfig>,
    pub(crate) classes: Vec<Class>,
    pub(crate) shortcuts: Shortcuts,
    pub(crate) classifier: Classifier,
    pub(crate) summaries: Vec<Prefix>,
    /// Announced to Route Server and nobody else.
    pub(crate) originate: Vec<Prefix>,
    /// Numbers of the circuits behind the own Route Server.
    pub(crate) domains: Vec<u16>,
    pub(crate) guards_origin: bool,
    pub(crate) budget: BudgetConfig,
    pub(crate) lans: Vec<Lan>,
    /// By [`crate::RouterId`].
    pub(crate) routers: Vec<Router>,
    pub(crate) probe_interval: Duration,
    /// The same for paths that are not in use.
    pub(crate) probe_idle_interval: Duration,
    pub(crate) probe_dead_after: Duration,
    pub(crate) prepend: u8,
    pub(crate) mtu: u16,
    pub(crate) forwarding: ForwardingConfig,
}

/// A kernel interface.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
}

/// An own tunnel endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Locator {
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    /// The TCP port for tunnels over TLS.
    pub(crate) tls_port: Option<u16>,
    pub(crate) private_key: PrivateKey,
    /// Whether its underlay reaches the internet.
    pub(crate) internet: bool,
    /// Bits a second that its underlay takes; 0 is no limit.
    pub(crate) up_bps: u64,
}

/// A neighbour.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) neighbor: String,
    pub(crate) role: LinkRole,
    pub(crate) loopback: Option<Ipv4Addr>,
    pub(crate) static_routes: Vec<Prefix>,
    /// What it may announce; everything when `None`.
    pub(crate) accept: Option<Vec<Prefix>>,
    /// Without tunnels: then there are no paths and no loopback either.
    pub(crate) plain: Option<PlainLink>,
    /// Whether it is a site that makes shortcuts.
    pub(crate) shortcuts: bool,
    /// Where the link's paths begin in [`Settings::paths`], and how many there are.
    pub(crate) first_path: u32,
    pub(crate) path_count: u32,
}

/// A pair of locators.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) link: LinkId,
    pub(crate) locator: LocatorId,
    pub(crate) remote: String,
    /// What classes know it by: the underlay of the site's end.
    pub(crate) underlay: String,
    pub(crate) public_key: PublicKey,
    pub(crate) endpoint: Option<SocketAddrV4>,
    pub(crate) preference: u8,
    pub(crate) initiate: bool,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) liveness: Liveness,
    /// Where the other side takes the tunnel over TLS.
    pub(crate) tls: Option<SocketAddrV4>,
    /// Octets of the longest outer packet; the usual 1,500 when `None`.
    pub(crate) mtu: Option<u16>,
    /// Bits a second that the other side's underlay takes for it; 0 is no limit.
    pub(crate) down_bps: u64,
}

/// A LAN.
#[derive(Clone, Debug)]
pub(crate) struct Lan {
    pub(crate) interface: String,
    pub(crate) prefix: Prefix,
    pub(crate) vrrp: Option<vrrp::Settings>,
}

/// A router of the site.
#[derive(Clone, Debug)]
pub(crate) struct Router {
    pub(crate) name: String,
    pub(crate) interface: InterfaceId,
    /// The own address on that interface.
    pub(crate) local: Ipv4Addr,
    pub(crate) address: Ipv4Addr,
    pub(crate) asn: Asn,
    /// What it may bring; everything when `None`.
    pub(crate) accept: Option<Vec<Prefix>>,
}

impl Settings {
    /// Checks everything, and only then gives either the settings or everything that is wrong.
    pub(crate) fn new(config: &NodeConfig, secrets: &Secrets) -> Result<Self, ConfigErrors> {
        check::Checker::new(config, secrets).run()
    }

    /// The region number of an NVA.
    pub(crate) fn region(&self) -> Option<u16> {
        match &self.role {
            NodeRole::Nva { number, .. } => Some(*number),
            NodeRole::Cpe { .. } => None,
        }
    }
}
