//! Gateways and MSEEs: devices whose packets the fabric forwards by the tables that they program.
//!
//! A gateway is one more NIC with effective routes: user routes of GatewaySubnet, address space of
//! the VNet and its peers, and its own table in the place of Route Server's. An MSEE has two tables,
//! one for private peering and one for Microsoft peering, and packets never change sides: what came
//! by a Microsoft peering reaches owners of public addresses and nothing else.
//!
//! From on-premises the MSEE's next hop is an instance of the gateway; with FastPath it hands
//! packets for the address space of the gateway's own VNet straight to their NICs, past user routes
//! and the packet limit of the gateway. In the other direction NICs have an MSEE for next hop, so
//! packets go around the gateway.
//!
//! Choices, because the platform publishes none: a forwarder that expires a packet is silent; a
//! gateway answers a packet above its limit with ICMP "fragmentation needed" (RFC 1191) when it must
//! not be fragmented; of several MSEEs that know a customer's public prefix equally well, the ones
//! closest to the sender's region share the flows.

mod passing;

use core::cmp::Reverse;
use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use inet::{FiveTuple, Prefix, PrefixMap};

use super::routes::Next;
use super::topology::{DeviceId, Nic, NicId, Owner, VnetId, WireEndId};
use super::transit::{Landing, Transit, Via};
use super::{DropReason, Fabric, ForwarderId, PortId, RouteSource};

/// What a forwarder knows: where prefixes go, over equal next hops.
pub(crate) type Table = PrefixMap<Arc<[Ipv4Addr]>>;

/// A gateway's instance or an MSEE.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) name: String,
    pub(crate) device: DeviceId,
    /// Where packets count that came by no interface.
    pub(crate) port: PortId,
    pub(crate) kind: Kind,
    /// Its own addresses: what is for them is for the device.
    pub(crate) own: BTreeSet<Ipv4Addr>,
    pub(crate) nics: Vec<NicId>,
    /// Far ends of its links, by address.
    pub(crate) neighbors: BTreeMap<Ipv4Addr, WireEndId>,
    /// Its links towards customers' edges of Microsoft peerings.
    pub(crate) microsoft_ends: Vec<WireEndId>,
    /// Everything that a gateway knows; an MSEE's private peering, VNets and Global Reach.
    pub(crate) private: Table,
    /// An MSEE's Microsoft peering: prefixes of the customer.
    pub(crate) microsoft: Table,
    /// Seed of its choice among equal next hops.
    pub(crate) seed: u64,
}

/// What a forwarder is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// An instance of an ExpressRoute gateway, with its NIC and its largest packet in bytes.
    Gateway { nic: NicId, max_packet: usize },
    /// An MSEE.
    Msee {
        /// How far each region is, by number.
        away: Vec<Duration>,
        /// VNets whose gateway is bypassed towards NICs.
        fast_path: Vec<VnetId>,
        /// Whether it has a Microsoft peering.
        microsoft: bool,
    },
}

/// Which peering of an MSEE a packet belongs to; a gateway has only the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Private,
    Microsoft,
}

/// What a forwarder does with a flow.
#[derive(Debug)]
pub(crate) struct Onward {
    /// The route that it matched; none when the destination is an owner of a public address.
    pub(crate) prefix: Option<Prefix>,
    /// The next hop it took.
    pub(crate) next_hop: Option<Ipv4Addr>,
    /// The NIC whose rules for outgoing packets hold.
    pub(crate) out_of: Option<NicId>,
    /// Whether it goes around the gateway.
    pub(crate) fast_path: bool,
    pub(crate) way: Result<Way, DropReason>,
}

/// A packet's way from a forwarder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Wire(WireEndId),
    Transit(Transit),
}

impl Onward {
    const fn nowhere(reason: DropReason) -> Self {
        Self {
            prefix: None,
            next_hop: None,
            out_of: None,
            fast_path: false,
            way: Err(reason),
        }
    }
}

impl Forwarder {
    /// The side that a link is on.
    pub(crate) fn side(&self, end: WireEndId) -> Side {
        if self.microsoft_ends.contains(&end) {
            Side::Microsoft
        } else {
            Side::Private
        }
    }

