//! The platform's own shapes: what its REST interface and its command line show of a Route Server.
//!
//! Field names, values and order are the platform's (`Microsoft.Network/virtualHubs` and its
//! children), so that a program written for the platform reads them as they are. There is no
//! `format_version` in them for the same reason.

mod circuit;
mod connection;
mod hub;
mod peering;
mod routes;
mod status;
mod table;

use serde::{Deserialize, Serialize};

pub use circuit::{CircuitPeer, CircuitRoute};
pub use connection::{BgpConnection, BgpConnectionProperties, RoutingConfiguration, SubResource};
pub use hub::{AutoScale, VirtualHub, VirtualHubProperties, hub_name, preference, preference_name};
pub use peering::{AddressSpace, VnetPeering, VnetPeeringProperties};
pub use routes::{PeerRoute, PeerRoutes, RoutesByRole, gateway_role, role};
pub use status::BgpPeerStatus;
pub use table::platform_table;

/// A list as the platform wraps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List<T> {
    /// The items.
    pub value: Vec<T>,
}

/// Why the platform refuses something. On the wire it is wrapped: see [`Self::to_body`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformError {
    /// One word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl PlatformError {
    /// An error.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// There is no such thing.
    pub fn not_found(what: &str, name: &str) -> Self {
        Self::new("ResourceNotFound", format!("there is no {what} {name:?}"))
    }

    /// The request does not say what it should.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestFormat", message)
    }

    /// The HTTP status that goes with the code.
    pub fn status(&self) -> u16 {
        match self.code.as_str() {
            "ResourceNotFound" => 404,
            "MethodNotAllowed" => 405,
            "Conflict" | "NicMustBeAttachedToRunningVmToGetEffectiveRoutes" => 409,
            "RequestTooLarge" => 413,
            "Forbidden" => 403,
            "RequestTimeout" => 408,
            "InternalServerError" => 500,
            "OtherInstanceUnreachable" | "FabricUnreachable" => 502,
            "ServiceUnavailable" => 503,
            _ => 400,
        }
    }

    /// The body of the answer: `{"error":{"code":…,"message":…}}`.
    pub fn to_body(&self) -> serde_json::Value {
        serde_json::json!({ "error": self })
    }
}

impl core::fmt::Display for PlatformError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl core::error::Error for PlatformError {}
