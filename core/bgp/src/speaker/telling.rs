//! Routes on their way out: what each update group is told, and members that join, move and leave.
//! What a route looks like outside is `export`'s; what does not fit into one call is `work`'s.

use std::sync::Arc;

use inet::Instant;

use super::Speaker;
use super::work::{Marker, family};
use crate::bits::Bits;
use crate::decision::Decision;
use crate::export::{
    Advertised, Change, Encoder, GroupKey, Memo, Speaking, Tagged, Teller, Told, UpdateGroup, Wire,
    seen_by, special,
};
use crate::output::Output;
use crate::peer::Peer;
use crate::policy::Source;
use crate::rib::{PrefixId, Route, SourceId};
use crate::settings::{ConnId, NeighborId};
use crate::wire::header::Kind;
use crate::wire::refresh::{self, Subtype};

impl Speaker {
    fn teller(&self, id: SourceId) -> Teller {
        let Some(neighbor) = id.neighbor() else {
            return Teller {
                id,
                source: Source::Local,
                external: false,
                client: false,
                router_id: self.settings.router_id,
            };
        };
        let peer = &self.peers[neighbor.index()];
        Teller {
            id,
            source: Source::Neighbor(neighbor, peer.settings.group),
            external: peer.settings.remote_as != self.settings.local_as,
            client: peer.settings.route_reflector_client,
            router_id: peer.router_id,
        }
    }

    /// How UPDATEs to a neighbour look.
    pub(super) fn wire(&self, id: NeighborId) -> Wire {
        let peer = &self.peers[id.index()];
        let agreed = peer.agreed;
        Wire {
            four_octet: agreed.four_octet,
            ipv4: agreed.ipv4,
            ipv6: agreed.ipv6,
            extended_next_hop: agreed.extended_next_hop,
            extended_messages: agreed.extended_messages,
            add_path: agreed.add_path_out,
        }
    }

    /// Where a neighbour belongs.
    pub(super) fn group_key(&self, id: NeighborId) -> GroupKey {
        let peer = &self.peers[id.index()];
        GroupKey::of(peer, self.settings.local_as, self.wire(id))
    }

    /// Brings a group's table up to date for some prefixes and tells its members.
    pub(super) fn tell(
        &mut self,
        group: &mut UpdateGroup,
        prefixes: &[PrefixId],
        out: &mut Vec<Output>,
    ) {
        let mut memo = Memo::default();
        let mut changes: Vec<Change> = Vec::with_capacity(prefixes.len());
        let mut teller = self.teller(SourceId::LOCAL);
        for id in prefixes {
            if group.tells_paths() {
                self.tell_paths(group, *id, &mut memo, &mut changes);
                continue;
            }
            let best = self.rib.entry(*id).best().copied();
            let new = best.and_then(|best| {
                if teller.id != best.source {
                    teller = self.teller(best.source);
                }
                self.advertisement(group, *id, &best, teller, &mut memo)
            });
            let new = self.aggregated(group, *id, best.as_ref(), teller, new);
            self.set_best(group, *id, new, &mut changes);
        }
        self.tell_aggregates(group, &mut memo, &mut changes);
        if !changes.is_empty() {
            self.send_changes(group, &changes, out);
        }
        for (attributes, _) in changes.iter().filter_map(|change| change.old) {
            self.interner.release(attributes);
        }
    }

    fn set_best(
        &mut self,
        group: &mut UpdateGroup,
        id: PrefixId,
        new: Option<Advertised>,
        changes: &mut Vec<Change>,
    ) {
        let old = group.set_best(id, new);
        if old == new {
            if let Some((attributes, _)) = new {
                self.interner.release(attributes);
            }
            return;
        }
        // An aggregate may change again in a batch: it is told once.
        let again = group.aggregates.as_ref();
        let again = again
            .filter(|_| self.pinned.contains(&id))
            .and_then(|_| changes.iter_mut().find(|change| change.id == id));
        if let Some(change) = again {
            change.new = new;
            if let Some((attributes, _)) = old {
                self.interner.release(attributes);
            }
            return;
        }
        let tag = 0;
        changes.push(Change { id, tag, old, new });
    }

    /// A route that goes out under another prefix becomes a part of it, and a prefix without a
    /// route of its own is told as the aggregate that it is.
    fn aggregated(
        &mut self,
        group: &mut UpdateGroup,
        id: PrefixId,
        best: Option<&Route>,
        teller: Teller,
        new: Option<Advertised>,
    ) -> Option<Advertised> {
        if group.aggregates.is_none() {
            return new;
        }
        let net = self.rib.net(id);
        let path = best.and_then(|best| best.accepted);
        let into = path
            .zip(new)
            .and_then(|(path, _)| group.aggregate_of(net, path, teller, &self.interner));
        let Some(aggregates) = &mut group.aggregates else {
            return new;
        };
        let before = aggregates.contribute(id, net, into.zip(new));
        if let Some((attributes, _)) = before {
            self.interner.release(attributes);
        }
        let own = new.filter(|_| into.is_none());
        own.or_else(|| {
            let (attributes, source) = aggregates.first(net)?;
            self.interner.retain(attributes);
            Some((attributes, source))
        })
    }

