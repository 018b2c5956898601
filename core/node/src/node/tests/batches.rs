//! Packets in batches: super-packets through two tunnels and a hub between, as forwarders carry them.

use core::net::SocketAddrV4;

use inet::packet::{self, Ipv4};
use inet::{Instant, hash};
use offload::{Offload, Partial, Segmentation, Segments};

use super::forwarding::two_sites;
use crate::{Control, Forwarder, Handed, LocatorId, Notice, Output, Punt, Sink, Transmit, stub};

/// Keeps what a forwarder gives.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) batches: Vec<(SocketAddrV4, u8, usize, Vec<u8>)>,
    /// Which socket each of them left by.
    pub(super) sockets: Vec<LocatorId>,
    pub(super) delivered: Vec<(Offload, Vec<u8>)>,
    pub(super) punts: Vec<Punt>,
    pub(super) notices: Vec<Notice>,
    pub(super) handed: Vec<(usize, Handed)>,
    is_full: bool,
}

impl Sink for Kept {
    fn has_room(&self, _: LocatorId) -> bool {
        !self.is_full
    }

    fn transmit(&mut self, batch: Transmit<'_>) {
        assert!(batch.bytes.len() <= 65_507);
        assert!(batch.bytes.len().div_ceil(batch.segment) <= 64);
        self.sockets.push(batch.locator);
        self.batches
            .push((batch.to, batch.tos, batch.segment, batch.bytes.to_vec()));
    }

    fn deliver(&mut self, offload: Offload, parts: &[&[u8]]) {
        self.delivered.push((offload, parts.concat()));
    }

    fn punt(&mut self, punt: Punt) {
        self.punts.push(punt);
    }

    fn notice(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    fn hand_over(&mut self, shard: usize, handed: Handed) {
        self.handed.push((shard, handed));
    }
}

struct End {
    control: Control,
    forwarder: Forwarder,
    kept: Kept,
}

struct Line {
    now: Instant,
    a: End,
    hub: End,
    b: End,
}

fn line() -> Line {
    let (mut net, nva, [a, b]) = two_sites();
    let mut end = |device| {
        let (control, mut forwarders) = net.take(device).split();
        assert_eq!(forwarders.len(), 1);
        End {
            control,
            forwarder: forwarders.remove(0),
            kept: Kept::default(),
        }
    };
    Line {
        a: end(a),
        hub: end(nva),
        b: end(b),
        now: net.now,
    }
}

impl End {
    fn kernel_sends(&mut self, now: Instant, packet: &[u8], offload: Offload) {
        let mut buffer = self.forwarder.buffer().expect("a buffer");
        buffer.room()[..packet.len()].copy_from_slice(packet);
        buffer.set_len(packet.len());
        self.forwarder
            .from_kernel(now, buffer, offload, &mut self.kept);
        while self.forwarder.run(now, &mut self.kept) {}
    }

    /// Takes what another one sent, as a socket gives it.
    fn underlay_brings(&mut self, now: Instant, batches: Vec<(SocketAddrV4, u8, usize, Vec<u8>)>) {
        for (_, tos, segment, bytes) in batches {
            let mut buffer = self.forwarder.buffer().expect("a buffer");
            buffer.room()[..bytes.len()].copy_from_slice(&bytes);
            buffer.set_len(bytes.len());
            let from = SocketAddrV4::new([203, 0, 113, 10].into(), 51_820);
            let kept = &mut self.kept;
            self.forwarder
                .from_underlay(now, LocatorId(0), (from, tos), buffer, segment, kept);
        }
        while self.forwarder.run(now, &mut self.kept) {}
    }

