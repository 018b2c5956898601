//! The site's half: whom it calls, and what it sends by which shortcut.
//!
//! A slot is free, calls, or is up. It calls for a while and is free again when nobody answers. While it is up it is
//! compared with the relay, whose round trip is that to the hub, measured here, and that from the hub to the other
//! site, which the hub measured. It is free again when nothing went through it for a while.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;

use bgp::NeighborId;
use inet::{Instant, Rng};
use path::{PathId, Statistics};
use tunnel::Peer;

use super::super::{Node, build, index};
use crate::id::LinkId;
use crate::introduction::Introduction;
use crate::output::{Event, Output, ShortcutChange, ShortcutEnd};
use crate::plane::change::Kind;
use crate::plane::shortcuts::Partner;
use crate::routing::{Learned, policy};
use crate::timers::Part;
use crate::view::Compared;

/// What a site knows of other sites.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// By loopback: whom hubs introduced.
    known: BTreeMap<Ipv4Addr, Known>,
    /// By number of the slot; made when first needed.
    slots: Vec<Option<Slot>>,
}

/// A site that was introduced.
#[derive(Debug)]
struct Known {
    introduction: Introduction,
    /// By whom: the relay.
    hub: NeighborId,
    /// Not looked at yet.
    is_news: bool,
}

/// A slot that is not free.
#[derive(Clone, Copy, Debug)]
struct Slot {
    partner: Ipv4Addr,
    /// Until when it calls while it is not up.
    calls_until: Instant,
    /// Since when it is up.
    up: Option<Instant>,
    carries: bool,
    /// The round-trip times by it and by the relay, when they were compared last.
    compared: Option<(Duration, Duration)>,
    last_used: Instant,
}

impl Slots {
    /// Packets pass through a slot.
    pub(super) fn used(&mut self, now: Instant, first: LinkId, link: LinkId) {
        let place = link.index().checked_sub(first.index());
        let slot = place.and_then(|place| self.slots.get_mut(place));
        if let Some(Some(slot)) = slot {
            slot.last_used = now;
        }
    }

    fn place_of(&self, partner: Ipv4Addr) -> Option<usize> {
        let is_theirs = |slot: &Option<Slot>| slot.is_some_and(|slot| slot.partner == partner);
        self.slots.iter().position(is_theirs)
    }
}

impl Node {
    /// Reads what hubs say of another site now.
    pub(super) fn hear_of(&mut self, loopback: Ipv4Addr) {
        let path = self
            .speaker
            .multipath(inet::Prefix::host(loopback))
            .into_iter()
            .next();
        let introduced = path.and_then(|path| {
            // What a site says in this way is no introduction: hubs put their own mark on what sites tell.
            if !policy::is_introduction(&self.settings, &path.attributes) {
                return None;
            }
            let introduction = Introduction::read(&path.attributes.tunnels())?;
            Some((introduction, path.neighbor?))
        });
        let known = &mut self.shortcuts.slots.known;
        let Some((introduction, hub)) = introduced.filter(|_| loopback != self.settings.loopback)
        else {
            known.remove(&loopback);
            return;
        };
        if known.len() >= KNOWN_MAX && !known.contains_key(&loopback) {
            return;
        }
        let is_news = known.get(&loopback).is_none_or(|old| {
            let (old, new) = (&old.introduction, &introduction);
            old.attempt != new.attempt || old.doors != new.doors || old.prefixes != new.prefixes
        });
        let is_news = is_news || known.get(&loopback).is_some_and(|old| old.is_news);
        let news = Known {
            introduction,
            hub,
            is_news,
        };
        known.insert(loopback, news);
    }

    /// Follows introductions and measurements. `false` when there is nothing to look at again.
    pub(super) fn review_slots(&mut self, now: Instant, out: &mut Vec<Output>) -> bool {
        let slots = usize::from(self.settings.shortcuts.slots);
        self.shortcuts.slots.slots.resize(slots, None);
        for place in 0..slots {
            if let Some(slot) = self.shortcuts.slots.slots[place]
                && !self.shortcuts.slots.known.contains_key(&slot.partner)
            {
                self.free(now, place, ShortcutEnd::Withdrawn, out);
            }
        }
        let known = self.shortcuts.slots.known.iter_mut();
        let news = known.filter_map(|(loopback, known)| {
            core::mem::take(&mut known.is_news).then_some(*loopback)
        });
        let news: Vec<Ipv4Addr> = news.collect();
        for partner in news {
            self.follow_news(now, partner, out);
        }
        for place in 0..slots {
            self.review_slot(now, place, out);
        }
        self.shortcuts.slots.slots.iter().any(Option::is_some)
    }

