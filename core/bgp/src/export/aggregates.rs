//! Routes that an update group is told under a shorter prefix.

use std::collections::{BTreeMap, BTreeSet};

use inet::Net;

use super::Advertised;
use crate::interner::AttrId;
use crate::rib::PrefixId;

/// What the aggregates of a group are made of; references on the attributes are kept here.
#[derive(Debug, Default)]
pub(crate) struct Aggregates {
    parts: BTreeMap<Net, BTreeMap<Net, Advertised>>,
    places: BTreeMap<PrefixId, (Net, Net)>,
    /// Aggregates whose parts changed since they were last looked at.
    changed: BTreeSet<Net>,
}

impl Aggregates {
    /// Changes what a prefix contributes to; gives what it contributed before.
    pub(crate) fn contribute(
        &mut self,
        id: PrefixId,
        net: Net,
        new: Option<(Net, Advertised)>,
    ) -> Option<Advertised> {
        let mut before = None;
        if let Some((into, was)) = self.places.remove(&id) {
            if let Some(parts) = self.parts.get_mut(&into) {
                before = parts.remove(&was);
                if parts.is_empty() {
                    self.parts.remove(&into);
                }
            }
            self.changed.insert(into);
        }
        if let Some((into, told)) = new {
            self.places.insert(id, (into, net));
            self.parts.entry(into).or_default().insert(net, told);
            self.changed.insert(into);
        }
        before
    }

    /// What an aggregate looks like: as its part with the lowest prefix.
    pub(crate) fn first(&self, into: Net) -> Option<Advertised> {
        self.parts.get(&into)?.values().next().copied()
    }

    /// The aggregates to look at again.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<Net> {
        core::mem::take(&mut self.changed)
    }

    /// All references.
    pub(crate) fn attributes(&self) -> Vec<AttrId> {
        let parts = self.parts.values().flat_map(BTreeMap::values);
        parts.map(|(attributes, _)| *attributes).collect()
    }
}
