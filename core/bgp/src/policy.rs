//! Policies: ordered terms that accept, reject and rewrite routes.
//!
//! Matches see the route as it was before the policy; actions of the terms that matched are
//! applied in order when the route is accepted. So a policy is two pure steps, and the second is
//! shared by all prefixes that have the same attributes and matched the same terms.

use core::net::Ipv4Addr;
use std::sync::Arc;

use inet::{Asn, Net, Prefix, PrefixMap};

use crate::settings::{Group, NeighborId};
use crate::wire::attributes::Attributes;

/// An ordered list of terms. Cheap to clone; equal policies make one update group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    terms: Arc<[Term]>,
    otherwise: Verdict,
}

/// What happens to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Take it, as rewritten so far.
    Accept,
    /// Go on with the next term. As a policy's last word it means `Reject`.
    Next,
    /// Refuse it.
    Reject,
}

/// When all of `when` match, do `then` and go by `verdict`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// All must match; an empty list matches every route.
    pub when: Vec<Match>,
    /// Rewrites, in order.
    pub then: Vec<Action>,
    /// What then.
    pub verdict: Verdict,
}

/// A property of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// AS_PATH contains the AS.
    AsPathContains(Asn),
    /// It carries the community.
    Community(u32),
    /// It carries an extended community that equals `value` in the bits of `mask`.
    ExtCommunity {
        /// Type, subtype and value, as on the wire.
        value: u64,
        /// The bits that count.
        mask: u64,
    },
    /// It was learned from this neighbour.
    From(NeighborId),
    /// It was learned from a neighbour of this class.
    FromGroup(Group),
    /// It is our own.
    Local,
    /// The inner match does not hold.
    Not(Box<Self>),
    /// The prefix is in the set.
    PrefixIn(PrefixSet),
}

/// A change to a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Add a community.
    AddCommunity(u32),
    /// Add an extended community.
    AddExtCommunity(u64),
    /// Set LOCAL_PREF.
    LocalPref(u32),
    /// Set MULTI_EXIT_DISC.
    Med(u32),
    /// Set NEXT_HOP.
    NextHop(Ipv4Addr),
    /// Prepend to AS_PATH this many times: on import the neighbour's AS, on export to an external
    /// neighbour our own; nothing on export to an internal one.
    Prepend {
        /// How many times.
        times: u8,
    },
    /// Remove a community.
    RemoveCommunity(u32),
    /// Remove the extended communities that equal `value` in the bits of `mask`.
    RemoveExtCommunity {
        /// Type, subtype and value, as on the wire.
        value: u64,
        /// The bits that count.
        mask: u64,
    },
}

/// A set of prefixes: each entry covers the lengths `ge` to `le` inside a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixSet(Arc<PrefixMap<Vec<(u8, u8)>>>);

impl PrefixSet {
    /// From (prefix, shortest length, longest length).
    pub fn new(entries: impl IntoIterator<Item = (Prefix, u8, u8)>) -> Self {
        let mut map: PrefixMap<Vec<(u8, u8)>> = PrefixMap::new();
        for (prefix, ge, le) in entries {
            match map.get_mut(prefix) {
                Some(ranges) => ranges.push((ge, le)),
                None => {
                    map.insert(prefix, vec![(ge, le)]);
                }
            }
        }
        Self(Arc::new(map))
    }

    /// Exactly these prefixes.
    pub fn exact(prefixes: impl IntoIterator<Item = Prefix>) -> Self {
        Self::new(prefixes.into_iter().map(|p| (p, p.len(), p.len())))
    }

    /// These prefixes and everything inside them.
    pub fn within(prefixes: impl IntoIterator<Item = Prefix>) -> Self {
        Self::new(prefixes.into_iter().map(|p| (p, p.len(), 32)))
    }

    /// Whether the prefix is in the set.
    pub fn contains(&self, net: impl Into<Net>) -> bool {
        let Net::V4(prefix) = net.into() else {
            return false;
        };
        self.0
            .matches(prefix.address())
            .filter(|(entry, _)| entry.covers(prefix))
            .any(|(_, ranges)| {
                ranges
                    .iter()
                    .any(|(ge, le)| (*ge..=*le).contains(&prefix.len()))
            })
    }
}

