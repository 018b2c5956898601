//! From hashes to numbers of prefixes: open addressing in one array, so that a look-up touches one
//! cache line, and many at once wait for memory together. It never looks at what it points to.

use super::PrefixId;

/// A hash and the number of a prefix.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    id: PrefixId,
}

const EMPTY: Slot = Slot {
    hash: 0,
    id: PrefixId::MAX,
};
/// The least number of places.
const PLACES_MIN: usize = 64;

/// The index.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// INVARIANT: none, or a power of two; at most three quarters are taken, and each entry stands
    /// at the place of its hash or behind it without a gap.
    slots: Vec<Slot>,
    len: usize,
}

impl Index {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// What stands at the place of a hash: its number when the hashes are equal.
    pub(super) fn peek(&self, hash: u32) -> Option<PrefixId> {
        let place = hash as usize & self.slots.len().checked_sub(1)?;
        let slot = self.slots[place];
        (slot.hash == hash && slot.id != EMPTY.id).then_some(slot.id)
    }

    /// The number with this hash that is the one looked for.
    pub(super) fn find(&self, hash: u32, is: impl Fn(PrefixId) -> bool) -> Option<PrefixId> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot.id == EMPTY.id {
                return None;
            }
            if slot.hash == hash && is(slot.id) {
                return Some(slot.id);
            }
            place = (place + 1) & mask;
        }
    }

    /// Puts a number in that is not there yet.
    pub(super) fn insert(&mut self, hash: u32, id: PrefixId) {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.resize((self.slots.len() * 2).max(PLACES_MIN));
        }
        self.place(Slot { hash, id });
        self.len += 1;
    }

    fn place(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut place = slot.hash as usize & mask;
        while self.slots[place].id != EMPTY.id {
            place = (place + 1) & mask;
        }
        self.slots[place] = slot;
    }

    /// Takes a number out; those behind it close the gap.
    pub(super) fn remove(&mut self, hash: u32, id: PrefixId) {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return;
        };
        let mut gap = hash as usize & mask;
        while self.slots[gap].id != id {
            if self.slots[gap].id == EMPTY.id {
                return;
            }
            gap = (gap + 1) & mask;
        }
        let mut next = (gap + 1) & mask;
        while self.slots[next].id != EMPTY.id {
            let home = self.slots[next].hash as usize & mask;
            // It may move into the gap when its own place is not between the two.
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(gap) & mask) {
                self.slots[gap] = self.slots[next];
                gap = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[gap] = EMPTY;
        self.len -= 1;
    }

    /// Gives memory back when little of it is used.
    pub(super) fn shrink(&mut self) {
        if self.len == 0 {
            self.slots = Vec::new();
        } else if self.slots.len() > PLACES_MIN.max(self.len * 16) {
            self.resize((self.len * 4).next_power_of_two());
        }
    }

    fn resize(&mut self, places: usize) {
        let old = core::mem::replace(&mut self.slots, vec![EMPTY; places]);
        for slot in old {
            if slot.id != EMPTY.id {
                self.place(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_in_is_found_until_it_is_taken_out(
            steps in prop::collection::vec((any::<bool>(), 0..400_u32), 0..800),
        ) {
            let (mut index, mut model) = (Index::default(), BTreeMap::new());
            for (insert, id) in steps {
                // Many fall on the same place.
                let hash = id / 7;
                if insert && model.insert(id, hash).is_none() {
                    index.insert(hash, id);
                } else if !insert && model.remove(&id).is_some() {
                    index.remove(hash, id);
                }
                index.shrink();
            }
            prop_assert_eq!(index.len(), model.len());
            for id in 0..400 {
                let found = index.find(id / 7, |other| other == id);
                prop_assert_eq!(found, model.contains_key(&id).then_some(id));
            }
        }
    }
}
