//! Routes on their way in: loop checks, import policy (RFC 4271 §9.1.1), and their places in the
//! table. Each change is decided at once; what follows from it for others waits for the end of the
//! batch.

use core::cell::OnceCell;
use core::net::Ipv4Addr;

use inet::Net;

use super::Speaker;
use super::aggregates::AGGREGATE_PATH;
use crate::decision::Decision;
use crate::input::Origination;
use crate::interner::AttrId;
use crate::policy::{Applied, Policy, Source};
use crate::rank::{self, mark};
use crate::rib::{PrefixId, Route, SourceId};
use crate::settings::{NeighborId, Role};
use crate::view::Refusal;
use crate::wire::attributes::{AsPath, Attributes, as_path, table, tunnel_encapsulation};

/// The most paths of one prefix that a neighbour with add-path can have here; further ones are
/// not taken. It bounds the work on one prefix.
const PATHS_MAX: usize = 64;

/// A route as it is taken: its attributes, or why there are none.
type Taken = Result<AttrId, Refusal>;

impl Speaker {
    /// Announces a route of our own.
    pub(super) fn originate(&mut self, net: Net, origination: &Origination) {
        let next_hop = origination.next_hop.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let mut attributes = Attributes::new(next_hop);
        attributes.origin = origination.origin;
        attributes.med = origination.med;
        attributes.local_pref = origination.local_pref;
        attributes.communities.clone_from(&origination.communities);
        attributes
            .ext_communities
            .clone_from(&origination.ext_communities);
        attributes.tunnel_encapsulation = tunnel_encapsulation::write(&origination.tunnels);
        attributes.as_path = AsPath::sequence(origination.as_path.iter().copied());
        let received = self.interner.intern(&attributes.encode(true));
        self.interner.retain(received);
        let id = self.rib.add(net);
        let told = Told {
            source: SourceId::LOCAL,
            path: 0,
            received,
            taken: Ok(received),
            epoch: 0,
        };
        self.put(id, told);
    }

    /// What routes of a neighbour with one attribute set have in common on their way in.
    pub(super) fn importer(&self, id: NeighborId, received: AttrId) -> Importer {
        let peer = &self.peers[id.index()];
        let external = peer.settings.remote_as != self.settings.local_as;
        let policy = match &peer.settings.import {
            Some(policy) => Some(policy.clone()),
            None if external && peer.settings.require_policy => None,
            None => Some(Policy::accept_all()),
        };
        let aggregates = policy.as_ref().is_some_and(Policy::aggregates);
        Importer {
            id,
            received,
            external,
            policy,
            looped: self.looped(id, received, external),
            attributes: OnceCell::new(),
            results: Vec::new(),
            aggregates,
            into: None,
        }
    }

    /// Whether routes with these attributes came back to us or leak.
    fn looped(&self, id: NeighborId, received: AttrId, external: bool) -> Option<Refusal> {
        let settings = &self.peers[id.index()].settings;
        let (mut own, mut reflected, mut customers) = (0, false, None);
        for (code, value) in rank::values(self.interner.block(received)) {
            match code {
                table::AS_PATH => own = as_path::occurrences(value, self.settings.local_as),
                // RFC 4456 §8.
                table::ORIGINATOR_ID => reflected |= value == self.settings.router_id.octets(),
                table::CLUSTER_LIST => {
                    let cluster = self.settings.cluster().octets();
                    reflected |= value.chunks_exact(4).any(|passed| passed == cluster);
                }
                table::ONLY_TO_CUSTOMER => {
                    customers = value.first_chunk().copied().map(u32::from_be_bytes);
                }
                _ => {}
            }
        }
        // RFC 9234 §5, ingress 1 and 2.
        let leaks = match settings.role.filter(|_| external) {
            Some(Role::Provider | Role::RouteServer) => customers.is_some(),
            Some(Role::Peer) => customers.is_some_and(|asn| asn != settings.remote_as.0),
            Some(Role::Customer | Role::RouteServerClient) | None => false,
        };
        if own > usize::from(settings.own_as_allowed) {
            // RFC 4271 §9.1.2.
            Some(Refusal::AsLoop)
        } else if reflected {
            Some(Refusal::ReflectionLoop)
        } else {
            leaks.then_some(Refusal::RouteLeak)
        }
    }

