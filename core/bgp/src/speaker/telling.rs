//! Routes on their way out: what each update group is told, and members that join, move, fall
//! behind and catch up. What a route looks like outside is `export`'s.

use std::collections::BTreeSet;
use std::sync::Arc;

use inet::Net;

use super::Speaker;
use crate::export::{self, Change, GroupKey, Memo, Speaking, Teller, UpdateGroup};
use crate::interner::AttrId;
use crate::output::Output;
use crate::policy::Source;
use crate::rib::PrefixId;
use crate::settings::{ConnId, NeighborId};

impl Speaker {
    fn teller(&self, source: Option<NeighborId>) -> Teller {
        let Some(id) = source else {
            return Teller {
                source: Source::Local,
                external: false,
                client: false,
                router_id: self.settings.router_id,
            };
        };
        let peer = &self.peers[id.index()];
        Teller {
            source: Source::Neighbor(id, peer.settings.group),
            external: peer.settings.remote_as != self.settings.local_as,
            client: peer.settings.route_reflector_client,
            router_id: peer.router_id,
        }
    }

    /// What a group is told of a prefix now; the attributes have a reference of their own.
    fn advertisement(
        &mut self,
        group: &UpdateGroup,
        id: PrefixId,
        memo: &mut Memo,
    ) -> Option<(AttrId, Option<NeighborId>)> {
        let entry = self.rib.entry(id);
        let (net, (best, source)) = (entry.net, entry.best()?);
        let teller = self.teller(source);
        let speaking = Speaking {
            local_as: self.settings.local_as,
            cluster: self.settings.cluster(),
        };
        let attributes = group.rewrite(net, best, teller, speaking, &mut self.interner, memo)?;
        Some((attributes, source))
    }

    /// Brings a group's table up to date for some prefixes and tells its members.
    pub(super) fn tell(
        &mut self,
        group: &mut UpdateGroup,
        prefixes: &[PrefixId],
        out: &mut Vec<Output>,
    ) {
        let mut memo = Memo::new();
        let mut changes: Vec<Change> = Vec::new();
        for id in prefixes {
            let new = self.advertisement(group, *id, &mut memo);
            let old = group.set(*id, new);
            if old == new {
                if let Some((attributes, _)) = new {
                    self.interner.release(attributes);
                }
            } else {
                changes.push(Change {
                    net: self.rib.entry(*id).net,
                    old,
                    new,
                });
            }
        }
        if !changes.is_empty() {
            self.send_changes(group, &changes, out);
        }
        for (attributes, _) in changes.iter().filter_map(|change| change.old) {
            self.interner.release(attributes);
        }
        self.forget_memo(memo);
    }

    /// Looks again at what everybody is told of a neighbour's routes: its class changed.
    pub(super) fn tell_again(&mut self, id: NeighborId, out: &mut Vec<Output>) {
        let held: Vec<PrefixId> = self.peers[id.index()].held.iter().copied().collect();
        for place in 0..self.groups.len() {
            if let Some(mut group) = self.groups[place].take() {
                self.tell(&mut group, &held, out);
                self.groups[place] = Some(group);
            }
        }
    }

    fn forget_memo(&mut self, memo: Memo) {
        for attributes in memo.into_values().flatten() {
            self.interner.release(attributes);
        }
    }

    fn send_changes(&mut self, group: &UpdateGroup, changes: &[Change], out: &mut Vec<Output>) {
        let mut sources: Vec<NeighborId> = changes
            .iter()
            .flat_map(|change| [change.old, change.new])
            .flatten()
            .filter_map(|(_, source)| source)
            .collect();
        sources.sort_unstable();
        sources.dedup();
        let mut shared: Option<(Arc<[u8]>, u64)> = None;
        for member in &group.members {
            let peer = &mut self.peers[member.index()];
            if peer.blocked {
                peer.missed.extend(changes.iter().map(|change| change.net));
                continue;
            }
            let Some(conn) = peer.established().map(|session| session.conn) else {
                continue;
            };
            let four_octet = group.key.four_octet;
            let (bytes, messages) = if sources.binary_search(member).is_ok() {
                let (bytes, messages) =
                    export::encode(changes, Some(*member), &self.interner, four_octet);
                (bytes.into(), messages)
            } else {
                let made = shared.get_or_insert_with(|| {
                    let (bytes, messages) =
                        export::encode(changes, None, &self.interner, four_octet);
                    (bytes.into(), messages)
                });
                (Arc::clone(&made.0), made.1)
            };
            send(&mut peer.counters, conn, bytes, messages, out);
        }
    }

