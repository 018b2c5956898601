//! The control protocol: one query, one answer, each a line of JSON.

use core::net::Ipv4Addr;

use inet::Prefix;
use serde::{Deserialize, Serialize};

use crate::platform::{
    BgpConnection, BgpConnectionProperties, BgpPeerStatus, CircuitPeer, CircuitRoute, List,
    PeerRoutes, PlatformError, VirtualHub, VnetPeering, VnetPeeringProperties,
};
use crate::{
    Brownout, Budgets, Counters, DeviceStatus, EffectiveRoutes, Flow, Forwarding, Measures, Paths,
    Routes, Sessions, Tunnels,
};

/// A question to a device or to the fabric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "query", rename_all = "kebab-case")]
pub enum Query {
    /// The device in a few numbers.
    Status,
    /// Its BGP sessions (node, Route Server).
    Sessions,
    /// Its BGP routes, all or those of one prefix (node, Route Server).
    Routes {
        /// Only this prefix.
        prefix: Option<Prefix>,
    },
    /// Its tunnels (node).
    Tunnels,
    /// Its paths, what each carries and why, and the last moves (node).
    Paths,
    /// Its route budget (NVA).
    Budget,
    /// What passed through it, and what came to nothing (node).
    Counters,
    /// Its forwarding table (node); those of all interfaces in VNets (fabric).
    Forwarding,
    /// Effective routes of a device's interface (fabric).
    EffectiveRoutes {
        /// The device.
        device: String,
        /// Its interface.
        interface: String,
    },
    /// What the device does with a packet of a flow (node). Nothing is sent.
    Step {
        /// The flow.
        flow: Flow,
    },
    /// What the fabric does with a packet of a flow that an interface sends. Nothing is sent.
    Passage {
        /// The sending device.
        device: String,
        /// The sending interface.
        interface: String,
        /// The flow.
        flow: Flow,
    },
    /// What a peer announced (Route Server, gateway).
    LearnedRoutes {
        /// The peer's name.
        peer: String,
    },
    /// What was announced to a peer (Route Server, gateway).
    AdvertisedRoutes {
        /// The peer's name.
        peer: String,
    },
    /// The Route Server that the instance belongs to, as this instance knows it.
    Hub,
    /// The peers (Route Server).
    Connections,
    /// The VNets that are peered with its own (Route Server).
    VnetPeerings,
    /// How the sessions with the peers are (Route Server, gateway).
    PeerStatus,
    /// Its table (MSEE).
    RouteTable,
    /// Its neighbours in a line each (MSEE).
    RouteTableSummary,
    /// The configuration in force, as a file (Route Server).
    Configuration,
    /// What changes while it runs (Route Server).
    Change {
        /// What.
        change: Change,
    },
    /// Read the configuration file again.
    Reload,
    /// What is measured.
    Measures,
    /// The VMs around an instance of a Route Server (fabric).
    Vms {
        /// The instance's device name.
        instance: String,
    },
    /// Break or mend something (fabric).
    Fault {
        /// What.
        fault: Fault,
        /// Whether it works from now on.
        up: bool,
    },
    /// End the process in an orderly way.
    Stop,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// To [`Query::Status`].
    Status(DeviceStatus),
    /// To [`Query::Sessions`].
    Sessions(Sessions),
    /// To [`Query::Routes`].
    Routes(Routes),
    /// To [`Query::Tunnels`].
    Tunnels(Tunnels),
    /// To [`Query::Paths`].
    Paths(Paths),
    /// To [`Query::Budget`].
    Budgets(Budgets),
    /// To [`Query::Counters`].
    Counters(Counters),
    /// To [`Query::Forwarding`].
    Forwarding(Forwarding),
    /// To [`Query::EffectiveRoutes`].
    EffectiveRoutes(EffectiveRoutes),
    /// To [`Query::Step`].
    Step(Step),
    /// To [`Query::Passage`].
    Passage(Passage),
    /// To [`Query::LearnedRoutes`] and [`Query::AdvertisedRoutes`].
    PeerRoutes(PeerRoutes),
    /// To [`Query::Hub`].
    Hub(VirtualHub),
    /// To [`Query::Connections`].
    Connections(List<BgpConnection>),
    /// To [`Query::VnetPeerings`].
    VnetPeerings(List<VnetPeering>),
    /// To [`Query::PeerStatus`].
    PeerStatus(List<BgpPeerStatus>),
    /// To [`Query::RouteTable`].
    RouteTable(List<CircuitRoute>),
    /// To [`Query::RouteTableSummary`].
    RouteTableSummary(List<CircuitPeer>),
    /// To [`Query::Configuration`].
    Configuration {
        /// The file.
        yaml: String,
    },
    /// To [`Query::Measures`].
    Measures(Box<Measures>),
    /// To [`Query::Vms`].
    Vms {
        /// VMs in its own and all peered VNets.
        vms: u32,
        /// How many are sure to be programmed; 0 is all.
        most: u32,
    },
    /// To [`Query::Change`], [`Query::Reload`], [`Query::Fault`] and [`Query::Stop`].
    Done,
    /// The platform refuses this.
    Unable(PlatformError),
    /// The device has no answer to this.
    Refused {
        /// Why.
        reason: String,
    },
}

impl Query {
    /// The line to send, with its line feed.
    pub fn to_line(&self) -> String {
        line(self)
    }

    /// Reads a line. The error says what is wrong with it.
    pub fn from_line(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }
}

