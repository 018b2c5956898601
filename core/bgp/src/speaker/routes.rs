//! What changed since the last decision, and the decision itself. Import and telling others have
//! files of their own.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::Speaker;
use crate::decision::{self, Origin};
use crate::interner::AttrId;
use crate::output::Output;
use crate::rib::PrefixId;
use crate::settings::NeighborId;

/// Prefixes touched since the last decision, with the paths that were in use before.
pub(super) type Dirty = BTreeMap<PrefixId, SmallVec<[(Option<NeighborId>, Option<AttrId>); 4]>>;

impl Speaker {
    /// Remembers what was in use before the first change, and keeps those attribute sets' numbers
    /// from being used again until the decision.
    pub(super) fn touch(&mut self, id: PrefixId) {
        if self.dirty.contains_key(&id) {
            return;
        }
        let before = self.rib.entry(id).in_use();
        for (_, attributes) in &before {
            if let Some(attributes) = attributes {
                self.interner.retain(*attributes);
            }
        }
        self.dirty.insert(id, before);
    }

    /// Decides for everything that was touched, says what changed and tells the neighbours.
    pub(super) fn settle(&mut self, out: &mut Vec<Output>) {
        if self.dirty.is_empty() {
            return;
        }
        let dirty = core::mem::take(&mut self.dirty);
        let mut best_changed = Vec::new();
        for (id, before) in &dirty {
            self.decide(*id);
            let entry = self.rib.entry(*id);
            let after = entry.in_use();
            if after != *before {
                out.push(Output::Changed { net: entry.net });
            }
            if after.first() != before.first() {
                best_changed.push(*id);
            }
        }
        for place in 0..self.groups.len() {
            if let Some(mut group) = self.groups[place].take() {
                self.tell(&mut group, &best_changed, out);
                self.groups[place] = Some(group);
            }
        }
        for (id, before) in dirty {
            for attributes in before.into_iter().filter_map(|(_, attributes)| attributes) {
                self.interner.release(attributes);
            }
            if self.rib.entry(id).routes.is_empty() {
                self.rib.remove(id);
            }
        }
    }

    fn decide(&mut self, id: PrefixId) {
        let (peers, local_as) = (&self.peers, self.settings.local_as);
        let origin = |neighbor: NeighborId| {
            let peer = &peers[neighbor.index()];
            Origin {
                external: peer.settings.remote_as != local_as,
                cost: peer.settings.interior_cost,
                router_id: peer.router_id,
                address: peer.settings.address,
            }
        };
        decision::decide(
            self.rib.entry_mut(id),
            &self.settings,
            &self.interner,
            &origin,
        );
    }
}
