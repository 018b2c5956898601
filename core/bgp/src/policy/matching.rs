//! Matches: properties of a route as it came.

use core::net::IpAddr;

use inet::{Asn, Net};

use super::{AsPattern, CommunityPattern, ExtPattern, LargePattern, PrefixSet, Range, Source};
use crate::settings::{Group, NeighborId};
use crate::wire::attributes::{AsPath, Attributes, Origin, Segment};

/// A property of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// All of these hold; none is always true.
    All(Vec<Self>),
    /// One of these holds; none is never true.
    Any(Vec<Self>),
    /// AS_PATH contains the AS.
    AsPathContains(Asn),
    /// AS_PATH is exactly these numbers, without sets.
    AsPathIs(Vec<Asn>),
    /// The length of AS_PATH, as the decision counts it.
    AsPathLength(Range),
    /// AS_PATH matches the pattern.
    AsPathMatches(AsPattern),
    /// It has exactly these communities, in any order.
    CommunitiesAre(Vec<u32>),
    /// It carries the community.
    Community(u32),
    /// It carries a community that one of the patterns means.
    CommunityIn(Vec<CommunityPattern>),
    /// It carries an extended community that equals `value` in the bits of `mask`.
    ExtCommunity {
        /// Type, subtype and value, as on the wire.
        value: u64,
        /// The bits that count.
        mask: u64,
    },
    /// It carries an extended community that one of the patterns means.
    ExtCommunityIn(Vec<ExtPattern>),
    /// It was learned from this neighbour.
    From(NeighborId),
    /// It was learned from a neighbour of this class.
    FromGroup(Group),
    /// It is an IPv6 route.
    Ipv6,
    /// It carries a large community that one of the patterns means.
    LargeCommunityIn(Vec<LargePattern>),
    /// The length of its prefix.
    Length(Range),
    /// It is our own.
    Local,
    /// Its LOCAL_PREF; 100 when it has none.
    LocalPref(Range),
    /// Its MULTI_EXIT_DISC; a route without one does not match.
    Med(Range),
    /// The neighbouring AS, at the front of AS_PATH.
    NeighborAs(Vec<Range>),
    /// Its next hop lies in one of the prefixes.
    NextHopIn(PrefixSet),
    /// The inner match does not hold.
    Not(Box<Self>),
    /// Its ORIGIN.
    Origin(Origin),
    /// The AS at the end of AS_PATH.
    OriginAs(Vec<Range>),
    /// The prefix is in the set.
    PrefixIn(PrefixSet),
}

impl Match {
    /// `seen` keeps the decoded attributes between the matches of one route.
    pub(super) fn holds(
        &self,
        net: Net,
        source: Source,
        seen: &mut Option<Attributes>,
        attributes: &dyn Fn() -> Attributes,
    ) -> bool {
        match self {
            Self::All(all) => all.iter().all(|m| m.holds(net, source, seen, attributes)),
            Self::Any(any) => any.iter().any(|m| m.holds(net, source, seen, attributes)),
            Self::From(id) => matches!(source, Source::Neighbor(from, _) if from == *id),
            Self::FromGroup(group) => {
                matches!(source, Source::Neighbor(_, from) if from == *group)
            }
            Self::Ipv6 => net.is_v6(),
            Self::Length(range) => range.contains(net.len().into()),
            Self::Local => source == Source::Local,
            Self::Not(inner) => !inner.holds(net, source, seen, attributes),
            Self::PrefixIn(set) => set.contains(net),
            Self::AsPathContains(_)
            | Self::AsPathIs(_)
            | Self::AsPathLength(_)
            | Self::AsPathMatches(_)
            | Self::CommunitiesAre(_)
            | Self::Community(_)
            | Self::CommunityIn(_)
            | Self::ExtCommunity { .. }
            | Self::ExtCommunityIn(_)
            | Self::LargeCommunityIn(_)
            | Self::LocalPref(_)
            | Self::Med(_)
            | Self::NeighborAs(_)
            | Self::NextHopIn(_)
            | Self::Origin(_)
            | Self::OriginAs(_) => self.holds_of(seen.get_or_insert_with(attributes)),
        }
    }

    /// Gives the neighbours other numbers.
    pub(super) fn renumber(&mut self, number: &dyn Fn(NeighborId) -> NeighborId) {
        match self {
            Self::From(id) => *id = number(*id),
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.renumber(number);
                }
            }
            Self::Not(inner) => inner.renumber(number),
            _ => {}
        }
    }

    /// The same for matches that look at nothing but the attributes.
    fn holds_of(&self, attributes: &Attributes) -> bool {
        let path = &attributes.as_path;
        match self {
            Self::AsPathContains(asn) => path.contains(*asn),
            Self::AsPathIs(asns) => {
                let sets = path.0.iter().any(|s| matches!(s, Segment::Set(_)));
                !sets && path.asns().eq(asns.iter().copied())
            }
            Self::AsPathLength(range) => {
                range.contains(u32::try_from(path.len()).unwrap_or(u32::MAX))
            }
            Self::AsPathMatches(pattern) => pattern.matches(path),
            Self::CommunitiesAre(list) => {
                let same = |a: &[u32], b: &[u32]| a.iter().all(|c| b.contains(c));
                let own = &attributes.communities;
                same(list, own) && same(own, list)
            }
            Self::Community(community) => attributes.communities.contains(community),
            Self::CommunityIn(patterns) => {
                carries(&attributes.communities, patterns, |p, c| p.matches(c))
            }
            Self::ExtCommunity { value, mask } => attributes
                .ext_communities
                .iter()
                .any(|c| c & mask == value & mask),
            Self::ExtCommunityIn(patterns) => {
                carries(&attributes.ext_communities, patterns, |p, c| p.matches(c))
            }
            Self::LargeCommunityIn(patterns) => {
                carries(&attributes.large_communities, patterns, |p, c| p.matches(c))
            }
            Self::LocalPref(range) => {
                range.contains(attributes.local_pref.unwrap_or(Attributes::LOCAL_PREF))
            }
            Self::Med(range) => attributes.med.is_some_and(|med| range.contains(med)),
            Self::NeighborAs(ranges) => path.first().is_some_and(|asn| within(asn, ranges)),
            Self::NextHopIn(set) => within_set(attributes.next_hop, set),
            Self::Origin(origin) => attributes.origin == *origin,
            Self::OriginAs(ranges) => last(path).is_some_and(|asn| within(asn, ranges)),
            Self::All(_)
            | Self::Any(_)
            | Self::From(_)
            | Self::FromGroup(_)
            | Self::Ipv6
            | Self::Length(_)
            | Self::Local
            | Self::Not(_)
            | Self::PrefixIn(_) => unreachable!("looks at more than the attributes"),
        }
    }
}

/// Whether one of the communities is meant by one of the patterns.
fn carries<C: Copy, P>(communities: &[C], patterns: &[P], matches: impl Fn(&P, C) -> bool) -> bool {
    communities
        .iter()
        .any(|community| patterns.iter().any(|pattern| matches(pattern, *community)))
}

fn within(asn: Asn, ranges: &[Range]) -> bool {
    ranges.iter().any(|range| range.contains(asn.0))
}

fn within_set(address: IpAddr, set: &PrefixSet) -> bool {
    set.contains(Net::host(address))
}

/// The AS that a route began in: the last number of a path that ends with a sequence.
fn last(path: &AsPath) -> Option<Asn> {
    match path.0.last() {
        Some(Segment::Sequence(asns)) => asns.last().copied(),
        Some(Segment::Set(_)) | None => None,
    }
}
