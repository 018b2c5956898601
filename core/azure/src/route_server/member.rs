//! Who speaks BGP with an instance: NVAs in another AS, gateways in the same.

use core::net::Ipv4Addr;

use bgp::Group;
use design::plan::{BgpPeerConfig, BranchKind, GatewayConfig};

/// A peer or a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// An NVA, or any other peer that the operator configured.
    Peer(BgpPeerConfig),
    /// An instance of a gateway in the VNet, which the platform manages.
    Gateway(GatewayConfig),
}

/// Where a route comes from, as far as the routing preference is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// An NVA.
    Nva,
    /// ExpressRoute.
    ExpressRoute,
    /// A VPN gateway.
    Vpn,
}

impl Member {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Peer(peer) => &peer.name,
            Self::Gateway(gateway) => &gateway.name,
        }
    }

    /// Its address.
    pub const fn address(&self) -> Ipv4Addr {
        match self {
            Self::Peer(peer) => peer.address,
            Self::Gateway(gateway) => gateway.address,
        }
    }

    /// Its class.
    pub const fn class(&self) -> Class {
        match self {
            Self::Peer(_) => Class::Nva,
            Self::Gateway(gateway) => Class::of(gateway.kind),
        }
    }
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Nva, Self::ExpressRoute, Self::Vpn];

    /// That of a gateway.
    pub const fn of(kind: BranchKind) -> Self {
        match kind {
            BranchKind::ExpressRoute => Self::ExpressRoute,
            BranchKind::Vpn => Self::Vpn,
        }
    }

    /// The class in the terms of the speaker's policies.
    pub(crate) const fn group(self) -> Group {
        Group(match self {
            Self::Nva => 0,
            Self::ExpressRoute => 1,
            Self::Vpn => 2,
        })
    }
}
