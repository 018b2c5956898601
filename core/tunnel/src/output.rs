//! What an endpoint asks for and announces.

use std::net::SocketAddrV4;

use crate::PeerId;

/// One thing to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this UDP datagram from the locator's port.
    Datagram {
        /// Where to.
        to: SocketAddrV4,
        /// Its payload.
        bytes: Vec<u8>,
    },
    /// Something an operator, or the node above, wants to know.
    Event(Event),
}

/// What happened to a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer is there and packets can be sent to it.
    SessionUp(PeerId),
    /// Nothing came from the peer although it was called three times, or its keys are too old.
    SessionDown(PeerId),
    /// The peer's packets come from another address, and ours go there.
    Roamed(PeerId, SocketAddrV4),
    /// The echo that was asked for last has come back.
    Echoed(PeerId),
}
