//! Explaining a flow: the same decisions as forwarding, written down and without effect.

use core::time::Duration;

use design::plan::Direction;
use inet::{FiveTuple, Instant};

use super::forwarders::Side;
use super::routes::row;
use super::topology::{AttachmentId, LanId, Nic, NicId, PortKind, RegionId, WireEndId};
use super::transit::{LAN_LATENCY, Landing, Transit, Via, on_lan};
use super::{
    Carrier, DropReason, Explanation, Fabric, Outcome, PortId, Rewrite, Translator, Verdict,
};

impl Fabric {
    /// What a flow sent out of an interface would meet now. Changes nothing: a connection that a
    /// security group or a NAT does not know yet is judged as a new one.
    pub fn explain(&self, now: Instant, port: PortId, flow: FiveTuple) -> Explanation {
        let mut said = Explanation {
            port,
            flow,
            route: None,
            chosen: None,
            verdicts: Vec::new(),
            rewrites: Vec::new(),
            carrier: None,
            hops: Vec::new(),
            latency: Duration::ZERO,
            outcome: Outcome::Dropped(DropReason::DeviceDown),
        };
        let end = match self
            .topology
            .ports
            .get(port.0 as usize)
            .map(|port| port.kind)
        {
            Some(PortKind::Nic(nic)) => self.explain_nic(now, nic, &mut said),
            Some(PortKind::Attachment(id)) => self.explain_site(now, id, &mut said),
            Some(PortKind::Lan(lan, _)) => self.explain_lan(lan, &mut said),
            Some(PortKind::Wire(end)) => self.explain_wire(now, end, flow, &mut said),
            None => Err(DropReason::DeviceDown),
        };
        said.outcome = match end {
            Ok((port, flow)) => Outcome::Delivered { port, flow },
            Err(reason) => Outcome::Dropped(reason),
        };
        said
    }

    fn explain_nic(&self, now: Instant, id: NicId, said: &mut Explanation) -> End {
        let nic = self.topology.nic(id);
        let flow = said.flow;
        let departure = self.depart(id, flow);
        let matched = departure.matched;
        said.route = Some(row(matched.source, matched.prefix, matched.next, true));
        said.chosen = departure.chosen;
        self.admit(nic, flow)?;
        self.explain_guard(now, nic, Direction::Out, flow, said)?;
        let transit = departure.transit?;
        self.path_works(flow, &transit)?;
        self.explain_transit(now, flow, transit, said)
    }

    fn explain_site(&self, now: Instant, id: AttachmentId, said: &mut Explanation) -> End {
        let attachment = self.topology.attachment(id);
        let flow = Self::explain_nat(attachment, now, said.flow)?;
        if attachment.nat.is_some() {
            said.rewrites.push(Rewrite {
                by: Translator::SiteNat,
                flow,
            });
        }
        self.attachment_works(attachment, flow)?;
        let transit = self.enter_cloud(attachment, flow)?;
        self.path_works(said.flow, &transit)?;
        said.latency += attachment.up.latency();
        self.explain_transit(now, flow, transit, said)
    }

    fn explain_lan(&self, id: LanId, said: &mut Explanation) -> End {
        let lan = &self.topology.lans[id.index()];
        said.carrier = Some(Carrier::Lan(lan.site.clone()));
        let to = on_lan(lan, said.port, said.flow.destination)?;
        said.latency = LAN_LATENCY;
        for port in [said.port, to] {
            if let PortKind::Lan(_, device) = self.topology.ports[port.0 as usize].kind
                && !self.topology.devices[device.index()].up
            {
                return Err(DropReason::DeviceDown);
            }
        }
        Ok((to, said.flow))
    }

    /// Over a point-to-point link to the device at its other end, and past it when that forwards.
    pub(crate) fn explain_wire(
        &self,
        now: Instant,
        id: WireEndId,
        flow: FiveTuple,
        said: &mut Explanation,
    ) -> End {
        let other = self.topology.wire_end(id.other());
        let to = &self.topology.ports[other.port.0 as usize].device;
        said.carried_by(Carrier::Wire { to: to.clone() });
        self.wire_works(id, flow)?;
        said.latency += self.topology.wire_end(id).out.latency();
        if !self.topology.devices[other.device.index()].up {
            return Err(DropReason::DeviceDown);
        }
        match self.passes(other.device, flow.destination) {
            Some(forwarder) => {
                let side = self.side_of(forwarder, id.other());
                self.explain_passing(now, forwarder, side, flow, said)
            }
            None => Ok((other.port, flow)),
        }
    }

