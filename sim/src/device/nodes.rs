//! What an SD-WAN node asks of the device that it runs on: datagrams, packets, kernel routes, VRRP.

use core::net::Ipv4Addr;

use inet::Instant;
use inet::packet::Ipv4;

use super::{Core, Device, Effects, Pending};
use crate::kernel::Egress;

impl Device {
    /// The locator whose socket a datagram is for.
    pub(super) fn locator(&self, address: Ipv4Addr, port: u16) -> Option<node::LocatorId> {
        let Core::Node(core) = &self.core else {
            return None;
        };
        let mut locators = core.locators.iter();
        let index =
            locators.position(|(id, own)| *own == port && self.kernel.address(*id) == address)?;
        Some(node::LocatorId(index as u16))
    }

    pub(super) fn on_vrrp(&mut self, now: Instant, bytes: &[u8], effects: &mut Effects) {
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

    pub(super) fn tell_node(
        &mut self,
        now: Instant,
        input: node::Input<'_>,
        effects: &mut Effects,
    ) {
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
                if let Some(connection) = node::Connection::of(to) {
                    return self.send_carried(connection, &bytes);
                }
                let (id, port) = core.locators[usize::from(locator.0)];
                let packet = self.kernel.datagram(id, port, to, &bytes);
                effects.sent.push((self.kernel.port(id), packet));
            }
            node::Output::Connect {
                connection,
                locator,
                to,
            } => self.connect_carrier(connection, locator, to),
            node::Output::Disconnect { connection } => self.disconnect_carrier(connection),
            node::Output::Packet { bytes } => self.pending.push_back(Pending::Back(bytes)),
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
            node::Output::Exit { interface } => {
                effects.changed = true;
                let id = core.interfaces.get(usize::from(interface.0));
                if let Some(id) = id.copied().flatten() {
                    self.kernel.set_exit(id);
                }
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
}
