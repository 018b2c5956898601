//! What the speaker alone costs, without sockets: processor time for each route, and memory.
//!
//! `cargo run --release -p bgp --example tables [prefixes]` runs the workloads of `longhaul bench
//! bgp` in one process on pre-encoded UPDATEs: a full table from one neighbour to a monitor, a late
//! joiner, a neighbour that goes, and eight neighbours with the same prefixes. Input comes in pieces
//! of 64 KiB, as the router reads them.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it measures real time"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant as Clock;

use bgp::wire::capability::Family;
use bgp::wire::open::Open;
use bgp::wire::{header, update};
use bgp::{
    AsPath, Attributes, Capability, ConnId, ConnectMode, Input, Neighbor, Output, Policy, Settings,
    Speaker,
};
use inet::{Asn, Instant, Prefix, Rng};

const PIECE: usize = 65_536;

fn main() {
    let prefixes = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let prefixes = prefixes.unwrap_or(1_000_000);
    println!(
        "{:34} {:>9} {:>9} {:>9} {:>10}",
        "workload", "ms", "ns/route", "worst ms", "MiB"
    );
    full_table(prefixes);
    equal_paths(4_000.min(prefixes));
    rising_paths(prefixes / 2);
}

/// W2, its late joiner, and the end of its sender.
fn full_table(prefixes: u32) {
    let sender = table(1, prefixes, 0);
    let mut bench = Bench::new(2);
    bench.establish(0);
    bench.establish(1);
    bench.row("W2: one full table, one monitor", prefixes, |bench| {
        bench.feed(0, &sender)
    });
    bench.expect_told(prefixes);
    bench.row("late joiner", prefixes, |bench| bench.establish(2));
    bench.row("the sender goes", prefixes, |bench| bench.close(0));
    bench.row("memory after it", prefixes, |_| {});
}

/// W1.
fn equal_paths(prefixes: u32) {
    let tables: Vec<Vec<u8>> = (1..=8).map(|n| table(n, prefixes, 0)).collect();
    let mut bench = Bench::new(9);
    bench.establish(8);
    for n in 0..8 {
        bench.establish(n);
    }
    bench.row("W1: eight tables, equal paths", prefixes * 8, |bench| {
        bench.feed_all(&tables)
    });
}

/// W3.
fn rising_paths(prefixes: u32) {
    let tables: Vec<Vec<u8>> = (1..=8_usize)
        .map(|n| table(n as u32, prefixes, 8 - n))
        .collect();
    let mut bench = Bench::new(9);
    bench.establish(8);
    for n in 0..8 {
        bench.establish(n);
    }
    bench.row("W3: eight tables, lengths differ", prefixes * 8, |bench| {
        bench.feed_all(&tables);
    });
    bench.expect_told(prefixes);
}

struct Bench {
    speaker: Speaker,
    out: Vec<Output>,
    heap: usize,
    sent: usize,
    worst: std::time::Duration,
}

impl Bench {
    fn new(neighbors: u8) -> Self {
        let heap = memory();
        let mut settings = Settings::new(Asn(65_000), Ipv4Addr::new(10, 0, 0, 100));
        for n in 0..=neighbors {
            let mut neighbor = Neighbor::new(
                "n",
                Ipv4Addr::new(10, 0, 0, 100),
                address(n),
                Asn(64_000 + u32::from(n)),
            );
            neighbor.connect = ConnectMode::Passive;
            neighbor.import = Some(Policy::accept_all());
            neighbor.export = Some(Policy::accept_all());
            settings.neighbors.push(neighbor);
        }
        Self {
            speaker: Speaker::new(settings, 1, Instant::ZERO),
            out: Vec::new(),
            heap,
            sent: 0,
            worst: std::time::Duration::ZERO,
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        let begin = Clock::now();
        self.speaker.handle(Instant::ZERO, input, &mut self.out);
        self.worst = self.worst.max(begin.elapsed());
        for output in self.out.drain(..) {
            if let Output::Send { bytes, .. } = output {
                self.sent += bytes.len();
            }
        }
    }

    /// Slices until nothing is left.
    fn drain(&mut self) {
        while self.speaker.wake() == Some(Instant::ZERO) {
            self.handle(Input::Wake);
        }
    }

    fn bytes(&mut self, n: u8, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            let conn = ConnId::accepted(u64::from(n));
            self.handle(Input::Bytes { conn, bytes: piece });
            if self.speaker.wake() == Some(Instant::ZERO) {
                self.handle(Input::Wake);
            }
        }
    }

