//! Protection against loss on the way to the next node: parity over one path, or copies over two.
//!
//! A packet of a protected class is marked when it is sealed, behind all queues, so that the other side misses only what the
//! underlay lost. Sums and reports are packets of the nodes' own, between loopbacks, and never reach a kernel. A relay takes
//! the marks off and gives its own: each hop is protected by itself.
//!
//! Each forwarder has streams of its own. Those with parity take one lane, so that they come to one forwarder at the other side;
//! copies come by two sessions, to any forwarders, and are handed to the one that has their window.

mod receive;
mod send;

use core::net::SocketAddrV4;

use design::plan::ProtectConfig;
use fec::{Mark, Message};
use inet::hash::mix;
use inet::packet::{self, Ipv4};
use path::PathId;

use super::tables::Tables;
use crate::id::{ClassId, LinkId};

pub(crate) use receive::{Receivers, Recovered};
pub(crate) use send::{Marker, Marking, Senders};

/// Where sums and reports come and go between loopbacks.
pub(crate) const PORT: u16 = 50_863;
/// They go end to end, as probes do.
const TTL: u8 = 255;
/// Octets of a sum's packet around the longest packet that it is over, less those that are kept free for a label, which it has not.
const AROUND: usize = 20 + 8 + fec::HEADER - super::label::Label::ROOM;

impl Tables {
    /// What protects the packets of a class on a path: only nodes of the overlay understand it.
    pub(crate) fn protection(&self, path: PathId, class: Option<ClassId>) -> ProtectConfig {
        match class {
            Some(class) if self.facts.label_room(path) > 0 => {
                self.facts.settings.classes[class.index()].protect
            }
            _ => ProtectConfig::None,
        }
    }

    /// Octets of the longest packet of a class that a path takes: sums over packets are longer than the packets.
    pub(crate) fn room(&self, path: PathId, class: Option<ClassId>) -> usize {
        match self.protection(path, class) {
            ProtectConfig::Fec => self.mtu(path).saturating_sub(AROUND),
            ProtectConfig::None | ProtectConfig::Duplicate => self.mtu(path),
        }
    }

    /// The path that a copy takes: another one that carries the class, else any that is up; by another underlay where there
    /// is one, since what befalls one underlay befalls all paths over it.
    pub(crate) fn second(&self, path: PathId, class: ClassId, hash: u64) -> Option<PathId> {
        let facts = &self.facts;
        let link = self.link(facts.link_of(path));
        let underlay = |path: PathId| &facts.settings.paths[path.0 as usize].underlay;
        let is_apart = |other: &PathId| underlay(*other) != underlay(path);
        let carrying = link.classes[class.index()].iter().copied();
        let up = link.up.iter().copied();
        let others = |one: &PathId| *one != path;
        let weighed = |path| (path, self.facts.weight_of(path));
        path::share(carrying.clone().filter(is_apart).map(weighed), hash)
            .or_else(|| up.clone().find(is_apart))
            .or_else(|| path::share(carrying.filter(others).map(weighed), hash))
            .or_else(|| up.clone().find(others))
    }

    /// The hash that chooses the lane of a packet on a path: streams with parity take one, whatever their flows.
    pub(crate) fn lane_hash(&self, path: PathId, class: Option<ClassId>, hash: u64) -> u64 {
        match self.protection(path, class) {
            ProtectConfig::Fec => hash & u64::from(u32::MAX),
            ProtectConfig::None | ProtectConfig::Duplicate => hash,
        }
    }

    /// Which forwarder has the window of a stream of copies.
    pub(crate) fn owner_of_copies(&self, link: LinkId, class: ClassId, stream: u8) -> usize {
        let stream = u64::from(link.0) << 16 ^ u64::from(class.0) << 8 ^ u64::from(stream);
        mix(stream) as usize % usize::from(self.facts.settings.forwarding.threads)
    }

    /// Whether a packet is a sum or a report, for this node. Such packets never reach the kernel.
    pub(crate) fn is_protection(&self, view: &Ipv4<'_>) -> bool {
        view.protocol() == packet::UDP
            && view.destination() == self.facts.settings.loopback
            && view.five_tuple().destination_port == PORT
    }

    /// Whether a packet that was brought back is of the nodes' own. Such packets are not protected, so nobody sent it.
    pub(crate) fn is_own_packet(&self, packet: &[u8]) -> bool {
        let view = Ipv4::parse(packet);
        view.is_ok_and(|view| self.is_probe(&view) || self.is_protection(&view))
    }

    /// The message in such a packet; `None` when it does not come from the path's neighbour or is of no class.
    pub(crate) fn protection_message<'a>(
        &self,
        came_by: PathId,
        view: &Ipv4<'a>,
    ) -> Option<Message<'a>> {
        let link = self.facts.link_of(came_by);
        let neighbor = self.neighbor(link);
        let payload = view.udp_payload();
        let payload = payload.filter(|_| neighbor == Some(view.source()))?;
        let message = Message::decode(payload)?;
        let (Message::Parity { class, .. } | Message::Report { class, .. }) = message;
        (usize::from(class) < self.facts.settings.classes.len()).then_some(message)
    }

    /// A message as a packet to the neighbour of a path.
    fn protection_packet(&self, path: PathId, message: &[u8], tos: u8) -> Option<Vec<u8>> {
        let link = self.facts.link_of(path);
        let neighbor = self.neighbor(link)?;
        let from = SocketAddrV4::new(self.facts.settings.loopback, PORT);
        let to = SocketAddrV4::new(neighbor, PORT);
        let mut packet = packet::udp(from, to, TTL, message);
        offload::tos::set(&mut packet, tos & DSCP);
        Some(packet)
    }
}

/// The code point in a type of service.
const DSCP: u8 = 0xfc;

/// A class by the number that marks and messages have.
const fn class_of(number: u8) -> ClassId {
    ClassId(number as u16)
}

/// A mark's stream of copies.
const fn copy_mark(stream: u8, sequence: fec::Sequence) -> Mark {
    Mark {
        is_copy: true,
        is_covered: false,
        stream,
        sequence,
    }
}
