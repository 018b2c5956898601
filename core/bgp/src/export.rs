//! Update groups: neighbours that are told the same share one Adj-RIB-Out and its encoding.
//!
//! A group's Adj-RIB-Out says for each prefix which attributes go out and whose route it is. A
//! member is told everything but its own routes: a change to a route that came from a member is
//! encoded for that member alone, all other members share the bytes. What a member that cannot
//! take more has missed is kept as a set of prefixes; when it can, it is told the state of that
//! moment, so a slow reader costs a bounded amount of memory and delays nobody.

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use inet::{Asn, Net};

use crate::interner::{AttrId, Interner};
use crate::policy::{Policy, Source};
use crate::rib::PrefixId;
use crate::settings::{Neighbor, NeighborId, NextHopRule};
use crate::wire::attributes::Attributes;
use crate::wire::update::{ATTRIBUTES_MAX, write_announcements, write_withdrawals};

/// `NO_EXPORT` (RFC 1997).
const NO_EXPORT: u32 = 0xffff_ff01;
/// `NO_ADVERTISE` (RFC 1997).
const NO_ADVERTISE: u32 = 0xffff_ff02;

/// What makes neighbours be told the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupKey {
    pub(crate) external: bool,
    client: bool,
    next_hop: NextHopRule,
    local_address: Ipv4Addr,
    /// The AS that is overridden.
    overridden: Option<Asn>,
    pub(crate) policy: Policy,
    pub(crate) four_octet: bool,
}

impl GroupKey {
    pub(crate) fn of(neighbor: &Neighbor, local_as: Asn, four_octet: bool) -> Self {
        let external = neighbor.remote_as != local_as;
        let usual = || {
            if external && neighbor.require_policy {
                Policy::reject_all()
            } else {
                Policy::accept_all()
            }
        };
        Self {
            external,
            client: !external && neighbor.route_reflector_client,
            next_hop: neighbor.next_hop,
            local_address: neighbor.next_hop_v4().unwrap_or(Ipv4Addr::UNSPECIFIED),
            overridden: (external && neighbor.as_override).then_some(neighbor.remote_as),
            policy: neighbor.export.clone().unwrap_or_else(usual),
            four_octet,
        }
    }
}

/// What an Adj-RIB-Out says of a prefix: the attributes, and whose route it is.
pub(crate) type Advertised = (AttrId, Option<NeighborId>);

/// A group and its Adj-RIB-Out.
#[derive(Debug)]
pub(crate) struct UpdateGroup {
    pub(crate) key: GroupKey,
    pub(crate) members: BTreeSet<NeighborId>,
    table: Vec<Option<Advertised>>,
}

/// Where a best path comes from, as far as telling others is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teller {
    pub(crate) source: Source,
    pub(crate) external: bool,
    pub(crate) client: bool,
    pub(crate) router_id: Ipv4Addr,
}

/// What a group needs of its speaker to tell a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaking {
    pub(crate) local_as: Asn,
    pub(crate) cluster: Ipv4Addr,
}

/// A change of an Adj-RIB-Out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) net: Net,
    pub(crate) old: Option<Advertised>,
    pub(crate) new: Option<Advertised>,
}

/// Results of the export step within one batch: equal routes are rewritten once.
pub(crate) type Memo = BTreeMap<(AttrId, Option<NeighborId>, u128), Option<AttrId>>;

impl UpdateGroup {
    pub(crate) const fn new(key: GroupKey) -> Self {
        Self {
            key,
            members: BTreeSet::new(),
            table: Vec::new(),
        }
    }

    /// What the group is told of a prefix.
    pub(crate) fn advertised(&self, id: PrefixId) -> Option<Advertised> {
        self.table.get(id as usize).copied().flatten()
    }

    /// What one member is told of a prefix: not its own route.
    pub(crate) fn told(&self, member: NeighborId, id: PrefixId) -> Option<AttrId> {
        told(member, self.advertised(id))
    }

    /// Sets what the group is told; the reference on the attributes moves into the table.
    pub(crate) fn set(&mut self, id: PrefixId, new: Option<Advertised>) -> Option<Advertised> {
        let place = id as usize;
        if self.table.len() <= place {
            self.table.resize(place + 1, None);
        }
        core::mem::replace(&mut self.table[place], new)
    }

    /// Everything in the table, to be released.
    pub(crate) fn into_attributes(self) -> impl Iterator<Item = AttrId> {
        self.table
            .into_iter()
            .flatten()
            .map(|(attributes, _)| attributes)
    }

