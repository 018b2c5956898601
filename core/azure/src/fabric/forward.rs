//! Packets on their way: what an interface sends, and what arrives where.

use core::net::Ipv4Addr;

use design::plan::Direction;
use inet::packet::{self, Ipv4};
use inet::{FiveTuple, Instant};

use super::forwarders::Side;
use super::schedule::Event;
use super::topology::{AttachmentId, LanId, Nic, NicId, PortKind, WireEnd, WireEndId};
use super::transit::{LAN_LATENCY, Landing, Transit, Via, on_lan};
use super::{DropReason, Fabric, Output, PortId};

/// VRRP's protocol number (RFC 9568 §5.1.1.4).
const VRRP: u8 = 112;
/// VRRP's group (RFC 9568 §5.1.1.2).
const VRRP_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

impl Fabric {
    /// An interface sent a packet.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        port: PortId,
        bytes: Vec<u8>,
        out: &mut Vec<Output>,
    ) {
        let Some(kind) = self
            .topology
            .ports
            .get(port.0 as usize)
            .map(|port| port.kind)
        else {
            return;
        };
        let Ok(view) = Ipv4::parse(&bytes) else {
            self.drop_packet(port, None, DropReason::Malformed, out);
            return;
        };
        let flow = view.five_tuple();
        let later_fragment = view.is_later_fragment();
        self.count_sent(port, bytes.len());
        let sent = match kind {
            _ if self.schedule.is_full() => Err(DropReason::InFlightFull),
            PortKind::Nic(nic) => self.send_from_nic(now, nic, flow, bytes),
            PortKind::Attachment(id) if later_fragment && self.has_nat(id) => {
                Err(DropReason::Fragment)
            }
            PortKind::Attachment(id) => self.send_from_site(now, id, flow, bytes),
            PortKind::Lan(lan, device) if self.topology.devices[device.index()].up => {
                self.send_on_lan(now, lan, port, flow, bytes)
            }
            PortKind::Lan(..) => Err(DropReason::DeviceDown),
            PortKind::Wire(end) => self.send_by_wire(now, end, flow, bytes),
        };
        if let Err(reason) = sent {
            self.drop_packet(port, Some(flow), reason, out);
        }
    }

    pub(crate) fn send_from_nic(
        &mut self,
        now: Instant,
        id: NicId,
        flow: FiveTuple,
        bytes: Vec<u8>,
    ) -> Result<(), DropReason> {
        self.admit(self.topology.nic(id), flow)?;
        self.guard(now, id, Direction::Out, flow)?;
        let transit = self.depart(id, flow).transit?;
        self.path_works(flow, &transit)?;
        self.carry(now, flow, transit, bytes)
    }

    fn send_from_site(
        &mut self,
        now: Instant,
        id: AttachmentId,
        flow: FiveTuple,
        mut bytes: Vec<u8>,
    ) -> Result<(), DropReason> {
        let attachment = &mut self.topology.attachments[id.index()];
        if flow.source != attachment.address {
            return Err(DropReason::SourceSpoofed);
        }
        let outside = match &mut attachment.nat {
            Some(nat) => {
                hop(&mut bytes)?;
                nat.outbound(now, flow)?
            }
            None => flow,
        };
        let attachment = self.topology.attachment(id);
        self.attachment_works(attachment, flow)?;
        let transit = self.enter_cloud(attachment, outside)?;
        self.path_works(flow, &transit)?;
        let up = &mut self.topology.attachments[id.index()].up;
        let entered = up.send(now, bytes.len())?;
        self.carry(entered, flow, transit, bytes)
    }

    fn send_on_lan(
        &mut self,
        now: Instant,
        id: LanId,
        from: PortId,
        flow: FiveTuple,
        bytes: Vec<u8>,
    ) -> Result<(), DropReason> {
        let lan = &mut self.topology.lans[id.index()];
        let at = now + LAN_LATENCY;
        if flow.destination != VRRP_GROUP {
            let port = on_lan(lan, from, flow.destination)?;
            self.schedule.push(at, Event::Lan { port, bytes });
            return Ok(());
        }
        if flow.protocol == VRRP && announces(&bytes, lan.gateway) {
            lan.router = Some(from);
        }
        for port in lan.members.iter().copied().filter(|port| *port != from) {
            let bytes = bytes.clone();
            self.schedule.push(at, Event::Lan { port, bytes });
        }
        Ok(())
    }

    /// Puts a packet into a point-to-point link.
    pub(crate) fn send_by_wire(
        &mut self,
        now: Instant,
        id: WireEndId,
        flow: FiveTuple,
        bytes: Vec<u8>,
    ) -> Result<(), DropReason> {
        self.wire_works(id, flow)?;
        let at = self.topology.wire_ends[id.index()]
            .out
            .send(now, bytes.len())?;
        let end = id.other();
        self.schedule.push(at, Event::Wire { end, bytes });
        Ok(())
    }

    /// Sends a packet on its way; `sent` is its flow as the sender wrote it.
    pub(crate) fn carry(
        &mut self,
        now: Instant,
        sent: FiveTuple,
        transit: Transit,
        mut bytes: Vec<u8>,
    ) -> Result<(), DropReason> {
        if transit.flow != sent {
            packet::rewrite(&mut bytes, transit.flow);
        }
        let at = match transit.via {
            Via::Network { from, to, away } => now + self.topology.between(from, to) + away,
            Via::Cloud { cloud, from, to } => {
                hop(&mut bytes)?;
                let part = &mut self.topology.clouds[cloud.index()];
                part.cloud.cross(now, from, to)?
            }
        };
        let event = match transit.to {
            Landing::Nic(nic) => Event::Nic { nic, bytes },
            Landing::Attachment(attachment) => Event::CloudExit { attachment, bytes },
            Landing::Forwarder(forwarder) => Event::Forwarder { forwarder, bytes },
        };
        self.schedule.push(at, event);
        Ok(())
    }

    /// A packet reaches a NIC.
    pub(crate) fn arrive_at_nic(
        &mut self,
        now: Instant,
        id: NicId,
        bytes: Vec<u8>,
        out: &mut Vec<Output>,
    ) {
        let Nic { port, device, .. } = *self.topology.nic(id);
        let flow = flow_of(&bytes);
        let entered = self
            .nic_works(self.topology.nic(id))
            .and_then(|()| self.guard(now, id, Direction::In, flow));
        if entered.is_ok()
            && let Some(forwarder) = self.passes(device, flow.destination)
        {
            self.pass(now, forwarder, Side::Private, port, bytes, out);
            return;
        }
        let passed = entered.and_then(|()| self.accept(self.topology.nic(id), flow));
        match passed {
            Ok(()) => self.deliver(port, bytes, out),
            Err(reason) => self.drop_packet(port, Some(flow), reason, out),
        }
    }

    /// A packet leaves a cloud towards a site.
    pub(crate) fn leave_cloud(
        &mut self,
        now: Instant,
        id: AttachmentId,
        bytes: Vec<u8>,
        out: &mut Vec<Output>,
    ) {
        let flow = flow_of(&bytes);
        let works = self.attachment_works(self.topology.attachment(id), flow);
        let attachment = &mut self.topology.attachments[id.index()];
        let arrival = works.and_then(|()| Ok(attachment.down.send(now, bytes.len())?));
        match arrival {
            Ok(at) => {
                let event = Event::Site {
                    attachment: id,
                    bytes,
                };
                self.schedule.push(at, event);
            }
            Err(reason) => {
                let port = attachment.port;
                self.drop_packet(port, Some(flow), reason, out);
            }
        }
    }

    /// A packet reaches a site, in front of its NAT.
    pub(crate) fn arrive_at_site(
        &mut self,
        now: Instant,
        id: AttachmentId,
        mut bytes: Vec<u8>,
        out: &mut Vec<Output>,
    ) {
        let attachment = self.topology.attachment(id);
        let port = attachment.port;
        let flow = flow_of(&bytes);
        let passed = match &attachment.nat {
            _ if !self.topology.devices[attachment.device.index()].up => {
                Err(DropReason::DeviceDown)
            }
            None => Ok(()),
            Some(_) if is_later_fragment(&bytes) => Err(DropReason::Fragment),
            Some(nat) => nat
                .inbound(now, flow)
                .map_err(DropReason::from)
                .and_then(|inner| {
                    packet::rewrite(&mut bytes, inner);
                    hop(&mut bytes)
                }),
        };
        match passed {
            Ok(()) => self.deliver(port, bytes, out),
            Err(reason) => self.drop_packet(port, Some(flow), reason, out),
        }
    }

    /// A packet reaches an interface on a LAN.
    pub(crate) fn arrive_on_lan(&mut self, port: PortId, bytes: Vec<u8>, out: &mut Vec<Output>) {
        let up = match self.topology.ports[port.0 as usize].kind {
            PortKind::Lan(_, device) => self.topology.devices[device.index()].up,
            PortKind::Nic(_) | PortKind::Attachment(_) | PortKind::Wire(_) => false,
        };
        if up {
            self.deliver(port, bytes, out);
        } else {
            self.drop_packet(port, Some(flow_of(&bytes)), DropReason::DeviceDown, out);
        }
    }

    /// A packet reaches the far end of a point-to-point link. What was in it when it was cut arrives.
    pub(crate) fn arrive_by_wire(
        &mut self,
        now: Instant,
        id: WireEndId,
        bytes: Vec<u8>,
        out: &mut Vec<Output>,
    ) {
        let WireEnd { port, device, .. } = *self.topology.wire_end(id);
        let flow = flow_of(&bytes);
        if !self.topology.devices[device.index()].up {
            self.drop_packet(port, Some(flow), DropReason::DeviceDown, out);
        } else if let Some(forwarder) = self.passes(device, flow.destination) {
            let side = self.side_of(forwarder, id);
            self.pass(now, forwarder, side, port, bytes, out);
        } else {
            self.deliver(port, bytes, out);
        }
    }

    /// Asks the security groups of a NIC, and remembers the connection when they allow a new one.
    pub(crate) fn guard(
        &mut self,
        now: Instant,
        id: NicId,
        direction: Direction,
        flow: FiveTuple,
    ) -> Result<(), DropReason> {
        let nic = self.topology.nic(id);
        if !self.is_guarded(nic) {
            let other = match direction {
                Direction::In => flow.source,
                Direction::Out => flow.destination,
            };
            return self.unguarded(nic, other);
        }
        if self.topology.nics[id.index()].flows.refresh(now, flow) {
            return Ok(());
        }
        let nic = self.topology.nic(id);
        if !self.judge(nic, direction, flow).all(|(_, _, allow)| allow) {
            return Err(DropReason::NsgDenied);
        }
        if !self.topology.nics[id.index()].flows.remember(now, flow) {
            return Err(DropReason::FlowTableFull);
        }
        Ok(())
    }

    fn deliver(&mut self, port: PortId, bytes: Vec<u8>, out: &mut Vec<Output>) {
        let counters = &mut self.counters[port.0 as usize];
        counters.received_packets += 1;
        counters.received_bytes += bytes.len() as u64;
        out.push(Output::Deliver { port, bytes });
    }

    pub(crate) fn count_sent(&mut self, port: PortId, bytes: usize) {
        let counters = &mut self.counters[port.0 as usize];
        counters.sent_packets += 1;
        counters.sent_bytes += bytes as u64;
    }

    pub(crate) fn drop_packet(
        &mut self,
        port: PortId,
        flow: Option<FiveTuple>,
        reason: DropReason,
        out: &mut Vec<Output>,
    ) {
        self.drops.count(reason);
        self.counters[port.0 as usize].dropped_packets += 1;
        out.push(Output::Drop { port, flow, reason });
    }

    fn has_nat(&self, id: AttachmentId) -> bool {
        self.topology.attachment(id).nat.is_some()
    }
}

/// A router on the way lowers the time to live.
pub(crate) fn hop(bytes: &mut [u8]) -> Result<(), DropReason> {
    if packet::decrement_ttl(bytes) {
        Ok(())
    } else {
        Err(DropReason::TtlExpired)
    }
}

pub(crate) fn flow_of(bytes: &[u8]) -> FiveTuple {
    Ipv4::parse(bytes)
        .expect("checked when it was sent")
        .five_tuple()
}

fn is_later_fragment(bytes: &[u8]) -> bool {
    Ipv4::parse(bytes).is_ok_and(|view| view.is_later_fragment())
}

/// Whether a VRRPv3 advertisement of an active router names the address (RFC 9568 §5.2). A switch
/// would learn the virtual MAC address from it. Priority zero says that the router stops.
fn announces(bytes: &[u8], gateway: Ipv4Addr) -> bool {
    let Ok(view) = Ipv4::parse(bytes) else {
        return false;
    };
    let payload = view.payload();
    let [version_type, _, priority, count, ..] = *payload else {
        return false;
    };
    let named = payload.get(8..).unwrap_or_default().chunks_exact(4);
    version_type == 0x31
        && priority > 0
        && named
            .take(usize::from(count))
            .any(|octets| octets == gateway.octets())
}
