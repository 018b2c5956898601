//! Everything that can happen to a node.

use core::net::{Ipv4Addr, SocketAddrV4};

use carrier::Connection;

use crate::id::{LanId, LocatorId};

/// Everything that can happen to a node.
#[derive(Debug)]
pub enum Input<'a> {
    /// The time that [`crate::Node::wake`] named has come. Early, late and repeated ones are harmless.
    Wake,
    /// A UDP datagram arrived at a locator. The bytes are decrypted in place.
    Datagram {
        /// Where it arrived.
        locator: LocatorId,
        /// Who sent it, as seen from here.
        from: SocketAddrV4,
        /// Its payload.
        bytes: &'a mut [u8],
    },
    /// The kernel sent an IPv4 packet into the overlay device.
    Packet {
        /// The packet; its TTL may be lowered in place.
        bytes: &'a mut [u8],
    },
    /// A VRRP message arrived on a LAN with TTL 255 (others are dropped by the shell).
    Vrrp {
        /// The LAN.
        lan: LanId,
        /// The sender.
        from: Ipv4Addr,
        /// What follows the IP header.
        bytes: &'a [u8],
    },
    /// What BGP's transport connections did: `Accepted`, `Connected`, `ConnectFailed`, `Bytes`,
    /// `Closed`. Anything else is ignored, since the node itself commands its speaker.
    Bgp(bgp::Input<'a>),
    /// A connection for tunnels stands: one that was asked for, or one that somebody else began. Its datagrams
    /// come and go under [`Connection::address`].
    Opened {
        /// Which.
        connection: Connection,
        /// The other end.
        remote: SocketAddrV4,
    },
    /// It came to nothing or is over, and not because the node wanted that.
    Closed {
        /// Which.
        connection: Connection,
    },
    /// The operator's wish.
    Command(Command),
}

/// What an operator can ask of a running node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Leave in order: BGP sessions end with Cease and this text (RFC 9003), virtual addresses are
    /// given up. The node stays as it is until it is dropped.
    Shutdown {
        /// At most 128 octets are sent.
        text: String,
    },
}