    /// A site was introduced, or something about it changed.
    fn follow_news(&mut self, now: Instant, partner: Ipv4Addr, out: &mut Vec<Output>) {
        let slots = &mut self.shortcuts.slots;
        let free = || slots.slots.iter().position(Option::is_none);
        let Some(place) = slots.place_of(partner).or_else(free) else {
            return;
        };
        let calls_until = now + CALLS_FOR;
        let slot = slots.slots[place].get_or_insert(Slot {
            partner,
            calls_until,
            up: None,
            carries: false,
            compared: None,
            last_used: now,
        });
        slot.calls_until = calls_until;
        let is_up = slot.up.is_some();
        self.publish_slot(place);
        if !is_up {
            self.call(now, place, out);
        }
    }

    /// Calls the other site from every own endpoint that has a counterpart.
    fn call(&mut self, now: Instant, place: usize, out: &mut Vec<Output>) {
        let doors = match self.known_at(place) {
            Some(known) => known.introduction.doors.clone(),
            None => return,
        };
        self.say(place, ShortcutChange::Called, out);
        for path in self.paths_of(place) {
            let settings = &self.settings.paths[index(path)];
            let (locator, underlay) = (settings.locator, settings.underlay.clone());
            let theirs = doors.iter().find(|door| door.underlay == underlay);
            let Some(door) = theirs.filter(|door| self.is_stranger(now, path, door.key)) else {
                continue;
            };
            let mut peer = Peer::new(door.key);
            peer.endpoint = Some(door.endpoint);
            peer.initiate = true;
            peer.extended = true;
            peer.keepalive = settings.keepalive;
            let id = self.paths[index(path)].peer;
            self.tell_tunnels(now, locator, tunnel::Input::SetPeer(id, peer), out);
            if self.paths[index(path)].prober.is_none() {
                let seed = Rng::new(now.as_nanos()).named(&self.settings.name);
                let seed = seed
                    .named(&self.settings.paths[index(path)].remote)
                    .next_u64();
                let prober = build::prober(&self.settings, index(path), seed, now);
                self.timers.set(Part::Path(path), prober.wake());
                self.paths[index(path)].prober = Some(prober);
            }
        }
    }

    /// Whether nobody else at this endpoint has a key: it decides who a handshake is from.
    fn is_stranger(&self, now: Instant, path: PathId, key: tunnel::PublicKey) -> bool {
        let locator = self.locator_of(path);
        let others = self.tables.facts.peers[locator.index()].iter();
        let mut others = others.filter(|other| **other != path);
        let is_taken = |other: &PathId| {
            let peer = self.paths[index(*other)].peer;
            let tunnels = &self.tunnels[locator.index()];
            let peer = tunnels.peer(now, peer);
            peer.is_some_and(|peer| *peer.public_key == key)
        };
        let own = self.settings.locators[locator.index()]
            .private_key
            .public_key();
        own != key && !others.any(is_taken)
    }

    /// Decides about a slot by what is measured.
    fn review_slot(&mut self, now: Instant, place: usize, out: &mut Vec<Output>) {
        let link = self.slot_link(place);
        let is_up = self.links[link.index()].paths.is_up();
        let Some(slot) = &mut self.shortcuts.slots.slots[place] else {
            return;
        };
        if !is_up {
            if slot.up.take().is_some() {
                slot.calls_until = now + CALLS_FOR;
            }
            if now >= slot.calls_until {
                self.free(now, place, ShortcutEnd::NoWay, out);
            }
            return;
        }
        let up = *slot.up.get_or_insert(now);
        if now.since(slot.last_used) >= self.settings.shortcuts.idle {
            self.free(now, place, ShortcutEnd::Idle, out);
            return;
        }
        if now.since(up) >= MEASURED_FOR {
            self.compare(now, place, out);
        }
    }

    /// Sends by the shortcut while it is better than the relay: better by the margin to begin with.
    fn compare(&mut self, now: Instant, place: usize, out: &mut Vec<Output>) {
        let link = self.slot_link(place);
        let (Some(known), Some(direct)) = (self.known_at(place), self.measured(now, link)) else {
            return;
        };
        let hub = match self.routing.learned[known.hub.index()] {
            Learned::Link(hub) => self.measured(now, hub),
            Learned::Plain(_) | Learned::Router(_) | Learned::RouteServer => None,
        };
        let Some((to_hub, rtt_to_hub)) = hub else {
            return;
        };
        let relay = rtt_to_hub + known.introduction.leg;
        let (direct, rtt) = direct;
        let margin = 100 + u32::from(self.settings.shortcuts.margin_percent);
        let loses_more = direct.loss_ppm > to_hub.loss_ppm + LOSS_MARGIN_PPM;
        let Some(slot) = &mut self.shortcuts.slots.slots[place] else {
            return;
        };
        slot.compared = Some((rtt, relay));
        let carries = match slot.carries {
            true => rtt <= relay,
            false => rtt * margin <= relay * 100,
        };
        let carries = carries && !loses_more;
        if core::mem::replace(&mut slot.carries, carries) == carries {
            return;
        }
        self.publish_slot(place);
        let change = match carries {
            true => ShortcutChange::Carries { direct: rtt, relay },
            false => ShortcutChange::Relayed { direct: rtt, relay },
        };
        self.say(place, change, out);
    }

