//! `virtualNetworkPeerings`: the VNets around the one that a Route Server stands in.

use inet::Prefix;
use serde::{Deserialize, Serialize};

/// The Route Server's VNet's half of a peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VnetPeering {
    /// Where it is in the interface; ignored in what is sent.
    #[serde(default)]
    pub id: String,
    /// Its name; ignored in what is sent.
    #[serde(default)]
    pub name: String,
    /// Always `Microsoft.Network/virtualNetworks/virtualNetworkPeerings`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// What it is.
    pub properties: VnetPeeringProperties,
}

/// What a peering is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VnetPeeringProperties {
    /// The other VNet's address space.
    pub remote_address_space: AddressSpace,
    /// Whether the other VNet uses this Route Server: its address space is announced only then, and
    /// only then are its network interfaces programmed.
    #[serde(default)]
    pub allow_gateway_transit: bool,
    /// `Connected`; ignored in what is sent.
    #[serde(default)]
    pub peering_state: String,
    /// `Succeeded`; ignored in what is sent.
    #[serde(default)]
    pub provisioning_state: String,
}

/// Address space of a VNet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressSpace {
    /// The prefixes.
    pub address_prefixes: Vec<Prefix>,
}

impl VnetPeering {
    /// Its type.
    pub const KIND: &'static str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
}