    fn feed(&mut self, n: u8, bytes: &[u8]) {
        self.bytes(n, bytes);
        self.drain();
    }

    /// All senders at once, piece by piece.
    fn feed_all(&mut self, tables: &[Vec<u8>]) {
        let mut pieces: Vec<_> = tables.iter().map(|table| table.chunks(PIECE)).collect();
        loop {
            let mut any = false;
            for (n, pieces) in (0..).zip(&mut pieces) {
                if let Some(piece) = pieces.next() {
                    any = true;
                    self.bytes(n, piece);
                }
            }
            if !any {
                break;
            }
        }
        self.drain();
    }

    fn establish(&mut self, n: u8) {
        let conn = ConnId::accepted(u64::from(n));
        let remote = SocketAddr::new(address(n).into(), 40_000);
        let local = SocketAddr::new(Ipv4Addr::new(10, 0, 0, 100).into(), 179);
        self.handle(Input::Accepted {
            conn,
            local,
            remote,
        });
        let asn = Asn(64_000 + u32::from(n));
        let open = Open {
            my_as: asn.0 as u16,
            hold_time_s: 0,
            router_id: address(n),
            capabilities: vec![
                Capability::Multiprotocol(Family::IPV4_UNICAST),
                Capability::FourOctetAs(asn),
            ],
        };
        let mut bytes = open.encode();
        bytes.extend_from_slice(&header::keepalive());
        self.handle(Input::Bytes {
            conn,
            bytes: &bytes,
        });
        self.drain();
    }

    fn close(&mut self, n: u8) {
        self.handle(Input::Closed {
            conn: ConnId::accepted(u64::from(n)),
        });
        self.drain();
    }

    fn row(&mut self, name: &str, routes: u32, act: impl FnOnce(&mut Self)) {
        self.worst = std::time::Duration::ZERO;
        let begin = processor_time();
        act(self);
        let time = processor_time().saturating_sub(begin);
        let heap = memory().saturating_sub(self.heap);
        println!(
            "{name:34} {:9.1} {:9.1} {:9.2} {:10.1}",
            time.as_secs_f64() * 1e3,
            time.as_nanos() as f64 / f64::from(routes),
            self.worst.as_secs_f64() * 1e3,
            heap as f64 / f64::from(1 << 20),
        );
    }

    fn expect_told(&self, prefixes: u32) {
        let monitor = self.speaker.neighbors().last().map(|n| n.id);
        let told = self.speaker.neighbors().filter(|n| n.session.is_some());
        let told = told.map(|n| n.sent).max();
        assert!(monitor.is_some() && told == Some(prefixes), "{told:?}");
        assert!(self.sent > 0, "bytes went out");
    }
}

fn address(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, n + 1)
}

/// A table like the real one: 9.7 prefixes for each attribute set, paths of three to six ASes,
/// mostly /24.
fn table(sender: u32, prefixes: u32, longer: usize) -> Vec<u8> {
    let mut rng = Rng::new(7);
    let mut bytes = Vec::new();
    let mut done = 0;
    while done < prefixes {
        let count = (1 + rng.below(18) as u32 + u32::from(rng.below(10) < 2)).min(prefixes - done);
        let mut attributes = Attributes::new(address((sender - 1) as u8));
        let mut path = vec![Asn(64_000 + sender - 1)];
        let len = 2 + rng.below(4) as usize;
        path.extend((0..len).map(|_| Asn(1 + rng.below(64_000) as u32)));
        path.extend((0..longer).map(|_| Asn(3_356)));
        attributes.as_path = AsPath::sequence(path);
        attributes.communities = (0..rng.below(4))
            .map(|_| rng.below(1 << 30) as u32)
            .collect();
        let list = (done..done + count).map(|n| {
            // In no order, as the router's other neighbours may have it: a permutation of 2^22.
            let n = n.wrapping_mul(2_654_435_761) & 0x3f_ffff;
            let address = Ipv4Addr::from_bits(0x0100_0000 + (n << 8));
            Prefix::around(address, 24).expect("a prefix")
        });
        update::write_announcements(&attributes.encode(true), list, &mut bytes);
        done += count;
    }
    bytes
}

/// Time on a processor so far, whatever else the machine does.
fn processor_time() -> std::time::Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|n| n.parse().ok());
    std::time::Duration::from_nanos(nanos.unwrap_or(0))
}

/// Resident memory.
fn memory() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<usize> = text.split(' ').nth(1).and_then(|n| n.parse().ok());
    pages.unwrap_or(0) * 4_096
}
