//! The data path: from the kernel into tunnels, from tunnels to the kernel, and from one tunnel
//! into another.

use core::net::SocketAddrV4;

use inet::Instant;
use inet::packet::{self, Ipv4};
use path::PathId;

use super::Node;
use super::tunnels::Tunnels;
use crate::id::{ClassId, LocatorId};
use crate::output::Output;
use crate::plane::label::Label;
use crate::plane::tables::Verdict;
use crate::plane::{fragment, icmp};
use crate::view::DropReason;

impl Node {
    /// A datagram from the underlay.
    pub(super) fn on_datagram(
        &mut self,
        now: Instant,
        locator: LocatorId,
        from: SocketAddrV4,
        bytes: &mut [u8],
        out: &mut Vec<Output>,
    ) {
        let Some(Tunnels::Whole(endpoint)) = self.tunnels.get_mut(locator.index()) else {
            return;
        };
        let mut followed = core::mem::take(&mut self.scratch.tunnel);
        let inner = endpoint.open(now, from, bytes, &mut followed);
        self.after_tunnel(now, locator, followed, out);
        let Some((peer, range)) = inner else {
            return;
        };
        let path = self.tables.facts.peers[locator.index()]
            .get(peer.0 as usize)
            .copied();
        let Some(path) = path else {
            return;
        };
        let behind = bytes.get(range.end..bytes.len().saturating_sub(tunnel::TAG));
        let label = self.tables.label_behind(path, behind.unwrap_or_default());
        if let Some(packet) = bytes.get_mut(range) {
            self.on_inner(now, path, packet, label, out);
        }
    }

    /// A packet from the kernel: it was routed to the overlay device.
    pub(super) fn on_kernel_packet(
        &mut self,
        now: Instant,
        bytes: &mut [u8],
        out: &mut Vec<Output>,
    ) {
        self.counters.from_kernel += 1;
        let Ok(view) = Ipv4::parse(bytes) else {
            self.counters.drop(DropReason::Malformed);
            return;
        };
        match self.tables.outbound(&view) {
            Verdict::Path(path, class) => {
                self.sight(now, (None, Some(path)));
                self.forward(now, (path, class), &view, None, out);
            }
            Verdict::Drop(reason) => self.refuse(now, reason, &view, None, out),
            Verdict::Breakout => {
                self.counters.to_kernel += 1;
                out.push(Output::Packet {
                    bytes: view.bytes().to_vec(),
                });
            }
            Verdict::Kernel => debug_assert!(false, "the kernel's packets do not go back"),
        }
    }

    /// A packet that came out of a tunnel.
    fn on_inner(
        &mut self,
        now: Instant,
        path: PathId,
        bytes: &mut [u8],
        label: Label,
        out: &mut Vec<Output>,
    ) {
        let Ok(view) = Ipv4::parse(bytes) else {
            self.counters.drop(DropReason::Malformed);
            return;
        };
        if self.tables.is_probe(&view) {
            self.on_probe(now, path, &view, out);
        } else if self.tables.is_protection(&view) {
            self.on_protection(now, path, &view, out);
        } else if self.accept(now, (path, label), &view) {
            self.pass_in(now, path, &view, label, out);
        }
        self.bring_back(now, out);
    }

    /// A packet that came out of a tunnel, or should have, goes on.
    pub(super) fn pass_in(
        &mut self,
        now: Instant,
        path: PathId,
        view: &Ipv4<'_>,
        label: Label,
        out: &mut Vec<Output>,
    ) {
        self.counters.from_tunnels += 1;
        self.note_use(now, path, out);
        match self.tables.inbound(path, view, label) {
            Verdict::Kernel => {
                self.sight(now, (Some(path), None));
                if let Some(heard) = self.tables.heard(view) {
                    self.learn(now, heard);
                }
                self.counters.to_kernel += 1;
                out.push(Output::Packet {
                    bytes: view.bytes().to_vec(),
                });
            }
            Verdict::Drop(reason) => self.refuse(now, reason, view, Some(path), out),
            Verdict::Breakout => debug_assert!(false, "only what comes from the kernel breaks out"),
            Verdict::Path(next, class) => {
                self.sight(now, (Some(path), Some(next)));
                // Bytes behind the packet's own length are padding of the tunnel it came from.
                let mut packet = view.bytes().to_vec();
                let is_alive = packet::decrement_ttl(&mut packet);
                debug_assert!(is_alive, "the TTL was checked before the path was chosen");
                if let Ok(view) = Ipv4::parse(&packet) {
                    self.forward(now, (next, class), &view, Some(path), out);
                }
            }
        }
    }

    /// Takes note of a packet between two paths, or the kernel and a path, if that is worth it.
    fn sight(&mut self, now: Instant, (from, to): (Option<PathId>, Option<PathId>)) {
        if let Some(sighting) = self.tables.sighting(from, to)
            && self.sightings.is_news(now, sighting)
        {
            self.on_sighting(now, sighting);
        }
    }

    /// Sends a packet by a path, in as many pieces as fit.
    fn forward(
        &mut self,
        now: Instant,
        (path, class): (PathId, Option<ClassId>),
        view: &Ipv4<'_>,
        came_by: Option<PathId>,
        out: &mut Vec<Output>,
    ) {
        let mtu = self.tables.room(path, class);
        if view.bytes().len() > mtu && view.must_not_fragment() {
            self.refuse_with(now, (DropReason::TooBig, mtu), view, came_by, out);
            return;
        }
        self.counters.relayed += u64::from(came_by.is_some());
        if view.bytes().len() <= mtu {
            self.send(now, (path, class), view.bytes(), out);
            return;
        }
        for fragment in fragment::fragments(view, mtu) {
            self.send(now, (path, class), &fragment, out);
        }
    }

    /// Drops a packet and, where it helps, tells its sender why (RFC 1812 §4.3.3).
    fn refuse(
        &mut self,
        now: Instant,
        reason: DropReason,
        about: &Ipv4<'_>,
        came_by: Option<PathId>,
        out: &mut Vec<Output>,
    ) {
        let mtu = usize::from(self.settings.mtu);
        self.refuse_with(now, (reason, mtu), about, came_by, out);
    }

    fn refuse_with(
        &mut self,
        now: Instant,
        (reason, mtu): (DropReason, usize),
        about: &Ipv4<'_>,
        came_by: Option<PathId>,
        out: &mut Vec<Output>,
    ) {
        self.counters.drop(reason);
        let error = icmp::error(self.settings.loopback, reason, about, mtu);
        if let Some(error) = error.filter(|_| self.icmp.take(now)) {
            self.counters.icmp_errors += 1;
            self.answer(now, error, came_by, out);
        }
    }

    /// Sends an ICMP error to where its cause came from.
    fn answer(
        &mut self,
        now: Instant,
        error: Vec<u8>,
        came_by: Option<PathId>,
        out: &mut Vec<Output>,
    ) {
        let Ok(view) = Ipv4::parse(&error) else {
            return;
        };
        match self.tables.back(&view, came_by) {
            Verdict::Kernel | Verdict::Breakout => out.push(Output::Packet { bytes: error }),
            Verdict::Path(path, _) => self.seal(now, path, &error, out),
            Verdict::Drop(reason) => self.counters.drop(reason),
        }
    }
}
