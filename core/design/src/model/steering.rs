//! Application classes, and the budget of routes.

use inet::Prefix;
use serde_json::{Map, Value, json};

use super::regions::Ports;
use crate::plan::ShareConfig;
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
        /// Source port or range.
        source_ports: Ports = "16384-32767",
        /// Sources.
        sources: Vec<At<Prefix>> = r#"["10.200.1.0/24"]"#,
        /// Destinations.
        destinations: Vec<At<Prefix>> = r#"["10.1.16.0/20"]"#,
        /// Destinations by the names of prefix sets.
        sets: OneOrMore<String> = r#"["microsoft365"]"#,
        /// Destinations by domain: it and every name below it, as the site's hosts resolve them.
        domains: OneOrMore<DomainText> = r#"["teams.microsoft.com"]"#,
        /// What a path must keep to carry it.
        sla: SlaText = r#"{"rtt": "150ms", "jitter": "30ms", "loss": "1%"}"#,
        /// Underlays in order of preference; flows share those of one inner list.
        underlays: Vec<At<OneOrMore<String>>> = r#"["mpls", "internet"]"#,
        /// What happens when no path keeps the SLA.
        otherwise: OtherwiseText = "best",
        /// How long a path that broke the SLA must keep it before the class goes back to it.
        hold: TimeSpan = "60s",
        /// Before all others where bandwidth is short, or its part relative to the others' (10).
        share: ShareText = "strict",
        /// What protects its packets against loss between two nodes.
        protect: ProtectText = "fec",
        /// Whether what only a default route leads to leaves to the internet at the site.
        breakout: bool = "true",
        /// Octets of the probes that stand for its packets.
        probe_size: Count<0, 8940> = "200",
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

words! {
    /// What protects packets against loss.
    ProtectText {
        /// Nothing.
        None = "none",
        /// Forward error correction, while there is loss that it helps against.
        Fec = "fec",
        /// Every packet goes by two paths.
        Duplicate = "duplicate",
    }
}

/// How a class stands beside others where bandwidth is short: `strict`, or a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShareText(pub(crate) ShareConfig);

/// The largest weight.
const WEIGHT_MAX: u16 = 1_000;

impl Shape for ShareText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "strict or a weight from 1 to 1000";
        let share = match scalar(node, what, reports)? {
            "strict" => Some(ShareConfig::Strict),
            text => {
                let weight = text.parse().ok();
                let weight = weight.filter(|weight| (1..=WEIGHT_MAX).contains(weight));
                weight.map(ShareConfig::Weight)
            }
        };
        if share.is_none() {
            reports.push(expected(node, what));
        }
        share.map(Self)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "anyOf": [
            { "enum": ["strict"] },
            { "type": "integer", "minimum": 1, "maximum": WEIGHT_MAX },
        ] })
    }
}

/// A domain name (RFC 1035), in lower case and without a dot at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DomainText(pub(crate) String);

impl Shape for DomainText {
    fn read(node: &Node, reports: &mut Vec<Report>) -> Option<Self> {
        let what = "a domain such as teams.microsoft.com";
        let text = scalar(node, what, reports)?;
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label = |label: &str| {
            let all = label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            all && (1..=63).contains(&label.len())
        };
        if name.len() > 253 || !name.split('.').all(label) {
            let advice = match name.strip_prefix("*.") {
                Some(rest) => format!("write `{rest}`: names below it belong to it"),
                None => String::new(),
            };
            reports.push(expected(node, what).try_this(advice));
            return None;
        }
        Some(Self(name))
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({ "type": "string", "pattern": r"^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$" })
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