    pub(crate) const fn is_msee(&self) -> bool {
        matches!(self.kind, Kind::Msee { .. })
    }

    /// Takes what the device decided about a prefix.
    pub(crate) fn learn(&mut self, prefix: Prefix, next_hops: Vec<Ipv4Addr>) {
        self.private.remove(prefix);
        self.microsoft.remove(prefix);
        let Some(first) = next_hops.first() else {
            return;
        };
        let side = self.neighbors.get(first).map(|end| self.side(*end));
        let table = match side {
            Some(Side::Microsoft) => &mut self.microsoft,
            Some(Side::Private) | None => &mut self.private,
        };
        table.insert(prefix, next_hops.into());
    }

    /// Forgets everything: the device has started anew.
    pub(crate) fn forget(&mut self) {
        self.private = PrefixMap::new();
        self.microsoft = PrefixMap::new();
    }
}

impl Fabric {
    /// A gateway's instance or an MSEE by its device name.
    pub fn forwarder(&self, device: &str) -> Option<ForwarderId> {
        let id = self.topology.device_names.get(device)?;
        self.topology.devices[id.index()].forwarder
    }

    /// The table of a forwarder: private peering first, then Microsoft peering, ordered by prefix.
    pub fn forwarding(
        &self,
        forwarder: ForwarderId,
    ) -> impl Iterator<Item = (Prefix, &[Ipv4Addr])> {
        let forwarder = self.topology.forwarders.get(usize::from(forwarder.0));
        forwarder
            .into_iter()
            .flat_map(|one| one.private.iter().chain(one.microsoft.iter()))
            .map(|(prefix, hops)| (prefix, &**hops))
    }

    /// What a forwarder does with a packet of this many bytes.
    pub(crate) fn onward(
        &self,
        id: ForwarderId,
        side: Side,
        flow: FiveTuple,
        bytes: usize,
    ) -> Onward {
        let forwarder = &self.topology.forwarders[usize::from(id.0)];
        match &forwarder.kind {
            Kind::Gateway { max_packet, .. } if bytes > *max_packet => {
                Onward::nowhere(DropReason::TooBig)
            }
            Kind::Gateway { nic, .. } => self.through_gateway(*nic, flow),
            Kind::Msee {
                away, microsoft, ..
            } => match self.topology.public.get(&flow.destination) {
                Some(Owner::Nic(to)) if side == Side::Microsoft && *microsoft => {
                    self.to_owner(*to, away, flow)
                }
                _ => self.through_msee(forwarder, side, flow),
            },
        }
    }

    fn through_gateway(&self, nic: NicId, flow: FiveTuple) -> Onward {
        let departure = self.depart(nic, flow);
        let (next_hop, lost) = match departure.matched.next {
            Next::Appliance(hop) => (Some(hop), false),
            Next::Gateway(hops) => {
                let chosen = departure.chosen.and_then(|index| hops.get(index));
                (chosen.copied(), false)
            }
            Next::Vnet(_) => (None, false),
            Next::Internet => (None, true),
            Next::None => (None, departure.matched.source == RouteSource::Default),
        };
        let way = match departure.transit {
            _ if lost => Err(DropReason::NoRoute),
            transit => transit.map(Way::Transit),
        };
        Onward {
            prefix: Some(departure.matched.prefix),
            next_hop,
            out_of: Some(nic),
            fast_path: false,
            way,
        }
    }

    fn through_msee(&self, forwarder: &Forwarder, side: Side, flow: FiveTuple) -> Onward {
        let table = match side {
            Side::Private => &forwarder.private,
            Side::Microsoft => &forwarder.microsoft,
        };
        let Some((prefix, hops)) = table.longest_match(flow.destination) else {
            return Onward::nowhere(DropReason::NoRoute);
        };
        let names = hops.iter().map(|hop| u64::from(hop.to_bits()));
        let next_hop = flow
            .choose(forwarder.seed, names)
            .and_then(|index| hops.get(index))
            .copied();
        let (way, fast_path) = match next_hop {
            Some(hop) => self.to_neighbor(forwarder, hop, flow),
            None => (Err(DropReason::NoRoute), false),
        };
        Onward {
            prefix: Some(prefix),
            next_hop,
            out_of: None,
            fast_path,
            way,
        }
    }

