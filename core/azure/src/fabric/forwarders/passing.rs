//! Packets on their way through forwarders, and what is said about it.

use core::net::Ipv4Addr;

use design::plan::Direction;
use inet::packet::{self, Ipv4};
use inet::{FiveTuple, Instant};

use super::super::explain::End;
use super::super::forward::{flow_of, hop};
use super::super::topology::{DeviceId, WireEndId};
use super::super::transit::carried;
use super::super::{DropReason, Explanation, Fabric, ForwarderId, Hop, Output, PortId};
use super::{Kind, Side, Way};

/// Forwarders that an explanation follows: as many as a packet with the usual time to live.
const HOPS_MAX: usize = 64;
/// ICMP destination unreachable: fragmentation needed and "don't fragment" set (RFC 792).
const FRAGMENTATION_NEEDED: (u8, u8) = (3, 4);

impl Fabric {
    /// The forwarder that a packet for this address has to pass at a device.
    pub(crate) fn passes(&self, device: DeviceId, destination: Ipv4Addr) -> Option<ForwarderId> {
        let id = self.topology.devices[device.index()].forwarder?;
        let forwarder = &self.topology.forwarders[usize::from(id.0)];
        (!forwarder.own.contains(&destination)).then_some(id)
    }

    /// The side of a forwarder that a link is on.
    pub(crate) fn side_of(&self, id: ForwarderId, end: WireEndId) -> Side {
        self.topology.forwarders[usize::from(id.0)].side(end)
    }

    /// A packet from a public address reaches an MSEE.
    pub(crate) fn arrive_at_forwarder(
        &mut self,
        now: Instant,
        id: ForwarderId,
        bytes: Vec<u8>,
        out: &mut Vec<Output>,
    ) {
        let forwarder = &self.topology.forwarders[usize::from(id.0)];
        let port = forwarder.port;
        if self.topology.devices[forwarder.device.index()].up {
            self.pass(now, id, Side::Microsoft, port, bytes, out);
        } else {
            self.drop_packet(port, Some(flow_of(&bytes)), DropReason::DeviceDown, out);
        }
    }

    /// A forwarder that works has a packet that is not for itself; it came in at `port`.
    pub(crate) fn pass(
        &mut self,
        now: Instant,
        id: ForwarderId,
        side: Side,
        port: PortId,
        mut bytes: Vec<u8>,
        out: &mut Vec<Output>,
    ) {
        let flow = flow_of(&bytes);
        let counters = &mut self.counters[port.0 as usize];
        counters.received_packets += 1;
        counters.received_bytes += bytes.len() as u64;
        let passed = hop(&mut bytes)
            .and_then(|()| carried(flow))
            .and_then(|()| self.send_onward(now, id, side, flow, bytes));
        if let Err(reason) = passed {
            self.drop_packet(port, Some(flow), reason, out);
        }
    }

    fn send_onward(
        &mut self,
        now: Instant,
        id: ForwarderId,
        side: Side,
        flow: FiveTuple,
        bytes: Vec<u8>,
    ) -> Result<(), DropReason> {
        if self.schedule.is_full() {
            return Err(DropReason::InFlightFull);
        }
        let onward = self.onward(id, side, flow, bytes.len());
        if matches!(onward.way, Err(DropReason::TooBig)) {
            self.answer_too_big(now, id, &bytes);
        }
        let (out_of, way) = (onward.out_of, onward.way?);
        if let Some(nic) = out_of {
            self.guard(now, nic, Direction::Out, flow)?;
        }
        match way {
            Way::Wire(end) => {
                let port = self.topology.wire_end(end).port;
                let size = bytes.len();
                self.send_by_wire(now, end, flow, bytes)?;
                self.count_sent(port, size);
                Ok(())
            }
            Way::Transit(transit) => {
                self.path_works(flow, &transit)?;
                let forwarder = &self.topology.forwarders[usize::from(id.0)];
                self.count_sent(forwarder.port, bytes.len());
                self.carry(now, flow, transit, bytes)
            }
        }
    }

    /// Tells the sender of a packet above the limit, when it must not be fragmented.
    fn answer_too_big(&mut self, now: Instant, id: ForwarderId, bytes: &[u8]) {
        let forwarder = &self.topology.forwarders[usize::from(id.0)];
        let Kind::Gateway { nic, max_packet } = forwarder.kind else {
            return;
        };
        let view = Ipv4::parse(bytes).expect("checked when it was sent");
        if !view.must_not_fragment() {
            return;
        }
        let limit = u16::try_from(max_packet).unwrap_or(u16::MAX).to_be_bytes();
        let (kind, code) = FRAGMENTATION_NEEDED;
        let own = self.topology.nic(nic).address;
        let rest = [0, 0, limit[0], limit[1]];
        if let Some(answer) = packet::icmp_error(own, &view, kind, code, rest) {
            let flow = flow_of(&answer);
            // An answer that finds no way is lost, as any other packet would be.
            let _ = self.send_from_nic(now, nic, flow, answer);
        }
    }

    /// What becomes of a flow at a forwarder, and from there on.
    pub(crate) fn explain_passing(
        &self,
        now: Instant,
        id: ForwarderId,
        side: Side,
        flow: FiveTuple,
        said: &mut Explanation,
    ) -> End {
        if said.hops.len() >= HOPS_MAX {
            return Err(DropReason::TtlExpired);
        }
        let onward = self.onward(id, side, flow, 0);
        said.hops.push(Hop {
            device: self.topology.forwarders[usize::from(id.0)].name.clone(),
            prefix: onward.prefix,
            next_hop: onward.next_hop,
            fast_path: onward.fast_path,
            carrier: None,
        });
        carried(flow)?;
        let way = onward.way?;
        if let Some(nic) = onward.out_of {
            self.explain_guard(now, self.topology.nic(nic), Direction::Out, flow, said)?;
        }
        match way {
            Way::Wire(end) => self.explain_wire(now, end, flow, said),
            Way::Transit(transit) => {
                self.path_works(flow, &transit)?;
                self.explain_transit(now, flow, transit, said)
            }
        }
    }
}
