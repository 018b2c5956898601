//! The timers of section 6 of the WireGuard paper.

use std::time::Duration;

use tunnel::{Event, Input, SessionState};

use crate::net::{A, B, Net, Options, PEER, inner};

#[test]
fn the_initiator_renews_the_keys_after_two_minutes_of_traffic_and_nothing_is_lost() {
    let mut net = Net::joined(Options::default());
    for _ in 0..4_000 {
        net.send(A, &inner(b"ping"));
        net.send(B, &inner(b"pong"));
        net.run(Duration::from_millis(100));
    }
    net.run(Duration::from_secs(1));
    assert_eq!((net.inbox[A].len(), net.inbox[B].len()), (4_000, 4_000));
    assert_eq!(
        (net.count(A, 1), net.count(B, 1)),
        (4, 0),
        "at 0, 120, 240 and 360 seconds"
    );
    assert!(net.times(A, Event::SessionDown(PEER)).is_empty());
}

#[test]
fn an_initiator_that_only_receives_renews_the_keys_before_they_expire() {
    let mut net = Net::joined(Options::default());
    for _ in 0..170 {
        net.send(B, &inner(b"one way"));
        net.run(Duration::from_secs(1));
    }
    assert_eq!(net.inbox[A].len(), 170);
    assert_eq!(net.count(A, 1), 2);
    assert!(net.times(B, Event::SessionDown(PEER)).is_empty());
}

#[test]
fn a_receiver_with_nothing_to_say_sends_a_keepalive_after_ten_seconds() {
    let mut net = Net::joined(Options::default());
    let (before, start) = (net.count(B, 4), net.now);
    net.send(A, &inner(b"no reply wanted"));
    net.run(Duration::from_secs(30));
    assert_eq!(net.count(B, 4) - before, 1);
    let (at, _, keepalive) = net.sent.last().expect("a keepalive");
    assert_eq!(keepalive.len(), 32);
    assert_eq!(at.since(start), Duration::from_millis(10_010));
    assert!(net.count(A, 1) == 1, "and the sender has no reason to call");
}

#[test]
fn a_sender_that_hears_nothing_for_fifteen_seconds_calls() {
    let mut net = Net::joined(Options {
        initiate: [false, true],
        ..Options::default()
    });
    net.cut[B] = true;
    net.send(A, &inner(b"anybody there?"));
    net.run(Duration::from_millis(14_900));
    assert_eq!(net.count(A, 1), 0);
    net.run(Duration::from_millis(500));
    assert_eq!(net.count(A, 1), 1);
}

#[test]
fn a_persistent_keepalive_keeps_a_silent_tunnel_open_and_its_keys_fresh() {
    let keepalive = [Some(Duration::from_secs(25)), None];
    let mut net = Net::joined(Options {
        keepalive,
        ..Options::default()
    });
    net.sent.clear();
    net.run(Duration::from_secs(1_000));
    let times: Vec<_> = net
        .sent
        .iter()
        .filter(|(_, end, _)| *end == A)
        .map(|(at, ..)| *at)
        .collect();
    assert!(
        times
            .windows(2)
            .all(|pair| pair[1].since(pair[0]) <= Duration::from_secs(25))
    );
    assert!(net.is_up(A) && net.is_up(B));
    assert!(net.times(B, Event::SessionDown(PEER)).is_empty());
}

#[test]
fn keys_of_a_silent_peer_expire_after_three_minutes_and_are_wiped_after_nine() {
    let mut net = Net::joined(Options {
        initiate: [true, false],
        ..Options::default()
    });
    net.cut = [true, true];
    net.run(Duration::from_secs(179));
    assert!(net.is_up(B));
    net.run(Duration::from_secs(2));
    assert_eq!(net.times(B, Event::SessionDown(PEER)).len(), 1);
    let view = net.ends[B].peer(net.now, PEER).expect("a peer");
    assert_eq!(view.state, SessionState::Idle);
    assert!(view.key_age.is_some());
    net.run(Duration::from_secs(360));
    assert_eq!(
        net.ends[B].peer(net.now, PEER).expect("a peer").key_age,
        None
    );
    assert_eq!(net.ends[B].wake(), None, "an idle peer costs nothing");
}

#[test]
fn a_peer_to_be_called_stays_up_without_any_traffic() {
    let mut net = Net::joined(Options::default());
    net.run(Duration::from_secs(1_000));
    net.send(A, &inner(b"at once"));
    net.run(Duration::from_millis(10));
    assert_eq!(net.inbox[B].len(), 1);
}

#[test]
fn early_late_and_repeated_wake_ups_are_harmless() {
    let mut calm = Net::joined(Options::default());
    let mut nervous = Net::joined(Options::default());
    for _ in 0..2_000 {
        for net in [&mut calm, &mut nervous] {
            net.send(A, &inner(b"ping"));
            net.run(Duration::from_millis(100));
        }
        for end in [A, B, A, B] {
            nervous.tell(end, Input::Wake);
        }
    }
    assert_eq!(calm.sent, nervous.sent);
    let mut late = Net::joined(Options::default());
    late.now = late.now + Duration::from_secs(10_000);
    late.tell(A, Input::Wake);
    assert_eq!(late.count(A, 1), 2, "one call, however much was missed");
}
