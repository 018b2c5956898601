//! Probes among the packets that come out of tunnels: they never reach the kernel.

use core::net::SocketAddrV4;

use inet::Instant;
use inet::packet::{self, Ipv4};
use path::PathId;

use super::tables::Tables;

/// What a probe or a reply asks for.
pub(crate) enum Probe<'a> {
    /// Send this packet back by the same path.
    Reflect(Vec<u8>),
    /// The payload of a reply to one of this node's own.
    Reply(&'a [u8]),
    /// It fits no path.
    Stray,
}

impl Tables {
    /// Whether a packet is a probe or its reply, for this node. Such packets never reach the kernel.
    pub(crate) fn is_probe(&self, view: &Ipv4<'_>) -> bool {
        if view.protocol() != packet::UDP || view.destination() != self.facts.settings.loopback {
            return false;
        }
        let flow = view.five_tuple();
        flow.destination_port == path::PORT
            || (flow.source_port == path::PORT && flow.destination_port == PROBE_PORT)
    }

    /// A probe is answered by the path it came by, with its code point; a reply belongs to the path it came by.
    pub(crate) fn probe<'a>(&self, now: Instant, came_by: PathId, view: &Ipv4<'a>) -> Probe<'a> {
        let neighbor = self.neighbor(self.facts.link_of(came_by));
        let flow = view.five_tuple();
        let Some(payload) = view.udp_payload().filter(|_| neighbor == Some(flow.source)) else {
            return Probe::Stray;
        };
        if flow.destination_port == PROBE_PORT {
            return Probe::Reply(payload);
        }
        let Some(reply) = path::reflect(now, view.ttl(), payload) else {
            return Probe::Stray;
        };
        let from = SocketAddrV4::new(flow.destination, flow.destination_port);
        let to = SocketAddrV4::new(flow.source, flow.source_port);
        let mut reply = packet::udp(from, to, PROBE_TTL, &reply);
        offload::tos::set(&mut reply, view.dscp() << 2);
        Probe::Reflect(reply)
    }
}

/// Where replies to this node's probes come: any port but the reflector's own.
pub(crate) const PROBE_PORT: u16 = 50_862;
/// Probes go end to end; 255 lets the reflector see that nothing was between (RFC 8762 §4.1).
pub(crate) const PROBE_TTL: u8 = 255;
