//! Everything a node can ask for or announce.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use carrier::{Connection, Way};
use inet::Prefix;
use path::PathId;

use crate::fib::RouteVia;
use crate::id::{ClassId, InterfaceId, LanId, LinkId, LocatorId};
use crate::view::{Attachment, BudgetLevel, MoveView};

/// Everything a node can ask for or announce.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send a UDP datagram from a locator's socket.
    Datagram {
        /// The socket.
        locator: LocatorId,
        /// Where to; a connection's address stands for the connection.
        to: SocketAddrV4,
        /// Payload.
        bytes: Vec<u8>,
    },
    /// Begin a connection over TLS that carries a tunnel, in place of one of this name that there may be.
    Connect {
        /// Its name.
        connection: Connection,
        /// From whose interface.
        locator: LocatorId,
        /// Where to.
        to: SocketAddrV4,
    },
    /// End a connection, without a further word about it.
    Disconnect {
        /// Which.
        connection: Connection,
    },
    /// Write an IPv4 packet to the overlay device: the kernel delivers or forwards it.
    Packet {
        /// The packet.
        bytes: Vec<u8>,
    },
    /// Send a VRRP message on a LAN to 224.0.0.18, protocol 112, TTL 255.
    Vrrp {
        /// The LAN.
        lan: LanId,
        /// What follows the IP header.
        bytes: Vec<u8>,
    },
    /// What BGP asks of its transport: `Connect`, `Send` or `Close`; never anything else.
    Bgp(bgp::Output),
    /// Add a kernel route of metric 0, replacing the node's own of the same prefix. The underlay's
    /// default has a higher metric and stays; sockets of locators are bound to their interfaces.
    AddRoute {
        /// The prefix.
        prefix: Prefix,
        /// Its device.
        via: RouteVia,
    },
    /// Remove the kernel route that was added for this prefix.
    RemoveRoute {
        /// The prefix.
        prefix: Prefix,
    },
    /// What comes from LANs and has no route but a default goes into the overlay device, and what comes back
    /// from there and has none leaves by this interface from now on, with its address (NAT).
    Exit {
        /// The interface.
        interface: InterfaceId,
    },
    /// Put a virtual address on a LAN's interface, or take it away.
    VirtualAddress {
        /// The LAN.
        lan: LanId,
        /// The address.
        address: Ipv4Addr,
        /// Whether to put or to take away.
        acquire: bool,
    },
    /// Something an operator or a log wants to know.
    Event(Event),
}

/// What happened in a node.
#[derive(Clone, Debug)]
pub enum Event {
    /// A path's first reply after silence.
    PathUp(PathId),
    /// A path gives no more replies.
    PathDown(PathId),
    /// The first path of a link came up.
    LinkUp(LinkId),
    /// The last path of a link went down.
    LinkDown(LinkId),
    /// A class, or what is of no class, goes by other paths to a neighbour than before.
    Moved(MoveView),
    /// A class gets another amount of parity on a path.
    Parity {
        /// The path.
        path: PathId,
        /// The class.
        class: ClassId,
        /// What is lost of the class's packets on the path, in parts per million, as the other side reports.
        lost_ppm: u32,
        /// The loss that the parity is made for, in parts per million; 0 is none.
        made_for_ppm: u32,
        /// Whether there is none although some are lost, since it did not help.
        is_useless: bool,
    },
    /// Packets of up to this many octets get through a path.
    PathMtu {
        /// The path.
        path: PathId,
        /// Octets of the longest packet inside the tunnel.
        octets: u16,
    },
    /// The tunnel of a path is carried another way than before.
    Carried {
        /// The path.
        path: PathId,
        /// How.
        way: Way,
    },
    /// A neighbour behind NAT now comes from another address.
    Roamed {
        /// The path.
        path: PathId,
        /// Its new remote endpoint.
        to: SocketAddrV4,
    },
    /// A virtual router became active, or stopped being it.
    Gateway {
        /// The LAN.
        lan: LanId,
        /// Whether this node is the hosts' gateway.
        active: bool,
    },
    /// A VRRP message was not considered.
    VrrpIgnored {
        /// The LAN.
        lan: LanId,
        /// Why.
        reason: crate::vrrp::Ignored,
    },
    /// What Route Server would be told reached or left the threshold or the limit of its budget.
    RouteBudget {
        /// Which one.
        attachment: Attachment,
        /// How it stands.
        level: BudgetLevel,
        /// How many routes there are to tell.
        wanted: u32,
        /// How many are told.
        told: u32,
        /// The budget.
        limit: u32,
    },
    /// Routes that do not fit the budget any more: Route Server is told neither them nor an
    /// aggregate of them.
    RoutesLeftOut {
        /// Which ones.
        prefixes: Vec<Prefix>,
    },
    /// Routes that fit the budget again.
    RoutesBack {
        /// Which ones.
        prefixes: Vec<Prefix>,
    },
    /// Something about a shortcut to another site.
    Shortcut {
        /// Its link.
        link: LinkId,
        /// Device name of the other site's node.
        partner: String,
        /// What happened.
        change: ShortcutChange,
    },
    /// Something about a BGP session.
    Bgp(bgp::Event),
}

/// What happened to a shortcut. Measurements are round-trip times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortcutChange {
    /// A hub introduced the other site, and it is being called.
    Called,
    /// It is better than the relay by the margin, and takes packets.
    Carries {
        /// By the shortcut.
        direct: Duration,
        /// By the relay.
        relay: Duration,
    },
    /// It is worse than the relay, which takes packets again.
    Relayed {
        /// By the shortcut.
        direct: Duration,
        /// By the relay.
        relay: Duration,
    },
    /// It was given up.
    Ended(ShortcutEnd),
}

/// Why a shortcut was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortcutEnd {
    /// The other site did not answer: NATs or firewalls are between the two.
    NoWay,
    /// Nothing went through it for a while.
    Idle,
    /// The hub does not introduce the other site any more.
    Withdrawn,
}
