//! Two stacks joined by a line with delay and loss.

use core::time::Duration;
use std::collections::BTreeMap;

use super::*;

const DELAY: Duration = Duration::from_millis(20);

struct Pair {
    now: Instant,
    ends: [Tcp; 2],
    events: [Vec<Event>; 2],
    line: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    sequence: u64,
    loss: Rng,
    loss_ppm: u32,
    packets: u32,
}

impl Pair {
    fn new(loss_ppm: u32) -> Self {
        let rng = Rng::new(7);
        let mut ends = [Tcp::new(rng.named("a")), Tcp::new(rng.named("b"))];
        ends[1].listen(179);
        Self {
            now: Instant::ZERO,
            ends,
            events: [Vec::new(), Vec::new()],
            line: BTreeMap::new(),
            sequence: 0,
            loss: rng.named("loss"),
            loss_ppm,
            packets: 0,
        }
    }

    fn connect(&mut self) -> Socket {
        let socket = self.ends[0].connect(address(1), SocketAddrV4::new(address(2), 179), 64, 1400);
        self.flush();
        socket
    }

    fn flush(&mut self) {
        for end in 0..2 {
            let mut sent = Vec::new();
            self.ends[end].flush(self.now, |packet| sent.push(packet));
            self.put(end, sent);
        }
    }

    fn put(&mut self, from: usize, packets: Vec<Vec<u8>>) {
        for packet in packets {
            self.packets += 1;
            if !self.loss.chance_ppm(self.loss_ppm) {
                self.sequence += 1;
                let at = self.now + DELAY;
                self.line.insert((at, self.sequence), (1 - from, packet));
            }
        }
    }

    /// Runs until a time, or until nothing is left to happen.
    fn run(&mut self, until: Instant) {
        loop {
            let packet = self.line.keys().next().map(|(at, _)| *at);
            let timers = self.ends.iter().filter_map(Tcp::wake);
            let Some(next) = timers.chain(packet).min().filter(|next| *next <= until) else {
                return;
            };
            assert!(next >= self.now, "time runs backwards");
            self.now = next;
            while let Some(((at, sequence), (to, bytes))) = self.line.pop_first() {
                if at > next {
                    self.line.insert((at, sequence), (to, bytes));
                    break;
                }
                let packet = Ipv4::parse(&bytes).expect("a packet");
                let mut sent = Vec::new();
                let events = &mut self.events[to];
                self.ends[to].take(next, &packet, 64, 1400, events, |reply| sent.push(reply));
                self.put(to, sent);
            }
            for end in 0..2 {
                self.ends[end].time_out(next, &mut self.events[end]);
            }
            self.flush();
        }
    }

    fn received(&self, end: usize) -> Vec<u8> {
        let pieces = self.events[end].iter().filter_map(|event| match event {
            Event::Received { bytes, .. } => Some(bytes.as_slice()),
            _ => None,
        });
        pieces.collect::<Vec<_>>().concat()
    }

    fn accepted(&self) -> Socket {
        let accepted = self.events[1].iter().find_map(|event| match event {
            Event::Accepted { socket, .. } => Some(*socket),
            _ => None,
        });
        accepted.expect("the connection stands")
    }
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn bytes_arrive_whole_and_in_order_over_a_line_that_loses() {
    for loss_ppm in [0, 10_000, 200_000] {
        let mut pair = Pair::new(loss_ppm);
        let client = pair.connect();
        pair.run(Instant::from_secs(60));
        let server = pair.accepted();
        pair.ends[0].send(client, &text(300_000));
        pair.ends[1].send(server, &text(70_000));
        pair.flush();
        pair.run(Instant::from_secs(1200));
        assert!(pair.received(1) == text(300_000), "loss {loss_ppm}");
        assert!(pair.received(0) == text(70_000), "loss {loss_ppm}");
    }
}

#[test]
fn a_close_arrives_after_all_data_and_both_ends_forget_the_connection() {
    for loss_ppm in [0, 100_000] {
        let mut pair = Pair::new(loss_ppm);
        let client = pair.connect();
        pair.run(Instant::from_secs(60));
        pair.ends[0].send(client, &text(10_000));
        pair.ends[0].close(client);
        pair.flush();
        pair.run(Instant::from_secs(600));
        assert!(pair.received(1) == text(10_000));
        assert!(matches!(pair.events[1].last(), Some(Event::Closed { .. })));
        let closed = pair.events[0]
            .iter()
            .any(|event| matches!(event, Event::Closed { .. }));
        assert!(!closed, "the owner is not told what it did itself");
        assert!(
            pair.ends.iter().all(|end| end.by_tuple.is_empty()),
            "loss {loss_ppm}"
        );
        assert!(pair.ends.iter().all(|end| end.wake().is_none()));
    }
}

#[test]
fn a_port_that_nobody_listens_on_refuses() {
    let mut pair = Pair::new(0);
    let socket = pair.ends[0].connect(address(1), SocketAddrV4::new(address(2), 180), 64, 1400);
    pair.flush();
    pair.run(Instant::from_secs(5));
    assert_eq!(pair.events[0], [Event::Failed { socket }]);
    assert_eq!(pair.now, Instant::ZERO + DELAY * 2);
}

#[test]
fn a_peer_that_restarted_resets_what_it_does_not_know() {
    let mut pair = Pair::new(0);
    let client = pair.connect();
    pair.run(Instant::from_secs(1));
    pair.ends[1] = Tcp::new(Rng::new(9));
    pair.ends[0].send(client, b"hello");
    pair.flush();
    pair.run(Instant::from_secs(5));
    assert_eq!(
        pair.events[0].last(),
        Some(&Event::Closed { socket: client })
    );
}

#[test]
fn a_silent_peer_is_given_up_in_the_end_and_costs_few_packets() {
    let mut pair = Pair::new(0);
    let client = pair.connect();
    pair.run(Instant::from_secs(1));
    pair.loss_ppm = 1_000_000;
    pair.packets = 0;
    pair.ends[0].send(client, b"hello");
    pair.flush();
    pair.run(Instant::from_secs(3600));
    assert_eq!(
        pair.events[0].last(),
        Some(&Event::Closed { socket: client })
    );
    assert!(pair.packets < 20, "{}", pair.packets);
}

#[test]
fn what_is_said_in_one_event_leaves_in_one_segment() {
    let mut pair = Pair::new(0);
    let client = pair.connect();
    pair.run(Instant::from_secs(1));
    pair.packets = 0;
    for _ in 0..10 {
        pair.ends[0].send(client, b"message");
    }
    pair.flush();
    pair.run(Instant::from_secs(2));
    assert_eq!(pair.packets, 2, "one segment and its acknowledgment");
}
