//! A made-up routing table with the proportions of the real one, and its UPDATEs, encoded.
//!
//! Prefixes are mostly /24 with shorter ones between, in random order; about ten share a set of
//! attributes, with a few sets that many share; AS_PATHs are three to six long. The last AS of a
//! path is the [`Tag`] of the sender and attribute set, so that whoever sees a route knows which it is.
//! The place of a prefix in the table can be computed from its address: a monitor needs no map.

use std::net::Ipv4Addr;

use inet::Rng;

use crate::wire;

mod index;

pub use index::Index;

/// Of 100 attribute sets, how many have how few and how many prefixes: 9.7 on average.
const SHARES: [(u64, u64, u64); 5] = [
    (35, 1, 1),
    (15, 2, 2),
    (25, 3, 8),
    (15, 9, 24),
    (10, 25, 80),
];
/// Transit AS numbers are drawn from here.
const TRANSITS: (u32, u32) = (1_000, 60_000);
/// The longest path, sender and tag included.
const PATH_MAX: usize = 12;
/// Tags begin here: numbers that no AS has.
const TAGS: u32 = 1 << 24;
/// Bits of a tag that number the attribute set.
const SET_BITS: u32 = 20;

/// Names a sender's attribute set; stands in AS_PATH as the originating AS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(u32);

impl Tag {
    /// The tag of attribute set `set` as sender `sender` has it.
    pub fn new(sender: usize, set: usize) -> Self {
        let sender = u32::try_from(sender).expect("few senders");
        let set = u32::try_from(set).expect("fewer sets than prefixes");
        assert!(set < 1 << SET_BITS, "a table has at most 2^20 sets");
        Self(TAGS + (sender << SET_BITS | set))
    }

    /// The tag that a route carries, if it is one.
    pub fn read(asn: u32) -> Option<Self> {
        (TAGS..TAGS + (256 << SET_BITS))
            .contains(&asn)
            .then_some(Self(asn))
    }

    /// The AS number that stands for it.
    pub fn asn(self) -> u32 {
        self.0
    }

    /// The sender.
    pub fn sender(self) -> usize {
        ((self.0 - TAGS) >> SET_BITS) as usize
    }

    /// The attribute set.
    pub fn set(self) -> usize {
        ((self.0 - TAGS) & ((1 << SET_BITS) - 1)) as usize
    }
}

/// How long the AS_PATHs of a sender are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// Three to six, as the table has them.
    Table,
    /// All the same.
    Equal,
    /// Of any so many neighbouring senders each has a length of its own, another one for each
    /// attribute set: exactly one of them has the shortest.
    Differ(usize),
}

/// Prefixes that share their attributes.
#[derive(Clone, Debug)]
struct Set {
    /// Its prefixes' places in the order.
    first: usize,
    count: usize,
    len: usize,
    transits: [u32; PATH_MAX],
    communities: Vec<u8>,
}

/// A routing table.
#[derive(Clone, Debug)]
pub struct Table {
    index: Index,
    /// Prefix numbers in the order in which they are announced.
    order: Vec<u32>,
    sets: Vec<Set>,
    /// The set of each prefix number.
    set_of: Vec<u32>,
}

/// A sender's UPDATEs.
#[derive(Clone, Debug, Default)]
pub struct Updates {
    /// The messages, one after the other.
    pub bytes: Vec<u8>,
    /// How many they are.
    pub count: usize,
}

/// A neighbour that announces a table.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// Its number; also tells versions of one neighbour's table apart.
    pub number: usize,
    /// Its AS.
    pub asn: u32,
    /// Its address, which is the next hop.
    pub address: Ipv4Addr,
    /// Its paths.
    pub lengths: Lengths,
}

impl Table {
    /// A table of `count` prefixes; the same seed gives the same table.
    pub fn new(count: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let index = Index::new(count);
        let mut order: Vec<u32> = (0..u32::try_from(count).expect("a table fits IPv4")).collect();
        for place in (1..order.len()).rev() {
            order.swap(place, rng.below(place as u64 + 1) as usize);
        }
        let mut sets = Vec::new();
        let mut set_of = vec![0; count];
        let mut first = 0;
        while first < count {
            let set = Set::draw(first, count - first, &mut rng);
            for &number in &order[first..first + set.count] {
                set_of[number as usize] = u32::try_from(sets.len()).expect("fewer than prefixes");
            }
            first += set.count;
            sets.push(set);
        }
        Self {
            index,
            order,
            sets,
            set_of,
        }
    }

