//! Everything a fabric can do or say.

use inet::FiveTuple;

use super::{DropReason, Fault, PortId};

/// An output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A packet comes out at an interface now.
    Deliver {
        /// The interface.
        port: PortId,
        /// An IPv4 packet.
        bytes: Vec<u8>,
    },
    /// A packet is gone.
    Drop {
        /// The interface at which it went: the sender's, or the receiver's once it was under way.
        port: PortId,
        /// Its flow at that point; `None` when it is no IPv4 packet.
        flow: Option<FiveTuple>,
        /// Why.
        reason: DropReason,
    },
    /// A fault names something that does not exist.
    Refused(Fault),
}
