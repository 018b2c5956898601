//! A network of a few nodes in memory: datagrams and BGP connections with a latency, LANs for
//! VRRP, cuts between underlay addresses, and Route Servers that are plain BGP speakers.

mod carried;

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use bgp::{ConnId, Speaker};
use design::plan::NodeConfig;
use inet::{Instant, Prefix, Rng};

use crate::{
    Command, Connection, Event, Input, LanId, LocatorId, NextHop, Node, Output, RouteVia, stub,
};
use carried::Carried;

/// One way between any two devices.
pub(super) const LATENCY: Duration = Duration::from_millis(10);

/// A device's number: the order of adding.
pub(super) type Device = usize;

enum Core {
    Node(Box<Node>),
    Speaker(Box<Speaker>),
}

struct Machine {
    core: Core,
    alive: bool,
    /// What the node wrote to its overlay device.
    packets: Vec<Vec<u8>>,
    events: Vec<(Instant, Event)>,
    kernel: BTreeMap<Prefix, RouteVia>,
    virtual_addresses: BTreeSet<Ipv4Addr>,
}

enum Delivery {
    Datagram(LocatorId, SocketAddrV4, Vec<u8>),
    Vrrp(LanId, Ipv4Addr, Vec<u8>),
    Accepted(ConnId, SocketAddrV4, SocketAddrV4),
    Connected(ConnId, SocketAddrV4),
    ConnectFailed(ConnId),
    Bytes(ConnId, Vec<u8>),
    Closed(ConnId),
    CarrierOpened(Connection, SocketAddrV4),
    CarrierClosed(Connection),
}

#[derive(Default)]
pub(super) struct Net {
    pub(super) now: Instant,
    machines: Vec<Machine>,
    configs: Vec<Option<NodeConfig>>,
    queue: BTreeMap<(Instant, u64), (Device, Delivery)>,
    sequence: u64,
    /// Who has an underlay socket.
    sockets: BTreeMap<SocketAddrV4, (Device, LocatorId)>,
    /// Who has a BGP address.
    speakers: BTreeMap<Ipv4Addr, Device>,
    /// Both ends of each BGP connection.
    connections: BTreeMap<(Device, ConnId), (Device, ConnId)>,
    accepted: u64,
    cuts: BTreeSet<(Ipv4Addr, Ipv4Addr)>,
    /// Octets of the longest UDP payload that the underlay carries.
    longest: Option<usize>,
    carried: Carried,
    /// Datagrams that the underlay loses by chance, in parts per million.
    lost: Option<(u32, Rng)>,
}

impl Net {
    pub(super) fn add(&mut self, config: NodeConfig) -> Device {
        let device = self.machines.len();
        for (number, locator) in config.locators.iter().enumerate() {
            let interface = config
                .interfaces
                .iter()
                .find(|interface| interface.name == locator.interface)
                .expect("the locator's interface");
            let socket = SocketAddrV4::new(interface.address, locator.port);
            self.sockets
                .insert(socket, (device, LocatorId(number as u16)));
        }
        self.speakers.insert(config.loopback, device);
        for interface in &config.interfaces {
            self.speakers.insert(interface.address, device);
        }
        let core = self.birth(device, &config);
        self.configs.push(Some(config));
        self.push(core);
        device
    }

    pub(super) fn add_speaker(&mut self, address: Ipv4Addr, settings: bgp::Settings) -> Device {
        let device = self.machines.len();
        self.speakers.insert(address, device);
        self.configs.push(None);
        let speaker = Speaker::new(settings, device as u64, self.now);
        self.push(Core::Speaker(Box::new(speaker)));
        device
    }

    /// A speaker has a further address.
    pub(super) fn also_at(&mut self, device: Device, address: Ipv4Addr) {
        self.speakers.insert(address, device);
    }

    fn birth(&self, device: Device, config: &NodeConfig) -> Core {
        let secrets = stub::secrets(config);
        let options = stub::options(device as u8);
        let node = Node::new(config, &secrets, &options, self.now).expect("a good configuration");
        Core::Node(Box::new(node))
    }

    fn push(&mut self, core: Core) {
        self.machines.push(Machine {
            core,
            alive: true,
            packets: Vec::new(),
            events: Vec::new(),
            kernel: BTreeMap::new(),
            virtual_addresses: BTreeSet::new(),
        });
    }