    /// How many prefixes it has.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// From prefixes to their numbers.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The attribute set of a prefix number.
    pub fn set_of(&self, number: usize) -> usize {
        self.set_of[number] as usize
    }

    /// The AS_PATH of a set as `sender` announces it.
    pub fn path(&self, sender: &Sender, set: usize) -> impl Iterator<Item = u32> {
        let chosen = &self.sets[set];
        let len = match sender.lengths {
            Lengths::Table => chosen.len,
            Lengths::Equal => 4,
            Lengths::Differ(senders) => 3 + (set + sender.number) % senders,
        };
        let transits = chosen.transits.iter().take(len - 2).copied();
        let tag = Tag::new(sender.number, set).asn();
        std::iter::once(sender.asn).chain(transits).chain([tag])
    }

    /// The communities of a set, as they stand in the attribute.
    pub fn communities(&self, set: usize) -> &[u8] {
        &self.sets[set].communities
    }

    /// All of it as UPDATEs of a sender, at most one for each attribute set.
    pub fn announce(&self, sender: &Sender) -> Updates {
        let mut updates = Updates::default();
        for (number, set) in self.sets.iter().enumerate() {
            let path: Vec<u32> = self.path(sender, number).collect();
            wire::message(&mut updates.bytes, wire::UPDATE, |out| {
                out.extend([0, 0]);
                write_attributes(out, &path, sender.address, &set.communities);
                for &prefix in &self.order[set.first..set.first + set.count] {
                    let (address, len) = self.index.prefix(prefix as usize);
                    wire::prefix(out, address, len);
                }
            });
            updates.count += 1;
        }
        updates
    }
}

impl Set {
    fn draw(first: usize, left: usize, rng: &mut Rng) -> Self {
        let mut share = rng.below(SHARES.iter().map(|(weight, _, _)| weight).sum());
        let chosen = SHARES.iter().find(|(weight, _, _)| {
            let found = share < *weight;
            share = share.saturating_sub(*weight);
            found
        });
        let (_, least, most) = chosen.expect("the draw is below the sum");
        let count = (least + rng.below(most - least + 1)) as usize;
        let (low, high) = TRANSITS;
        let mut transits = [0; PATH_MAX];
        transits.fill_with(|| low + rng.below(u64::from(high - low)) as u32);
        // In ascending order: some daemons sort them.
        let mut communities: Vec<[u8; 4]> = (0..rng.below(8))
            .map(|_| (rng.next_u64() as u32 & 0x7fff_ffff).to_be_bytes())
            .collect();
        communities.sort_unstable();
        communities.dedup();
        Self {
            first,
            count: count.min(left),
            len: 3 + rng.below(4) as usize,
            transits,
            communities: communities.concat(),
        }
    }
}

/// Writes the attribute field of an UPDATE: ORIGIN, AS_PATH, NEXT_HOP, COMMUNITIES.
pub(crate) fn write_attributes(
    out: &mut Vec<u8>,
    path: &[u32],
    next_hop: Ipv4Addr,
    communities: &[u8],
) {
    let short = |len: usize| u8::try_from(len).expect("short attributes");
    let start = out.len();
    out.extend([0, 0, 0x40, 1, 1, 0]);
    out.extend([0x40, 2, short(2 + path.len() * 4), 2, short(path.len())]);
    out.extend(path.iter().flat_map(|asn| asn.to_be_bytes()));
    out.extend([0x40, 3, 4]);
    out.extend(next_hop.octets());
    if !communities.is_empty() {
        out.extend([0xc0, 8, short(communities.len())]);
        out.extend(communities);
    }
    let len = u16::try_from(out.len() - start - 2).expect("short attributes");
    out[start..start + 2].copy_from_slice(&len.to_be_bytes());
}

#[cfg(test)]
mod tests;
