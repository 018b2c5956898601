//! FQ-CoDel (RFC 8290): a queue for every flow; flows that send little before flows that queue; CoDel on each.

use std::collections::VecDeque;

use hashbrown::HashMap;
use inet::Instant;
use inet::hash::Seeded;

use crate::codel::{Codel, Limits};
use crate::{Dropped, Item};

/// Flows of one class.
pub(crate) struct Fair<T> {
    // Looked up and searched for the longest flow, with ties decided by number: its order shows nowhere.
    flows: HashMap<u16, Flow<T>, Seeded>,
    /// Flows that have not used their first quantum yet (RFC 8290 §4.2).
    new: VecDeque<u16>,
    old: VecDeque<u16>,
    octets: usize,
    packets: usize,
}

struct Flow<T> {
    waiting: VecDeque<(Instant, T)>,
    octets: usize,
    /// Octets that it may send before others have their turn.
    credit: isize,
    codel: Codel,
}

impl<T: Item> Fair<T> {
    pub(crate) fn new() -> Self {
        Self {
            flows: HashMap::with_hasher(Seeded(0)),
            new: VecDeque::new(),
            old: VecDeque::new(),
            octets: 0,
            packets: 0,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.packets == 0
    }

    pub(crate) const fn octets(&self) -> usize {
        self.octets
    }

    pub(crate) const fn packets(&self) -> usize {
        self.packets
    }

    pub(crate) fn push(&mut self, now: Instant, item: T, quantum: usize) {
        let number = (item.flow() % FLOWS) as u16;
        let new = &mut self.new;
        let flow = self.flows.entry(number).or_insert_with(|| {
            new.push_back(number);
            Flow {
                waiting: VecDeque::new(),
                octets: 0,
                credit: quantum.cast_signed(),
                codel: Codel::default(),
            }
        });
        flow.octets += item.octets();
        self.octets += item.octets();
        self.packets += 1;
        flow.waiting.push_back((now, item));
    }

    /// The next packet to send; those that waited too long go to `dropped` or are marked.
    pub(crate) fn pop(
        &mut self,
        now: Instant,
        quantum: usize,
        limits: &Limits,
        dropped: &mut impl FnMut(T, Dropped),
    ) -> Option<T> {
        loop {
            let is_new = !self.new.is_empty();
            let number = *self.new.front().or(self.old.front())?;
            let flow = self.flows.get_mut(&number).expect("listed flows exist");
            if flow.credit <= 0 {
                flow.credit += quantum.cast_signed();
                self.rotate(is_new, Some(number));
                continue;
            }
            let before = (flow.octets, flow.waiting.len());
            let found = flow.take(now, limits, dropped);
            self.octets -= before.0 - flow.octets;
            self.packets -= before.1 - flow.waiting.len();
            if found.is_some() {
                return found;
            }
            // A new flow that ran dry waits for its turn among the old ones, so that it cannot come back as new at once.
            if is_new && !self.old.is_empty() {
                self.rotate(true, Some(number));
            } else {
                self.rotate(is_new, None);
                self.flows.remove(&number);
            }
        }
    }

    /// Takes the head of the longest flow, to make room.
    pub(crate) fn behead(&mut self) -> Option<T> {
        let longest = self
            .flows
            .iter_mut()
            .max_by_key(|(number, flow)| (flow.octets, **number))?;
        let (_, item) = longest.1.waiting.pop_front()?;
        longest.1.octets -= item.octets();
        self.octets -= item.octets();
        self.packets -= 1;
        Some(item)
    }

    /// Takes the first flow from its list, and puts it to the end of the old ones.
    fn rotate(&mut self, is_new: bool, back: Option<u16>) {
        match is_new {
            true => self.new.pop_front(),
            false => self.old.pop_front(),
        };
        self.old.extend(back);
    }
}

impl<T: Item> Flow<T> {
    fn take(
        &mut self,
        now: Instant,
        limits: &Limits,
        dropped: &mut impl FnMut(T, Dropped),
    ) -> Option<T> {
        loop {
            let (since, mut item) = self.waiting.pop_front()?;
            self.octets -= item.octets();
            let must_go = self.codel.must_drop(now, since, self.octets, limits);
            if !must_go || item.mark() {
                self.credit -= item.octets().cast_signed();
                return Some(item);
            }
            dropped(item, Dropped::Delayed);
        }
    }
}

/// Flows told apart; more share queues by chance (RFC 8290 §5.2.1).
const FLOWS: u64 = 1024;
