//! Everything that can happen to an endpoint besides packets.

use std::net::SocketAddrV4;

use crate::{Peer, PeerId};

/// What an endpoint is told. Packets have calls of their own, because they are opened in place.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time has passed.
    Wake,
    /// Adds a peer, or changes one. With the same public key the session goes on; with another
    /// one it starts anew. An identifier is a small number chosen by the caller: peers are kept in a table.
    SetPeer(PeerId, Peer),
    /// Forgets a peer and its keys.
    RemovePeer(PeerId),
    /// Calls the peer again although the keys may be fine: something above found that nothing
    /// comes back. Keys in use stay in use. Nothing happens within [`Peer::first_retry`] of the
    /// last call, so it may be asked for as often as one likes.
    Rehandshake(PeerId),
    /// Sends the peer's datagrams there from now on, with the keys that there are.
    Move(PeerId, SocketAddrV4),
    /// Asks for an echo from there, in a message that moves nothing: [`crate::Event::Echoed`] says that it came.
    Echo(PeerId, SocketAddrV4),
}
