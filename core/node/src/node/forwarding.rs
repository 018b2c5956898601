//! The data path: from the kernel into tunnels, from tunnels to the kernel, and from one tunnel
//! into another.

use core::net::{Ipv4Addr, SocketAddrV4};

use inet::packet::{self, Ipv4};
use inet::{FiveTuple, Instant};
use path::PathId;

use super::{Node, index};
use crate::fib::Target;
use crate::id::{LinkId, LocatorId};
use crate::output::Output;
use crate::timers::Part;
use crate::view::DropReason;

/// What the table says about a packet, before a path is known.
pub(super) enum Way {
    /// The kernel has it.
    Kernel,
    /// Into this neighbour's tunnels.
    Link(LinkId),
    /// Nowhere.
    Drop(DropReason),
}

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
        let Some(endpoint) = self.endpoints.get_mut(locator.index()) else {
            return;
        };
        let mut followed = core::mem::take(&mut self.scratch.tunnel);
        let inner = endpoint.open(now, from, bytes, &mut followed);
        self.after_tunnel(now, locator, followed, out);
        let Some((peer, range)) = inner else {
            return;
        };
        let path = self.peers[locator.index()].get(peer.0 as usize).copied();
        if let (Some(path), Some(packet)) = (path, bytes.get_mut(range)) {
            self.on_inner(now, path, packet, out);
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
        let flow = view.five_tuple();
        let path = match self.way(flow) {
            Way::Kernel => Err(DropReason::NotForOverlay),
            Way::Drop(reason) => Err(reason),
            Way::Link(link) => self.path_in(link, flow, self.class_of(&view, flow)),
        };
        match path {
            Ok(path) => self.send(now, path, view.bytes(), out),
            Err(reason) => self.refuse(now, reason, &view, None, out),
        }
    }

    /// A packet that came out of a tunnel.
    fn on_inner(&mut self, now: Instant, path: PathId, bytes: &mut [u8], out: &mut Vec<Output>) {
        let Ok(view) = Ipv4::parse(bytes) else {
            self.counters.drop(DropReason::Malformed);
            return;
        };
        if self.is_probe(&view) {
            self.on_probe(now, path, &view, out);
            return;
        }
        self.counters.from_tunnels += 1;
        let flow = view.five_tuple();
        if !self.accepts_source(path, flow.source) {
            self.counters.drop(DropReason::SourceNotAllowed);
            return;
        }
        let next = match self.way(flow) {
            Way::Kernel => {
                self.counters.to_kernel += 1;
                out.push(Output::Packet {
                    bytes: view.bytes().to_vec(),
                });
                return;
            }
            Way::Drop(reason) => Err(reason),
            Way::Link(link) if link == self.link_of(path) => Err(DropReason::Returning),
            Way::Link(_) if view.bytes().len() > usize::from(self.settings.mtu) => {
                Err(DropReason::TooBig)
            }
            Way::Link(_) if view.ttl() <= 1 => Err(DropReason::TtlExpired),
            Way::Link(link) => self.path_in(link, flow, self.class_of(&view, flow)),
        };
        match next {
            Ok(next) => self.relay(now, next, bytes, out),
            Err(reason) => self.refuse(now, reason, &view, Some(path), out),
        }
    }

    fn relay(&mut self, now: Instant, path: PathId, bytes: &mut [u8], out: &mut Vec<Output>) {
        let is_alive = packet::decrement_ttl(bytes);
        debug_assert!(is_alive, "the TTL was checked before the path was chosen");
        self.counters.relayed += 1;
        // Bytes behind the packet's own length are padding of the tunnel it came from.
        let len = Ipv4::parse(bytes).map_or(0, |view| view.bytes().len());
        self.send(now, path, &bytes[..len], out);
    }

    /// A plain WireGuard peer may only use addresses behind it.
    fn accepts_source(&self, path: PathId, source: Ipv4Addr) -> bool {
        let link = &self.settings.links[self.link_of(path).index()];
        link.loopback.is_some()
            || link
                .static_routes
                .iter()
                .any(|prefix| prefix.contains(source))
    }

    /// Where the table sends a flow.
    pub(super) fn way(&self, flow: FiveTuple) -> Way {
        match self.fib.longest_match(flow.destination) {
            None => Way::Drop(DropReason::NoRoute),
            Some((.., Target::Unreachable)) => Way::Drop(DropReason::Unreachable),
            Some((
                ..,
                Target::Kernel | Target::Platform | Target::Plain(_) | Target::Router { .. },
            )) => Way::Kernel,
            Some((.., Target::Links(links))) => self
                .choose(links, flow)
                .map_or(Way::Drop(DropReason::LinkDown), Way::Link),
        }
    }

    /// Which of several neighbours takes a flow: those whose link is up share by hash.
    pub(super) fn choose(&self, links: &[LinkId], flow: FiveTuple) -> Option<LinkId> {
        if let [only] = links {
            return self.links[only.index()].paths.is_up().then_some(*only);
        }
        let mut up = links
            .iter()
            .copied()
            .filter(|link| self.links[link.index()].paths.is_up());
        let names = up.clone().map(|link| self.links[link.index()].hash_name);
        up.nth(flow.choose(self.flow_seed, names)?)
    }

    fn send(&mut self, now: Instant, path: PathId, packet: &[u8], out: &mut Vec<Output>) {
        self.counters.to_tunnels += 1;
        self.seal(now, path, packet, out);
    }

    /// Puts a packet into a path's tunnel.
    pub(super) fn seal(
        &mut self,
        now: Instant,
        path: PathId,
        packet: &[u8],
        out: &mut Vec<Output>,
    ) {
        let locator = self.locator_of(path);
        let peer = self.paths[index(path)].peer;
        let mut followed = core::mem::take(&mut self.scratch.tunnel);
        self.endpoints[locator.index()].seal(now, peer, packet, &mut followed);
        self.after_tunnel(now, locator, followed, out);
    }

    /// The endpoint's timer.
    pub(super) fn wake_endpoint(
        &mut self,
        now: Instant,
        locator: LocatorId,
        out: &mut Vec<Output>,
    ) {
        self.tell_endpoint(now, locator, tunnel::Input::Wake, out);
    }

    pub(super) fn tell_endpoint(
        &mut self,
        now: Instant,
        locator: LocatorId,
        input: tunnel::Input,
        out: &mut Vec<Output>,
    ) {
        let mut followed = core::mem::take(&mut self.scratch.tunnel);
        self.endpoints[locator.index()].handle(now, input, &mut followed);
        self.after_tunnel(now, locator, followed, out);
    }

    /// Passes on what an endpoint asked for, and sets its timer.
    fn after_tunnel(
        &mut self,
        now: Instant,
        locator: LocatorId,
        mut followed: Vec<tunnel::Output>,
        out: &mut Vec<Output>,
    ) {
        let at = self.endpoints[locator.index()].wake();
        self.timers.set(Part::Locator(locator), at);
        for output in followed.drain(..) {
            match output {
                tunnel::Output::Datagram { to, bytes } => {
                    out.push(Output::Datagram { locator, to, bytes });
                }
                tunnel::Output::Event(event) => self.on_tunnel_event(now, locator, event, out),
            }
        }
        self.scratch.tunnel = followed;
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
        self.counters.drop(reason);
        let mut rest = [0; 4];
        let (kind, code) = match reason {
            DropReason::NoRoute | DropReason::Unreachable => UNREACHABLE_NET,
            DropReason::LinkDown
            | DropReason::NoPathForClass
            | DropReason::NoSession
            | DropReason::Returning => UNREACHABLE_HOST,
            DropReason::TtlExpired => TIME_EXCEEDED,
            DropReason::TooBig => {
                rest[2..].copy_from_slice(&self.settings.mtu.to_be_bytes());
                FRAGMENTATION_NEEDED
            }
            DropReason::Malformed
            | DropReason::NotForOverlay
            | DropReason::SourceNotAllowed
            | DropReason::StrayProbe => return,
        };
        let to = about.destination();
        if to.is_multicast() || to.is_broadcast() || !self.icmp.take(now) {
            return;
        }
        let loopback = self.settings.loopback;
        if let Some(error) = packet::icmp_error(loopback, about, kind, code, rest) {
            self.counters.icmp_errors += 1;
            self.answer(now, error, came_by.is_some(), out);
        }
    }

    /// Sends an ICMP error to where its cause came from.
    fn answer(&mut self, now: Instant, error: Vec<u8>, from_tunnel: bool, out: &mut Vec<Output>) {
        let Ok(view) = Ipv4::parse(&error) else {
            return;
        };
        let flow = view.five_tuple();
        let way = match from_tunnel {
            true => self.way(flow),
            false => Way::Kernel,
        };
        match way {
            Way::Kernel => out.push(Output::Packet { bytes: error }),
            Way::Link(link) => {
                if let Ok(path) = self.path_in(link, flow, None) {
                    self.seal(now, path, &error, out);
                }
            }
            Way::Drop(reason) => self.counters.drop(reason),
        }
    }
}

/// ICMP types and codes (RFC 792, RFC 1191).
const UNREACHABLE_NET: (u8, u8) = (3, 0);
const UNREACHABLE_HOST: (u8, u8) = (3, 1);
const FRAGMENTATION_NEEDED: (u8, u8) = (3, 4);
const TIME_EXCEEDED: (u8, u8) = (11, 0);
