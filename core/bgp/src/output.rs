//! Everything that a speaker can ask for or announce.

use core::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use inet::Net;

use crate::settings::{ConnId, NeighborId, TcpOptions};
use crate::wire::error::AttributeFault;
use crate::wire::notification::Notification;

/// One thing to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a TCP connection; answer with `Connected` or `ConnectFailed`.
    Connect {
        /// Its name from now on.
        conn: ConnId,
        /// For whom.
        neighbor: NeighborId,
        /// The address to bind to.
        local: IpAddr,
        /// Where to.
        remote: SocketAddr,
        /// The time to live to set.
        ttl: u8,
        /// What else the socket needs.
        options: TcpOptions,
    },
    /// Send bytes, after all earlier ones of this connection. Members of an update group share
    /// them.
    Send {
        /// The connection.
        conn: ConnId,
        /// Whole messages.
        bytes: Arc<[u8]>,
    },
    /// Close once everything is sent; also gives up a connection that is being opened. The
    /// name is void afterwards.
    Close {
        /// The connection.
        conn: ConnId,
    },
    /// The set of paths in use for the prefix, or their attributes, changed. Said once per
    /// `handle` call and prefix; ask [`crate::Speaker::multipath`] for the new set.
    Changed {
        /// The prefix.
        net: Net,
    },
    /// A whole message came or went, when [`crate::Settings::tap`] asks for them.
    Message {
        /// With whom.
        neighbor: NeighborId,
        /// Which way.
        direction: Direction,
        /// The message with its header.
        bytes: Arc<[u8]>,
    },
    /// Something for the log.
    Event(Event),
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the neighbour.
    In,
    /// To the neighbour.
    Out,
}

/// Something an operator wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session is established.
    Established {
        /// With whom.
        neighbor: NeighborId,
    },
    /// A session, or an attempt at one, ended.
    Ended {
        /// With whom.
        neighbor: NeighborId,
        /// Whether it had been established.
        established: bool,
        /// Why.
        reason: Ended,
    },
    /// An UPDATE was faulty and the session survived (RFC 7606).
    Fault {
        /// Who sent it.
        neighbor: NeighborId,
        /// What was wrong, and what it cost.
        fault: AttributeFault,
    },
    /// The neighbour asked for its routes again (RFC 2918).
    RefreshReceived {
        /// Who.
        neighbor: NeighborId,
    },
    /// A neighbour has told many of the prefixes that it may tell, or more than all of them where
    /// its limit only warns.
    PrefixLimit {
        /// Who.
        neighbor: NeighborId,
        /// How many prefixes are held from it.
        held: u32,
        /// Its limit.
        max: u32,
    },
    /// A neighbour has told all its routes of a family (RFC 4724 §2).
    EndOfRib {
        /// Who.
        neighbor: NeighborId,
        /// IPv6, or IPv4.
        v6: bool,
    },
    /// A neighbour's stale routes of a family went: it was away or incomplete for too long.
    StaleExpired {
        /// Whose.
        neighbor: NeighborId,
        /// IPv6, or IPv4.
        v6: bool,
    },
    /// The wait after our own restart is over ([`crate::Settings::restarting`]).
    Resumed,
    /// Somebody connected from a range and is a neighbour ([`crate::Settings::dynamic`]).
    Added {
        /// Its ID, which may have been another one's before.
        neighbor: NeighborId,
    },
    /// Such a neighbour has gone.
    Removed {
        /// Its ID.
        neighbor: NeighborId,
    },
    /// A connection was refused: unknown address, neighbour down, or a duplicate.
    Refused {
        /// Their end.
        remote: SocketAddr,
    },
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// We told the other side why.
    Sent(Notification),
    /// The other side told us why.
    Received(Notification),
    /// The neighbour connected anew, so it has restarted (RFC 4724 §5).
    Replaced,
    /// The other side sent a NOTIFICATION that cannot be read; none answers it (RFC 4271 §6.4).
    Malformed,
    /// The connection closed without a word.
    Closed,
    /// The connection could not be opened.
    ConnectFailed,
}
