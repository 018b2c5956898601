//! One ordered queue of wake-ups for all parts of a node.
//!
//! A hub has thousands of probers. Each keeps its own deadline here, so that the node's next
//! wake-up is the first entry, and one wake-up touches only the parts that are due.

use std::collections::{BTreeMap, BTreeSet};

use inet::Instant;
use path::PathId;

use crate::id::{LanId, LinkId, LocatorId};
use crate::plane::egress::EgressId;

/// A part of the node that has deadlines. The order decides who goes first at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The very first wake-up.
    Start,
    /// A tunnel endpoint.
    Locator(LocatorId),
    /// A path: its prober, or the age of its handshake.
    Path(PathId),
    /// The discovery of how long packets may be on a path.
    Mtu(PathId),
    /// How a path is carried.
    Carrier(PathId),
    /// Connections that others began.
    Guests,
    /// A link: paths of it that are held.
    Link(LinkId),
    /// The BGP speaker.
    Speaker,
    /// A virtual router.
    Lan(LanId),
    /// The route budget.
    Guard,
    /// Blocks of protected packets.
    Protect,
    /// What waits for bandwidth.
    Egress(EgressId),
    /// Shortcuts: who is introduced, called, used.
    Shortcuts,
    /// Addresses that names resolve to.
    Names,
}

/// At most one deadline for each part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeSet<(Instant, Part)>,
    deadlines: BTreeMap<Part, Instant>,
}

impl Timers {
    /// Sets, moves or (with `None`) removes a part's deadline.
    pub(crate) fn set(&mut self, part: Part, at: Option<Instant>) {
        let old = match at {
            Some(at) => self.deadlines.insert(part, at),
            None => self.deadlines.remove(&part),
        };
        if old == at {
            return;
        }
        if let Some(old) = old {
            self.queue.remove(&(old, part));
        }
        if let Some(at) = at {
            self.queue.insert((at, part));
        }
    }

    /// Whether a part has a deadline.
    pub(crate) fn has(&self, part: Part) -> bool {
        self.deadlines.contains_key(&part)
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes out a part whose deadline is due.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Part> {
        let (at, part) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.queue.pop_first();
        self.deadlines.remove(&part);
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_out_in_the_order_of_their_deadlines_and_only_when_due() {
        let mut timers = Timers::default();
        timers.set(Part::Speaker, Some(Instant::from_secs(2)));
        timers.set(Part::Lan(LanId(0)), Some(Instant::from_secs(1)));
        timers.set(Part::Path(PathId(0)), Some(Instant::from_secs(9)));
        timers.set(Part::Path(PathId(0)), Some(Instant::from_secs(3)));
        timers.set(Part::Lan(LanId(0)), None);
        assert_eq!(timers.next(), Some(Instant::from_secs(2)));
        let now = Instant::from_secs(2);
        assert_eq!(timers.pop(now), Some(Part::Speaker));
        assert_eq!(timers.pop(now), None);
        assert_eq!(timers.next(), Some(Instant::from_secs(3)));
    }
}
