//! How many ICMP errors a node may send: an answer to every bad packet would be an attack's tool
//! (RFC 1812 §4.3.2.8).

use core::time::Duration;

use inet::Instant;

/// A budget that refills with time: [`BURST`] at once, one for every [`INTERVAL`] in the long run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IcmpBudget {
    /// When the budget would be full again.
    full_at: Instant,
}

impl IcmpBudget {
    /// Takes one. `false` when nothing is left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + INTERVAL;
        let is_left = full_at.since(now) <= INTERVAL * BURST;
        if is_left {
            self.full_at = full_at;
        }
        is_left
    }
}

/// A traceroute of 30 hops with three packets each fits in.
const BURST: u32 = 100;
/// A hundred a second, far below what a link carries.
const INTERVAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_for_every_interval() {
        let mut budget = IcmpBudget::default();
        let now = Instant::from_secs(5);
        assert_eq!((0..1_000).filter(|_| budget.take(now)).count(), 100);
        assert!(budget.take(now + INTERVAL));
        assert!(!budget.take(now + INTERVAL));
    }
}
