//! What can be read of the tables: paths, the two Adj-RIBs, counts, and why a path is not used.

use inet::Net;

use super::Speaker;
use super::aggregates::AGGREGATE_PATH;
use crate::decision::Decision;
use crate::rib::{Route, SourceId};
use crate::settings::NeighborId;
use crate::view::{AdvertisedRoute, Candidate, Counts, Explanation, Fate, Path, ReceivedRoute};

impl Speaker {
    /// The paths in use for a prefix, best first; empty when there is none.
    pub fn multipath(&self, net: impl Into<Net>) -> Vec<Path> {
        let Some(id) = self.rib.id(net.into()) else {
            return Vec::new();
        };
        let entry = self.rib.entry(id);
        let used = entry.routes[..entry.used()].iter();
        used.enumerate()
            .filter_map(|(place, route)| self.path(place == 0, route))
            .collect()
    }

    /// Every acceptable path to a prefix, in order of preference.
    pub fn paths(&self, net: impl Into<Net>) -> Vec<Path> {
        let Some(id) = self.rib.id(net.into()) else {
            return Vec::new();
        };
        let order = self.decision().explain(self.rib.entry(id));
        order
            .iter()
            .enumerate()
            .filter_map(|(place, (route, _))| self.path(place == 0, route))
            .collect()
    }

    fn path(&self, best: bool, route: &Route) -> Option<Path> {
        Some(Path {
            neighbor: route.source.neighbor(),
            path_id: route.path,
            best,
            attributes: self.interner.attributes(route.accepted?),
        })
    }

    fn decision(&self) -> Decision<'_> {
        Decision {
            settings: &self.settings,
            interner: &self.interner,
            origins: &self.origins,
        }
    }

    /// Why each path to a prefix is used or not.
    pub fn explain(&self, net: impl Into<Net>) -> Explanation {
        let net = net.into();
        let Some(id) = self.rib.id(net) else {
            return Explanation {
                net,
                candidates: Vec::new(),
            };
        };
        let entry = self.rib.entry(id);
        let used = &entry.routes[..entry.used()];
        let is_used = |route: &Route| {
            used.iter()
                .any(|other| (other.source, other.path) == (route.source, route.path))
        };
        let order = self.decision().explain(entry);
        let accepted = order.iter().enumerate().map(|(place, (route, lost))| {
            let fate = match lost {
                None => Fate::Best,
                Some(_) if place > 0 && is_used(route) => Fate::Used,
                Some((step, to)) => Fate::Lost {
                    step: *step,
                    to: to.source.neighbor(),
                },
            };
            self.candidate(route, fate)
        });
        let refused = entry.routes.iter().filter_map(|route| {
            let refusal = route.refused?;
            Some(self.candidate(route, Fate::Refused(refusal)))
        });
        Explanation {
            net,
            candidates: accepted.chain(refused).collect(),
        }
    }

    fn candidate(&self, route: &Route, fate: Fate) -> Candidate {
        let neighbor = route.source.neighbor();
        Candidate {
            neighbor,
            path_id: route.path,
            attributes: self
                .interner
                .attributes(route.accepted.unwrap_or(route.received)),
            stale: neighbor.is_some_and(|id| {
                let epochs = self.peers[id.index()].epochs;
                !epochs.contains(&route.epoch)
            }),
            fate,
        }
    }

    /// The prefixes that have a path in use, in order.
    pub fn loc_rib(&self) -> Vec<Net> {
        let used = self.rib.iter().filter(|(_, entry)| entry.used() > 0);
        let mut nets: Vec<Net> = used.map(|(id, _)| self.rib.net(id)).collect();
        nets.sort_unstable();
        nets
    }

    /// Sizes of the tables; costs nothing.
    pub fn counts(&self) -> Counts {
        Counts {
            prefixes: self.used,
            paths: self.paths,
            attribute_sets: self.interner.len(),
            attribute_bytes: self.interner.bytes(),
        }
    }

    /// What a neighbour told us, in order of prefixes.
    pub fn adj_in(&self, neighbor: NeighborId) -> Vec<ReceivedRoute> {
        let Some(peer) = self.peers.get(neighbor.index()) else {
            return Vec::new();
        };
        let source = SourceId::of(neighbor);
        let mut routes: Vec<ReceivedRoute> = Vec::new();
        for id in peer.held.iter() {
            let net = self.rib.net(id);
            let told = self.rib.entry(id).routes.iter();
            let told = told.filter(|route| route.path != AGGREGATE_PATH);
            routes.extend(
                told.filter(|r| r.source == source)
                    .map(|route| ReceivedRoute {
                        net,
                        path_id: route.path,
                        received: self.interner.attributes(route.received),
                        accepted: route.accepted.map(|id| self.interner.attributes(id)),
                        refused: route.refused,
                    }),
            );
        }
        routes.sort_by_key(|route| (route.net, route.path_id));
        routes
    }

    /// What we told a neighbour, in order of prefixes.
    pub fn adj_out(&self, neighbor: NeighborId) -> Vec<AdvertisedRoute> {
        let group = self
            .peers
            .get(neighbor.index())
            .and_then(|peer| self.groups[peer.group?].as_ref());
        let Some(group) = group else {
            return Vec::new();
        };
        let mut routes: Vec<AdvertisedRoute> = Vec::new();
        for (id, entry) in self.rib.iter() {
            let paths = group.key.add_path(entry.is_v6()).is_some();
            let told = group.told(neighbor, id);
            routes.extend(told.map(|(tag, attributes)| AdvertisedRoute {
                net: self.rib.net(id),
                path_id: if paths { u32::from(tag) + 1 } else { 0 },
                attributes: self.interner.attributes(attributes),
            }));
        }
        routes.sort_by_key(|route| (route.net, route.path_id));
        routes
    }

    /// How many routes a neighbour is told.
    pub(super) fn sent(&self, neighbor: NeighborId) -> u32 {
        let peer = &self.peers[neighbor.index()];
        let group = peer.group.and_then(|place| self.groups[place].as_ref());
        let sent = group.map_or(0, |group| group.told_count(neighbor));
        u32::try_from(sent).unwrap_or(u32::MAX)
    }
}
