//! Bidirectional Forwarding Detection: whether a neighbour can be reached, known within a fraction of a second.
//!
//! An [`Endpoint`] holds all sessions of a machine (RFC 5880, asynchronous mode; single hop by RFC 5881, many hops
//! by RFC 5883). It takes datagrams with their TTL, wake-ups and commands, and gives datagrams to send and what
//! became of the sessions. What a routing protocol should do about it is said apart, as a [`Verdict`] (RFC 5882).
//!
//! # Time
//!
//! A datagram is judged when it is handed in, silence only at [`Input::Wake`]. Whoever hands in all waiting
//! datagrams first and wakes the endpoint afterwards never takes a neighbour for dead because it was itself late.
//!
//! # What strangers can do
//!
//! Nothing is created by a packet: sessions come from commands only. A packet that belongs to none, or that is
//! not what the RFC demands, costs two look-ups and adds one to a counter ([`Discards`]).
//!
//! # Left out
//!
//! The Echo function (we say that we take no Echo packets), asking the other side for Demand mode (when it asks us
//! we comply), point-to-multipoint (RFC 8562), and sessions told apart by interface only.

#![warn(missing_docs)]

mod auth;
mod discard;
mod endpoint;
mod input;
mod output;
mod session;
mod settings;
mod view;
pub mod wire;

pub use auth::{Auth, AuthKey, AuthKind, KeyLengthError};
pub use discard::{Discard, Discards};
pub use endpoint::{Endpoint, SESSIONS_MAX};
pub use input::{Command, Input};
pub use output::{Output, Verdict};
pub use settings::{Hops, SessionKey, Settings};
pub use view::SessionView;
pub use wire::{Diagnostic, Octets, State};

/// UDP port of single-hop sessions (RFC 5881 §4).
pub const PORT_SINGLE_HOP: u16 = 3784;
/// UDP port of multihop sessions (RFC 5883 §5).
pub const PORT_MULTIHOP: u16 = 4784;
/// The first source port that may be used (RFC 5881 §4); all above it may be as well.
pub const SOURCE_PORT_MIN: u16 = 49_152;