    /// The best path of a link, as measured, and its mean round-trip time.
    fn measured(&self, now: Instant, link: LinkId) -> Option<(Statistics, Duration)> {
        let usable = self.links[link.index()].paths.usable();
        let probers = usable.filter_map(|path| self.paths[index(path)].prober.as_ref());
        let measured = probers.filter_map(|prober| {
            let statistics = prober.statistics(now);
            Some((statistics, statistics.rtt?.avg))
        });
        measured.min_by_key(|(_, rtt)| *rtt)
    }

    /// Gives a shortcut up.
    fn free(&mut self, now: Instant, place: usize, why: ShortcutEnd, out: &mut Vec<Output>) {
        self.say(place, ShortcutChange::Ended(why), out);
        for path in self.paths_of(place) {
            if self.is_path_up(path) {
                self.on_path(now, path, false, out);
            }
            self.paths[index(path)].prober = None;
            self.timers.set(Part::Path(path), None);
            let (locator, peer) = (self.locator_of(path), self.paths[index(path)].peer);
            self.tell_tunnels(now, locator, tunnel::Input::RemovePeer(peer), out);
        }
        self.shortcuts.slots.slots[place] = None;
        self.publish_slot(place);
    }

    /// Tells whoever forwards who is at the other end of a slot.
    fn publish_slot(&mut self, place: usize) {
        let slot = self.shortcuts.slots.slots[place];
        let partner = slot.and_then(|slot| {
            let introduction = &self.shortcuts.slots.known.get(&slot.partner)?.introduction;
            Some(Partner {
                name: introduction.name.clone(),
                loopback: slot.partner,
                prefixes: introduction.prefixes.clone(),
                carries: slot.carries,
            })
        });
        let link = self.slot_link(place);
        if self.tables.shortcuts.partner(link) != partner.as_ref() {
            self.publish(Kind::Slot { link, partner });
        }
    }

    /// What it was decided by whether a slot carries packets.
    pub(in crate::node) fn compared(&self, link: LinkId) -> Option<Compared> {
        let place = link
            .index()
            .checked_sub(self.settings.shortcuts.first.index())?;
        let slot = self.shortcuts.slots.slots.get(place)?.as_ref()?;
        let (direct, relay) = slot.compared?;
        Some(Compared {
            direct,
            relay,
            margin_percent: self.settings.shortcuts.margin_percent,
        })
    }

    fn say(&self, place: usize, change: ShortcutChange, out: &mut Vec<Output>) {
        let link = self.slot_link(place);
        let partner = self.tables.shortcuts.partner(link);
        let partner = partner
            .map(|partner| partner.name.clone())
            .unwrap_or_default();
        out.push(Output::Event(Event::Shortcut {
            link,
            partner,
            change,
        }));
    }

    fn known_at(&self, place: usize) -> Option<&Known> {
        let slot = self.shortcuts.slots.slots[place]?;
        self.shortcuts.slots.known.get(&slot.partner)
    }

    fn slot_link(&self, place: usize) -> LinkId {
        LinkId(self.settings.shortcuts.first.0 + place as u32)
    }

    fn paths_of(&self, place: usize) -> impl Iterator<Item = PathId> + use<> {
        let link = &self.settings.links[self.slot_link(place).index()];
        (link.first_path..link.first_path + link.path_count).map(PathId)
    }
}

/// How long a site is called that does not answer: long enough for lost calls, short beside the pauses between attempts.
const CALLS_FOR: Duration = Duration::from_secs(10);
/// How long a shortcut is measured before it is believed.
const MEASURED_FOR: Duration = Duration::from_secs(3);
/// What a shortcut may lose more than the way to the hub.
const LOSS_MARGIN_PPM: u32 = 10_000;
/// Sites that are remembered; hubs introduce no more than a site has slots, so this bounds what is wrong.
const KNOWN_MAX: usize = 256;
