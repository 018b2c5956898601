//! `virtualHubs`: a Route Server as the platform's management sees it.

use core::net::Ipv4Addr;

use design::plan::{RouteServerConfig, RoutingPreference};
use serde::{Deserialize, Serialize};

/// A Route Server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualHub {
    /// Where it is in the interface; ignored in what is sent.
    #[serde(default)]
    pub id: String,
    /// Its name; ignored in what is sent.
    #[serde(default)]
    pub name: String,
    /// Always `Microsoft.Network/virtualHubs`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// The region.
    #[serde(default)]
    pub location: String,
    /// What it is.
    pub properties: VirtualHubProperties,
}

/// What a Route Server is. Only what an operator can decide is read from what is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualHubProperties {
    /// Always `Standard`.
    #[serde(default)]
    pub sku: String,
    /// 65515.
    #[serde(default)]
    pub virtual_router_asn: u32,
    /// The addresses of the instances that answered.
    #[serde(default)]
    pub virtual_router_ips: Vec<Ipv4Addr>,
    /// Whether routes of one peer go to the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_branch_to_branch_traffic: Option<bool>,
    /// `ExpressRoute`, `VpnGateway`, `ASPath`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_routing_preference: Option<String>,
    /// Infrastructure units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_router_auto_scale_configuration: Option<AutoScale>,
    /// `Succeeded`.
    #[serde(default)]
    pub provisioning_state: String,
    /// `Provisioned`.
    #[serde(default)]
    pub routing_state: String,
}

/// Infrastructure units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoScale {
    /// At least so many.
    pub min_capacity: u32,
}

impl VirtualHub {
    /// Its type.
    pub const KIND: &'static str = "Microsoft.Network/virtualHubs";

    /// What the instances that answered say as one, with the addresses of all; `None` of nobody.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut hub = parts.next()?;
        let addresses = &mut hub.properties.virtual_router_ips;
        addresses.extend(parts.flat_map(|part| part.properties.virtual_router_ips));
        addresses.sort_unstable();
        Some(hub)
    }
}

/// The name of the Route Server that an instance belongs to: `rs0.westeurope` and `rs1.westeurope`
/// are `rs.westeurope`. An instance that is named in another way is a Route Server of its own.
pub fn hub_name(config: &RouteServerConfig) -> String {
    let head = format!("rs{}.", config.instance);
    match config.name.strip_prefix(&head) {
        Some(rest) => format!("rs.{rest}"),
        None => config.name.clone(),
    }
}

/// What the platform calls a routing preference.
pub const fn preference_name(preference: RoutingPreference) -> &'static str {
    match preference {
        RoutingPreference::ExpressRoute => "ExpressRoute",
        RoutingPreference::VpnGateway => "VpnGateway",
        RoutingPreference::AsPath => "ASPath",
    }
}

/// The routing preference of this name.
pub fn preference(name: &str) -> Option<RoutingPreference> {
    let all = [
        RoutingPreference::ExpressRoute,
        RoutingPreference::VpnGateway,
        RoutingPreference::AsPath,
    ];
    all.into_iter()
        .find(|preference| preference_name(*preference) == name)
}
