//! Attribute sets, each kept once: equal sets have equal numbers.
//!
//! The number is what paths, policies' results and Adj-RIBs-Out hold; comparing routes is comparing
//! numbers. Numbers are counted references and are used again when the last one goes.

use core::hash::BuildHasher as _;
use core::net::Ipv4Addr;
use std::sync::Arc;

use hashbrown::HashTable;
use inet::Asn;
use inet::hash::Seeded;

use crate::wire::attributes::{Attributes, Origin, Scan, Session, as_path, table};

/// The number of an attribute set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AttrId(u32);

/// What the decision needs of an attribute set, decoded once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rank {
    pub(crate) local_pref: u32,
    pub(crate) as_path_len: usize,
    pub(crate) origin: Origin,
    pub(crate) med: u32,
    pub(crate) neighbor_as: Option<Asn>,
    pub(crate) originator: Option<Ipv4Addr>,
    pub(crate) clusters: usize,
}

#[derive(Debug)]
struct Set {
    block: Arc<[u8]>,
    rank: Rank,
    references: u32,
}

/// All attribute sets of a speaker.
#[derive(Debug)]
pub(crate) struct Interner {
    sets: Vec<Option<Set>>,
    free: Vec<u32>,
    index: HashTable<u32>,
    hasher: Seeded,
}

impl Interner {
    /// An empty one. Peers choose what is hashed, so the seed must not be known to them.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            sets: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: Seeded(seed),
        }
    }

    /// The number of a canonical block, with one more reference.
    pub(crate) fn intern(&mut self, block: &[u8]) -> AttrId {
        let hash = self.hasher.hash_one(block);
        let sets = &self.sets;
        let same = |id: &u32| {
            sets[*id as usize]
                .as_ref()
                .is_some_and(|set| *set.block == *block)
        };
        if let Some(id) = self.index.find(hash, same).copied() {
            self.retain(AttrId(id));
            return AttrId(id);
        }
        let set = Set {
            block: block.into(),
            rank: rank(block),
            references: 1,
        };
        let id = match self.free.pop() {
            Some(id) => {
                self.sets[id as usize] = Some(set);
                id
            }
            None => {
                self.sets.push(Some(set));
                u32::try_from(self.sets.len() - 1).expect("fewer than 2^32 attribute sets")
            }
        };
        let (sets, hasher) = (&self.sets, self.hasher);
        self.index.insert_unique(hash, id, |id| {
            sets[*id as usize]
                .as_ref()
                .map_or(0, |set| hasher.hash_one(&*set.block))
        });
        AttrId(id)
    }

    /// One more reference.
    pub(crate) fn retain(&mut self, id: AttrId) {
        if let Some(set) = &mut self.sets[id.0 as usize] {
            set.references += 1;
        }
    }

    /// One reference fewer; the last one frees the set.
    pub(crate) fn release(&mut self, id: AttrId) {
        let slot = &mut self.sets[id.0 as usize];
        let set = slot.as_mut().expect("a reference is released once");
        set.references -= 1;
        if set.references > 0 {
            return;
        }
        let hash = self.hasher.hash_one(&*set.block);
        *slot = None;
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == id.0) {
            entry.remove();
        }
        self.free.push(id.0);
    }

    /// The canonical block.
    pub(crate) fn block(&self, id: AttrId) -> &Arc<[u8]> {
        &self.set(id).block
    }

    /// What the decision compares.
    pub(crate) fn rank(&self, id: AttrId) -> Rank {
        self.set(id).rank
    }

    /// The attributes, decoded.
    pub(crate) fn attributes(&self, id: AttrId) -> Attributes {
        Attributes::from_canonical(self.block(id))
    }

    /// How many different sets there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    fn set(&self, id: AttrId) -> &Set {
        self.sets[id.0 as usize]
            .as_ref()
            .expect("a number that is held names a set")
    }
}

/// What the decision compares of a canonical block, read in place.
fn rank(block: &[u8]) -> Rank {
    let scan = Scan::new(block, &Session::INSIDE);
    let value = |code| scan.value(code).unwrap_or_default();
    let (as_path_len, neighbor_as) = as_path::measure(value(table::AS_PATH), true);
    let origin = value(table::ORIGIN).first().copied();
    Rank {
        local_pref: scan
            .number(table::LOCAL_PREF)
            .unwrap_or(Attributes::LOCAL_PREF),
        as_path_len,
        origin: origin.and_then(Origin::from_number).unwrap_or_default(),
        med: scan.number(table::MULTI_EXIT_DISC).unwrap_or(0),
        neighbor_as,
        originator: scan.number(table::ORIGINATOR_ID).map(Ipv4Addr::from_bits),
        clusters: value(table::CLUSTER_LIST).len() / 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_are_kept_once_and_freed_with_the_last_reference() {
        let mut interner = Interner::new(1);
        let one = Attributes::new(Ipv4Addr::new(10, 0, 0, 1)).encode(true);
        let two = Attributes::new(Ipv4Addr::new(10, 0, 0, 2)).encode(true);
        let (a, b, c) = (
            interner.intern(&one),
            interner.intern(&one),
            interner.intern(&two),
        );
        assert_eq!(a, b);
        assert_ne!(a, c);
        assert_eq!(interner.len(), 2);
        interner.release(a);
        assert_eq!(interner.attributes(b).next_hop, Ipv4Addr::new(10, 0, 0, 1));
        interner.release(b);
        assert_eq!(interner.len(), 1);
        assert_eq!(interner.intern(&one), a, "the number is used again");
    }
}
