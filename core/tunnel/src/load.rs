//! Whether too many handshakes come, and from whom: the limits of paper §5.3, by arrival times.

use std::net::Ipv4Addr;
use std::time::Duration;

use inet::{Instant, hash};

/// Counts well-addressed initiations against a rate, and those that came to nothing against a much lower one: peers may
/// all call at once, strangers may not take what that costs.
pub(crate) struct Load {
    all: Rate,
    in_vain: Rate,
    busy_until: Instant,
    sources: Sources,
}

/// A rate, with a burst of what it allows in a second.
struct Rate {
    spacing: Duration,
    /// When the events so far would have come, had they kept the rate.
    due: Instant,
}

impl Rate {
    fn new(per_second: u32) -> Self {
        Self {
            spacing: Duration::from_secs(1) / per_second.max(1),
            due: Instant::ZERO,
        }
    }

    /// Notes an event, unless it is one too many.
    fn is_exceeded(&mut self, now: Instant) -> bool {
        let due = self.due.max(now) + self.spacing;
        let is_exceeded = due > now + BURST;
        if !is_exceeded {
            self.due = due;
        }
        is_exceeded
    }
}

impl Load {
    pub(crate) fn new(per_second: u32, seed: u64) -> Self {
        Self {
            all: Rate::new(per_second),
            in_vain: Rate::new(IN_VAIN_PER_SECOND.min(per_second)),
            busy_until: Instant::ZERO,
            sources: Sources {
                seed,
                due: Vec::new(),
            },
        }
    }

    /// Notes an initiation; `true` while there are too many of them, and for a second after.
    pub(crate) fn is_heavy(&mut self, now: Instant) -> bool {
        if self.all.is_exceeded(now) {
            self.busy_until = now + CALM;
        }
        now < self.busy_until
    }

    /// Notes that key agreement was computed for a stranger, or for an initiation seen before.
    pub(crate) fn note_in_vain(&mut self, now: Instant) {
        if self.in_vain.is_exceeded(now) {
            self.busy_until = now + CALM;
        }
    }

    /// Whether an address that proved to be real may have one more handshake computed, under load.
    pub(crate) fn admits(&mut self, now: Instant, source: Ipv4Addr) -> bool {
        self.sources.admits(now, source)
    }
}

/// Handshakes by address, in a table of fixed size: addresses in one slot share its rate.
struct Sources {
    seed: u64,
    due: Vec<Instant>,
}

impl Sources {
    fn admits(&mut self, now: Instant, source: Ipv4Addr) -> bool {
        self.due.resize(SLOTS, Instant::ZERO);
        let slot = hash::bytes(self.seed, &source.octets()) as usize % SLOTS;
        let due = self.due[slot].max(now) + SOURCE_SPACING;
        let admits = due <= now + SOURCE_SPACING * SOURCE_BURST;
        if admits {
            self.due[slot] = due;
        }
        admits
    }
}

/// Key agreements a second that strangers get before everybody is asked for a cookie: some 25 ms of work.
const IN_VAIN_PER_SECOND: u32 = 200;
/// As much of the rate as may come at once: a hub's sites all call when it starts.
const BURST: Duration = Duration::from_secs(1);
/// Load counts as over when this long nothing was too much, as in the kernel's implementation.
const CALM: Duration = Duration::from_secs(1);
/// Slots for source addresses: 64 KiB, and only after load was heavy once.
const SLOTS: usize = 8_192;
/// Twenty handshakes a second for an address, five of them at once, as in the kernel's implementation.
const SOURCE_SPACING: Duration = Duration::from_millis(50);
const SOURCE_BURST: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_heavy_above_the_rate_and_for_a_second_after() {
        let mut load = Load::new(100, 1);
        let start = Instant::from_secs(5);
        assert!(
            (0..100).all(|_| !load.is_heavy(start)),
            "a burst of a second's worth"
        );
        assert!(load.is_heavy(start));
        assert!(load.is_heavy(start + Duration::from_millis(900)));
        assert!(!load.is_heavy(start + Duration::from_secs(2)));
    }

    #[test]
    fn strangers_make_load_heavy_long_before_peers_do() {
        let mut load = Load::new(10_000, 1);
        let start = Instant::from_secs(5);
        for _ in 0..200 {
            assert!(!load.is_heavy(start));
            load.note_in_vain(start);
        }
        assert!(!load.is_heavy(start));
        load.note_in_vain(start);
        assert!(load.is_heavy(start));
        assert!(!load.is_heavy(start + CALM));
    }

    #[test]
    fn one_address_cannot_take_the_handshakes_of_another() {
        let mut load = Load::new(100, 1);
        let now = Instant::from_secs(5);
        let admitted = |load: &mut Load, now, last| {
            (0..100)
                .filter(|_| load.admits(now, Ipv4Addr::new(192, 0, 2, last)))
                .count()
        };
        assert_eq!(admitted(&mut load, now, 1), 5);
        assert_eq!(admitted(&mut load, now, 2), 5);
        assert_eq!(admitted(&mut load, now + Duration::from_millis(100), 1), 2);
    }
}