    /// The device vanishes without a word.
    pub(super) fn kill(&mut self, device: Device) {
        self.machines[device].alive = false;
        self.machines[device].kernel.clear();
        self.machines[device].virtual_addresses.clear();
    }

    /// Takes a node out of the network, as it is.
    pub(super) fn take(&mut self, device: Device) -> Node {
        let idle = self.birth(device, &self.configs[device].clone().expect("a node"));
        self.machines[device].alive = false;
        match core::mem::replace(&mut self.machines[device].core, idle) {
            Core::Node(node) => *node,
            Core::Speaker(_) => panic!("device {device} is no node"),
        }
    }

    /// The node starts anew, with nothing remembered.
    pub(super) fn restart(&mut self, device: Device) {
        let config = self.configs[device].clone().expect("a node");
        self.machines[device].core = self.birth(device, &config);
        self.machines[device].alive = true;
    }

    /// From now on so many datagrams vanish in the underlay by chance.
    pub(super) fn lose(&mut self, ppm: u32) {
        self.lost = Some((ppm, Rng::new(7)));
    }

    /// From now on longer UDP payloads vanish in the underlay.
    pub(super) fn swallow(&mut self, longest: usize) {
        self.longest = Some(longest);
    }

    /// Nothing passes between two underlay addresses any more, or again.
    pub(super) fn cut(&mut self, a: Ipv4Addr, b: Ipv4Addr, is_cut: bool) {
        for pair in [(a, b), (b, a)] {
            if is_cut {
                self.cuts.insert(pair);
            } else {
                self.cuts.remove(&pair);
            }
        }
    }

