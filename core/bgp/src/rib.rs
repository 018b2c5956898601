//! Paths by prefix: the Adj-RIBs-In and the Loc-RIB in one table.
//!
//! Prefixes have dense numbers, so that everything beside this table is an array or a bitmap. The
//! paths in use stand first, the best one before all; the others are in no order. A prefix with one
//! path, which is most of them, takes 40 bytes and no memory of its own.

mod index;

use core::hash::{BuildHasher as _, Hasher as _};
use core::net::Ipv4Addr;
use core::net::Ipv6Addr;

use inet::hash::Seeded;
use inet::{Net, Prefix, Prefix6};
use smallvec::SmallVec;

use crate::bits::Bits;
use crate::interner::AttrId;
use crate::settings::NeighborId;
use crate::view::Refusal;
use index::Index;

/// The number of a prefix.
pub(crate) type PrefixId = u32;

/// Who told a route: ourselves, or a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceId(u32);

impl SourceId {
    /// Ourselves.
    pub(crate) const LOCAL: Self = Self(u32::MAX);

    pub(crate) const fn of(neighbor: NeighborId) -> Self {
        Self(neighbor.0)
    }

    pub(crate) fn neighbor(self) -> Option<NeighborId> {
        (self != Self::LOCAL).then_some(NeighborId(self.0))
    }
}

/// A path to a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Who told us.
    pub(crate) source: SourceId,
    /// The path identifier that it came with (RFC 7911); 0 without.
    pub(crate) path: u32,
    /// As received.
    pub(crate) received: AttrId,
    /// After import policy; `None` when it was refused.
    pub(crate) accepted: Option<AttrId>,
    /// Its number among the paths of the prefix, for as long as it lives: what other speakers see
    /// as its path identifier.
    pub(crate) tag: u16,
    /// The neighbour's epoch in which it was told last; one of an older epoch is stale.
    pub(crate) epoch: u8,
    /// Why it was refused.
    pub(crate) refused: Option<Refusal>,
}

/// A path in use: who told us, by which path identifier, and what.
pub(crate) type Used = (SourceId, u32, Option<AttrId>);
/// The paths in use of one prefix, best first.
pub(crate) type InUse = SmallVec<[Used; 1]>;

/// A prefix and its paths.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// An IPv4 address, or the place of an IPv6 address.
    bits: u32,
    len: u8,
    flags: u8,
    /// How many of the paths, from the front, are in use.
    used: u16,
    pub(crate) routes: SmallVec<[Route; 1]>,
}

const V6: u8 = 1;
const FREE: u8 = 2;
const DIRTY: u8 = 4;

impl Entry {
    pub(crate) const fn used(&self) -> usize {
        self.used as usize
    }

    pub(crate) fn set_used(&mut self, used: usize) {
        debug_assert!(used <= self.routes.len(), "a path in use is a path");
        self.used = u16::try_from(used).unwrap_or(u16::MAX);
    }

    pub(crate) const fn is_v6(&self) -> bool {
        self.flags & V6 != 0
    }

    /// Marks the entry as waiting for the end of the batch; whether it was not before.
    pub(crate) const fn mark_dirty(&mut self) -> bool {
        let new = self.flags & DIRTY == 0;
        self.flags |= DIRTY;
        new
    }

    pub(crate) const fn mark_clean(&mut self) {
        self.flags &= !DIRTY;
    }

    /// The best path.
    pub(crate) fn best(&self) -> Option<&Route> {
        self.routes.first().filter(|_| self.used > 0)
    }

    /// The paths in use.
    pub(crate) fn in_use(&self) -> InUse {
        self.routes[..self.used()]
            .iter()
            .map(|route| (route.source, route.path, route.accepted))
            .collect()
    }

    /// The place of a route.
    pub(crate) fn place(&self, source: SourceId, path: u32) -> Option<usize> {
        self.routes
            .iter()
            .position(|route| route.source == source && route.path == path)
    }

