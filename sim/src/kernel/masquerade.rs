//! Masquerading: flows of others that leave by an interface with its address, as Linux does it.
//!
//! A flow keeps its port outside where that is free towards its destination, else it gets the next free
//! one. Mappings live as long as the device: simulations are shorter than a kernel's memory.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use inet::FiveTuple;
use inet::packet::{self, Ipv4};

/// The first port that is given to a flow whose own is taken.
const FIRST_PORT: u16 = 1_024;

/// Who is known outside as whom.
#[derive(Debug, Default)]
pub(super) struct Masquerade {
    outside: BTreeMap<Flow, Flow>,
    inside: BTreeMap<Flow, Flow>,
}

/// A flow as a key: protocol, source and destination.
type Flow = (u8, (Ipv4Addr, u16), (Ipv4Addr, u16));

fn key(flow: FiveTuple) -> Flow {
    (
        flow.protocol,
        (flow.source, flow.source_port),
        (flow.destination, flow.destination_port),
    )
}

impl Masquerade {
    /// Gives a packet the source that its flow has outside.
    pub(super) fn leave(&mut self, bytes: &mut [u8], address: Ipv4Addr) {
        let Ok(packet) = Ipv4::parse(bytes) else {
            return;
        };
        let flow = packet.five_tuple();
        let known = self.outside.get(&key(flow)).copied();
        let (_, (source, source_port), _) = match known {
            Some(outside) if outside.1.0 == address => outside,
            // Its way out is another one now: Linux forgets it as well.
            Some(outside) => {
                self.inside.remove(&outside);
                self.map(flow, address)
            }
            None => self.map(flow, address),
        };
        let outside = FiveTuple {
            source,
            source_port,
            ..flow
        };
        packet::rewrite(bytes, outside);
    }

    /// Gives a packet that answers one of the flows its destination inside. Whether it did.
    pub(super) fn come_back(&self, bytes: &mut [u8]) -> bool {
        let Ok(packet) = Ipv4::parse(bytes) else {
            return false;
        };
        let flow = packet.five_tuple();
        let Some((_, (destination, port), _)) = self.inside.get(&answered(flow)) else {
            return false;
        };
        let inside = match flow.protocol {
            packet::ICMP => FiveTuple {
                destination: *destination,
                source_port: *port,
                ..flow
            },
            _ => FiveTuple {
                destination: *destination,
                destination_port: *port,
                ..flow
            },
        };
        packet::rewrite(bytes, inside);
        true
    }

    fn map(&mut self, flow: FiveTuple, address: Ipv4Addr) -> Flow {
        let towards = |port| {
            let outside = FiveTuple {
                source: address,
                source_port: port,
                ..flow
            };
            key(outside)
        };
        let ports = core::iter::once(flow.source_port).chain(FIRST_PORT..=u16::MAX);
        let mut free = ports
            .map(towards)
            .filter(|one| !self.inside.contains_key(one));
        let outside = free.next().unwrap_or_else(|| towards(flow.source_port));
        self.outside.insert(key(flow), outside);
        self.inside.insert(outside, key(flow));
        outside
    }
}

/// The flow that a packet answers. An echo's identifier is the same both ways.
fn answered(flow: FiveTuple) -> Flow {
    match flow.protocol {
        packet::ICMP => {
            let reply = (flow.source, flow.destination_port);
            (flow.protocol, (flow.destination, flow.source_port), reply)
        }
        _ => key(flow.reversed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
    const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

    fn host(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 1, 0, last)
    }

    fn seen(bytes: &[u8]) -> FiveTuple {
        Ipv4::parse(bytes).expect("a packet").five_tuple()
    }

    #[test]
    fn two_hosts_with_one_port_stay_apart_and_get_their_answers() {
        let mut masquerade = Masquerade::default();
        let mut ports = Vec::new();
        for last in [7, 8] {
            let flow = FiveTuple {
                source: host(last),
                destination: SERVER,
                protocol: packet::UDP,
                source_port: 5_000,
                destination_port: 53,
            };
            let source = core::net::SocketAddrV4::new(flow.source, flow.source_port);
            let server = core::net::SocketAddrV4::new(SERVER, 53);
            let mut bytes = packet::udp(source, server, 64, b"question");
            masquerade.leave(&mut bytes, OUTSIDE);
            let outside = seen(&bytes);
            assert_eq!(outside.source, OUTSIDE);
            ports.push(outside.source_port);
            let back = core::net::SocketAddrV4::new(OUTSIDE, outside.source_port);
            let mut answer = packet::udp(server, back, 64, b"answer");
            assert!(masquerade.come_back(&mut answer));
            assert_eq!(seen(&answer), flow.reversed());
        }
        assert_eq!(ports, [5_000, FIRST_PORT]);
    }

    #[test]
    fn echoes_come_back_and_what_nobody_asked_for_does_not() {
        let mut masquerade = Masquerade::default();
        let mut ping = packet::echo_request(host(7), SERVER, 9, 1, 64, b"");
        masquerade.leave(&mut ping, OUTSIDE);
        let outside = Ipv4::parse(&ping).expect("a packet");
        let mut pong = packet::echo_reply(&outside, 64).expect("a reply");
        assert!(masquerade.come_back(&mut pong));
        assert_eq!(seen(&pong).destination, host(7));
        let mut stray = packet::echo_request(SERVER, OUTSIDE, 8, 1, 64, b"");
        assert!(!masquerade.come_back(&mut stray));
    }
}