    pub(super) fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            let woken = (0..self.machines.len()).filter_map(|device| {
                let machine = &self.machines[device];
                let wake = match &machine.core {
                    Core::Node(node) => node.wake(),
                    Core::Speaker(speaker) => speaker.wake(),
                };
                wake.filter(|_| machine.alive).map(|at| (at, device))
            });
            let woken = woken.min();
            let queued = self.queue.first_key_value().map(|(key, _)| *key);
            let at = [woken.map(|(at, _)| at), queued.map(|(at, _)| at)];
            let Some(at) = at.into_iter().flatten().min().filter(|at| *at <= until) else {
                break;
            };
            self.now = self.now.max(at);
            if let Some((_, (device, delivery))) = queued
                .filter(|key| key.0 <= at)
                .and_then(|_| self.queue.pop_first())
            {
                self.deliver(device, delivery);
            } else if let Some((_, device)) = woken {
                self.wake(device);
            }
        }
        self.now = until;
    }

    fn wake(&mut self, device: Device) {
        match &mut self.machines[device].core {
            Core::Node(_) => self.input(device, Input::Wake),
            Core::Speaker(_) => self.bgp(device, bgp::Input::Wake),
        }
        let wake = match &self.machines[device].core {
            Core::Node(node) => node.wake(),
            Core::Speaker(speaker) => speaker.wake(),
        };
        assert!(
            wake.is_none_or(|at| at > self.now),
            "a wake-up made no progress"
        );
    }

    fn deliver(&mut self, device: Device, delivery: Delivery) {
        if !self.machines[device].alive {
            return;
        }
        match delivery {
            Delivery::Datagram(locator, from, mut bytes) => {
                let bytes = &mut bytes;
                self.input(
                    device,
                    Input::Datagram {
                        locator,
                        from,
                        bytes,
                    },
                );
            }
            Delivery::Vrrp(lan, from, bytes) => {
                let bytes = &bytes;
                self.input(device, Input::Vrrp { lan, from, bytes });
            }
            Delivery::Accepted(conn, local, remote) => {
                self.bgp(
                    device,
                    bgp::Input::Accepted {
                        conn,
                        local: local.into(),
                        remote: remote.into(),
                    },
                );
            }
            Delivery::Connected(conn, local) => {
                let local = local.into();
                self.bgp(device, bgp::Input::Connected { conn, local });
            }
            Delivery::ConnectFailed(conn) => {
                self.bgp(device, bgp::Input::ConnectFailed { conn });
            }
            Delivery::Bytes(conn, bytes) => {
                let bytes = &bytes;
                self.bgp(device, bgp::Input::Bytes { conn, bytes });
            }
            Delivery::Closed(conn) => {
                self.connections.remove(&(device, conn));
                self.bgp(device, bgp::Input::Closed { conn });
            }
            Delivery::CarrierOpened(connection, remote) => {
                self.input(device, Input::Opened { connection, remote });
            }
            Delivery::CarrierClosed(connection) => {
                self.input(device, Input::Closed { connection });
            }
        }
    }

    /// Gives a node an input and passes on what it asks for.
    pub(super) fn input(&mut self, device: Device, input: Input<'_>) {
        let Core::Node(node) = &mut self.machines[device].core else {
            panic!("not a node");
        };
        let mut out = Vec::new();
        node.handle(self.now, input, &mut out);
        let wake = node.wake();
        assert!(wake.is_none_or(|at| at > self.now), "a due timer was left");
        for output in out {
            self.output(device, output);
        }
    }

    pub(super) fn command(&mut self, device: Device, command: Command) {
        self.input(device, Input::Command(command));
    }

    /// The kernel of a node routes a packet into the overlay device.
    pub(super) fn send_from_kernel(&mut self, device: Device, mut packet: Vec<u8>) {
        let bytes = &mut packet;
        self.input(device, Input::Packet { bytes });
    }

    pub(super) fn bgp(&mut self, device: Device, input: bgp::Input<'_>) {
        if let Core::Speaker(speaker) = &mut self.machines[device].core {
            let mut out = Vec::new();
            speaker.handle(self.now, input, &mut out);
            for output in out {
                self.transport(device, output);
            }
        } else {
            self.input(device, Input::Bgp(input));
        }
    }

    fn output(&mut self, device: Device, output: Output) {
        let now = self.now;
        let machine = &mut self.machines[device];
        match output {
            Output::Datagram { locator, to, bytes } => self.datagram(device, locator, to, bytes),
            Output::Connect {
                connection,
                locator,
                to,
            } => self.connect(device, connection, locator, to),
            Output::Disconnect { connection } => self.disconnect(device, connection),
            Output::Packet { bytes } => machine.packets.push(bytes),
            Output::Vrrp { lan, bytes } => {
                let from = self.lan_address(device, lan);
                for other in (0..self.machines.len()).filter(|other| *other != device) {
                    if self.on_same_lan(device, other) {
                        self.post(other, now, Delivery::Vrrp(lan, from, bytes.clone()));
                    }
                }
            }
            Output::Bgp(output) => self.transport(device, output),
            Output::AddRoute { prefix, via } => {
                machine.kernel.insert(prefix, via);
            }
            Output::RemoveRoute { prefix } => {
                let known = machine.kernel.remove(&prefix);
                assert!(known.is_some(), "{prefix} was not there");
            }
            Output::Exit { .. } => {}
            Output::VirtualAddress {
                address, acquire, ..
            } => {
                let changed = if acquire {
                    machine.virtual_addresses.insert(address)
                } else {
                    machine.virtual_addresses.remove(&address)
                };
                assert!(changed, "{address} acquired or released twice");
            }
            Output::Event(event) => machine.events.push((now, event)),
        }
    }

    fn datagram(&mut self, device: Device, locator: LocatorId, to: SocketAddrV4, bytes: Vec<u8>) {
        if let Some(connection) = Connection::of(to) {
            return self.carry(device, connection, bytes);
        }
        let from = self.socket_of(device, locator);
        let is_swallowed = self.longest.is_some_and(|longest| bytes.len() > longest);
        let is_cut = self.cuts.contains(&(*from.ip(), *to.ip()));
        let chance = self.lost.as_mut();
        let is_lost = chance.is_some_and(|(ppm, rng)| rng.chance_ppm(*ppm));
        if is_lost || is_swallowed || is_cut || self.carried.is_blocked(from, to) {
            return;
        }
        if let Some(&(other, locator)) = self.sockets.get(&to) {
            let delivery = Delivery::Datagram(locator, from, bytes);
            self.post(other, self.now + LATENCY, delivery);
        }
    }

    fn socket_of(&self, device: Device, locator: LocatorId) -> SocketAddrV4 {
        self.sockets
            .iter()
            .find(|(_, owner)| **owner == (device, locator))
            .map(|(socket, _)| *socket)
            .expect("a bound socket")
    }

    fn transport(&mut self, device: Device, output: bgp::Output) {
        let at = self.now + LATENCY;
        match output {
            bgp::Output::Connect {
                conn,
                local: IpAddr::V4(local),
                remote: SocketAddr::V4(remote),
                ..
            } => {
                let local = SocketAddrV4::new(local, 40_000);
                let other = self.speakers.get(remote.ip()).copied();
                let Some(other) = other.filter(|other| self.machines[*other].alive) else {
                    self.post(device, at, Delivery::ConnectFailed(conn));
                    return;
                };
                self.accepted += 1;
                let accepted = ConnId::accepted(self.accepted);
                self.connections.insert((device, conn), (other, accepted));
                self.connections.insert((other, accepted), (device, conn));
                self.post(other, at, Delivery::Accepted(accepted, remote, local));
                self.post(device, at + LATENCY, Delivery::Connected(conn, local));
            }
            bgp::Output::Send { conn, bytes } => {
                if let Some(&(other, conn)) = self.connections.get(&(device, conn)) {
                    self.post(other, at, Delivery::Bytes(conn, bytes.to_vec()));
                }
            }
            bgp::Output::Close { conn } => {
                if let Some((other, conn)) = self.connections.remove(&(device, conn)) {
                    self.post(other, at, Delivery::Closed(conn));
                }
            }
            bgp::Output::Connect { .. }
            | bgp::Output::Changed { .. }
            | bgp::Output::Message { .. }
            | bgp::Output::Event(_) => {}
        }
    }

    fn post(&mut self, device: Device, at: Instant, delivery: Delivery) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), (device, delivery));
    }

    fn lan_address(&self, device: Device, lan: LanId) -> Ipv4Addr {
        let config = self.configs[device].as_ref().expect("a node");
        let name = &config.lans[usize::from(lan.0)].interface;
        let mut interfaces = config.interfaces.iter();
        interfaces
            .find(|interface| interface.name == *name)
            .expect("the LAN's interface")
            .address
    }

    fn on_same_lan(&self, a: Device, b: Device) -> bool {
        let lans = |device: Device| self.configs[device].as_ref().map(|config| &config.lans);
        let (Some(a), Some(b)) = (lans(a), lans(b)) else {
            return false;
        };
        a.iter()
            .any(|lan| b.iter().any(|other| other.prefix == lan.prefix))
    }

    pub(super) fn node(&self, device: Device) -> &Node {
        let Core::Node(node) = &self.machines[device].core else {
            panic!("not a node");
        };
        node
    }

    pub(super) fn speaker(&self, device: Device) -> &Speaker {
        match &self.machines[device].core {
            Core::Node(node) => node.speaker(),
            Core::Speaker(speaker) => speaker,
        }
    }

    /// Takes what a node wrote to its overlay device.
    pub(super) fn take_packets(&mut self, device: Device) -> Vec<Vec<u8>> {
        core::mem::take(&mut self.machines[device].packets)
    }

    pub(super) fn kernel_route(&self, device: Device, text: &str) -> Option<RouteVia> {
        let routes = &self.machines[device].kernel;
        routes.get(&stub::prefix(text)).copied()
    }

    pub(super) fn virtual_addresses(&self, device: Device) -> Vec<Ipv4Addr> {
        let addresses = self.machines[device].virtual_addresses.iter();
        addresses.copied().collect()
    }

    pub(super) fn events(&self, device: Device) -> &[(Instant, Event)] {
        &self.machines[device].events
    }

    pub(super) fn next_hop(&self, device: Device, text: &str) -> Option<NextHop> {
        let prefix = stub::prefix(text);
        let table = self.node(device).forwarding();
        table
            .into_iter()
            .find(|entry| entry.prefix == prefix)
            .map(|entry| entry.next_hop)
    }
}

/// The next hop through these neighbours.
pub(super) fn through(neighbors: &[&str]) -> Option<NextHop> {
    let names = neighbors.iter().map(|name| (*name).to_owned()).collect();
    Some(NextHop::Neighbors(names))
}
