//! What the operator decided about probing a path.

use std::time::Duration;

/// A prober's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Between probes, while replies come in time.
    pub interval: Duration,
    /// The path is down when no reply came for this long.
    pub dead_after: Duration,
    /// Replies in a row, none later than `dead_after` behind the one before, until a path that
    /// was down is up again. A path that was never up needs one.
    pub up_after: u32,
    /// How far back statistics look.
    pub window: Duration,
    /// STAMP session identifier (RFC 8972 §3): replies with another one are not ours.
    pub ssid: u16,
}

impl Settings {
    /// A probe every 200 ms and death after 900 ms: with one interval of grace, gone within a second of the last reply.
    pub const fn new(ssid: u16) -> Self {
        Self {
            interval: Duration::from_millis(200),
            dead_after: Duration::from_millis(900),
            up_after: 3,
            window: Duration::from_secs(10),
            ssid,
        }
    }
}
