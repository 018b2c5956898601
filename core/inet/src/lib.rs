//! The words every other crate speaks: time, AS numbers, prefixes, five-tuples, IPv4 packets.
//!
//! Nothing here decides anything about routing. It holds the small value types that the protocol
//! cores pass to each other, the longest-prefix-match map, the flow hash, the seeded random source,
//! and the reading and writing of IPv4, UDP, TCP and ICMP headers at fixed offsets.
//!
//! Like every crate in `core/` it knows no clock, socket, file or thread: time comes in as an
//! [`Instant`], chance as an [`Rng`] made from a seed.

#![warn(missing_docs)]

mod asn;
mod coordinates;
mod flow;
pub mod hash;
mod map;
mod net;
pub mod packet;
mod prefix;
mod rng;
#[cfg(feature = "serde")]
mod text;
mod time;

pub use asn::{Asn, AsnError};
pub use coordinates::Coordinates;
pub use flow::FiveTuple;
pub use map::PrefixMap;
pub use net::{Net, NetError, Prefix6};
pub use prefix::{Prefix, PrefixError};
pub use rng::Rng;
pub use time::Instant;
