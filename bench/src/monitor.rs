//! What a monitor was told, prefix by prefix, and whether that is right.

use std::net::Ipv4Addr;
use std::time::Instant;

use crate::table::{Sender, Table, Tag};
use crate::wire::{self, Attributes};

/// The probes' prefixes: 130.0.0.0/24 and the following, beside any table.
pub(crate) const PROBES: u32 = 130 << 24;

/// What a monitor must have been told in the end.
pub(crate) struct Expected<'a> {
    pub(crate) table: &'a Table,
    /// All that announce it.
    pub(crate) senders: &'a [Sender],
    /// Which of them, by place, has the best path of a set.
    pub(crate) best: fn(senders: &[Sender], set: usize) -> usize,
    /// The daemon's AS, which comes first in every path.
    pub(crate) daemon_as: u32,
    /// Its end of the session, which is the next hop.
    pub(crate) next_hop: Ipv4Addr,
}

/// A monitor's table, kept from the UPDATEs.
pub(crate) struct Monitor<'a> {
    expected: &'a Expected<'a>,
    /// By prefix number: the tag of the route, zero without one.
    routes: Vec<u32>,
    /// The tags that must be there.
    wanted: Vec<u32>,
    /// Octets of a message that is not whole yet.
    rest: Vec<u8>,
    pub(crate) present: usize,
    /// How many prefixes have the route that they must have.
    pub(crate) right: usize,
    pub(crate) updates: u64,
    /// The last thing that must not be: a wrong attribute, a prefix of nobody.
    pub(crate) fault: Option<String>,
    /// Probe number and version, with the moment of its arrival.
    pub(crate) probes: Vec<(u32, u32, Instant)>,
    /// When the octets at hand were read.
    now: Instant,
}

impl<'a> Monitor<'a> {
    pub(crate) fn new(expected: &'a Expected<'a>) -> Self {
        let table = expected.table;
        let wanted = (0..table.len()).map(|number| {
            let set = table.set_of(number);
            let sender = (expected.best)(expected.senders, set);
            Tag::new(expected.senders[sender].number, set).asn()
        });
        Self {
            expected,
            routes: vec![0; table.len()],
            wanted: wanted.collect(),
            rest: Vec::new(),
            present: 0,
            right: 0,
            updates: 0,
            fault: None,
            probes: Vec::new(),
            now: Instant::now(),
        }
    }

    /// Whether every prefix has the route that it must have.
    pub(crate) fn is_right(&self) -> bool {
        self.right == self.routes.len()
    }

    /// Takes octets as they came from the socket. False when the daemon ended the session.
    pub(crate) fn feed(&mut self, bytes: &[u8], now: Instant) -> bool {
        self.now = now;
        let mut bytes = bytes;
        while !self.rest.is_empty() && !bytes.is_empty() {
            // Whatever completes the message: first its header, then all of it.
            let mut whole = std::mem::take(&mut self.rest);
            let len = match whole.first_chunk::<{ wire::HEADER }>() {
                Some(header) => usize::from(u16::from_be_bytes([header[16], header[17]])),
                None => wire::HEADER,
            };
            let missing = len.saturating_sub(whole.len()).min(bytes.len());
            let (head, tail) = bytes.split_at(missing);
            whole.extend_from_slice(head);
            bytes = tail;
            match wire::first(&whole) {
                Some((_, kind)) if !self.message(kind, &whole[wire::HEADER..]) => return false,
                Some(_) => {}
                None => self.rest = whole,
            }
        }
        while let Some((len, kind)) = wire::first(bytes) {
            if !self.message(kind, &bytes[wire::HEADER..len]) {
                return false;
            }
            bytes = &bytes[len..];
        }
        self.rest.extend_from_slice(bytes);
        true
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> bool {
        match kind {
            wire::UPDATE => {
                self.updates += 1;
                if self.update(body).is_none() {
                    self.fault = Some(format!("a malformed UPDATE: {body:?}"));
                }
                true
            }
            wire::NOTIFICATION => {
                self.fault = Some(format!("NOTIFICATION {body:?}"));
                false
            }
            _ => true,
        }
    }

    fn update(&mut self, body: &[u8]) -> Option<()> {
        let (withdrawn, rest) = wire::counted(body)?;
        let (attributes, announced) = wire::counted(rest)?;
        wire::prefixes(withdrawn, |address, len| self.set(address, len, 0))?;
        if announced.is_empty() {
            return Some(());
        }
        let attributes = wire::attributes(attributes)?;
        let asn = u32::from_be_bytes(*attributes.path.last_chunk::<4>()?);
        let Some(tag) = Tag::read(asn) else {
            return wire::prefixes(announced, |address, _| self.probe(address, asn));
        };
        if let Some(fault) = self.fault_of(tag, &attributes) {
            self.fault = Some(fault);
        }
        wire::prefixes(announced, |address, len| self.set(address, len, tag.asn()))
    }

    fn set(&mut self, address: u32, len: u8, tag: u32) {
        let Some(number) = self.expected.table.index().number(address, len) else {
            if address < PROBES {
                self.fault = Some(format!("{address:#x}/{len} was never announced"));
            }
            return;
        };
        let old = std::mem::replace(&mut self.routes[number], tag);
        let wanted = self.wanted[number];
        self.present = self.present + usize::from(tag != 0) - usize::from(old != 0);
        self.right = self.right + usize::from(tag == wanted) - usize::from(old == wanted);
    }

    fn probe(&mut self, address: u32, version: u32) {
        self.probes
            .push(((address.wrapping_sub(PROBES)) >> 8, version, self.now));
    }

    /// What is wrong with a route's attributes: all but its next hop and the first AS must be as
    /// its sender announced them.
    fn fault_of(&self, tag: Tag, found: &Attributes<'_>) -> Option<String> {
        let Expected { table, .. } = self.expected;
        let senders = &mut self.expected.senders.iter();
        let Some(sender) = senders.find(|sender| sender.number == tag.sender()) else {
            return Some(format!("a path of nobody: {found:?}"));
        };
        let path = std::iter::once(self.expected.daemon_as).chain(table.path(sender, tag.set()));
        let (numbers, _) = found.path.as_chunks::<4>();
        let right = found.origin == Some(0)
            && path.eq(numbers.iter().map(|asn| u32::from_be_bytes(*asn)))
            && found.next_hop == self.expected.next_hop.octets()
            && found.communities == table.communities(tag.set());
        (!right).then(|| format!("wrong attributes: {found:?}"))
    }
}

#[cfg(test)]
mod tests;
