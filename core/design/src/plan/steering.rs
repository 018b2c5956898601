//! What a node does beyond forwarding: application classes, and the budget of routes.

use core::net::Ipv4Addr;

use inet::Prefix;
use serde::{Deserialize, Serialize};

/// An application class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassConfig {
    /// Its name, such as `voice`.
    pub name: String,
    /// Any of these puts a packet into the class.
    pub matches: Vec<ClassMatch>,
    /// What a path must keep to carry it; `None` takes every path that works.
    #[serde(default)]
    pub sla: Option<SlaConfig>,
    /// Underlays in order of preference; flows share those of one group. Others follow last.
    pub underlays: Vec<Vec<String>>,
    /// What happens when no path that works keeps the SLA.
    #[serde(default)]
    pub otherwise: OtherwiseConfig,
}

/// What puts a packet into a class: all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassMatch {
    /// Differentiated-services code points (RFC 2474); empty is any.
    pub dscp: Vec<u8>,
    /// IP protocol number.
    pub protocol: Option<u8>,
    /// Destination ports, inclusive.
    pub ports: Option<(u16, u16)>,
    /// Destinations; empty is any.
    pub destinations: Vec<Prefix>,
}

/// What a path must keep. Measured by probes over a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlaConfig {
    /// Round-trip time, microseconds; 0 is any.
    pub rtt_us: u32,
    /// Variation of the delay, microseconds; 0 is any.
    pub jitter_us: u32,
    /// Loss, parts per million; 1,000,000 is any.
    pub loss_ppm: u32,
}

/// What happens when no path keeps the SLA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherwiseConfig {
    /// The best of those that work carries it.
    #[default]
    Best,
    /// It is dropped.
    Drop,
}

/// How many routes an NVA may announce to Route Server, and what it does about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetConfig {
    /// Routes to one Route Server session; 0 is no budget.
    pub route_server: u32,
    /// Routes that may reach the circuits of the region's gateway, all of them counted: address space
    /// of VNets, and what all NVAs of the region announce; 0 is no budget.
    pub express_route: u32,
    /// Prefixes of VNets that count against `express_route` before the first own route.
    pub express_route_used: u32,
    /// Warns at this many percent.
    pub warn_percent: u8,
    /// Aggregates when the budget is exceeded and the aggregate attracts nothing that it does not
    /// cover, or lies in one of `discard`.
    pub aggregate: bool,
    /// Prefixes in which traffic to what nobody announces may be discarded.
    pub discard: Vec<Prefix>,
    /// What is kept when it does not fit, after the summaries: most important first; then the rest.
    pub priority: Vec<Prefix>,
    /// What Route Server takes from one session, held and incoming routes together: what is told
    /// again is told in bursts that stay within it; 0 is no such count.
    pub routes_per_peer: u32,
    /// Milliseconds without announcements that end a burst there.
    pub burst_gap_ms: u32,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self {
            route_server: 0,
            express_route: 0,
            express_route_used: 0,
            warn_percent: 80,
            aggregate: true,
            discard: Vec::new(),
            priority: Vec::new(),
            routes_per_peer: 0,
            burst_gap_ms: 1_000,
        }
    }
}

impl BudgetConfig {
    /// Whether there is none.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A link without tunnels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainLink {
    /// The own interface.
    pub interface: String,
    /// The own address.
    pub local: Ipv4Addr,
    /// The neighbour's address.
    pub remote: Ipv4Addr,
}
