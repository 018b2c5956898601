//! Routes on their way in: loop checks, import policy (RFC 4271 §9.1.1), and their places in the
//! table. Which of them are used is not decided here.

use core::cell::OnceCell;

use inet::Net;

use super::Speaker;
use crate::input::Origination;
use crate::interner::AttrId;
use crate::policy::{Applied, Policy, Source};
use crate::rib::{PrefixId, Route};
use crate::settings::NeighborId;
use crate::wire::attributes::{AsPath, Attributes, Scan, Session, as_path, table};

impl Speaker {
    /// Announces a route of our own.
    pub(super) fn originate(&mut self, net: Net, origination: &Origination) {
        let mut attributes = Attributes::new(
            origination
                .next_hop
                .unwrap_or(core::net::Ipv4Addr::UNSPECIFIED.into()),
        );
        attributes.origin = origination.origin;
        attributes.med = origination.med;
        attributes.local_pref = origination.local_pref;
        attributes.communities.clone_from(&origination.communities);
        attributes
            .ext_communities
            .clone_from(&origination.ext_communities);
        attributes.as_path = AsPath::sequence(origination.as_path.iter().copied());
        let id = self.interner.intern(&attributes.encode(true));
        self.interner.retain(id);
        self.put(None, net, id, Some(id));
    }

    /// Whether a route is taken, and as what; the result has a reference of its own.
    pub(super) fn import(
        &mut self,
        id: NeighborId,
        received: AttrId,
        net: Net,
        importer: &mut Importer,
    ) -> Option<AttrId> {
        let neighbor = &self.peers[id.index()].settings;
        let external = neighbor.remote_as != self.settings.local_as;
        let looped = *importer.looped.get_or_insert_with(|| {
            let scan = Scan::new(self.interner.block(received), &Session::INSIDE);
            let value = |code| scan.value(code).unwrap_or_default();
            let own = as_path::occurrences(value(table::AS_PATH), self.settings.local_as);
            let cluster = self.settings.cluster().octets();
            // RFC 4271 §9.1.2, RFC 4456 §8.
            own > usize::from(neighbor.own_as_allowed)
                || value(table::ORIGINATOR_ID) == self.settings.router_id.octets()
                || value(table::CLUSTER_LIST)
                    .chunks_exact(4)
                    .any(|passed| passed == cluster)
        });
        if looped {
            return None;
        }
        let policy = match &neighbor.import {
            Some(policy) => policy.clone(),
            None if external && neighbor.require_policy => return None,
            None => Policy::accept_all(),
        };
        let source = Source::Neighbor(id, neighbor.group);
        let interner = &self.interner;
        let attributes = &importer.attributes;
        let decoded = || attributes.get_or_init(|| interner.attributes(received));
        let applied = policy.judge(net, source, &|| decoded().clone())?;
        let known = importer.results.iter().find(|(terms, _)| *terms == applied);
        let accepted = match known {
            Some((_, accepted)) => {
                self.interner.retain(*accepted);
                *accepted
            }
            None if policy.actions(applied).next().is_none() => {
                self.interner.retain(received);
                received
            }
            None => {
                let mut changed = decoded().clone();
                for action in policy.actions(applied) {
                    action.apply(&mut changed, Some(neighbor.remote_as));
                }
                self.interner.intern(&changed.encode(true))
            }
        };
        if known.is_none() {
            importer.results.push((applied, accepted));
        }
        Some(accepted)
    }

    /// Puts a route in place of the one that its source told before. Uses up both references.
    pub(super) fn put(
        &mut self,
        source: Option<NeighborId>,
        net: Net,
        received: AttrId,
        accepted: Option<AttrId>,
    ) {
        let id = self.rib.add(net);
        let new = Route {
            source,
            received,
            accepted,
        };
        let known = self
            .rib
            .entry(id)
            .routes
            .iter()
            .position(|route| route.source == source);
        if let Some(place) = known {
            let old = self.rib.entry(id).routes[place];
            self.count(old, false);
            self.count(new, true);
            if old != new {
                self.touch(id);
                self.rib.entry_mut(id).routes[place] = new;
            }
            self.release(old);
            return;
        }
        self.touch(id);
        self.rib.entry_mut(id).routes.push(new);
        self.count(new, true);
        if let Some(neighbor) = source {
            self.peers[neighbor.index()].held.insert(id);
        }
    }

    /// Takes a route away.
    pub(super) fn forget(&mut self, source: Option<NeighborId>, net: Net) {
        let Some(id) = self.rib.id(net) else {
            return;
        };
        if let Some(neighbor) = source {
            self.peers[neighbor.index()].held.remove(&id);
        }
        self.drop_route(source, id);
    }

    /// Takes all routes of a neighbour away, by its own list of prefixes.
    pub(super) fn purge(&mut self, neighbor: NeighborId) {
        for id in core::mem::take(&mut self.peers[neighbor.index()].held) {
            self.drop_route(Some(neighbor), id);
        }
    }

    fn drop_route(&mut self, source: Option<NeighborId>, id: PrefixId) {
        let place = self
            .rib
            .entry(id)
            .routes
            .iter()
            .position(|route| route.source == source);
        if let Some(place) = place {
            self.touch(id);
            let old = self.rib.entry_mut(id).routes.remove(place);
            self.count(old, false);
            self.release(old);
        }
    }

    /// Keeps the number of accepted routes of a neighbour right.
    fn count(&mut self, route: Route, comes: bool) {
        if let (Some(source), Some(_)) = (route.source, route.accepted) {
            let accepted = &mut self.peers[source.index()].accepted;
            *accepted = if comes { *accepted + 1 } else { *accepted - 1 };
        }
    }

    fn release(&mut self, route: Route) {
        self.interner.release(route.received);
        if let Some(accepted) = route.accepted {
            self.interner.release(accepted);
        }
    }

    /// Applies the import policy again to everything a neighbour told.
    pub(super) fn import_again(&mut self, id: NeighborId) {
        let held: Vec<PrefixId> = self.peers[id.index()].held.iter().copied().collect();
        for place in held {
            let entry = self.rib.entry(place);
            let Some(route) = entry
                .routes
                .iter()
                .find(|route| route.source == Some(id))
                .copied()
            else {
                continue;
            };
            let net = entry.net;
            let mut importer = Importer::default();
            let accepted = self.import(id, route.received, net, &mut importer);
            self.interner.retain(route.received);
            self.touch(place);
            self.put(Some(id), net, route.received, accepted);
        }
    }
}

/// The import step for routes that share an attribute set: each result of the policy is made once.
#[derive(Default)]
pub(super) struct Importer {
    attributes: OnceCell<Attributes>,
    looped: Option<bool>,
    results: Vec<(Applied, AttrId)>,
}
