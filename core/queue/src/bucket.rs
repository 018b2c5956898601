//! A token bucket, kept as the one time at which it would be full again (the virtual scheduling form of ITU-T I.371).

use core::time::Duration;

use inet::Instant;

/// A rate with a burst.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    /// Bits a second; `None` lets everything pass.
    rate: Option<u64>,
    burst: Duration,
    /// When all that was let pass would have passed at the rate.
    full_at: Instant,
}

impl Bucket {
    /// `burst` is how far ahead of its rate a sender may be, in time at that rate.
    pub(crate) const fn new(rate: Option<u64>, burst: Duration) -> Self {
        Self {
            rate,
            burst,
            full_at: Instant::ZERO,
        }
    }

    /// From when on something may pass.
    pub(crate) fn open_at(&self) -> Instant {
        self.full_at - self.burst
    }

    /// Whether something may pass.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.rate.is_none() || self.open_at() <= now
    }

    /// Something passes. What is larger than the burst passes whole and is waited for afterwards.
    pub(crate) fn take(&mut self, now: Instant, octets: usize) {
        let Some(rate) = self.rate else { return };
        let nanos = octets as u128 * 8 * 1_000_000_000 / u128::from(rate.max(1));
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.full_at = self.full_at.max(now) + time;
    }
}
