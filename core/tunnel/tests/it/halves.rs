//! The two halves on their own, as threads drive them: in place, in batches, with coarse reports.

use std::time::Duration;

use inet::Instant;
use tunnel::{
    DATA_HEADER, Handshakes, Input, Lanes, Notice, OVERHEAD, Opened, Order, Output, PeerId,
    SessionState, Unready, shard_of,
};

use crate::net::{A, B, Options, PEER, address, endpoint, inner};

/// Both ends taken apart. Handshakes cross without delay; data goes where a test takes it.
struct Halves {
    now: Instant,
    handshakes: [Handshakes; 2],
    lanes: [Vec<Lanes>; 2],
    calls: usize,
    notices: usize,
}

impl Halves {
    fn new(options: Options) -> Self {
        let now = Instant::from_secs(1);
        let (handshakes_a, lanes_a) = endpoint(options, A, 0, now).split();
        let (handshakes_b, lanes_b) = endpoint(options, B, 0, now).split();
        let mut halves = Self {
            now,
            handshakes: [handshakes_a, handshakes_b],
            lanes: [lanes_a, lanes_b],
            calls: 0,
            notices: 0,
        };
        halves.pass(Duration::ZERO);
        halves
    }

    /// Lets time pass: timers and late reports.
    fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            for end in [A, B] {
                let mut orders = Vec::new();
                self.handshakes[end].handle(self.now, Input::Wake, &mut orders);
                for lanes in &mut self.lanes[end] {
                    lanes.tick(self.now);
                }
                self.follow(end, orders);
            }
            let lanes = self.lanes.iter().flatten().filter_map(Lanes::wake);
            let handshakes = self.handshakes.iter().filter_map(Handshakes::wake);
            match lanes.chain(handshakes).min().filter(|wake| *wake <= until) {
                Some(wake) => self.now = self.now.max(wake),
                None => break,
            }
        }
        self.now = until;
    }

    /// Does what an end's control half wants, and hears what its lanes noticed.
    fn follow(&mut self, end: usize, mut orders: Vec<Order>) {
        let mut out = Vec::new();
        loop {
            for shard in 0..self.lanes[end].len() {
                let notices: Vec<Notice> = self.lanes[end][shard].notices().collect();
                self.notices += notices.len();
                for notice in notices {
                    self.handshakes[end].on_notice(self.now, notice, &mut orders);
                }
            }
            if orders.is_empty() {
                break;
            }
            for order in orders.drain(..) {
                match order {
                    Order::Output(output) => out.push(output),
                    Order::Change { shard, change } => {
                        self.lanes[end][shard].apply(self.now, change, &mut out);
                    }
                }
            }
        }
        for output in out {
            if let Output::Datagram { mut bytes, .. } = output {
                self.calls += usize::from(bytes[0] == 1);
                self.deliver(1 - end, &mut bytes);
            }
        }
    }

    /// A datagram for an end: to the shard that it is for.
    fn deliver(&mut self, end: usize, bytes: &mut [u8]) -> Opened {
        let from = address(1 - end);
        let mut opened = self.lanes[end][0].open(self.now, from, bytes);
        if let Opened::Elsewhere(shard) = opened {
            opened = self.lanes[end][shard].open(self.now, from, bytes);
        }
        let mut orders = Vec::new();
        if opened == Opened::Handshake {
            self.handshakes[end].on_message(self.now, from, bytes, &mut orders);
        }
        self.follow(end, orders);
        opened
    }

    /// Seals a packet and delivers it.
    fn send(&mut self, end: usize, shard: usize, flow: u64, packet: &[u8]) -> Opened {
        let mut bytes = vec![0; packet.len() + OVERHEAD + 16];
        bytes[DATA_HEADER..DATA_HEADER + packet.len()].copy_from_slice(packet);
        let mut sealer = self.lanes[end][shard]
            .sealer(self.now, PEER, flow)
            .expect("keys");
        let len = sealer.seal(&mut bytes, packet.len());
        assert_eq!(len, sealer.sealed_len(packet.len()));
        drop(sealer);
        self.follow(end, Vec::new());
        self.deliver(1 - end, &mut bytes[..len])
    }
}

