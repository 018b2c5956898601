//! A simulated device: its core and its kernel, joined as the daemon joins them in the lab.
//!
//! Whatever a call sets off inside the device is done when it returns: packets between kernel
//! and core, connections, answers. What leaves the device is in [`Effects`].

mod bgp_transport;
mod carried;
mod nodes;
mod platform;
mod routers;

use core::net::{Ipv4Addr, SocketAddrV4};
use std::collections::VecDeque;

use azure::express_route::{self, Gateway, Msee};
use azure::{PortId, RouteServer, route_server};
use inet::packet::{self, Ipv4};
use inet::{Instant, Prefix, Rng};
use node::Node;
use router::Router;

use crate::kernel::{self, Egress, Fate, InterfaceId, Kernel};
use crate::tcp::{self, Tcp};
use crate::traffic;
use bgp_transport::Connections;
use carried::Carried;

/// What leaves a device in one call.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Packets out of ports, in order.
    pub(crate) sent: Vec<(PortId, Vec<u8>)>,
    /// What a forwarder's packets follow; no next hops withdraw.
    pub(crate) forwarded: Vec<(Prefix, Vec<Ipv4Addr>)>,
    /// Routes that an instance of a Route Server or gateway programs; no next hops withdraw.
    pub(crate) programmed: Vec<(Prefix, Vec<Ipv4Addr>)>,
    /// Payloads of test datagrams that arrived.
    pub(crate) arrived: Vec<Vec<u8>>,
    /// Whether the instance serves from now on, if that changed.
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
    /// An instance of an ExpressRoute gateway.
    Gateway(Box<Gateway>),
    /// An MSEE.
    Msee(Box<Msee>),
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
            Self::Gateway(gateway) => Some(gateway.speaker()),
            Self::Msee(msee) => Some(msee.speaker()),
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
    /// TCP port for tunnels over TLS by locator.
    pub(crate) tls_ports: Vec<Option<u16>>,
    /// Interface by LAN.
    pub(crate) lans: Vec<InterfaceId>,
    /// Interface by its number in the node's file; `None` without a port.
    pub(crate) interfaces: Vec<Option<InterfaceId>>,
}

/// A packet on its way inside the device.
enum Pending {
    /// It came in from a port.
    Received(Vec<u8>),
    /// The core wrote it to the overlay device.
    Back(Vec<u8>),
    /// It starts here.
    Originated(Vec<u8>),
}

/// A device that runs.
pub(crate) struct Device {
    pub(crate) kernel: Kernel,
    pub(crate) core: Core,
    tcp: Tcp,
    connections: Connections,
    carried: Carried,
    pending: VecDeque<Pending>,
    node_outputs: Vec<node::Output>,
    server_outputs: Vec<route_server::Output>,
    router_outputs: Vec<router::Output>,
    platform_outputs: Vec<express_route::Output>,
    tcp_events: Vec<tcp::Event>,
}

impl Device {
    pub(crate) fn new(kernel: Kernel, core: Core, rng: Rng) -> Self {
        let mut tcp = Tcp::new(rng);
        if !matches!(core, Core::None) {
            tcp.listen(bgp_transport::PORT);
        }
        if let Core::Node(core) = &core {
            let ports = core.tls_ports.iter().flatten();
            ports.for_each(|port| tcp.listen(*port));
        }
        Self {
            kernel,
            core,
            tcp,
            connections: Connections::default(),
            carried: Carried::default(),
            pending: VecDeque::new(),
            node_outputs: Vec::new(),
            server_outputs: Vec::new(),
            router_outputs: Vec::new(),
            platform_outputs: Vec::new(),
            tcp_events: Vec::new(),
        }
    }

    /// When to come back.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        let core = match &self.core {
            Core::Node(core) => core.node.wake(),
            Core::RouteServer(server) => server.wake(),
            Core::Gateway(gateway) => gateway.wake(),
            Core::Msee(msee) => msee.wake(),
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
            Core::Gateway(gateway) if gateway.wake().is_some_and(|at| at <= now) => {
                self.tell_gateway(now, express_route::Input::Wake, effects);
            }
            Core::Msee(msee) if msee.wake().is_some_and(|at| at <= now) => {
                self.tell_msee(now, express_route::Input::Wake, effects);
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
                    Pending::Received(mut bytes) => {
                        let fate = self.kernel.receive_in(&mut bytes);
                        self.on_received(now, fate, bytes, effects);
                    }
                    Pending::Back(mut bytes) => {
                        let fate = self.kernel.receive_back(&mut bytes);
                        self.on_received(now, fate, bytes, effects);
                    }
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

    fn on_received(&mut self, now: Instant, fate: Fate, bytes: Vec<u8>, effects: &mut Effects) {
        match fate {
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
        } else if let Some(id) = self.bound_to(&packet) {
            effects.sent.push((self.kernel.port(id), bytes));
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
        let to = SocketAddrV4::new(flow.destination, flow.destination_port);
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
            Core::Msee(_) => {
                let ends = (from.into(), to.into());
                self.on_msee_datagram(now, ends, packet.ttl(), payload, effects);
            }
            Core::Router(_) => {
                let input = router::Input::Bfd {
                    from: from.into(),
                    to: to.into(),
                    ttl: packet.ttl(),
                    bytes: payload,
                };
                self.tell_router(now, input, effects);
            }
            Core::RouteServer(_) | Core::Gateway(_) | Core::None => {}
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
