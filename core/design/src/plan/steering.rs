//! What a node does beyond forwarding: application classes, shortcuts, and the budget of routes.

use core::net::{Ipv4Addr, SocketAddrV4};

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
    /// Seconds that a path which broke the SLA must be good before the class goes back to it.
    #[serde(default = "hold", skip_serializing_if = "is_hold")]
    pub hold_s: u16,
    /// How it stands beside other classes where bandwidth is short.
    #[serde(default, skip_serializing_if = "ShareConfig::is_default")]
    pub share: ShareConfig,
    /// What protects its packets against loss.
    #[serde(default, skip_serializing_if = "ProtectConfig::is_none")]
    pub protect: ProtectConfig,
    /// Whether what no overlay route but a default leads to leaves to the internet at the site.
    #[serde(default, skip_serializing_if = "is_false")]
    pub breakout: bool,
    /// Octets of the inner packets of the probes that stand for this class; 0 is as short as probes are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub probe_octets: u16,
}

impl Default for ClassConfig {
    /// No name, nothing that belongs to it, nothing that it asks.
    fn default() -> Self {
        Self {
            name: String::new(),
            matches: Vec::new(),
            sla: None,
            underlays: Vec::new(),
            otherwise: OtherwiseConfig::Best,
            hold_s: hold(),
            share: ShareConfig::default(),
            protect: ProtectConfig::None,
            breakout: false,
            probe_octets: 0,
        }
    }
}

/// How a class stands beside the others in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareConfig {
    /// Before all others, however much it sends.
    Strict,
    /// Its part of the bandwidth, relative to the other weights. Traffic of no class has 10.
    Weight(u16),
}

impl Default for ShareConfig {
    fn default() -> Self {
        Self::Weight(10)
    }
}

impl ShareConfig {
    /// Whether it is that of traffic of no class.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What protects the packets of a class against loss between two nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProtectConfig {
    /// Nothing.
    #[default]
    None,
    /// Forward error correction, while there is loss that it helps against.
    Fec,
    /// Every packet goes by two paths.
    Duplicate,
}

impl ProtectConfig {
    /// Whether there is nothing.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// A list of prefixes that classes name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrefixSet {
    /// Its name, such as `microsoft365-optimize`.
    pub name: String,
    /// Its prefixes.
    pub prefixes: Vec<Prefix>,
}

/// Tunnels that two sites make between each other when a hub relays between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShortcutConfig {
    /// How many a site has at once; 0 is off. At a hub: whether it introduces sites to each other.
    pub slots: u16,
    /// The round-trip time by it must be shorter than by the relay by this many percent.
    pub margin_percent: u8,
    /// It goes after so many seconds without traffic.
    pub idle_s: u16,
}

impl Default for ShortcutConfig {
    fn default() -> Self {
        Self {
            slots: 0,
            margin_percent: 10,
            idle_s: 60,
        }
    }
}

impl ShortcutConfig {
    /// Whether it is off, with nothing decided about it.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A proxy on the way out that knows HTTP CONNECT (RFC 9110 §9.3.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyConfig {
    /// Where it listens.
    pub address: SocketAddrV4,
    /// The user's name, if it asks for one; the password is in a file of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
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
    /// Source ports, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ports: Option<(u16, u16)>,
    /// Sources; empty is any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Prefix>,
    /// Names of prefix sets, one of which has the destination; empty is any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<String>,
    /// Domains, one of which the destination was resolved from, or a name below it; empty is any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
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

const fn hold() -> u16 {
    60
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_hold(seconds: &u16) -> bool {
    *seconds == hold()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(value: &u16) -> bool {
    *value == 0
}
