//! A simulated device: its core and its kernel, joined as the daemon joins them in the lab.
//!
//! Whatever a call sets off inside the device is done when it returns: packets between kernel
//! and core, connections, answers. What leaves the device is in [`Effects`].

mod bgp_transport;
mod routers;

use core::net::{Ipv4Addr, SocketAddrV4};
use std::collections::VecDeque;

use azure::{PortId, RouteServer, route_server};
use inet::packet::{self, Ipv4};
use inet::{Instant, Prefix, Rng};
use node::Node;
use router::Router;

use crate::kernel::{self, Egress, Fate, InterfaceId, Kernel};
use crate::tcp::{self, Tcp};
use crate::traffic;
use bgp_transport::Connections;

/// What leaves a device in one call.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Packets out of ports, in order.
    pub(crate) sent: Vec<(PortId, Vec<u8>)>,
    /// Routes that a Route Server instance programs; no next hops withdraw.
    pub(crate) programmed: Vec<(Prefix, Vec<Ipv4Addr>)>,
    /// Payloads of test datagrams that arrived.
    pub(crate) arrived: Vec<Vec<u8>>,
    /// Whether the Route Server's instance serves from now on, if that changed.
    pub(crate) serving: Option<bool>,
    /// Echo replies that arrived: from whom, identifier and sequence number.
    pub(crate) echoes: Vec<(Ipv4Addr, u16, u16)>,
    /// What the node's core announced for the log.
    pub(crate) events: Vec<node::Event>,
    /// Packets that the kernel dropped because their time to live was over.
    pub(crate) expired: u64,
    /// Whether a kernel route, a programmed route, a path or a session changed.
    pub(crate) changed: bool,
}

/// What runs on a device.
pub(crate) enum Core {
    /// An NVA or a CPE.
    Node(Box<NodeCore>),
    /// An instance of a Route Server.
    RouteServer(Box<RouteServer>),
    /// A customer's or provider's router.
    Router(Box<Router>),
    /// Nothing: a host.
    None,
}

impl Core {
    /// The BGP speaker in it.
    pub(crate) fn speaker(&self) -> Option<&bgp::Speaker> {
        match self {
            Self::Node(core) => Some(core.node.speaker()),
            Self::RouteServer(server) => Some(server.speaker()),
            Self::Router(router) => Some(router.speaker()),
            Self::None => None,
        }
    }
}

/// A node and what its sockets are bound to.
pub(crate) struct NodeCore {
    pub(crate) node: Node,
    /// Interface and UDP port by locator.
    pub(crate) locators: Vec<(InterfaceId, u16)>,
    /// Interface by LAN.
    pub(crate) lans: Vec<InterfaceId>,
    /// Interface by its number in the node's file; `None` without a port.
    pub(crate) interfaces: Vec<Option<InterfaceId>>,
}

/// A packet on its way inside the device.
enum Pending {
    /// It came in from a port or from the core.
    Received(Vec<u8>),
    /// It starts here.
    Originated(Vec<u8>),
}

/// A device that runs.
pub(crate) struct Device {
    pub(crate) kernel: Kernel,
    pub(crate) core: Core,
    tcp: Tcp,
    connections: Connections,
    pending: VecDeque<Pending>,
    node_outputs: Vec<node::Output>,
    server_outputs: Vec<route_server::Output>,
    router_outputs: Vec<router::Output>,
    tcp_events: Vec<tcp::Event>,
}

impl Device {
    pub(crate) fn new(kernel: Kernel, core: Core, rng: Rng) -> Self {
        let mut tcp = Tcp::new(rng);
        if !matches!(core, Core::None) {
            tcp.listen(bgp_transport::PORT);
        }
        Self {
            kernel,
            core,
            tcp,
            connections: Connections::default(),
            pending: VecDeque::new(),
            node_outputs: Vec::new(),
            server_outputs: Vec::new(),
            router_outputs: Vec::new(),
            tcp_events: Vec::new(),
        }
    }

