//! Many peers at one endpoint.

use std::time::Duration;

use inet::Instant;
use tunnel::{Endpoint, Input, Output, Peer, PeerId, PrivateKey, PublicKey, Settings, Suite};

/// A hub with this many peers that it calls.
fn hub(peers: u32) -> Endpoint {
    let mut settings = Settings::new("hub", PrivateKey::derive(&[1; 32], "hub"));
    settings.suite = Suite::Null;
    settings.peers = (0..peers)
        .map(|number| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_be_bytes());
            let mut peer = Peer::new(PublicKey(key));
            peer.endpoint = Some("192.0.2.1:51820".parse().expect("an address"));
            peer.initiate = true;
            peer
        })
        .collect();
    Endpoint::new(settings, [1; 32], Duration::ZERO, Instant::ZERO)
}

#[test]
fn ten_thousand_peers_are_called_at_once_and_only_those_that_are_due_are_looked_at() {
    let mut hub = hub(10_000);
    let mut out = Vec::new();
    hub.handle(Instant::ZERO, Input::Wake, &mut out);
    assert_eq!(out.len(), 10_000);
    let (mut wakes, mut calls) = (0, 0);
    while let Some(now) = hub.wake().filter(|wake| *wake < Instant::from_secs(10)) {
        out.clear();
        hub.handle(now, Input::Wake, &mut out);
        wakes += 1;
        calls += out
            .iter()
            .filter(|output| matches!(output, Output::Datagram { .. }))
            .count();
    }
    assert!(
        wakes <= calls && calls < 40_000,
        "{wakes} wake-ups for {calls} calls"
    );
    assert!(hub.peer(Instant::from_secs(10), PeerId(9_999)).is_some());
}
