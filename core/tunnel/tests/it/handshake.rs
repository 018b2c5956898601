//! Beginning, losing and regaining a session.

use std::time::Duration;

use inet::Instant;
use tunnel::{Event, Input, Peer, PeerId, SessionState, Suite};

use crate::net::{A, B, Net, Options, PEER, inner, key};

#[test]
fn the_first_call_goes_out_at_once_and_one_round_trip_later_packets_flow() {
    let mut net = Net::new(Options::default());
    let start = net.now;
    net.send(A, &inner(b"first"));
    net.run(Duration::from_secs(1));
    assert_eq!(net.sent[0].0, start);
    let round_trip = start + Duration::from_millis(20);
    assert_eq!(net.times(A, Event::SessionUp(PEER)), [round_trip]);
    assert_eq!(
        net.times(B, Event::SessionUp(PEER)),
        [round_trip + Duration::from_millis(10)]
    );
    assert_eq!(net.inbox[B], [inner(b"first")]);
}

#[test]
fn the_null_suite_sends_messages_of_the_same_types_sizes_and_times() {
    let shape = |suite| {
        let mut net = Net::new(Options {
            suite,
            ..Options::default()
        });
        for turn in 0..300 {
            net.send(turn % 2, &inner(&vec![1; turn]));
            net.run(Duration::from_secs(1));
        }
        assert_eq!(net.inbox[A].len() + net.inbox[B].len(), 300);
        net.sent
            .into_iter()
            .map(|(at, end, bytes)| (at, end, bytes[0], bytes.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(shape(Suite::WireGuard), shape(Suite::Null));
}

#[test]
fn a_responder_does_not_send_before_the_initiator_has_used_the_keys() {
    let mut net = Net::new(Options::default());
    net.tell(A, Input::Wake);
    let (_, _, initiation) = net.sent.remove(0);
    net.deliver(B, net.addresses[A], initiation);
    assert_eq!(net.count(B, 2), 1);
    assert!(!net.ends[B].is_ready(net.now, PEER));
    net.send(B, &inner(b"early"));
    assert_eq!(net.count(B, 4), 0);
    net.run(Duration::from_millis(100));
    assert_eq!(net.inbox[A], [inner(b"early")]);
}

#[test]
fn a_lost_first_call_is_repeated_after_a_second_and_then_ever_more_slowly_up_to_five() {
    let mut net = Net::new(Options::default());
    net.cut = [true, true];
    net.run(Duration::from_secs(60));
    let times: Vec<Instant> = net.sent.iter().map(|(at, ..)| *at).collect();
    let gaps: Vec<u64> = times
        .windows(2)
        .map(|pair| pair[1].since(pair[0]).as_secs())
        .collect();
    assert_eq!(gaps[..5], [1, 2, 4, 5, 5], "{gaps:?}");
}

#[test]
fn a_peer_to_be_called_is_called_for_ever_and_another_for_ninety_seconds() {
    let calls = |initiate| {
        let mut net = Net::new(Options {
            initiate: [initiate, false],
            ..Options::default()
        });
        net.cut = [true, true];
        net.send(A, &inner(b"lost"));
        net.run(Duration::from_secs(1_000));
        (
            net.count(A, 1),
            net.ends[A].peer(net.now, PEER).expect("a peer").state,
        )
    };
    let (calls_for_ever, state) = calls(true);
    assert!((185..=200).contains(&calls_for_ever), "{calls_for_ever}");
    assert_eq!(state, SessionState::Handshaking);
    assert_eq!(calls(false), (18, SessionState::Idle));
}

#[test]
fn a_restarted_initiator_calls_by_itself_and_the_responder_takes_the_new_keys() {
    let mut net = Net::joined(Options::default());
    net.run(Duration::from_secs(10));
    net.restart(A);
    net.run(Duration::from_millis(50));
    net.send(B, &inner(b"to the new one"));
    net.send(A, &inner(b"from the new one"));
    net.run(Duration::from_millis(50));
    assert_eq!(net.inbox[A], [inner(b"to the new one")]);
    assert_eq!(net.inbox[B], [inner(b"from the new one")]);
}

#[test]
fn a_restarted_responder_is_back_one_round_trip_after_the_node_asks_for_a_handshake() {
    let mut net = Net::joined(Options::default());
    net.run(Duration::from_secs(10));
    net.restart(B);
    net.send(A, &inner(b"lost"));
    net.run(Duration::from_millis(900));
    assert_eq!(net.ends[B].counters().unknown_index, 1);
    net.tell(A, Input::Rehandshake(PEER));
    net.run(Duration::from_millis(20));
    net.send(A, &inner(b"arrives"));
    net.run(Duration::from_millis(10));
    assert_eq!(net.inbox[B], [inner(b"arrives")]);
}

#[test]
fn asking_for_handshakes_all_the_time_calls_once_a_first_retry() {
    let mut net = Net::joined(Options::default());
    net.cut = [true, true];
    let before = net.count(A, 1);
    for _ in 0..1_000 {
        net.tell(A, Input::Rehandshake(PEER));
        net.run(Duration::from_millis(10));
    }
    assert!(
        (9..=11).contains(&(net.count(A, 1) - before)),
        "{}",
        net.count(A, 1)
    );
}

#[test]
fn a_peer_that_falls_silent_goes_down_and_comes_up_with_its_next_packet() {
    let mut net = Net::joined(Options::default());
    net.cut = [true, true];
    net.send(A, &inner(b"into the void"));
    let start = net.now;
    net.run(Duration::from_secs(40));
    let down = net.times(A, Event::SessionDown(PEER));
    assert_eq!(down.len(), 1);
    assert!(
        (22..27).contains(&down[0].since(start).as_secs()),
        "{}",
        down[0]
    );
    net.cut = [false, false];
    net.send(B, &inner(b"here again"));
    net.run(Duration::from_secs(1));
    assert!(net.is_up(A));
}

#[test]
fn preshared_keys_must_be_equal() {
    let keys = |a, b| Options {
        preshared_keys: [a, b],
        ..Options::default()
    };
    Net::joined(keys(Some([1; 32]), Some([1; 32])));
    let mut net = Net::new(keys(Some([1; 32]), Some([2; 32])));
    net.run(Duration::from_secs(3));
    assert!(!net.is_up(A) && !net.is_up(B));
    assert!(net.ends[A].counters().bad_handshake > 0);
}

#[test]
fn a_stranger_gets_no_answer() {
    let mut net = Net::new(Options::default());
    net.tell(B, Input::SetPeer(PEER, Peer::new(key(B).public_key())));
    net.run(Duration::from_secs(10));
    assert_eq!(net.count(B, 2), 0);
    assert!(net.ends[B].counters().bad_handshake > 0);
}

#[test]
fn peers_come_and_go() {
    let mut net = Net::joined(Options::default());
    net.tell(A, Input::RemovePeer(PEER));
    net.send(A, &inner(b"to nobody"));
    net.send(B, &inner(b"to nobody"));
    net.run(Duration::from_secs(1));
    assert_eq!(net.ends[A].counters().unreachable, 1);
    assert_eq!(net.ends[A].counters().unknown_index, 1);
    assert_eq!(
        (net.ends[A].peers(net.now).count(), net.ends[A].wake()),
        (0, None)
    );
    let mut peer = Peer::new(key(B).public_key());
    peer.endpoint = Some(net.addresses[B]);
    peer.initiate = true;
    net.tell(A, Input::SetPeer(PEER, peer.clone()));
    net.run(Duration::from_secs(1));
    assert!(net.is_up(A));
    peer.keepalive = Some(Duration::from_secs(25));
    let handshakes = net.count(A, 1);
    net.tell(A, Input::SetPeer(PEER, peer));
    net.run(Duration::from_secs(30));
    assert_eq!(
        net.count(A, 1),
        handshakes,
        "new settings for the same key keep the session"
    );
    net.tell(A, Input::RemovePeer(PeerId(99)));
    net.tell(A, Input::Rehandshake(PeerId(99)));
}

#[test]
fn the_same_seed_and_inputs_give_the_same_bytes() {
    let bytes = || {
        let mut net = Net::new(Options {
            initiate: [true, true],
            ..Options::default()
        });
        for turn in 0..300 {
            net.send(turn % 2, &inner(b"turn"));
            net.run(Duration::from_secs(1));
        }
        net.sent
    };
    assert_eq!(bytes(), bytes());
}
