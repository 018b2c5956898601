//! The hub's half: who is to be introduced to whom, and what is told of each.
//!
//! Two sites are introduced when packets have been relayed between them for a while and both have room. Packets
//! that are relayed again, or still, ask for another attempt, ever more seldom while attempts come to nothing. An
//! introduction stays as long as both links, so that what is behind a site is kept true while its shortcuts are in
//! use; one that no packet was relayed for makes room for another when it must.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use bgp::Command;
use carrier::Connection;
use inet::{Instant, Prefix};
use path::PathId;

use super::super::{Node, index};
use crate::fib::Target;
use crate::id::LinkId;
use crate::introduction::{Door, Introduction};
use crate::output::Output;
use crate::routing::{self, policy};

/// Two sites, the one with the lower number first.
type Pair = (LinkId, LinkId);

/// What a hub knows about sites that it relays between.
#[derive(Debug, Default)]
pub(super) struct Introducer {
    relays: BTreeMap<Pair, Relay>,
    /// What is told of each site.
    told: BTreeMap<LinkId, Told>,
    /// Whom each site is told of.
    partners: BTreeMap<LinkId, BTreeSet<LinkId>>,
    /// The state of the forwarding table that [`Told`] is of.
    table: u64,
}

/// Packets between two sites.
#[derive(Clone, Copy, Debug)]
struct Relay {
    /// Since when they pass without a gap, and when they last did.
    since: Instant,
    last: Instant,
    /// Since when the two are introduced, or were asked to try again; `None` before.
    asked: Option<Instant>,
    /// How often in a row that did not help.
    in_vain: u32,
}

/// What is told of a site.
#[derive(Debug)]
struct Told {
    introduction: Introduction,
    at: Instant,
}

impl Introducer {
    /// Packets are relayed between two sites.
    pub(super) fn relayed(&mut self, now: Instant, from: LinkId, to: LinkId) {
        let pair = (from.min(to), from.max(to));
        if !self.relays.contains_key(&pair) && self.relays.len() >= RELAYS_MAX {
            return;
        }
        let relay = self.relays.entry(pair).or_insert(Relay {
            since: now,
            last: now,
            asked: None,
            in_vain: 0,
        });
        if now.since(relay.last) > GAP {
            relay.since = now;
        }
        relay.last = now;
    }

    /// Decides who is introduced; gives those sites whose partners are to try again.
    fn decide(
        &mut self,
        now: Instant,
        slots: usize,
        is_up: impl Fn(LinkId) -> bool,
    ) -> BTreeSet<LinkId> {
        self.relays.retain(|(a, b), relay| {
            let is_wanted = relay.asked.is_some() || now.since(relay.last) <= GAP;
            is_wanted && is_up(*a) && is_up(*b)
        });
        let mut again = BTreeSet::new();
        let lasting = self.relays.iter().filter(|(_, relay)| relay.lasts(now));
        let lasting: Vec<Pair> = lasting.map(|(pair, _)| *pair).collect();
        for pair in lasting {
            let is_new = self.relays[&pair].asked.is_none();
            if is_new
                && ![pair.0, pair.1]
                    .iter()
                    .all(|site| self.make_room(now, *site, slots))
            {
                continue;
            }
            if let Some(relay) = self.relays.get_mut(&pair)
                && relay.ask(now)
            {
                again.extend([pair.0, pair.1]);
            }
        }
        again
    }

    /// Whether a site can have one more partner, perhaps in place of one that nothing was relayed to for long.
    fn make_room(&mut self, now: Instant, site: LinkId, slots: usize) -> bool {
        let own = self
            .relays
            .iter()
            .filter(|((a, b), relay)| (*a == site || *b == site) && relay.asked.is_some());
        let own: Vec<(Instant, Pair)> = own.map(|(pair, relay)| (relay.last, *pair)).collect();
        if own.len() < slots {
            return true;
        }
        match own.iter().min() {
            Some((last, pair)) if now.since(*last) >= ROOM_AFTER => {
                self.relays.remove(pair);
                true
            }
            _ => false,
        }
    }

