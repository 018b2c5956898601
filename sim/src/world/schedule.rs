//! Who wants to be woken when.
//!
//! An entry is only good while it is the one that its owner wants: changing one's mind costs a
//! new entry, and the old one is skipped when it comes up. So there is no searching.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use inet::Instant;

/// More wake-ups of one owner at one moment than any correct core asks for.
const REPEATS_MAX: u32 = 1000;

#[derive(Debug)]
pub(super) struct Schedule {
    heap: BinaryHeap<Reverse<(Instant, u32)>>,
    /// What each device wants; then the fabric, then the traffic.
    wanted: Vec<Option<Instant>>,
    now: Instant,
    last: (Instant, u32),
    repeats: u32,
}

impl Schedule {
    /// The fabric's number: behind all devices.
    pub(super) const FABRIC: u32 = u32::MAX - 1;
    /// The traffic's number.
    pub(super) const TRAFFIC: u32 = u32::MAX;

    pub(super) fn new(devices: usize) -> Self {
        Self {
            heap: BinaryHeap::new(),
            wanted: vec![None; devices + 2],
            now: Instant::ZERO,
            last: (Instant::ZERO, u32::MAX),
            repeats: 0,
        }
    }

    fn place(&self, who: u32) -> usize {
        match who {
            Self::FABRIC => self.wanted.len() - 2,
            Self::TRAFFIC => self.wanted.len() - 1,
            device => device as usize,
        }
    }

    /// From now on `who` wants to be woken then, and at no other time. A time that has passed is now.
    pub(super) fn set(&mut self, who: u32, at: Option<Instant>) {
        let at = at.map(|at| at.max(self.now));
        let place = self.place(who);
        if self.wanted[place] != at {
            self.wanted[place] = at;
            if let Some(at) = at {
                self.heap.push(Reverse((at, who)));
            }
        }
    }

    /// The next one to be woken, if that is not after `until`. It wants nothing until it says so.
    pub(super) fn pop(&mut self, until: Instant) -> Option<(Instant, u32)> {
        loop {
            let Reverse((at, who)) = *self.heap.peek()?;
            if at > until {
                return None;
            }
            self.heap.pop();
            let place = self.place(who);
            if self.wanted[place] != Some(at) {
                continue;
            }
            self.wanted[place] = None;
            self.now = at;
            self.repeats = if self.last == (at, who) {
                self.repeats + 1
            } else {
                0
            };
            self.last = (at, who);
            assert!(
                self.repeats < REPEATS_MAX,
                "device {who} asks to be woken at {at} again and again"
            );
            return Some((at, who));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_wish_wins_and_a_changed_one_is_forgotten() {
        let mut schedule = Schedule::new(3);
        let at = Instant::from_millis;
        schedule.set(0, Some(at(30)));
        schedule.set(1, Some(at(20)));
        schedule.set(Schedule::FABRIC, Some(at(20)));
        schedule.set(0, Some(at(10)));
        schedule.set(2, Some(at(5)));
        schedule.set(2, None);
        let until = at(100);
        let order: Vec<_> = core::iter::from_fn(|| schedule.pop(until)).collect();
        assert_eq!(
            order,
            [(at(10), 0), (at(20), 1), (at(20), Schedule::FABRIC)]
        );
    }
}
