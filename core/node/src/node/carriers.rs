//! How the tunnels of paths are carried: by UDP, or over TLS where UDP does not get through.
//!
//! The side with somewhere to call decides ([`carrier::Caller`]); the other side follows its peers wherever their
//! datagrams come from, and only sees to it that no connection stays that no tunnel uses ([`carrier::Guests`]).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddrV4;

use carrier::{Caller, Connection, Guests, Way};
use inet::Instant;
use path::{MtuInput, PathId};
use tunnel::PeerId;

use super::{Node, index};
use crate::id::LocatorId;
use crate::output::{Event, Output};
use crate::settings::Settings;
use crate::timers::Part;

/// How paths are carried.
pub(super) struct Carriers {
    /// Of the paths that can be carried both ways from here.
    callers: BTreeMap<PathId, Caller>,
    guests: Guests,
    over_tls: BTreeSet<PathId>,
}

impl Carriers {
    pub(super) fn new(settings: &Settings, now: Instant) -> Self {
        let paths = settings.paths.iter().enumerate();
        let callers = paths
            .filter(|(_, path)| path.tls.is_some())
            .map(|(number, _)| (PathId(number as u32), Caller::new(now)));
        Self {
            callers: callers.collect(),
            guests: Guests::default(),
            over_tls: BTreeSet::new(),
        }
    }

    /// How a path's tunnel is carried.
    pub(super) fn way(&self, path: PathId) -> Way {
        match self.over_tls.contains(&path) {
            true => Way::Tls,
            false => Way::Udp,
        }
    }
}

/// The connection that carries a path, if any does.
const fn called(path: PathId) -> Connection {
    Connection::Called(path.0)
}

impl Node {
    pub(super) fn start_callers(&mut self) {
        for (path, caller) in &self.carriers.callers {
            self.timers.set(Part::Carrier(*path), caller.wake());
        }
    }

    /// A connection stands.
    pub(super) fn on_opened(
        &mut self,
        now: Instant,
        connection: Connection,
        remote: SocketAddrV4,
        out: &mut Vec<Output>,
    ) {
        match connection {
            Connection::Called(path) => {
                self.tell_caller(now, PathId(path), carrier::Input::Connected, out);
            }
            Connection::Accepted(number) => {
                if !self.carriers.guests.accept(now, number, remote) {
                    out.push(Output::Disconnect { connection });
                }
                self.settle_guests();
            }
        }
    }

    /// A connection is over.
    pub(super) fn on_closed(
        &mut self,
        now: Instant,
        connection: Connection,
        out: &mut Vec<Output>,
    ) {
        match connection {
            Connection::Called(path) => {
                self.tell_caller(now, PathId(path), carrier::Input::Disconnected, out);
            }
            Connection::Accepted(number) => {
                self.carriers.guests.closed(number);
                self.settle_guests();
            }
        }
    }

    /// Connections that no tunnel uses have had their time.
    pub(super) fn send_guests_off(&mut self, now: Instant, out: &mut Vec<Output>) {
        for number in self.carriers.guests.leave(now) {
            let connection = Connection::Accepted(number);
            out.push(Output::Disconnect { connection });
        }
        self.settle_guests();
    }

    fn settle_guests(&mut self) {
        self.timers.set(Part::Guests, self.carriers.guests.wake());
    }

    /// A peer's datagrams come from another place: a host behind NAT, or a connection that it began.
    pub(super) fn follow_peer(
        &mut self,
        now: Instant,
        path: PathId,
        to: SocketAddrV4,
        out: &mut Vec<Output>,
    ) {
        let connection = Connection::of(to);
        if connection.is_none() {
            out.push(Output::Event(Event::Roamed { path, to }));
        }
        self.carriers.guests.moved(now, path.0, connection);
        self.settle_guests();
        let way = connection.map_or(Way::Udp, |_| Way::Tls);
        self.set_way(now, path, way, out);
    }

    /// The echo of a peer has come back by UDP.
    pub(super) fn on_echo(
        &mut self,
        now: Instant,
        locator: LocatorId,
        peer: PeerId,
        out: &mut Vec<Output>,
    ) {
        let peers = &self.tables.facts.peers[locator.index()];
        if let Some(&path) = peers.get(peer.0 as usize) {
            self.tell_caller(now, path, carrier::Input::Echoed, out);
        }
    }

    /// A path came up or went down.
    pub(super) fn tell_caller_of_path(
        &mut self,
        now: Instant,
        path: PathId,
        up: bool,
        out: &mut Vec<Output>,
    ) {
        let prober = self.paths[index(path)].prober.as_ref();
        let last = prober.and_then(path::Prober::last_reply).unwrap_or(now);
        let input = match up {
            true => carrier::Input::Up,
            false => carrier::Input::Down { last },
        };
        self.tell_caller(now, path, input, out);
    }

    pub(super) fn tell_caller(
        &mut self,
        now: Instant,
        path: PathId,
        input: carrier::Input,
        out: &mut Vec<Output>,
    ) {
        let Some(caller) = self.carriers.callers.get_mut(&path) else {
            return;
        };
        let mut asked = Vec::new();
        caller.handle(now, input, &mut asked);
        self.timers.set(Part::Carrier(path), caller.wake());
        for output in asked {
            self.on_caller(now, path, output, out);
        }
    }

    fn on_caller(
        &mut self,
        now: Instant,
        path: PathId,
        output: carrier::Output,
        out: &mut Vec<Output>,
    ) {
        let settings = &self.settings.paths[index(path)];
        let (locator, peer) = (settings.locator, self.paths[index(path)].peer);
        let (Some(udp), Some(tls)) = (settings.endpoint, settings.tls) else {
            return;
        };
        let connection = called(path);
        match output {
            carrier::Output::Connect => out.push(Output::Connect {
                connection,
                locator,
                to: tls,
            }),
            carrier::Output::Close => out.push(Output::Disconnect { connection }),
            carrier::Output::Echo => {
                self.tell_tunnels(now, locator, tunnel::Input::Echo(peer, udp), out);
            }
            carrier::Output::Move(way) => {
                let to = match way {
                    Way::Udp => udp,
                    Way::Tls => connection.address(),
                };
                self.tell_tunnels(now, locator, tunnel::Input::Move(peer, to), out);
                self.set_way(now, path, way, out);
                // The other side follows what it receives.
                self.tell_prober(now, path, path::Input::Probe, out);
            }
        }
    }

    fn set_way(&mut self, now: Instant, path: PathId, way: Way, out: &mut Vec<Output>) {
        if self.carriers.way(path) == way {
            return;
        }
        match way {
            Way::Udp => self.carriers.over_tls.remove(&path),
            Way::Tls => self.carriers.over_tls.insert(path),
        };
        self.set_degraded(now, path, way == Way::Tls, out);
        out.push(Output::Event(Event::Carried { path, way }));
        // What fits a frame need not fit a datagram.
        self.tell_mtu(now, path, MtuInput::Suspect, out);
    }

    /// Where the other side of a path is in the network, when its tunnel's datagrams go to this address.
    pub(super) fn reached_at(&self, path: PathId, endpoint: SocketAddrV4) -> Option<SocketAddrV4> {
        match Connection::of(endpoint) {
            None => Some(endpoint),
            Some(Connection::Called(_)) => self.settings.paths[index(path)].tls,
            Some(Connection::Accepted(number)) => self.carriers.guests.remote(number),
        }
    }
}
