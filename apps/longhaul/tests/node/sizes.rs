//! Packets that do not fit: fragments, ICMP errors through the tunnel, segment sizes, and a path whose MTU nobody tells.

use std::time::Duration;

use inet::packet::{ICMP, TCP, UDP};
use offload::Segmentation;

use crate::overlay::{MTU, Overlay, Weather, is, too_big};
use crate::packets::{is_sound, loose_udp, mss, octets, syn, tcp, udp, unfinished};

/// What the underlay is said to carry, and what of it is left for packets beside the headers of IPv4, UDP and WireGuard: whole
/// blocks of 16 octets.
const NARROW: u16 = 1400;
const INNER: u16 = 1328;
/// Of IPv4 and UDP.
const HEADERS: usize = 28;

#[test]
fn datagrams_that_may_be_fragmented_arrive_whole() {
    let overlay = Overlay::start(NARROW);
    for (from, to, source) in [
        (&overlay.near, &overlay.far, 1),
        (&overlay.far, &overlay.near, 2),
    ] {
        // The first fits the overlay's device and not the path; the second neither.
        for len in [MTU - HEADERS, 1500 - HEADERS] {
            let packet = loose_udp(source, 9, &octets(len));
            from.send(&packet);
            let mut whole = vec![0; packet.len() - 20];
            let mut missing = whole.len();
            to.receive("the last fragment", |fragment| {
                if !is(fragment, UDP) {
                    return false;
                }
                assert!(fragment.len() <= usize::from(INNER), "{}", fragment.len());
                assert_eq!(inet::packet::checksum(&fragment[..20]), 0);
                let field = u16::from_be_bytes([fragment[6], fragment[7]]);
                let at = usize::from(field & 0x1fff) * 8;
                whole[at..at + fragment.len() - 20].copy_from_slice(&fragment[20..]);
                missing -= fragment.len() - 20;
                missing == 0
            });
            assert_eq!(whole, packet[20..], "{len}");
        }
    }
}

#[test]
fn a_host_hears_what_fits_when_its_packet_does_not() {
    let overlay = Overlay::start(NARROW);
    let packet = udp(1, 0, 9, &octets(MTU - HEADERS));
    overlay.near.send(&packet);
    let error = overlay
        .near
        .receive("an ICMP error", |packet| is(packet, ICMP));
    assert_eq!(too_big(&error), Some(INNER));
    assert_eq!(inet::packet::checksum(&error[20..]), 0);
    assert_eq!(error[48..56], packet[20..28], "ports and length");
    assert!(overlay.far.stays_silent(|packet| is(packet, UDP)));

    // Segments that are too long are refused as one that was sent alone.
    let mut whole = tcp(1, 5, &octets(20_000));
    let offload = unfinished(&mut whole, Segmentation::Tcp, 1380);
    overlay.near.send_unfinished(offload, &whole);
    let error = overlay
        .near
        .receive("an ICMP error", |packet| is(packet, ICMP));
    assert_eq!(too_big(&error), Some(INNER));
    assert_eq!(error[48..56], whole[20..28], "ports and sequence number");
}

#[test]
fn an_error_from_behind_the_tunnel_comes_back_through_it() {
    let overlay = Overlay::start(1500);
    let packet = udp(1, 0, 9, b"to nobody");
    overlay.near.send(&packet);
    let arrived = overlay.far.receive("a datagram", |packet| is(packet, UDP));
    let about = inet::packet::Ipv4::parse(&arrived).expect("a packet");
    let error = inet::packet::icmp_error(about.destination(), &about, 3, 4, [0, 0, 4, 210]);
    overlay.far.send(&error.expect("an error"));
    let error = overlay.near.receive("the error", |packet| is(packet, ICMP));
    assert_eq!(too_big(&error), Some(1234));
}

#[test]
fn connections_are_told_what_fits() {
    let overlay = Overlay::start(NARROW);
    for (from, to, source) in [
        (&overlay.near, &overlay.far, 1),
        (&overlay.far, &overlay.near, 2),
    ] {
        from.send(&syn(source, 1460));
        let packet = to.receive("a SYN", |packet| is(packet, TCP));
        assert_eq!(mss(&packet), Some(INNER - 40));
        assert!(is_sound(&packet));
        from.send(&syn(source, 536));
        let packet = to.receive("a SYN", |packet| is(packet, TCP));
        assert_eq!(mss(&packet), Some(536));
    }
    // A host that leaves the checksum to its network card.
    let mut packet = syn(1, 1460);
    let offload = unfinished(&mut packet, Segmentation::None, 0);
    overlay.near.send_unfinished(offload, &packet);
    let packet = overlay.far.receive("a SYN", |packet| is(packet, TCP));
    assert_eq!(mss(&packet), Some(INNER - 40));
    assert!(is_sound(&packet));
}

#[test]
fn a_path_that_silently_loses_long_packets_is_found_out() {
    let overlay = Overlay::start(1500);
    overlay.weather(Weather {
        mtu: Some(1300),
        ..Weather::default()
    });
    let packet = udp(1, 0, 9, &octets(1300));
    let mut told = None;
    // It is confirmed every 30 s that long packets pass; five lost in a row, one a second, are believed.
    for _ in 0..900 {
        overlay.near.send(&packet);
        let errors = &mut |packet: &[u8]| is(packet, ICMP);
        let errors = overlay.near.collect(Duration::from_millis(100), 1, errors);
        if let Some(mtu) = errors.first().and_then(|error| too_big(error)) {
            told = Some(mtu);
            if mtu <= 1240 {
                break;
            }
        }
    }
    let told = usize::from(told.unwrap_or_else(|| panic!("no error: {}", overlay.said())));
    assert!((1136..=1240).contains(&told), "{told}");
    overlay.near.send(&udp(1, 0, 9, &octets(told - HEADERS)));
    overlay
        .far
        .receive("a datagram that fits", |packet| is(packet, UDP));
}
