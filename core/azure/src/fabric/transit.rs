//! Where a packet that leaves an interface goes, and by what: the decisions that forwarding and
//! explaining share. Nothing here changes anything.

use core::net::Ipv4Addr;
use core::time::Duration;

use design::plan::Direction;
use inet::packet::UDP;
use inet::{FiveTuple, Instant};
use underlay::Endpoint;

use super::routes::{Matched, Next};
use super::topology::{
    Attachment, AttachmentId, CloudId, Lan, Nic, NicId, Owner, RegionId, WireEndId,
};
use super::{DropReason, Fabric, ForwarderId, PortId};

/// One way across a LAN: a switch and two wires.
pub(crate) const LAN_LATENCY: Duration = Duration::from_micros(50);

/// IP in IP.
const IPIP: u8 = 4;
/// Generic routing encapsulation.
const GRE: u8 = 47;
/// UDP source port that the platform blocks.
const BLOCKED_SOURCE_PORT: u16 = 65_330;

/// A packet's way out of a NIC.
#[derive(Clone, Debug)]
pub(crate) struct Departure<'a> {
    pub(crate) matched: Matched<'a>,
    /// Which of several equal next hops was chosen.
    pub(crate) chosen: Option<usize>,
    pub(crate) transit: Result<Transit, DropReason>,
}

/// A packet's way from one interface to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transit {
    pub(crate) to: Landing,
    /// The flow as it travels.
    pub(crate) flow: FiveTuple,
    pub(crate) via: Via,
}

/// Where a packet comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    Nic(NicId),
    Attachment(AttachmentId),
    /// An MSEE, from a public address.
    Forwarder(ForwarderId),
}

/// What carries a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Via {
    /// Virtual networks and the backbone.
    Network {
        from: RegionId,
        to: RegionId,
        /// Beyond the regions: to or from an MSEE.
        away: Duration,
    },
    /// A cloud.
    Cloud {
        cloud: CloudId,
        from: Endpoint,
        to: Endpoint,
    },
}

impl Fabric {
    /// What the platform checks before it looks at routes and security groups.
    pub(crate) fn admit(&self, nic: &Nic, flow: FiveTuple) -> Result<(), DropReason> {
        self.nic_works(nic)?;
        carried(flow)?;
        if flow.source != nic.address && !nic.forwarding {
            return Err(DropReason::NotFromSource);
        }
        Ok(())
    }

    /// What the platform checks where a packet arrives, after security groups.
    pub(crate) fn accept(&self, nic: &Nic, flow: FiveTuple) -> Result<(), DropReason> {
        if flow.destination != nic.address && !nic.forwarding {
            return Err(DropReason::NotForDestination);
        }
        Ok(())
    }

    pub(crate) fn nic_works(&self, nic: &Nic) -> Result<(), DropReason> {
        let region = self.topology.region_of(nic);
        if !self.topology.regions[region.index()].up {
            return Err(DropReason::RegionDown);
        }
        if !self.topology.devices[nic.device.index()].up {
            return Err(DropReason::DeviceDown);
        }
        Ok(())
    }

    pub(crate) fn attachment_works(
        &self,
        attachment: &Attachment,
        flow: FiveTuple,
    ) -> Result<(), DropReason> {
        if !attachment.works {
            return Err(DropReason::AttachmentDown);
        }
        if !self.topology.devices[attachment.device.index()].up {
            return Err(DropReason::DeviceDown);
        }
        if flow.protocol == UDP && !attachment.passes_udp {
            return Err(DropReason::Firewall);
        }
        Ok(())
    }

    /// Whether a point-to-point link takes a packet from the device at one end.
    pub(crate) fn wire_works(&self, id: WireEndId, flow: FiveTuple) -> Result<(), DropReason> {
        let end = self.topology.wire_end(id);
        if !self.topology.devices[end.device.index()].up {
            return Err(DropReason::DeviceDown);
        }
        if !end.works {
            return Err(DropReason::WireDown);
        }
        if self.faults.is_path_cut(flow.source, flow.destination) {
            return Err(DropReason::PathDown);
        }
        Ok(())
    }

    /// Whether a NIC has any security group. Where there is none everything passes, except from
    /// and to peers without access.
    pub(crate) fn is_guarded(&self, nic: &Nic) -> bool {
        self.topology.groups_of(nic, true).next().is_some()
    }