    /// Makes an established neighbour a member of its group and tells it everything.
    pub(super) fn join(&mut self, id: NeighborId, key: GroupKey, out: &mut Vec<Output>) {
        // What is still undecided must be in the tables before somebody is told them.
        self.settle(out);
        let same =
            |group: &Option<UpdateGroup>| group.as_ref().is_some_and(|group| group.key == key);
        let place = match self.groups.iter().position(same) {
            Some(place) => place,
            None => {
                let mut group = UpdateGroup::new(key);
                let all: Vec<PrefixId> = self.rib.iter().map(|(id, _)| id).collect();
                self.tell(&mut group, &all, out);
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
        };
        if let Some(group) = &mut self.groups[place] {
            group.members.insert(id);
        }
        self.peers[id.index()].group = Some(place);
        self.resend(id, out);
    }

    /// Takes a neighbour out of its group; an empty group goes.
    pub(super) fn leave(&mut self, id: NeighborId) {
        let Some(place) = self.peers[id.index()].group.take() else {
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
        if self.groups[place]
            .as_ref()
            .is_some_and(|group| group.key == key)
        {
            return;
        }
        let before = self.told(id);
        self.leave(id);
        self.join(id, key, out);
        let after: BTreeSet<Net> = self.told(id).into_iter().map(|(_, net)| net).collect();
        let gone: Vec<Net> = before
            .into_iter()
            .map(|(_, net)| net)
            .filter(|net| !after.contains(net))
            .collect();
        self.say(id, gone, Vec::new(), out);
    }

    fn told(&self, id: NeighborId) -> Vec<(AttrId, Net)> {
        let group = self.peers[id.index()]
            .group
            .and_then(|place| self.groups[place].as_ref());
        let Some(group) = group else {
            return Vec::new();
        };
        let told = |(place, entry): (PrefixId, &crate::rib::Entry)| {
            Some((group.told(id, place)?, entry.net))
        };
        self.rib.iter().filter_map(told).collect()
    }

    /// Tells a neighbour all its routes.
    pub(super) fn resend(&mut self, id: NeighborId, out: &mut Vec<Output>) {
        let told = self.told(id);
        self.say(id, Vec::new(), told, out);
    }

    fn say(
        &mut self,
        id: NeighborId,
        withdrawn: Vec<Net>,
        announced: Vec<(AttrId, Net)>,
        out: &mut Vec<Output>,
    ) {
        let peer = &self.peers[id.index()];
        let group = peer.group.and_then(|place| self.groups[place].as_ref());
        let (Some(group), Some(session)) = (group, peer.established()) else {
            return;
        };
        if peer.blocked {
            let prefixes = withdrawn
                .into_iter()
                .chain(announced.into_iter().map(|(_, net)| net));
            self.peers[id.index()].missed.extend(prefixes);
            return;
        }
        let conn = session.conn;
        let (bytes, messages) =
            export::state(withdrawn, announced, &self.interner, group.key.four_octet);
        send(
            &mut self.peers[id.index()].counters,
            conn,
            bytes.into(),
            messages,
            out,
        );
    }

    /// The neighbour's connection is full.
    pub(super) fn blocked(&mut self, conn: ConnId) {
        if let Some(id) = self.conns.get(&conn) {
            self.peers[id.index()].blocked = true;
        }
    }

    /// The neighbour's connection takes bytes again: it is told the state of what it missed.
    pub(super) fn writable(&mut self, conn: ConnId, out: &mut Vec<Output>) {
        let Some(id) = self.conns.get(&conn).copied() else {
            return;
        };
        let peer = &mut self.peers[id.index()];
        peer.blocked = false;
        let missed = core::mem::take(&mut peer.missed);
        let group = peer.group.and_then(|place| self.groups[place].as_ref());
        let Some(group) = group else { return };
        let mut withdrawn = Vec::new();
        let mut announced = Vec::new();
        for net in missed {
            match self.rib.id(net).and_then(|place| group.told(id, place)) {
                Some(attributes) => announced.push((attributes, net)),
                None => withdrawn.push(net),
            }
        }
        self.say(id, withdrawn, announced, out);
    }
}

fn send(
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
