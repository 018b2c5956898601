//! Update groups: neighbours that are told the same share one Adj-RIB-Out and its encoding.
//!
//! A group's Adj-RIB-Out says for each prefix which attributes go out and whose route it is; with
//! add-path (RFC 7911) it says so for several paths. A member is told everything but its own
//! routes: a change that looks different to the member whose route it is, is encoded for that
//! member alone, all others share the bytes. What a member has missed, because it joined late,
//! asked for everything again or takes no bytes, is a set of prefixes; it is told the state of the
//! moment when it can take it, so a slow reader costs a bounded amount of memory and delays nobody.

mod aggregates;
mod encode;
mod key;
mod rewrite;

use std::collections::BTreeSet;

use hashbrown::HashMap;
use inet::hash::Seeded;
use inet::{Asn, Net};
use smallvec::SmallVec;

use crate::bits::Bits;
use crate::interner::{AttrId, Interner};
use crate::policy::{Applied, Source};
use crate::rank::{self, mark};
use crate::rib::{PrefixId, SourceId};
use crate::settings::{NeighborId, NextHopRule, Role};
use crate::wire::attributes::Attributes;

pub(crate) use aggregates::Aggregates;
pub(crate) use encode::{Encoder, Told};
pub(crate) use key::{GroupKey, Wire};

/// What an Adj-RIB-Out says of a path: the attributes, and whose route it is.
pub(crate) type Advertised = (AttrId, SourceId);

/// One path of several (RFC 7911): its tag among the prefix's paths, and what is said of it.
pub(crate) type Tagged = (u16, Advertised);

/// What a group is told, by prefix.
#[derive(Debug)]
enum Table {
    /// The best path.
    Best(Vec<Option<Advertised>>),
    /// Several paths, in order of their tags.
    Paths(Vec<Box<[Tagged]>>),
}

/// A group and its Adj-RIB-Out.
#[derive(Debug)]
pub(crate) struct UpdateGroup {
    pub(crate) key: GroupKey,
    pub(crate) members: BTreeSet<NeighborId>,
    /// Prefixes whose place in the table is still to be worked out.
    pub(crate) todo: Bits,
    /// How many paths the table has.
    pub(crate) told: usize,
    /// How many of them by source: members are not told their own.
    pub(crate) by_source: HashMap<SourceId, usize, Seeded>,
    table: Table,
    /// Routes that go out under another prefix.
    pub(crate) aggregates: Option<Box<Aggregates>>,
}

/// Where a path comes from, as far as telling others is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teller {
    pub(crate) id: SourceId,
    pub(crate) source: Source,
    pub(crate) external: bool,
    pub(crate) client: bool,
    pub(crate) router_id: core::net::Ipv4Addr,
}

/// What a group needs of its speaker to tell a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaking {
    pub(crate) local_as: Asn,
    pub(crate) cluster: core::net::Ipv4Addr,
}

/// A change of an Adj-RIB-Out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) id: PrefixId,
    pub(crate) tag: u16,
    pub(crate) old: Option<Advertised>,
    pub(crate) new: Option<Advertised>,
}

type MemoKey = (AttrId, SourceId, bool, Applied);

/// Results of the export step within one batch: equal routes are rewritten once. The interner is
/// not swept before the batch ends, so the numbers keep their meaning.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    last: Option<(MemoKey, Option<AttrId>)>,
    known: HashMap<MemoKey, Option<AttrId>, Seeded>,
    scratch: Vec<u8>,
}

impl UpdateGroup {
    pub(crate) fn new(key: GroupKey) -> Self {
        let several = key.add_path(false).is_some() || key.add_path(true).is_some();
        let aggregates = (!several && key.policy.aggregates()).then(Box::default);
        Self {
            key,
            members: BTreeSet::new(),
            todo: Bits::default(),
            told: 0,
            by_source: HashMap::default(),
            aggregates,
            table: if several {
                Table::Paths(Vec::new())
            } else {
                Table::Best(Vec::new())
            },
        }
    }

    /// Whether more than the best path counts.
    pub(crate) const fn tells_paths(&self) -> bool {
        matches!(self.table, Table::Paths(_))
    }