    fn introduced(&self) -> BTreeMap<LinkId, BTreeSet<LinkId>> {
        let mut partners: BTreeMap<LinkId, BTreeSet<LinkId>> = BTreeMap::new();
        for ((a, b), relay) in &self.relays {
            if relay.asked.is_some() {
                partners.entry(*a).or_default().insert(*b);
                partners.entry(*b).or_default().insert(*a);
            }
        }
        partners
    }
}

impl Relay {
    /// Whether packets pass now and have for a while.
    fn lasts(&self, now: Instant) -> bool {
        now.since(self.last) <= GAP && self.last.since(self.since) >= LASTING
    }

    /// Whether the two are to try now.
    fn ask(&mut self, now: Instant) -> bool {
        if let Some(asked) = self.asked {
            // A pause in between: the last attempt helped, or nothing was sent.
            if self.since > asked + GAP {
                self.in_vain = 0;
            }
            if now.since(asked) < AGAIN_AFTER * 2_u32.pow(self.in_vain) {
                return false;
            }
            self.in_vain = (self.in_vain + 1).min(IN_VAIN_MAX);
        }
        self.asked = Some(now);
        true
    }
}

impl Node {
    /// Introduces sites, and keeps what is told of them true. `false` when there is nothing to look at again.
    pub(super) fn review_introductions(&mut self, now: Instant, out: &mut Vec<Output>) -> bool {
        let slots = usize::from(self.settings.shortcuts.slots);
        let mut introducer = core::mem::take(&mut self.shortcuts.introducer);
        let again = introducer.decide(now, slots, |link| self.links[link.index()].paths.is_up());
        let partners = introducer.introduced();
        let before = core::mem::replace(&mut introducer.partners, partners.clone());
        for site in before.keys().filter(|site| !partners.contains_key(site)) {
            introducer.told.remove(site);
            if let Some(loopback) = self.settings.links[site.index()].loopback {
                let command = Command::Withdraw(Prefix::host(loopback).into());
                self.speak(now, bgp::Input::Command(command), out);
            }
        }
        let has_changed = introducer.table != self.tables.fib.changes();
        introducer.table = self.tables.fib.changes();
        let known = (has_changed || before != partners).then(|| self.prefixes_behind(&partners));
        for site in partners.keys() {
            let old = introducer.told.get(site);
            let prefixes = match (&known, old) {
                (Some(known), _) => known.get(site).cloned().unwrap_or_default(),
                (None, Some(old)) => old.introduction.prefixes.clone(),
                (None, None) => Vec::new(),
            };
            let new = self.introduction(now, (*site, again.contains(site)), prefixes, old);
            if old.is_some_and(|old| old.introduction == new) {
                continue;
            }
            if let Some(loopback) = self.settings.links[site.index()].loopback {
                let command = routing::introduce(&self.settings, loopback, &new);
                self.speak(now, bgp::Input::Command(command), out);
            }
            let told = Told {
                introduction: new,
                at: now,
            };
            introducer.told.insert(*site, told);
        }
        self.tell_partners(now, &before, &partners, out);
        let has_more = !introducer.relays.is_empty() || !partners.is_empty();
        self.shortcuts.introducer = introducer;
        has_more
    }

