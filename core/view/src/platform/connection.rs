//! `bgpConnections`: the peers of a Route Server.

use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// A peer. Read with unknown fields ignored, as the platform does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpConnection {
    /// Where it is in the interface; ignored in what is sent.
    #[serde(default)]
    pub id: String,
    /// Its name; ignored in what is sent: the address of the request names it.
    #[serde(default)]
    pub name: String,
    /// Always `Microsoft.Network/virtualHubs/bgpConnections`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// What it is.
    pub properties: BgpConnectionProperties,
}

/// What a peer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpConnectionProperties {
    /// The peer's AS.
    pub peer_asn: u32,
    /// The peer's address.
    pub peer_ip: Ipv4Addr,
    /// `Succeeded`; ignored in what is sent.
    #[serde(default)]
    pub provisioning_state: String,
    /// `Connected`, `Connecting`, `NotConnected`; ignored in what is sent.
    #[serde(default)]
    pub connection_state: String,
    /// Route maps. A peer that is sent without them loses those it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_configuration: Option<RoutingConfiguration>,
}

/// Which route maps a peer has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoutingConfiguration {
    /// For what the peer announces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_route_map: Option<SubResource>,
    /// For what is announced to the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound_route_map: Option<SubResource>,
}

/// A reference to a resource; what counts is the last part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubResource {
    /// The resource.
    pub id: String,
}

impl BgpConnection {
    /// Its type.
    pub const KIND: &'static str = "Microsoft.Network/virtualHubs/bgpConnections";

    /// Heads of the platform's table.
    pub const COLUMNS: [&'static str; 4] = ["Name", "PeerAsn", "PeerIp", "ProvisioningState"];

    /// What both instances say as one: a peer that either has, connected where both say so.
    pub fn merge(parts: impl IntoIterator<Item = Vec<Self>>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for connection in parts.into_iter().flatten() {
            match all.iter_mut().find(|other| other.name == connection.name) {
                None => all.push(connection),
                Some(other) => {
                    let states = [&other.properties, &connection.properties];
                    if states[0].connection_state != states[1].connection_state {
                        "Connecting".clone_into(&mut other.properties.connection_state);
                    }
                }
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// The cells under [`Self::COLUMNS`].
    pub fn row(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.properties.peer_asn.to_string(),
            self.properties.peer_ip.to_string(),
            self.properties.provisioning_state.clone(),
        ]
    }
}

impl SubResource {
    /// The name at the end.
    pub fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }
}
