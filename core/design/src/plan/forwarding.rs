//! How a node forwards: threads, what it checks of inner sources, which ciphers it may use.

use serde::{Deserialize, Serialize};

/// How a node forwards packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForwardingConfig {
    /// Forwarding threads, 1 to [`THREADS_MAX`]; each has its own queue of the overlay device, its
    /// own sockets and its own share of the tunnels' keys.
    pub threads: u8,
    /// What is checked of the source of a packet that comes out of a tunnel.
    pub source_check: SourceCheck,
    /// Whether AES-256-GCM is offered to nodes of the overlay, where the processor has instructions
    /// for it. Plain WireGuard peers always get ChaCha20-Poly1305.
    pub aes: bool,
}

/// The most forwarding threads a node may have: as many as a session has lanes.
pub const THREADS_MAX: u8 = 16;

impl Default for ForwardingConfig {
    fn default() -> Self {
        Self {
            threads: 1,
            source_check: SourceCheck::Strict,
            aes: true,
        }
    }
}

impl ForwardingConfig {
    /// Whether it is what a node does by itself.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What is checked of the source of a packet that comes out of a tunnel (RFC 3704 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceCheck {
    /// The peer that it came from announces it. Sites are held to what is theirs, hubs to what any
    /// hub may carry.
    #[default]
    Strict,
    /// Somebody announces it: a route other than the default leads to it.
    Loose,
    /// Nothing.
    Off,
}