    /// What is to be told of a site now.
    fn introduction(
        &self,
        now: Instant,
        (site, is_again): (LinkId, bool),
        prefixes: Vec<Prefix>,
        old: Option<&Told>,
    ) -> Introduction {
        let link = &self.settings.links[site.index()];
        let ids = link.first_path..link.first_path + link.path_count;
        let ids = ids.map(PathId).filter(|path| self.is_path_up(*path));
        let measured = |path: PathId| self.paths[index(path)].prober.as_ref()?.statistics(now).rtt;
        let leg = ids.clone().filter_map(measured).map(|rtt| rtt.avg).min();
        let leg = leg.unwrap_or_default();
        let leg = match old {
            Some(old) if now.since(old.at) < LEG_AFTER || is_like(old.introduction.leg, leg) => {
                old.introduction.leg
            }
            _ => leg,
        };
        let door = |path: PathId| {
            let settings = &self.settings.paths[index(path)];
            let tunnels = &self.tunnels[settings.locator.index()];
            let peer = tunnels.peer(now, self.paths[index(path)].peer)?;
            Some(Door {
                underlay: settings.underlay.clone(),
                // Over TLS it can be reached through this hub's connection only.
                endpoint: peer.endpoint.filter(|at| Connection::of(*at).is_none())?,
                key: settings.public_key,
            })
        };
        let attempt = old.map_or(0, |old| old.introduction.attempt);
        Introduction {
            attempt: attempt.wrapping_add(u16::from(is_again)),
            leg,
            name: link.neighbor.clone(),
            prefixes,
            doors: ids.filter_map(door).collect(),
        }
    }

    /// What of the table leads to each of these sites.
    fn prefixes_behind(
        &self,
        sites: &BTreeMap<LinkId, BTreeSet<LinkId>>,
    ) -> BTreeMap<LinkId, Vec<Prefix>> {
        let mut behind: BTreeMap<LinkId, Vec<Prefix>> = BTreeMap::new();
        for (prefix, source, target) in self.tables.fib.iter() {
            let Target::Links(links) = target else {
                continue;
            };
            if source != crate::Source::Bgp {
                continue;
            }
            for site in links.iter().filter(|link| sites.contains_key(link)) {
                let prefixes = behind.entry(*site).or_default();
                if prefixes.len() < Introduction::PREFIXES_MAX {
                    prefixes.push(prefix);
                }
            }
        }
        behind
    }

    /// Has every site told of its partners, and of no other site.
    fn tell_partners(
        &mut self,
        now: Instant,
        before: &BTreeMap<LinkId, BTreeSet<LinkId>>,
        partners: &BTreeMap<LinkId, BTreeSet<LinkId>>,
        out: &mut Vec<Output>,
    ) {
        let sites: BTreeSet<LinkId> = before.keys().chain(partners.keys()).copied().collect();
        for site in sites {
            let theirs = partners.get(&site);
            if theirs == before.get(&site) {
                continue;
            }
            let Some(view) = self
                .neighbor_of(site)
                .and_then(|id| self.speaker.neighbor(id))
            else {
                continue;
            };
            let loopback = |link: &LinkId| self.settings.links[link.index()].loopback;
            let introduced = theirs.into_iter().flatten().filter_map(loopback);
            let introduced = introduced.map(Prefix::host).collect();
            let role = self.settings.links[site.index()].role;
            let (id, mut neighbor) = (view.id, view.settings.clone());
            neighbor.export = Some(policy::export(&self.settings, role, &introduced));
            let command = Command::SetNeighbor(id, Box::new(neighbor));
            self.speak(now, bgp::Input::Command(command), out);
        }
    }
}

/// Whether two measurements are so near to each other that it is not worth telling.
fn is_like(a: Duration, b: Duration) -> bool {
    a.abs_diff(b) * 5 <= a.max(b)
}

/// Packets that come less often than this are no flow.
const GAP: Duration = Duration::from_secs(3);
/// A flow is worth a shortcut when it lasts.
const LASTING: Duration = Duration::from_secs(2);
/// When two sites are asked to try again, the first time; twice as long with every attempt in vain.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How often the time to the next attempt doubles: to 16 minutes.
const IN_VAIN_MAX: u32 = 4;
/// An introduction that nothing was relayed for so long makes room for another.
const ROOM_AFTER: Duration = Duration::from_secs(600);
/// How often a changed round-trip time is told at most.
const LEG_AFTER: Duration = Duration::from_secs(10);
/// Pairs of sites that are watched; what is relayed between others stays relayed until one goes.
const RELAYS_MAX: usize = 4_096;