/// Where a route comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Our own.
    Local,
    /// A neighbour and its class.
    Neighbor(NeighborId, Group),
}

/// What a policy said about one route: the terms whose actions apply, or `None` for no.
pub(crate) type Applied = u128;

impl Policy {
    /// The most terms a policy can have.
    pub const TERMS_MAX: usize = 128;

    /// A policy of these terms, and what happens to a route that gets to the end. Terms behind
    /// [`Self::TERMS_MAX`] are refused: `None`.
    pub fn new(terms: Vec<Term>, otherwise: Verdict) -> Option<Self> {
        (terms.len() <= Self::TERMS_MAX).then(|| Self {
            terms: terms.into(),
            otherwise,
        })
    }

    /// Takes every route as it is.
    pub fn accept_all() -> Self {
        Self {
            terms: Arc::new([]),
            otherwise: Verdict::Accept,
        }
    }

    /// Refuses every route.
    pub fn reject_all() -> Self {
        Self {
            terms: Arc::new([]),
            otherwise: Verdict::Reject,
        }
    }

    /// The terms.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Which terms apply to a route; `None` when it is refused.
    pub(crate) fn judge(
        &self,
        net: Net,
        source: Source,
        attributes: &dyn Fn() -> Attributes,
    ) -> Option<Applied> {
        let mut applied = 0;
        let mut seen = None;
        for (index, term) in self.terms.iter().enumerate() {
            let holds = term
                .when
                .iter()
                .all(|m| m.holds(net, source, &mut seen, attributes));
            if !holds {
                continue;
            }
            applied |= 1 << index;
            match term.verdict {
                Verdict::Accept => return Some(applied),
                Verdict::Reject => return None,
                Verdict::Next => {}
            }
        }
        (self.otherwise == Verdict::Accept).then_some(applied)
    }

    /// The actions of the applied terms, in order.
    pub(crate) fn actions(&self, applied: Applied) -> impl Iterator<Item = &Action> {
        self.terms
            .iter()
            .enumerate()
            .filter(move |(index, _)| applied & (1 << index) != 0)
            .flat_map(|(_, term)| &term.then)
    }
}

impl Match {
    /// `seen` keeps the decoded attributes between the matches of one route.
    fn holds(
        &self,
        net: Net,
        source: Source,
        seen: &mut Option<Attributes>,
        attributes: &dyn Fn() -> Attributes,
    ) -> bool {
        match self {
            Self::AsPathContains(asn) => seen.get_or_insert_with(attributes).as_path.contains(*asn),
            Self::Community(community) => seen
                .get_or_insert_with(attributes)
                .communities
                .contains(community),
            Self::ExtCommunity { value, mask } => seen
                .get_or_insert_with(attributes)
                .ext_communities
                .iter()
                .any(|c| c & mask == value & mask),
            Self::From(id) => matches!(source, Source::Neighbor(from, _) if from == *id),
            Self::FromGroup(group) => {
                matches!(source, Source::Neighbor(_, from) if from == *group)
            }
            Self::Local => source == Source::Local,
            Self::Not(inner) => !inner.holds(net, source, seen, attributes),
            Self::PrefixIn(set) => set.contains(net),
        }
    }
}

impl Action {
    /// Applies the change. `prepend` is the AS that `Prepend` puts in front, if any.
    pub(crate) fn apply(&self, attributes: &mut Attributes, prepend: Option<Asn>) {
        match self {
            Self::AddCommunity(community) => insert(&mut attributes.communities, *community),
            Self::AddExtCommunity(community) => {
                insert(&mut attributes.ext_communities, *community);
            }
            Self::LocalPref(value) => attributes.local_pref = Some(*value),
            Self::Med(value) => attributes.med = Some(*value),
            Self::NextHop(address) => attributes.next_hop = (*address).into(),
            Self::Prepend { times } => {
                if let Some(asn) = prepend {
                    attributes.as_path.prepend(asn, usize::from(*times));
                }
            }
            Self::RemoveCommunity(community) => {
                attributes.communities.retain(|c| c != community);
            }
            Self::RemoveExtCommunity { value, mask } => {
                attributes
                    .ext_communities
                    .retain(|c| c & mask != value & mask);
            }
        }
    }
}

/// Adds to a sorted set kept as a list; keeps the order of what a peer sent.
fn insert<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}
