//! Whether paths and links are up: probes, tunnel events, and what follows from a change.

use std::net::SocketAddrV4;

use bgp::{Command, DownReason};
use inet::Instant;
use inet::packet::{self, Ipv4};
use path::{Cause, LinkChange, MtuInput, PathId};

use super::mtu::SESSIONS;
use super::{Node, index};
use crate::fib::{Source, Target};
use crate::id::{LinkId, LocatorId};
use crate::output::{Event, Output};
use crate::plane::probe::{PROBE_PORT, PROBE_TTL, Probe};
use crate::routing;
use crate::timers::Part;
use crate::view::DropReason;

impl Node {
    /// A prober's timer.
    pub(super) fn wake_prober(&mut self, now: Instant, path: PathId, out: &mut Vec<Output>) {
        self.tell_prober(now, path, path::Input::Wake, out);
    }

    /// A probe is answered by the path it came by; a reply belongs to the path it came by.
    pub(super) fn on_probe(
        &mut self,
        now: Instant,
        path: PathId,
        view: &Ipv4<'_>,
        out: &mut Vec<Output>,
    ) {
        match self.tables.probe(now, path, view) {
            Probe::Reply(payload) => self.on_reply(now, path, payload, out),
            Probe::Reflect(reply) => self.seal(now, path, &reply, out),
            Probe::Stray => self.counters.drop(DropReason::StrayProbe),
        }
    }

    /// A reply to a probe, which came by a path at this time.
    pub(crate) fn on_reply(
        &mut self,
        at: Instant,
        path: PathId,
        payload: &[u8],
        out: &mut Vec<Output>,
    ) {
        let session = path::session_of(payload);
        if session.is_some_and(|session| session & SESSIONS != 0) {
            self.tell_mtu(at, path, MtuInput::Reply(payload), out);
        } else {
            self.tell_prober(at, path, path::Input::Reply(payload), out);
        }
    }

    /// What a tunnel announced.
    pub(super) fn on_tunnel_event(
        &mut self,
        now: Instant,
        locator: LocatorId,
        event: tunnel::Event,
        out: &mut Vec<Output>,
    ) {
        if let tunnel::Event::Echoed(peer) = event {
            return self.on_echo(now, locator, peer, out);
        }
        let (peer, up) = match event {
            tunnel::Event::SessionUp(peer) => (peer, Some(true)),
            tunnel::Event::SessionDown(peer) => (peer, Some(false)),
            tunnel::Event::Roamed(peer, _) | tunnel::Event::Echoed(peer) => (peer, None),
        };
        let Some(&path) = self.tables.facts.peers[locator.index()].get(peer.0 as usize) else {
            return;
        };
        if let tunnel::Event::Roamed(_, to) = event {
            self.follow_peer(now, path, to, out);
        }
        match (up, self.paths[index(path)].prober.is_some()) {
            (Some(true), true) => self.tell_prober(now, path, path::Input::Probe, out),
            (Some(up), false) => self.on_path(now, path, up, out),
            (Some(false), true) | (None, _) => {}
        }
    }

    pub(super) fn tell_prober(
        &mut self,
        now: Instant,
        path: PathId,
        input: path::Input<'_>,
        out: &mut Vec<Output>,
    ) {
        let mut followed = core::mem::take(&mut self.scratch.prober);
        let Some(prober) = &mut self.paths[index(path)].prober else {
            return;
        };
        prober.handle(now, input, &mut followed);
        self.timers.set(Part::Path(path), prober.wake());
        for output in followed.drain(..) {
            match output {
                path::Output::Probe { shape, mut payload } => {
                    let shape = self.paths[index(path)].shapes.get(usize::from(shape));
                    let shape = shape.copied().unwrap_or_default();
                    let octets = usize::from(shape.octets).min(self.tables.mtu(path));
                    let len = octets.saturating_sub(packet::UDP_HEADERS);
                    payload.resize(len.max(payload.len()), 0);
                    self.send_probe(now, path, (&payload, shape.dscp), out);
                }
                path::Output::Event(path::Event::Up) => self.on_path(now, path, true, out),
                path::Output::Event(path::Event::Down { .. }) => {
                    self.on_path(now, path, false, out);
                }
            }
        }
        self.scratch.prober = followed;
        self.judge(now, path, out);
    }