    /// Brings the aggregates whose parts changed up to date.
    fn tell_aggregates(
        &mut self,
        group: &mut UpdateGroup,
        memo: &mut Memo,
        changes: &mut Vec<Change>,
    ) {
        let Some(aggregates) = &mut group.aggregates else {
            return;
        };
        for net in aggregates.take_changed() {
            let id = self.rib.add(net);
            self.pinned.insert(id);
            let best = self.rib.entry(id).best().copied();
            let new = best.and_then(|best| {
                let teller = self.teller(best.source);
                self.advertisement(group, id, &best, teller, memo)
            });
            let new = new.or_else(|| {
                let (attributes, source) = group.aggregates.as_ref()?.first(net)?;
                self.interner.retain(attributes);
                Some((attributes, source))
            });
            self.set_best(group, id, new, changes);
        }
    }

    /// What a group is told of a path now; the attributes have a reference of their own.
    fn advertisement(
        &mut self,
        group: &UpdateGroup,
        id: PrefixId,
        route: &Route,
        teller: Teller,
        memo: &mut Memo,
    ) -> Option<(crate::interner::AttrId, SourceId)> {
        let speaking = Speaking {
            local_as: self.settings.local_as,
            cluster: self.settings.cluster(),
        };
        let (net, accepted) = (self.rib.net(id), route.accepted?);
        let attributes =
            group.rewrite(net, accepted, teller, speaking, &mut self.interner, memo)?;
        Some((attributes, route.source))
    }

    /// The same for a group that is told several paths (RFC 7911): the best ones, up to as many as
    /// were agreed on.
    fn tell_paths(
        &mut self,
        group: &mut UpdateGroup,
        id: PrefixId,
        memo: &mut Memo,
        changes: &mut Vec<Change>,
    ) {
        let entry = self.rib.entry(id);
        let most = usize::from(group.key.add_path(entry.is_v6()).unwrap_or(1));
        let decision = Decision {
            settings: &self.settings,
            interner: &self.interner,
            origins: &self.origins,
        };
        let paths: Vec<Route> = decision
            .explain(entry)
            .into_iter()
            .take(most)
            .map(|(route, _)| route)
            .collect();
        let mut new: Vec<Tagged> = Vec::new();
        for route in &paths {
            let teller = self.teller(route.source);
            if let Some(told) = self.advertisement(group, id, route, teller, memo) {
                new.push((route.tag, told));
            }
        }
        new.sort_unstable_by_key(|(tag, _)| *tag);
        let old = group.set_paths(id, &new);
        let find =
            |list: &[Tagged], tag| list.iter().find(|(t, _)| *t == tag).map(|(_, told)| *told);
        for (tag, was) in &old {
            if find(&new, *tag).is_none() {
                let (tag, old, new) = (*tag, Some(*was), None);
                changes.push(Change { id, tag, old, new });
            }
        }
        for (tag, is) in &new {
            let was = find(&old, *tag);
            if was == Some(*is) {
                self.interner.release(is.0);
            } else {
                let (tag, old, new) = (*tag, was, Some(*is));
                changes.push(Change { id, tag, old, new });
            }
        }
    }

    fn send_changes(&mut self, group: &UpdateGroup, changes: &[Change], out: &mut Vec<Output>) {
        let mut specials: Vec<NeighborId> = Vec::new();
        let mut last = None;
        for member in changes.iter().flat_map(special) {
            if last != Some(member) && !specials.contains(&member) {
                specials.push(member);
            }
            last = Some(member);
        }
        let encoder = Encoder {
            rib: &self.rib,
            interner: &self.interner,
            key: &group.key,
        };
        let mut shared: Option<(Arc<[u8]>, u64)> = None;
        for member in &group.members {
            let peer = &mut self.peers[member.index()];
            if peer.settings.pace.is_some() {
                if tell_paced(&encoder, peer, *member, changes, self.now, out) {
                    self.lagging.insert(*member);
                    self.busy = true;
                }
                continue;
            }
            if peer.blocked || !peer.pending.is_empty() {
                for change in changes {
                    peer.miss(change);
                }
                self.lagging.insert(*member);
                continue;
            }
            let Some(conn) = peer.established().map(|session| session.conn) else {
                continue;
            };
            let (bytes, messages) = if specials.contains(member) {
                let (bytes, messages) = encode(&encoder, changes, Some(*member));
                (bytes.into(), messages)
            } else {
                let made = shared.get_or_insert_with(|| {
                    let (bytes, messages) = encode(&encoder, changes, None);
                    (bytes.into(), messages)
                });
                (Arc::clone(&made.0), made.1)
            };
            send(&mut peer.counters, conn, bytes, messages, out);
        }
    }

