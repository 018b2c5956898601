//! What becomes of a flow and why: the answer that a trace is made of.

use core::net::Ipv4Addr;
use core::time::Duration;

use design::plan::Direction;
use inet::{FiveTuple, Prefix};

use super::{DropReason, PortId};

/// A row of a NIC's effective routes, in the platform's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveRoute {
    /// Where the row comes from.
    pub source: RouteSource,
    /// Whether it is used; a row that loses to another of the same prefix is listed as not.
    pub active: bool,
    /// The prefix.
    pub prefix: Prefix,
    /// What it points at.
    pub next_hop_type: NextHopType,
    /// Addresses, where the type has any; several are equal.
    pub next_hops: Vec<Ipv4Addr>,
}

/// Where an effective route comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteSource {
    /// A system route.
    Default,
    /// A user route.
    User,
    /// Learned by Route Server or a gateway.
    VirtualNetworkGateway,
}

impl RouteSource {
    /// The platform's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "Default",
            Self::User => "User",
            Self::VirtualNetworkGateway => "VirtualNetworkGateway",
        }
    }
}

/// What an effective route points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NextHopType {
    /// The VNet itself.
    VnetLocal,
    /// A peered VNet in the same region.
    VNetPeering,
    /// A peered VNet in another region.
    VNetGlobalPeering,
    /// Route Server's or a gateway's next hops.
    VirtualNetworkGateway,
    /// An address that the user named.
    VirtualAppliance,
    /// The internet.
    Internet,
    /// Nowhere: dropped.
    None,
}

impl NextHopType {
    /// The platform's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VnetLocal => "VnetLocal",
            Self::VNetPeering => "VNetPeering",
            Self::VNetGlobalPeering => "VNetGlobalPeering",
            Self::VirtualNetworkGateway => "VirtualNetworkGateway",
            Self::VirtualAppliance => "VirtualAppliance",
            Self::Internet => "Internet",
            Self::None => "None",
        }
    }
}

/// What becomes of a flow sent out of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The interface it is sent from.
    pub port: PortId,
    /// The flow as sent.
    pub flow: FiveTuple,
    /// The effective route that it matched; NICs only.
    pub route: Option<EffectiveRoute>,
    /// Which of the route's next hops it takes.
    pub chosen: Option<usize>,
    /// What security groups said, in order; empty where none is attached.
    pub verdicts: Vec<Verdict>,
    /// Who rewrote addresses or ports, in order.
    pub rewrites: Vec<Rewrite>,
    /// What carries it from the interface; `None` when it was dropped before that.
    pub carrier: Option<Carrier>,
    /// Gateways and MSEEs that forward it, in order.
    pub hops: Vec<Hop>,
    /// From one interface to the other through idle links, without jitter.
    pub latency: Duration,
    /// The end.
    pub outcome: Outcome,
}

impl Explanation {
    /// Notes what carries it from where it has come to.
    pub(crate) fn carried_by(&mut self, carrier: Carrier) {
        match self.hops.last_mut() {
            Some(hop) => hop.carrier = Some(carrier),
            None => self.carrier = Some(carrier),
        }
    }
}

/// A gateway or an MSEE on a flow's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The device.
    pub device: String,
    /// The route that it matched there; `None` where there is none, or where it goes straight to
    /// the owner of a public address.
    pub prefix: Option<Prefix>,
    /// The next hop that it takes; `None` for address space of the VNet.
    pub next_hop: Option<Ipv4Addr>,
    /// Whether it goes around that next hop, a gateway (FastPath).
    pub fast_path: bool,
    /// What carries it on.
    pub carrier: Option<Carrier>,
}

/// How a flow ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It comes out at an interface.
    Delivered {
        /// The interface.
        port: PortId,
        /// The flow as it comes out.
        flow: FiveTuple,
    },
    /// It is dropped.
    Dropped(DropReason),
}

/// What carries a packet from one interface to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The virtual networks of one region.
    Region(String),
    /// The backbone from one region to another, or between a region and an MSEE, which has its device
    /// name here.
    Backbone {
        /// From.
        from: String,
        /// To.
        to: String,
    },
    /// An underlay cloud.
    Cloud(String),
    /// A site's LAN.
    Lan(String),
    /// A point-to-point link to a device.
    Wire {
        /// The device at the other end.
        to: String,
    },
}

/// What a security group said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Group name.
    pub group: String,
    /// Seen from the interface that it guards.
    pub direction: Direction,
    /// The rule that matched; `None` when the connection was allowed before.
    pub rule: Option<String>,
    /// Whether it passes.
    pub allow: bool,
}

/// A rewriting of addresses or ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Who did it.
    pub by: Translator,
    /// The flow afterwards.
    pub flow: FiveTuple,
}

/// Who rewrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Translator {
    /// A NIC's public address, one to one.
    PublicAddress,
    /// The NAT in front of a site.
    SiteNat,
}
