//! Cutting and joining: what is cut is whole, and what is joined again is what was cut.

use core::net::Ipv4Addr;

use inet::packet::transport_checksum;
use inet::{FiveTuple, packet};
use proptest::prelude::*;

use super::*;
use crate::{Joined, Partial, Run};

const FROM: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const TO: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 2);

fn ip(protocol: u8, transport: &[u8], tos: u8) -> Vec<u8> {
    let flow = FiveTuple {
        source: FROM,
        destination: TO,
        protocol,
        source_port: 0,
        destination_port: 0,
    };
    let mut bytes = packet::ipv4(flow, 64, transport);
    crate::tos::set(&mut bytes, tos);
    bytes
}

/// A super-packet as the kernel gives it: headers as of one packet, checksum with the pseudo-header's sum only.
fn tcp(
    payload: &[u8],
    segment: u16,
    options: usize,
    flags: u8,
    sequence: u32,
) -> (Vec<u8>, Offload) {
    let mut tcp = vec![0; 20 + options];
    tcp[..4].copy_from_slice(&[0x04, 0xd2, 0x00, 0x50]);
    tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
    tcp[8..12].copy_from_slice(&7u32.to_be_bytes());
    tcp[12] = (((20 + options) / 4) << 4) as u8;
    tcp[13] = flags;
    tcp[14..16].copy_from_slice(&500u16.to_be_bytes());
    tcp[20..].fill(1);
    tcp.extend_from_slice(payload);
    let sum = pseudo_header(
        &[FROM.octets(), TO.octets()].concat(),
        packet::TCP,
        tcp.len() as u16,
    );
    tcp[16..18].copy_from_slice(&sum.folded());
    let offload = Offload {
        segmentation: Segmentation::Tcp,
        segment,
        headers: 40 + options as u16,
        partial: Some(Partial {
            start: 20,
            offset: 16,
        }),
        ecn: false,
    };
    (ip(packet::TCP, &tcp, 2), offload)
}

fn udp(payload: &[u8], segment: u16) -> (Vec<u8>, Offload) {
    let mut udp = vec![0x04, 0xd2, 0x00, 0x35, 0, 0, 0, 0];
    udp.extend_from_slice(payload);
    let len = udp.len() as u16;
    udp[4..6].copy_from_slice(&len.to_be_bytes());
    let sum = pseudo_header(&[FROM.octets(), TO.octets()].concat(), packet::UDP, len);
    udp[6..8].copy_from_slice(&sum.folded());
    let offload = Offload {
        segmentation: Segmentation::Udp,
        segment,
        headers: 28,
        partial: Some(Partial {
            start: 20,
            offset: 6,
        }),
        ecn: false,
    };
    (ip(packet::UDP, &udp, 0), offload)
}

fn cut(packet: &[u8], offload: Offload) -> Vec<Vec<u8>> {
    let segments = Segments::new(packet, offload).expect("a super-packet");
    (0..segments.count())
        .map(|number| {
            let mut buffer = vec![0xee; segments.len(number)];
            assert_eq!(segments.write(number, &mut buffer), buffer.len());
            buffer
        })
        .collect()
}

fn assert_whole(packet: &[u8]) {
    let view = Ipv4::parse(packet).expect("a packet");
    assert_eq!(view.bytes().len(), packet.len());
    assert_eq!(packet::checksum(&packet[..view.header_len()]), 0);
    let sum = transport_checksum(
        view.source(),
        view.destination(),
        view.protocol(),
        view.payload(),
    );
    assert_eq!(sum, 0);
}

/// Joins packets as the receiver of a tunnel does.
fn join(packets: &[Vec<u8>]) -> Vec<(Vec<u8>, Offload)> {
    let mut joined = Vec::new();
    let mut rest = packets;
    while let [first, others @ ..] = rest {
        let Some(mut run) = Run::start(first) else {
            joined.push((first.clone(), Offload::NONE));
            rest = others;
            continue;
        };
        let start = run.header().0.len();
        let mut payload = first[start..].to_vec();
        rest = others;
        while let [next, others @ ..] = rest {
            let Joined::Yes { headers } = run.join(next) else {
                break;
            };
            payload.extend_from_slice(&next[headers..]);
            rest = others;
        }
        assert_eq!(run.octets(), start + payload.len());
        let (header, offload) = run.header();
        joined.push(([header, &payload].concat(), offload));
    }
    joined
}

fn numbers(len: usize) -> Vec<u8> {
    (0..len).map(|number| (number * 7 % 251) as u8).collect()
}

