//! The data half of a node: what it knows, what it decides about packets, and how packets in batches go their way.
//!
//! [`Tables`](tables::Tables) are the knowledge and the decisions, the same for the node that handles one packet at
//! a time (in simulations) and for the forwarders of a running daemon, of which each has a copy that
//! [`Change`]s keep equal.

pub(crate) mod buffer;
pub(crate) mod change;
pub(crate) mod egress;
pub(crate) mod forwarder;
pub(crate) mod fragment;
pub(crate) mod icmp;
pub(crate) mod label;
pub(crate) mod probe;
pub(crate) mod protect;
pub(crate) mod shortcuts;
pub(crate) mod sightings;
pub(crate) mod sink;
pub(crate) mod tables;
pub(crate) mod usage;

pub use buffer::Buffer;
pub use change::{Change, Notice, Order, Punt};
pub use forwarder::Forwarder;
pub use sink::{Handed, Sink, Transmit};
