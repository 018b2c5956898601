//! The speaker: the only entry.

mod connections;
mod import;
mod messages;
mod routes;
mod tap;
mod telling;
mod updates;

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use inet::{Instant, Net, Rng};

use crate::export::UpdateGroup;
use crate::input::{Command, DownReason, Input};
use crate::interner::Interner;
use crate::output::{Ended, Output};
use crate::peer::Peer;
use crate::rib::{Rib, Route};
use crate::settings::{ConnId, NeighborId, Settings};
use crate::view::{AdvertisedRoute, NeighborView, Path, ReceivedRoute, SessionView, State};
use crate::wire::notification::{Notification, cease};
use routes::Dirty;

/// A BGP-4 speaker.
#[derive(Debug)]
pub struct Speaker {
    settings: Settings,
    rng: Rng,
    peers: Vec<Peer>,
    addresses: BTreeMap<IpAddr, NeighborId>,
    conns: BTreeMap<ConnId, NeighborId>,
    next_conn: u64,
    /// INVARIANT: one entry for each peer with a deadline, the one in `Peer::armed`.
    timers: BTreeSet<(Instant, NeighborId)>,
    interner: Interner,
    rib: Rib,
    groups: Vec<Option<UpdateGroup>>,
    dirty: Dirty,
    /// Connections that ended in this call, while messages are shown.
    ended: Vec<(ConnId, NeighborId)>,
}

impl Speaker {
    /// A speaker; neighbours that start enabled connect at the first wake.
    pub fn new(mut settings: Settings, seed: u64, now: Instant) -> Self {
        let mut rng = Rng::new(seed);
        let neighbors = core::mem::take(&mut settings.neighbors);
        let mut speaker = Self {
            settings,
            peers: Vec::new(),
            addresses: BTreeMap::new(),
            conns: BTreeMap::new(),
            next_conn: 0,
            timers: BTreeSet::new(),
            interner: Interner::new(rng.next_u64()),
            rib: Rib::new(rng.next_u64()),
            groups: Vec::new(),
            dirty: Dirty::default(),
            ended: Vec::new(),
            rng,
        };
        for neighbor in neighbors {
            speaker.add(now, neighbor);
        }
        speaker
    }

