//! An SD-WAN node: NVA or CPE. It composes BGP, tunnels and probing into one forwarding plane.
//!
//! A [`Node`] is made from a device's part of the Plan and its private keys. Every [`Input`] goes to
//! [`Node::handle`], which pushes all that follows from it to a list of [`Output`]s in that very
//! call; [`Node::wake`] says when to come back. It knows no clock, socket or device: a simulator and
//! a daemon drive the same value.
//!
//! # From configuration to routes
//!
//! [`design::plan::NodeConfig`] is checked as a whole; [`ConfigErrors`] names every field that cannot
//! work. What a neighbour *is* (hub, twin, site, router, Route Server) decides what it is told and
//! believed: that is the routing policy of the product, and `routing.rs` reads as such.
//!
//! # A packet's way
//!
//! ```text
//!  kernel ──Packet──▶ longest match ──▶ neighbour ──▶ path ──▶ seal ──▶ Datagram
//!                      (Fib)          by flow hash   by preference
//!                                                    and flow hash
//!  Datagram ──▶ open ──▶ probe? ──▶ answered here
//!                  └───▶ longest match ──▶ kernel (own address, LAN, router, platform)
//!                                     └──▶ another tunnel, TTL lowered
//! ```
//!
//! What no entry matches, what only a summary matches, and what ran out of TTL is answered by ICMP
//! from the node's loopback. Nothing depends on seeing both directions of a flow.
//!
//! # Liveness
//!
//! Every path is probed inside its own tunnel (STAMP). When the last path of a link goes down, the
//! BGP session over it ends at once and its routes are gone in the same call, so that what this
//! node announces is what it can deliver. While probes fail the tunnel is asked to shake hands again.
//!
//! # Carriers
//!
//! A path whose UDP is blocked goes over TLS: `node/carriers.rs` asks for a connection and moves the tunnel there, and
//! `docs/carrier.md` says how. To everything else a connection is an address.
//!
//! # Protection
//!
//! Packets of classes that ask for it are numbered on their way to the next node (`plane/protect.rs`). Sums over them follow where
//! a path loses some, as much as the other side reports; or each goes by two paths, and the first that comes passes.
//!
//! # Route budget
//!
//! What an NVA tells Route Server can be given a budget: for the session, and for what Route Server
//! passes on to ExpressRoute. `budget.rs` chooses what is told when not all of it fits, the same on all
//! NVAs of a region, and `node/guard.rs` tells it.
//!
//! # Shortcuts
//!
//! A hub that relays between two sites introduces them to each other (`node/shortcuts/hub.rs`, told by BGP as
//! `introduction.rs` says); a site tries to reach the other one directly, and uses that while it measures better than
//! the relay (`node/shortcuts/site.rs`). A site has slots for shortcuts from its start, so no table grows.
//!
//! # Limits
//!
//! One overlay, IPv4 inside and outside, no queues: packets are sent or dropped in the call that
//! brought them. A node holds at most 65,535 locators, LANs and routers.

#![warn(missing_docs)]

mod budget;
mod classifier;
mod control;
pub mod dns;
mod fib;
mod id;
mod input;
mod introduction;
mod node;
mod output;
mod plane;
mod routing;
mod settings;
#[cfg(test)]
mod stub;
mod timers;
mod view;
pub mod vrrp;

pub use carrier::{Connection, Way};
pub use classifier::Classifier;
pub use control::Control;
pub use fib::{RouteVia, Source};
pub use id::{ClassId, InterfaceId, LanId, LinkId, LocatorId, RouterId};
pub use input::{Command, Input};
pub use node::{Node, Options, Secrets};
pub use output::{Event, Output, ShortcutChange, ShortcutEnd};
pub use path::{Account, Cause, Fault, Measure, Move, PathId, Standing};
pub use plane::{Buffer, Change, Forwarder, Handed, Notice, Order, Punt, Sink, Transmit};
pub use routing::{Kind, origin_community};
pub use settings::{ConfigError, ConfigErrors, ConfigReason};
pub use view::{
    Attachment, Budget, BudgetLevel, BudgetUse, ChoiceReason, ClassView, Compared, Counters,
    Decision, DropReason, Explanation, ForwardingEntry, GatewayView, LinkView, MoveView, NameView,
    NeighborChoice, NextHop, PathChoice, PathView, ShortcutView,
};
