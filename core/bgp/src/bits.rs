//! A set of small numbers as a bitmap in pieces: prefixes that a neighbour told, that a member is
//! still to be told, numbers that are free. Pieces without a member take no memory.

/// Numbers for each piece.
const PIECE: usize = 4096;
const WORDS: usize = PIECE / 64;

#[derive(Clone, Debug)]
struct Piece {
    count: u32,
    words: [u64; WORDS],
}

/// A set of numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    pieces: Vec<Option<Box<Piece>>>,
    len: usize,
}

const fn split(n: u32) -> (usize, usize, u64) {
    let n = n as usize;
    (n / PIECE, n % PIECE / 64, 1 << (n % 64))
}

impl Bits {
    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[cfg(test)]
    pub(crate) fn contains(&self, n: u32) -> bool {
        let (piece, word, bit) = split(n);
        let piece = self.pieces.get(piece).and_then(Option::as_ref);
        piece.is_some_and(|piece| piece.words[word] & bit != 0)
    }

    /// Puts a number in; whether it is new.
    pub(crate) fn insert(&mut self, n: u32) -> bool {
        let (place, word, bit) = split(n);
        if self.pieces.len() <= place {
            self.pieces.resize(place + 1, None);
        }
        let piece = self.pieces[place].get_or_insert_with(|| {
            Box::new(Piece {
                count: 0,
                words: [0; WORDS],
            })
        });
        let new = piece.words[word] & bit == 0;
        if new {
            piece.words[word] |= bit;
            piece.count += 1;
            self.len += 1;
        }
        new
    }

    /// Takes a number out; whether it was in.
    pub(crate) fn remove(&mut self, n: u32) -> bool {
        let (place, word, bit) = split(n);
        let Some(slot) = self.pieces.get_mut(place) else {
            return false;
        };
        let Some(piece) = slot else { return false };
        if piece.words[word] & bit == 0 {
            return false;
        }
        piece.words[word] &= !bit;
        piece.count -= 1;
        self.len -= 1;
        if piece.count == 0 {
            *slot = None;
        }
        if self.len == 0 {
            self.pieces = Vec::new();
        }
        true
    }

    /// The least number from `from` on.
    pub(crate) fn next_from(&self, from: u32) -> Option<u32> {
        let (mut place, mut word, bit) = split(from);
        let mut mask = !(bit - 1);
        while let Some(piece) = self.pieces.get(place) {
            if let Some(piece) = piece {
                while word < WORDS {
                    let left = piece.words[word] & mask;
                    if left != 0 {
                        let n = place * PIECE + word * 64 + left.trailing_zeros() as usize;
                        return Some(n as u32);
                    }
                    mask = u64::MAX;
                    word += 1;
                }
            }
            (place, word, mask) = (place + 1, 0, u64::MAX);
        }
        None
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let mut from = Some(0);
        core::iter::from_fn(move || {
            let found = self.next_from(from?)?;
            from = found.checked_add(1);
            Some(found)
        })
    }

    /// Puts all numbers below `end` in.
    pub(crate) fn fill(&mut self, end: u32) {
        let whole = end as usize / PIECE;
        self.pieces.resize(self.pieces.len().max(whole), None);
        for slot in &mut self.pieces[..whole] {
            let had = slot.as_ref().map_or(0, |piece| piece.count as usize);
            self.len += PIECE - had;
            *slot = Some(Box::new(Piece {
                count: PIECE as u32,
                words: [u64::MAX; WORDS],
            }));
        }
        for n in (whole * PIECE) as u32..end {
            self.insert(n);
        }
    }

    /// Puts all of another set in.
    pub(crate) fn extend(&mut self, other: &Self) {
        for n in other.iter() {
            self.insert(n);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((any::<bool>(), 0..20_000_u32), 0..300)) {
            let (mut bits, mut set) = (Bits::default(), BTreeSet::new());
            for (insert, n) in steps {
                if insert {
                    prop_assert_eq!(bits.insert(n), set.insert(n));
                } else {
                    prop_assert_eq!(bits.remove(n), set.remove(&n));
                }
                prop_assert_eq!(bits.len(), set.len());
                prop_assert_eq!(bits.contains(n), set.contains(&n));
            }
            prop_assert_eq!(bits.iter().collect::<Vec<_>>(), set.iter().copied().collect::<Vec<_>>());
            let end = set.len() as u32 * 37;
            bits.fill(end);
            set.extend(0..end);
            prop_assert_eq!(bits.len(), set.len());
            let from = 7_000;
            prop_assert_eq!(bits.next_from(from), set.range(from..).next().copied());
        }
    }
}
