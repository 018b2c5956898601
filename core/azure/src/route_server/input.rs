//! Everything that can happen to a Route Server instance.

use core::net::Ipv4Addr;

use design::plan::{
    BgpPeerConfig, GatewayConfig, Limits, MapPair, PlatformChoices, RouteMaps, RoutingPreference,
};
use inet::Prefix;

/// An input.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The time that [`super::RouteServer::wake`] named has come.
    Wake,
    /// Something happened to a connection.
    Bgp(bgp::Input<'a>),
    /// The platform's management wants something.
    Command(Command),
}

/// What the platform's management can want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take another peer.
    AddPeer(BgpPeerConfig),
    /// Let the peer with this address go.
    RemovePeer(Ipv4Addr),
    /// A gateway was made in the VNet: take one of its instances.
    AddGateway(GatewayConfig),
    /// Let the gateway's instance with this address go.
    RemoveGateway(Ipv4Addr),
    /// Whether routes of one NVA or gateway go to the others.
    BranchToBranch(bool),
    /// Which source wins for equal prefixes.
    RoutingPreference(RoutingPreference),
    /// Other limits, from the next route on.
    Limits {
        /// Routes that a peer may have.
        routes_per_peer: u32,
        /// The others.
        limits: Limits,
    },
    /// Take a peer, or take its number and maps anew, as a PUT on its resource does: without maps
    /// those that it had are gone.
    PutPeer {
        /// The peer.
        peer: BgpPeerConfig,
        /// Its route maps.
        maps: Option<MapPair>,
    },
    /// All route maps and what they are attached to. The first ones bring an upgrade, after which
    /// they hold.
    RouteMaps(RouteMaps),
    /// Other answers to what the platform leaves open.
    Choices(PlatformChoices),
    /// VNet peerings changed.
    Vnets {
        /// Address space announced to NVAs.
        announced: Vec<Prefix>,
        /// Address space of the own and all peered VNets.
        space: Vec<Prefix>,
    },
    /// The platform takes this instance out of service, without notice to anybody, or puts it back.
    Maintenance(bool),
}
