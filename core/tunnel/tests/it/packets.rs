//! What happens to packets: padding, queueing, reordering, replay, roaming.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use tunnel::{Event, OVERHEAD};

use crate::net::{A, B, Net, Options, PEER, inner};

#[test]
fn packets_are_padded_to_sixteen_but_not_beyond_the_mtu_and_arrive_as_they_were() {
    let mut net = Net::joined(Options::default());
    for payload in [0, 1, 4, 5, 500, 1_391, 1_392, 1_393, 5_000] {
        let packet = inner(&vec![0xab; payload]);
        net.send(A, &packet);
        let sent = net.sent.last().expect("a datagram").2.len() - OVERHEAD;
        let expected = match packet.len() {
            len @ ..=1_408 => len.next_multiple_of(16),
            len @ 1_409..=1_420 => len.max(1_420),
            len => len,
        };
        assert_eq!(sent, expected, "packet of {}", packet.len());
        net.run(Duration::from_millis(20));
        assert_eq!(net.inbox[B].pop(), Some(packet));
    }
}

#[test]
fn a_full_queue_drops_the_oldest_packets_and_counts_them() {
    let mut net = Net::new(Options::default());
    for number in 0..20u8 {
        net.send(A, &inner(&[number]));
    }
    net.run(Duration::from_secs(1));
    let arrived: Vec<_> = net.inbox[B].iter().map(|packet| packet[28]).collect();
    assert_eq!(arrived, (4..20).collect::<Vec<u8>>());
    assert_eq!(
        net.ends[A]
            .peer(net.now, PEER)
            .expect("a peer")
            .counters
            .queue_drops,
        4
    );
}

#[test]
fn reordered_packets_arrive_and_replayed_ones_do_not() {
    let mut net = Net::joined(Options::default());
    net.cut[A] = true;
    net.sent.clear();
    for number in 0..200u8 {
        net.send(A, &inner(&[number]));
    }
    let from = net.addresses[A];
    let datagrams: Vec<_> = net.sent.iter().map(|(_, _, bytes)| bytes.clone()).collect();
    for datagram in datagrams.iter().rev().chain(&datagrams) {
        net.deliver(B, from, datagram.clone());
    }
    assert_eq!(net.inbox[B].len(), 200);
    assert_eq!(net.ends[B].counters().replayed_packet, 200);
}

#[test]
fn what_is_no_ip_packet_inside_is_dropped_and_counted() {
    let mut net = Net::joined(Options::default());
    net.send(A, b"no packet");
    net.send(A, &[0x45, 0, 0xff, 0xff, 0, 0, 0, 0]);
    net.send(A, &[]);
    net.run(Duration::from_millis(100));
    assert!(net.inbox[B].is_empty());
    assert_eq!(net.ends[B].counters().bad_inner, 2);
    assert_eq!(net.ends[A].counters().bad_inner, 1);
}

#[test]
fn a_peer_whose_address_changes_is_followed_and_a_forger_is_not() {
    let mut net = Net::joined(Options::default());
    let old = net.addresses[A];
    let forger = SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 66), 6);
    net.cut[A] = true;
    net.send(A, &inner(b"held up"));
    let mut forged = net.sent.last().expect("a datagram").2.clone();
    forged[20] ^= 1;
    net.deliver(B, forger, forged);
    assert_eq!(
        net.ends[B].peer(net.now, PEER).expect("a peer").endpoint,
        Some(old)
    );
    net.cut[A] = false;
    net.addresses[A] = SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 7), 4_242);
    net.send(A, &inner(b"from elsewhere"));
    net.run(Duration::from_millis(10));
    net.send(B, &inner(b"follows"));
    net.run(Duration::from_millis(10));
    assert_eq!(net.inbox[A], [inner(b"follows")]);
    assert_eq!(net.times(B, Event::Roamed(PEER, net.addresses[A])).len(), 1);
}
