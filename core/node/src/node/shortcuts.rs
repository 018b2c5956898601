//! Shortcuts: tunnels that two sites make between each other when a hub relays between them.
//!
//! The hub notices that it relays, and introduces the two to each other ([`hub`]). Each then calls the other where the
//! hub sees it, both at once, so that the NATs on both sides let the other's calls in; it probes what came of it, and
//! sends by it while it measures better than the relay ([`site`]). Nobody has to agree: each site decides for its own
//! direction, and accepts the other's packets as soon as it was introduced.

mod hub;
mod site;

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::{Instant, Prefix};

use super::Node;
use crate::output::Output;
use crate::plane::sightings::Sighting;
use crate::timers::Part;

use hub::Introducer;
use site::Slots;

/// What a node knows of shortcuts: as a hub, or as a site.
#[derive(Debug, Default)]
pub(super) struct Shortcuts {
    introducer: Introducer,
    slots: Slots,
}

impl Node {
    /// Packets pass between two links, or between a link and the kernel.
    pub(crate) fn on_sighting(&mut self, now: Instant, sighting: Sighting) {
        match (sighting.from, sighting.to) {
            (Some(from), Some(to)) => {
                self.shortcuts.introducer.relayed(now, from, to);
                self.review_soon(now);
            }
            (Some(link), None) | (None, Some(link)) => {
                let first = self.settings.shortcuts.first;
                self.shortcuts.slots.used(now, first, link);
            }
            (None, None) => {}
        }
    }

    /// The route to a prefix changed; perhaps it introduces a site.
    pub(super) fn hear(&mut self, now: Instant, prefix: Prefix) {
        let is_site = self.settings.region().is_none() && self.settings.shortcuts.slots > 0;
        if let Some(loopback) = host(prefix).filter(|_| is_site) {
            self.hear_of(loopback);
            self.timers.set(Part::Shortcuts, Some(now));
        }
    }

    /// Whether a route is an introduction of this node's own.
    pub(super) fn is_introduction(&self, prefix: Prefix) -> bool {
        let loopbacks = &self.tables.facts.loopbacks;
        host(prefix).is_some_and(|address| loopbacks.contains_key(&address))
    }

    /// Looks at everything about shortcuts again.
    pub(super) fn review_shortcuts(&mut self, now: Instant, out: &mut Vec<Output>) {
        let has_more = match self.settings.region() {
            Some(_) => self.review_introductions(now, out),
            None => self.review_slots(now, out),
        };
        if has_more {
            self.timers.set(Part::Shortcuts, Some(now + REVIEW));
        }
    }

    fn review_soon(&mut self, now: Instant) {
        if !self.timers.has(Part::Shortcuts) {
            self.timers.set(Part::Shortcuts, Some(now + REVIEW));
        }
    }
}

fn host(prefix: Prefix) -> Option<Ipv4Addr> {
    (prefix.len() == 32).then(|| prefix.address())
}

/// How often is looked at what there is.
const REVIEW: Duration = Duration::from_secs(1);