impl Answer {
    /// The line to send, with its line feed.
    pub fn to_line(&self) -> String {
        line(self)
    }

    /// Reads a line. The error says what is wrong with it.
    pub fn from_line(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }
}

fn line<T: Serialize>(value: &T) -> String {
    let mut line = serde_json::to_string(value).expect("plain data with string keys is JSON");
    line.push('\n');
    line
}

/// What management changes at an instance of a Route Server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Take a peer, or replace the one of this name.
    PutConnection {
        /// Its name.
        name: String,
        /// What it is.
        properties: BgpConnectionProperties,
    },
    /// Let a peer go.
    RemoveConnection {
        /// Its name.
        name: String,
    },
    /// Peer another VNet with the own, or replace the peering of this name.
    PutVnetPeering {
        /// Its name.
        name: String,
        /// What it is.
        properties: VnetPeeringProperties,
    },
    /// End a peering.
    RemoveVnetPeering {
        /// Its name.
        name: String,
    },
    /// What the Route Server as a whole does; what is not given stays.
    Hub {
        /// Whether routes of one peer go to the others.
        branch_to_branch: Option<bool>,
        /// `ExpressRoute`, `VpnGateway`, `ASPath`.
        routing_preference: Option<String>,
    },
    /// Take the instance out of service without notice to anybody, or put it back.
    Maintenance {
        /// Whether it is out of service.
        active: bool,
    },
}

/// Something of the platform or the underlays that can break.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// All of a device's ports.
    Device {
        /// The device.
        name: String,
    },
    /// A site's access link.
    Attachment {
        /// The device at the site.
        device: String,
        /// Its interface.
        interface: String,
    },
    /// A site's access link gets bad and is not cut: slower, less steady, losing packets.
    Brownout {
        /// The device at the site.
        device: String,
        /// Its interface.
        interface: String,
        /// How bad.
        #[serde(default)]
        brownout: Brownout,
    },
    /// UDP through a site's access link: a firewall blocks it.
    Udp {
        /// The device at the site.
        device: String,
        /// Its interface.
        interface: String,
    },
    /// The NAT at a site's access link restarts: flows get other ports.
    Rebind {
        /// The device at the site.
        device: String,
        /// Its interface.
        interface: String,
    },
    /// A point-to-point link.
    Wire {
        /// The device at one end.
        device: String,
        /// Its interface.
        interface: String,
    },
    /// The backbone between two regions.
    Pair {
        /// One region.
        a: String,
        /// The other.
        b: String,
    },
    /// Everything between two addresses, as they are on the wire between the sites.
    Path {
        /// One address.
        a: Ipv4Addr,
        /// The other.
        b: Ipv4Addr,
    },
}

/// What a device does with a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// It is the device's own.
    Local {
        /// Why.
        reason: String,
    },
    /// Out of an interface as it is.
    Interface {
        /// The interface.
        interface: String,
        /// Why.
        reason: String,
        /// Next hops that carry other flows of the same prefix.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        alternatives: Vec<String>,
    },
    /// Into a tunnel.
    Tunnel {
        /// The neighbour at the other end.
        neighbor: String,
        /// Own locator.
        local: String,
        /// The other side's locator.
        remote: String,
        /// The underlay of the own locator.
        underlay: String,
        /// The interface it leaves by.
        interface: String,
        /// The flow outside.
        outer: Flow,
        /// Why.
        reason: String,
        /// Neighbours and paths that carry other flows of the same prefix.
        alternatives: Vec<String>,
    },
    /// Nowhere.
    Drop {
        /// Why.
        reason: String,
    },
}

/// What the fabric does with a packet that an interface sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "passage", rename_all = "kebab-case")]
pub enum Passage {
    /// It comes out of an interface.
    Delivered {
        /// The device.
        device: String,
        /// Its interface.
        interface: String,
        /// The flow as it arrives, after NAT.
        flow: Flow,
        /// Time without queueing and jitter, microseconds.
        latency_us: u64,
        /// What it passes: `backbone`, a cloud's name, `vnet`, `lan`.
        underlay: String,
        /// Why, step by step.
        reasons: Vec<String>,
        /// Next hops that take other flows of the same prefix.
        alternatives: Vec<String>,
        /// Gateways and MSEEs that it passes, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        through: Vec<Through>,
    },
    /// It is dropped.
    Dropped {
        /// Why, step by step; the last is the cause.
        reasons: Vec<String>,
        /// Gateways and MSEEs that it passed, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        through: Vec<Through>,
        /// What carried it from the interface; empty when it did not leave it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        underlay: String,
    },
}

/// A gateway or an MSEE on the way, which the fabric forwards for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Through {
    /// The device.
    pub device: String,
    /// By which of its routes.
    pub reason: String,
    /// What carries it on; `None` where it ends.
    pub underlay: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_answers_survive_the_line() {
        let query = Query::Fault {
            fault: Fault::Pair {
                a: "westeurope".into(),
                b: "eastus".into(),
            },
            up: false,
        };
        assert_eq!(Query::from_line(query.to_line().trim_end()), Ok(query));
        let answer = Answer::Refused {
            reason: "not a node".into(),
        };
        assert_eq!(Answer::from_line(answer.to_line().trim_end()), Ok(answer));
        let answer = Answer::Step(Step::Local {
            reason: "own address".into(),
        });
        assert_eq!(Answer::from_line(answer.to_line().trim_end()), Ok(answer));
        assert!(Query::from_line("{\"query\":\"reboot\"}").is_err());
    }
}
