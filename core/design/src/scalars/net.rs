//! Values of network protocols: addresses of both families, endpoints, communities.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use inet::Net;
use serde_json::{Map, Value, json};

use super::{parsed, scalar};
use crate::reader::{Shape, expected, suggestion};
use crate::report::Report;
use crate::tree::Node;

impl Shape for IpAddr {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "an IPv4 or IPv6 address";
        let address = scalar(node, what, reports)?.parse().ok();
        if address.is_none() {
            reports.push(expected(node, what));
        }
        address
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^[0-9a-fA-F.:]+$" })
    }
}

impl Shape for Ipv6Addr {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        parsed(node, "an IPv6 address", reports)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "format": "ipv6" })
    }
}

impl Shape for Net {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        parsed(node, "an IPv4 or IPv6 prefix", reports)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$" })
    }
}

impl Shape for SocketAddr {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "an address and port";
        let text = scalar(node, what, reports)?;
        let endpoint = text.parse().ok();
        if endpoint.is_none() {
            let advice = "such as 192.0.2.1:179, or \"[2001:db8::1]:179\" in quotes";
            reports.push(expected(node, what).try_this(advice));
        }
        endpoint
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": r"^([0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$" })
    }
}

/// A community (RFC 1997).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Community(pub(crate) u32);

impl Shape for Community {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let text = scalar(node, "a community", reports)?;
        let value = bgp::community::community(text);
        if value.is_none() {
            let names = bgp::community::WELL_KNOWN.iter().map(|(name, _)| *name);
            let advice = match text.contains(':') {
                true => "two numbers up to 65535, such as \"65001:100\"".to_owned(),
                false => suggestion(text, names),
            };
            reports.push(expected(node, "a community").try_this(advice));
        }
        value.map(Self)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^([0-9]+:[0-9]+|[a-z-]+)$" })
    }
}

/// An extended community (RFC 4360).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExtCommunity(pub(crate) u64);

impl Shape for ExtCommunity {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let text = scalar(node, "an extended community", reports)?;
        let value = bgp::community::ext_community(text);
        if value.is_none() {
            let advice = "such as \"rt:65001:100\", \"soo:192.0.2.1:7\", or \"0x\" and 16 digits";
            reports.push(expected(node, "an extended community").try_this(advice));
        }
        value.map(Self)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": "^((rt|soo):[0-9.]+:[0-9]+|0x[0-9a-fA-F]{16})$" })
    }
}
