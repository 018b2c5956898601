//! Moving a tunnel on purpose, and asking for an echo where it does not go.

use std::net::SocketAddrV4;
use std::time::Duration;

use tunnel::{Event, Input, Output};

use crate::net::{A, B, Net, Options, PEER, inner};

const ELSEWHERE: SocketAddrV4 = SocketAddrV4::new(std::net::Ipv4Addr::new(0, 0, 0, 1), 1);

fn pair() -> Net {
    Net::joined(Options {
        roams: [false, true],
        ..Options::default()
    })
}

fn ask(net: &mut Net, out: &mut Vec<Output>) -> Vec<u8> {
    let input = Input::Echo(PEER, net.addresses[B]);
    net.ends[A].handle(net.now, input, out);
    match out.pop() {
        Some(Output::Datagram { bytes, .. }) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_peer_that_does_not_roam_stays_where_it_was_put() {
    let mut net = pair();
    let there = net.addresses[B];
    net.addresses[B] = SocketAddrV4::new([192, 0, 2, 77].into(), 9);
    net.send(B, &inner(b"1"));
    net.run(Duration::from_millis(100));
    assert_eq!(net.inbox[A].len(), 1, "what comes from elsewhere is taken");
    let view = net.ends[A].peer(net.now, PEER).expect("the peer");
    assert_eq!(view.endpoint, Some(there));
    net.tell(A, Input::Move(PEER, ELSEWHERE));
    let view = net.ends[A].peer(net.now, PEER).expect("the peer");
    assert_eq!(view.endpoint, Some(ELSEWHERE));
    let mut out = Vec::new();
    net.ends[A].seal(net.now, PEER, &inner(b"2"), &mut out);
    assert!(matches!(out[..], [Output::Datagram { to, .. }] if to == ELSEWHERE));
}

#[test]
fn an_echo_comes_back_once_and_moves_nobody() {
    let mut net = pair();
    net.tell(A, Input::Move(PEER, ELSEWHERE));
    net.events.clear();
    net.tell(A, Input::Echo(PEER, net.addresses[B]));
    net.run(Duration::from_millis(100));
    let events: Vec<Event> = net.events.iter().map(|(.., event)| *event).collect();
    assert_eq!(events, [Event::Echoed(PEER)]);
    let view = net.ends[A].peer(net.now, PEER).expect("the peer");
    assert_eq!(view.endpoint, Some(ELSEWHERE));
    let replied = net.sent.last().expect("the answer").2.clone();
    net.deliver(A, net.addresses[B], replied);
    assert_eq!(net.ends[A].counters().unknown_index, 1, "a replay");
}

#[test]
fn an_echo_of_somebody_who_does_not_know_the_key_or_was_not_asked_counts_for_nothing() {
    let mut net = pair();
    let mut out = Vec::new();
    let mut request = ask(&mut net, &mut out);
    let fresh = request.clone();
    let last = request.len() - 1;
    request[last] ^= 1;
    net.deliver(B, net.addresses[A], request);
    assert_eq!(net.ends[B].counters().bad_mac1, 1);
    // Another host answers, with the right nonce.
    let sent = net.sent.len();
    net.deliver(B, net.addresses[A], fresh);
    let reply = net.sent[sent].2.clone();
    assert_eq!(reply.len(), 28, "no longer than what asked for it");
    net.events.clear();
    net.deliver(
        A,
        SocketAddrV4::new([192, 0, 2, 99].into(), 9),
        reply.clone(),
    );
    let mut forged = reply.clone();
    forged[20] ^= 1;
    net.deliver(A, net.addresses[B], forged);
    assert!(net.events.is_empty());
    net.deliver(A, net.addresses[B], reply);
    assert_eq!(net.events.len(), 1);
}
