//! Too many handshakes: cookies, limits, and traffic that goes on.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use inet::Instant;
use tunnel::{Endpoint, Event, Input, Output, Peer, PrivateKey, Settings};

use crate::net::{A, B, Net, Options, PEER, inner, key};

/// Initiations from strangers who know the public key of B, each from an address of its own.
fn strangers(count: u32) -> Vec<(SocketAddrV4, Vec<u8>)> {
    (0..count)
        .map(|number| {
            let name = format!("stranger {number}");
            let mut settings = Settings::new(name.clone(), PrivateKey::derive(&[9; 32], &name));
            let mut peer = Peer::new(key(B).public_key());
            peer.endpoint = Some("192.0.2.2:51820".parse().expect("an address"));
            peer.initiate = true;
            settings.peers = vec![peer];
            let mut endpoint = Endpoint::new(settings, [1; 32], Duration::ZERO, Instant::ZERO);
            let mut out = Vec::new();
            endpoint.handle(Instant::ZERO, Input::Wake, &mut out);
            let Some(Output::Datagram { bytes, .. }) = out.pop() else {
                panic!("an initiation");
            };
            (
                SocketAddrV4::new(Ipv4Addr::from(0x0a00_0000 + number), 7),
                bytes,
            )
        })
        .collect()
}

#[test]
fn a_flood_of_fifty_thousand_initiations_is_mostly_refused_before_any_key_agreement() {
    let mut net = Net::joined(Options::default());
    let strangers = strangers(50);
    for _ in 0..1_000 {
        for (from, initiation) in &strangers {
            net.deliver(B, *from, initiation.clone());
        }
        net.send(A, &inner(b"undisturbed"));
        net.send(B, &inner(b"undisturbed"));
        net.run(Duration::from_millis(1));
    }
    net.run(Duration::from_millis(100));
    let counters = net.ends[B].counters();
    assert!(
        counters.bad_handshake <= 450,
        "computed: {}",
        counters.bad_handshake
    );
    assert_eq!(counters.bad_handshake + counters.cookies_sent, 50_000);
    assert_eq!((net.inbox[A].len(), net.inbox[B].len()), (1_000, 1_000));
}

#[test]
fn a_real_peer_gets_through_a_flood_with_its_cookie() {
    let mut net = Net::new(Options {
        initiate: [false, false],
        ..Options::default()
    });
    let strangers = strangers(20);
    let flood = |net: &mut Net, milliseconds: u64| {
        for _ in 0..milliseconds {
            for (from, initiation) in &strangers {
                net.deliver(B, *from, initiation.clone());
            }
            net.run(Duration::from_millis(1));
        }
    };
    flood(&mut net, 200);
    let start = net.now;
    net.send(A, &inner(b"through"));
    flood(&mut net, 3_000);
    assert_eq!(net.ends[A].counters().cookies_received, 1);
    let up = net.times(A, Event::SessionUp(PEER));
    assert!(
        up.first()
            .is_some_and(|up| up.since(start) < Duration::from_millis(2_500)),
        "{up:?}"
    );
    assert_eq!(net.inbox[B], [inner(b"through")]);
}

#[test]
fn strangers_below_the_rate_of_a_hub_s_own_sites_get_little_computed_either() {
    let mut settings = Settings::new("b", key(B));
    settings.handshake_rate = 10_000;
    let mut hub = Endpoint::new(settings, [2; 32], Duration::ZERO, Instant::ZERO);
    let strangers = strangers(50);
    let mut out = Vec::new();
    // Five thousand a second for three seconds.
    for round in 0..300u64 {
        let now = Instant::from_millis(10 * round);
        for (from, initiation) in &strangers {
            hub.open(now, *from, &mut initiation.clone(), &mut out);
        }
    }
    let computed = hub.counters().bad_handshake;
    assert!(computed <= 1_000, "{computed}");
}
