//! BGP sessions.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::FormatVersion;

/// The BGP sessions of one or more devices, ordered by device and neighbour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The sessions.
    pub sessions: Vec<Session>,
}

/// One end of a BGP session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The device that was asked.
    pub device: String,
    /// The neighbour's device name.
    pub neighbor: String,
    /// The device's address.
    pub local_address: IpAddr,
    /// The neighbour's address.
    pub address: IpAddr,
    /// The neighbour's AS.
    pub remote_as: u32,
    /// State of the session (RFC 4271 §8.2.2), in kebab case.
    pub state: String,
    /// Milliseconds since it was established.
    pub uptime_ms: Option<u64>,
    /// Hold time agreed on, in milliseconds.
    pub hold_time_ms: Option<u64>,
    /// Prefixes received and kept.
    pub received: u64,
    /// Prefixes sent.
    pub sent: u64,
}

impl Session {
    /// Whether it is up.
    pub fn is_established(&self) -> bool {
        self.state == "established"
    }
}

impl Sessions {
    /// Answers of several devices as one.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut sessions: Vec<Session> = parts.into_iter().flat_map(|part| part.sessions).collect();
        sessions.sort_by(|a, b| (&a.device, &a.neighbor).cmp(&(&b.device, &b.neighbor)));
        Self {
            format_version: FormatVersion,
            sessions,
        }
    }
}
