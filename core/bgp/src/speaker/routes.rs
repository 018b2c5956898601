//! The end of a batch: what changed since the last one is said and told. Import decides as it goes;
//! telling others has a file of its own.

use inet::Instant;

use super::Speaker;
use super::work::DEAD_MAX;
use crate::decision::Origin;
use crate::output::{Ended, Output};
use crate::rib::{InUse, PrefixId};
use crate::settings::NeighborId;
use crate::wire::notification::{Notification, cease};

/// A prefix that was touched, with the paths that were in use before.
#[derive(Debug)]
pub(super) struct Touched {
    id: PrefixId,
    before: InUse,
}

impl Speaker {
    /// Remembers what was in use before the first change of a batch. The interner gives no number
    /// a new meaning before the batch ends.
    pub(super) fn touch(&mut self, id: PrefixId) {
        let entry = self.rib.entry_mut(id);
        if entry.mark_dirty() {
            let before = entry.in_use();
            self.dirty.push(Touched { id, before });
        }
    }

    /// Says what changed and tells the neighbours.
    pub(super) fn settle(&mut self, out: &mut Vec<Output>) {
        if self.deferring() {
            return;
        }
        if self.dirty.is_empty() {
            self.interner.sweep();
            return;
        }
        let dirty = core::mem::take(&mut self.dirty);
        let mut best_changed = Vec::with_capacity(dirty.len());
        for Touched { id, before } in &dirty {
            let entry = self.rib.entry_mut(*id);
            entry.mark_clean();
            let used = &entry.routes[..entry.used()];
            let now = used.iter().map(|r| (r.source, r.path, r.accepted));
            if now.clone().eq(before.iter().copied()) {
                continue;
            }
            if now.clone().next() != before.first().copied() {
                best_changed.push(*id);
            }
            let net = self.rib.net(*id);
            out.push(Output::Changed { net });
        }
        let all: Vec<PrefixId> = if self.tells_paths() {
            dirty.iter().map(|touched| touched.id).collect()
        } else {
            Vec::new()
        };
        for place in 0..self.groups.len() {
            if let Some(mut group) = self.groups[place].take() {
                let changed = if group.tells_paths() {
                    &all
                } else {
                    &best_changed
                };
                self.tell(&mut group, changed, out);
                self.groups[place] = Some(group);
            }
        }
        for Touched { id, .. } in &dirty {
            if self.rib.entry(*id).routes.is_empty() && !self.pinned.contains(id) {
                self.bury(*id);
            }
        }
        self.interner.sweep();
        self.shrink();
    }

    /// Decides again about all prefixes: the rules of the decision changed.
    pub(super) fn decide_everything(&mut self) {
        let all: Vec<PrefixId> = self.rib.iter().map(|(id, _)| id).collect();
        for id in all {
            self.touch(id);
            let (entry, decision) = self.deciding(id);
            decision.decide(entry);
        }
    }

    /// Frees the number of a prefix without paths, unless somebody is still to be told that it
    /// went.
    fn bury(&mut self, id: PrefixId) {
        if self.lagging.is_empty() {
            self.dead.remove(id);
            self.rib.remove(id);
        } else {
            self.dead.insert(id);
        }
    }

    /// Members that have been behind while too many prefixes went are dropped.
    pub(super) fn drop_laggards(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.dead.len() <= DEAD_MAX {
            return;
        }
        for id in core::mem::take(&mut self.lagging) {
            if let Some(session) = self.peers[id.index()].established() {
                let reason = Ended::Sent(Notification::cease(cease::RESOURCES));
                self.end(now, session.conn, reason, out);
            }
        }
    }

    /// Frees the numbers that waited for members that lagged behind.
    pub(super) fn bury_dead(&mut self) {
        if !self.lagging.is_empty() || self.dead.is_empty() {
            return;
        }
        for id in core::mem::take(&mut self.dead).iter() {
            if self.rib.entry(id).routes.is_empty() && !self.pinned.contains(&id) {
                self.rib.remove(id);
            }
        }
        self.shrink();
    }

    /// Gives memory back after a storm.
    fn shrink(&mut self) {
        self.rib.shrink();
        let end = self.rib.end();
        for group in self.groups.iter_mut().flatten() {
            group.shrink(end);
        }
    }

    fn tells_paths(&self) -> bool {
        self.groups
            .iter()
            .flatten()
            .any(|group| group.tells_paths())
    }

    /// Keeps what the decision needs of a neighbour up to date.
    pub(super) fn set_origin(&mut self, id: NeighborId) {
        let peer = &self.peers[id.index()];
        let origin = Origin {
            external: peer.settings.remote_as != self.settings.local_as,
            cost: peer.settings.interior_cost,
            router_id: peer.router_id,
            address: peer.settings.address,
        };
        if self.origins.len() <= id.index() {
            self.origins.resize(id.index() + 1, origin);
        }
        let old = core::mem::replace(&mut self.origins[id.index()], origin);
        if old != origin && self.peers[id.index()].routes > 0 {
            self.decide_again(id);
        }
    }
}
