//! The kernel of a simulated device: interfaces, addresses, routes, forwarding, local delivery.
//!
//! It is to a device's core what Linux is in the lab: packets come in from a port or from the
//! core's overlay device, and each goes to the core, to a socket, out of a port or into the
//! overlay device. A route leads out of a device: who is at the other end is the fabric's business.
//! The gateways of a route count where flows are shared between several of them.

mod masquerade;

use core::net::{Ipv4Addr, SocketAddrV4};

use azure::PortId;
use design::plan::InterfaceConfig;
use inet::packet::{self, Ipv4};
use inet::{FiveTuple, Prefix, PrefixMap};

use masquerade::Masquerade;

/// VRRP's protocol number (RFC 9568 §5.1.1.4).
const VRRP: u8 = 112;
/// Where VRRP routers listen (RFC 9568 §5.1.1.2).
const VRRP_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Time to live of packets that start here.
pub(crate) const TTL: u8 = 64;
/// Payload of a TCP segment that fits the overlay and every underlay.
pub(crate) const MSS: u16 = 1300;

/// A device's interface: its place in the device's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceId(pub(crate) u16);

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Egress {
    /// Into the overlay device, which the node's core reads.
    Overlay,
    /// Out of an interface.
    Interface(InterfaceId),
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is the device's own.
    Local,
    /// A VRRP message for the routers of a LAN.
    Vrrp,
    /// It goes on. Its time to live has been lowered.
    Forward(Egress),
    /// It is dropped because its time to live is over.
    Expire,
    /// It is dropped.
    Drop,
}

/// What a prefix leads to.
#[derive(Debug)]
enum Route {
    /// One way.
    To(Egress),
    /// Several, which share flows by the addresses of their gateways.
    Shared(Vec<(Ipv4Addr, InterfaceId)>),
    /// None: an unreachable route.
    Discard,
}

#[derive(Debug)]
struct Interface {
    name: String,
    address: Ipv4Addr,
    connected: Option<Prefix>,
    metric: Option<u32>,
    port: PortId,
}

/// The kernel of a device.
#[derive(Debug)]
pub(crate) struct Kernel {
    interfaces: Vec<Interface>,
    /// Addresses that packets for the device itself may have.
    own: Vec<Ipv4Addr>,
    routes: PrefixMap<Route>,
    forwards: bool,
    /// Of the hash that shares flows; a device's own.
    seed: u64,
    /// By which interface leaves what comes back from the overlay device without a better route.
    exit: Option<InterfaceId>,
    masquerade: Masquerade,
}

impl Kernel {
    /// A kernel with its interfaces up, as the device finds it when it starts. `port` says which
    /// fabric port an interface is; interfaces without one are left out.
    pub(crate) fn new(
        interfaces: &[InterfaceConfig],
        forwards: bool,
        port: impl Fn(&str) -> Option<PortId>,
    ) -> Self {
        let interfaces = interfaces.iter().filter_map(|config| {
            Some(Interface {
                name: config.name.clone(),
                address: config.address,
                connected: Prefix::around(config.address, config.prefix_len),
                metric: config.default_route_metric,
                port: port(&config.name)?,
            })
        });
        let interfaces: Vec<Interface> = interfaces.collect();
        let mut kernel = Self {
            own: interfaces
                .iter()
                .map(|interface| interface.address)
                .collect(),
            interfaces,
            routes: PrefixMap::new(),
            forwards,
            seed: 0,
            exit: None,
            masquerade: Masquerade::default(),
        };
        for (id, interface) in kernel.interfaces.iter().enumerate() {
            if let Some(prefix) = interface.connected {
                let egress = Egress::Interface(InterfaceId(id as u16));
                kernel.routes.insert(prefix, Route::To(egress));
            }
        }
        if let Some(egress) = kernel.default() {
            kernel.routes.insert(Prefix::DEFAULT, Route::To(egress));
        }
        kernel
    }

