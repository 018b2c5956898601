//! A plain BGP router: a customer's or a provider's, with nothing of the overlay in it.
//!
//! A [`Router`] is what runs on such a device: a [`bgp::Speaker`], BFD for the neighbours that want it,
//! and a [`Fib`], which turns what the speaker has chosen into the routes of a kernel. Every
//! [`Input`] goes to [`Router::handle`], which pushes all that follows to a list of [`Output`]s;
//! [`Router::wake`] says when to come back. The simulator drives it whole. The daemon, whose BFD has
//! a thread of its own, uses the parts: [`Fib`], [`bfd_sessions`] and [`on_verdict`].
//!
//! # From paths to routes
//!
//! ```text
//!  connected  ──▶ the kernel's own, never said
//!  static     ──▶ next hops or nothing (discard)  ─┐  resolved to interfaces:
//!  BGP        ──▶ next hops of all paths in use   ─┴▶ connected, or over a static  ──▶ AddRoute
//! ```
//!
//! The first of these that has a prefix has it alone. A path without a next hop that can be reached
//! makes no route, and makes one once an interface or a static route changes that. What the router
//! announces of its own makes no route either: a summary that is to swallow what it does not cover is
//! a static route that discards.
//!
//! # Left out
//!
//! IPv6 routes (they are exchanged by BGP and not forwarded), an IGP (provider edges are next-hop-self
//! to each other over links), and recursion over BGP routes.

#![warn(missing_docs)]

mod fib;
mod input;
mod output;
mod router;
mod watched;

pub use fib::{Change, Fib, Interface, Lookup, NextHop, Via, Ways, flow_seed};
pub use input::Input;
pub use output::Output;
pub use router::{Router, statics};
pub use watched::{bfd_key, bfd_sessions, on_verdict};
