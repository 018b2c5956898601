//! What is negotiated between two extended ends, and that nobody between them or at the other end can talk them out of it.

use std::time::Duration;

use blake2::Blake2sMac256;
use blake2::digest::{FixedOutput, KeyInit, Update};
use proptest::prelude::*;
use tunnel::{Aead, Event, Input, SessionState, Suite};

use crate::net::{A, B, Net, Options, PEER, inner, key};
use crate::wireguard::{Paper, aead, hash, mac, open, secret};

fn extended(shards: [u8; 2], aes: [bool; 2]) -> Options {
    Options {
        extended: [true; 2],
        shards,
        aes,
        ..Options::default()
    }
}

fn agreed(net: &Net, end: usize) -> (Option<Aead>, Option<u8>) {
    let view = net.ends[end].peer(net.now, PEER).expect("a peer");
    (view.aead, view.lanes)
}

/// Sends different packets both ways and expects all of them.
fn exchange(net: &mut Net, count: u32) {
    net.inbox = [Vec::new(), Vec::new()];
    for number in 0..count {
        net.send(A, &inner(&number.to_be_bytes()));
        net.send(B, &inner(&number.to_be_bytes()));
    }
    net.run(Duration::from_millis(100));
    for end in [A, B] {
        assert_eq!(net.inbox[end].len() as u32, count);
    }
}

#[test]
fn aes_is_used_when_both_have_it_and_chacha_otherwise() {
    for aes in [[false, false], [true, false], [false, true], [true, true]] {
        let mut net = Net::joined(extended([1, 1], aes));
        let expected = match aes {
            [true, true] => Aead::Aes256Gcm,
            _ => Aead::ChaCha20Poly1305,
        };
        for end in [A, B] {
            assert_eq!(agreed(&net, end), (Some(expected), Some(1)));
        }
        exchange(&mut net, 10);
    }
}

#[test]
fn a_session_has_lanes_for_the_end_with_more_shards_and_all_of_them_are_used() {
    for (shards, lanes) in [([1, 1], 1), ([1, 4], 4), ([3, 2], 4), ([16, 5], 16)] {
        for suite in [Suite::WireGuard, Suite::Null] {
            let mut net = Net::joined(Options {
                suite,
                ..extended(shards, [false, false])
            });
            assert_eq!(agreed(&net, A).1, Some(lanes));
            net.sent.clear();
            exchange(&mut net, 300);
            for end in [A, B] {
                let mut used: Vec<_> = net
                    .sent
                    .iter()
                    .filter(|(_, who, _)| *who == end)
                    .map(|(_, _, bytes)| bytes[4] & 15)
                    .collect();
                used.sort_unstable();
                used.dedup();
                assert_eq!(used.len(), usize::from(lanes), "{shards:?} {suite:?} {end}");
            }
        }
    }
}

#[test]
fn an_end_that_is_not_extended_speaks_plain_wireguard_with_one_that_is() {
    for extended in [[true, false], [false, true]] {
        let mut net = Net::joined(Options {
            extended,
            shards: [4, 4],
            aes: [true, true],
            ..Options::default()
        });
        for end in [A, B] {
            let plain = (Some(Aead::ChaCha20Poly1305), Some(1));
            assert_eq!(agreed(&net, end), plain);
        }
        let response = net.sent.iter().find(|(_, end, _)| *end == B);
        assert_eq!(response.expect("a response").2.len(), 92);
        exchange(&mut net, 100);
    }
}

#[test]
fn the_only_lane_of_a_plain_peer_has_one_shard_whatever_the_others_send() {
    let mut net = Net::joined(Options {
        shards: [4, 3],
        ..Options::default()
    });
    net.sent.clear();
    exchange(&mut net, 100);
    let counters = |end| {
        let data = net.sent.iter().filter(|(_, who, _)| *who == end);
        let mut counters: Vec<_> = data.map(|(_, _, bytes)| bytes[8]).collect();
        counters.sort_unstable();
        counters
    };
    assert!(
        counters(A).windows(2).all(|pair| pair[0] < pair[1]),
        "no counter twice"
    );
}

#[test]
fn lanes_are_renewed_and_crossed_under_traffic_and_nothing_is_lost() {
    let mut net = Net::joined(Options {
        initiate: [true, true],
        ..extended([4, 2], [true, true])
    });
    let mut sent = 0u32;
    for turn in 0..3_000 {
        if turn % 500 == 0 {
            net.tell(A, Input::Rehandshake(PEER));
            net.run(Duration::from_millis(turn / 500 * 4));
            net.tell(B, Input::Rehandshake(PEER));
        }
        net.send(A, &inner(&sent.to_be_bytes()));
        net.send(B, &inner(&sent.to_be_bytes()));
        sent += 1;
        net.run(Duration::from_millis(100));
    }
    net.run(Duration::from_secs(1));
    assert_eq!(net.inbox.each_ref().map(Vec::len), [sent as usize; 2]);
    assert!(net.times(A, Event::SessionDown(PEER)).is_empty());
}