    /// Makes an established neighbour a member of its group; it is told everything in slices.
    pub(super) fn join(&mut self, id: NeighborId, key: GroupKey, out: &mut Vec<Output>) {
        self.set_origin(id);
        // What is still undecided must be in the tables before somebody is told them.
        self.settle(out);
        let place = self.group(key);
        let end = self.rib.end();
        let peer = &mut self.peers[id.index()];
        peer.group = Some(place);
        peer.markers.clear();
        if let Some(group) = &mut self.groups[place] {
            group.members.insert(id);
            if group.told > 0 {
                peer.pending.fill(end);
                peer.fresh_from = 0;
                peer.cursor = 0;
                self.lagging.insert(id);
            }
        }
        self.end_of_rib_after(id);
        self.busy = true;
    }

    /// The group of a key; a new one has its table still to be worked out.
    fn group(&mut self, key: GroupKey) -> usize {
        let same =
            |group: &Option<UpdateGroup>| group.as_ref().is_some_and(|group| group.key == key);
        if let Some(place) = self.groups.iter().position(same) {
            return place;
        }
        let mut group = UpdateGroup::new(key);
        group.todo.fill(self.rib.end());
        match self.groups.iter().position(Option::is_none) {
            Some(place) => {
                self.groups[place] = Some(group);
                place
            }
            None => {
                self.groups.push(Some(group));
                self.groups.len() - 1
            }
        }
    }

    /// Takes a neighbour out of its group; an empty group goes.
    pub(super) fn leave(&mut self, id: NeighborId) {
        let peer = &mut self.peers[id.index()];
        peer.caught_up();
        peer.asked = [false; 2];
        self.lagging.remove(&id);
        let Some(place) = peer.group.take() else {
            return;
        };
        let Some(group) = &mut self.groups[place] else {
            return;
        };
        group.members.remove(&id);
        if group.members.is_empty()
            && let Some(group) = self.groups[place].take()
        {
            for attributes in group.into_attributes() {
                self.interner.release(attributes);
            }
        }
    }

    /// Moves a neighbour to another group: what it is no longer told is withdrawn.
    pub(super) fn regroup(&mut self, id: NeighborId, key: GroupKey, out: &mut Vec<Output>) {
        let Some(place) = self.peers[id.index()].group else {
            return;
        };
        let moves = |group: &UpdateGroup| group.key != key;
        if !self.groups[place].as_ref().is_some_and(moves) {
            return;
        }
        // What is told now belongs to what it has to be told that it went.
        self.settle(out);
        let end = self.rib.end();
        if let Some(group) = &mut self.groups[place]
            && group.key.differs_in_policy(&key)
        {
            group.key = key;
            group.todo.fill(end);
            self.busy = true;
            return;
        }
        let peer = &mut self.peers[id.index()];
        let (blocked, fresh) = (peer.blocked, peer.fresh_from);
        let markers = core::mem::take(&mut peer.markers);
        let asked = peer.asked;
        let mut gone = core::mem::take(&mut peer.gone);
        gone.retain(|(prefix, _)| *prefix < fresh);
        // It may have been told what it is now, and what it has not been told that it went; of
        // what it was told nothing in this session, nothing has to be withdrawn.
        let mut before = Bits::default();
        let missed = core::mem::take(&mut peer.pending);
        for prefix in missed.iter().take_while(|prefix| *prefix < fresh) {
            before.insert(prefix);
        }
        if let Some(group) = &self.groups[place] {
            for prefix in 0..self.rib.end().min(fresh) {
                for (tag, _) in group.told(id, prefix) {
                    before.insert(prefix);
                    if group.tells_paths() {
                        gone.insert((prefix, tag));
                    }
                }
            }
        }
        self.leave(id);
        let place = self.group(key);
        if let Some(group) = &mut self.groups[place] {
            group.members.insert(id);
            for prefix in 0..self.rib.end() {
                if group.told(id, prefix).next().is_some() {
                    before.insert(prefix);
                }
            }
        }
        let peer = &mut self.peers[id.index()];
        peer.blocked = blocked;
        peer.group = Some(place);
        peer.pending = before;
        peer.gone = gone;
        peer.markers = markers;
        peer.asked = asked;
        if !peer.pending.is_empty() || !peer.markers.is_empty() || asked != [false; 2] {
            self.lagging.insert(id);
        }
        self.busy = true;
    }

