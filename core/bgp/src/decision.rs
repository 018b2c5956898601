//! The decision process (RFC 4271 §9.1.2.2, RFC 4456 §9, RFC 9494 §4.3): which paths are used.
//!
//! The answer depends on the paths alone, not on their age or order of arrival, so that two
//! speakers with the same paths decide the same. The first steps are one number for each path
//! ([`Rank::first_steps`]); a path that loses or wins by it needs no look at the others.
//! MULTI_EXIT_DISC is compared within a neighbouring AS only and makes no total order; so the later
//! steps remove candidates, as the RFC describes them.

use core::net::{IpAddr, Ipv4Addr};

use smallvec::SmallVec;

use crate::interner::{AttrId, Interner};
use crate::rank::Rank;
use crate::rib::{Entry, Route, SourceId};
use crate::settings::{AsPathRule, MedRule, Settings};

/// What the decision needs of the neighbour that a path came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// In another AS.
    pub(crate) external: bool,
    /// Interior cost of its next hops.
    pub(crate) cost: u32,
    /// Its BGP identifier.
    pub(crate) router_id: Ipv4Addr,
    /// Its address.
    pub(crate) address: IpAddr,
}

/// What the decision looks at beside the paths.
#[derive(Clone, Copy)]
pub(crate) struct Decision<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) interner: &'a Interner,
    /// By neighbour.
    pub(crate) origins: &'a [Origin],
}

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Our own routes go before all others, as routers' weight has it.
    Own,
    /// LLGR_STALE loses (RFC 9494 §4.3).
    Stale,
    /// The higher LOCAL_PREF.
    LocalPref,
    /// The shorter AS_PATH.
    AsPathLength,
    /// The smaller ORIGIN.
    Origin,
    /// The smaller MULTI_EXIT_DISC of the same neighbouring AS.
    Med,
    /// External before internal.
    External,
    /// The lower interior cost.
    InteriorCost,
    /// The lower BGP identifier, or ORIGINATOR_ID.
    RouterId,
    /// The shorter CLUSTER_LIST.
    ClusterList,
    /// The lower address of the neighbour.
    Address,
    /// The lower path identifier.
    PathId,
}

/// Paths that few prefixes exceed: up to here the decision takes no memory.
const FEW: usize = 8;
/// Our own routes come before all others.
const LEARNED: u64 = 1 << 63;

#[derive(Clone, Copy, Debug)]
struct Candidate<'a> {
    route: Route,
    accepted: AttrId,
    rank: &'a Rank,
    origin: Option<Origin>,
}

type Candidates<'a> = SmallVec<[Candidate<'a>; FEW]>;

impl Candidate<'_> {
    /// Breaks the tie between equal paths: steps f and g, with RFC 4456's additions.
    fn tie_break(&self) -> (Ipv4Addr, u16, IpAddr, u32) {
        let (router_id, address) = self
            .origin
            .map_or((Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED.into()), |o| {
                (o.router_id, o.address)
            });
        (
            self.rank.originator().unwrap_or(router_id),
            self.rank.clusters,
            address,
            self.route.path,
        )
    }

    fn internal(&self) -> bool {
        self.origin.is_some_and(|origin| !origin.external)
    }

    fn cost(&self) -> u32 {
        self.origin.map_or(0, |origin| origin.cost)
    }
}

/// How a path stands against the best one by the first steps alone.
enum Against {
    Worse,
    Better,
    Equal,
}

impl<'a> Decision<'a> {
    fn first_steps(&self, source: SourceId, accepted: AttrId) -> u64 {
        let steps = self
            .interner
            .rank(accepted)
            .first_steps(self.settings.compare_origin);
        if source == SourceId::LOCAL {
            steps
        } else {
            steps | LEARNED
        }
    }

