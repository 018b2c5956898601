//! Path MTU discovery over a line that swallows what is too long.

use std::collections::VecDeque;
use std::time::Duration;

use inet::{Instant, Rng};
use path::{MtuDiscovery, MtuInput, MtuOutput, MtuSettings, REPLY_LEN, STEP, reflect};
use proptest::prelude::*;

const IP_AND_UDP: usize = 28;

/// A path of a given MTU each way.
struct Line {
    now: Instant,
    discovery: MtuDiscovery,
    mtu: u16,
    loss_percent: u64,
    rtt: Duration,
    chance: Rng,
    replies: VecDeque<(Instant, Vec<u8>)>,
    changes: Vec<(Instant, u16)>,
    probes: usize,
}

impl Line {
    fn new(base: u16, cap: u16, mtu: u16) -> Self {
        let settings = MtuSettings { base, cap, ssid: 3 };
        Self {
            now: Instant::ZERO,
            discovery: MtuDiscovery::new(settings),
            mtu,
            loss_percent: 0,
            rtt: Duration::from_millis(30),
            chance: Rng::new(5),
            replies: VecDeque::new(),
            changes: Vec::new(),
            probes: 0,
        }
    }

    fn tell(&mut self, input: MtuInput<'_>) {
        let mut out = Vec::new();
        self.discovery.handle(self.now, input, &mut out);
        for output in out {
            match output {
                MtuOutput::Changed(size) => self.changes.push((self.now, size)),
                MtuOutput::Probe(request) => {
                    self.probes += 1;
                    let fits = request.len() + IP_AND_UDP <= usize::from(self.mtu);
                    let arrives = self.chance.below(100) >= self.loss_percent;
                    let reply = reflect(self.now, 255, &request).expect("a request");
                    assert!(
                        reply.len() > REPLY_LEN,
                        "told apart from replies to the prober"
                    );
                    if fits && arrives {
                        self.replies.push_back((self.now + self.rtt, reply));
                    }
                }
            }
        }
        assert!(
            self.discovery.wake().is_none_or(|at| at > self.now),
            "drained means that the next wake-up is later than now"
        );
    }

    fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let reply = self.replies.front().map(|(at, _)| *at);
            let wake = self.discovery.wake();
            let Some(next) = reply.into_iter().chain(wake).min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            match self.replies.pop_front_if(|(at, _)| *at <= next) {
                Some((_, reply)) => self.tell(MtuInput::Reply(&reply)),
                None => self.tell(MtuInput::Wake),
            }
        }
        self.now = end;
    }
}

#[test]
fn a_path_that_is_as_the_design_says_is_confirmed_with_one_probe() {
    let mut line = Line::new(1136, 1420, 1420);
    line.tell(MtuInput::Up);
    line.run(Duration::from_secs(1));
    assert_eq!((line.discovery.size(), line.probes), (1420, 1));
    assert!(line.discovery.is_settled() && line.changes.is_empty());
}

#[test]
fn a_narrower_path_is_found_to_the_step_within_half_a_minute() {
    for mtu in [1136, 1200, 1340, 1399, 1400, 1404, 1419] {
        let mut line = Line::new(1136, 1420, mtu);
        line.tell(MtuInput::Up);
        line.run(Duration::from_secs(30));
        let found = line.discovery.size();
        assert!(found <= mtu && mtu - found < 2 * STEP, "{mtu}: {found}");
        assert!(line.discovery.is_settled(), "{mtu}");
        // Until the search knows better, nothing longer than the base is sent.
        assert_eq!(line.changes[0].1, 1136);
    }
}

#[test]
fn jumbo_frames_are_used_where_the_path_carries_them() {
    let mut line = Line::new(1136, 8940, 8940);
    line.tell(MtuInput::Up);
    line.run(Duration::from_secs(1));
    assert_eq!(line.discovery.size(), 8940);
    let mut line = Line::new(1136, 8940, 4000);
    line.tell(MtuInput::Up);
    line.run(Duration::from_secs(60));
    assert!((3980..=4000).contains(&line.discovery.size()));
}

#[test]
fn a_path_that_begins_to_swallow_long_packets_falls_back_within_forty_seconds() {
    let mut line = Line::new(1136, 1420, 1420);
    line.tell(MtuInput::Up);
    line.run(Duration::from_secs(100));
    line.mtu = 1360;
    let from = line.now;
    line.run(Duration::from_secs(60));
    assert!(line.changes[0].0.since(from) <= Duration::from_secs(36));
    assert!((1345..=1360).contains(&line.discovery.size()));
}

#[test]
fn a_hint_is_looked_into_and_not_believed() {
    let mut line = Line::new(1136, 1420, 1420);
    line.tell(MtuInput::Up);
    line.run(Duration::from_secs(3));
    line.tell(MtuInput::Suspect);
    line.run(Duration::from_secs(3));
    assert_eq!((line.discovery.size(), line.probes), (1420, 2));
    line.mtu = 1300;
    line.tell(MtuInput::Suspect);
    line.run(Duration::from_secs(6));
    assert!(line.discovery.size() <= 1300);
}

#[test]
fn a_path_that_becomes_wider_is_used_after_ten_minutes() {
    let mut line = Line::new(1136, 1420, 1300);
    line.tell(MtuInput::Up);
    line.run(Duration::from_secs(60));
    line.mtu = 1500;
    line.run(Duration::from_secs(500));
    assert!(line.discovery.size() <= 1300);
    line.run(Duration::from_secs(100));
    assert_eq!(line.discovery.size(), 1420);
}

#[test]
fn loss_alone_hardly_ever_shortens_packets() {
    let mut line = Line::new(1136, 1420, 1420);
    line.loss_percent = 5;
    line.tell(MtuInput::Up);
    line.run(Duration::from_secs(24 * 3600));
    assert!(line.changes.is_empty(), "{:?}", line.changes);
}

#[test]
fn nothing_is_concluded_while_the_path_is_down() {
    let mut line = Line::new(1136, 1420, 1420);
    line.tell(MtuInput::Up);
    line.run(Duration::from_secs(29));
    line.mtu = 0;
    line.run(Duration::from_secs(2));
    line.tell(MtuInput::Down);
    line.run(Duration::from_secs(100));
    line.mtu = 1420;
    line.tell(MtuInput::Up);
    line.run(Duration::from_secs(2));
    assert_eq!(line.discovery.size(), 1420);
    assert!(line.changes.is_empty());
}

#[test]
fn replies_that_are_not_ours_change_nothing() {
    let mut line = Line::new(1136, 1420, 1200);
    line.tell(MtuInput::Up);
    for len in [0, 43, 44, 1392, 9000] {
        line.tell(MtuInput::Reply(&vec![7; len]));
    }
    line.run(Duration::from_secs(6));
    assert_eq!(line.changes[0].1, 1136);
}

proptest! {
    #[test]
    fn what_is_found_always_fits_and_is_never_far_below(cap in 1136u16..9000, mtu in 1136u16..9000, rtt in 0u64..900) {
        let mut line = Line::new(1136, cap, mtu);
        line.rtt = Duration::from_millis(rtt);
        line.tell(MtuInput::Up);
        line.run(Duration::from_secs(120));
        let (found, best) = (line.discovery.size(), cap.min(mtu));
        prop_assert!(found <= best && best - found < 2 * STEP, "{} of {}", found, best);
        prop_assert!(line.probes < 60);
    }
}