    /// With the seed of the hash that shares flows between gateways.
    pub(crate) const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The interface with the default route of the lowest metric.
    pub(crate) fn default(&self) -> Option<Egress> {
        let with_metric = self
            .interfaces
            .iter()
            .enumerate()
            .filter_map(|(id, interface)| Some((interface.metric?, id)));
        let (_, id) = with_metric.min()?;
        Some(Egress::Interface(InterfaceId(id as u16)))
    }

    pub(crate) fn interface(&self, name: &str) -> Option<InterfaceId> {
        let at = self.interfaces.iter().position(|own| own.name == name)?;
        Some(InterfaceId(at as u16))
    }

    pub(crate) fn port(&self, id: InterfaceId) -> PortId {
        self.interfaces[usize::from(id.0)].port
    }

    pub(crate) fn address(&self, id: InterfaceId) -> Ipv4Addr {
        self.interfaces[usize::from(id.0)].address
    }

    /// Whether an address is in the connected prefix of an interface.
    pub(crate) fn is_on_link(&self, id: InterfaceId, address: Ipv4Addr) -> bool {
        let connected = self.interfaces[usize::from(id.0)].connected;
        connected.is_some_and(|prefix| prefix.contains(address))
    }

    /// Puts an address on the device, or takes it away.
    pub(crate) fn set_address(&mut self, address: Ipv4Addr, present: bool) {
        self.own.retain(|own| *own != address);
        if present {
            self.own.push(address);
        }
    }

    /// Adds a route; connected prefixes stay as they are.
    pub(crate) fn add_route(&mut self, prefix: Prefix, egress: Egress) {
        if !self.is_connected(prefix) {
            self.routes.insert(prefix, Route::To(egress));
        }
    }

    /// Adds a route through gateways on interfaces; without any it discards. Connected prefixes stay
    /// as they are.
    pub(crate) fn add_gateways(&mut self, prefix: Prefix, gateways: Vec<(Ipv4Addr, InterfaceId)>) {
        if self.is_connected(prefix) {
            return;
        }
        let route = match gateways.as_slice() {
            [] => Route::Discard,
            [(_, only)] => Route::To(Egress::Interface(*only)),
            _ => Route::Shared(gateways),
        };
        self.routes.insert(prefix, route);
    }

    /// Removes a route that was added; the default route of an interface comes back.
    pub(crate) fn remove_route(&mut self, prefix: Prefix) {
        if self.is_connected(prefix) {
            return;
        }
        self.routes.remove(prefix);
        if prefix == Prefix::DEFAULT
            && let Some(egress) = self.default()
        {
            self.routes.insert(prefix, Route::To(egress));
        }
    }

    fn is_connected(&self, prefix: Prefix) -> bool {
        let mut interfaces = self.interfaces.iter();
        interfaces.any(|interface| interface.connected == Some(prefix))
    }

    /// What comes in from ports goes into the overlay device where only a default route leads, and what comes
    /// back from there leaves by this interface, with its address.
    pub(crate) const fn set_exit(&mut self, exit: InterfaceId) {
        self.exit = Some(exit);
    }

    /// What becomes of a packet that came in from the overlay device.
    pub(crate) fn receive_back(&mut self, bytes: &mut [u8]) -> Fate {
        let Some(exit) = self.exit else {
            return self.receive(bytes);
        };
        let Ok(packet) = Ipv4::parse(bytes) else {
            return Fate::Drop;
        };
        if self.own.contains(&packet.destination()) || !self.is_outside(bytes) {
            return self.receive(bytes);
        }
        if !packet::decrement_ttl(bytes) {
            return Fate::Expire;
        }
        let address = self.address(exit);
        self.masquerade.leave(bytes, address);
        Fate::Forward(Egress::Interface(exit))
    }

    /// What becomes of a packet that came in from a port.
    pub(crate) fn receive_in(&self, bytes: &mut [u8]) -> Fate {
        if self.exit.is_none() || self.masquerade.come_back(bytes) {
            return self.receive(bytes);
        }
        match self.receive(bytes) {
            Fate::Forward(_) if self.is_outside(bytes) => Fate::Forward(Egress::Overlay),
            fate => fate,
        }
    }