    /// The way of an MSEE to its next hop, and whether it leads around the gateway.
    fn to_neighbor(
        &self,
        forwarder: &Forwarder,
        hop: Ipv4Addr,
        flow: FiveTuple,
    ) -> (Result<Way, DropReason>, bool) {
        if let Some(end) = forwarder.neighbors.get(&hop) {
            return (Ok(Way::Wire(*end)), false);
        }
        let found = forwarder.nics.iter().find_map(|id| {
            let nic = self.topology.nic(*id);
            Some((nic, self.topology.reachable(nic.vnet, hop)?))
        });
        let Some((nic, to)) = found else {
            return (Err(DropReason::NextHopUnreachable), false);
        };
        match self.around_gateway(forwarder, to, flow) {
            Some(straight) => {
                let way = straight.and_then(|to| self.across(nic, to, flow));
                (way.map(Way::Transit), true)
            }
            None => (self.across(nic, to, flow).map(Way::Transit), false),
        }
    }

    /// FastPath: the NIC that a gateway's packet goes to without it.
    fn around_gateway(
        &self,
        forwarder: &Forwarder,
        gateway: NicId,
        flow: FiveTuple,
    ) -> Option<Result<NicId, DropReason>> {
        let Kind::Msee { fast_path, .. } = &forwarder.kind else {
            return None;
        };
        let gateway = self.topology.nic(gateway);
        let vnet = self.topology.vnet(gateway.vnet);
        let own = vnet
            .space
            .iter()
            .any(|space| space.contains(flow.destination));
        let device = self.topology.forwarder_of(gateway.device);
        let is_gateway = device.is_some_and(|device| !device.is_msee());
        if !own || !is_gateway || !fast_path.contains(&gateway.vnet) {
            return None;
        }
        let to = self.topology.private.get(&(gateway.vnet, flow.destination));
        Some(to.copied().ok_or(DropReason::NoSuchAddress))
    }

    /// From a Microsoft peering to the owner of a public address.
    fn to_owner(&self, to: NicId, away: &[Duration], flow: FiveTuple) -> Onward {
        let nic = self.topology.nic(to);
        let region = self.topology.region_of(nic);
        let flow = FiveTuple {
            destination: nic.address,
            ..flow
        };
        let via = Via::Network {
            from: region,
            to: region,
            away: away[region.index()],
        };
        let to = Landing::Nic(to);
        Onward {
            way: Ok(Way::Transit(Transit { to, flow, via })),
            ..Onward::nowhere(DropReason::NoRoute)
        }
    }

    /// The way of a flow from a public address to a customer's public prefix, where a Microsoft
    /// peering knows one. `flow` has the public source already.
    pub(crate) fn to_customer(&self, nic: &Nic, flow: FiveTuple) -> Option<Transit> {
        let region = self.topology.region_of(nic);
        let offers = || {
            let all = self.topology.microsoft.iter().copied();
            all.filter_map(move |id| {
                let one = &self.topology.forwarders[usize::from(id.0)];
                let Kind::Msee { away, .. } = &one.kind else {
                    return None;
                };
                if !self.topology.devices[one.device.index()].up {
                    return None;
                }
                let (prefix, _) = one.microsoft.longest_match(flow.destination)?;
                let away = away[region.index()];
                Some((id, away, (prefix.len(), Reverse(away))))
            })
        };
        let best = offers().map(|(_, _, rank)| rank).max()?;
        let equals = || offers().filter(|(_, _, rank)| *rank == best);
        let chosen = flow.choose(nic.seed, equals().map(|(id, _, _)| u64::from(id.0)))?;
        let (id, away, _) = equals().nth(chosen)?;
        Some(Transit {
            to: Landing::Forwarder(id),
            flow,
            via: Via::Network {
                from: region,
                to: region,
                away,
            },
        })
    }
}
