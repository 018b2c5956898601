//! Joining: nothing is lost, changed, reordered or laundered.

use offload::{Joined, Offload, Run, Segmentation, Segments, complete};
use proptest::prelude::*;

use crate::packets::{FLOW, Flow, assert_sound, comparable, octets};

/// What arrives at the TUN device.
fn join(packets: &[Vec<u8>]) -> Vec<(Offload, Vec<u8>)> {
    let mut delivered = Vec::new();
    let mut rest = packets;
    while let [first, others @ ..] = rest {
        rest = others;
        let Some(mut run) = Run::start(first) else {
            delivered.push((Offload::NONE, first.clone()));
            continue;
        };
        let mut payload = first[run.header().0.len()..].to_vec();
        while let [next, others @ ..] = rest
            && let Joined::Yes { headers } = run.join(next)
        {
            payload.extend_from_slice(&next[headers..]);
            rest = others;
        }
        let (header, offload) = run.header();
        delivered.push((offload, [header, &payload].concat()));
    }
    delivered
}

/// What the kernel makes of it again.
fn cut(delivered: &[(Offload, Vec<u8>)]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for (offload, packet) in delivered {
        let segments = Segments::new(packet, *offload).expect("a packet");
        for index in 0..segments.count() {
            let mut slot = vec![0; segments.longest()];
            let len = segments.write(index, &mut slot);
            slot.truncate(len);
            packets.push(slot);
        }
    }
    packets
}

fn stream(flow: &Flow, payload: &[u8], size: usize) -> Vec<Vec<u8>> {
    let last = payload.chunks(size).count() - 1;
    payload
        .chunks(size)
        .enumerate()
        .map(|(index, chunk)| flow.tcp(index, size, chunk, if index == last { "P" } else { "" }))
        .collect()
}

/// How many packets each delivery joined.
fn counts(packets: &[Vec<u8>]) -> Vec<usize> {
    join(packets)
        .iter()
        .map(|one| Segments::new(&one.1, one.0).expect("a packet").count())
        .collect()
}

fn mixture() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let one = (
        0usize..3,
        0usize..6,
        prop::sample::select(vec![100usize, 100, 100, 50, 0]),
        "[PE]?",
        any::<bool>(),
        0u8..40,
    );
    prop::collection::vec(one, 0..200).prop_map(|choices| {
        let mut next = [0usize; 3];
        choices
            .into_iter()
            .map(|(which, skip, len, flags, udp, damage)| {
                let flow = Flow {
                    ports: (which as u16, 1),
                    dont_fragment: which == 0,
                    traffic_class: which as u8,
                    timestamps: which == 2,
                    ..FLOW
                };
                next[which] += if skip == 5 { 2 } else { 1 };
                let payload = octets(len, next[which] as u64);
                let mut packet = if udp {
                    flow.udp(next[which], &payload)
                } else {
                    flow.tcp(next[which], 100, &payload, &flags)
                };
                if damage < 2 {
                    let at = if damage == 0 { packet.len() - 1 } else { 8 };
                    packet[at] ^= 0x10;
                }
                packet
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn cutting_what_was_joined_gives_the_same_packets(packets in mixture()) {
        let expected: Vec<_> = packets.iter().map(|packet| comparable(packet)).collect();
        let got: Vec<_> = cut(&join(&packets)).iter().map(|packet| comparable(packet)).collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn a_stream_arrives_as_few_super_packets(len in 1usize..60_000, size in 1000usize..1400, sequence: u32, traffic_class: u8) {
        let flow = Flow { sequence, traffic_class, ..FLOW };
        let packets = stream(&flow, &octets(len, 7), size);
        let delivered = join(&packets);
        prop_assert_eq!(delivered.len(), 1);
        let got: Vec<_> = cut(&delivered).iter().map(|packet| comparable(packet)).collect();
        let expected: Vec<_> = packets.iter().map(|packet| comparable(packet)).collect();
        prop_assert_eq!(got, expected);
    }

    /// The kernel takes a partial checksum for correct, so the flipped bit would be lost if its packet were joined.
    #[test]
    fn a_damaged_packet_is_never_laundered(damaged in 0usize..20, at in 0usize..1052, bit in 0u8..8) {
        let mut packets = stream(&FLOW, &octets(20_000, 8), 1000);
        packets[damaged][at] ^= 1 << bit;
        for (offload, packet) in join(&packets) {
            if offload.segmentation != Segmentation::None {
                for segment in cut(&[(offload, packet)]) {
                    assert_sound(&segment);
                    let known = |sent: &Vec<u8>| comparable(sent) == comparable(&segment);
                    let original = stream(&FLOW, &octets(20_000, 8), 1000);
                    // A changed identification, DF and all, still has a wrong header checksum.
                    prop_assert!(original.iter().any(known));
                }
            }
        }
    }
}

#[test]
fn a_super_packet_has_one_header_the_gathered_payload_and_a_partial_checksum() {
    let payload = octets(5000, 9);
    let mut delivered = join(&stream(&FLOW, &payload, 1200));
    let (offload, mut packet) = delivered.pop().expect("a delivery");
    assert!(delivered.is_empty());
    assert_eq!(packet[52..], payload);
    let cut = (offload.segmentation, offload.segment, offload.headers);
    assert_eq!(cut, (Segmentation::Tcp, 1200, 52));
    complete(&mut packet, offload).expect("a place for the checksum");
    assert_sound(&packet);
}

#[test]
fn a_push_ends_a_run_and_does_not_stand_in_its_middle() {
    let packets: Vec<_> = (0..6)
        .map(|index| {
            FLOW.tcp(
                index,
                100,
                &octets(100, 1),
                if index == 2 { "P" } else { "" },
            )
        })
        .collect();
    assert_eq!(counts(&packets), [3, 3]);
}

#[test]
fn a_shorter_segment_ends_a_run_and_a_longer_one_starts_another() {
    let lens = [100, 100, 60, 60, 60, 100];
    let mut at = 0;
    let packets: Vec<_> = lens
        .iter()
        .map(|len| {
            let packet = FLOW.tcp(at, 1, &octets(*len, 1), "");
            at += len;
            packet
        })
        .collect();
    assert_eq!(counts(&packets), [3, 2, 1]);
}

#[test]
fn what_means_something_at_its_place_travels_alone() {
    let packets: Vec<_> = ["", "", "C", "S", "", ""]
        .iter()
        .enumerate()
        .map(|(index, flags)| FLOW.tcp(index, 100, &octets(100, 1), flags))
        .collect();
    assert_eq!(counts(&packets), [2, 1, 1, 2]);
}

#[test]
fn datagrams_without_checksum_get_none() {
    let mut packets = vec![FLOW.udp(0, b"12345678"), FLOW.udp(1, b"12345678")];
    for packet in &mut packets {
        packet[26..28].fill(0);
    }
    let as_they_are = packets.iter().map(|packet| (Offload::NONE, packet.clone()));
    assert_eq!(join(&packets), as_they_are.collect::<Vec<_>>());
}
