//! Everything that a router can ask for or announce.

use inet::Prefix;

use crate::NextHop;
use crate::fib::Change;

/// One thing to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The speaker's: connections, bytes, events.
    Bgp(bgp::Output),
    /// BFD's: datagrams to send, states.
    Bfd(bfd::Output),
    /// Put a route into the kernel in place of an earlier one of the same prefix.
    AddRoute {
        /// The prefix.
        prefix: Prefix,
        /// Flows are shared between these; without any, packets are discarded.
        next_hops: Vec<NextHop>,
    },
    /// Take a route out of the kernel.
    RemoveRoute {
        /// The prefix.
        prefix: Prefix,
    },
}

impl From<Change> for Output {
    fn from(change: Change) -> Self {
        match change {
            Change::Add { prefix, next_hops } => Self::AddRoute { prefix, next_hops },
            Change::Remove { prefix } => Self::RemoveRoute { prefix },
        }
    }
}