    /// Whether nothing but a default route leads to where a packet goes.
    fn is_outside(&self, bytes: &[u8]) -> bool {
        let to = Ipv4::parse(bytes).map(|packet| packet.destination());
        let matched = to.ok().and_then(|to| self.routes.longest_match(to));
        matched.is_none_or(|(prefix, _)| prefix.len() == 0)
    }

    /// What becomes of a packet.
    fn receive(&self, bytes: &mut [u8]) -> Fate {
        let Ok(packet) = Ipv4::parse(bytes) else {
            return Fate::Drop;
        };
        let destination = packet.destination();
        if self.own.contains(&destination) {
            return Fate::Local;
        }
        if destination.is_multicast() {
            let is_vrrp = destination == VRRP_GROUP && packet.protocol() == VRRP;
            return match is_vrrp && packet.ttl() == 255 {
                true => Fate::Vrrp,
                false => Fate::Drop,
            };
        }
        if !self.forwards {
            return Fate::Drop;
        }
        match self.egress(&packet) {
            Some(egress) if packet::decrement_ttl(bytes) => Fate::Forward(egress),
            Some(_) => Fate::Expire,
            None => Fate::Drop,
        }
    }

    /// Which way a packet takes when it starts here or is forwarded.
    pub(crate) fn egress(&self, packet: &Ipv4<'_>) -> Option<Egress> {
        self.select(packet.destination(), || packet.five_tuple())
    }

    /// The same for a flow.
    pub(crate) fn egress_of(&self, flow: FiveTuple) -> Option<Egress> {
        self.select(flow.destination, || flow)
    }

    /// Only shared routes need the flow.
    fn select(&self, to: Ipv4Addr, flow: impl FnOnce() -> FiveTuple) -> Option<Egress> {
        match self.routes.longest_match(to)?.1 {
            Route::To(egress) => Some(*egress),
            Route::Shared(gateways) => {
                let members = gateways.iter().map(|(address, _)| address.to_bits().into());
                let chosen = flow().choose(self.seed, members)?;
                Some(Egress::Interface(gateways[chosen].1))
            }
            Route::Discard => None,
        }
    }

    /// Whether it forwards packets that are not its own.
    pub(crate) const fn forwards(&self) -> bool {
        self.forwards
    }

    /// Whether an address is the device's own.
    pub(crate) fn is_own(&self, address: Ipv4Addr) -> bool {
        self.own.contains(&address)
    }

    /// A VRRP message, ready to go out of a LAN's interface.
    pub(crate) fn vrrp(&self, id: InterfaceId, message: &[u8]) -> Vec<u8> {
        let flow = FiveTuple {
            source: self.address(id),
            destination: VRRP_GROUP,
            protocol: VRRP,
            source_port: 0,
            destination_port: 0,
        };
        packet::ipv4(flow, 255, message)
    }