#[test]
fn a_roaming_peer_is_followed_by_the_lanes_of_every_shard() {
    let mut net = Net::joined(extended([4, 4], [false, false]));
    net.addresses[A] = "203.0.113.7:4242".parse().expect("an address");
    net.send(A, &inner(b"from elsewhere"));
    net.run(Duration::from_millis(20));
    exchange(&mut net, 100);
}

#[test]
fn eight_thousand_packets_may_come_in_any_order_on_a_lane() {
    let mut net = Net::joined(extended([1, 1], [true, true]));
    net.cut[A] = true;
    net.sent.clear();
    for number in 0..8_193u32 {
        net.send(A, &inner(&number.to_be_bytes()));
    }
    let datagrams: Vec<_> = net.sent.drain(..).map(|(_, _, bytes)| bytes).collect();
    for datagram in datagrams.into_iter().rev() {
        net.deliver(B, net.addresses[A], datagram);
    }
    assert_eq!(
        net.inbox[B].len(),
        8_192,
        "and the one before the window is not taken"
    );
    assert_eq!(net.ends[B].counters().replayed_packet, 1);
}

/// An extended end A has called; the initiation is given to the end B of the paper.
fn called(offer: Options) -> (Net, Vec<u8>, Paper) {
    let mut net = Net::new(offer);
    net.cut = [true, true];
    net.tell(A, Input::Wake);
    let initiation = net.sent.remove(0).2;
    let paper = Paper::read(&initiation, secret(B));
    (net, initiation, paper)
}

#[test]
fn a_responder_of_the_paper_takes_the_offer_for_a_timestamp_and_gets_plain_wireguard() {
    let (mut net, initiation, paper) = called(extended([4, 1], [true, true]));
    assert_eq!(
        paper.offer,
        [0x4c, 0x10, 0x33],
        "magic, suites 1 and 2, four shards"
    );
    let (response, [receive, _]) = paper.respond(&initiation[4..8], &[0; 32], &[]);
    net.deliver(A, net.addresses[B], response);
    assert_eq!(agreed(&net, A), (Some(Aead::ChaCha20Poly1305), Some(1)));
    let keepalive = net.sent.remove(0).2;
    assert!(open(&receive, 0, &keepalive[16..], &[]).is_empty());
}

/// The key of a lane as docs/wireguard-extension.md has it.
fn lane_key(secret: &[u8; 32], offer: [u8; 3], answer: [u8; 4], lane: u8) -> [u8; 32] {
    let mut mac = <Blake2sMac256 as KeyInit>::new(secret.into());
    mac.update(b"longhaul lane 1");
    mac.update(&offer);
    mac.update(&answer);
    mac.update(&[lane]);
    mac.finalize_fixed().into()
}

#[test]
fn a_responder_built_from_the_document_finishes_the_extended_handshake() {
    let (mut net, initiation, paper) = called(extended([2, 1], [true, true]));
    let (offer, answer) = (paper.offer, [1, 1, 4, 0]);
    let (response, [receive, send]) = paper.respond(&initiation[4..8], &[0; 32], &answer);
    assert_eq!(response.len(), 96);
    net.deliver(A, net.addresses[B], response);
    assert_eq!(agreed(&net, A), (Some(Aead::ChaCha20Poly1305), Some(4)));
    let keepalive = net.sent.remove(0).2;
    let first = lane_key(&receive, offer, answer, 0);
    assert!(open(&first, 0, &keepalive[16..], &[]).is_empty());
    // A packet on lane 3: our index with the lane in its low bits, the counter of that lane.
    let mut data = vec![4, 0, 0, 0];
    data.extend_from_slice(&initiation[4..8]);
    data[4] |= 3;
    data.extend_from_slice(&0u64.to_le_bytes());
    let third = lane_key(&send, offer, answer, 3);
    data.extend_from_slice(&aead(&third, 0, &inner(b"on lane three"), &[]));
    net.deliver(A, net.addresses[B], data.clone());
    assert_eq!(net.inbox[A], [inner(b"on lane three")]);
    // The same on a lane that was not agreed, or with another lane's key, is nothing.
    for lane in [2, 4, 15] {
        data[4] = data[4] & !15 | lane;
        net.deliver(A, net.addresses[B], data.clone());
    }
    assert_eq!(net.inbox[A].len(), 1);
}

