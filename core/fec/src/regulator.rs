//! How much parity a class gets on a path, from what the other side reports.
//!
//! ```text
//!           loss                     parity that hardly brings anything back,
//!  Idle ───────────▶ Active{level} ── or far more loss than when it began ──▶ Useless
//!   ▲                 │      ▲                                                  │
//!   └── no loss ──────┘      └────────────── after a minute ────────────────────┘
//! ```
//!
//! More parity comes with the report that asks for it, less only after it was enough for five seconds.

use core::time::Duration;
use std::collections::BTreeMap;

use inet::Instant;

use crate::level::{LOSS_PPM_MAX, Level};
use crate::sequence::STREAMS;
use crate::wire::Report;

/// Packets that the loss is taken from: older ones weigh half, and half of that, and so on.
const MEMORY: u32 = 1_024;
/// One packet that was lost says nothing about a rate.
const LOST_MIN: u32 = 2;
const EXPECTED_MIN: u32 = 20;
/// How long less must be enough before there is less.
const LOWER_AFTER: Duration = Duration::from_secs(5);
/// How long parity that did not help is off.
const USELESS_FOR: Duration = Duration::from_secs(60);
/// Lost packets after which it is judged whether parity helps.
const JUDGED_AFTER: u32 = 50;
/// Parity that brings back less than a quarter of them does not.
const HELPS_PERCENT: u64 = 25;
/// A path that is full loses more when parity is added: more than four times as much as before, and 5 %. The loss before is known
/// from a few packets only.
const FULL_FACTOR: u32 = 4;
const FULL_PPM: u32 = 50_000;

/// Chooses the parity of one class on one path.
#[derive(Clone, Debug, Default)]
pub struct Regulator {
    state: State,
    /// By stream: its last report.
    last: BTreeMap<u8, Report>,
    recent: Count,
    /// Since the parity began.
    since: Count,
    /// Since when less than now would be enough.
    enough_since: Option<Instant>,
}

/// Whether a path's losses are made good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Next to nothing is lost.
    #[default]
    Idle,
    /// There is parity.
    Active {
        /// How much.
        level: Level,
        /// What was lost when it began, in parts per million.
        before_ppm: u32,
    },
    /// There was and it did not help.
    Useless {
        /// Until when there is none.
        until: Instant,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    expected: u32,
    lost: u32,
    recovered: u32,
}

impl Regulator {
    /// The other side's report about a stream. `true` when there is another level from now on.
    pub fn on_report(&mut self, now: Instant, stream: u8, report: Report) -> bool {
        let last = self.last.insert(stream % STREAMS, report);
        let Some(news) = Count::between(last.unwrap_or_default(), report) else {
            return false;
        };
        self.recent.add(news);
        while self.recent.expected > MEMORY {
            self.recent.halve();
        }
        self.since.add(news);
        let before = self.level();
        self.decide(now);
        self.level() != before
    }

    /// How much parity there is.
    pub const fn level(&self) -> Level {
        match self.state {
            State::Active { level, .. } => level,
            State::Idle | State::Useless { .. } => Level::OFF,
        }
    }

    /// Whether losses are made good.
    pub const fn state(&self) -> State {
        self.state
    }

    /// What is lost on the way, in parts per million.
    pub fn loss_ppm(&self) -> u32 {
        self.recent.loss_ppm()
    }

    fn decide(&mut self, now: Instant) {
        let wanted = Level::of(self.loss_ppm());
        match self.state {
            State::Useless { until } if now < until => {}
            State::Idle | State::Useless { .. } if wanted.is_off() => self.state = State::Idle,
            State::Idle | State::Useless { .. } => {
                self.since = Count::default();
                self.enough_since = None;
                self.state = State::Active {
                    level: wanted,
                    before_ppm: self.loss_ppm(),
                };
            }
            State::Active { before_ppm, .. } if self.is_useless(before_ppm) => {
                // What was lost meanwhile says nothing about the path without parity.
                self.recent = Count::default();
                self.state = State::Useless {
                    until: now + USELESS_FOR,
                };
            }
            State::Active { level, before_ppm } => self.adjust(now, level, wanted, before_ppm),
        }
    }

    fn adjust(&mut self, now: Instant, level: Level, wanted: Level, before_ppm: u32) {
        let is_less = wanted < level;
        let since = self.enough_since.filter(|_| is_less);
        self.enough_since = is_less.then(|| since.unwrap_or(now));
        let is_lower = since.is_some_and(|since| now.since(since) >= LOWER_AFTER);
        if is_less && !is_lower {
            return;
        }
        self.enough_since = None;
        self.state = match wanted.is_off() {
            true => State::Idle,
            false => State::Active {
                level: wanted,
                before_ppm,
            },
        };
    }

    /// Whether parity does not help: it brings next to nothing back, or the path is full and loses more because of it.
    fn is_useless(&self, before_ppm: u32) -> bool {
        let Count {
            lost, recovered, ..
        } = self.since;
        if lost < JUDGED_AFTER {
            return false;
        }
        let full_ppm = before_ppm
            .saturating_mul(FULL_FACTOR)
            .saturating_add(FULL_PPM);
        u64::from(recovered) * 100 < u64::from(lost) * HELPS_PERCENT
            || self.since.loss_ppm() > full_ppm.min(LOSS_PPM_MAX)
    }
}

impl Count {
    /// What happened from one report to the next; `None` when the other side began anew between them.
    fn between(last: Report, report: Report) -> Option<Self> {
        let expected = report.expected.wrapping_sub(last.expected);
        let received = report.received.wrapping_sub(last.received);
        let recovered = report.recovered.wrapping_sub(last.recovered);
        let is_on = [expected, received, recovered]
            .iter()
            .all(|step| *step < REPORT_MAX);
        is_on.then(|| Self {
            expected,
            lost: expected.saturating_sub(received),
            recovered,
        })
    }

    const fn add(&mut self, more: Self) {
        self.expected = self.expected.saturating_add(more.expected);
        self.lost = self.lost.saturating_add(more.lost);
        self.recovered = self.recovered.saturating_add(more.recovered);
    }

    const fn halve(&mut self) {
        self.expected /= 2;
        self.lost /= 2;
        self.recovered /= 2;
    }

    fn loss_ppm(self) -> u32 {
        if self.lost < LOST_MIN || self.expected < EXPECTED_MIN {
            return 0;
        }
        let ppm = u64::from(self.lost) * 1_000_000 / u64::from(self.expected);
        ppm.min(1_000_000) as u32
    }
}

/// More packets than this between two reports are none: the counts began anew.
const REPORT_MAX: u32 = 1 << 24;

#[cfg(test)]
mod tests;
