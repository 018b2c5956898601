//! What tunnels cost on this machine: handshakes, strangers, packets, memory.
//!
//! `cargo run --release -p tunnel --example cost [TUNNELS] [SHARDS]`

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the measurement itself is by the real clock"
)]

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use inet::{Instant, packet};
use tunnel::{
    DATA_HEADER, Endpoint, Input, Lanes, Opened, Output, Peer, PeerId, PrivateKey, Settings, Suite,
};

const HUB: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 51_820);
const START: Instant = Instant::from_secs(1);
/// Batches of 64 datagrams that are sealed and opened in turn: together they fit the processor's cache.
const BATCHES: usize = 8;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: u32| {
        let text = arguments.next();
        text.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (tunnels, shards) = (argument(5_000), argument(1) as u8);
    let hub = handshakes(tunnels, shards);
    drop(hub);
    strangers();
    println!("sealing and opening, 64 datagrams a batch, ns a packet in the best of 200 rounds:");
    for (name, suite, aes) in [
        ("no cryptography", Suite::Null, false),
        ("ChaCha20-Poly1305", Suite::WireGuard, false),
        ("AES-256-GCM", Suite::WireGuard, true),
    ] {
        packets(name, suite, aes);
    }
}

fn key(name: &str) -> PrivateKey {
    PrivateKey::derive(&[7; 32], name)
}

fn address(number: u32) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from(0x0a00_0000 + number), 51_820)
}

/// A site that calls the hub.
fn site(number: u32, suite: Suite, aes: bool) -> Endpoint {
    let name = format!("site {number}");
    let mut settings = Settings::new(name.clone(), key(&name));
    (settings.suite, settings.aes) = (suite, aes);
    let mut peer = Peer::new(key("hub").public_key());
    (peer.endpoint, peer.initiate, peer.extended) = (Some(HUB), true, true);
    settings.peers = vec![peer];
    Endpoint::new(settings, [1; 32], Duration::from_secs(1), START)
}

fn hub(sites: u32, suite: Suite, aes: bool, shards: u8) -> Endpoint {
    let mut settings = Settings::new("hub", key("hub"));
    (settings.suite, settings.aes) = (suite, aes);
    settings.shards = shards;
    settings.handshake_rate = 2 * sites.max(500);
    let peer = |number| {
        let mut peer = Peer::new(key(&format!("site {number}")).public_key());
        peer.extended = true;
        peer
    };
    settings.peers = (0..sites).map(peer).collect();
    Endpoint::new(settings, [2; 32], Duration::from_secs(1), START)
}

fn datagrams(out: &mut Vec<Output>) -> Vec<Vec<u8>> {
    let bytes = |output| match output {
        Output::Datagram { bytes, .. } => Some(bytes),
        Output::Event(_) => None,
    };
    out.drain(..).filter_map(bytes).collect()
}

/// All sites call at once; the hub's time and memory are measured alone.
fn handshakes(tunnels: u32, shards: u8) -> Endpoint {
    let mut sites: Vec<_> = (0..tunnels)
        .map(|number| site(number, Suite::WireGuard, true))
        .collect();
    let before = resident();
    let mut hub = hub(tunnels, Suite::WireGuard, true, shards);
    let mut out = Vec::new();
    let began = Clock::start();
    let calls: Vec<_> = sites
        .iter_mut()
        .map(|site| {
            site.handle(START, Input::Wake, &mut out);
            datagrams(&mut out).remove(0)
        })
        .collect();
    let called = began.spent();
    let began = Clock::start();
    let answers: Vec<_> = (0..)
        .zip(calls)
        .map(|(number, mut call)| {
            hub.open(START, address(number), &mut call, &mut out);
            datagrams(&mut out).remove(0)
        })
        .collect();
    let answered = began.spent();
    let began = Clock::start();
    let keepalives: Vec<_> = sites
        .iter_mut()
        .zip(answers)
        .map(|(site, mut answer)| {
            site.open(START, HUB, &mut answer, &mut out);
            datagrams(&mut out).remove(0)
        })
        .collect();
    let finished = began.spent();
    let began = Clock::start();
    for (number, mut keepalive) in (0..).zip(keepalives) {
        hub.open(START, address(number), &mut keepalive, &mut out);
    }
    let confirmed = began.spent();
    let up = hub.peers(START).filter(|peer| peer.is_up).count();
    let each = |spent: Duration| spent.as_micros() as f64 / f64::from(tunnels);
    println!(
        "{up} of {tunnels} tunnels up; hub {:.0} µs each ({:.2} s for all), site {:.0} µs",
        each(answered + confirmed),
        (answered + confirmed).as_secs_f64(),
        each(called + finished),
    );
    let grown = resident().saturating_sub(before);
    println!(
        "resident memory grew by {:.1} kB a tunnel, with what its site's end took in the handshake",
        grown as f64 / f64::from(tunnels) / 1_000.0
    );
    drop(sites);
    hub
}