    /// When to come back.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        let core = match &self.core {
            Core::Node(core) => core.node.wake(),
            Core::RouteServer(server) => server.wake(),
            Core::Router(router) => router.wake(),
            Core::None => None,
        };
        core.into_iter().chain(self.tcp.wake()).min()
    }

    /// A packet arrived at a port.
    pub(crate) fn receive(&mut self, now: Instant, bytes: Vec<u8>, effects: &mut Effects) {
        self.pending.push_back(Pending::Received(bytes));
        self.settle(now, effects);
    }

    /// A program on the device sends a packet.
    pub(crate) fn originate(&mut self, now: Instant, bytes: Vec<u8>, effects: &mut Effects) {
        self.pending.push_back(Pending::Originated(bytes));
        self.settle(now, effects);
    }

    /// The platform's management wants something of the Route Server's instance that runs here.
    pub(crate) fn manage(
        &mut self,
        now: Instant,
        command: route_server::Command,
        effects: &mut Effects,
    ) {
        self.tell_server(now, route_server::Input::Command(command), effects);
        self.settle(now, effects);
    }

    /// The time that [`Self::next_wake`] named has come.
    pub(crate) fn wake(&mut self, now: Instant, effects: &mut Effects) {
        if self.tcp.wake().is_some_and(|at| at <= now) {
            let mut events = core::mem::take(&mut self.tcp_events);
            self.tcp.time_out(now, &mut events);
            self.on_tcp_events(now, events, effects);
        }
        match &mut self.core {
            Core::Node(core) if core.node.wake().is_some_and(|at| at <= now) => {
                self.tell_node(now, node::Input::Wake, effects);
            }
            Core::RouteServer(server) if server.wake().is_some_and(|at| at <= now) => {
                self.tell_server(now, route_server::Input::Wake, effects);
            }
            Core::Router(router) if router.wake().is_some_and(|at| at <= now) => {
                self.tell_router(now, router::Input::Wake, effects);
            }
            _ => {}
        }
        self.settle(now, effects);
    }

    /// Works until nothing is on its way inside the device any more.
    fn settle(&mut self, now: Instant, effects: &mut Effects) {
        loop {
            while let Some(pending) = self.pending.pop_front() {
                match pending {
                    Pending::Received(bytes) => self.on_received(now, bytes, effects),
                    Pending::Originated(bytes) => self.on_originated(now, bytes, effects),
                }
            }
            let pending = &mut self.pending;
            self.tcp.flush(now, |packet| {
                pending.push_back(Pending::Originated(packet));
            });
            if self.pending.is_empty() {
                return;
            }
        }
    }

    fn on_received(&mut self, now: Instant, mut bytes: Vec<u8>, effects: &mut Effects) {
        match self.kernel.receive(&mut bytes) {
            Fate::Local => self.on_local(now, bytes, effects),
            Fate::Vrrp => self.on_vrrp(now, &bytes, effects),
            Fate::Forward(egress) => self.pass(now, egress, bytes, effects),
            Fate::Expire => effects.expired += 1,
            Fate::Drop => {}
        }
    }

    fn on_originated(&mut self, now: Instant, bytes: Vec<u8>, effects: &mut Effects) {
        let Ok(packet) = Ipv4::parse(&bytes) else {
            return;
        };
        let destination = packet.destination();
        if self.kernel.is_own(destination) {
            self.on_local(now, bytes, effects);
        } else if let Some(egress) = self.kernel.egress(&packet) {
            self.pass(now, egress, bytes, effects);
        }
    }

    fn pass(&mut self, now: Instant, egress: Egress, mut bytes: Vec<u8>, effects: &mut Effects) {
        match egress {
            Egress::Interface(id) => effects.sent.push((self.kernel.port(id), bytes)),
            Egress::Overlay => {
                let input = node::Input::Packet { bytes: &mut bytes };
                self.tell_node(now, input, effects);
            }
        }
    }

    /// A packet for one of the device's own addresses.
    fn on_local(&mut self, now: Instant, bytes: Vec<u8>, effects: &mut Effects) {
        let Ok(packet) = Ipv4::parse(&bytes) else {
            return;
        };
        match packet.protocol() {
            packet::TCP => {
                let mut events = core::mem::take(&mut self.tcp_events);
                let pending = &mut self.pending;
                let send = |reply| pending.push_back(Pending::Originated(reply));
                let (ttl, mss) = (kernel::TTL, kernel::MSS);
                self.tcp.take(now, &packet, ttl, mss, &mut events, send);
                self.on_tcp_events(now, events, effects);
            }
            packet::ICMP => {
                if let Some(reply) = packet::echo_reply(&packet, kernel::TTL) {
                    self.pending.push_back(Pending::Originated(reply));
                } else if let [0, _, _, _, id0, id1, seq0, seq1, ..] = packet.payload() {
                    let id = u16::from_be_bytes([*id0, *id1]);
                    let sequence = u16::from_be_bytes([*seq0, *seq1]);
                    effects.echoes.push((packet.source(), id, sequence));
                }
            }
            packet::UDP => self.on_datagram(now, bytes, effects),
            _ => {}
        }
    }

    /// A UDP datagram for one of the device's own addresses.
    fn on_datagram(&mut self, now: Instant, mut bytes: Vec<u8>, effects: &mut Effects) {
        let Ok(packet) = Ipv4::parse(&bytes) else {
            return;
        };
        let Some(payload) = packet.udp_payload() else {
            return;
        };
        let flow = packet.five_tuple();
        let start = packet.header_len() + 8;
        let range = start..start + payload.len();
        let from = SocketAddrV4::new(flow.source, flow.source_port);
        match &self.core {
            Core::None if flow.destination_port == traffic::PORT => {
                effects.arrived.push(payload.to_vec());
            }
            Core::Node(_) => {
                let Some(locator) = self.locator(flow.destination, flow.destination_port) else {
                    return;
                };
                let input = node::Input::Datagram {
                    locator,
                    from,
                    bytes: &mut bytes[range],
                };
                self.tell_node(now, input, effects);
            }
            Core::Router(_) => {
                let to = SocketAddrV4::new(flow.destination, flow.destination_port);
                let input = router::Input::Bfd {
                    from: from.into(),
                    to: to.into(),
                    ttl: packet.ttl(),
                    bytes: payload,
                };
                self.tell_router(now, input, effects);
            }
            Core::RouteServer(_) | Core::None => {}
        }
    }

    /// The locator whose socket a datagram is for.
    fn locator(&self, address: Ipv4Addr, port: u16) -> Option<node::LocatorId> {
        let Core::Node(core) = &self.core else {
            return None;
        };
        let mut locators = core.locators.iter();
        let index =
            locators.position(|(id, own)| *own == port && self.kernel.address(*id) == address)?;
        Some(node::LocatorId(index as u16))
    }

    fn on_vrrp(&mut self, now: Instant, bytes: &[u8], effects: &mut Effects) {
        let (Core::Node(core), Ok(packet)) = (&self.core, Ipv4::parse(bytes)) else {
            return;
        };
        let from = packet.source();
        let lan = core
            .lans
            .iter()
            .position(|id| self.kernel.is_on_link(*id, from));
        let Some(lan) = lan else {
            return;
        };
        let input = node::Input::Vrrp {
            lan: node::LanId(lan as u16),
            from,
            bytes: packet.payload(),
        };
        self.tell_node(now, input, effects);
    }

    fn tell_node(&mut self, now: Instant, input: node::Input<'_>, effects: &mut Effects) {
        let Core::Node(core) = &mut self.core else {
            return;
        };
        let mut outputs = core::mem::take(&mut self.node_outputs);
        let before = core.node.forwarding_changes();
        core.node.handle(now, input, &mut outputs);
        effects.changed |= core.node.forwarding_changes() != before;
        for output in outputs.drain(..) {
            self.on_node_output(output, effects);
        }
        self.node_outputs = outputs;
    }

    fn on_node_output(&mut self, output: node::Output, effects: &mut Effects) {
        let Core::Node(core) = &mut self.core else {
            return;
        };
        match output {
            node::Output::Datagram { locator, to, bytes } => {
                let (id, port) = core.locators[usize::from(locator.0)];
                let packet = self.kernel.datagram(id, port, to, &bytes);
                effects.sent.push((self.kernel.port(id), packet));
            }
            node::Output::Packet { bytes } => self.pending.push_back(Pending::Received(bytes)),
            node::Output::Vrrp { lan, bytes } => {
                let id = core.lans[usize::from(lan.0)];
                let packet = self.kernel.vrrp(id, &bytes);
                effects.sent.push((self.kernel.port(id), packet));
            }
            node::Output::Bgp(output) => self.on_transport(output),
            node::Output::AddRoute { prefix, via } => {
                effects.changed = true;
                let egress = match via {
                    node::RouteVia::Overlay => Some(Egress::Overlay),
                    node::RouteVia::Underlay => self.kernel.default(),
                    node::RouteVia::Router { interface, .. } => {
                        let id = core.interfaces.get(usize::from(interface.0));
                        id.copied().flatten().map(Egress::Interface)
                    }
                };
                if let Some(egress) = egress {
                    self.kernel.add_route(prefix, egress);
                }
            }
            node::Output::RemoveRoute { prefix } => {
                effects.changed = true;
                self.kernel.remove_route(prefix);
            }
            node::Output::VirtualAddress {
                address, acquire, ..
            } => {
                effects.changed = true;
                self.kernel.set_address(address, acquire);
            }
            node::Output::Event(event) => {
                effects.changed = true;
                effects.events.push(event);
            }
        }
    }

    fn tell_server(&mut self, now: Instant, input: route_server::Input<'_>, effects: &mut Effects) {
        let Core::RouteServer(server) = &mut self.core else {
            return;
        };
        let mut outputs = core::mem::take(&mut self.server_outputs);
        server.handle(now, input, &mut outputs);
        for output in outputs.drain(..) {
            match output {
                route_server::Output::Bgp(output) => self.on_transport(output),
                route_server::Output::Program { prefix, next_hops } => {
                    effects.changed = true;
                    effects.programmed.push((prefix, next_hops));
                }
                route_server::Output::Serving(serving) => {
                    effects.changed = true;
                    effects.serving = Some(serving);
                }
                route_server::Output::Event(_) => effects.changed = true,
                route_server::Output::Refused(_) => {}
            }
        }
        self.server_outputs = outputs;
    }
}