    /// A neighbour is to be told all its routes of some families again, when it takes bytes and has
    /// been told what it is still to be told: however often it asks, one answer follows another.
    pub(super) fn tell_all_again(&mut self, id: NeighborId, families: [bool; 2]) {
        let peer = &mut self.peers[id.index()];
        if peer.group.is_some() {
            for (asked, wanted) in peer.asked.iter_mut().zip(families) {
                *asked |= wanted;
            }
            self.lagging.insert(id);
            self.busy = true;
        }
    }

    /// Tells a neighbour all its routes of a family again; between BoRR and EoRR where enhanced
    /// refresh was agreed on (RFC 7313).
    pub(super) fn resend(&mut self, id: NeighborId, v6: bool, out: &mut Vec<Output>) {
        let enhanced = self.enhanced(id);
        let group = self.peers[id.index()].group;
        let Some(group) = group.and_then(|place| self.groups[place].as_ref()) else {
            return;
        };
        let peer = &mut self.peers[id.index()];
        let Some(conn) = peer.established().map(|session| session.conn) else {
            return;
        };
        for place in 0..self.rib.end() {
            if self.rib.entry(place).is_v6() == v6 && group.told(id, place).next().is_some() {
                peer.pending.insert(place);
            }
        }
        if enhanced && group.key.wire.takes(v6) {
            let bytes = refresh::encode(family(v6), Subtype::Begin).into();
            out.push(Output::Send { conn, bytes });
            peer.counters.said(Kind::RouteRefresh);
            peer.markers.retain(|m| *m != Marker::EndOfRefresh { v6 });
            peer.markers.push(Marker::EndOfRefresh { v6 });
        }
    }

    /// Whether enhanced refresh was agreed on.
    fn enhanced(&self, id: NeighborId) -> bool {
        let negotiated = self.peers[id.index()].negotiated();
        negotiated.is_some_and(|negotiated| negotiated.enhanced_refresh)
    }

    /// The neighbour's connection is full.
    pub(super) fn blocked(&mut self, conn: ConnId) {
        if let Some(id) = self.conns.get(&conn) {
            let peer = &mut self.peers[id.index()];
            let carries = peer.established().map(|session| session.conn);
            peer.blocked |= carries == Some(conn);
        }
    }

    /// The neighbour's connection takes bytes again: it is told the state of what it missed.
    pub(super) fn writable(&mut self, conn: ConnId) {
        if let Some(id) = self.conns.get(&conn) {
            self.peers[id.index()].blocked = false;
            self.busy = true;
        }
    }
}

/// Tells changes to a member that is told at its own pace: what goes at once, the rest in bursts.
/// Whether something is left for later.
fn tell_paced(
    encoder: &Encoder<'_>,
    peer: &mut Peer,
    member: NeighborId,
    changes: &[Change],
    now: Instant,
    out: &mut Vec<Output>,
) -> bool {
    if peer.blocked {
        for change in changes {
            peer.miss(change);
        }
        return true;
    }
    let Some(conn) = peer.established().map(|session| session.conn) else {
        return false;
    };
    let (mut withdrawn, mut announced) = sides(changes, Some(member));
    for (id, _) in &withdrawn {
        peer.pending.remove(*id);
    }
    if !peer.pending.is_empty() || announced.len() > peer.room(now) {
        for (_, id, _) in announced.drain(..) {
            peer.pending.insert(id);
        }
    }
    peer.note_paced(now, &mut withdrawn, &announced);
    let (bytes, messages) = encoder.encode(withdrawn, announced);
    send(&mut peer.counters, conn, bytes.into(), messages, out);
    !peer.pending.is_empty()
}

/// Messages for one member, or for all members that see every change alike.
fn encode(encoder: &Encoder<'_>, changes: &[Change], member: Option<NeighborId>) -> (Vec<u8>, u64) {
    let (withdrawn, announced) = sides(changes, member);
    encoder.encode(withdrawn, announced)
}

/// What changes withdraw and announce, as a member sees it.
fn sides(changes: &[Change], member: Option<NeighborId>) -> (Vec<(PrefixId, u16)>, Vec<Told>) {
    let side = |entry| match member {
        Some(member) => seen_by(member, entry),
        None => entry.map(|(attributes, _)| attributes),
    };
    let mut withdrawn = Vec::new();
    let mut announced = Vec::new();
    for change in changes {
        match (side(change.old), side(change.new)) {
            (old, Some(new)) if old != Some(new) => announced.push((new, change.id, change.tag)),
            (Some(_), None) => withdrawn.push((change.id, change.tag)),
            _ => {}
        }
    }
    (withdrawn, announced)
}

pub(super) fn send(
    counters: &mut crate::view::Counters,
    conn: ConnId,
    bytes: Arc<[u8]>,
    messages: u64,
    out: &mut Vec<Output>,
) {
    if !bytes.is_empty() {
        counters.messages_out += messages;
        counters.updates_out += messages;
        out.push(Output::Send { conn, bytes });
    }
}