    /// What the security groups of a NIC say to a new connection: group, rule, verdict.
    pub(crate) fn judge<'a>(
        &'a self,
        nic: &'a Nic,
        direction: Direction,
        flow: FiveTuple,
    ) -> impl Iterator<Item = (&'a str, &'a str, bool)> {
        let groups = self.topology.groups_of(nic, direction == Direction::In);
        groups.map(move |group| {
            let is_virtual = |address: Ipv4Addr| self.is_virtual(nic, address);
            let (rule, allow) = group.judge(direction, flow, &is_virtual);
            (group.name.as_str(), rule, allow)
        })
    }

    /// Whether a packet may pass where no security group is attached.
    pub(crate) fn unguarded(&self, nic: &Nic, other: Ipv4Addr) -> Result<(), DropReason> {
        let vnet = self.topology.vnet(nic.vnet);
        let peer = vnet
            .system
            .longest_match(other)
            .and_then(|(_, route)| vnet.peers.get(&route.vnet));
        match peer {
            Some(peer) if !peer.access => Err(DropReason::PeeringAccess),
            _ => Ok(()),
        }
    }

    /// The way of a flow out of a NIC, once it is admitted.
    pub(crate) fn depart(&self, id: NicId, flow: FiveTuple) -> Departure<'_> {
        let nic = self.topology.nic(id);
        let matched = self.route(nic, flow.destination);
        let mut chosen = None;
        let transit = match matched.next {
            Next::Vnet(_) => self
                .topology
                .reachable(nic.vnet, flow.destination)
                .ok_or(DropReason::NoSuchAddress)
                .and_then(|to| self.to_nic(nic, to, flow)),
            Next::Appliance(hop) => self.to_next_hop(nic, hop, flow),
            Next::Gateway(hops) => {
                let names = hops.iter().map(|hop| u64::from(hop.to_bits()));
                chosen = flow.choose(nic.seed, names);
                chosen
                    .and_then(|index| hops.get(index))
                    .ok_or(DropReason::NextHopUnreachable)
                    .and_then(|hop| self.to_next_hop(nic, *hop, flow))
            }
            Next::Internet => self.to_internet(nic, flow),
            Next::None => Err(DropReason::RouteNone),
        };
        Departure {
            matched,
            chosen,
            transit,
        }
    }

    fn to_next_hop(
        &self,
        nic: &Nic,
        hop: Ipv4Addr,
        flow: FiveTuple,
    ) -> Result<Transit, DropReason> {
        let to = self.topology.reachable(nic.vnet, hop);
        self.to_nic(nic, to.ok_or(DropReason::NextHopUnreachable)?, flow)
    }

    fn to_nic(&self, nic: &Nic, to: NicId, flow: FiveTuple) -> Result<Transit, DropReason> {
        let other = self.topology.nic(to);
        if other.vnet != nic.vnet {
            let peering = self.topology.vnet(other.vnet).peers.get(&nic.vnet);
            let space = &self.topology.vnet(nic.vnet).space;
            let foreign = !space.iter().any(|prefix| prefix.contains(flow.source));
            let gateway = || self.topology.forwarder_of(nic.device).is_some();
            if foreign
                && peering.is_some_and(|peering| {
                    !(peering.forwarded || peering.remote_gateways && gateway())
                })
            {
                return Err(DropReason::PeeringForwarded);
            }
        }
        self.across(nic, to, flow)
    }

    /// From NIC to NIC over virtual networks and the backbone.
    pub(crate) fn across(
        &self,
        nic: &Nic,
        to: NicId,
        flow: FiveTuple,
    ) -> Result<Transit, DropReason> {
        let from = self.topology.region_of(nic);
        let other = self.topology.nic(to);
        let region = self.topology.region_of(other);
        if self.faults.is_pair_cut(from, region) {
            return Err(DropReason::BackboneDown);
        }
        Ok(Transit {
            to: Landing::Nic(to),
            flow,
            via: Via::Network {
                from,
                to: region,
                away: nic.away + other.away,
            },
        })
    }

    /// To the owner of a public address: source translated to the NIC's own, destination to the
    /// owner's private one.
    fn to_internet(&self, nic: &Nic, flow: FiveTuple) -> Result<Transit, DropReason> {
        if flow.source != nic.address {
            return Err(DropReason::SourceNotTranslated);
        }
        let source = nic.public.ok_or(DropReason::NoPublicAddress)?;
        let flow = FiveTuple { source, ..flow };
        if let Some(transit) = self.to_customer(nic, flow) {
            return Ok(transit);
        }
        let owner = self.topology.public.get(&flow.destination);
        match *owner.ok_or(DropReason::UnknownPublicAddress)? {
            Owner::Nic(to) => {
                let destination = self.topology.nic(to).address;
                self.across(
                    nic,
                    to,
                    FiveTuple {
                        destination,
                        ..flow
                    },
                )
            }
            Owner::Attachment(to) => {
                let attachment = self.topology.attachment(to);
                let region = self.topology.region_of(nic);
                let part = &self.topology.clouds[attachment.cloud.index()];
                if !part.reaches[region.index()] {
                    return Err(DropReason::CloudUnreachable);
                }
                let place = self.topology.regions[region.index()].place;
                Ok(Transit {
                    to: Landing::Attachment(to),
                    flow,
                    via: Via::Cloud {
                        cloud: attachment.cloud,
                        from: (source, place),
                        to: (attachment.outside(), attachment.place),
                    },
                })
            }
        }
    }

    /// The way of a flow from a site into its cloud, after the site's NAT.
    pub(crate) fn enter_cloud(
        &self,
        attachment: &Attachment,
        flow: FiveTuple,
    ) -> Result<Transit, DropReason> {
        let cloud = attachment.cloud;
        let from = (attachment.outside(), attachment.place);
        let owner = self.topology.public.get(&flow.destination);
        let (to, end, flow) = match *owner.ok_or(DropReason::UnknownPublicAddress)? {
            Owner::Nic(to) => {
                let nic = self.topology.nic(to);
                let region = self.topology.region_of(nic);
                if !self.topology.clouds[cloud.index()].reaches[region.index()] {
                    return Err(DropReason::CloudUnreachable);
                }
                let end = (
                    flow.destination,
                    self.topology.regions[region.index()].place,
                );
                let inner = FiveTuple {
                    destination: nic.address,
                    ..flow
                };
                (Landing::Nic(to), end, inner)
            }
            Owner::Attachment(to) => {
                let other = self.topology.attachment(to);
                if other.cloud != cloud {
                    return Err(DropReason::CloudUnreachable);
                }
                (
                    Landing::Attachment(to),
                    (other.outside(), other.place),
                    flow,
                )
            }
        };
        Ok(Transit {
            to,
            flow,
            via: Via::Cloud {
                cloud,
                from,
                to: end,
            },
        })
    }

    /// Translates what comes from a site; the flow is its own without a NAT.
    pub(crate) fn explain_nat(
        attachment: &Attachment,
        now: Instant,
        flow: FiveTuple,
    ) -> Result<FiveTuple, DropReason> {
        if flow.source != attachment.address {
            return Err(DropReason::SourceSpoofed);
        }
        match &attachment.nat {
            Some(nat) => Ok(nat.explain_outbound(now, flow)?),
            None => Ok(flow),
        }
    }

    /// Whether a fault cuts the path between the ends of a packet, under any of their addresses.
    pub(crate) fn path_works(&self, sent: FiveTuple, transit: &Transit) -> Result<(), DropReason> {
        if self.faults.paths.is_empty() {
            return Ok(());
        }
        let end = match transit.to {
            Landing::Nic(id) => self.topology.nic(id).address,
            Landing::Attachment(id) => self.topology.attachment(id).address,
            Landing::Forwarder(_) => transit.flow.destination,
        };
        let sources = [sent.source, transit.flow.source];
        let destinations = [sent.destination, transit.flow.destination, end];
        let cut = sources
            .iter()
            .any(|a| destinations.iter().any(|b| self.faults.is_path_cut(*a, *b)));
        if cut {
            return Err(DropReason::PathDown);
        }
        Ok(())
    }
}

