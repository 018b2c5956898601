//! How bad an access link gets: `latency=200ms`, `jitter=80ms`, `loss=10%`, `up` or `down`, separated by commas.

use core::fmt;

use serde::{Deserialize, Serialize};

/// How bad an access link gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brownout {
    /// Added to every packet, microseconds.
    pub latency_us: u32,
    /// Added on top: uniform from zero, microseconds.
    pub jitter_us: u32,
    /// Packets lost, in parts per million.
    pub loss_ppm: u32,
    /// Which way.
    pub direction: Direction,
}

/// Which way something works, seen from the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// From the site.
    Up,
    /// To the site.
    Down,
}

impl Default for Brownout {
    /// 100 ms slower and losing 5 %, each way.
    fn default() -> Self {
        Self {
            latency_us: 100_000,
            jitter_us: 0,
            loss_ppm: 50_000,
            direction: Direction::Both,
        }
    }
}

impl Brownout {
    /// Reads what follows the underlay's name; `None` when it is of another form. Nothing is the default, and as soon
    /// as anything is named what is not named is as it was.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let mut found = Self {
            latency_us: 0,
            loss_ppm: 0,
            ..Self::default()
        };
        for word in text.split(',') {
            match word.split_once('=') {
                None if word == "up" => found.direction = Direction::Up,
                None if word == "down" => found.direction = Direction::Down,
                Some(("latency", value)) => found.latency_us = millis(value)?,
                Some(("jitter", value)) => found.jitter_us = millis(value)?,
                Some(("loss", value)) => found.loss_ppm = percent(value)?,
                _ => return None,
            }
        }
        let is_any = found.latency_us > 0 || found.jitter_us > 0 || found.loss_ppm > 0;
        is_any.then_some(found)
    }
}

impl fmt::Display for Brownout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return Ok(());
        }
        let named = [
            ("latency", self.latency_us / 1_000, "ms"),
            ("jitter", self.jitter_us / 1_000, "ms"),
            ("loss", self.loss_ppm / 10_000, "%"),
        ];
        for (name, value, unit) in named {
            if value > 0 {
                write!(f, ",{name}={value}{unit}")?;
            }
        }
        f.write_str(match self.direction {
            Direction::Both => "",
            Direction::Up => ",up",
            Direction::Down => ",down",
        })
    }
}

/// Whole milliseconds up to ten seconds, as microseconds.
fn millis(text: &str) -> Option<u32> {
    let millis: u32 = text.strip_suffix("ms")?.parse().ok()?;
    (millis <= 10_000).then_some(millis * 1_000)
}

/// Whole percents, as parts per million.
fn percent(text: &str) -> Option<u32> {
    let percent: u32 = text.strip_suffix('%')?.parse().ok()?;
    (percent <= 100).then_some(percent * 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "",
            ",latency=200ms",
            ",jitter=80ms,up",
            ",latency=1ms,jitter=2ms,loss=3%,down",
        ] {
            let words = text.strip_prefix(',').unwrap_or(text);
            let brownout = Brownout::parse(words).expect("of the right form");
            assert_eq!(brownout.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_brown_out_is_refused() {
        for text in [
            "up",
            "latency=0ms",
            "latency=5",
            "loss=101%",
            "loss=-1%",
            "jitter",
            ",",
            "latency=99999999999ms",
            "both",
            "latency=10ms,,",
        ] {
            assert_eq!(Brownout::parse(text), None, "{text}");
        }
    }
}
