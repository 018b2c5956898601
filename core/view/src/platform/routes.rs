//! `list-learned-routes` and `list-advertised-routes`.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A route that a peer announced, or that was announced to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerRoute {
    /// The instance's address.
    pub local_address: IpAddr,
    /// The prefix.
    pub network: String,
    /// NEXT_HOP: third-party for a load balancer, the instance's own in what it announces; none of
    /// what a gateway has by itself.
    #[serde(default)]
    pub next_hop: Option<IpAddr>,
    /// The peer; absent in what is announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_peer: Option<IpAddr>,
    /// `EBgp` or `IBgp` when learned, `Igp` when announced, `Network` for what a gateway has by
    /// itself: the address space of VNets.
    pub origin: String,
    /// AS numbers joined by `-`.
    pub as_path: String,
    /// 32768 when learned, 0 when announced.
    pub weight: u32,
}

/// What one instance answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerRoutes {
    /// Which instance, as the platform calls it: `RouteServiceRole_IN_0`.
    pub role: String,
    /// The routes, ordered by prefix.
    pub routes: Vec<PeerRoute>,
}

/// The platform's envelope: the answers of both instances by role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoutesByRole(pub BTreeMap<String, Vec<PeerRoute>>);

/// What the platform calls an instance.
pub fn role(instance: u8) -> String {
    format!("RouteServiceRole_IN_{instance}")
}

/// What the platform calls an instance of a gateway.
pub fn gateway_role(instance: u8) -> String {
    format!("GatewayTenantWorker_IN_{instance}")
}

impl PeerRoutes {
    /// Heads of the platform's table of learned routes.
    pub const LEARNED: [&'static str; 7] = [
        "LocalAddress",
        "Network",
        "NextHop",
        "SourcePeer",
        "Origin",
        "AsPath",
        "Weight",
    ];
    /// Heads of the platform's table of advertised routes.
    pub const ADVERTISED: [&'static str; 6] = [
        "LocalAddress",
        "Network",
        "NextHop",
        "Origin",
        "AsPath",
        "Weight",
    ];
}

impl RoutesByRole {
    /// The answers of the instances that answered.
    pub fn merge(parts: impl IntoIterator<Item = PeerRoutes>) -> Self {
        let parts = parts.into_iter();
        Self(parts.map(|part| (part.role, part.routes)).collect())
    }
}

impl PeerRoute {
    /// The cells under [`PeerRoutes::LEARNED`], or those under [`PeerRoutes::ADVERTISED`] for a
    /// route without a source.
    pub fn row(&self) -> Vec<String> {
        let mut cells = vec![
            self.local_address.to_string(),
            self.network.clone(),
            self.next_hop
                .map_or_else(String::new, |hop| hop.to_string()),
        ];
        cells.extend(self.source_peer.map(|peer| peer.to_string()));
        cells.extend([
            self.origin.clone(),
            self.as_path.clone(),
            self.weight.to_string(),
        ]);
        cells
    }
}
