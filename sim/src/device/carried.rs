//! Tunnels over TLS: the node's connections over the device's own TCP. What TLS would put around the frames is left out:
//! it hides them, and decides nothing.

use core::net::SocketAddrV4;
use std::collections::BTreeMap;

use carrier::frame::{Decoder, encode};
use inet::Instant;
use inet::packet::{self, Ipv4};
use node::{Connection, LocatorId};

use super::{Core, Device, Effects};
use crate::kernel::{self, InterfaceId};
use crate::tcp::{Event, Socket};

/// Octets that may wait in a connection; datagrams that come then are dropped, as the daemon does it.
const WAITING_MAX: usize = 128 * 1024;

/// The connections of a node that carry tunnels.
#[derive(Debug, Default)]
pub(super) struct Carried {
    by_socket: BTreeMap<Socket, Line>,
    sockets: BTreeMap<Connection, Socket>,
    accepted: u32,
}

/// A connection.
#[derive(Debug)]
struct Line {
    connection: Connection,
    locator: LocatorId,
    remote: SocketAddrV4,
    decoder: Decoder,
}

impl Carried {
    fn add(
        &mut self,
        connection: Connection,
        locator: LocatorId,
        (socket, remote): (Socket, SocketAddrV4),
    ) {
        let line = Line {
            connection,
            locator,
            remote,
            decoder: Decoder::default(),
        };
        self.by_socket.insert(socket, line);
        self.sockets.insert(connection, socket);
    }

    fn remove(&mut self, socket: Socket) -> Option<Line> {
        let line = self.by_socket.remove(&socket)?;
        self.sockets.remove(&line.connection);
        Some(line)
    }
}

impl Device {
    /// The interface that a packet of such a connection must leave by: they are bound to their locator's.
    pub(super) fn bound_to(&self, packet: &Ipv4<'_>) -> Option<InterfaceId> {
        let Core::Node(core) = &self.core else {
            return None;
        };
        if packet.protocol() != packet::TCP {
            return None;
        }
        let flow = packet.five_tuple();
        let remote = SocketAddrV4::new(flow.destination, flow.destination_port);
        let calls = |locator: usize| {
            let mut lines = self.carried.by_socket.values();
            lines.any(|line| usize::from(line.locator.0) == locator && line.remote == remote)
        };
        let locators = core.locators.iter().zip(&core.tls_ports).enumerate();
        let mut own = locators.filter(|(_, ((id, _), _))| self.kernel.address(*id) == flow.source);
        own.find(|(locator, (_, port))| **port == Some(flow.source_port) || calls(*locator))
            .map(|(_, ((id, _), _))| *id)
    }

    pub(super) fn connect_carrier(
        &mut self,
        connection: Connection,
        locator: LocatorId,
        to: SocketAddrV4,
    ) {
        self.disconnect_carrier(connection);
        let Core::Node(core) = &self.core else {
            return;
        };
        let (id, _) = core.locators[usize::from(locator.0)];
        let local = self.kernel.address(id);
        let socket = self.tcp.connect(local, to, kernel::TTL, kernel::MSS);
        self.carried.add(connection, locator, (socket, to));
    }

    pub(super) fn disconnect_carrier(&mut self, connection: Connection) {
        if let Some(socket) = self.carried.sockets.get(&connection).copied() {
            self.carried.remove(socket);
            self.tcp.close(socket);
        }
    }

    /// Sends a datagram in a frame, unless too much waits.
    pub(super) fn send_carried(&mut self, connection: Connection, datagram: &[u8]) {
        if let Some(socket) = self.carried.sockets.get(&connection).copied()
            && self.tcp.waiting(socket) < WAITING_MAX
        {
            let mut frame = Vec::new();
            encode(datagram, &mut frame);
            self.tcp.send(socket, &frame);
        }
    }

    /// Takes what happened to a connection that carries tunnels; gives back what belongs to BGP.
    pub(super) fn on_carrier_event(
        &mut self,
        now: Instant,
        event: Event,
        effects: &mut Effects,
    ) -> Option<Event> {
        match event {
            Event::Accepted {
                socket,
                local,
                remote,
            } => {
                let Some(locator) = self.listener(local) else {
                    return Some(event);
                };
                let connection = Connection::Accepted(self.carried.accepted);
                self.carried.accepted += 1;
                self.carried.add(connection, locator, (socket, remote));
                self.tell_node(now, node::Input::Opened { connection, remote }, effects);
            }
            Event::Connected { socket, .. } => {
                let Some(line) = self.carried.by_socket.get(&socket) else {
                    return Some(event);
                };
                let (connection, remote) = (line.connection, line.remote);
                self.tell_node(now, node::Input::Opened { connection, remote }, effects);
            }
            Event::Received { socket, ref bytes } => {
                let Some(line) = self.carried.by_socket.get_mut(&socket) else {
                    return Some(event);
                };
                let (locator, from) = (line.locator, line.connection.address());
                let mut datagrams = Vec::new();
                line.decoder
                    .take(bytes, |datagram| datagrams.push(datagram.to_vec()));
                for mut datagram in datagrams {
                    let bytes = datagram.as_mut_slice();
                    let input = node::Input::Datagram {
                        locator,
                        from,
                        bytes,
                    };
                    self.tell_node(now, input, effects);
                }
            }
            Event::Closed { socket } | Event::Failed { socket } => {
                let Some(line) = self.carried.remove(socket) else {
                    return Some(event);
                };
                let connection = line.connection;
                self.tell_node(now, node::Input::Closed { connection }, effects);
            }
        }
        None
    }

    /// The locator that takes tunnels over TLS there.
    fn listener(&self, local: SocketAddrV4) -> Option<LocatorId> {
        let Core::Node(core) = &self.core else {
            return None;
        };
        let mut listeners = core.locators.iter().zip(&core.tls_ports);
        let place = listeners.position(|((id, _), port)| {
            *port == Some(local.port()) && self.kernel.address(*id) == *local.ip()
        })?;
        Some(LocatorId(place as u16))
    }
}
