//! BGP's connections over the device's own TCP: names of the speaker's on one side, sockets on the other.

use core::net::{IpAddr, SocketAddr};

use azure::express_route;
use bgp::ConnId;
use hashbrown::HashMap;
use inet::Instant;
use inet::hash::Seeded;

use super::{Core, Device, Effects};
use crate::kernel;
use crate::tcp::{Event, Socket};

/// BGP's port (RFC 4271 §4).
pub(super) const PORT: u16 = 179;

/// Which socket is which connection of the speaker.
#[derive(Debug)]
pub(super) struct Connections {
    sockets: HashMap<ConnId, Socket, Seeded>,
    names: HashMap<Socket, ConnId, Seeded>,
    accepted: u64,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            sockets: HashMap::with_hasher(Seeded(2)),
            names: HashMap::with_hasher(Seeded(3)),
            accepted: 0,
        }
    }
}

impl Connections {
    fn add(&mut self, conn: ConnId, socket: Socket) {
        self.sockets.insert(conn, socket);
        self.names.insert(socket, conn);
    }

    fn accept(&mut self, socket: Socket) -> ConnId {
        let conn = ConnId::accepted(self.accepted);
        self.accepted += 1;
        self.add(conn, socket);
        conn
    }

    fn name(&self, socket: Socket) -> Option<ConnId> {
        self.names.get(&socket).copied()
    }

    fn remove(&mut self, socket: Socket) -> Option<ConnId> {
        let conn = self.names.remove(&socket)?;
        self.sockets.remove(&conn);
        Some(conn)
    }
}

impl Device {
    /// What the speaker asks of its transport.
    pub(super) fn on_transport(&mut self, output: bgp::Output) {
        match output {
            bgp::Output::Connect {
                conn,
                local: IpAddr::V4(local),
                remote: SocketAddr::V4(remote),
                ttl,
                ..
            } => {
                let socket = self.tcp.connect(local, remote, ttl, kernel::MSS);
                self.connections.add(conn, socket);
            }
            bgp::Output::Send { conn, bytes } => {
                if let Some(socket) = self.connections.sockets.get(&conn) {
                    self.tcp.send(*socket, &bytes);
                }
            }
            bgp::Output::Close { conn } => {
                if let Some(socket) = self.connections.sockets.get(&conn).copied() {
                    self.connections.remove(socket);
                    self.tcp.close(socket);
                }
            }
            bgp::Output::Connect { .. } => unreachable!("a Plan has IPv4 sessions only"),
            bgp::Output::Changed { .. } | bgp::Output::Message { .. } | bgp::Output::Event(_) => {}
        }
    }

    /// Tells the speaker what its connections did, and gives the list back for its memory.
    pub(super) fn on_tcp_events(
        &mut self,
        now: Instant,
        mut events: Vec<Event>,
        effects: &mut Effects,
    ) {
        for event in events.drain(..) {
            self.on_tcp_event(now, event, effects);
        }
        self.tcp_events = events;
    }

    fn on_tcp_event(&mut self, now: Instant, event: Event, effects: &mut Effects) {
        let Some(event) = self.on_carrier_event(now, event, effects) else {
            return;
        };
        match event {
            Event::Accepted {
                socket,
                local,
                remote,
            } => {
                let conn = self.connections.accept(socket);
                let input = bgp::Input::Accepted {
                    conn,
                    local: local.into(),
                    remote: remote.into(),
                };
                self.tell_speaker(now, input, effects);
            }
            Event::Connected { socket, local } => {
                if let Some(conn) = self.connections.name(socket) {
                    let local = local.into();
                    self.tell_speaker(now, bgp::Input::Connected { conn, local }, effects);
                }
            }
            Event::Received { socket, bytes } => {
                if let Some(conn) = self.connections.name(socket) {
                    let bytes = &bytes;
                    self.tell_speaker(now, bgp::Input::Bytes { conn, bytes }, effects);
                }
            }
            Event::Closed { socket } => {
                if let Some(conn) = self.connections.remove(socket) {
                    self.tell_speaker(now, bgp::Input::Closed { conn }, effects);
                }
            }
            Event::Failed { socket } => {
                if let Some(conn) = self.connections.remove(socket) {
                    self.tell_speaker(now, bgp::Input::ConnectFailed { conn }, effects);
                }
            }
        }
    }

    fn tell_speaker(&mut self, now: Instant, input: bgp::Input<'_>, effects: &mut Effects) {
        match &self.core {
            Core::Node(_) => self.tell_node(now, node::Input::Bgp(input), effects),
            Core::RouteServer(_) => {
                self.tell_server(now, azure::route_server::Input::Bgp(input), effects);
            }
            Core::Gateway(_) => self.tell_gateway(now, express_route::Input::Bgp(input), effects),
            Core::Msee(_) => self.tell_msee(now, express_route::Input::Bgp(input), effects),
            Core::Router(_) => self.tell_router(now, router::Input::Bgp(input), effects),
            Core::None => {}
        }
    }
}
