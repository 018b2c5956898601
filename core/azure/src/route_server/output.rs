//! Everything a Route Server instance can ask for or announce.

use core::net::Ipv4Addr;

use inet::Prefix;

use super::PeerRefusal;
use crate::instance::Carried;

/// An output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Something to do with a connection: `Connect`, `Send` or `Close`.
    Bgp(bgp::Output),
    /// The NICs are to send a prefix to these equal next hops, in order; none withdraws it.
    Program {
        /// The prefix.
        prefix: Prefix,
        /// The next hops.
        next_hops: Vec<Ipv4Addr>,
    },
    /// Maintenance begins or is over: while the instance does not serve, the other one programs its
    /// NICs ([`crate::fabric::Input::InstanceDown`], [`crate::fabric::Input::InstanceUp`]).
    Serving(bool),
    /// Something for the log.
    Event(bgp::Event),
    /// A peer was not taken.
    Refused(PeerRefusal),
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
