//! What is measured of a device: numbers for a monitoring system.
//!
//! Making them costs nothing that grows with the tables, so that they can be asked for often.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{BudgetUse, Counter, DeviceStatus};

/// The numbers of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// The device in a few numbers.
    pub status: DeviceStatus,
    /// Prefixes in the Loc-RIB.
    pub prefixes: u64,
    /// Its BGP sessions.
    pub sessions: Vec<SessionMeasures>,
    /// Its tunnels (node).
    pub tunnels: Vec<TunnelMeasures>,
    /// What only a Route Server has.
    pub route_server: Option<RouteServerMeasures>,
    /// What only a gateway or an MSEE has.
    #[serde(default)]
    pub express_route: Option<ExpressRouteMeasures>,
    /// What only an NVA with a route budget has.
    #[serde(default)]
    pub budget: Option<BudgetMeasures>,
    /// What passed through a node, and what came to nothing.
    #[serde(default)]
    pub counters: Vec<Counter>,
}

/// The numbers of a BGP session, counted since the daemon began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMeasures {
    /// The neighbour's name.
    pub neighbor: String,
    /// Its address.
    pub address: IpAddr,
    /// Its AS.
    pub remote_as: u32,
    /// Whether it is established.
    pub established: bool,
    /// Milliseconds since it was, or since it no longer is.
    pub since_ms: u64,
    /// Prefixes held from it.
    pub received: u64,
    /// Of these, how many passed policy and loop checks.
    pub accepted: u64,
    /// Prefixes announced to it.
    pub advertised: u64,
    /// Prefixes that it may have.
    pub prefixes_max: Option<u64>,
    /// Times the session was established.
    pub established_count: u64,
    /// UPDATEs received.
    pub updates_in: u64,
    /// UPDATEs sent.
    pub updates_out: u64,
    /// All messages received.
    pub messages_in: u64,
    /// All messages sent.
    pub messages_out: u64,
    /// UPDATEs whose faults the session survived (RFC 7606).
    pub faults: u64,
}

/// The numbers of a path of a tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelMeasures {
    /// The neighbour.
    pub neighbor: String,
    /// Own locator.
    pub local: String,
    /// The other side's locator.
    pub remote: String,
    /// Whether it works.
    pub up: bool,
    /// Whether it is carried over TLS.
    #[serde(default)]
    pub over_tls: bool,
    /// Average round trip over the probe window, microseconds.
    pub rtt_us: Option<u64>,
    /// Probes lost over the window, parts per million.
    pub loss_ppm: Option<u32>,
}

/// What only a Route Server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteServerMeasures {
    /// 0 or 1.
    pub instance: u8,
    /// Peers that there may be.
    pub peers_max: u64,
    /// Prefixes that the network interfaces are to have.
    pub programmed: u64,
    /// Prefixes that count against the limit of all, the VNets' address space included.
    pub prefixes: u64,
    /// Prefixes that there may be in all; `None` without a limit.
    pub prefixes_max: Option<u64>,
    /// Whether it is in service: not in maintenance.
    pub serving: bool,
    /// Infrastructure units that the limit of VMs stands for.
    pub units: u64,
    /// The way to the fabric, where there is one.
    pub programming: Option<ProgrammingMeasures>,
}

/// What only a gateway or an MSEE has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpressRouteMeasures {
    /// An instance of a gateway.
    Gateway {
        /// 0 or 1.
        instance: u8,
        /// How often the paths in use to a prefix changed.
        routes_changed: u64,
        /// Sessions that ended because there were too many routes.
        sessions_shed: u64,
        /// Routes learned from circuits.
        learned: u32,
        /// Routes that may be learned from circuits.
        learned_max: u32,
        /// Routes that may be announced to one circuit.
        announced_max: u32,
        /// Whether it is in service: not in maintenance.
        serving: bool,
    },
    /// An MSEE.
    Msee {
        /// The circuit's name.
        circuit: String,
        /// Whether it is the primary.
        primary: bool,
        /// The sessions with the customer's routers.
        customers: Vec<CustomerMeasures>,
        /// Whether it is in service: not in maintenance.
        serving: bool,
    },
}

/// A session of an MSEE with the customer's router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerMeasures {
    /// The router's address.
    pub address: IpAddr,
    /// What the platform calls the peering: `Private` or `Microsoft`.
    pub peering: String,
}

/// The route budget of an NVA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetMeasures {
    /// How far it is used.
    pub attachments: Vec<BudgetUse>,
    /// Routes that stand for several.
    pub aggregates: u64,
    /// Routes that Route Server is told for its VNets only.
    pub vnets_only: u64,
    /// Routes that are not told at all.
    pub left_out: u64,
}

/// How far behind a Route Server the fabric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgrammingMeasures {
    /// Whether it is reached.
    pub connected: bool,
    /// Decisions that it has not taken.
    pub queued: u64,
    /// How long the last one that it took had waited, microseconds.
    pub lag_us: u64,
}
