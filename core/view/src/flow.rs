//! Flows as an operator writes and reads them.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use inet::{FiveTuple, packet};
use serde::{Deserialize, Serialize};

/// A transport protocol that a trace can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP echo.
    Icmp,
}

impl Protocol {
    /// The IP protocol number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => packet::TCP,
            Self::Udp => packet::UDP,
            Self::Icmp => packet::ICMP,
        }
    }
}

/// Protocol and ports of a flow, without its addresses: `tcp:51000:443`, `icmp:7`; with a
/// differentiated-services code point: `udp:5000:16384@46`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowSpec {
    /// Protocol.
    pub protocol: Protocol,
    /// Source port; the identifier of an echo.
    pub source_port: u16,
    /// Destination port; zero for an echo.
    pub destination_port: u16,
    /// Differentiated-services code point (RFC 2474).
    pub dscp: u8,
}

impl Default for FlowSpec {
    /// An echo, as `ping` sends it.
    fn default() -> Self {
        Self {
            protocol: Protocol::Icmp,
            source_port: 1,
            destination_port: 0,
            dscp: 0,
        }
    }
}

impl FlowSpec {
    /// The flow between two addresses.
    pub const fn between(self, source: Ipv4Addr, destination: Ipv4Addr) -> Flow {
        Flow {
            protocol: self.protocol.number(),
            source,
            source_port: self.source_port,
            destination,
            destination_port: self.destination_port,
            dscp: self.dscp,
        }
    }
}

/// Why a text is not a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowError;

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flow is written tcp:51000:443, udp:51000:53, icmp or icmp:7, with @46 for a code point")
    }
}

impl core::error::Error for FlowError {}

impl FromStr for FlowSpec {
    type Err = FlowError;

    fn from_str(text: &str) -> Result<Self, FlowError> {
        let (text, dscp) = match text.split_once('@') {
            Some((text, dscp)) => (text, dscp.parse().map_err(|_| FlowError)?),
            None => (text, 0),
        };
        if dscp > DSCP_MAX {
            return Err(FlowError);
        }
        let mut parts = text.split(':');
        let protocol = match parts.next() {
            Some("tcp") => Protocol::Tcp,
            Some("udp") => Protocol::Udp,
            Some("icmp") => Protocol::Icmp,
            _ => return Err(FlowError),
        };
        let ports: Vec<u16> = parts
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| FlowError)?;
        let (source_port, destination_port) = match (protocol, ports[..].as_ref()) {
            (Protocol::Icmp, []) => (1, 0),
            (Protocol::Icmp, [id]) => (*id, 0),
            (Protocol::Tcp | Protocol::Udp, [source, destination]) => (*source, *destination),
            _ => return Err(FlowError),
        };
        Ok(Self {
            protocol,
            source_port,
            destination_port,
            dscp,
        })
    }
}

/// A five-tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// IP protocol number.
    pub protocol: u8,
    /// Source address.
    pub source: Ipv4Addr,
    /// Source port; the identifier of an echo.
    pub source_port: u16,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Destination port; zero for an echo.
    pub destination_port: u16,
    /// Differentiated-services code point.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dscp: u8,
}

/// Code points have six bits.
const DSCP_MAX: u8 = 63;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(value: &u8) -> bool {
    *value == 0
}

impl From<FiveTuple> for Flow {
    fn from(flow: FiveTuple) -> Self {
        Self {
            protocol: flow.protocol,
            source: flow.source,
            source_port: flow.source_port,
            destination: flow.destination,
            destination_port: flow.destination_port,
            dscp: 0,
        }
    }
}

impl From<Flow> for FiveTuple {
    fn from(flow: Flow) -> Self {
        Self {
            source: flow.source,
            destination: flow.destination,
            protocol: flow.protocol,
            source_port: flow.source_port,
            destination_port: flow.destination_port,
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        FiveTuple::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_read_as_the_command_line_writes_them() {
        let flow: FlowSpec = "tcp:51000:443".parse().expect("a flow");
        assert_eq!((flow.source_port, flow.destination_port), (51_000, 443));
        assert_eq!("icmp".parse(), Ok(FlowSpec::default()));
        for text in [
            "",
            "tcp",
            "tcp:1",
            "tcp:1:2:3",
            "icmp:1:2",
            "sctp:1:2",
            "tcp:1:99999",
        ] {
            assert_eq!(text.parse::<FlowSpec>(), Err(FlowError), "{text}");
        }
    }
}