proptest! {
    #[test]
    fn a_tcp_super_packet_is_cut_into_whole_segments_and_joined_again(
        len in 1usize..60_000,
        segment in 100u16..9000,
        options in 0usize..10,
        push in any::<bool>(),
        sequence in any::<u32>(),
    ) {
        let payload = numbers(len);
        let flags = if push { 0x18 } else { 0x10 };
        let (whole, offload) = tcp(&payload, segment, options * 4, flags, sequence);
        let packets = cut(&whole, offload);
        prop_assert_eq!(packets.len(), len.div_ceil(usize::from(segment)));
        let mut bytes = Vec::new();
        for (number, packet) in packets.iter().enumerate() {
            assert_whole(packet);
            let last = number + 1 == packets.len();
            prop_assert_eq!(packet[33] & PSH != 0, push && last);
            bytes.extend_from_slice(&packet[40 + options * 4..]);
        }
        prop_assert_eq!(bytes, payload);
        let joined = join(&packets);
        prop_assert_eq!(joined.len(), 1);
        let (again, told) = &joined[0];
        if packets.len() > 1 {
            prop_assert_eq!(again, &whole);
            prop_assert_eq!(*told, offload);
        } else {
            prop_assert_eq!(*told, Offload::NONE);
            assert_whole(again);
        }
    }

    #[test]
    fn a_udp_super_packet_is_cut_into_whole_datagrams_and_joined_again(len in 1usize..60_000, segment in 100u16..9000) {
        let (whole, offload) = udp(&numbers(len), segment);
        let packets = cut(&whole, offload);
        packets.iter().for_each(|packet| assert_whole(packet));
        let joined = join(&packets);
        prop_assert_eq!(joined.len(), 1);
        if packets.len() > 1 {
            prop_assert_eq!(&joined[0].0, &whole);
            prop_assert_eq!(joined[0].1, offload);
        }
    }

    #[test]
    fn no_header_makes_it_panic(
        packet in proptest::collection::vec(any::<u8>(), 0..200),
        header in any::<[u8; 10]>(),
        plausible in any::<bool>(),
    ) {
        let mut packet = packet;
        if plausible && packet.len() >= 20 {
            let len = packet.len() as u16;
            packet[0] = 0x45;
            packet[2..4].copy_from_slice(&len.to_be_bytes());
            packet[6..8].fill(0);
            packet[9] = if header[0] & 4 == 0 { packet::TCP } else { packet::UDP };
        }
        if let Ok(offload) = Offload::read(&header) {
            if let Ok(segments) = Segments::new(&packet, offload) {
                let mut buffer = vec![0; segments.longest()];
                for number in 0..segments.count().min(300) {
                    segments.write(number, &mut buffer);
                }
            }
            let _ = complete(&mut packet.clone(), offload);
        }
        if let Some(mut run) = Run::start(&packet) {
            run.join(&packet);
            run.header();
        }
        crate::clamp_mss(&mut packet, 1000);
    }
}

#[test]
fn a_damaged_packet_is_never_part_of_a_run() {
    let (whole, offload) = tcp(&numbers(3000), 1000, 12, 0x10, 9);
    let mut packets = cut(&whole, offload);
    packets[1][500] ^= 1;
    let joined = join(&packets);
    assert_eq!(joined.len(), 3);
    assert_eq!(joined[1], (packets[1].clone(), Offload::NONE));
}

#[test]
fn runs_end_where_the_flow_does_not_go_on() {
    let (whole, offload) = tcp(&numbers(6000), 1000, 0, 0x10, 9);
    let packets = cut(&whole, offload);
    let mut run = Run::start(&packets[0]).expect("data");
    assert_eq!(run.join(&packets[2]), Joined::No, "a gap");
    assert_eq!(run.join(&packets[0]), Joined::No, "a repetition");
    let mut marked = packets[1].clone();
    crate::tos::set(&mut marked, 3);
    assert_eq!(run.join(&marked), Joined::No, "congestion must be heard");
    let mut nearer = packets[1].clone();
    packet::decrement_ttl(&mut nearer);
    assert_eq!(run.join(&nearer), Joined::No, "another path");
    assert_eq!(run.join(&packets[1]), Joined::Yes { headers: 40 });
    assert_eq!(run.packets(), 2);
}

#[test]
fn nothing_follows_a_push_or_a_shorter_packet() {
    let (first, offload) = tcp(&numbers(2000), 1000, 0, 0x18, 100);
    let (second, _) = tcp(&numbers(1000), 1000, 0, 0x10, 2100);
    let mut packets = cut(&first, offload);
    packets.extend(cut(&second, offload));
    assert_eq!(join(&packets).len(), 2);
    let (first, offload) = tcp(&numbers(1900), 1000, 0, 0x10, 100);
    let (second, _) = tcp(&numbers(1000), 1000, 0, 0x10, 2000);
    let mut packets = cut(&first, offload);
    packets.extend(cut(&second, offload));
    assert_eq!(join(&packets).len(), 2);
}

#[test]
fn handshakes_and_fragments_are_never_part_of_a_run() {
    for flags in [0x02, 0x12, 0x04, 0x11, 0x30, 0x90] {
        let (mut whole, offload) = tcp(&numbers(10), 1000, 0, flags, 1);
        complete(&mut whole, offload).expect("room");
        assert_whole(&whole);
        assert!(Run::start(&whole).is_none(), "{flags:#x}");
    }
    let (mut whole, offload) = tcp(&numbers(10), 1000, 0, 0x10, 1);
    complete(&mut whole, offload).expect("room");
    assert!(Run::start(&whole).is_some());
    whole[6] |= 0x20;
    assert!(Run::start(&whole).is_none());
}

#[test]
fn a_partial_checksum_is_completed() {
    let (mut whole, offload) = udp(&numbers(333), 0);
    complete(&mut whole, offload).expect("room");
    assert_whole(&whole);
    let far = Offload {
        partial: Some(Partial {
            start: 340,
            offset: 60,
        }),
        ..Offload::NONE
    };
    assert_eq!(complete(&mut whole, far), Err(OffloadError::Packet));
}

#[test]
fn flags_that_belong_to_one_segment_stay_on_it() {
    let (whole, offload) = tcp(&numbers(3000), 1000, 0, 0x10 | CWR | PSH | FIN, 1);
    let flags: Vec<u8> = cut(&whole, offload)
        .iter()
        .map(|packet| packet[33])
        .collect();
    assert_eq!(flags, [0x10 | CWR, 0x10, 0x10 | PSH | FIN]);
}
