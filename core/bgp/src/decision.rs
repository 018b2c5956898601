//! The decision process (RFC 4271 §9.1.2.2, RFC 4456 §9): which paths are used.
//!
//! The answer depends on the paths alone, not on their age or order of arrival, so that two
//! speakers with the same paths decide the same. MULTI_EXIT_DISC is compared within a neighbouring
//! AS only and makes no total order; so steps remove candidates, as the RFC describes them.

use core::cmp::Reverse;
use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use crate::interner::{Interner, Rank};
use crate::rib::{Entry, Route};
use crate::settings::{AsPathRule, MedRule, NeighborId, Settings};

/// What the decision needs of the neighbour that a path came from.
#[derive(Clone, Copy, Debug)]
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

/// The kinds of paths, preferred first: our own before all others, as routers' weight has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Own,
    External,
    Internal,
}

struct Candidate {
    route: Route,
    rank: Rank,
    kind: Kind,
    cost: u32,
    router_id: Ipv4Addr,
    address: IpAddr,
}

impl Candidate {
    /// Breaks the tie between equal paths: steps f and g, with RFC 4456's additions.
    fn tie_break(&self) -> (Ipv4Addr, usize, IpAddr) {
        (
            self.rank.originator.unwrap_or(self.router_id),
            self.rank.clusters,
            self.address,
        )
    }
}

/// Puts an entry's paths in order and says how many are used.
pub(crate) fn decide(
    entry: &mut Entry,
    settings: &Settings,
    interner: &Interner,
    origin: &dyn Fn(NeighborId) -> Origin,
) {
    if let [only] = entry.routes.as_slice() {
        entry.used = usize::from(only.accepted.is_some());
        return;
    }
    let mut candidates: Vec<Candidate> = entry
        .routes
        .iter()
        .filter_map(|route| candidate(route, interner, origin))
        .collect();
    let mut losers: Vec<Candidate> = Vec::new();
    eliminate(&mut candidates, &mut losers, settings);
    candidates.sort_by_key(Candidate::tie_break);
    let used = used(&candidates, settings, interner);
    losers.reverse();
    let refused = entry
        .routes
        .iter()
        .filter(|route| route.accepted.is_none())
        .copied();
    entry.routes = candidates
        .iter()
        .chain(&losers)
        .map(|c| c.route)
        .chain(refused)
        .collect();
    entry.used = used;
}

fn candidate(
    route: &Route,
    interner: &Interner,
    origin: &dyn Fn(NeighborId) -> Origin,
) -> Option<Candidate> {
    let rank = interner.rank(route.accepted?);
    let (kind, from) = match route.source.map(origin) {
        None => (Kind::Own, None),
        Some(from) if from.external => (Kind::External, Some(from)),
        Some(from) => (Kind::Internal, Some(from)),
    };
    Some(Candidate {
        route: *route,
        rank,
        kind,
        cost: from.map_or(0, |from| from.cost),
        router_id: from.map_or(Ipv4Addr::UNSPECIFIED, |from| from.router_id),
        address: from.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |from| from.address),
    })
}

/// Steps a to e: what is left is equally good.
fn eliminate(candidates: &mut Vec<Candidate>, losers: &mut Vec<Candidate>, settings: &Settings) {
    keep_least(candidates, losers, |c| c.kind != Kind::Own);
    keep_least(candidates, losers, |c| Reverse(c.rank.local_pref));
    keep_least(candidates, losers, |c| c.rank.as_path_len);
    if settings.compare_origin {
        keep_least(candidates, losers, |c| c.rank.origin);
    }
    match settings.med {
        MedRule::Always => keep_least(candidates, losers, |c| c.rank.med),
        MedRule::Never => {}
        MedRule::SameNeighborAs => {
            let mut least = BTreeMap::new();
            for Candidate { rank, .. } in candidates.iter() {
                let med = least.entry(rank.neighbor_as).or_insert(rank.med);
                *med = rank.med.min(*med);
            }
            keep(candidates, losers, |c| {
                least.get(&c.rank.neighbor_as) == Some(&c.rank.med)
            });
        }
    }
    keep_least(candidates, losers, |c| c.kind);
    keep_least(candidates, losers, |c| c.cost);
}

/// How many of the equal paths are used.
fn used(equal: &[Candidate], settings: &Settings, interner: &Interner) -> usize {
    let most = usize::from(settings.multipath_max.max(1));
    let Some(best) = equal.first() else { return 0 };
    if best.kind == Kind::Own {
        return 1;
    }
    match settings.multipath_as_path {
        AsPathRule::SameLength => equal.len().min(most),
        AsPathRule::Identical => {
            let path = |c: &Candidate| c.route.accepted.map(|id| interner.attributes(id).as_path);
            let same = equal.iter().take_while(|c| path(c) == path(best)).count();
            same.min(most)
        }
    }
}

fn keep_least<K: Ord>(
    candidates: &mut Vec<Candidate>,
    losers: &mut Vec<Candidate>,
    key: impl Fn(&Candidate) -> K,
) {
    if let Some(least) = candidates.iter().map(&key).min() {
        keep(candidates, losers, |c| key(c) == least);
    }
}

fn keep(
    candidates: &mut Vec<Candidate>,
    losers: &mut Vec<Candidate>,
    stays: impl Fn(&Candidate) -> bool,
) {
    if candidates.iter().all(&stays) {
        return;
    }
    let (kept, mut lost): (Vec<_>, Vec<_>) =
        core::mem::take(candidates).into_iter().partition(stays);
    *candidates = kept;
    lost.sort_by_key(|c| Reverse(c.tie_break()));
    losers.append(&mut lost);
}
