//! What a class asks of a path, and how far a path is from it.

use core::fmt;
use std::time::Duration;

use crate::Statistics;
use crate::stats::{DELAY_WINDOW, LOSS_WINDOW};

/// What a class asks of a path, measured by probes. `None` is anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sla {
    /// Mean round-trip time.
    pub rtt: Option<Duration>,
    /// Variation of the one-way delay, the worse of both directions.
    pub jitter: Option<Duration>,
    /// Lost probes, in parts per million.
    pub loss_ppm: Option<u32>,
}

/// A figure beside its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What was measured.
    pub figure: Figure,
    /// Nanoseconds, or parts per million of loss.
    pub value: u64,
    /// What the class asks, in the same unit.
    pub limit: u64,
}

/// What is measured of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Mean round-trip time.
    Rtt,
    /// Variation of the one-way delay, the worse of both directions.
    Jitter,
    /// Lost probes.
    Loss,
}

impl Sla {
    /// The figure that uses most of its limit; `None` when nothing of what is asked was measured.
    pub fn worst(&self, measured: &Statistics) -> Option<Measure> {
        let rtt = self.rtt.zip(measured.rtt.map(|rtt| rtt.avg));
        let jitter = self.jitter.filter(|_| measured.received >= 2);
        let loss = self.loss_ppm.filter(|_| measured.lost >= LOST_MIN);
        let delay = |figure, value, limit| Measure {
            figure,
            value: nanos(value),
            limit: nanos(limit),
        };
        let worse_jitter = measured.jitter_there.max(measured.jitter_back);
        let figures = [
            rtt.map(|(limit, value)| delay(Figure::Rtt, value, limit)),
            jitter.map(|limit| delay(Figure::Jitter, worse_jitter, limit)),
            loss.map(|limit| Measure {
                figure: Figure::Loss,
                value: u64::from(measured.loss_ppm),
                limit: u64::from(limit),
            }),
        ];
        let figures = figures.into_iter().flatten();
        figures.max_by_key(|figure| figure.percent())
    }
}

impl Measure {
    /// How much of its limit it uses, in percent: more than 100 breaks it.
    pub fn percent(&self) -> u64 {
        self.value.saturating_mul(100).div_ceil(self.limit.max(1))
    }
}

impl Figure {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rtt => "rtt",
            Self::Jitter => "jitter",
            Self::Loss => "loss",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, suffix, window) = match self.figure {
            Figure::Rtt | Figure::Jitter => (100_000, "ms", DELAY_WINDOW),
            Figure::Loss => (1_000, "%", LOSS_WINDOW),
        };
        let number = |value: u64| {
            let tenths = value / unit;
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        let (value, limit) = (number(self.value), number(self.limit));
        let (name, window) = (self.figure.name(), window.as_secs());
        write!(
            f,
            "{name} {value}{suffix} over {window}s (limit {limit}{suffix})"
        )
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// One lost probe says nothing about a rate of loss.
const LOST_MIN: u32 = 2;
