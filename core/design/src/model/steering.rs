//! Application classes, and the budget of routes.

use inet::Prefix;
use serde_json::{Map, Value, json};

use super::regions::Ports;
use crate::reader::{At, OneOrMore, Shape, expected, record};
use crate::report::Report;
use crate::scalars::{Count, Loss, TimeSpan, scalar, words};
use crate::tree::Node;

record! {
    /// An application class: what belongs to it, what it needs, which underlays it prefers.
    ApplicationText {
        /// Code points of Differentiated Services (RFC 2474).
        dscp: OneOrMore<Count<0, 63>> = "[46]",
        /// Protocol.
        protocol: ProtocolText = "udp",
        /// Destination port or range.
        ports: Ports = "5060-5061",
        /// Destinations.
        destinations: Vec<At<Prefix>> = r#"["10.1.16.0/20"]"#,
        /// What a path must keep to carry it.
        sla: SlaText = r#"{"rtt": "150ms", "jitter": "30ms", "loss": "1%"}"#,
        /// Underlays in order of preference; flows share those of one inner list.
        underlays: Vec<At<OneOrMore<String>>> = r#"["mpls", "internet"]"#,
        /// What happens when no path keeps the SLA.
        otherwise: OtherwiseText = "best",
    }
}

record! {
    /// What a path must keep, measured by probes.
    SlaText {
        /// Round-trip time.
        rtt: TimeSpan = "150ms",
        /// Variation of the delay.
        jitter: TimeSpan = "30ms",
        /// Share of packets lost.
        loss: Loss = "1%",
    }
}

words! {
    /// What happens when no path keeps the SLA.
    OtherwiseText {
        /// The best of those that work carries it.
        Best = "best",
        /// It is dropped.
        Drop = "drop",
    }
}

/// An IP protocol: `tcp`, `udp`, `icmp`, or its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProtocolText(pub(crate) u8);

impl Shape for ProtocolText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "tcp, udp, icmp or a protocol number";
        let number = match scalar(node, what, reports)? {
            "icmp" => Some(1),
            "tcp" => Some(6),
            "udp" => Some(17),
            text => text.parse().ok(),
        };
        if number.is_none() {
            reports.push(expected(node, what));
        }
        number.map(Self)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [
            { "enum": ["tcp", "udp", "icmp"] },
            { "type": "integer", "minimum": 0, "maximum": 255 },
        ] })
    }
}

record! {
    /// How many routes a region's NVAs announce, and what they do about it.
    BudgetText {
        /// Routes to one Route Server session.
        route_server: Count<1, 100000> = "3200",
        /// Routes that reach the circuits of the region's gateway, those of VNets included.
        express_route: Count<1, 100000> = "900",
        /// Share of the budget at which a warning is logged.
        warn: Loss = "80%",
        /// Whether the NVAs aggregate when it is exceeded, where the aggregate attracts nothing else.
        aggregate: bool = "true",
        /// Prefixes in which traffic to what nobody announces may be discarded.
        discard: Vec<At<Prefix>> = r#"["10.200.0.0/16"]"#,
        /// What is kept when not everything fits, most important first.
        priority: Vec<At<Prefix>> = r#"["10.200.0.0/24"]"#,
    }
}