    /// What the group is told of a prefix.
    pub(crate) fn advertised(&self, id: PrefixId) -> SmallVec<[Tagged; 1]> {
        match &self.table {
            Table::Best(table) => table
                .get(id as usize)
                .copied()
                .flatten()
                .map(|told| (0, told))
                .into_iter()
                .collect(),
            Table::Paths(table) => table
                .get(id as usize)
                .map(|paths| SmallVec::from_slice(paths))
                .unwrap_or_default(),
        }
    }

    /// What one member is told of a prefix: not its own routes.
    pub(crate) fn told(
        &self,
        member: NeighborId,
        id: PrefixId,
    ) -> impl Iterator<Item = (u16, AttrId)> + use<> {
        let own = SourceId::of(member);
        self.advertised(id)
            .into_iter()
            .filter(move |(_, (_, source))| *source != own)
            .map(|(tag, (attributes, _))| (tag, attributes))
    }

    /// How many paths a member is told.
    pub(crate) fn told_count(&self, member: NeighborId) -> usize {
        let own = self.by_source.get(&SourceId::of(member));
        self.told - own.copied().unwrap_or(0)
    }

    fn counted(&mut self, old: Option<Advertised>, new: Option<Advertised>) {
        if let Some((_, source)) = old {
            self.told -= 1;
            if let Some(count) = self.by_source.get_mut(&source) {
                *count -= 1;
                if *count == 0 {
                    self.by_source.remove(&source);
                }
            }
        }
        if let Some((_, source)) = new {
            self.told += 1;
            *self.by_source.entry(source).or_insert(0) += 1;
        }
    }

    /// Sets what a group of the best path is told; the reference on the attributes moves into the
    /// table.
    pub(crate) fn set_best(&mut self, id: PrefixId, new: Option<Advertised>) -> Option<Advertised> {
        let Table::Best(table) = &mut self.table else {
            return None;
        };
        let place = id as usize;
        if table.len() <= place {
            new?;
            table.resize(place + 1, None);
        }
        let old = core::mem::replace(&mut table[place], new);
        if old.map(|(_, source)| source) != new.map(|(_, source)| source) {
            self.counted(old, new);
        }
        old
    }

    /// Sets what a group of several paths is told.
    pub(crate) fn set_paths(&mut self, id: PrefixId, new: &[Tagged]) -> Box<[Tagged]> {
        let Table::Paths(table) = &mut self.table else {
            return Box::default();
        };
        let place = id as usize;
        if table.len() <= place {
            table.resize(place + 1, Box::default());
        }
        let old = core::mem::replace(&mut table[place], new.into());
        for (_, told) in &old {
            self.counted(Some(*told), None);
        }
        for (_, told) in new {
            self.counted(None, Some(*told));
        }
        old
    }

    /// Gives memory back when the table ends in numbers that are no longer used.
    pub(crate) fn shrink(&mut self, end: PrefixId) {
        let end = end as usize;
        match &mut self.table {
            Table::Best(table) if table.len() > end.max(SPARE) * 2 => {
                table.truncate(end);
                table.shrink_to_fit();
            }
            Table::Paths(table) if table.len() > end.max(SPARE) * 2 => {
                table.truncate(end);
                table.shrink_to_fit();
            }
            Table::Best(_) | Table::Paths(_) => {}
        }
    }

    /// The prefix that a path goes out under, when it is not its own.
    pub(crate) fn aggregate_of(
        &self,
        net: Net,
        path: AttrId,
        teller: Teller,
        interner: &Interner,
    ) -> Option<Net> {
        let policy = &self.key.policy;
        let applied = policy.judge(net, teller.source, &|| interner.attributes(path))?;
        policy.aggregate(applied).filter(|into| *into != net)
    }

    /// Everything in the table, to be released.
    pub(crate) fn into_attributes(self) -> Vec<AttrId> {
        let parts = self
            .aggregates
            .map_or_else(Vec::new, |parts| parts.attributes());
        let mut all: Vec<AttrId> = match self.table {
            Table::Best(table) => table.into_iter().flatten().map(|(id, _)| id).collect(),
            Table::Paths(table) => table.iter().flatten().map(|(_, (id, _))| *id).collect(),
        };
        all.extend(parts);
        all
    }

