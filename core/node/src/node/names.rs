//! Addresses that hosts of the site resolved from domains of classes: learned from the answers that
//! pass through the node on their way to them, kept as long as the answers say and some more.
//!
//! A host asks before it sends, so the first packet of a flow finds its class. Flows go on while a
//! name is not asked for again: they keep their class for [`LINGER`] after the answer has run out.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use inet::Instant;

use super::Node;
use crate::classifier::DomainSet;
use crate::plane::change::Kind;
use crate::plane::tables::Heard;
use crate::timers::Part;
use crate::view::NameView;

/// Addresses that are known. Of more, those go that would have gone first.
const ADDRESSES_MAX: usize = 8_192;
/// An answer counts for no longer, whatever it says: resolvers do not keep it for longer either.
const KEPT_MAX: Duration = Duration::from_secs(86_400);
/// How long an answer that has run out counts for flows that began before.
pub(crate) const LINGER: Duration = Duration::from_secs(600);

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: BTreeMap<Ipv4Addr, Known>,
    ends: BTreeSet<(Instant, Ipv4Addr)>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    domains: DomainSet,
    until: Instant,
}

impl Node {
    /// Takes what an answer said.
    pub(crate) fn learn(&mut self, now: Instant, heard: Heard) {
        for (address, kept) in heard.addresses {
            let until = now + kept.min(KEPT_MAX) + LINGER;
            let old = self.names.known.get(&address).copied();
            let known = Known {
                domains: old.map_or(heard.domains, |old| old.domains.with(heard.domains)),
                until: old.map_or(until, |old| old.until.max(until)),
            };
            self.names.known.insert(address, known);
            if let Some(old) = old {
                self.names.ends.remove(&(old.until, address));
            }
            self.names.ends.insert((known.until, address));
            if old.is_none_or(|old| old.domains != known.domains) {
                let domains = known.domains;
                self.publish(Kind::Name { address, domains });
            }
            if self.names.known.len() > ADDRESSES_MAX {
                self.forget_first();
            }
        }
        self.arm_names();
    }

    /// Forgets what has run out.
    pub(super) fn forget_names(&mut self, now: Instant) {
        while self.names.ends.first().is_some_and(|(at, _)| *at <= now) {
            self.forget_first();
        }
        self.arm_names();
    }

    /// The addresses that are known, with the classes that they have.
    pub fn names(&self) -> impl Iterator<Item = NameView> {
        self.names.known.iter().map(|(address, known)| {
            let classes = self.settings.classifier.classes_of(known.domains);
            let mut classes: Vec<String> = classes
                .map(|class| self.settings.classes[class.index()].name.clone())
                .collect();
            classes.dedup();
            NameView {
                address: *address,
                classes,
                until: known.until,
            }
        })
    }

    fn forget_first(&mut self) {
        if let Some((_, address)) = self.names.ends.pop_first() {
            self.names.known.remove(&address);
            let domains = DomainSet::NONE;
            self.publish(Kind::Name { address, domains });
        }
    }

    fn arm_names(&mut self) {
        let next = self.names.ends.first().map(|(at, _)| *at);
        self.timers.set(Part::Names, next);
    }
}
