//! Effective routes of network interfaces, in the platform's own shape.

use core::net::Ipv4Addr;

use inet::Prefix;
use serde::{Deserialize, Serialize};

use crate::FormatVersion;

/// The effective routes of one network interface: what
/// `az network nic show-effective-route-table` prints, and whose they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveRoutes {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The device.
    pub device: String,
    /// Its interface.
    pub interface: String,
    /// The routes.
    pub value: Vec<EffectiveRoute>,
}

/// A row. Field names and values are the platform's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveRoute {
    /// `Default`, `User` or `VirtualNetworkGateway`.
    pub source: String,
    /// `Active` or `Invalid`.
    pub state: String,
    /// The prefix, in a list as the platform has it.
    pub address_prefix: Vec<Prefix>,
    /// `VnetLocal`, `VNetPeering`, `VirtualNetworkGateway`, `VirtualAppliance`, `Internet`, `None`.
    pub next_hop_type: String,
    /// Several addresses are equal-cost next hops.
    pub next_hop_ip_address: Vec<Ipv4Addr>,
    /// Whether the subnet's route table keeps gateway routes out.
    pub disable_bgp_route_propagation: bool,
}

impl EffectiveRoutes {
    /// Heads of the platform's table.
    pub const COLUMNS: [&'static str; 5] = [
        "Source",
        "State",
        "Address Prefix",
        "Next Hop Type",
        "Next Hop IP",
    ];

    /// The table's cells, row by row under [`Self::COLUMNS`].
    pub fn rows(&self) -> impl Iterator<Item = [String; 5]> + '_ {
        self.value.iter().map(|route| {
            [
                route.source.clone(),
                route.state.clone(),
                joined(&route.address_prefix),
                route.next_hop_type.clone(),
                joined(&route.next_hop_ip_address),
            ]
        })
    }
}

fn joined<T: ToString>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(T::to_string).collect();
    texts.join(" ")
}
