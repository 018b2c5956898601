//! Two endpoints and a link between them that loses, delays, reorders and doubles, in virtual time.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bfd::{
    Command, Endpoint, Hops, Input, Output, SessionKey, SessionView, Settings, State, Verdict,
};
use inet::{Instant, Rng};

/// What the link does to packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) loss_ppm: u32,
    pub(crate) doubled_ppm: u32,
    pub(crate) delay: Duration,
    /// Added to the delay, uniformly from zero: what comes later may arrive earlier.
    pub(crate) jitter: Duration,
    pub(crate) is_cut: bool,
}

impl Link {
    pub(crate) const GOOD: Self = Self {
        loss_ppm: 0,
        doubled_ppm: 0,
        delay: Duration::from_millis(2),
        jitter: Duration::ZERO,
        is_cut: false,
    };
}

pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) link: Link,
    ends: [Endpoint; 2],
    /// Which end, what its clients were told.
    pub(crate) verdicts: Vec<(Instant, usize, Verdict)>,
    pub(crate) sent: u64,
    chance: Rng,
    wire: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
}

const ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)),
];

fn key(end: usize) -> SessionKey {
    SessionKey {
        local: ADDRESSES[end],
        remote: ADDRESSES[1 - end],
        hops: Hops::Single,
    }
}

impl Net {
    pub(crate) fn new(settings: [Settings; 2], link: Link, seed: u64) -> Self {
        let mut net = Self {
            now: Instant::from_secs(1),
            link,
            ends: [Endpoint::new(seed), Endpoint::new(seed ^ 0x5555)],
            verdicts: Vec::new(),
            sent: 0,
            chance: Rng::new(seed),
            wire: BTreeMap::new(),
        };
        for (end, settings) in settings.into_iter().enumerate() {
            net.set(end, settings);
        }
        net
    }

    pub(crate) fn set(&mut self, end: usize, settings: Settings) {
        self.tell(end, Input::Command(Command::Set(key(end), settings)));
    }

    pub(crate) fn hold_down(&mut self, end: usize, down: bool) {
        let command = if down {
            Command::AdminDown(key(end))
        } else {
            Command::AdminUp(key(end))
        };
        self.tell(end, Input::Command(command));
    }

    /// The end loses all it knew, as when its process restarts.
    pub(crate) fn restart(&mut self, end: usize, settings: Settings) {
        self.ends[end] = Endpoint::new(self.chance.next_u64());
        self.set(end, settings);
    }

    pub(crate) fn view(&self, end: usize) -> SessionView {
        self.ends[end]
            .session(key(end))
            .expect("both sessions stay")
    }

    pub(crate) fn states(&self) -> [State; 2] {
        [0, 1].map(|end| self.view(end).state)
    }

    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.verdicts
            .iter()
            .filter(|(_, _, told)| *told == verdict)
            .count()
    }

    pub(crate) fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            let arrival = self.wire.keys().next().copied();
            let wakes = [0, 1].map(|end| self.ends[end].wake().expect("sessions always wait"));
            let wake = wakes[0].min(wakes[1]);
            let next = arrival.map_or(wake, |(at, _)| at.min(wake));
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            match arrival.filter(|(at, _)| *at <= self.now) {
                Some(number) => {
                    let (end, bytes) = self.wire.remove(&number).expect("it is on the wire");
                    let from = SocketAddr::new(ADDRESSES[1 - end], 49_152);
                    let to = SocketAddr::new(ADDRESSES[end], 3784);
                    self.tell(
                        end,
                        Input::Datagram {
                            from,
                            to,
                            ttl: 255,
                            bytes: &bytes,
                        },
                    );
                }
                None => self.tell(usize::from(wakes[1] < wakes[0]), Input::Wake),
            }
        }
        self.now = until;
    }

    fn tell(&mut self, end: usize, input: Input<'_>) {
        let mut out = Vec::new();
        self.ends[end].handle(self.now, input, &mut out);
        for output in out {
            match output {
                Output::Send { bytes, .. } => self.carry(1 - end, &bytes),
                Output::Client { verdict, .. } => self.verdicts.push((self.now, end, verdict)),
                Output::State { .. } => {}
                Output::Removed { .. } | Output::Refused { .. } => panic!("both sessions stay"),
            }
        }
    }

    fn carry(&mut self, to: usize, bytes: &[u8]) {
        let copies = 1 + u32::from(self.chance.chance_ppm(self.link.doubled_ppm));
        for _ in 0..copies {
            self.sent += 1;
            let lost = self.chance.chance_ppm(self.link.loss_ppm);
            let jitter =
                Duration::from_nanos(self.chance.below(self.link.jitter.as_nanos() as u64));
            if !lost && !self.link.is_cut {
                let at = self.now + self.link.delay + jitter;
                self.wire.insert((at, self.sent), (to, bytes.to_vec()));
            }
        }
    }
}
