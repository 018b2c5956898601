//! The real clock as the cores want it: nanoseconds since the daemon started.

use std::time::Duration;

use inet::Instant;

/// Real time since a start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(std::time::Instant);

impl Clock {
    /// Begins at [`Instant::ZERO`] now.
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Now.
    pub(crate) fn now(self) -> Instant {
        Instant::from_nanos(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// How long until `at`; nothing when that has passed.
    pub(crate) fn until(self, at: Instant) -> Duration {
        at.since(self.now())
    }

    /// `at` as tokio's timers want it.
    pub(crate) fn tokio(self, at: Instant) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.0) + Duration::from_nanos(at.as_nanos())
    }
}

/// Time since 1970 of the clock on the wall, for time stamps inside handshakes.
pub(crate) fn unix_time() -> Duration {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}
