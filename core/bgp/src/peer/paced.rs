//! What a neighbour was told that counts held and incoming routes together ([`Pace`]): our own
//! account of its count, so that it never comes to its limit.

use inet::Instant;

use crate::bits::Bits;
use crate::rib::PrefixId;
use crate::settings::Pace;

/// The account of one session.
#[derive(Debug, Default)]
pub(crate) struct Paced {
    /// The prefixes that it holds.
    holds: Bits,
    count: u64,
    /// How many it held when the burst began, and how many it was told since.
    held: u64,
    announced: u64,
    last: Instant,
    /// It is told no more until then.
    pub(crate) until: Option<Instant>,
}

impl Paced {
    /// How many it may be told now.
    pub(crate) fn room(&mut self, now: Instant, pace: Pace) -> u64 {
        if self.announced == 0 || now.since(self.last) >= pace.gap {
            (self.held, self.announced) = (self.count, 0);
        }
        let max = u64::from(pace.max).max(self.held + 1);
        max.saturating_sub(self.held + self.announced)
    }

    /// It was told a prefix; afterwards [`Self::spoke`] is due.
    pub(crate) fn announced(&mut self, prefix: PrefixId) {
        self.announced += 1;
        self.count += u64::from(self.holds.insert(prefix));
    }

    /// A prefix goes: whether it holds it, and so must be told.
    pub(crate) fn withdrawn(&mut self, prefix: PrefixId) -> bool {
        let held = self.holds.remove(prefix);
        self.count -= u64::from(held);
        held
    }

    /// Something was announced.
    pub(crate) const fn spoke(&mut self, now: Instant) {
        self.last = now;
    }

    /// It is told the rest when the burst has ended.
    pub(crate) fn pause(&mut self, pace: Pace) {
        self.until = Some(self.last + pace.gap);
    }

    /// Whether a pause has ended; it is over then.
    pub(crate) fn is_over(&mut self, now: Instant) -> bool {
        self.until.take_if(|until| *until <= now).is_some()
    }
}
