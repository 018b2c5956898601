//! Everything that can happen to an endpoint.

use core::net::SocketAddr;

use crate::{SessionKey, Settings};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A UDP datagram came.
    Datagram {
        /// Who sent it.
        from: SocketAddr,
        /// The address and port of ours that it was sent to.
        to: SocketAddr,
        /// Its time to live, or hop limit, on arrival.
        ttl: u8,
        /// The UDP payload.
        bytes: &'a [u8],
    },
    /// The time that [`crate::Endpoint::wake`] named has come. Give all waiting datagrams first.
    Wake,
    /// The operator, or a protocol that uses a session, wants something.
    Command(Command),
}

/// What an operator, or a protocol that uses a session, can want.
#[derive(Clone, Debug)]
pub enum Command {
    /// A further session; for one that exists, new settings.
    Set(SessionKey, Settings),
    /// Nobody needs the session any more. The neighbour is told AdminDown for one detection time, so that it does
    /// not take this for a failure.
    Remove(SessionKey),
    /// Hold the session down (RFC 5880 §6.8.16): no failure for either side.
    AdminDown(SessionKey),
    /// Let a session that was held down run again.
    AdminUp(SessionKey),
}
