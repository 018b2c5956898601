//! A prober, a reflector and the line between them, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use inet::{Instant, Rng};
use path::{Event, Input, Output, Prober, Settings, reflect};

/// What the line does to packets.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(crate) there: Duration,
    pub(crate) back: Duration,
    /// Lost in each direction.
    pub(crate) loss_ppm: u32,
    /// Added to the way back, uniformly from zero.
    pub(crate) jitter: Duration,
    pub(crate) is_cut: bool,
    /// Loses every probe of this shape.
    pub(crate) lost_shape: Option<u8>,
    /// How far the reflector's clock is ahead.
    pub(crate) clock_offset: Duration,
    pub(crate) seed: u64,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            there: Duration::from_millis(10),
            back: Duration::from_millis(10),
            loss_ppm: 0,
            jitter: Duration::ZERO,
            is_cut: false,
            lost_shape: None,
            clock_offset: Duration::from_secs(86_400),
            seed: 1,
        }
    }
}

pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) prober: Prober,
    pub(crate) line: Line,
    pub(crate) events: Vec<(Instant, Event)>,
    /// When probes were sent.
    pub(crate) probes: Vec<Instant>,
    /// When replies arrived.
    pub(crate) replies: Vec<Instant>,
    chance: Rng,
    /// Replies on their way, by arrival and number.
    wire: BTreeMap<(Instant, usize), Vec<u8>>,
}

impl Net {
    pub(crate) fn new(line: Line) -> Self {
        Self::with(Settings::new(7), line)
    }

    pub(crate) fn with(settings: Settings, line: Line) -> Self {
        let now = Instant::from_secs(1);
        Self {
            now,
            prober: Prober::new(settings, line.seed, now),
            line,
            events: Vec::new(),
            probes: Vec::new(),
            replies: Vec::new(),
            chance: Rng::new(line.seed),
            wire: BTreeMap::new(),
        }
    }

    pub(crate) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let arrival = self.wire.keys().next().copied();
            let wake = self.prober.wake().expect("a prober always probes on");
            let next = arrival.map_or(wake, |(at, _)| at.min(wake));
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            match arrival.filter(|(at, _)| *at <= self.now) {
                Some(key) => {
                    let reply = self.wire.remove(&key).expect("it is on the wire");
                    self.replies.push(self.now);
                    self.tell(Input::Reply(&reply));
                }
                None => self.tell(Input::Wake),
            }
        }
        self.now = end;
    }

    pub(crate) fn tell(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.prober.handle(self.now, input, &mut out);
        assert!(
            self.prober.wake().is_none_or(|wake| wake > self.now),
            "drained"
        );
        for output in out {
            match output {
                Output::Event(event) => self.events.push((self.now, event)),
                Output::Probe { shape, payload } => self.carry(shape, &payload),
            }
        }
    }

    pub(crate) fn downs(&self) -> usize {
        self.events
            .iter()
            .filter(|(_, event)| matches!(event, Event::Down { .. }))
            .count()
    }

    fn carry(&mut self, shape: u8, request: &[u8]) {
        self.probes.push(self.now);
        let line = self.line;
        let lost = [(); 2].map(|()| self.chance.chance_ppm(line.loss_ppm));
        let jitter = Duration::from_nanos(self.chance.below(line.jitter.as_nanos() as u64));
        if line.is_cut || line.lost_shape == Some(shape) || lost.contains(&true) {
            return;
        }
        let reflected = self.now + line.there;
        let reply = reflect(reflected + line.clock_offset, 61, request).expect("a request");
        self.wire
            .insert((reflected + line.back + jitter, self.probes.len()), reply);
    }
}