    /// From the sender's edge to the receiver's interface; `sent` is the flow before the platform
    /// translated public addresses.
    pub(crate) fn explain_transit(
        &self,
        now: Instant,
        sent: FiveTuple,
        transit: Transit,
        said: &mut Explanation,
    ) -> End {
        if transit.flow != sent {
            said.rewrites.push(Rewrite {
                by: Translator::PublicAddress,
                flow: transit.flow,
            });
        }
        self.explain_carrier(transit, said);
        match transit.to {
            Landing::Nic(id) => self.explain_arrival(now, id, transit.flow, said),
            Landing::Attachment(id) => self.explain_site_arrival(now, id, transit.flow, said),
            Landing::Forwarder(id) => {
                let device = self.topology.forwarders[usize::from(id.0)].device;
                if !self.topology.devices[device.index()].up {
                    return Err(DropReason::DeviceDown);
                }
                self.explain_passing(now, id, Side::Microsoft, transit.flow, said)
            }
        }
    }

    /// What carries it there, and how long that takes.
    fn explain_carrier(&self, transit: Transit, said: &mut Explanation) {
        let region = |id: RegionId| self.topology.regions[id.index()].name.clone();
        match transit.via {
            Via::Network { from, to, away } => {
                said.latency += self.topology.between(from, to) + away;
                let far = match transit.to {
                    Landing::Nic(id) => self.topology.forwarder_of(self.topology.nic(id).device),
                    Landing::Forwarder(id) => Some(&self.topology.forwarders[usize::from(id.0)]),
                    Landing::Attachment(_) => None,
                };
                let far = far.filter(|one| one.is_msee()).map(|one| one.name.clone());
                let near = said.hops.last().map(|hop| hop.device.clone());
                let near = near.filter(|_| !away.is_zero() && far.is_none());
                said.carried_by(if from == to && far.is_none() && near.is_none() {
                    Carrier::Region(region(from))
                } else {
                    Carrier::Backbone {
                        from: near.unwrap_or_else(|| region(from)),
                        to: far.unwrap_or_else(|| region(to)),
                    }
                });
            }
            Via::Cloud { cloud, from, to } => {
                let part = &self.topology.clouds[cloud.index()];
                said.latency += part.cloud.latency(from.1, to.1);
                said.carried_by(Carrier::Cloud(part.name.clone()));
            }
        }
    }

    fn explain_arrival(
        &self,
        now: Instant,
        id: NicId,
        flow: FiveTuple,
        said: &mut Explanation,
    ) -> End {
        let nic = self.topology.nic(id);
        self.nic_works(nic)?;
        self.explain_guard(now, nic, Direction::In, flow, said)?;
        if let Some(forwarder) = self.passes(nic.device, flow.destination) {
            return self.explain_passing(now, forwarder, Side::Private, flow, said);
        }
        self.accept(nic, flow)?;
        Ok((nic.port, flow))
    }

    fn explain_site_arrival(
        &self,
        now: Instant,
        id: AttachmentId,
        flow: FiveTuple,
        said: &mut Explanation,
    ) -> End {
        let attachment = self.topology.attachment(id);
        self.attachment_works(attachment, flow)?;
        said.latency += attachment.down.latency();
        let Some(nat) = &attachment.nat else {
            return Ok((attachment.port, flow));
        };
        let flow = nat.inbound(now, flow)?;
        said.rewrites.push(Rewrite {
            by: Translator::SiteNat,
            flow,
        });
        Ok((attachment.port, flow))
    }

    pub(crate) fn explain_guard(
        &self,
        now: Instant,
        nic: &Nic,
        direction: Direction,
        flow: FiveTuple,
        said: &mut Explanation,
    ) -> Result<(), DropReason> {
        if !self.is_guarded(nic) {
            let other = match direction {
                Direction::In => flow.source,
                Direction::Out => flow.destination,
            };
            return self.unguarded(nic, other);
        }
        let known = nic.flows.knows(now, flow);
        let mut passes = true;
        for (group, rule, allow) in self.judge(nic, direction, flow) {
            said.verdicts.push(Verdict {
                group: group.to_owned(),
                direction,
                rule: (!known).then(|| rule.to_owned()),
                allow: known || allow,
            });
            passes &= known || allow;
        }
        if passes {
            Ok(())
        } else {
            Err(DropReason::NsgDenied)
        }
    }
}

/// Where a flow comes out and how, or why it does not.
pub(crate) type End = Result<(PortId, FiveTuple), DropReason>;
