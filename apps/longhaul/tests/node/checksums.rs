//! Checksums and segments, with hosts that leave them to their network cards and hosts that do not.

use std::time::Duration;

use inet::packet::{TCP, UDP};
use offload::Segmentation;

use crate::overlay::{Overlay, is};
use crate::packets::{is_sound, octets, payload, sequence, tcp, udp, unfinished};

const PATIENCE: Duration = Duration::from_secs(30);
const SEGMENT: usize = 1300;

#[test]
fn a_stream_of_super_packets_arrives_octet_for_octet() {
    let overlay = Overlay::start(1500);
    let sent = octets(1_000_000);
    let mut arrived = vec![0; sent.len()];
    let mut at = 0;
    for chunk in sent.chunks(60_000) {
        let mut whole = tcp(1, at as u32, chunk);
        let offload = unfinished(&mut whole, Segmentation::Tcp, SEGMENT as u16);
        overlay.near.send_unfinished(offload, &whole);
        let mut got = 0;
        let mut wanted = |packet: &[u8]| is(packet, TCP);
        let count = chunk.len().div_ceil(SEGMENT);
        for packet in overlay.far.collect(PATIENCE, count, &mut wanted) {
            assert!(is_sound(&packet));
            let (start, octets) = (sequence(&packet) as usize, payload(&packet));
            assert_eq!(start, at + got, "in order");
            arrived[start..start + octets.len()].copy_from_slice(&octets);
            got += octets.len();
        }
        assert_eq!(got, chunk.len(), "{}", overlay.said());
        at += chunk.len();
    }
    assert!(arrived == sent, "what arrived is what was sent");
}

#[test]
fn a_stream_of_finished_packets_arrives_octet_for_octet() {
    let overlay = Overlay::start(1500);
    let sent = octets(40 * SEGMENT);
    for (at, chunk) in (0..).step_by(SEGMENT).zip(sent.chunks(SEGMENT)) {
        overlay.far.send(&tcp(2, at, chunk));
    }
    let mut wanted = |packet: &[u8]| is(packet, TCP);
    let packets = overlay.near.collect(PATIENCE, 40, &mut wanted);
    assert!(packets.iter().all(|packet| is_sound(packet)));
    let arrived: Vec<u8> = packets.iter().flat_map(|packet| payload(packet)).collect();
    assert!(arrived == sent, "what arrived is what was sent, in order");
}

#[test]
fn datagrams_in_super_packets_arrive_one_by_one() {
    let overlay = Overlay::start(1500);
    let sent = octets(30_000);
    let mut whole = udp(1, 0, 9, &sent);
    let offload = unfinished(&mut whole, Segmentation::Udp, 1200);
    overlay.near.send_unfinished(offload, &whole);
    let mut wanted = |packet: &[u8]| is(packet, UDP);
    let packets = overlay.far.collect(PATIENCE, 25, &mut wanted);
    assert!(packets.iter().all(|packet| is_sound(packet)));
    let arrived: Vec<_> = packets.iter().map(|packet| payload(packet)).collect();
    assert_eq!(arrived, sent.chunks(1200).collect::<Vec<_>>());
}

#[test]
fn a_checksum_that_a_host_left_to_its_card_is_finished_on_the_way() {
    let overlay = Overlay::start(1500);
    for len in [0, 1, 2, 63, 64, 999, 1392] {
        let sent = octets(len);
        let mut packet = udp(1, 0, 9, &sent);
        let offload = unfinished(&mut packet, Segmentation::None, 0);
        overlay.near.send_unfinished(offload, &packet);
        let arrived = overlay.far.receive("a datagram", |packet| is(packet, UDP));
        assert!(is_sound(&arrived), "{len}");
        assert_eq!(payload(&arrived), sent);
    }
}

/// A kernel that takes a super-packet takes its checksum for granted: joined, the damage would become the truth.
#[test]
fn damage_from_before_the_tunnel_is_not_given_a_right_checksum() {
    let overlay = Overlay::start(1500);
    let chunks = octets(20 * SEGMENT);
    for (at, chunk) in (0u32..).zip(chunks.chunks(SEGMENT)) {
        let mut packet = tcp(2, at * SEGMENT as u32, chunk);
        if at % 3 == 1 {
            packet[700] ^= 0x20;
        }
        overlay.far.send(&packet);
    }
    let mut wanted = |packet: &[u8]| is(packet, TCP);
    let packets = overlay.near.collect(PATIENCE, 20, &mut wanted);
    assert_eq!(packets.len(), 20, "{}", overlay.said());
    for (at, packet) in packets.iter().enumerate() {
        assert_eq!(is_sound(packet), at % 3 != 1, "packet {at}");
    }
}
