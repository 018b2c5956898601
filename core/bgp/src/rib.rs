//! Paths by prefix: the Adj-RIBs-In and the Loc-RIB in one table.
//!
//! Prefixes have dense numbers, so that everything beside this table is an array. A prefix keeps its
//! paths in the order of the decision: those in use first, the best one before all.

use hashbrown::HashMap;
use inet::Net;
use inet::hash::Seeded;
use smallvec::SmallVec;

use crate::interner::AttrId;
use crate::settings::NeighborId;

/// The number of a prefix.
pub(crate) type PrefixId = u32;

/// A path to a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Who told us; `None` is ourselves.
    pub(crate) source: Option<NeighborId>,
    /// As received.
    pub(crate) received: AttrId,
    /// After import policy; `None` when policy or a loop check refused it.
    pub(crate) accepted: Option<AttrId>,
}

/// A prefix and its paths.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) net: Net,
    pub(crate) routes: SmallVec<[Route; 2]>,
    /// How many of them, from the front, are in use.
    pub(crate) used: usize,
}

impl Entry {
    /// The best path.
    pub(crate) fn best(&self) -> Option<(AttrId, Option<NeighborId>)> {
        let best = self.routes.first().filter(|_| self.used > 0)?;
        Some((best.accepted?, best.source))
    }

    /// The paths in use: who told us, and what.
    pub(crate) fn in_use(&self) -> SmallVec<[(Option<NeighborId>, Option<AttrId>); 4]> {
        self.routes[..self.used]
            .iter()
            .map(|route| (route.source, route.accepted))
            .collect()
    }
}

/// All prefixes.
#[derive(Debug)]
pub(crate) struct Rib {
    entries: Vec<Option<Entry>>,
    free: Vec<PrefixId>,
    index: HashMap<Net, PrefixId, Seeded>,
}

impl Rib {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            index: HashMap::with_hasher(Seeded(seed)),
        }
    }

    /// The number of a prefix, if it has one.
    pub(crate) fn id(&self, net: Net) -> Option<PrefixId> {
        self.index.get(&net).copied()
    }

    /// The number of a prefix; a new one when it has none.
    pub(crate) fn add(&mut self, net: Net) -> PrefixId {
        if let Some(id) = self.id(net) {
            return id;
        }
        let entry = Some(Entry {
            net,
            routes: SmallVec::new(),
            used: 0,
        });
        let id = match self.free.pop() {
            Some(id) => {
                self.entries[id as usize] = entry;
                id
            }
            None => {
                self.entries.push(entry);
                u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 prefixes")
            }
        };
        self.index.insert(net, id);
        id
    }

    /// Frees the number of a prefix without paths.
    pub(crate) fn remove(&mut self, id: PrefixId) {
        if let Some(entry) = self.entries[id as usize].take() {
            debug_assert!(
                entry.routes.is_empty(),
                "a prefix with paths keeps its number"
            );
            self.index.remove(&entry.net);
            self.free.push(id);
        }
    }

    pub(crate) fn entry(&self, id: PrefixId) -> &Entry {
        self.entries[id as usize]
            .as_ref()
            .expect("a number in use names a prefix")
    }

    pub(crate) fn entry_mut(&mut self, id: PrefixId) -> &mut Entry {
        self.entries[id as usize]
            .as_mut()
            .expect("a number in use names a prefix")
    }

    /// All prefixes with their numbers, in order of numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PrefixId, &Entry)> {
        (0..)
            .zip(&self.entries)
            .filter_map(|(id, entry)| Some((id, entry.as_ref()?)))
    }
}
