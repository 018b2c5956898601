//! Which application class a packet belongs to.
//!
//! Classes are tried in their order; the first one with a match whose conditions all hold takes the
//! packet. If none does, the first that takes its reverse has it, so that replies are carried as
//! requests are. What the operator wrote is compiled once: all prefixes of all classes become one
//! division of the address space ([`lists`]), so that an address is looked up once, however many
//! classes and prefixes there are.
//!
//! The same value decides in nodes, in simulations and for `longhaul classify`.

mod domains;
mod lists;
#[cfg(test)]
pub(crate) mod tests;

use core::net::Ipv4Addr;
use core::ops::RangeInclusive;

use design::plan::{ClassConfig, ClassMatch, PrefixSet};
use inet::{FiveTuple, Prefix};

use crate::id::ClassId;
use domains::Domains;
use lists::{ListId, Lists};

pub(crate) use domains::{DomainSet, MATCHES_MAX as DOMAIN_MATCHES_MAX};

/// Finds the classes of packets.
#[derive(Clone, Debug)]
pub struct Classifier {
    matches: Vec<Match>,
    lists: Lists,
    domains: Domains,
}

/// What a packet must be to belong to a class.
#[derive(Clone, Debug)]
struct Match {
    class: ClassId,
    /// A bit for each code point.
    dscp: u64,
    protocol: Option<u8>,
    ports: RangeInclusive<u16>,
    source_ports: RangeInclusive<u16>,
    sources: Option<ListId>,
    destinations: Option<ListId>,
    /// The prefixes of all its sets.
    sets: Option<ListId>,
    domains: DomainSet,
}

/// What is known of one end of a flow.
#[derive(Clone, Copy)]
struct End<'a> {
    /// A bit for each list that has the address.
    lists: &'a [u64],
    /// The domains that it was resolved from.
    domains: DomainSet,
}

impl Classifier {
    /// A classifier of a node's classes. Sets that there are not have no prefixes.
    pub fn new(classes: &[ClassConfig], sets: &[PrefixSet]) -> Self {
        let mut lists = lists::Builder::default();
        let mut domains = Domains::default();
        let mut matches = Vec::new();
        for (number, class) in classes.iter().enumerate() {
            let class_id = ClassId(number as u16);
            for one in &class.matches {
                matches.push(compiled(class_id, one, sets, &mut lists, &mut domains));
            }
        }
        Self {
            matches,
            lists: lists.build(),
            domains,
        }
    }

    /// The class of a flow with a code point; `names` says from which domains an address was resolved.
    pub(crate) fn classify(
        &self,
        flow: FiveTuple,
        dscp: u8,
        names: impl Fn(Ipv4Addr) -> DomainSet,
    ) -> Option<ClassId> {
        if self.matches.is_empty() {
            return None;
        }
        let end = |address| End {
            lists: self.lists.of(address),
            domains: names(address),
        };
        let (source, destination) = (end(flow.source), end(flow.destination));
        self.first(flow, dscp, source, destination)
            .or_else(|| self.first(flow.reversed(), dscp, destination, source))
    }

    /// The class of a flow with a code point, by its place, while nothing is known but the name that its
    /// destination was resolved from.
    pub fn class_of(
        &self,
        flow: FiveTuple,
        dscp: u8,
        resolved_from: Option<&str>,
    ) -> Option<usize> {
        let name = resolved_from.map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        let domains = name.map_or(DomainSet::NONE, |name| self.domains_of(name.as_bytes()));
        let names = |address| match address == flow.destination {
            true => domains,
            false => DomainSet::NONE,
        };
        Some(self.classify(flow, dscp, names)?.index())
    }

    /// Whether any class is found by domain.
    pub(crate) const fn has_domains(&self) -> bool {
        !self.domains.is_empty()
    }

    /// The domains that a name lies in.
    pub(crate) fn domains_of(&self, name: &[u8]) -> DomainSet {
        self.domains.of(name)
    }

    /// The classes that have some of the domains.
    pub(crate) fn classes_of(&self, domains: DomainSet) -> impl Iterator<Item = ClassId> {
        let having = self.matches.iter();
        let having = having.filter(move |one| one.domains.meets(domains));
        having.map(|one| one.class)
    }

    fn first(
        &self,
        flow: FiveTuple,
        dscp: u8,
        source: End<'_>,
        destination: End<'_>,
    ) -> Option<ClassId> {
        let mut matches = self.matches.iter();
        let found = matches.find(|one| one.takes(flow, dscp, source, destination))?;
        Some(found.class)
    }
}

impl Match {
    fn takes(&self, flow: FiveTuple, dscp: u8, source: End<'_>, destination: End<'_>) -> bool {
        self.dscp >> (dscp & 63) & 1 == 1
            && self.protocol.is_none_or(|number| number == flow.protocol)
            && self.ports.contains(&flow.destination_port)
            && self.source_ports.contains(&flow.source_port)
            && source.is_in(self.sources)
            && destination.is_in(self.destinations)
            && destination.is_in(self.sets)
            && (self.domains.is_empty() || self.domains.meets(destination.domains))
    }
}

impl End<'_> {
    /// Whether the list, if there is one, has the address.
    fn is_in(self, list: Option<ListId>) -> bool {
        list.is_none_or(|list| list.is_among(self.lists))
    }
}

fn compiled(
    class: ClassId,
    one: &ClassMatch,
    sets: &[PrefixSet],
    lists: &mut lists::Builder,
    domains: &mut Domains,
) -> Match {
    let mut list = |prefixes: &[Prefix]| (!prefixes.is_empty()).then(|| lists.add(prefixes));
    let sources = list(&one.sources);
    let destinations = list(&one.destinations);
    let named = |set: &&PrefixSet| one.sets.contains(&set.name);
    let in_sets = sets.iter().filter(named).flat_map(|set| &set.prefixes);
    let in_sets: Vec<Prefix> = in_sets.copied().collect();
    Match {
        class,
        dscp: match &one.dscp[..] {
            [] => u64::MAX,
            some => some.iter().fold(0, |bits, dscp| bits | 1 << (dscp & 63)),
        },
        protocol: one.protocol,
        ports: range(one.ports),
        source_ports: range(one.source_ports),
        sources,
        destinations,
        sets: (!one.sets.is_empty()).then(|| lists.add(&in_sets)),
        domains: domains.add(&one.domains),
    }
}

fn range(ports: Option<(u16, u16)>) -> RangeInclusive<u16> {
    ports.map_or(0..=u16::MAX, |(low, high)| low..=high)
}
