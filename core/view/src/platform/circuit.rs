//! `list-route-tables` and `list-route-tables-summary` of a circuit.

use core::net::Ipv4Addr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A route of a circuit, as the platform shows an MSEE's table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CircuitRoute {
    /// LOCAL_PREF; 100 in every row of the captures.
    pub loc_prf: String,
    /// The prefix.
    pub network: String,
    /// NEXT_HOP; an asterisk behind it marks the best path.
    pub next_hop: String,
    /// AS numbers joined by spaces, and the origin: `65515 I`.
    pub path: String,
    /// Always 0.
    pub weight: u32,
}

impl CircuitRoute {
    /// Heads of the table.
    pub const COLUMNS: [&'static str; 5] = ["Network", "NextHop", "LocPrf", "Weight", "Path"];

    /// The cells under [`Self::COLUMNS`].
    pub fn row(&self) -> Vec<String> {
        vec![
            self.network.clone(),
            self.next_hop.clone(),
            self.loc_prf.clone(),
            self.weight.to_string(),
            self.path.clone(),
        ]
    }
}

/// A neighbour of an MSEE, as the platform's summary shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CircuitPeer {
    /// Its AS.
    #[serde(rename = "as")]
    pub asn: u32,
    /// Its address.
    pub neighbor: Ipv4Addr,
    /// Prefixes received, or the state of a session that is not established.
    pub state_pfx_rcd: String,
    /// For how long it has been so: `25:24`, `1:02:03`, `3d04h`.
    pub up_down: String,
    /// The version of BGP.
    pub v: u8,
}

impl CircuitPeer {
    /// Heads of the table.
    pub const COLUMNS: [&'static str; 5] = ["Neighbor", "V", "AS", "UpDown", "StatePfxRcd"];

    /// The cells under [`Self::COLUMNS`].
    pub fn row(&self) -> Vec<String> {
        vec![
            self.neighbor.to_string(),
            self.v.to_string(),
            self.asn.to_string(),
            self.up_down.clone(),
            self.state_pfx_rcd.clone(),
        ]
    }

    /// A duration as an MSEE writes it.
    pub fn up_down(duration: Duration) -> String {
        let seconds = duration.as_secs();
        let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
        let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
        match (days, hours) {
            (0, 0) => format!("{minutes:02}:{rest:02}"),
            (0, _) => format!("{hours}:{minutes:02}:{rest:02}"),
            (_, _) => format!("{days}d{hours:02}h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_3_4_the_shapes_of_a_circuits_tables() {
        let route = CircuitRoute {
            loc_prf: "100".to_owned(),
            network: "10.100.0.0/16".to_owned(),
            next_hop: "10.100.255.13*".to_owned(),
            path: "65515 I".to_owned(),
            weight: 0,
        };
        assert_eq!(
            serde_json::to_string(&route).expect("JSON"),
            r#"{"locPrf":"100","network":"10.100.0.0/16","nextHop":"10.100.255.13*","path":"65515 I","weight":0}"#
        );
        let peer = CircuitPeer {
            asn: 65515,
            neighbor: Ipv4Addr::new(10, 100, 255, 12),
            state_pfx_rcd: "1".to_owned(),
            up_down: CircuitPeer::up_down(Duration::from_secs(25 * 60 + 24)),
            v: 4,
        };
        assert_eq!(
            serde_json::to_string(&peer).expect("JSON"),
            r#"{"as":65515,"neighbor":"10.100.255.12","statePfxRcd":"1","upDown":"25:24","v":4}"#
        );
    }
}