    /// The attributes that the group is told for a path, with one more reference; `None` when it
    /// is not told.
    pub(crate) fn rewrite(
        &self,
        net: Net,
        path: AttrId,
        teller: Teller,
        speaking: Speaking,
        interner: &mut Interner,
        memo: &mut Memo,
    ) -> Option<AttrId> {
        if !self.key.wire.takes(net.is_v6()) {
            return None;
        }
        let learned = matches!(teller.source, Source::Neighbor(..));
        if !self.key.external && learned && !teller.external {
            // RFC 4456 §6: between internal neighbours, one of the two is a client.
            if !teller.client && !self.key.client {
                return None;
            }
        }
        let applied = self
            .key
            .policy
            .judge(net, teller.source, &|| interner.attributes(path))?;
        let key = (path, teller.id, net.is_v6(), applied);
        if let Some((last, id)) = memo.last
            && last == key
        {
            if let Some(id) = id {
                interner.retain(id);
            }
            return id;
        }
        let id = match memo.known.get(&key) {
            Some(known) => {
                if let Some(id) = known {
                    interner.retain(*id);
                }
                *known
            }
            None => {
                let id = self.rewritten(
                    net,
                    path,
                    teller,
                    speaking,
                    applied,
                    interner,
                    &mut memo.scratch,
                );
                memo.known.insert(key, id);
                id
            }
        };
        memo.last = Some((key, id));
        id
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one route with all that decides about it"
    )]
    fn rewritten(
        &self,
        net: Net,
        path: AttrId,
        teller: Teller,
        speaking: Speaking,
        applied: Applied,
        interner: &mut Interner,
        scratch: &mut Vec<u8>,
    ) -> Option<AttrId> {
        let rank = interner.rank(path);
        let stays = if self.key.external {
            mark::NO_ADVERTISE | mark::NO_EXPORT | mark::NO_EXPORT_SUBCONFED
        } else {
            mark::NO_ADVERTISE
        };
        if rank.is(stays) && (self.key.honours_no_export || rank.is(mark::NO_ADVERTISE)) {
            return None;
        }
        let reflected =
            !self.key.external && matches!(teller.source, Source::Neighbor(..)) && !teller.external;
        let long_way = reflected
            || self.key.overridden.is_some()
            || self.key.role.is_some()
            || self.key.graceful_shutdown
            || rank.is(mark::LLGR_STALE)
            || self.key.policy.actions(applied).next().is_some();
        scratch.clear();
        if long_way {
            let attributes = interner.attributes(path);
            let told = self.decoded(net, attributes, teller, speaking, applied)?;
            scratch.extend_from_slice(&told.encode(true));
        } else {
            let next_hop = self.next_hop(net, rank_next_hop(interner.block(path)))?;
            let plan = rewrite::Plan {
                external: self.key.external,
                prepend: self.key.external.then_some(speaking.local_as),
                next_hop,
                drops_med: self.key.external && teller.source != Source::Local,
            };
            rewrite::rewrite(interner.block(path), plan, scratch);
        }
        (scratch.len() <= self.key.attributes_max()).then(|| interner.intern(scratch))
    }

    /// The next hop to set, if one is to be set; `None` when the route cannot be told at all.
    #[expect(
        clippy::option_option,
        reason = "whether it can be told, and whether it changes"
    )]
    fn next_hop(
        &self,
        net: Net,
        received: Option<core::net::IpAddr>,
    ) -> Option<Option<core::net::IpAddr>> {
        let own = received.is_none_or(|address| address.is_unspecified());
        let ours = match self.key.next_hop {
            NextHopRule::Ourselves => true,
            NextHopRule::Standard => own || self.key.external,
            NextHopRule::Unchanged => own,
        };
        if ours {
            return self.key.ourselves(net.is_v6()).map(Some);
        }
        let foreign = received.is_some_and(|address| address.is_ipv6() != net.is_v6());
        if foreign && !net.is_v6() && !self.key.wire.extended_next_hop {
            // RFC 8950 §4: an IPv6 next hop goes only to those who can take it.
            return self.key.ourselves(false).map(Some);
        }
        Some(None)
    }

    /// The long way: what policies change is done on the decoded attributes.
    fn decoded(
        &self,
        net: Net,
        mut attributes: Attributes,
        teller: Teller,
        speaking: Speaking,
        applied: Applied,
    ) -> Option<Attributes> {
        if let Some(address) = self.next_hop(net, Some(attributes.next_hop))? {
            attributes.next_hop = address;
        }
        self.only_to_customer(&mut attributes, speaking)?;
        if self.key.external {
            // RFC 9494 §4.3: stale routes do not leave the AS.
            if attributes.communities.contains(&rank::LLGR_STALE) && !self.key.tells_stale {
                return None;
            }
            attributes.local_pref = None;
            attributes.originator_id = None;
            attributes.cluster_list.clear();
            // RFC 9012 §11: its scope is the AS.
            attributes.tunnel_encapsulation.clear();
            if teller.source != Source::Local {
                attributes.med = None;
            }
        } else {
            attributes.local_pref.get_or_insert(Attributes::LOCAL_PREF);
            if matches!(teller.source, Source::Neighbor(..)) && !teller.external {
                attributes.originator_id.get_or_insert(teller.router_id);
                attributes.cluster_list.insert(0, speaking.cluster);
            }
        }
        if let Some(overridden) = self.key.overridden {
            attributes.as_path.replace(overridden, speaking.local_as);
        }
        let prepended = self.key.external.then_some(speaking.local_as);
        for action in self.key.policy.actions(applied) {
            action.apply(&mut attributes, prepended);
        }
        if self.key.graceful_shutdown {
            // RFC 8326 §4: external neighbours see the community, internal ones LOCAL_PREF 0 too.
            if !attributes.communities.contains(&rank::GRACEFUL_SHUTDOWN) {
                attributes.communities.push(rank::GRACEFUL_SHUTDOWN);
            }
            if !self.key.external {
                attributes.local_pref = Some(0);
            }
        }
        if self.key.external {
            attributes.as_path.prepend(speaking.local_as, 1);
        }
        Some(attributes)
    }

    /// RFC 9234 §5, egress: routes with OTC go to customers and route server clients only, and
    /// those that go there, or to peers, carry it.
    fn only_to_customer(&self, attributes: &mut Attributes, speaking: Speaking) -> Option<()> {
        let Some(role) = self.key.role else {
            return Some(());
        };
        if matches!(role, Role::Customer | Role::Peer | Role::RouteServerClient)
            && attributes.only_to_customer.is_some()
        {
            return None;
        }
        if matches!(role, Role::Provider | Role::Peer | Role::RouteServer) {
            attributes.only_to_customer.get_or_insert(speaking.local_as);
        }
        Some(())
    }
}

