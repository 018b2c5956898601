//! What the operator decided about probing a path.

use std::time::Duration;

use crate::stats::LOSS_WINDOW;

/// A prober's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Between probes of a path that is in use, while replies come in time.
    pub interval: Duration,
    /// Between probes of a path that is not in use; not less than `interval`, and in effect never more than a third of
    /// `dead_after`.
    pub idle_interval: Duration,
    /// The path is down when no reply came for this long.
    pub dead_after: Duration,
    /// Replies in a row, none later than `dead_after` behind the one before, until a path that
    /// was down is up again. A path that was never up needs one.
    pub up_after: u32,
    /// How far back statistics look.
    pub window: Duration,
    /// How many shapes of probes take turns; at least one.
    pub shapes: u8,
    /// STAMP session identifier (RFC 8972 §3): replies with another one are not ours.
    pub ssid: u16,
}

impl Settings {
    /// A probe every 100 ms in use and every 300 ms otherwise, and death after 900 ms: gone within a second of the last reply.
    pub const fn new(ssid: u16) -> Self {
        Self {
            interval: Duration::from_millis(100),
            idle_interval: Duration::from_millis(300),
            dead_after: Duration::from_millis(900),
            up_after: 3,
            window: LOSS_WINDOW,
            shapes: 1,
            ssid,
        }
    }
}