    pub(super) fn send_probe(
        &mut self,
        now: Instant,
        path: PathId,
        (payload, dscp): (&[u8], u8),
        out: &mut Vec<Output>,
    ) {
        let settings = &self.settings.paths[index(path)];
        let (locator, initiate) = (settings.locator, settings.initiate);
        let state = &self.paths[index(path)];
        let peer = state.peer;
        let is_up = state.prober.as_ref().is_some_and(path::Prober::is_up);
        if !is_up && initiate {
            // The other side may have lost its keys, or come back at another address.
            self.tell_tunnels(now, locator, tunnel::Input::Rehandshake(peer), out);
        }
        let neighbor = self.tables.neighbor(self.link_of(path));
        let (Some(neighbor), true) = (neighbor, self.tunnels[locator.index()].is_ready(now, peer))
        else {
            return;
        };
        let from = SocketAddrV4::new(self.settings.loopback, PROBE_PORT);
        let to = SocketAddrV4::new(neighbor, path::PORT);
        let mut probe = packet::udp(from, to, PROBE_TTL, payload);
        offload::tos::set(&mut probe, dscp << 2);
        self.seal(now, path, &probe, out);
    }

    /// A path came up or went down.
    pub(super) fn on_path(&mut self, now: Instant, path: PathId, up: bool, out: &mut Vec<Output>) {
        out.push(Output::Event(match up {
            true => Event::PathUp(path),
            false => Event::PathDown(path),
        }));
        let input = if up { MtuInput::Up } else { MtuInput::Down };
        self.tell_mtu(now, path, input, out);
        self.set_for_classes(now, path, up, out);
        let link = self.link_of(path);
        let paths = &mut self.links[link.index()].paths;
        let is_first = paths.is_new(path);
        let change = paths.set(now, path, up);
        self.timers.set(Part::Link(link), paths.wake());
        let cause = match (up, is_first) {
            (false, _) => Cause::Down(path),
            (true, true) => Cause::Appeared(path),
            (true, false) => Cause::Up(path),
        };
        self.tell_usable(now, link, cause, out);
        self.publish_link(link);
        self.choose_exit(out);
        match change {
            Some(LinkChange::Up) => self.on_link(now, link, true, out),
            Some(LinkChange::Down) => self.on_link(now, link, false, out),
            Some(LinkChange::Paths) | None => {}
        }
        self.tell_caller_of_path(now, path, up, out);
    }

    /// Paths of a link are used again that were held.
    pub(super) fn release_held(&mut self, now: Instant, link: LinkId, out: &mut Vec<Output>) {
        let paths = &mut self.links[link.index()].paths;
        let released = paths.release(now);
        self.timers.set(Part::Link(link), paths.wake());
        if let Some(path) = released {
            self.tell_usable(now, link, Cause::Kept(path), out);
            self.publish_link(link);
        }
    }

    /// Packets that are no probes go through a path: it is probed more often.
    pub(super) fn note_use(&mut self, now: Instant, path: PathId, out: &mut Vec<Output>) {
        if self.usage.note(now, path) {
            self.on_used(now, path, out);
        }
    }

    /// A path is in use, as somebody noticed who sees the packets.
    pub(crate) fn on_used(&mut self, now: Instant, path: PathId, out: &mut Vec<Output>) {
        self.tell_prober(now, path, path::Input::Used, out);
    }

    /// A neighbour became reachable or unreachable: routing follows in the same call.
    fn on_link(&mut self, now: Instant, link: LinkId, up: bool, out: &mut Vec<Output>) {
        out.push(Output::Event(match up {
            true => Event::LinkUp(link),
            false => Event::LinkDown(link),
        }));
        if let Some(neighbor) = self.neighbor_of(link) {
            let command = match up {
                true => Command::Up(neighbor),
                false => Command::Down(neighbor, DownReason::Link),
            };
            self.speak(now, bgp::Input::Command(command), out);
        }
        if up {
            self.admit_waiting(now, link, out);
        }
        self.set_static_routes(now, link, up, out);
        self.track_hubs(now, out);
    }

    /// Routes behind a plain WireGuard peer exist while its link is up.
    fn set_static_routes(&mut self, now: Instant, link: LinkId, up: bool, out: &mut Vec<Output>) {
        let role = self.settings.links[link.index()].role;
        for prefix in self.settings.links[link.index()].static_routes.clone() {
            let target = up.then(|| Target::Links(vec![link]));
            self.route(prefix, Source::Link, target, out);
            let command = match up {
                true => routing::static_route(&self.settings, role, prefix),
                false => Command::Withdraw(prefix.into()),
            };
            self.speak(now, bgp::Input::Command(command), out);
        }
    }
}
