//! Queues in front of something slower than what comes: a tunnel's cryptography, a link's bandwidth.
//!
//! A [`Queue`] holds what waits for one path. It is a pure value: packets go in with [`Queue::push`],
//! come out with [`Queue::pop`] in the order in which they should be sent, and [`Queue::next`] says when
//! the next one may go. Three things decide, from the outside in:
//!
//! - a **rate** (token bucket): nothing leaves faster than the path's bandwidth, so that the queue is here and
//!   not at the provider;
//! - **classes**: strict ones first, the others share what is left by weight (deficit round robin);
//! - within a class, **flows** by FQ-CoDel (RFC 8290): each flow has a queue of its own, flows that
//!   send little go before flows that queue, and a queue that does not drain is marked (ECN) or dropped from its
//!   head until its delay is below the target (RFC 8289).
//!
//! Memory is bounded by octets and by packets over all classes; when full, the longest flow loses its head.
//! An empty queue holds next to nothing, so a hub can have thousands of them.

#![warn(missing_docs)]

mod bucket;
mod codel;
mod fair;
mod queue;

pub use queue::{Class, Queue, Settings, Share};

/// What can wait in a queue.
pub trait Item {
    /// Octets that it takes on the wire.
    fn octets(&self) -> usize;

    /// The hash of its flow: equal for packets that must stay in order.
    fn flow(&self) -> u64;

    /// Marks it with Congestion Experienced (RFC 3168) if its transport understands that; `false` if it does not and
    /// the packet must be dropped instead.
    fn mark(&mut self) -> bool;
}

/// Why a queue let go of a packet that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The queue was full, and the packet was at the head of the longest flow.
    Full,
    /// It had waited for too long for too long (RFC 8289).
    Delayed,
}
