//! Datagrams from somebody who does not mean well: nothing panics, everything is counted, nothing gets in.

use std::time::Duration;

use proptest::prelude::*;
use tunnel::{Counters, Event, Input, Suite};

use crate::net::{A, B, Net, Options, PEER, inner};

/// Everything that a joined pair sends in its life, as raw material.
fn material() -> Net {
    let mut net = Net::joined(Options::default());
    net.cut = [true, true];
    for number in 0..4u8 {
        net.send(A, &inner(&[number; 40]));
    }
    net.tell(A, Input::Rehandshake(PEER));
    net
}

/// What came to nothing; a cookie that was taken did not.
fn dropped(counters: &Counters) -> u64 {
    let named = counters.named().into_iter();
    let dropped = named.filter(|(name, _)| *name != "cookies-received");
    dropped.map(|(_, count)| count).sum()
}

#[test]
fn a_replayed_initiation_is_refused_and_its_sender_not_followed() {
    let mut net = Net::joined(Options::default());
    net.run(Duration::from_secs(1));
    let initiation = net.sent[0].2.clone();
    let responses = net.count(B, 2);
    net.deliver(B, "203.0.113.66:6".parse().expect("an address"), initiation);
    assert_eq!(net.count(B, 2), responses);
    assert_eq!(net.ends[B].counters().replayed_handshake, 1);
    assert_eq!(
        net.ends[B].peer(net.now, PEER).expect("a peer").endpoint,
        Some(net.addresses[A])
    );
}

#[test]
fn forged_responses_do_not_disturb_the_handshake_that_waits() {
    let mut net = Net::new(Options::default());
    net.tell(A, Input::Wake);
    net.run(Duration::from_millis(10));
    let response = net
        .sent
        .iter()
        .find(|(_, end, _)| *end == B)
        .expect("a response")
        .2
        .clone();
    for at in 12..response.len() {
        let mut forged = response.clone();
        forged[at] ^= 0x10;
        net.deliver(A, net.addresses[B], forged);
    }
    // MAC2 is not looked at without load: the response with a changed MAC2 is a good one.
    assert_eq!(net.times(A, Event::SessionUp(PEER)).len(), 1);
    assert_eq!(net.ends[A].counters().bad_mac1, 64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_datagram_brings_nothing_in_and_is_counted(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4),
    ) {
        let mut net = material();
        let (_, end, original) = pick.get(&net.sent).clone();
        let mut bytes = original.clone();
        for (at, flip) in changes {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        let is_handshake = matches!(original[0], 1 | 2);
        let only_mac2 = is_handshake && bytes[..bytes.len() - 16] == original[..original.len() - 16];
        prop_assume!(bytes != original && !only_mac2);
        let (target, before) = (1 - end, net.inbox[1 - end].len());
        let counted = dropped(&net.ends[target].counters());
        net.deliver(target, net.addresses[end], bytes);
        prop_assert_eq!(net.inbox[target].len(), before);
        prop_assert_eq!(dropped(&net.ends[target].counters()), counted + 1);
    }

    #[test]
    fn rubbish_and_cut_datagrams_never_panic(
        suite in prop_oneof![Just(Suite::WireGuard), Just(Suite::Null)],
        kind in 0u8..6,
        extended in any::<bool>(),
        shards in 1u8..=16,
        body in prop::collection::vec(any::<u8>(), 0..200),
        cut in any::<prop::sample::Index>(),
        pick in any::<prop::sample::Index>(),
    ) {
        let mut net = Net::joined(Options {
            suite,
            extended: [extended; 2],
            shards: [shards, 1],
            ..Options::default()
        });
        let from = net.addresses[A];
        let mut bytes = vec![kind, 0, 0, 0];
        bytes.extend_from_slice(&body);
        for len in [148, 92, 96, 64, bytes.len()] {
            let mut sized = bytes.clone();
            sized.resize(len, 0);
            net.deliver(B, from, sized);
        }
        net.deliver(B, from, body);
        let (_, _, mut whole) = pick.get(&net.sent).clone();
        whole.truncate(cut.index(whole.len()));
        net.deliver(A, from, whole.clone());
        net.deliver(B, from, whole);
        net.run(Duration::from_secs(300));
    }

    #[test]
    fn any_order_doubling_and_loss_of_datagrams_delivers_each_packet_at_most_once(
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
        shards in 1u8..=4,
    ) {
        let mut net = Net::joined(Options {
            extended: [true; 2],
            shards: [shards, 2],
            aes: [true; 2],
            ..Options::default()
        });
        net.cut[A] = true;
        net.sent.clear();
        for number in 0..60u8 {
            net.send(A, &inner(&[number]));
        }
        let datagrams: Vec<_> = net.sent.iter().map(|(_, _, bytes)| bytes.clone()).collect();
        for pick in order {
            net.deliver(B, net.addresses[A], pick.get(&datagrams).clone());
        }
        let mut numbers: Vec<u8> = net.inbox[B].iter().map(|packet| packet[28]).collect();
        let arrived = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        prop_assert_eq!(numbers.len(), arrived);
    }
}
