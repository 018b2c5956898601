//! Everything that a gateway or an MSEE can ask for or announce.

use core::net::Ipv4Addr;

use inet::Prefix;

use crate::instance::Carried;

/// An output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Something to do with a connection: `Connect`, `Send` or `Close`.
    Bgp(bgp::Output),
    /// Something to do with a BFD session.
    Bfd(bfd::Output),
    /// The device's own packets to a prefix go to these equal next hops, in order; none drops them.
    Forward {
        /// The prefix.
        prefix: Prefix,
        /// The next hops.
        next_hops: Vec<Ipv4Addr>,
    },
    /// The NICs are to send a prefix to these equal next hops, in order; none withdraws it. Of a
    /// gateway in a VNet without a Route Server.
    Program {
        /// The prefix.
        prefix: Prefix,
        /// The next hops.
        next_hops: Vec<Ipv4Addr>,
    },
    /// Maintenance begins (false) or is over: while an instance does not serve, the other one
    /// programs its NICs.
    Serving(bool),
    /// Something for the log.
    Event(bgp::Event),
}

impl From<Carried> for Output {
    fn from(carried: Carried) -> Self {
        match carried {
            Carried::Bgp(output) => Self::Bgp(output),
            Carried::Event(event) => Self::Event(event),
            Carried::Serving(serving) => Self::Serving(serving),
        }
    }
}