    /// Takes one input; everything that follows from it is appended to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        let begun = out.len();
        match input {
            Input::Wake => {}
            Input::Accepted { conn, remote, .. } => self.accepted(now, conn, remote, out),
            Input::Connected { conn, .. } => self.connected(now, conn, out),
            Input::ConnectFailed { conn } => self.lost(now, conn, Ended::ConnectFailed, out),
            Input::Bytes { conn, bytes } => self.bytes(now, conn, bytes, out),
            Input::Closed { conn } => self.lost(now, conn, Ended::Closed, out),
            Input::Blocked { conn } => self.blocked(conn),
            Input::Writable { conn } => self.writable(conn, out),
            Input::Command(command) => self.command(now, command, out),
        }
        self.woken(now, out);
        self.settle(out);
        if self.settings.tap {
            self.show_sent(begun, out);
        }
    }

    /// When to come back with [`Input::Wake`]. Before the first `handle` it may be in the past.
    pub fn wake(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn command(&mut self, now: Instant, command: Command, out: &mut Vec<Output>) {
        let known = |id: NeighborId| id.index() < self.peers.len();
        match command {
            Command::Up(id) if known(id) => self.up(now, id, out),
            Command::Down(id, reason) if known(id) => {
                let subcode = match reason {
                    DownReason::Admin => cease::SHUTDOWN,
                    DownReason::Link => cease::BFD_DOWN,
                };
                self.down(now, id, &Notification::cease(subcode), out);
            }
            Command::Shutdown { neighbor, text } if known(neighbor) => {
                self.down(now, neighbor, &Notification::shutdown(&text), out);
            }
            Command::Reset(id) if known(id) => self.reset(now, id, cease::RESET, out),
            Command::Originate(net, origination) => self.originate(net, &origination),
            Command::Withdraw(net) => self.forget(None, net),
            Command::Refresh(id) if known(id) => self.ask_refresh(id, out),
            Command::Resend(id) if known(id) => self.resend(id, out),
            Command::AddNeighbor(neighbor) => self.add(now, *neighbor),
            Command::RemoveNeighbor(id) if known(id) => self.remove(now, id, out),
            Command::SetNeighbor(id, neighbor) if known(id) => {
                self.set_neighbor(now, id, *neighbor, out);
            }
            Command::Up(_)
            | Command::Down(..)
            | Command::Shutdown { .. }
            | Command::Reset(_)
            | Command::Refresh(_)
            | Command::Resend(_)
            | Command::RemoveNeighbor(_)
            | Command::SetNeighbor(..) => {}
        }
    }

    /// The settings in force, without the neighbours; those are in [`Self::neighbors`].
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All neighbours, in order of their IDs.
    pub fn neighbors(&self) -> impl Iterator<Item = NeighborView<'_>> {
        (0..)
            .map(NeighborId)
            .map_while(|id| self.peers.get(id.index()).map(|peer| (id, peer)))
            .filter(|(_, peer)| !peer.removed)
            .map(|(id, peer)| Self::neighbor_view(id, peer))
    }

    /// One neighbour; `None` when there is none of this ID.
    pub fn neighbor(&self, id: NeighborId) -> Option<NeighborView<'_>> {
        let peer = self.peers.get(id.index()).filter(|peer| !peer.removed)?;
        Some(Self::neighbor_view(id, peer))
    }

    fn neighbor_view(id: NeighborId, peer: &Peer) -> NeighborView<'_> {
        let session = peer.established().and_then(|session| {
            let open = session.open.as_ref()?;
            Some(SessionView {
                conn: session.conn,
                router_id: open.router_id,
                remote_as: peer.settings.remote_as,
                hold_time_s: u16::try_from(session.hold_time.as_secs()).unwrap_or(u16::MAX),
                capabilities: &open.capabilities,
            })
        });
        NeighborView {
            id,
            settings: &peer.settings,
            state: peer.state(),
            since: peer.since,
            enabled: peer.enabled,
            counters: peer.counters,
            received: u32::try_from(peer.held.len()).unwrap_or(u32::MAX),
            accepted: peer.accepted,
            session,
        }
    }

    /// Whether a neighbour's session is established.
    pub fn is_established(&self, id: NeighborId) -> bool {
        self.peers
            .get(id.index())
            .is_some_and(|peer| peer.state() == State::Established)
    }

    /// The paths in use for a prefix, best first; empty when there is none.
    pub fn multipath(&self, net: impl Into<Net>) -> Vec<Path> {
        let Some(id) = self.rib.id(net.into()) else {
            return Vec::new();
        };
        let entry = self.rib.entry(id);
        self.path_views(&entry.routes[..entry.used])
    }

    /// Every acceptable path to a prefix, those in use first.
    pub fn paths(&self, net: impl Into<Net>) -> Vec<Path> {
        let Some(id) = self.rib.id(net.into()) else {
            return Vec::new();
        };
        self.path_views(&self.rib.entry(id).routes)
    }

    fn path_views(&self, routes: &[Route]) -> Vec<Path> {
        let accepted = routes
            .iter()
            .filter_map(|route| Some((route.source, route.accepted?)));
        accepted
            .enumerate()
            .map(|(place, (neighbor, attributes))| Path {
                neighbor,
                best: place == 0,
                attributes: self.interner.attributes(attributes),
            })
            .collect()
    }

    /// The prefixes that have a path in use, in order.
    pub fn loc_rib(&self) -> Vec<Net> {
        let used = self.rib.iter().filter(|(_, entry)| entry.used > 0);
        let mut nets: Vec<Net> = used.map(|(_, entry)| entry.net).collect();
        nets.sort_unstable();
        nets
    }

    /// What a neighbour told us, in order of prefixes.
    pub fn adj_in(&self, neighbor: NeighborId) -> Vec<ReceivedRoute> {
        let Some(peer) = self.peers.get(neighbor.index()) else {
            return Vec::new();
        };
        let mut routes: Vec<ReceivedRoute> = peer
            .held
            .iter()
            .filter_map(|id| {
                let entry = self.rib.entry(*id);
                let route = entry
                    .routes
                    .iter()
                    .find(|route| route.source == Some(neighbor))?;
                Some(ReceivedRoute {
                    net: entry.net,
                    received: self.interner.attributes(route.received),
                    accepted: route.accepted.map(|id| self.interner.attributes(id)),
                })
            })
            .collect();
        routes.sort_by_key(|route| route.net);
        routes
    }

    /// What we told a neighbour, in order of prefixes.
    pub fn adj_out(&self, neighbor: NeighborId) -> Vec<AdvertisedRoute> {
        let group = self
            .peers
            .get(neighbor.index())
            .and_then(|peer| self.groups[peer.group?].as_ref());
        let Some(group) = group else {
            return Vec::new();
        };
        let mut routes: Vec<AdvertisedRoute> = self
            .rib
            .iter()
            .filter_map(|(id, entry)| {
                let attributes = self.interner.attributes(group.told(neighbor, id)?);
                Some(AdvertisedRoute {
                    net: entry.net,
                    attributes,
                })
            })
            .collect();
        routes.sort_by_key(|route| route.net);
        routes
    }
}