    fn candidate(&self, route: &Route) -> Option<Candidate<'a>> {
        let accepted = route.accepted?;
        Some(Candidate {
            route: *route,
            accepted,
            rank: self.interner.rank(accepted),
            origin: route.source.neighbor().map(|id| self.origins[id.index()]),
        })
    }

    /// After one path came or changed that is not in use: puts it in its place among those in use.
    pub(crate) fn came(&self, entry: &mut Entry, place: usize) {
        debug_assert!(place >= entry.used(), "it is not in use yet");
        let new = entry.routes[place];
        let Some(accepted) = new.accepted else {
            return;
        };
        let against = match entry.best().map(|best| (best.source, best.accepted)) {
            Some((source, Some(best))) => {
                let best = self.first_steps(source, best);
                match self.first_steps(new.source, accepted).cmp(&best) {
                    core::cmp::Ordering::Less => Against::Better,
                    core::cmp::Ordering::Equal => Against::Equal,
                    core::cmp::Ordering::Greater => Against::Worse,
                }
            }
            _ => Against::Better,
        };
        match against {
            Against::Worse => {}
            Against::Better => {
                entry.routes.swap(0, place);
                entry.set_used(1);
            }
            Against::Equal => self.decide(entry),
        }
    }

    /// Whether other paths may be used once the one at `place` goes or changes: it is in use, or it
    /// kept a path of the same neighbouring AS out by its MULTI_EXIT_DISC before it lost itself.
    /// The other steps are an order, where one that loses keeps nobody out.
    pub(crate) fn matters(&self, entry: &Entry, place: usize) -> bool {
        if place < entry.used() {
            return true;
        }
        if self.settings.med != MedRule::SameNeighborAs {
            return false;
        }
        let steps = |route: &Route| {
            let accepted = route.accepted?;
            Some(self.first_steps(route.source, accepted))
        };
        let best = entry.best().and_then(steps);
        best.is_some() && best == steps(&entry.routes[place])
    }

    /// Decides from scratch: the paths in use go to the front.
    pub(crate) fn decide(&self, entry: &mut Entry) {
        if let [only] = entry.routes.as_slice() {
            let used = usize::from(only.accepted.is_some());
            entry.set_used(used);
            return;
        }
        let mut candidates: Candidates<'a> = SmallVec::new();
        let mut least = u64::MAX;
        for route in &entry.routes {
            let Some(accepted) = route.accepted else {
                continue;
            };
            let steps = self.first_steps(route.source, accepted);
            if steps < least {
                least = steps;
                candidates.clear();
            }
            if steps == least {
                candidates.extend(self.candidate(route));
            }
        }
        self.later_steps(&mut candidates);
        candidates.sort_unstable_by_key(Candidate::tie_break);
        let used = self.used(&candidates);
        for (front, candidate) in candidates[..used].iter().enumerate() {
            let Route { source, path, .. } = candidate.route;
            let place = entry.place(source, path).expect("a candidate is a path");
            entry.routes.swap(front, place);
        }
        entry.set_used(used);
    }

    /// Steps c to e: what is left is equally good.
    fn later_steps(&self, candidates: &mut Candidates<'a>) {
        if candidates.len() < 2 {
            return;
        }
        match self.settings.med {
            MedRule::Always => keep_least(candidates, |c| c.rank.med),
            MedRule::Never => {}
            MedRule::SameNeighborAs => {
                let mut all: SmallVec<[(Option<inet::Asn>, u32); FEW]> = candidates
                    .iter()
                    .map(|c| (c.rank.neighbor_as(), c.rank.med))
                    .collect();
                all.sort_unstable();
                all.dedup_by_key(|(neighbor, _)| *neighbor);
                candidates.retain(|c| {
                    let key = c.rank.neighbor_as();
                    let least = all.binary_search_by_key(&key, |(neighbor, _)| *neighbor);
                    least.is_ok_and(|place| all[place].1 == c.rank.med)
                });
            }
        }
        if self.settings.prefer_external {
            keep_least(candidates, |c| c.internal());
        }
        keep_least(candidates, |c| c.cost());
    }

    /// How many of the equal paths are used.
    fn used(&self, equal: &[Candidate<'_>]) -> usize {
        let most = usize::from(self.settings.multipath_max.max(1));
        let Some(best) = equal.first() else { return 0 };
        if best.origin.is_none() {
            return 1;
        }
        match self.settings.multipath_as_path {
            AsPathRule::SameLength => equal.len().min(most),
            AsPathRule::Identical => {
                let path = |c: &Candidate<'_>| self.interner.attributes(c.accepted).as_path;
                let limit = equal.len().min(most);
                let same = equal[1..limit].iter().take_while(|c| path(c) == path(best));
                1 + same.count()
            }
        }
    }

    /// The accepted paths in order of preference. Each but the first comes with the step at which
    /// it lost, and the path that it lost to.
    pub(crate) fn explain(&self, entry: &Entry) -> Vec<(Route, Option<(Step, Route)>)> {
        let mut left: Vec<Candidate<'a>> = entry
            .routes
            .iter()
            .filter_map(|r| self.candidate(r))
            .collect();
        let mut told = Vec::new();
        while !left.is_empty() {
            let mut best: Candidates<'a> = SmallVec::new();
            let least = left
                .iter()
                .map(|c| self.first_steps(c.route.source, c.accepted))
                .min();
            best.extend(
                left.iter()
                    .filter(|c| Some(self.first_steps(c.route.source, c.accepted)) == least)
                    .copied(),
            );
            self.later_steps(&mut best);
            let Some(winner) = best.iter().min_by_key(|c| c.tie_break()).copied() else {
                break;
            };
            left.retain(|c| c.route != winner.route);
            told.push(winner);
        }
        let first = told.first().copied();
        told.iter()
            .enumerate()
            .map(|(place, candidate)| {
                let lost = first.filter(|_| place > 0);
                let why = lost.map(|best| (self.lost_at(candidate, &best), best.route));
                (candidate.route, why)
            })
            .collect()
    }

    /// The step at which a path lost to a better one.
    fn lost_at(&self, loser: &Candidate<'_>, winner: &Candidate<'_>) -> Step {
        use crate::rank::mark::LLGR_STALE;
        let (a, b) = (loser.rank, winner.rank);
        let comparable = match self.settings.med {
            MedRule::Always => true,
            MedRule::Never => false,
            MedRule::SameNeighborAs => a.neighbor_as() == b.neighbor_as(),
        };
        let (tie_a, tie_b) = (loser.tie_break(), winner.tie_break());
        if loser.origin.is_none() != winner.origin.is_none() {
            Step::Own
        } else if a.is(LLGR_STALE) != b.is(LLGR_STALE) {
            Step::Stale
        } else if a.local_pref() != b.local_pref() {
            Step::LocalPref
        } else if a.as_path_len() != b.as_path_len() {
            Step::AsPathLength
        } else if self.settings.compare_origin && a.origin() != b.origin() {
            Step::Origin
        } else if comparable && a.med != b.med {
            Step::Med
        } else if self.settings.prefer_external && loser.internal() != winner.internal() {
            Step::External
        } else if loser.cost() != winner.cost() {
            Step::InteriorCost
        } else if tie_a.0 < tie_b.0 {
            // A path that would win the tie lost to a third one of its own neighbouring AS.
            Step::Med
        } else if tie_a.0 != tie_b.0 {
            Step::RouterId
        } else if tie_a.1 != tie_b.1 {
            Step::ClusterList
        } else if tie_a.2 != tie_b.2 {
            Step::Address
        } else {
            Step::PathId
        }
    }
}

fn keep_least<K: Ord>(candidates: &mut Candidates<'_>, key: impl Fn(&Candidate<'_>) -> K) {
    if let Some(least) = candidates.iter().map(&key).min() {
        candidates.retain(|c| key(c) == least);
    }
}