fn extended(shards: [u8; 2]) -> Options {
    Options {
        extended: [true; 2],
        shards,
        aes: [true; 2],
        ..Options::default()
    }
}

#[test]
fn a_batch_is_sealed_in_place_and_opened_in_place() {
    let mut halves = Halves::new(extended([1, 1]));
    let packets: Vec<_> = (0..64u8).map(|number| inner(&[number; 100])).collect();
    let mut batch = vec![0xee; 64 * 256];
    halves.pass(Duration::from_secs(1));
    let noticed = halves.notices;
    let lanes = &mut halves.lanes[A][0];
    let mut sealer = lanes.sealer(halves.now, PEER, 7).expect("keys");
    assert_eq!(sealer.to(), address(B));
    let size = sealer.sealed_len(128);
    assert_eq!(size, 160);
    for (slot, packet) in batch.chunks_exact_mut(size).zip(&packets) {
        slot[DATA_HEADER..DATA_HEADER + 128].copy_from_slice(packet);
        assert_eq!(sealer.seal(slot, 128), size);
    }
    drop(sealer);
    let now = halves.now;
    for (slot, packet) in batch.chunks_exact_mut(size).zip(&packets) {
        let opened = halves.lanes[B][0].open(now, address(A), slot);
        let Opened::Packet(PEER, range) = opened else {
            panic!("{opened:?}");
        };
        assert_eq!(slot[range], **packet);
    }
    halves.follow(A, Vec::new());
    assert_eq!(halves.notices, noticed + 1, "one report a batch");
    halves.pass(Duration::from_secs(1));
    let sent = halves.handshakes[A].peer(halves.now, PEER).expect("a peer");
    let received = halves.handshakes[B].peer(halves.now, PEER).expect("a peer");
    assert_eq!(received.counters.rx_packets, 64);
    assert_eq!(sent.state, SessionState::Established);
}

#[test]
fn a_relayed_segment_is_sealed_again_where_it_was_opened() {
    let mut halves = Halves::new(extended([1, 1]));
    let packet = inner(&[5; 200]);
    let mut slot = vec![0; 512];
    slot[DATA_HEADER..DATA_HEADER + packet.len()].copy_from_slice(&packet);
    let (now, [a, b]) = (halves.now, &mut halves.lanes);
    let len = a[0]
        .sealer(now, PEER, 0)
        .expect("keys")
        .seal(&mut slot, packet.len());
    let opened = b[0].open(now, address(A), &mut slot[..len]);
    assert_eq!(
        opened,
        Opened::Packet(PEER, DATA_HEADER..DATA_HEADER + packet.len())
    );
    let again = b[0]
        .sealer(now, PEER, 0)
        .expect("keys")
        .seal(&mut slot, packet.len());
    assert_eq!(again, len);
    let opened = a[0].open(now, address(B), &mut slot[..again]);
    assert_eq!(
        opened,
        Opened::Packet(PEER, DATA_HEADER..DATA_HEADER + packet.len())
    );
    assert_eq!(slot[DATA_HEADER..DATA_HEADER + packet.len()], *packet);
}

