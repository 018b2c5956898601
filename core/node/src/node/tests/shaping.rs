//! Bandwidth: nothing leaves faster than the underlay takes it, and classes have their shares of it.

use core::net::SocketAddrV4;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use design::plan::LinkRole::{HomeHub, HomeSite};
use design::plan::{ClassConfig, ClassMatch, NodeConfig, ShareConfig};
use inet::{Instant, packet};
use offload::{Offload, Partial, Segmentation};

use super::batches::Kept;
use super::harness::{Device, Net};
use crate::{Forwarder, Output, stub};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const EF: u8 = 46;
/// Bits a second of the site's underlay.
const RATE: u64 = 10_000_000;

fn class(name: &str, dscp: u8, share: ShareConfig) -> ClassConfig {
    ClassConfig {
        name: name.to_owned(),
        matches: vec![ClassMatch {
            dscp: vec![dscp],
            ..ClassMatch::default()
        }],
        share,
        ..ClassConfig::default()
    }
}

/// A site with a known bandwidth, strict voice, a class of four times the usual weight, and two hubs.
fn site(threads: u8) -> (Net, Device) {
    let classes = [
        class("voice", EF, ShareConfig::Strict),
        class("business", 26, ShareConfig::Weight(40)),
    ];
    let mut cpe = stub::cpe("cpe1.paris", 10, "10.10.0.0/24");
    cpe.locators[0].up_bps = RATE;
    cpe.classes = classes.to_vec();
    cpe.forwarding.threads = threads;
    let hubs = [1, 2].map(|number| {
        let mut hub = stub::nva(&format!("nva{number}.westeurope"), number, 1);
        hub.classes = classes.to_vec();
        stub::link(&mut cpe, &mut hub, (HomeHub, HomeSite));
        hub
    });
    let mut net = Net::default();
    let mut add = |config: NodeConfig| net.add(config);
    let site = add(cpe);
    hubs.into_iter().for_each(|hub| {
        add(hub);
    });
    net.run(SECOND * 5);
    (net, site)
}

fn packet(dscp: u8, port: u16, payload: usize) -> Vec<u8> {
    let from = SocketAddrV4::new(stub::address("10.10.0.5"), port);
    let to = SocketAddrV4::new(stub::address("10.20.0.5"), 5_000);
    let mut bytes = packet::udp(from, to, 64, &vec![7; payload]);
    bytes[1] = dscp << 2;
    bytes
}

/// Octets on the wire by code point.
#[derive(Default)]
struct Sent {
    total: u64,
    by_code_point: BTreeMap<u8, u64>,
    /// The longest that the wire was busy with one batch.
    longest: usize,
}

impl Sent {
    fn add(&mut self, tos: u8, bytes: usize, segment: usize) {
        let wire = bytes + bytes.div_ceil(segment) * packet::UDP_HEADERS;
        self.total += wire as u64;
        *self.by_code_point.entry(tos >> 2).or_default() += wire as u64;
        self.longest = self.longest.max(wire);
    }
}

fn give(forwarder: &mut Forwarder, now: Instant, bytes: &[u8], offload: Offload, kept: &mut Kept) {
    let Some(mut buffer) = forwarder.buffer() else {
        return;
    };
    buffer.room()[..bytes.len()].copy_from_slice(bytes);
    buffer.set_len(bytes.len());
    forwarder.from_kernel(now, buffer, offload, kept);
}

/// To be cut into packets of 1,200 octets of payload.
fn cut() -> Offload {
    Offload {
        segmentation: Segmentation::Udp,
        segment: 1_200,
        headers: 28,
        partial: Some(Partial {
            start: 20,
            offset: 6,
        }),
        ecn: false,
    }
}