    /// The least tag that no path has.
    pub(crate) fn free_tag(&self) -> u16 {
        let taken = |tag: &u16| self.routes.iter().any(|route| route.tag == *tag);
        match self.routes.len() {
            0 => 0,
            // A neighbour without add-path tells one path, so tags follow the number of paths.
            len => {
                let next = u16::try_from(len).unwrap_or(u16::MAX);
                if taken(&next) {
                    (0..u16::MAX).find(|tag| !taken(tag)).unwrap_or(u16::MAX)
                } else {
                    next
                }
            }
        }
    }
}

/// All prefixes.
#[derive(Debug)]
pub(crate) struct Rib {
    entries: Vec<Entry>,
    free: Bits,
    index: Index,
    hasher: Seeded,
    addresses: Vec<u128>,
    addresses_free: Vec<u32>,
}

/// So many prefixes that follow each other stand next to each other in the index: tables often come
/// in order, and nobody can choose more than these to fall together.
const NEIGHBORS: u32 = 16;

impl Rib {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            entries: Vec::new(),
            free: Bits::default(),
            index: Index::default(),
            hasher: Seeded(seed),
            addresses: Vec::new(),
            addresses_free: Vec::new(),
        }
    }

    fn hash(&self, net: Net) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        let mut low = None;
        match net {
            Net::V4(prefix) => {
                let number = prefix.bits().checked_shr(32 - u32::from(prefix.len()));
                let number = number.unwrap_or(0);
                low = Some(number % NEIGHBORS);
                hasher.write_u64(u64::from(number / NEIGHBORS) << 8 | u64::from(prefix.len()));
            }
            Net::V6(prefix) => {
                hasher.write_u64((prefix.bits() >> 64) as u64);
                hasher.write_u64(prefix.bits() as u64);
                hasher.write_u64(u64::from(prefix.len()) | 1 << 63);
            }
        }
        let hash = hasher.finish() as u32;
        low.map_or(hash, |low| hash & !(NEIGHBORS - 1) | low)
    }

    /// Whether an entry that is in the index is this prefix.
    fn is(&self, id: PrefixId, net: Net) -> bool {
        let entry = &self.entries[id as usize];
        match net {
            Net::V4(prefix) => {
                entry.bits == prefix.bits() && entry.len == prefix.len() && !entry.is_v6()
            }
            Net::V6(prefix) => {
                entry.len == prefix.len()
                    && entry.is_v6()
                    && self.addresses[entry.bits as usize] == prefix.bits()
            }
        }
    }

    /// The number of a prefix, if it has one.
    pub(crate) fn id(&self, net: Net) -> Option<PrefixId> {
        self.index.find(self.hash(net), |id| self.is(id, net))
    }

    /// The numbers of prefixes; new ones for those that have none. The look-ups wait for memory
    /// together: all places of the index are read first, then all entries that they name.
    pub(crate) fn add_all(&mut self, nets: &[Net], ids: &mut SmallVec<[PrefixId; 32]>) {
        let mut probes: SmallVec<[(u32, Option<PrefixId>); 32]> = SmallVec::new();
        for net in nets {
            let hash = self.hash(*net);
            probes.push((hash, self.index.peek(hash)));
        }
        for (net, (_, id)) in nets.iter().zip(&mut probes) {
            *id = id.filter(|id| self.is(*id, *net));
        }
        for (net, (hash, id)) in nets.iter().zip(probes) {
            ids.push(id.unwrap_or_else(|| self.add_hashed(*net, hash)));
        }
    }

    /// The number of a prefix; a new one when it has none.
    pub(crate) fn add(&mut self, net: Net) -> PrefixId {
        self.add_hashed(net, self.hash(net))
    }

    fn add_hashed(&mut self, net: Net, hash: u32) -> PrefixId {
        if let Some(id) = self.index.find(hash, |id| self.is(id, net)) {
            return id;
        }
        let (bits, flags) = match net {
            Net::V4(prefix) => (prefix.bits(), 0),
            Net::V6(prefix) => (self.keep(prefix.bits()), V6),
        };
        let entry = Entry {
            bits,
            len: net.len(),
            flags,
            used: 0,
            routes: SmallVec::new(),
        };
        let id = match self.free.next_from(0) {
            Some(id) => {
                self.free.remove(id);
                self.entries[id as usize] = entry;
                id
            }
            None => {
                self.entries.push(entry);
                u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 prefixes")
            }
        };
        self.index.insert(hash, id);
        id
    }

    fn keep(&mut self, address: u128) -> u32 {
        match self.addresses_free.pop() {
            Some(place) => {
                self.addresses[place as usize] = address;
                place
            }
            None => {
                self.addresses.push(address);
                u32::try_from(self.addresses.len() - 1).expect("fewer than 2^32 prefixes")
            }
        }
    }

    /// Frees the number of a prefix without paths.
    pub(crate) fn remove(&mut self, id: PrefixId) {
        if self.entries[id as usize].flags & FREE != 0 {
            return;
        }
        let hash = self.hash(self.net(id));
        self.index.remove(hash, id);
        let entry = &mut self.entries[id as usize];
        debug_assert!(
            entry.routes.is_empty(),
            "a prefix with paths keeps its number"
        );
        if entry.is_v6() {
            self.addresses_free.push(entry.bits);
        }
        entry.flags = FREE;
        entry.routes = SmallVec::new();
        self.free.insert(id);
    }

    /// Gives memory back when much of it is no longer used: numbers at the end that are free go,
    /// and with the last prefix everything.
    pub(crate) fn shrink(&mut self) {
        if self.index.len() == 0 {
            if !self.entries.is_empty() {
                self.entries = Vec::new();
                self.free = Bits::default();
                self.index = Index::default();
                self.addresses = Vec::new();
                self.addresses_free = Vec::new();
            }
            return;
        }
        while self
            .entries
            .last()
            .is_some_and(|last| last.flags & FREE != 0)
        {
            self.entries.pop();
            self.free.remove(self.entries.len() as u32);
        }
        if self.entries.capacity() > SPARE.max(self.entries.len() * 4) {
            self.entries.shrink_to(self.entries.len() * 2);
        }
        self.index.shrink();
    }

    pub(crate) fn entry(&self, id: PrefixId) -> &Entry {
        &self.entries[id as usize]
    }

    pub(crate) fn entry_mut(&mut self, id: PrefixId) -> &mut Entry {
        &mut self.entries[id as usize]
    }

    /// The prefix of a number.
    pub(crate) fn net(&self, id: PrefixId) -> Net {
        let entry = &self.entries[id as usize];
        if entry.is_v6() {
            let address = Ipv6Addr::from_bits(self.addresses[entry.bits as usize]);
            Net::V6(Prefix6::around(address, entry.len).expect("it was a prefix"))
        } else {
            let address = Ipv4Addr::from_bits(entry.bits);
            Net::V4(Prefix::around(address, entry.len).expect("it was a prefix"))
        }
    }

    /// One more than the highest number.
    pub(crate) const fn end(&self) -> PrefixId {
        self.entries.len() as PrefixId
    }

    /// All prefixes with their numbers, in order of numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PrefixId, &Entry)> {
        self.iter_from(0)
    }

    /// The places from this one on that are taken.
    pub(crate) fn iter_from(&self, from: PrefixId) -> impl Iterator<Item = (PrefixId, &Entry)> {
        let entries = self.entries.get(from as usize..).unwrap_or_default();
        (from..)
            .zip(entries)
            .filter(|(_, entry)| entry.flags & FREE == 0)
    }
}

/// Tables up to this many places are not made smaller.
const SPARE: usize = 4_096;
