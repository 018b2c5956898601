//! Attribute sets, each kept once: equal sets have equal numbers.
//!
//! The number is what paths, policies' results and Adj-RIBs-Out hold; comparing routes is comparing
//! numbers. Numbers are counted references. One without references is used again only after
//! [`Interner::sweep`], so that within a batch a number that was seen keeps its meaning.

use core::hash::BuildHasher as _;
use core::num::NonZeroU32;

use hashbrown::HashTable;
use inet::hash::Seeded;

use crate::rank::Rank;
use crate::wire::attributes::Attributes;

/// The number of an attribute set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AttrId(NonZeroU32);

impl AttrId {
    const fn place(self) -> usize {
        self.0.get() as usize
    }
}

#[derive(Debug, Default)]
struct Set {
    block: Box<[u8]>,
    rank: Rank,
    references: u32,
    hash: u32,
}

/// All attribute sets of a speaker.
#[derive(Debug)]
pub(crate) struct Interner {
    /// The first is never used: numbers begin with one.
    sets: Vec<Set>,
    free: Vec<AttrId>,
    /// Sets whose last reference went since the last sweep; some may have a new one.
    idle: Vec<AttrId>,
    /// Hash and number: growing needs no look at the sets.
    index: HashTable<(u32, AttrId)>,
    hasher: Seeded,
    bytes: usize,
}

/// A table takes the top and the bottom bits of a hash: both halves are the same 32 bits.
const fn spread(hash: u32) -> u64 {
    (hash as u64) << 32 | hash as u64
}

impl Interner {
    /// An empty one. Peers choose what is hashed, so the seed must not be known to them.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            sets: vec![Set::default()],
            free: Vec::new(),
            idle: Vec::new(),
            index: HashTable::new(),
            hasher: Seeded(seed),
            bytes: 0,
        }
    }

    /// The number of a canonical block, with one more reference.
    pub(crate) fn intern(&mut self, block: &[u8]) -> AttrId {
        let hash = self.hasher.hash_one(block) as u32;
        let sets = &self.sets;
        let same =
            |(known, id): &(u32, AttrId)| *known == hash && *sets[id.place()].block == *block;
        if let Some((_, id)) = self.index.find(spread(hash), same).copied() {
            self.retain(id);
            return id;
        }
        let set = Set {
            block: block.into(),
            rank: Rank::of(block),
            references: 1,
            hash,
        };
        self.bytes += block.len();
        let id = match self.free.pop() {
            Some(id) => {
                self.sets[id.place()] = set;
                id
            }
            None => {
                self.sets.push(set);
                let place = u32::try_from(self.sets.len() - 1).ok();
                AttrId(
                    place
                        .and_then(NonZeroU32::new)
                        .expect("fewer than 2^32 attribute sets"),
                )
            }
        };
        self.index
            .insert_unique(spread(hash), (hash, id), |(hash, _)| spread(*hash));
        id
    }

    /// One more reference.
    pub(crate) fn retain(&mut self, id: AttrId) {
        self.sets[id.place()].references += 1;
    }

    /// One reference fewer; without one a set goes with the next sweep.
    pub(crate) fn release(&mut self, id: AttrId) {
        let set = &mut self.sets[id.place()];
        debug_assert!(set.references > 0, "a reference is released once");
        set.references -= 1;
        if set.references == 0 {
            self.idle.push(id);
        }
    }

    /// Frees the sets without references.
    pub(crate) fn sweep(&mut self) {
        for id in core::mem::take(&mut self.idle) {
            let set = &mut self.sets[id.place()];
            if set.references > 0 || set.block.is_empty() {
                continue;
            }
            let hash = set.hash;
            self.bytes -= set.block.len();
            *set = Set::default();
            if let Ok(entry) = self
                .index
                .find_entry(spread(hash), |(_, other)| *other == id)
            {
                entry.remove();
            }
            self.free.push(id);
        }
        if self.index.is_empty() && self.sets.len() > 1 {
            // After a storm the memory goes back.
            self.sets = vec![Set::default()];
            self.free = Vec::new();
            self.index = HashTable::new();
        }
    }

    /// The canonical block.
    pub(crate) fn block(&self, id: AttrId) -> &[u8] {
        &self.sets[id.place()].block
    }

    /// What the decision compares.
    pub(crate) fn rank(&self, id: AttrId) -> &Rank {
        &self.sets[id.place()].rank
    }

    /// The attributes, decoded.
    pub(crate) fn attributes(&self, id: AttrId) -> Attributes {
        Attributes::from_canonical(self.block(id))
    }

    /// How many different sets there are.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// How many bytes their blocks have.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

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
        interner.sweep();
        assert_eq!(interner.attributes(b).next_hop, Ipv4Addr::new(10, 0, 0, 1));
        interner.release(b);
        assert_eq!(interner.intern(&one), a, "it still has its meaning");
        interner.release(a);
        interner.sweep();
        assert_eq!(interner.len(), 1);
        assert_eq!(interner.intern(&one), a, "the number is used again");
    }

    #[test]
    fn memory_goes_back_when_the_last_set_goes() {
        let mut interner = Interner::new(1);
        let ids: Vec<AttrId> = (0..1000)
            .map(|n| interner.intern(&Attributes::new(Ipv4Addr::from_bits(n)).encode(true)))
            .collect();
        for id in ids {
            interner.release(id);
        }
        interner.sweep();
        assert_eq!((interner.sets.len(), interner.bytes()), (1, 0));
    }
}
