//! The platform between the devices: virtual networks, underlays to the sites, Route Server and
//! ExpressRoute.
//!
//! Four values live here.
//!
//! [`Fabric`] is everything that stands between devices. A device sends an IPv4 packet out of an
//! interface; the fabric says at which interface it comes out, when, and with which addresses, or
//! why it does not. It knows VNets with their peerings, the effective routes of every NIC, network
//! security groups, public addresses, the backbone between regions, the internet and MPLS clouds
//! with the sites' access links and NATs, the sites' LANs, point-to-point links, and how ExpressRoute
//! gateways and MSEEs forward. The simulator asks it in virtual
//! time, the lab's fabric process in real time.
//!
//! [`RouteServer`] is one of the two instances of a Route Server: a BGP speaker with the platform's
//! rules. What it decides it hands to the fabric, which keeps a table of programmed routes for each
//! instance ([`fabric::Input::Program`]).
//!
//! [`Gateway`] is one of the two instances of an ExpressRoute gateway and [`Msee`] one of the two edge
//! routers of a circuit: BGP speakers with the platform's rules again, which tell the fabric what
//! their own packets follow.
//!
//! # Where the platform is silent
//!
//! Its behaviour is implemented as documented or captured. Where neither exists, a choice is made
//! and named where it is made: the idle time of security group flows ([`fabric`]'s `nsg`), who programs
//! which NIC and when the other instance takes over (`program`), TTL (clouds and NATs are routers
//! and lower it, the virtual network is not and does not), negotiated hold times ([`RouteServer`]).

#![warn(missing_docs)]

pub mod express_route;
pub mod fabric;
mod instance;
#[cfg(test)]
mod net;
pub mod route_server;
pub mod scale;

pub use express_route::{Gateway, Msee};
pub use fabric::{Brownout, DropReason, Fabric, FabricError, Fault, InstanceId, PortId};
pub use route_server::RouteServer;