#[test]
fn every_shard_opens_its_own_lanes_and_names_the_owner_of_others() {
    let mut halves = Halves::new(extended([4, 2]));
    for shard in 0..4 {
        for flow in 0..8u64 {
            let mut bytes = vec![0; 256];
            let packet = inner(&[shard as u8; 9]);
            bytes[DATA_HEADER..DATA_HEADER + packet.len()].copy_from_slice(&packet);
            let lanes = &mut halves.lanes[A][shard];
            let mut sealer = lanes.sealer(halves.now, PEER, flow << 32).expect("keys");
            let len = sealer.seal(&mut bytes, packet.len());
            drop(sealer);
            let index = u32::from_le_bytes(bytes[4..8].try_into().expect("4 octets"));
            let (owner, now) = (shard_of(index, 2), halves.now);
            let other = halves.lanes[B][1 - owner].open(now, address(A), &mut bytes[..len]);
            assert_eq!(other, Opened::Elsewhere(owner));
            let own = halves.lanes[B][owner].open(now, address(A), &mut bytes[..len]);
            assert!(matches!(own, Opened::Packet(..)), "{own:?}");
        }
    }
}

#[test]
fn the_shard_without_a_plain_peers_lane_names_the_owner_and_a_stranger_is_unreachable() {
    let mut halves = Halves::new(Options {
        shards: [4, 1],
        ..Options::default()
    });
    let now = halves.now;
    let lanes = &mut halves.lanes[A];
    assert!(lanes[0].sealer(now, PEER, 3).is_ok());
    for other in &mut lanes[1..] {
        assert_eq!(
            other.sealer(now, PEER, 3).err(),
            Some(Unready::Elsewhere(0))
        );
        assert!(other.is_ready(now, PEER));
    }
    let stranger = lanes[1].sealer(now, PeerId(9), 3).err();
    assert_eq!(stranger, Some(Unready::Unreachable));
}

#[test]
fn what_is_held_without_keys_goes_out_when_they_come() {
    let mut options = extended([2, 2]);
    options.initiate = [false, false];
    let mut halves = Halves::new(options);
    let now = halves.now;
    let unready = halves.lanes[A][1].sealer(now, PEER, 3).err();
    assert_eq!(unready, Some(Unready::NoKeys));
    halves.lanes[A][1].hold(now, PEER, &inner(b"held"));
    halves.follow(A, Vec::new());
    halves.pass(Duration::from_secs(1));
    let view = halves.handshakes[B].peer(halves.now, PEER).expect("a peer");
    assert_eq!(view.counters.rx_packets, 1);
    assert_eq!(halves.calls, 1);
}

#[test]
fn a_busy_tunnel_is_reported_four_times_a_second_and_its_keys_renewed_in_time() {
    let mut halves = Halves::new(extended([2, 2]));
    let (mut arrived, started) = (0, halves.notices);
    for turn in 0..20_000u32 {
        let (shard, packet) = ((turn % 2) as usize, inner(&turn.to_be_bytes()));
        for end in [A, B] {
            let opened = halves.send(end, shard, u64::from(turn), &packet);
            arrived += usize::from(matches!(opened, Opened::Packet(..)));
        }
        halves.pass(Duration::from_millis(20));
    }
    assert_eq!(arrived, 40_000);
    assert_eq!(halves.calls, 4, "at 0, 120, 240 and 360 seconds");
    let reports = halves.notices - started;
    // Two ends with two shards each, over 400 seconds.
    assert!(reports <= 4 * 4 * 400 + 100, "{reports}");
    let view = halves.handshakes[A].peer(halves.now, PEER).expect("a peer");
    assert!(
        view.counters.tx_packets >= 19_900,
        "counted with the reports"
    );
}

#[test]
fn a_silent_receiver_behind_coarse_reports_still_sends_its_keepalive() {
    let mut halves = Halves::new(Options::default());
    halves.pass(Duration::from_secs(1));
    for number in 0..3u8 {
        halves.send(A, 0, 0, &inner(&[number]));
        halves.pass(Duration::from_millis(10));
    }
    let calls = halves.calls;
    halves.pass(Duration::from_secs(60));
    assert_eq!(halves.calls, calls, "nobody thinks the other is gone");
    let view = halves.handshakes[A].peer(halves.now, PEER).expect("a peer");
    assert!(
        view.last_received
            .is_some_and(|at| halves.now.since(at) < Duration::from_secs(60))
    );
}
