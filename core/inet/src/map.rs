//! A map from prefixes to values with longest-prefix match, iterated in prefix order.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use crate::Prefix;

/// Values by prefix. Iteration is ordered by address, then by length, so it is the same every run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixMap<V> {
    entries: BTreeMap<Prefix, V>,
    /// How many entries there are of each length: a match only tries lengths that exist.
    lengths: [u32; 33],
}

impl<V> Default for PrefixMap<V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            lengths: [0; 33],
        }
    }
}

impl<V> PrefixMap<V> {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a value under a prefix and gives back the one that was there.
    pub fn insert(&mut self, prefix: Prefix, value: V) -> Option<V> {
        let old = self.entries.insert(prefix, value);
        if old.is_none() {
            self.lengths[usize::from(prefix.len())] += 1;
        }
        old
    }

    /// Takes a prefix out.
    pub fn remove(&mut self, prefix: Prefix) -> Option<V> {
        let old = self.entries.remove(&prefix);
        if old.is_some() {
            self.lengths[usize::from(prefix.len())] -= 1;
        }
        old
    }

    /// The value of exactly this prefix.
    pub fn get(&self, prefix: Prefix) -> Option<&V> {
        self.entries.get(&prefix)
    }

    /// The value of exactly this prefix, to change.
    pub fn get_mut(&mut self, prefix: Prefix) -> Option<&mut V> {
        self.entries.get_mut(&prefix)
    }

    /// The longest prefix that contains the address.
    pub fn longest_match(&self, address: Ipv4Addr) -> Option<(Prefix, &V)> {
        self.matches(address).next()
    }

    /// Every prefix that contains the address, longest first.
    pub fn matches(&self, address: Ipv4Addr) -> impl Iterator<Item = (Prefix, &V)> {
        (0..=32u8).rev().filter_map(move |len| {
            if self.lengths[usize::from(len)] == 0 {
                return None;
            }
            let prefix = Prefix::around(address, len)?;
            self.entries.get(&prefix).map(|value| (prefix, value))
        })
    }

    /// Every entry, ordered by prefix.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &V)> {
        self.entries.iter().map(|(prefix, value)| (*prefix, value))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<V> FromIterator<(Prefix, V)> for PrefixMap<V> {
    fn from_iter<I: IntoIterator<Item = (Prefix, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (prefix, value) in entries {
            map.insert(prefix, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().expect("a prefix")
    }

    #[test]
    fn the_longest_match_wins_and_the_shorter_one_is_left_when_it_goes() {
        let mut map: PrefixMap<u32> = [("0.0.0.0/0", 0), ("10.0.0.0/8", 8), ("10.1.0.0/16", 16)]
            .into_iter()
            .map(|(text, value)| (prefix(text), value))
            .collect();
        let address = Ipv4Addr::new(10, 1, 2, 3);
        assert_eq!(
            map.longest_match(address),
            Some((prefix("10.1.0.0/16"), &16))
        );
        assert_eq!(map.remove(prefix("10.1.0.0/16")), Some(16));
        assert_eq!(map.longest_match(address), Some((prefix("10.0.0.0/8"), &8)));
        assert_eq!(
            map.longest_match(Ipv4Addr::new(11, 0, 0, 1)),
            Some((Prefix::DEFAULT, &0))
        );
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn matches_come_longest_first() {
        let map: PrefixMap<()> = ["10.0.0.0/8", "0.0.0.0/0", "10.1.0.0/16", "10.1.2.3/32"]
            .into_iter()
            .map(|text| (prefix(text), ()))
            .collect();
        let lengths: Vec<u8> = map
            .matches(Ipv4Addr::new(10, 1, 2, 3))
            .map(|(prefix, ())| prefix.len())
            .collect();
        assert_eq!(lengths, [32, 16, 8, 0]);
    }
}
