//! Customer and provider routers, and the point-to-point links that join them with each other, with
//! CPEs and with ExpressRoute.

use core::net::Ipv4Addr;

use inet::{Asn, Prefix};
use serde::{Deserialize, Serialize};

use super::{InterfaceConfig, LinkConfigOneWay};

/// An ordinary BGP router of a site or of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterDevice {
    /// Unique device name: `core.paris`, `pe-london.mpls`.
    pub name: String,
    /// Whose it is.
    pub place: RouterPlace,
    /// Kernel interfaces that exist when the daemon starts.
    pub interfaces: Vec<InterfaceConfig>,
    /// Its whole file for `longhaul router`, as text; [`crate::read_router`] reads it.
    pub config: String,
    /// Whether the lab leaves it to a daemon of other make; the simulator runs `config` in any case.
    #[serde(default)]
    pub foreign: bool,
}

/// Whose a router is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RouterPlace {
    /// A site's: the customer edge, or the hosts' gateway.
    Site {
        /// Site name.
        site: String,
    },
    /// A provider edge of a routed network.
    Provider {
        /// Network name.
        network: String,
    },
}

/// A point-to-point link between two devices: what one side sends comes out at the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireConfig {
    /// One end.
    pub a: WireEnd,
    /// The other end.
    pub b: WireEnd,
    /// From `a` to `b`.
    pub a_to_b: LinkConfigOneWay,
    /// From `b` to `a`.
    pub b_to_a: LinkConfigOneWay,
}

/// An end of a point-to-point link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireEnd {
    /// Device.
    pub device: String,
    /// Its interface.
    pub interface: String,
    /// Its address there; forwarders of the fabric know their neighbours by it.
    pub address: Ipv4Addr,
}

/// A router at the site that speaks BGP with a CPE over a point-to-point link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeNeighbor {
    /// Device name of the router.
    pub name: String,
    /// The own interface towards it.
    pub interface: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its AS.
    pub asn: Asn,
    /// What is learned from it, and announced to the hubs: these prefixes and no others, so that a
    /// site does not become a way between two networks by accident. `None` takes everything.
    pub accept: Option<Vec<Prefix>>,
}
