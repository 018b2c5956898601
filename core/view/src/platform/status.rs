//! `list-bgp-peer-status`: how the sessions with the peers are.

use core::net::Ipv4Addr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A session with a peer, as the platform's gateways show theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpPeerStatus {
    /// The peer's AS.
    pub asn: u32,
    /// How long the session has been up, as `00:19:22.1105221`; absent while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_duration: Option<String>,
    /// The instance's address.
    pub local_address: Ipv4Addr,
    /// Messages received since the daemon began.
    pub messages_received: u64,
    /// Messages sent since the daemon began.
    pub messages_sent: u64,
    /// The peer's address.
    pub neighbor: Ipv4Addr,
    /// Prefixes held from it.
    pub routes_received: u64,
    /// `Connected`, `Connecting`, `NotConnected`.
    pub state: String,
}

impl BgpPeerStatus {
    /// Heads of the table.
    pub const COLUMNS: [&'static str; 8] = [
        "LocalAddress",
        "Neighbor",
        "Asn",
        "State",
        "ConnectedDuration",
        "RoutesReceived",
        "MessagesSent",
        "MessagesReceived",
    ];

    /// The cells under [`Self::COLUMNS`].
    pub fn row(&self) -> Vec<String> {
        vec![
            self.local_address.to_string(),
            self.neighbor.to_string(),
            self.asn.to_string(),
            self.state.clone(),
            self.connected_duration.clone().unwrap_or_default(),
            self.routes_received.to_string(),
            self.messages_sent.to_string(),
            self.messages_received.to_string(),
        ]
    }

    /// A duration as the platform writes it: days before hours, seven digits of a second.
    pub fn duration(duration: Duration) -> String {
        let seconds = duration.as_secs();
        let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
        let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
        let ticks = duration.subsec_nanos() / 100;
        let time = format!("{hours:02}:{minutes:02}:{rest:02}.{ticks:07}");
        match days {
            0 => time,
            _ => format!("{days}.{time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_the_platform_writes_them() {
        let duration = |seconds, nanos| BgpPeerStatus::duration(Duration::new(seconds, nanos));
        assert_eq!(duration(19 * 60 + 22, 110_522_100), "00:19:22.1105221");
        assert_eq!(duration(86_400 + 1, 0), "1.00:00:01.0000000");
    }
}
