//! Domains of classes, and which of them a name lies in.

use std::collections::BTreeMap;

/// How many matches of a node's classes may have domains: a bit stands for each.
pub(crate) const MATCHES_MAX: u32 = 64;

/// Domains by the matches that name them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DomainSet(u64);

impl DomainSet {
    /// None of them.
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether two have one in common.
    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Those of either.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The domains of all matches.
#[derive(Clone, Debug, Default)]
pub(super) struct Domains {
    sets: BTreeMap<Vec<u8>, DomainSet>,
    count: u32,
}

impl Domains {
    /// Adds the domains of a match.
    pub(super) fn add(&mut self, names: &[String]) -> DomainSet {
        if names.is_empty() || self.count >= MATCHES_MAX {
            return DomainSet::NONE;
        }
        let own = DomainSet(1 << self.count);
        self.count += 1;
        for name in names {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let set = self.sets.entry(name.into_bytes()).or_default();
            *set = set.with(own);
        }
        own
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The domains that a name in lower case is, or lies below.
    pub(super) fn of(&self, name: &[u8]) -> DomainSet {
        let mut found = DomainSet::NONE;
        let mut rest = name;
        loop {
            if let Some(set) = self.sets.get(rest) {
                found = found.with(*set);
            }
            match rest.iter().position(|octet| *octet == b'.') {
                Some(dot) => rest = &rest[dot + 1..],
                None => return found,
            }
        }
    }
}
