//! Everything that can happen to a Route Server instance.

use core::net::Ipv4Addr;

use design::plan::BgpPeerConfig;
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
    /// Whether routes of one NVA go to the others.
    BranchToBranch(bool),
    /// VNet peerings changed.
    Vnets {
        /// Address space announced to NVAs.
        announced: Vec<Prefix>,
        /// Address space of the own and all peered VNets.
        space: Vec<Prefix>,
    },
}
