//! Tunnels: the links between nodes and the paths in them.

use core::net::SocketAddrV4;

use serde::{Deserialize, Serialize};

use crate::FormatVersion;

/// The tunnels of one or more nodes, ordered by device and neighbour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnels {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The links.
    pub tunnels: Vec<Tunnel>,
}

/// A link to a neighbour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// The device that was asked.
    pub device: String,
    /// The neighbour.
    pub neighbor: String,
    /// What the neighbour is to it: `hub`, `twin`, `home-site`, `backup-site`, `home-hub`, `backup-hub`, `shortcut`.
    pub role: String,
    /// Whether any path works.
    pub up: bool,
    /// Its paths.
    pub paths: Vec<TunnelPath>,
}

/// A path of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelPath {
    /// Own locator.
    pub local: String,
    /// The other side's locator.
    pub remote: String,
    /// Where the other side is reached, once known.
    pub endpoint: Option<SocketAddrV4>,
    /// How its datagrams go: `udp`, or `tls` where UDP is blocked.
    #[serde(default = "udp")]
    pub carrier: String,
    /// Whether it works.
    pub up: bool,
    /// Whether it carries traffic of no class: up, not held where another is up, and of the lowest preference among those.
    pub used: bool,
    /// Lower is preferred.
    pub preference: u8,
    /// What its keys seal with: `chacha20-poly1305` or `aes-256-gcm`; nothing without keys.
    #[serde(default)]
    pub cipher: Option<String>,
    /// Lanes of its keys, which as many threads may share; 1 with plain WireGuard.
    #[serde(default)]
    pub lanes: Option<u8>,
    /// Octets of the longest packet that it takes, before the tunnel's headers.
    #[serde(default)]
    pub mtu: u16,
    /// Handshakes finished since the start; each makes new keys.
    #[serde(default)]
    pub handshakes: u64,
    /// Average round trip over the probe window, microseconds.
    pub rtt_us: Option<u64>,
    /// Jitter over the probe window, microseconds.
    pub jitter_us: Option<u64>,
    /// Probes lost over the window, parts per million.
    pub loss_ppm: Option<u32>,
    /// How it stands with each application class, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<PathClass>,
}

/// How a path stands with an application class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathClass {
    /// The class.
    pub name: String,
    /// `keeps` what the class asks, is `held` because it does so again but not for long enough, or
    /// `breaks` it.
    pub standing: String,
    /// Whether it carries the class.
    pub carries: bool,
}

fn udp() -> String {
    "udp".to_owned()
}

impl Tunnels {
    /// Answers of several devices as one.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut tunnels: Vec<Tunnel> = parts.into_iter().flat_map(|part| part.tunnels).collect();
        tunnels.sort_by(|a, b| (&a.device, &a.neighbor).cmp(&(&b.device, &b.neighbor)));
        Self {
            format_version: FormatVersion,
            tunnels,
        }
    }
}