    /// Whether a route is taken, and as what; the result has a reference of its own.
    pub(super) fn import(&mut self, net: Net, importer: &mut Importer) -> Taken {
        if let Some(refusal) = importer.looped {
            return Err(refusal);
        }
        let Some(policy) = &importer.policy else {
            return Err(Refusal::NoPolicy);
        };
        let settings = &self.peers[importer.id.index()].settings;
        let source = Source::Neighbor(importer.id, settings.group);
        let interner = &self.interner;
        let received = importer.received;
        let decoded = || {
            importer
                .attributes
                .get_or_init(|| interner.attributes(received))
        };
        let applied = policy
            .judge(net, source, &|| decoded().clone())
            .ok_or(Refusal::Policy)?;
        importer.into = if importer.aggregates {
            policy.aggregate(applied)
        } else {
            None
        };
        let known = importer.results.iter().find(|(terms, _)| *terms == applied);
        if let Some((_, accepted)) = known {
            let accepted = *accepted;
            self.interner.retain(accepted);
            return Ok(accepted);
        }
        let adds_otc = importer.external
            && matches!(
                settings.role,
                Some(Role::Customer | Role::Peer | Role::RouteServerClient)
            );
        let shuts_down = settings.graceful_shutdown
            && importer.external
            && interner.rank(received).is(mark::GRACEFUL_SHUTDOWN);
        let accepted = if !adds_otc && !shuts_down && policy.actions(applied).next().is_none() {
            self.interner.retain(received);
            received
        } else {
            let mut changed = decoded().clone();
            if adds_otc {
                // RFC 9234 §5, ingress 3.
                changed.only_to_customer.get_or_insert(settings.remote_as);
            }
            for action in policy.actions(applied) {
                action.apply(&mut changed, Some(settings.remote_as));
            }
            if shuts_down {
                // RFC 8326 §4.2.
                changed.local_pref = Some(0);
            }
            self.interner.intern(&changed.encode(true))
        };
        importer.results.push((applied, accepted));
        Ok(accepted)
    }

    /// Puts a route in place of the one that its source told before. Uses up both references.
    pub(super) fn put(&mut self, id: PrefixId, told: Told) {
        let had = self.rib.entry(id).used() > 0;
        let told = self.within_prefixes(told, had);
        self.put_told(id, told);
        let has = self.rib.entry(id).used() > 0;
        self.used = self.used + usize::from(has) - usize::from(had);
    }

    /// Refuses a route that would bring one prefix too many.
    fn within_prefixes(&mut self, told: Told, had: bool) -> Told {
        let full = self
            .settings
            .prefixes_max
            .is_some_and(|max| self.used >= max as usize);
        match told.taken {
            Ok(accepted) if full && !had && told.source != SourceId::LOCAL => {
                self.interner.release(accepted);
                Told {
                    taken: Err(Refusal::TooManyPrefixes),
                    ..told
                }
            }
            _ => told,
        }
    }

    fn put_told(&mut self, id: PrefixId, told: Told) {
        let entry = self.rib.entry(id);
        let place = entry.place(told.source, told.path);
        let new = Route {
            source: told.source,
            path: told.path,
            received: told.received,
            accepted: told.taken.ok(),
            tag: place.map_or_else(|| entry.free_tag(), |place| entry.routes[place].tag),
            epoch: told.epoch,
            refused: told.taken.err(),
        };
        let Some(place) = place else {
            return self.put_new(id, new);
        };
        let old = entry.routes[place];
        self.count(old, false);
        self.count(new, true);
        if (old.received, old.accepted) == (new.received, new.accepted) {
            self.rib.entry_mut(id).routes[place] = new;
        } else if old.accepted == new.accepted {
            self.touch(id);
            self.rib.entry_mut(id).routes[place] = new;
        } else {
            self.touch(id);
            let (entry, decision) = self.deciding(id);
            let mattered = decision.matters(entry, place);
            entry.routes[place] = new;
            if mattered {
                decision.decide(entry);
            } else {
                decision.came(entry, place);
            }
        }
        self.release(old);
    }

    fn put_new(&mut self, id: PrefixId, new: Route) {
        if let Some(neighbor) = new.source.neighbor() {
            let entry = self.rib.entry(id);
            let paths = entry.routes.iter().filter(|r| r.source == new.source);
            if new.path != 0 && paths.count() >= PATHS_MAX {
                self.release(new);
                return;
            }
            let peer = &mut self.peers[neighbor.index()];
            peer.held.insert(id);
            peer.routes += u32::from(new.path != AGGREGATE_PATH);
        }
        self.paths += 1;
        self.touch(id);
        let (entry, decision) = self.deciding(id);
        entry.routes.push(new);
        let place = entry.routes.len() - 1;
        decision.came(entry, place);
        self.count(new, true);
    }

