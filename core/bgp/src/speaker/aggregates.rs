//! Routes that count under a shorter prefix (`Action::Aggregate`): on their way in a neighbour's
//! contributors make one route of that neighbour, on their way out one route of the update group.
//! Its attributes are those of the contributor with the lowest prefix, so that the order of arrival
//! does not matter; it goes with the last contributor.

use inet::Net;

use super::Speaker;
use super::import::Told;
use crate::interner::AttrId;
use crate::rib::{PrefixId, SourceId};
use crate::view::Refusal;

/// The path identifier of a route that a neighbour's contributors make.
pub(super) const AGGREGATE_PATH: u32 = u32::MAX;

/// A contributor: its prefix and its path identifier.
type Part = (Net, u32);

/// All aggregates on the way in.
#[derive(Debug, Default)]
pub(crate) struct Aggregates {
    /// What each aggregate is made of, with references on the attributes.
    parts: std::collections::BTreeMap<(SourceId, Net), std::collections::BTreeMap<Part, AttrId>>,
    /// Where each contributor counts.
    places: std::collections::BTreeMap<(SourceId, Part), Net>,
}

impl Speaker {
    /// Puts a route in its place: under its own prefix, or among the contributors to another.
    pub(super) fn take(&mut self, id: PrefixId, net: Net, told: Told, into: Option<Net>) {
        let (source, path, epoch) = (told.source, told.path, told.epoch);
        match (into.filter(|into| *into != net), told.taken) {
            (Some(into), Ok(attributes)) => {
                let refused = Err(Refusal::Aggregated);
                let kept = Told {
                    taken: refused,
                    ..told
                };
                self.put(id, kept);
                if self.rib.entry(id).place(source, path).is_some() {
                    self.contribute(source, (net, path), Some((into, attributes)), epoch);
                } else {
                    // One path too many.
                    self.interner.release(attributes);
                }
            }
            _ => {
                if !self.aggregates.places.is_empty() {
                    self.contribute(source, (net, path), None, epoch);
                }
                self.put(id, told);
            }
        }
    }

    /// Changes what a route contributes to; the reference on the attributes stays here.
    pub(super) fn contribute(
        &mut self,
        source: SourceId,
        part: Part,
        new: Option<(Net, AttrId)>,
        epoch: u8,
    ) {
        let old = self.aggregates.places.remove(&(source, part));
        if let Some(old) = old
            && let Some(parts) = self.aggregates.parts.get_mut(&(source, old))
            && let Some(attributes) = parts.remove(&part)
        {
            self.interner.release(attributes);
        }
        if let Some((into, attributes)) = new {
            self.aggregates.places.insert((source, part), into);
            let parts = self.aggregates.parts.entry((source, into)).or_default();
            parts.insert(part, attributes);
            self.renew(source, into, epoch);
        }
        if let Some(old) = old.filter(|old| new.is_none_or(|(into, _)| into != *old)) {
            self.renew(source, old, epoch);
        }
    }

    /// Makes an aggregate what its contributors say.
    fn renew(&mut self, source: SourceId, net: Net, epoch: u8) {
        let parts = self.aggregates.parts.get(&(source, net));
        let Some(first) = parts.and_then(|parts| parts.values().next()).copied() else {
            self.aggregates.parts.remove(&(source, net));
            return self.forget(source, net, AGGREGATE_PATH);
        };
        self.interner.retain(first);
        self.interner.retain(first);
        let id = self.rib.add(net);
        let told = Told {
            source,
            path: AGGREGATE_PATH,
            received: first,
            taken: Ok(first),
            epoch,
        };
        self.put(id, told);
    }
}