    /// The attributes that the group is told for a best path, with one more reference; `None`
    /// when it is not told.
    pub(crate) fn rewrite(
        &self,
        net: Net,
        best: AttrId,
        teller: Teller,
        speaking: Speaking,
        interner: &mut Interner,
        memo: &mut Memo,
    ) -> Option<AttrId> {
        if !self.key.external && matches!(teller.source, Source::Neighbor(..)) && !teller.external {
            // RFC 4456 §6: between internal neighbours, one of the two is a client.
            if !teller.client && !self.key.client {
                return None;
            }
        }
        let applied = self
            .key
            .policy
            .judge(net, teller.source, &|| interner.attributes(best))?;
        let source = match teller.source {
            Source::Local => None,
            Source::Neighbor(id, _) => Some(id),
        };
        let key = (best, source, applied);
        if let Some(known) = memo.get(&key) {
            if let Some(id) = known {
                interner.retain(*id);
            }
            return *known;
        }
        let attributes = self.rewritten(interner.attributes(best), teller, speaking, applied);
        let id = attributes
            .map(|attributes| attributes.encode(true))
            .filter(|block| block.len() <= ATTRIBUTES_MAX);
        let id = id.map(|block| interner.intern(&block));
        if let Some(id) = id {
            // One reference stays with the memo until the batch ends.
            interner.retain(id);
        }
        memo.insert(key, id);
        id
    }

    fn rewritten(
        &self,
        mut attributes: Attributes,
        teller: Teller,
        speaking: Speaking,
        applied: u128,
    ) -> Option<Attributes> {
        let barred = |community| attributes.communities.contains(&community);
        if barred(NO_ADVERTISE) || self.key.external && barred(NO_EXPORT) {
            return None;
        }
        let own = attributes.next_hop.is_unspecified();
        let ours = match self.key.next_hop {
            NextHopRule::Ourselves => true,
            NextHopRule::Standard => own || self.key.external,
            NextHopRule::Unchanged => own,
        };
        if ours {
            attributes.next_hop = self.key.local_address.into();
        }
        if self.key.external {
            attributes.local_pref = None;
            attributes.originator_id = None;
            attributes.cluster_list.clear();
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
        if self.key.external {
            attributes.as_path.prepend(speaking.local_as, 1);
        }
        Some(attributes)
    }
}

/// What one member is told by an entry of the table.
fn told(member: NeighborId, entry: Option<Advertised>) -> Option<AttrId> {
    entry
        .filter(|(_, source)| *source != Some(member))
        .map(|(attributes, _)| attributes)
}

/// Messages for one member, or for all members that are no source of a change. Gives the bytes and
/// how many messages they are.
pub(crate) fn encode(
    changes: &[Change],
    member: Option<NeighborId>,
    interner: &Interner,
    four_octet: bool,
) -> (Vec<u8>, u64) {
    let side = |entry| match member {
        Some(member) => told(member, entry),
        None => entry.map(|(attributes, _)| attributes),
    };
    let mut withdrawn = Vec::new();
    let mut announced = Vec::new();
    for change in changes {
        match (side(change.old), side(change.new)) {
            (old, Some(new)) if old != Some(new) => announced.push((new, change.net)),
            (Some(_), None) => withdrawn.push(change.net),
            _ => {}
        }
    }
    state(withdrawn, announced, interner, four_octet)
}

/// Messages that withdraw and announce, packed by attribute set.
pub(crate) fn state(
    withdrawn: Vec<Net>,
    mut announced: Vec<(AttrId, Net)>,
    interner: &Interner,
    four_octet: bool,
) -> (Vec<u8>, u64) {
    let mut bytes = Vec::new();
    let withdrawn = withdrawn.into_iter().filter_map(Net::v4);
    let mut messages = write_withdrawals(withdrawn, &mut bytes);
    announced.sort_unstable();
    for chunk in announced.chunk_by(|a, b| a.0 == b.0) {
        let prefixes = chunk.iter().filter_map(|(_, net)| net.v4());
        if four_octet {
            messages += write_announcements(interner.block(chunk[0].0), prefixes, &mut bytes);
            continue;
        }
        let block = interner.attributes(chunk[0].0).encode(false);
        if block.len() <= ATTRIBUTES_MAX {
            messages += write_announcements(&block, prefixes, &mut bytes);
        } else {
            // AS4_PATH and AS4_AGGREGATOR made it too long: an older route must not stay there.
            messages += write_withdrawals(prefixes, &mut bytes);
        }
    }
    (bytes, messages)
}
