//! Cutting: finished packets, whatever the super-packet.

use etherparse::TcpHeader;
use offload::{Offload, OffloadError, Segmentation, Segments, complete};
use proptest::prelude::*;

use crate::packets::{FLOW, Flow, assert_sound, comparable, into_super, octets};

fn cut(packet: &[u8], offload: Offload) -> Vec<Vec<u8>> {
    let segments = Segments::new(packet, offload).expect("a super-packet");
    (0..segments.count())
        .map(|index| {
            let mut slot = vec![0xee; segments.longest()];
            let len = segments.write(index, &mut slot);
            slot.truncate(len);
            slot
        })
        .collect()
}

fn tcp_of(packet: &[u8]) -> TcpHeader {
    TcpHeader::from_slice(&packet[20..]).expect("TCP").0
}

proptest! {
    #[test]
    fn segments_of_a_stream_are_what_its_sender_would_have_sent(
        len in 1usize..65_000,
        size in 8usize..9000,
        traffic_class: u8,
        id: u16,
        sequence: u32,
        timestamps: bool,
        dont_fragment: bool,
    ) {
        let flow = Flow { traffic_class, id, sequence, timestamps, dont_fragment, ..FLOW };
        let payload = octets(len, 1);
        let mut packet = flow.tcp(0, 0, &payload, "P");
        let offload = into_super(&mut packet, Segmentation::Tcp, size);
        let segments = cut(&packet, offload);
        prop_assert_eq!(segments.len(), len.div_ceil(size));
        for (index, (segment, payload)) in segments.iter().zip(payload.chunks(size)).enumerate() {
            assert_sound(segment);
            let flags = if index + 1 == segments.len() { "P" } else { "" };
            let expected = flow.tcp(index, size, payload, flags);
            prop_assert_eq!(comparable(segment), comparable(&expected));
            prop_assert_eq!(&segment[4..6], &expected[4..6]);
        }
    }

    #[test]
    fn datagrams_of_a_batch_are_what_its_sender_would_have_sent(
        len in 1usize..65_000,
        size in 1usize..9000,
        traffic_class: u8,
        id: u16,
    ) {
        let flow = Flow { traffic_class, id, ..FLOW };
        let payload = octets(len, 2);
        let mut packet = flow.udp(0, &payload);
        let offload = into_super(&mut packet, Segmentation::Udp, size);
        for (index, (segment, payload)) in cut(&packet, offload).iter().zip(payload.chunks(size)).enumerate() {
            assert_sound(segment);
            prop_assert_eq!(segment, &flow.udp(index, payload));
        }
    }

    #[test]
    fn a_partial_checksum_of_a_single_packet_is_completed(len in 0usize..3000, udp: bool) {
        let payload = octets(len, 3);
        let finished = if udp { FLOW.udp(0, &payload) } else { FLOW.tcp(0, 0, &payload, "") };
        let mut packet = finished.clone();
        let offload = into_super(&mut packet, Segmentation::None, 0);
        prop_assert_eq!(complete(&mut packet, offload), Ok(()));
        assert_sound(&packet);
        prop_assert_eq!(comparable(&packet), comparable(&finished));
    }
}

#[test]
fn only_the_last_segment_ends_and_only_the_first_says_the_window_was_reduced() {
    let mut packet = FLOW.tcp(0, 0, &octets(3000, 4), "PFCE");
    let offload = into_super(&mut packet, Segmentation::Tcp, 1000);
    let flags: Vec<_> = cut(&packet, offload)
        .iter()
        .map(|segment| {
            assert_sound(segment);
            let tcp = tcp_of(segment);
            (tcp.psh, tcp.fin, tcp.cwr, tcp.ece)
        })
        .collect();
    assert_eq!(
        flags,
        [
            (false, false, true, true),
            (false, false, false, true),
            (true, true, false, true)
        ]
    );
}

#[test]
fn a_packet_without_work_to_do_passes_as_it_is() {
    let packet = FLOW.udp(0, b"as it is");
    assert_eq!(cut(&packet, Offload::NONE), [packet]);
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let mut packet = FLOW.tcp(0, 0, &octets(3000, 6), "");
    let offload = into_super(&mut packet, Segmentation::Tcp, 1000);
    let refused =
        |packet: &[u8], offload| Segments::new(packet, offload).err() == Some(OffloadError::Packet);
    let udp = Offload {
        segmentation: Segmentation::Udp,
        ..offload
    };
    assert!(refused(&packet, udp));
    assert!(refused(&packet[..500], offload));
    let (mut fragment, mut short) = (packet.clone(), packet);
    fragment[6] = 0x20;
    assert!(refused(&fragment, offload));
    short[32] = 0x40;
    assert!(refused(&short, offload));
}
