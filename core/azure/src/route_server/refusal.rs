//! Which peers a Route Server does not take.

use core::fmt;
use core::net::Ipv4Addr;

use design::plan::{BgpPeerConfig, GatewayConfig, RouteServerConfig};
use inet::{Asn, Prefix};

use super::maps::{self, RouteMapFault};

/// Why a peer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerRefusal {
    /// Another peer has the address.
    Address(Ipv4Addr),
    /// The AS is reserved by the platform or by IANA, is the Route Server's own, or does not fit 16 bits.
    Asn(Asn),
    /// Its route maps, or all of them, cannot be.
    RouteMap(RouteMapFault),
    /// There are as many already as the platform takes.
    TooMany(u32),
    /// It is not where a peer can be.
    Place(Ipv4Addr, PlaceFault),
}

/// Why a peer cannot have an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceFault {
    /// Link-local (APIPA).
    LinkLocal,
    /// In neither the own nor a directly peered VNet: on-premises, a loopback, or further away.
    NoVnet,
    /// Not in the own VNet, where a gateway must be.
    NotOwnVnet,
    /// In a peered VNet that does not use the Route Server as remote gateway, which the upgrade
    /// that came with route maps asks for.
    NotRemoteGateway,
}

impl fmt::Display for PlaceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinkLocal => "it is link-local",
            Self::NoVnet => "it is in neither the own nor a directly peered VNet",
            Self::NotOwnVnet => "a gateway stands in the Route Server's VNet",
            Self::NotRemoteGateway => {
                "its VNet does not use the Route Server as remote gateway, as route maps require"
            }
        })
    }
}

impl fmt::Display for PeerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "another peer has address {address}"),
            Self::Asn(asn) => write!(f, "a peer cannot have AS {asn}"),
            Self::TooMany(most) => write!(f, "a Route Server has at most {most} peers"),
            Self::RouteMap(fault) => fault.fmt(f),
            Self::Place(address, fault) => write!(f, "{address} cannot be a peer: {fault}"),
        }
    }
}

impl core::error::Error for PeerRefusal {}

/// Whether a configuration's peers and gateways can be.
pub(crate) fn check_all(config: &RouteServerConfig) -> Result<(), PeerRefusal> {
    for (index, peer) in config.peers.iter().enumerate() {
        check(config, &config.peers[..index], peer)?;
    }
    for (index, gateway) in config.gateways.iter().enumerate() {
        check_gateway(config, &config.gateways[..index], gateway)?;
    }
    maps::check(config, &config.route_maps).map_err(PeerRefusal::RouteMap)
}

/// Whether a gateway's instance can join those that are there.
pub(crate) fn check_gateway(
    config: &RouteServerConfig,
    others: &[GatewayConfig],
    gateway: &GatewayConfig,
) -> Result<(), PeerRefusal> {
    let address = gateway.address;
    let peers = config.peers.iter().map(|peer| peer.address);
    let mut taken = peers.chain(others.iter().map(|other| other.address));
    if taken.any(|other| other == address) {
        return Err(PeerRefusal::Address(address));
    }
    if !config.own_space.iter().any(|space| space.contains(address)) {
        return Err(PeerRefusal::Place(address, PlaceFault::NotOwnVnet));
    }
    Ok(())
}

/// Whether a peer can join those that are there.
pub(crate) fn check(
    config: &RouteServerConfig,
    others: &[BgpPeerConfig],
    peer: &BgpPeerConfig,
) -> Result<(), PeerRefusal> {
    let most = config.limits.peers;
    if others.len() >= most as usize {
        return Err(PeerRefusal::TooMany(most));
    }
    let mut gateways = config.gateways.iter();
    if others.iter().any(|other| other.address == peer.address)
        || gateways.any(|gateway| gateway.address == peer.address)
    {
        return Err(PeerRefusal::Address(peer.address));
    }
    if peer.asn == config.asn || is_reserved(peer.asn) {
        return Err(PeerRefusal::Asn(peer.asn));
    }
    place(config, peer.address).map_err(|fault| PeerRefusal::Place(peer.address, fault))
}

/// Whether a peer can be at an address.
fn place(config: &RouteServerConfig, address: Ipv4Addr) -> Result<(), PlaceFault> {
    let within = |space: &[Prefix]| space.iter().any(|prefix| prefix.contains(address));
    if address.is_link_local() {
        return Err(PlaceFault::LinkLocal);
    }
    if !within(&config.vnet_space) {
        return Err(PlaceFault::NoVnet);
    }
    if !config.route_maps.is_empty() && !within(&config.announced) {
        return Err(PlaceFault::NotRemoteGateway);
    }
    Ok(())
}

/// Reserved by the platform (public and private) or by IANA, or beyond 16 bits.
pub(crate) const fn is_reserved(asn: Asn) -> bool {
    matches!(
        asn.0,
        0 | 8_074 | 8_075 | 12_076 | 23_456 | 64_496..=64_511 | 65_515 | 65_517..=65_520 | 65_535..
    )
}