/// Well-formed initiations of people who know the hub's public key and no more.
fn strangers() {
    let mut out = Vec::new();
    let calls: Vec<_> = (0..1_000)
        .map(|number| {
            site(1_000_000 + number, Suite::WireGuard, false).handle(START, Input::Wake, &mut out);
            datagrams(&mut out).remove(0)
        })
        .collect();
    let mut hub = hub(1, Suite::WireGuard, false, 1);
    let mut spent = |now: Instant, count: u32| {
        let began = Clock::start();
        for (number, call) in (0..count).zip(calls.iter().cycle()) {
            hub.open(now, address(number), &mut call.clone(), &mut out);
            out.clear();
        }
        began.spent()
    };
    let calm = spent(START, 150) / 150;
    let flooded = spent(START, 50_000) / 50_000;
    println!("a stranger's initiation: {calm:?} in calm, {flooded:?} in a flood");
    let mut load = Duration::ZERO;
    for tick in 0..50 {
        load += spent(START + Duration::from_millis(20 * tick), 1_000);
    }
    println!(
        "50,000 of them in a second: {:.0} % of a core",
        load.as_secs_f64() * 100.0
    );
}

fn packets(name: &str, suite: Suite, aes: bool) {
    let (mut near, mut far) = joined(suite, aes);
    for len in [64usize, 1_420] {
        let inner = packet::udp(HUB, HUB, 64, &vec![0; len - 28]);
        let size = near
            .sealer(START, PeerId(0), 0)
            .expect("keys")
            .sealed_len(len);
        let mut batches = vec![0; BATCHES * 64 * size];
        let (mut sealing, mut opening) = (Duration::MAX, Duration::MAX);
        for round in 0..200 {
            for slot in batches.chunks_exact_mut(size) {
                slot[DATA_HEADER..DATA_HEADER + len].copy_from_slice(&inner);
            }
            let now = START + Duration::from_millis(10 * round);
            let began = std::time::Instant::now();
            for batch in batches.chunks_exact_mut(size * 64) {
                let mut sealer = near.sealer(now, PeerId(0), 0).expect("keys");
                for slot in batch.chunks_exact_mut(size) {
                    sealer.seal(slot, len);
                }
            }
            sealing = sealing.min(began.elapsed());
            let began = std::time::Instant::now();
            for slot in batches.chunks_exact_mut(size) {
                let opened = far.open(now, HUB, slot);
                assert!(matches!(opened, Opened::Packet(..)), "{opened:?}");
            }
            opening = opening.min(began.elapsed());
            let _ = near.notices().count() + far.notices().count();
        }
        let each = |spent: Duration| spent.as_nanos() / (64 * BATCHES as u128);
        println!(
            "  {name}, {len} octets: seal {}, open {}",
            each(sealing),
            each(opening)
        );
    }
}

/// The lanes of a hub and of its only site.
fn joined(suite: Suite, aes: bool) -> (Lanes, Lanes) {
    let (mut site, mut hub) = (site(0, suite, aes), hub(1, suite, aes, 1));
    let mut out = Vec::new();
    site.handle(START, Input::Wake, &mut out);
    for _ in 0..2 {
        for mut bytes in datagrams(&mut out) {
            hub.open(START, address(0), &mut bytes, &mut out);
        }
        for mut bytes in datagrams(&mut out) {
            site.open(START, HUB, &mut bytes, &mut out);
        }
    }
    let lanes = |endpoint: Endpoint| endpoint.split().1.remove(0);
    (lanes(hub), lanes(site))
}

/// Time that this thread had a processor, so that a busy machine does not count.
struct Clock(u64);

impl Clock {
    fn start() -> Self {
        Self(Self::nanos())
    }

    fn spent(&self) -> Duration {
        Duration::from_nanos(Self::nanos() - self.0)
    }

    fn nanos() -> u64 {
        let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let spent = schedstat.split_whitespace().next();
        spent.and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// Octets of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1);
    pages
        .and_then(|pages| pages.parse::<usize>().ok())
        .unwrap_or(0)
        * 4_096
}