#[test]
fn a_flood_of_super_packets_leaves_at_the_bandwidth_and_voice_does_not_wait_for_it() {
    let (mut net, site) = site(1);
    let start = net.now;
    let (_control, mut forwarders) = net.take(site).split();
    let (forwarder, mut kept) = (&mut forwarders[0], Kept::default());
    let mut sent = Sent::default();
    for tick in 0..2_000 {
        let now = start + MILLI * tick;
        for flow in 0..2 {
            give(
                forwarder,
                now,
                &packet(0, 4_000 + flow, 12_000),
                cut(),
                &mut kept,
            );
            give(
                forwarder,
                now,
                &packet(26, 6_000 + flow, 12_000),
                cut(),
                &mut kept,
            );
        }
        if tick % 20 == 0 {
            give(
                forwarder,
                now,
                &packet(EF, 9_000, 160),
                Offload::NONE,
                &mut kept,
            );
        }
        while forwarder.run(now, &mut kept) {}
        for (_, tos, segment, bytes) in kept.batches.drain(..) {
            sent.add(tos, bytes.len(), segment);
        }
        if tick % 20 == 2 {
            let voice = sent.by_code_point[&EF];
            assert!(
                voice >= (u64::from(tick) / 20 + 1) * 188,
                "voice waits at {tick} ms"
            );
        }
    }
    let expected = RATE / 8 * 2;
    assert!(sent.total <= expected, "{} of {expected}", sent.total);
    assert!(
        sent.total >= expected / 100 * 90,
        "{} of {expected}",
        sent.total
    );
    assert!(sent.longest <= 1_500, "{} octets at once", sent.longest);
    let [rest, business] = [0, 26].map(|code_point| sent.by_code_point[&code_point]);
    let ratio = business as f64 / rest as f64;
    assert!((3.5..4.5).contains(&ratio), "{business} and {rest}");
}

#[test]
fn all_tunnels_and_all_threads_share_one_bandwidth() {
    let (mut net, site) = site(2);
    let start = net.now;
    let (_control, mut forwarders) = net.take(site).split();
    let mut kept = [Kept::default(), Kept::default()];
    let mut total = Sent::default();
    let mut towards = BTreeSet::new();
    for tick in 0..500 {
        let now = start + MILLI * tick;
        for (shard, kept) in kept.iter_mut().enumerate() {
            for flow in 0..4 {
                let port = 4_000 + 10 * shard as u16 + flow;
                give(
                    &mut forwarders[shard],
                    now,
                    &packet(0, port, 1_200),
                    Offload::NONE,
                    kept,
                );
            }
        }
        for shard in [0, 1] {
            for (other, handed) in core::mem::take(&mut kept[shard].handed) {
                forwarders[other].take(now, handed, &mut kept[other]);
            }
        }
        for (forwarder, kept) in forwarders.iter_mut().zip(&mut kept) {
            while forwarder.run(now, kept) {}
            for (to, tos, segment, bytes) in kept.batches.drain(..) {
                total.add(tos, bytes.len(), segment);
                towards.insert(to);
            }
        }
    }
    let expected = RATE / 8 / 2;
    assert_eq!(towards.len(), 2, "both hubs");
    assert!(total.total <= expected, "{} of {expected}", total.total);
    assert!(
        total.total >= expected / 100 * 90,
        "{} of {expected}",
        total.total
    );
}

#[test]
fn a_whole_node_shapes_as_its_forwarders_do() {
    let (mut net, site) = site(1);
    let mut node = net.take(site);
    let (start, mut sent, mut out) = (net.now, Sent::default(), Vec::new());
    // Nobody answers its probes: it ends before it notices.
    for tick in 0..800 {
        let now = start + MILLI * tick;
        for flow in 0..4 {
            let mut bytes = packet(0, 4_000 + flow, 1_200);
            node.handle(now, crate::Input::Packet { bytes: &mut bytes }, &mut out);
        }
        while node.wake().is_some_and(|at| at <= now) {
            node.handle(now, crate::Input::Wake, &mut out);
        }
        for output in out.drain(..) {
            if let Output::Datagram { bytes, .. } = output
                && bytes.len() > 1_200
            {
                sent.add(0, bytes.len(), bytes.len());
            }
        }
    }
    let expected = RATE / 10;
    assert!(sent.total <= expected, "{} of {expected}", sent.total);
    assert!(
        sent.total >= expected / 100 * 90,
        "{} of {expected}",
        sent.total
    );
}
