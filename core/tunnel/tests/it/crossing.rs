//! Both sides call at the same moment.

use std::time::Duration;

use tunnel::{Event, Input};

use crate::net::{A, B, Net, Options, PEER, inner};

fn both() -> Options {
    Options {
        initiate: [true, true],
        ..Options::default()
    }
}

#[test]
fn crossed_calls_bring_both_sides_up_in_one_round_trip() {
    let mut net = Net::new(both());
    let start = net.now;
    net.run(Duration::from_millis(500));
    for end in [A, B] {
        let up = net.times(end, Event::SessionUp(PEER));
        assert_eq!(up, [start + Duration::from_millis(20)]);
    }
    assert_eq!(
        (net.count(A, 1), net.count(B, 1)),
        (1, 1),
        "nobody calls twice"
    );
}

#[test]
fn crossed_calls_end_with_both_sides_on_one_key_pair() {
    let mut net = Net::joined(both());
    net.run(Duration::from_secs(1));
    net.sent.clear();
    net.send(A, &inner(b"a"));
    net.send(B, &inner(b"b"));
    net.run(Duration::from_secs(1));
    assert_eq!((net.inbox[A].len(), net.inbox[B].len()), (1, 1));
    // Of one pair, only the initiator calls again after two minutes.
    for _ in 0..121 {
        net.send(A, &inner(b"a"));
        net.send(B, &inner(b"b"));
        net.run(Duration::from_secs(1));
    }
    assert_eq!(net.count(A, 1) + net.count(B, 1), 1);
}

#[test]
fn crossed_and_repeated_rehandshakes_under_traffic_lose_nothing() {
    let mut net = Net::joined(both());
    let mut sent = 0;
    for turn in 0..3_000 {
        if turn % 300 == 0 {
            net.tell(A, Input::Rehandshake(PEER));
            net.run(Duration::from_millis(turn / 300 * 3));
            net.tell(B, Input::Rehandshake(PEER));
        }
        net.send(A, &inner(b"a"));
        net.send(B, &inner(b"b"));
        sent += 1;
        net.run(Duration::from_millis(5));
    }
    net.run(Duration::from_secs(1));
    assert_eq!((net.inbox[A].len(), net.inbox[B].len()), (sent, sent));
}
