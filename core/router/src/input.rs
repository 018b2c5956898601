//! Everything that can happen to a router.

use core::net::SocketAddr;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The time that [`crate::Router::wake`] named has come. Early and repeated ones are harmless.
    Wake,
    /// Something for the speaker: connections, their bytes, commands.
    Bgp(bgp::Input<'a>),
    /// A datagram came to one of BFD's ports.
    Bfd {
        /// Who sent it.
        from: SocketAddr,
        /// The address and port of ours that it was sent to.
        to: SocketAddr,
        /// Its time to live on arrival.
        ttl: u8,
        /// The UDP payload.
        bytes: &'a [u8],
    },
    /// An interface went up or down: routes over it come or go, and external neighbours on it with
    /// them, without waiting for a timer.
    Link {
        /// Its name.
        interface: &'a str,
        /// Whether it is up.
        up: bool,
    },
}