#[test]
fn an_answer_to_what_was_not_offered_is_no_response() {
    for (options, answer) in [
        (extended([1, 1], [false, true]), [1, 2, 1, 0]),
        (extended([4, 1], [false, true]), [1, 1, 2, 0]),
        (extended([4, 1], [false, true]), [1, 1, 32, 0]),
        (extended([1, 1], [true, true]), [2, 2, 1, 0]),
        (extended([1, 1], [true, true]), [1, 0, 1, 0]),
        (Options::default(), [1, 1, 1, 0]),
    ] {
        let (mut net, initiation, paper) = called(options);
        let (response, _) = paper.respond(&initiation[4..8], &[0; 32], &answer);
        net.deliver(A, net.addresses[B], response);
        let view = net.ends[A].peer(net.now, PEER).expect("a peer");
        assert_eq!(view.state, SessionState::Handshaking, "{answer:?}");
        assert_eq!(net.ends[A].counters().bad_handshake, 1);
    }
}

#[test]
fn lanes_need_an_index_whose_low_bits_are_free() {
    let (mut net, initiation, paper) = called(extended([2, 1], [false, false]));
    let (mut response, _) = paper.respond(&initiation[4..8], &[0; 32], &[1, 1, 2, 0]);
    response[4] |= 1;
    restamp(&mut response, A);
    net.deliver(A, net.addresses[B], response);
    assert!(!net.is_up(A));
    assert_eq!(net.ends[A].counters().bad_handshake, 1);
}

/// Writes MAC1 anew, as everybody can who knows the receiver's public key.
fn restamp(message: &mut [u8], receiver: usize) {
    let (body, macs) = message.split_at_mut(message.len() - 32);
    let mac1_key = hash(&[b"mac1----", &key(receiver).public_key().0]);
    macs[..16].copy_from_slice(&mac(&mac1_key, body));
}

#[test]
fn an_attacker_between_cannot_cut_the_answer_off() {
    let mut net = Net::new(extended([4, 4], [true, true]));
    net.tell(A, Input::Wake);
    net.cut[B] = true;
    net.run(Duration::from_millis(15));
    let (.., response) = net.sent.pop().expect("a response");
    assert_eq!(response.len(), 96);
    for cut in [44..48, 48..52, 60..64] {
        let mut shorter = response.clone();
        shorter.drain(cut);
        restamp(&mut shorter, A);
        net.deliver(A, net.addresses[B], shorter);
    }
    assert!(!net.is_up(A));
    assert_eq!(net.ends[A].counters().bad_handshake, 3);
    net.deliver(A, net.addresses[B], response);
    assert_eq!(agreed(&net, A), (Some(Aead::Aes256Gcm), Some(4)));
}

#[test]
fn a_replayed_offer_of_the_past_brings_no_older_terms_back() {
    // A was a smaller machine once; its initiation of then is kept by somebody.
    let small = extended([1, 4], [false, true]);
    let mut net = Net::joined(small);
    let old = net.sent[0].2.clone();
    net.run(Duration::from_secs(5));
    net.tell(A, Input::Rehandshake(PEER));
    net.run(Duration::from_secs(1));
    let responses = net.count(B, 2);
    net.deliver(B, net.addresses[A], old);
    assert_eq!(net.count(B, 2), responses);
    assert_eq!(net.ends[B].counters().replayed_handshake, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_handshake_with_a_right_mac_never_changes_the_terms(
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
        is_response in any::<bool>(),
    ) {
        let mut net = Net::new(extended([4, 4], [true, true]));
        net.tell(A, Input::Wake);
        net.cut[B] = true;
        net.run(Duration::from_millis(15));
        let (end, index) = if is_response { (A, net.sent.len() - 1) } else { (B, 0) };
        let mut message = net.sent[index].2.clone();
        let body = if is_response { 12..64 } else { 8..116 };
        let at = body.start + at.index(body.len());
        message[at] ^= flip;
        restamp(&mut message, end);
        // End B has seen the true one; what it does with a changed one must not depend on that.
        if !is_response {
            net.restart(B);
        }
        let before = net.ends[end].counters().bad_handshake;
        net.deliver(end, net.addresses[1 - end], message);
        prop_assert_eq!(net.ends[end].counters().bad_handshake, before + 1);
        prop_assert_eq!(agreed(&net, end), (None, None));
    }
}