/// NEXT_HOP of a canonical block.
fn rank_next_hop(block: &[u8]) -> Option<core::net::IpAddr> {
    use crate::wire::attributes::table::NEXT_HOP;
    let (_, value) = rank::values(block).find(|(code, _)| *code == NEXT_HOP)?;
    match (<[u8; 4]>::try_from(value), <[u8; 16]>::try_from(value)) {
        (Ok(octets), _) => Some(octets.into()),
        (_, Ok(octets)) => Some(octets.into()),
        _ => None,
    }
}

/// Tables up to this many places are not made smaller.
const SPARE: usize = 4_096;

/// What one member is told by one side of a change.
pub(crate) fn seen_by(member: NeighborId, side: Option<Advertised>) -> Option<AttrId> {
    side.filter(|(_, source)| *source != SourceId::of(member))
        .map(|(attributes, _)| attributes)
}

/// The member for whom a change looks different than for all others, if there is one.
pub(crate) fn special(change: &Change) -> impl Iterator<Item = NeighborId> + use<> {
    let new = change.new.map(|(_, source)| source);
    let old = change.old.map(|(_, source)| source);
    // A new route goes to its old owner as to everybody else, unless it looks as its own did.
    let same = change.old.map(|(id, _)| id) == change.new.map(|(id, _)| id);
    let old = old.filter(|old| Some(*old) != new && (same || change.new.is_none()));
    [new, old]
        .into_iter()
        .flatten()
        .filter_map(SourceId::neighbor)
}