/// Who gets a packet sent on a LAN.
pub(crate) fn on_lan(lan: &Lan, from: PortId, destination: Ipv4Addr) -> Result<PortId, DropReason> {
    if let Some(to) = lan.by_address.get(&destination) {
        return Ok(*to);
    }
    if destination.is_multicast() || destination.is_broadcast() {
        return Err(DropReason::Protocol);
    }
    if lan.prefix.contains(destination) && destination != lan.gateway {
        return Err(DropReason::LanUnknown);
    }
    lan.router
        .filter(|router| *router != from)
        .ok_or(DropReason::NoGateway)
}

/// Two addresses in order, so that both directions are one.
pub(crate) fn ordered(a: Ipv4Addr, b: Ipv4Addr) -> (Ipv4Addr, Ipv4Addr) {
    (a.min(b), a.max(b))
}

/// What the platform carries between NICs.
pub(crate) fn carried(flow: FiveTuple) -> Result<(), DropReason> {
    let blocked = match flow.protocol {
        GRE | IPIP => true,
        UDP => {
            flow.source_port == BLOCKED_SOURCE_PORT
                || (flow.source_port, flow.destination_port) == (68, 67)
        }
        _ => false,
    };
    if blocked || flow.destination.is_multicast() || flow.destination.is_broadcast() {
        return Err(DropReason::Protocol);
    }
    Ok(())
}