    /// A datagram, ready to go out of the interface that its socket is bound to.
    pub(crate) fn datagram(
        &self,
        id: InterfaceId,
        port: u16,
        to: SocketAddrV4,
        payload: &[u8],
    ) -> Vec<u8> {
        let source = SocketAddrV4::new(self.address(id), port);
        packet::udp(source, to, TTL, payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, address: [u8; 4], metric: Option<u32>) -> InterfaceConfig {
        InterfaceConfig {
            name: name.into(),
            address: address.into(),
            prefix_len: 24,
            default_route_metric: metric,
        }
    }

    fn kernel() -> Kernel {
        let interfaces = [
            interface("wan0", [192, 0, 2, 1], Some(20)),
            interface("wan1", [198, 51, 100, 1], Some(10)),
            interface("lan0", [10, 1, 0, 1], None),
        ];
        let port = |name: &str| ["wan0", "wan1", "lan0"].iter().position(|own| *own == name);
        Kernel::new(&interfaces, true, |name| {
            port(name).map(|id| PortId(id as u32))
        })
    }

    fn prefix(text: &str) -> Prefix {
        text.parse().expect("a prefix")
    }

    fn out(kernel: &Kernel, to: [u8; 4]) -> Option<Egress> {
        out_by(kernel, to, 1)
    }

    fn out_by(kernel: &Kernel, to: [u8; 4], id: u16) -> Option<Egress> {
        let from = Ipv4Addr::new(10, 1, 0, 7);
        let packet = packet::echo_request(from, to.into(), id, 1, TTL, b"");
        kernel.egress(&Ipv4::parse(&packet).expect("a packet"))
    }

    #[test]
    fn the_default_route_of_the_lowest_metric_wins_and_comes_back() {
        let mut kernel = kernel();
        let wan1 = Some(Egress::Interface(InterfaceId(1)));
        assert_eq!(out(&kernel, [8, 8, 8, 8]), wan1);
        kernel.add_route(Prefix::DEFAULT, Egress::Overlay);
        assert_eq!(out(&kernel, [8, 8, 8, 8]), Some(Egress::Overlay));
        let default = kernel.default().expect("a default");
        kernel.add_route(prefix("8.0.0.0/8"), default);
        assert_eq!(out(&kernel, [8, 8, 8, 8]), wan1);
        kernel.remove_route(prefix("8.0.0.0/8"));
        kernel.remove_route(Prefix::DEFAULT);
        assert_eq!(out(&kernel, [8, 8, 8, 8]), wan1);
    }

    #[test]
    fn gateways_share_flows_and_a_route_without_any_discards() {
        let mut kernel = kernel().with_seed(7);
        let gateway = |last, id: u16| (Ipv4Addr::new(192, 0, 2, last), InterfaceId(id));
        kernel.add_gateways(prefix("10.9.0.0/16"), vec![gateway(9, 0), gateway(8, 1)]);
        let taken: Vec<_> = (0..64)
            .filter_map(|id| out_by(&kernel, [10, 9, 0, 1], id))
            .collect();
        for id in [0, 1] {
            let own = Egress::Interface(InterfaceId(id));
            let count = taken.iter().filter(|egress| **egress == own).count();
            assert!(
                (16..=48).contains(&count),
                "interface {id} takes {count} of 64 flows"
            );
        }
        kernel.add_gateways(prefix("10.9.0.0/24"), Vec::new());
        assert_eq!(out(&kernel, [10, 9, 0, 1]), None);
        assert!(out(&kernel, [10, 9, 1, 1]).is_some());
    }

    #[test]
    fn connected_prefixes_cannot_be_taken_away() {
        let mut kernel = kernel();
        kernel.add_route(prefix("10.0.0.0/8"), Egress::Overlay);
        kernel.add_route(prefix("10.1.0.0/24"), Egress::Overlay);
        let lan = Some(Egress::Interface(InterfaceId(2)));
        assert_eq!(out(&kernel, [10, 1, 0, 7]), lan);
        assert_eq!(out(&kernel, [10, 2, 0, 7]), Some(Egress::Overlay));
        kernel.remove_route(prefix("10.1.0.0/24"));
        assert_eq!(out(&kernel, [10, 1, 0, 7]), lan);
    }

    #[test]
    fn forwarding_lowers_the_ttl_and_ends_at_one() {
        let kernel = kernel();
        let from = Ipv4Addr::new(10, 1, 0, 7);
        let to = Ipv4Addr::new(10, 1, 0, 8);
        let mut packet = packet::echo_request(from, to, 1, 1, 2, b"");
        let lan = Fate::Forward(Egress::Interface(InterfaceId(2)));
        assert_eq!(kernel.receive(&mut packet), lan);
        assert_eq!(kernel.receive(&mut packet), Fate::Expire);
        let mut own = packet::echo_request(from, Ipv4Addr::new(10, 1, 0, 1), 1, 1, 1, b"");
        assert_eq!(kernel.receive(&mut own), Fate::Local);
    }

    #[test]
    fn vrrp_is_taken_only_with_the_full_ttl() {
        let kernel = kernel();
        let mut message = kernel.vrrp(InterfaceId(2), &[0; 12]);
        assert_eq!(kernel.receive(&mut message), Fate::Vrrp);
        message[8] = 254;
        assert_eq!(kernel.receive(&mut message), Fate::Drop);
    }
}