    /// An entry, and the decision about it.
    pub(super) fn deciding(&mut self, id: PrefixId) -> (&mut crate::rib::Entry, Decision<'_>) {
        let decision = Decision {
            settings: &self.settings,
            interner: &self.interner,
            origins: &self.origins,
        };
        (self.rib.entry_mut(id), decision)
    }

    /// Takes a route away.
    pub(super) fn forget(&mut self, source: SourceId, net: Net, path: u32) {
        if let Some(id) = self.rib.id(net)
            && let Some(place) = self.rib.entry(id).place(source, path)
        {
            self.drop_route(id, place);
        }
    }

    pub(super) fn drop_route(&mut self, id: PrefixId, place: usize) {
        self.touch(id);
        let had = self.rib.entry(id).used() > 0;
        let (entry, decision) = self.deciding(id);
        let mattered = decision.matters(entry, place);
        let old = entry.routes.remove(place);
        if mattered {
            entry.set_used(0);
            decision.decide(entry);
        }
        let last = !entry.routes.iter().any(|route| route.source == old.source);
        let has = entry.used() > 0;
        self.used = self.used + usize::from(has) - usize::from(had);
        self.paths -= 1;
        if let Some(neighbor) = old.source.neighbor() {
            let peer = &mut self.peers[neighbor.index()];
            peer.routes -= u32::from(old.path != AGGREGATE_PATH);
            if last {
                peer.held.remove(id);
            }
        }
        self.count(old, false);
        self.release(old);
        if old.refused == Some(Refusal::Aggregated) {
            let part = (self.rib.net(id), old.path);
            self.contribute(old.source, part, None, old.epoch);
        }
    }

    /// Decides again about everything that a neighbour told: what the decision needs of it changed.
    pub(super) fn decide_again(&mut self, id: NeighborId) {
        let held: Vec<PrefixId> = self.peers[id.index()].held.iter().collect();
        for place in held {
            self.touch(place);
            let (entry, decision) = self.deciding(place);
            decision.decide(entry);
        }
    }

    /// Keeps the number of accepted routes of a neighbour right.
    fn count(&mut self, route: Route, comes: bool) {
        if let (Some(source), Some(_)) = (route.source.neighbor(), route.accepted) {
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

    /// Applies the import policy again to one prefix of a neighbour.
    pub(super) fn import_again(&mut self, id: NeighborId, place: PrefixId) {
        let source = SourceId::of(id);
        let routes: smallvec::SmallVec<[Route; 1]> = self
            .rib
            .entry(place)
            .routes
            .iter()
            .filter(|route| route.source == source && route.path != AGGREGATE_PATH)
            .copied()
            .collect();
        if routes.is_empty() {
            // The number may be free by now; an aggregate follows its contributors.
            return;
        }
        let net = self.rib.net(place);
        for route in routes {
            let mut importer = self.importer(id, route.received);
            let taken = self.import(net, &mut importer);
            self.interner.retain(route.received);
            let told = Told {
                source,
                path: route.path,
                received: route.received,
                taken,
                epoch: route.epoch,
            };
            self.take(place, net, told, importer.into);
        }
    }

    /// Makes a stale route of a neighbour a long-lived one (RFC 9494 §4.3): it carries LLGR_STALE,
    /// and goes when it says NO_LLGR.
    pub(super) fn live_long(&mut self, id: PrefixId, place: usize) {
        let route = self.rib.entry(id).routes[place];
        let Some(accepted) = route.accepted else {
            return;
        };
        if self.interner.rank(route.received).is(mark::NO_LLGR) {
            return self.drop_route(id, place);
        }
        if self.interner.rank(accepted).is(mark::LLGR_STALE) {
            return;
        }
        let mut attributes = self.interner.attributes(accepted);
        attributes.communities.push(rank::LLGR_STALE);
        let stale = self.interner.intern(&attributes.encode(true));
        self.interner.retain(route.received);
        let told = Told {
            source: route.source,
            path: route.path,
            received: route.received,
            taken: Ok(stale),
            epoch: route.epoch,
        };
        self.put(id, told);
    }
}

/// A route as it was told.
pub(super) struct Told {
    pub(super) source: SourceId,
    pub(super) path: u32,
    pub(super) received: AttrId,
    pub(super) taken: Taken,
    pub(super) epoch: u8,
}

/// The import step for routes that share an attribute set: each result of the policy is made once.
pub(super) struct Importer {
    id: NeighborId,
    received: AttrId,
    external: bool,
    policy: Option<Policy>,
    looped: Option<Refusal>,
    attributes: OnceCell<Attributes>,
    results: Vec<(Applied, AttrId)>,
    aggregates: bool,
    /// The prefix that the route that was imported last counts under.
    pub(super) into: Option<Net>,
}
