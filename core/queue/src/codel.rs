//! Controlled delay (RFC 8289): when a queue's packets have waited too long for a whole interval, one is dropped, and
//! then more of them at a pace that rises with the square root of their number, until the delay is below the target.

use core::time::Duration;

use inet::Instant;

/// What is too long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Waiting longer than this is too long (RFC 8289 §4.2: 5 ms).
    pub(crate) target: Duration,
    /// For how long it must be so before anything happens (RFC 8289 §4.2: 100 ms).
    pub(crate) interval: Duration,
    /// A queue of no more than this many octets is never too long: it is one burst.
    pub(crate) burst: usize,
}

/// The state of one queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Codel {
    /// When the delay will have been above the target for an interval.
    above_until: Option<Instant>,
    /// When the next packet is to be dropped, while dropping.
    drop_next: Option<Instant>,
    /// Drops since dropping began.
    count: u32,
    /// `count` when dropping began the last time.
    last_count: u32,
    /// When dropping ended the last time.
    ended: Option<Instant>,
}

impl Codel {
    /// Whether the packet at the head, which has waited since `since`, has to go. `left` is the octets behind it.
    pub(crate) fn must_drop(
        &mut self,
        now: Instant,
        since: Instant,
        left: usize,
        limits: &Limits,
    ) -> bool {
        let too_long = self.is_too_long(now, since, left, limits);
        match self.drop_next {
            Some(_) if !too_long => {
                self.drop_next = None;
                self.ended = Some(now);
                false
            }
            Some(at) if at <= now => {
                self.count += 1;
                self.drop_next = Some(at + pace(limits.interval, self.count));
                true
            }
            Some(_) => false,
            None if too_long => {
                self.begin(now, limits);
                true
            }
            None => false,
        }
    }

    fn is_too_long(&mut self, now: Instant, since: Instant, left: usize, limits: &Limits) -> bool {
        if now.since(since) < limits.target || left <= limits.burst {
            self.above_until = None;
            return false;
        }
        let until = *self.above_until.get_or_insert(now + limits.interval);
        until <= now
    }

    /// Goes on near the pace of the last time when that was only just now (RFC 8289 §5.5).
    fn begin(&mut self, now: Instant, limits: &Limits) {
        let grown = self.count - self.last_count.min(self.count);
        let is_recent = self
            .ended
            .is_some_and(|ended| now.since(ended) < limits.interval * 16);
        self.count = if is_recent && grown > 1 { grown } else { 1 };
        self.last_count = self.count;
        self.drop_next = Some(now + pace(limits.interval, self.count));
    }
}

/// The time between drops: the interval over the square root of how many there were.
fn pace(interval: Duration, count: u32) -> Duration {
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    // The root in 1/256ths, in whole numbers: all machines decide alike.
    let root = (u64::from(count) << 16).isqrt().max(256);
    Duration::from_nanos(nanos.saturating_mul(256) / root)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        target: Duration::from_millis(5),
        interval: Duration::from_millis(100),
        burst: 1500,
    };

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn a_burst_that_drains_within_the_interval_loses_nothing() {
        let mut codel = Codel::default();
        for millis in 0..100 {
            assert!(!codel.must_drop(at(1000 + millis), at(980), 100_000, &LIMITS));
        }
        assert!(!codel.must_drop(at(1100), at(1099), 100_000, &LIMITS));
    }

    #[test]
    fn a_standing_queue_loses_packets_faster_and_faster() {
        let mut codel = Codel::default();
        let drops: Vec<u64> = (0..1000)
            .filter(|millis| codel.must_drop(at(*millis), at(0), 100_000, &LIMITS))
            .collect();
        assert_eq!(drops[0], 105);
        let gaps: Vec<u64> = drops.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(
            gaps.windows(2).all(|pair| pair[1] <= pair[0] + 1),
            "{gaps:?}"
        );
        assert!(gaps[0] == 100 && gaps[8] < 40, "{gaps:?}");
    }

    #[test]
    fn one_burst_is_never_too_long_however_slow_the_link() {
        let mut codel = Codel::default();
        for millis in 0..1000 {
            assert!(!codel.must_drop(at(millis), at(0), 1500, &LIMITS));
        }
    }
}
