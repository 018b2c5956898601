//! Actions: changes to a route that a policy accepts.

use core::net::IpAddr;

use inet::{Asn, Net};

use super::{CommunityPattern, ExtPattern, LargePattern, Range};
use crate::wire::attributes::{AsPath, Attributes, Origin, Segment};

/// A change to a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Add a community.
    AddCommunity(u32),
    /// Add an extended community.
    AddExtCommunity(u64),
    /// Add a large community.
    AddLargeCommunity([u32; 3]),
    /// Add to MULTI_EXIT_DISC, up to the greatest number; a route without one counts as zero.
    AddMed(u32),
    /// The route counts under this shorter prefix, beside the others that do.
    Aggregate(Net),
    /// Set LOCAL_PREF.
    LocalPref(u32),
    /// Set MULTI_EXIT_DISC.
    Med(u32),
    /// Set NEXT_HOP.
    NextHop(IpAddr),
    /// Set ORIGIN.
    Origin(Origin),
    /// Prepend to AS_PATH this many times: on import the neighbour's AS, on export to an external
    /// neighbour our own; nothing on export to an internal one.
    Prepend {
        /// How many times.
        times: u8,
    },
    /// Put these numbers in front of AS_PATH, the first of them first.
    PrependAs(Vec<Asn>),
    /// Take these ASes out of AS_PATH.
    RemoveAs(Vec<Range>),
    /// Remove the communities that one of the patterns means.
    RemoveCommunities(Vec<CommunityPattern>),
    /// Remove a community.
    RemoveCommunity(u32),
    /// Remove the extended communities that one of the patterns means.
    RemoveExtCommunities(Vec<ExtPattern>),
    /// Remove the extended communities that equal `value` in the bits of `mask`.
    RemoveExtCommunity {
        /// Type, subtype and value, as on the wire.
        value: u64,
        /// The bits that count.
        mask: u64,
    },
    /// Remove the large communities that one of the patterns means.
    RemoveLargeCommunities(Vec<LargePattern>),
    /// Remove MULTI_EXIT_DISC.
    RemoveMed,
    /// Take private ASes (RFC 6996) out of AS_PATH.
    RemovePrivate(Private),
    /// Put one AS in place of another in AS_PATH.
    ReplaceAs {
        /// The one that goes.
        from: Asn,
        /// The one that comes.
        to: Asn,
    },
    /// Replace the whole AS_PATH.
    SetAsPath(Vec<Asn>),
    /// Replace all communities.
    SetCommunities(Vec<u32>),
    /// Replace all extended communities.
    SetExtCommunities(Vec<u64>),
    /// Replace all large communities.
    SetLargeCommunities(Vec<[u32; 3]>),
}

/// Which private ASes go, and what comes in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Private {
    /// All of them go.
    All,
    /// Those go that stand in front of every public one.
    Leading,
    /// In the place of each comes the AS that [`Action::Prepend`] would put in front.
    Replace,
}

impl Action {
    /// Applies the change. `prepend` is the AS that `Prepend` puts in front, if any.
    pub(crate) fn apply(&self, attributes: &mut Attributes, prepend: Option<Asn>) {
        match self {
            Self::AddCommunity(community) => insert(&mut attributes.communities, *community),
            Self::AddExtCommunity(community) => {
                insert(&mut attributes.ext_communities, *community);
            }
            Self::AddLargeCommunity(community) => {
                insert(&mut attributes.large_communities, *community);
            }
            Self::AddMed(more) => {
                let med = attributes.med.unwrap_or(0).saturating_add(*more);
                attributes.med = Some(med);
            }
            // What it does is the speaker's: it is about more than one route.
            Self::Aggregate(_) => {}
            Self::LocalPref(value) => attributes.local_pref = Some(*value),
            Self::Med(value) => attributes.med = Some(*value),
            Self::RemoveMed => attributes.med = None,
            Self::NextHop(address) => attributes.next_hop = *address,
            Self::Origin(origin) => attributes.origin = *origin,
            Self::RemoveCommunities(patterns) => attributes
                .communities
                .retain(|c| !patterns.iter().any(|pattern| pattern.matches(*c))),
            Self::RemoveCommunity(community) => attributes.communities.retain(|c| c != community),
            Self::RemoveExtCommunities(patterns) => attributes
                .ext_communities
                .retain(|c| !patterns.iter().any(|pattern| pattern.matches(*c))),
            Self::RemoveExtCommunity { value, mask } => attributes
                .ext_communities
                .retain(|c| c & mask != value & mask),
            Self::RemoveLargeCommunities(patterns) => attributes
                .large_communities
                .retain(|c| !patterns.iter().any(|pattern| pattern.matches(*c))),
            Self::SetCommunities(list) => attributes.communities.clone_from(list),
            Self::SetExtCommunities(list) => attributes.ext_communities.clone_from(list),
            Self::SetLargeCommunities(list) => attributes.large_communities.clone_from(list),
            Self::Prepend { .. }
            | Self::PrependAs(_)
            | Self::RemoveAs(_)
            | Self::RemovePrivate(_)
            | Self::ReplaceAs { .. }
            | Self::SetAsPath(_) => self.apply_to_path(&mut attributes.as_path, prepend),
        }
    }

    fn apply_to_path(&self, path: &mut AsPath, prepend: Option<Asn>) {
        match self {
            Self::Prepend { times } => {
                if let Some(asn) = prepend {
                    path.prepend(asn, usize::from(*times));
                }
            }
            Self::PrependAs(asns) => {
                for asn in asns.iter().rev() {
                    path.prepend(*asn, 1);
                }
            }
            Self::RemoveAs(ranges) => {
                retain(path, |asn| {
                    !ranges.iter().any(|range| range.contains(asn.0))
                });
            }
            Self::RemovePrivate(Private::All) => retain(path, |asn| !asn.is_private()),
            Self::RemovePrivate(Private::Leading) => {
                let mut leading = true;
                retain(path, |asn| {
                    leading &= asn.is_private();
                    !leading
                });
            }
            Self::RemovePrivate(Private::Replace) => {
                if let Some(ours) = prepend {
                    for asn in path.0.iter_mut().flat_map(|segment| match segment {
                        Segment::Sequence(asns) | Segment::Set(asns) => asns,
                    }) {
                        if asn.is_private() {
                            *asn = ours;
                        }
                    }
                }
            }
            Self::ReplaceAs { from, to } => path.replace(*from, *to),
            Self::SetAsPath(asns) => *path = AsPath::sequence(asns.iter().copied()),
            _ => unreachable!("changes something else than the path"),
        }
    }
}

/// Keeps some numbers of a path; segments that become empty go.
fn retain(path: &mut AsPath, mut keep: impl FnMut(Asn) -> bool) {
    for segment in &mut path.0 {
        match segment {
            Segment::Sequence(asns) | Segment::Set(asns) => asns.retain(|asn| keep(*asn)),
        }
    }
    path.0.retain(|segment| !segment.asns().is_empty());
}

/// Adds to a sorted set kept as a list; keeps the order of what a peer sent.
fn insert<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}
