//! Headers that change on the way keep right checksums right and wrong ones wrong.

use etherparse::{PacketBuilder, TcpOptionElement};
use offload::clamp_mss;
use proptest::prelude::*;

use crate::packets::{FLOW, Flow, assert_sound, octets};

fn syn(options: &[TcpOptionElement], payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .tcp(1, 2, 3, 4)
        .syn()
        .options(options)
        .expect("room for options")
        .write(&mut packet, payload)
        .expect("memory");
    packet
}

fn mss_of(packet: &[u8]) -> Option<u16> {
    let (tcp, _) = etherparse::TcpHeader::from_slice(&packet[20..]).expect("TCP");
    tcp.options_iterator().find_map(|option| match option {
        Ok(TcpOptionElement::MaximumSegmentSize(mss)) => Some(mss),
        _ => None,
    })
}

proptest! {
    #[test]
    fn a_lowered_segment_size_keeps_the_checksum_right(named: u16, most: u16, noops in 0usize..4, payload in 0usize..9) {
        let fits = most.saturating_sub(40);
        let mut options = vec![TcpOptionElement::Noop; noops];
        options.push(TcpOptionElement::MaximumSegmentSize(named));
        options.push(TcpOptionElement::SelectiveAcknowledgementPermitted);
        let mut packet = syn(&options, &octets(payload, 1));
        prop_assert_eq!(clamp_mss(&mut packet, most), named > fits);
        prop_assert_eq!(mss_of(&packet), Some(named.min(fits)));
        assert_sound(&packet);
    }

    #[test]
    fn a_mark_keeps_the_checksum_right(class: u8) {
        let mut packet = Flow { traffic_class: class, ..FLOW }.udp(0, b"x");
        prop_assert_eq!(offload::tos::mark(&mut packet), class & 3 != 0);
        assert_sound(&packet);
        prop_assert_eq!(packet[1], if class & 3 == 0 { class } else { class | 3 });
    }
}

#[test]
fn a_wrong_checksum_stays_wrong_when_the_segment_size_is_lowered() {
    let mut packet = syn(&[TcpOptionElement::MaximumSegmentSize(1460)], b"");
    packet[36] ^= 1;
    assert!(clamp_mss(&mut packet, 1300));
    let view = inet::packet::Ipv4::parse(&packet).expect("a packet");
    assert_ne!(
        inet::packet::transport_checksum(view.source(), view.destination(), 6, view.payload()),
        0
    );
}