    /// Tells the control half what was noticed.
    fn settle(&mut self, now: Instant) {
        let (mut out, mut orders) = (Vec::<Output>::new(), Vec::new());
        for notice in self.kept.notices.drain(..) {
            self.control
                .on_notice(now, 0, notice, &mut out, &mut orders);
        }
        for order in orders {
            self.forwarder.apply(now, order.change, &mut self.kept);
        }
    }
}

fn udp(from: &str, to: &str, payload: &[u8], tos: u8) -> Vec<u8> {
    let from = SocketAddrV4::new(stub::address(from), 4_000);
    let to = SocketAddrV4::new(stub::address(to), 5_000);
    let mut packet = packet::udp(from, to, 62, payload);
    offload::tos::set(&mut packet, tos);
    packet
}

fn to_be_cut(segment: u16) -> Offload {
    Offload {
        segmentation: Segmentation::Udp,
        segment,
        headers: 28,
        partial: Some(Partial {
            start: 20,
            offset: 6,
        }),
        ecn: false,
    }
}

/// The payloads of all packets that were delivered, in order, with every checksum looked at.
fn payloads(delivered: &[(Offload, Vec<u8>)]) -> Vec<u8> {
    let mut payloads = Vec::new();
    for (offload, packet) in delivered {
        let segments = Segments::new(packet, *offload).expect("a packet");
        for number in 0..segments.count() {
            let mut bytes = vec![0; segments.len(number)];
            segments.write(number, &mut bytes);
            let view = Ipv4::parse(&bytes).expect("a packet");
            assert_eq!(packet::checksum(&bytes[..20]), 0);
            let (from, to) = (view.source(), view.destination());
            let sum = packet::transport_checksum(from, to, view.protocol(), view.payload());
            assert_eq!(sum, 0);
            payloads.extend_from_slice(view.udp_payload().expect("a datagram"));
        }
    }
    payloads
}

fn numbers(len: usize) -> Vec<u8> {
    (0..len as u64)
        .map(|number| hash::mix(number) as u8)
        .collect()
}

#[test]
fn a_super_packet_crosses_two_tunnels_as_one_batch_and_arrives_as_one() {
    let mut line = line();
    let (now, payload) = (line.now, numbers(40_000));
    let packet = udp("10.10.0.5", "10.20.0.5", &payload, 0xb8);
    line.a.kernel_sends(now, &packet, to_be_cut(1_000));
    assert_eq!(line.a.kept.batches.len(), 1, "forty packets are one batch");
    let (to, tos, ..) = line.a.kept.batches[0];
    assert_eq!((to.ip().octets(), tos), ([198, 51, 100, 1], 0xb8));
    line.hub
        .underlay_brings(now, core::mem::take(&mut line.a.kept.batches));
    assert_eq!(line.hub.kept.batches.len(), 1, "relayed as one batch");
    line.b
        .underlay_brings(now, core::mem::take(&mut line.hub.kept.batches));
    let [(offload, arrived)] = &line.b.kept.delivered[..] else {
        panic!("{} deliveries", line.b.kept.delivered.len());
    };
    assert_eq!((offload.segment, arrived[1], arrived[8]), (1_000, 0xb8, 61));
    assert_eq!(payloads(&line.b.kept.delivered), payload);
}

#[test]
fn everything_that_goes_in_comes_out_in_order_whatever_its_size() {
    let mut line = line();
    let (now, mut sent) = (line.now, Vec::new());
    for len in (1..1_392).step_by(37).chain([1_392, 1_391, 1]) {
        let payload = numbers(len);
        let packet = udp("10.10.0.5", "10.20.0.5", &payload, 0);
        line.a.kernel_sends(now, &packet, Offload::NONE);
        sent.extend(payload);
    }
    line.hub
        .underlay_brings(now, core::mem::take(&mut line.a.kept.batches));
    line.b
        .underlay_brings(now, core::mem::take(&mut line.hub.kept.batches));
    assert_eq!(payloads(&line.b.kept.delivered), sent);
}

#[test]
fn flows_that_part_at_a_hub_go_each_their_own_way() {
    let mut line = line();
    let now = line.now;
    let local = udp("10.10.0.5", "172.16.0.1", &numbers(3_000), 0);
    let onward = udp("10.10.0.5", "10.20.0.5", &numbers(3_000), 0);
    // What comes in one buffer: three packets for the hub, three for the other site, three for the hub.
    let mut together = Vec::new();
    for packet in [&local, &onward, &local] {
        line.a.kernel_sends(now, packet, to_be_cut(1_000));
    }
    let batches = core::mem::take(&mut line.a.kept.batches);
    let (to, tos, segment, _) = batches[0].clone();
    for (_, _, equal, bytes) in batches {
        assert_eq!(equal, segment);
        together.extend(bytes);
    }
    line.hub
        .underlay_brings(now, vec![(to, tos, segment, together)]);
    assert_eq!(payloads(&line.hub.kept.delivered).len(), 6_000);
    line.b
        .underlay_brings(now, core::mem::take(&mut line.hub.kept.batches));
    assert_eq!(payloads(&line.b.kept.delivered), numbers(3_000));
}

#[test]
fn an_icmp_error_from_an_unknown_router_opens_the_way_for_nothing_else() {
    let mut line = line();
    let now = line.now;
    let (router, host) = (stub::address("192.0.2.7"), stub::address("10.10.0.5"));
    let about = udp("10.10.0.5", "10.20.0.5", b"x", 0);
    let about = Ipv4::parse(&about).expect("a packet");
    let error = packet::icmp_error(router, &about, 11, 0, [0; 4]).expect("an error");
    let data = [0; 28];
    // Without an identifier its flow is that of the error.
    let echo = packet::echo_request(router, host, 0, 1, 64, &data);
    assert_eq!(error.len(), echo.len(), "so that they come as one batch");
    for packet in [&error, &echo] {
        line.hub.kernel_sends(now, packet, Offload::NONE);
    }
    let batches = core::mem::take(&mut line.hub.kept.batches);
    let (to, tos, segment, _) = batches[0].clone();
    let together = batches.into_iter().flat_map(|batch| batch.3).collect();
    line.a
        .underlay_brings(now, vec![(to, tos, segment, together)]);
    let [(_, arrived)] = &line.a.kept.delivered[..] else {
        panic!("{} deliveries", line.a.kept.delivered.len());
    };
    assert_eq!(arrived[20], 11, "time exceeded");
}

#[test]
fn congestion_in_the_underlay_is_told_to_those_who_understand_it() {
    let mut line = line();
    let now = line.now;
    for (inner, arrives) in [(0, None), (2, Some(3)), (3, Some(3))] {
        let packet = udp("10.10.0.5", "172.16.0.1", b"x", inner);
        line.a.kernel_sends(now, &packet, Offload::NONE);
        let mut batches = core::mem::take(&mut line.a.kept.batches);
        batches[0].1 |= 3;
        line.hub.underlay_brings(now, batches);
        let delivered = core::mem::take(&mut line.hub.kept.delivered);
        assert_eq!(delivered.first().map(|(_, packet)| packet[1]), arrives);
    }
}

#[test]
fn packets_of_one_flow_that_understand_congestion_do_not_speak_for_those_that_do_not() {
    let mut line = line();
    let now = line.now;
    let mut together = Vec::new();
    let mut to = None;
    // As TCP does it: data understands, what is sent again does not (RFC 3168 section 6.1.5).
    for inner in [2, 0] {
        let packet = udp("10.10.0.5", "10.20.0.5", &numbers(1_000), inner);
        line.a.kernel_sends(now, &packet, Offload::NONE);
        for (peer, _, _, bytes) in line.a.kept.batches.drain(..) {
            together.extend(bytes);
            to = Some(peer);
        }
    }
    let segment = together.len() / 2;
    let to = to.expect("something was sent");
    line.hub
        .underlay_brings(now, vec![(to, 0, segment, together)]);
    let marks: Vec<u8> = line.hub.kept.batches.iter().map(|one| one.1).collect();
    assert_eq!(marks, [2, 0]);
}

#[test]
fn what_is_too_long_is_refused_with_the_size_that_fits() {
    let mut line = line();
    let packet = udp("10.10.0.5", "10.20.0.5", &numbers(1_500), 0);
    line.a.kernel_sends(line.now, &packet, Offload::NONE);
    let [(_, error)] = &line.a.kept.delivered[..] else {
        panic!("one ICMP error");
    };
    assert_eq!((error[20], error[21]), (3, 4));
    assert_eq!(u16::from_be_bytes([error[26], error[27]]), 1_420);
}

#[test]
fn packets_wait_while_the_socket_is_full_and_the_pool_ends_before_memory_does() {
    let mut line = line();
    let now = line.now;
    line.a.kept.is_full = true;
    let packet = udp("10.10.0.5", "10.20.0.5", &numbers(60_000), 0);
    let mut read = 0;
    for _ in 0..10_000 {
        let Some(mut buffer) = line.a.forwarder.buffer() else {
            break;
        };
        read += 1;
        buffer.room()[..packet.len()].copy_from_slice(&packet);
        buffer.set_len(packet.len());
        let kept = &mut line.a.kept;
        line.a
            .forwarder
            .from_kernel(now, buffer, to_be_cut(1_000), kept);
        line.a.forwarder.run(now, kept);
    }
    assert!(line.a.kept.batches.is_empty());
    assert_eq!(read, 10_000, "the longest flow makes room");
    line.a.kept.is_full = false;
    while line.a.forwarder.run(now, &mut line.a.kept) {}
    let octets: usize = line.a.kept.batches.iter().map(|batch| batch.3.len()).sum();
    assert!((2 << 20..5 << 20).contains(&octets), "{octets}");
}

#[test]
fn what_forwarders_count_is_shown_by_the_control_half() {
    let mut line = line();
    let before = line.a.control.node().counters().to_tunnels;
    let packet = udp("10.10.0.5", "10.20.0.5", &numbers(10_000), 0);
    line.a.kernel_sends(line.now, &packet, to_be_cut(1_000));
    line.a.settle(line.now);
    let later = line.now + core::time::Duration::from_secs(1);
    assert!(line.a.forwarder.wake().is_some_and(|at| at <= later));
    line.a.forwarder.run(later, &mut line.a.kept);
    line.a.settle(later);
    assert_eq!(line.a.control.node().counters().to_tunnels, before + 10);
    assert_eq!(line.a.forwarder.wake(), None, "nothing is left to do");
}
