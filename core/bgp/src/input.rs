//! Everything that can happen to a speaker.

use core::net::{IpAddr, SocketAddr};

use inet::Net;

use crate::settings::{ConnId, Neighbor, NeighborId, Settings};
use crate::wire::attributes::{Origin, Tunnel};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The time that [`crate::Speaker::wake`] named has come. Early and repeated ones are harmless.
    Wake,
    /// Somebody connected to us. `conn` is made with [`ConnId::accepted`].
    Accepted {
        /// The new connection.
        conn: ConnId,
        /// Our end.
        local: SocketAddr,
        /// Their end.
        remote: SocketAddr,
    },
    /// A connection asked for with [`crate::Output::Connect`] stands.
    Connected {
        /// The connection.
        conn: ConnId,
        /// Our end.
        local: SocketAddr,
    },
    /// A connection asked for with [`crate::Output::Connect`] failed.
    ConnectFailed {
        /// The connection.
        conn: ConnId,
    },
    /// Bytes arrived, cut anywhere.
    Bytes {
        /// The connection.
        conn: ConnId,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The other side closed, or the connection broke.
    Closed {
        /// The connection.
        conn: ConnId,
    },
    /// The connection takes no more bytes for now: it is told the state
    /// of what it missed once it is writable. A shell that
    /// buffers without bound need not say it.
    Blocked {
        /// The connection.
        conn: ConnId,
    },
    /// The connection takes bytes again.
    Writable {
        /// The connection.
        conn: ConnId,
    },
    /// The operator, or the program around the speaker, wants something.
    Command(Command),
}

/// What an operator, or the program around the speaker, can want.
#[derive(Clone, Debug)]
pub enum Command {
    /// Let the neighbour's session run; connect at once. Harmless when it runs already, except
    /// that a pause before the next attempt is cut short.
    Up(NeighborId),
    /// End the neighbour's session, drop its routes and stay down until `Up`.
    Down(NeighborId, DownReason),
    /// Like `Down`, with a text for the other operator (RFC 9003), cut to 255 bytes.
    Shutdown {
        /// The neighbour.
        neighbor: NeighborId,
        /// What to say.
        text: String,
    },
    /// End the session with Cease/Administrative Reset and start again.
    Reset(NeighborId),
    /// Like `Reset`, with a text for the other operator (RFC 9003), cut to 255 bytes.
    ResetSaying {
        /// The neighbour.
        neighbor: NeighborId,
        /// What to say.
        text: String,
    },
    /// Ask a neighbour, or all when `None`, to use other ways soon: what it is told gets the
    /// community GRACEFUL_SHUTDOWN, and LOCAL_PREF 0 inside the AS (RFC 8326 §4.1). Sessions stay.
    GracefulShutdown {
        /// The neighbour.
        neighbor: Option<NeighborId>,
        /// Whether to begin or to end it.
        on: bool,
    },
    /// BFD lost the neighbour: the session ends with Cease, subcode 10 (RFC 9384), and its routes
    /// go. Without meaning where [`Neighbor::bfd`] is not set. The speaker tries to connect again
    /// only after `BfdUp`.
    BfdDown(NeighborId),
    /// BFD has the neighbour: its session may run.
    BfdUp(NeighborId),
    /// Announce a route of our own; replaces an earlier one of the same prefix. It is used before
    /// every learned one, whatever their LOCAL_PREF: as on routers, where its weight is higher.
    Originate(Net, Origination),
    /// Take back a route of our own.
    Withdraw(Net),
    /// Ask the neighbour for its routes again (RFC 2918), if it can.
    Refresh(NeighborId),
    /// Send the neighbour all its routes again.
    Resend(NeighborId),
    /// A further neighbour; its ID is the number of neighbours so far.
    AddNeighbor(Box<Neighbor>),
    /// Deconfigure a neighbour. Its ID is not used again.
    RemoveNeighbor(NeighborId),
    /// Replace a neighbour's settings. A session survives unless addresses, AS, hold time, what
    /// the socket needs or what the OPEN offers changed; routes are then evaluated anew.
    SetNeighbor(NeighborId, Box<Neighbor>),
    /// Replace the settings of the speaker itself; their neighbours are not looked at. Another AS
    /// or router ID ends all sessions, everything else keeps them.
    SetSettings(Box<Settings>),
}

/// Why a session is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// The operator said so: Cease, subcode 2.
    Admin,
    /// Liveness detection lost the neighbour: Cease, subcode 10 (RFC 9384).
    Link,
}

/// The attributes of a route of our own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origination {
    /// Who forwards; `None` is ourselves.
    pub next_hop: Option<IpAddr>,
    /// ORIGIN; IGP by default.
    pub origin: Origin,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// LOCAL_PREF; 100 by default.
    pub local_pref: Option<u32>,
    /// Communities (RFC 1997).
    pub communities: Vec<u32>,
    /// Extended communities (RFC 4360).
    pub ext_communities: Vec<u64>,
    /// Tunnels that lead to whoever the route leads to (RFC 9012); only neighbours in the same AS are told.
    pub tunnels: Vec<Tunnel>,
    /// AS_PATH that the route comes with, for routes of neighbours that do not speak BGP.
    pub as_path: Vec<inet::Asn>,
}
