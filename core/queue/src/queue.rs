//! The queue of one path: a rate, classes that share it, flows that share a class.

use core::time::Duration;

use inet::Instant;

use crate::bucket::Bucket;
use crate::codel::Limits;
use crate::fair::Fair;
use crate::{Dropped, Item};

/// How a class stands beside the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Before all that have weights, however much it sends.
    Strict,
    /// Its part of what strict classes leave, relative to the other weights; zero counts as one.
    Weight(u16),
}

/// A class's place in [`Settings::shares`]; one that is not there counts as the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub usize);

/// What the operator decided about a queue.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bits a second on the wire; `None` when what follows sets the pace.
    pub rate: Option<u64>,
    /// How far ahead of the rate a burst may be, in time at that rate.
    pub burst: Duration,
    /// The classes, at least one.
    pub shares: Vec<Share>,
    /// Octets that may wait, over all classes.
    pub octets: usize,
    /// Packets that may wait, over all classes.
    pub packets: usize,
    /// What a flow may send before others have their turn (RFC 8290 §5.2.3): the longest packet, or a
    /// small multiple of it.
    pub quantum: usize,
    /// The longest that packets should wait (RFC 8289 §4.2).
    pub target: Duration,
    /// For how long they may wait longer than that: about the round-trip time of the flows (RFC 8289 §4.2).
    pub interval: Duration,
}

impl Default for Settings {
    /// One class, no rate, RFC 8289's 5 and 100 ms, and room for what waits 5 ms at 6 Gb/s.
    fn default() -> Self {
        Self {
            rate: None,
            burst: Duration::from_millis(1),
            shares: vec![Share::Weight(1)],
            octets: 4 << 20,
            packets: 1024,
            quantum: 9000,
            target: Duration::from_millis(5),
            interval: Duration::from_millis(100),
        }
    }
}

/// What waits for one path.
pub struct Queue<T> {
    settings: Settings,
    limits: Limits,
    bucket: Bucket,
    classes: Vec<Waiting<T>>,
    /// The class with a weight whose turn it is.
    turn: usize,
}

struct Waiting<T> {
    share: Share,
    flows: Fair<T>,
    /// Octets that it may send in this turn.
    credit: isize,
}

impl<T: Item> Queue<T> {
    /// An empty queue.
    ///
    /// # Panics
    ///
    /// Without a class.
    pub fn new(settings: Settings) -> Self {
        assert!(!settings.shares.is_empty(), "a queue has a class");
        let classes = settings.shares.iter().map(|share| Waiting {
            share: *share,
            flows: Fair::new(),
            credit: 0,
        });
        Self {
            classes: classes.collect(),
            limits: Limits {
                target: settings.target,
                interval: settings.interval,
                burst: settings.quantum,
            },
            bucket: Bucket::new(settings.rate, settings.burst),
            turn: 0,
            settings,
        }
    }

    /// Lets a packet wait. What has to make room for it goes to `dropped`.
    pub fn push(
        &mut self,
        now: Instant,
        class: Class,
        item: T,
        mut dropped: impl FnMut(T, Dropped),
    ) {
        let class = class.0.min(self.classes.len() - 1);
        self.classes[class]
            .flows
            .push(now, item, self.settings.quantum);
        while self.octets() > self.settings.octets || self.packets() > self.settings.packets {
            let longest = self
                .classes
                .iter_mut()
                .max_by_key(|class| class.flows.octets());
            let Some(item) = longest.and_then(|class| class.flows.behead()) else {
                break;
            };
            dropped(item, Dropped::Full);
        }
    }

    /// The packet that is to be sent now. What has waited too long is marked, or goes to `dropped`.
    pub fn pop(&mut self, now: Instant, mut dropped: impl FnMut(T, Dropped)) -> Option<T> {
        if self.is_empty() || !self.bucket.is_open(now) {
            return None;
        }
        let item = self
            .pop_strict(now, &mut dropped)
            .or_else(|| self.pop_weighted(now, &mut dropped))?;
        self.bucket.take(now, item.octets());
        Some(item)
    }

    /// From when on [`Queue::pop`] gives something; what lies in the past means at once. `None` while empty.
    pub fn next(&self) -> Option<Instant> {
        let is_limited = self.settings.rate.is_some();
        let at = if is_limited {
            self.bucket.open_at()
        } else {
            Instant::ZERO
        };
        (!self.is_empty()).then_some(at)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(|class| class.flows.is_empty())
    }

    /// Octets that wait.
    pub fn octets(&self) -> usize {
        self.classes.iter().map(|class| class.flows.octets()).sum()
    }

    /// Packets that wait.
    pub fn packets(&self) -> usize {
        self.classes.iter().map(|class| class.flows.packets()).sum()
    }

    fn pop_strict(&mut self, now: Instant, dropped: &mut impl FnMut(T, Dropped)) -> Option<T> {
        let strict = self
            .classes
            .iter_mut()
            .filter(|class| class.share == Share::Strict);
        for class in strict {
            let item = class
                .flows
                .pop(now, self.settings.quantum, &self.limits, dropped);
            if item.is_some() {
                return item;
            }
        }
        None
    }

    /// Deficit round robin: whose turn it is sends while it has credit, and then the next one gets its own.
    fn pop_weighted(&mut self, now: Instant, dropped: &mut impl FnMut(T, Dropped)) -> Option<T> {
        let quantum = self.settings.quantum;
        let has = |class: &Waiting<T>| class.weight().is_some() && !class.flows.is_empty();
        while self.classes.iter().any(has) {
            let class = &mut self.classes[self.turn];
            if has(class)
                && class.credit > 0
                && let Some(item) = class.flows.pop(now, quantum, &self.limits, dropped)
            {
                class.credit -= item.octets().cast_signed();
                return Some(item);
            }
            if class.flows.is_empty() {
                class.credit = 0;
            }
            self.turn = (self.turn + 1) % self.classes.len();
            let class = &mut self.classes[self.turn];
            if let (true, Some(weight)) = (has(class), class.weight()) {
                class.credit += (quantum * weight).cast_signed();
            }
        }
        None
    }
}

impl<T> Waiting<T> {
    fn weight(&self) -> Option<usize> {
        match self.share {
            Share::Strict => None,
            Share::Weight(weight) => Some(usize::from(weight).max(1)),
        }
    }
}

#[cfg(test)]
mod tests;
