//! Connections that carry tunnels, and networks that let no UDP through.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::collections::{BTreeMap, BTreeSet};

use crate::{Connection, LocatorId};

use super::{Delivery, Device, LATENCY, Net};

/// Connections, and what is in their way.
#[derive(Default)]
pub(super) struct Carried {
    /// Both ends: where what one end sends comes out.
    ends: BTreeMap<(Device, Connection), (Device, Connection, LocatorId)>,
    begun: u32,
    /// Addresses whose UDP is blocked.
    blocked: BTreeSet<Ipv4Addr>,
    /// Addresses that connections cannot leave either.
    closed: BTreeSet<Ipv4Addr>,
    /// What nodes asked to end although nothing was there.
    refused: Vec<(Device, Connection)>,
}

impl Carried {
    pub(super) fn is_blocked(&self, from: SocketAddrV4, to: SocketAddrV4) -> bool {
        self.blocked.contains(from.ip()) || self.blocked.contains(to.ip())
    }
}

impl Net {
    /// The firewall at an address lets no UDP through any more, or again.
    pub(in super::super) fn block_udp(&mut self, at: Ipv4Addr, is_blocked: bool) {
        set(&mut self.carried.blocked, at, is_blocked);
    }

    /// It lets no new connections out any more, or again.
    pub(in super::super) fn block_tcp(&mut self, at: Ipv4Addr, is_blocked: bool) {
        set(&mut self.carried.closed, at, is_blocked);
    }

    /// How many ends of connections there are.
    pub(in super::super) fn connection_ends(&self) -> usize {
        self.carried.ends.len()
    }

    /// A connection breaks at both ends.
    pub(in super::super) fn drop_connection(&mut self, device: Device, connection: Connection) {
        self.disconnect(device, connection);
        self.post(
            device,
            self.now + LATENCY,
            Delivery::CarrierClosed(connection),
        );
    }

    /// Connections that a node wanted to end and that were only pretended.
    pub(in super::super) fn refused_connections(&self, device: Device) -> Vec<Connection> {
        let refused = self.carried.refused.iter();
        let own = refused.filter(|(owner, _)| *owner == device);
        own.map(|(_, connection)| *connection).collect()
    }

    pub(super) fn connect(
        &mut self,
        device: Device,
        connection: Connection,
        locator: LocatorId,
        to: SocketAddrV4,
    ) {
        let from = self.socket_of(device, locator);
        let other = self
            .sockets
            .iter()
            .find(|(socket, _)| socket.ip() == to.ip());
        let Some((_, &(other, other_locator))) = other else {
            return;
        };
        let at = self.now + LATENCY * 2;
        if self.carried.closed.contains(from.ip()) || !self.machines[other].alive {
            self.post(device, at, Delivery::CarrierClosed(connection));
            return;
        }
        let accepted = Connection::Accepted(self.carried.begun);
        self.carried.begun += 1;
        let (here, there) = ((device, connection), (other, accepted));
        let ends = &mut self.carried.ends;
        ends.insert(here, (other, accepted, other_locator));
        ends.insert(there, (device, connection, locator));
        self.post(other, at, Delivery::CarrierOpened(accepted, from));
        let at = at + LATENCY * 2;
        self.post(device, at, Delivery::CarrierOpened(connection, to));
    }

    pub(super) fn disconnect(&mut self, device: Device, connection: Connection) {
        if let Some((other, far, _)) = self.carried.ends.remove(&(device, connection)) {
            self.carried.ends.remove(&(other, far));
            self.post(other, self.now + LATENCY, Delivery::CarrierClosed(far));
        } else {
            self.carried.refused.push((device, connection));
        }
    }

    pub(super) fn carry(&mut self, device: Device, connection: Connection, bytes: Vec<u8>) {
        if let Some(&(other, far, locator)) = self.carried.ends.get(&(device, connection)) {
            let delivery = Delivery::Datagram(locator, far.address(), bytes);
            self.post(other, self.now + LATENCY, delivery);
        }
    }
}

fn set(addresses: &mut BTreeSet<Ipv4Addr>, at: Ipv4Addr, is_in: bool) {
    if is_in {
        addresses.insert(at);
    } else {
        addresses.remove(&at);
    }
}
