#![no_main]
//! Datagrams at an endpoint with a session, plain or extended, of one or several shards: nothing may panic, whatever their
//! order and contents.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use inet::Instant;
use libfuzzer_sys::fuzz_target;
use tunnel::{Endpoint, Input, Output, Peer, PeerId, PrivateKey, Settings, Suite};

const ADDRESSES: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1),
    SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 2),
];

/// What the first octet decides.
#[derive(Clone, Copy)]
struct Kind {
    suite: Suite,
    is_extended: bool,
    shards: u8,
}

fn end(own: usize, kind: Kind) -> Endpoint {
    let keys = ["a", "b"].map(|name| PrivateKey::derive(&[1; 32], name));
    let mut peer = Peer::new(keys[1 - own].public_key());
    peer.endpoint = Some(ADDRESSES[1 - own]);
    peer.initiate = own == 0;
    peer.extended = kind.is_extended;
    let mut settings = Settings::new("end", keys[own].clone());
    settings.suite = kind.suite;
    settings.shards = kind.shards;
    settings.aes = true;
    settings.peers = vec![peer];
    Endpoint::new(settings, [own as u8; 32], Duration::ZERO, Instant::ZERO)
}

/// Hands what an end sent to the other, until neither has anything to say.
fn exchange(now: Instant, ends: &mut [Endpoint; 2], mut from: usize, mut out: Vec<Output>) {
    while !out.is_empty() {
        let mut answers = Vec::new();
        for output in out {
            if let Output::Datagram { mut bytes, .. } = output {
                ends[1 - from].open(now, ADDRESSES[from], &mut bytes, &mut answers);
            }
        }
        (from, out) = (1 - from, answers);
    }
}

// Octets: kind, then chunks of length, milliseconds passed and datagram.
fuzz_target!(|bytes: &[u8]| {
    let Some((first, mut rest)) = bytes.split_first() else { return };
    let kind = Kind {
        suite: if first % 2 == 0 { Suite::Null } else { Suite::WireGuard },
        is_extended: first & 2 != 0,
        shards: 1 + (first >> 2) % 16,
    };
    let (mut now, mut ends) = (Instant::from_secs(1), [end(0, kind), end(1, kind)]);
    let mut out = Vec::new();
    ends[0].handle(now, Input::Wake, &mut out);
    exchange(now, &mut ends, 0, out);
    while let [len, time, tail @ ..] = rest {
        let (datagram, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = tail;
        now = now + Duration::from_millis(u64::from(*time) * 100);
        let mut out = Vec::new();
        ends[1].handle(now, Input::Wake, &mut out);
        ends[1].open(now, ADDRESSES[0], &mut datagram.to_vec(), &mut out);
        ends[1].seal(now, PeerId(0), datagram, &mut out);
        exchange(now, &mut ends, 1, out);
    }
});
