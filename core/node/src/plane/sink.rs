//! Where what a forwarder decides goes: the machine's devices, the control half, other forwarders.

use core::net::SocketAddrV4;

use offload::Offload;
use path::PathId;

use super::buffer::Buffer;
use super::change::{Notice, Punt};
use super::forwarder::Waiting;
use super::label::Label;
use crate::id::LocatorId;

/// Takes what a forwarder gives, at once and in order.
pub trait Sink {
    /// Whether a locator's socket takes datagrams now. While it does not, packets wait in the queues of its paths.
    fn has_room(&self, locator: LocatorId) -> bool;

    /// Sends datagrams.
    fn transmit(&mut self, batch: Transmit<'_>);

    /// Gives a packet, or a super-packet, to the kernel. The parts lie one behind the other.
    fn deliver(&mut self, offload: Offload, parts: &[&[u8]]);

    /// Passes something to the control half. May be dropped when too much waits there.
    fn punt(&mut self, punt: Punt);

    /// Tells the control half what was noticed. Never dropped: what one forwarder can have to tell is bounded.
    fn notice(&mut self, notice: Notice);

    /// Passes something to the forwarder that it belongs to. May be dropped when too much waits there.
    fn hand_over(&mut self, shard: usize, handed: Handed);
}

/// Datagrams to one place, all of `segment` octets but the last, which may be shorter.
#[derive(Clone, Copy, Debug)]
pub struct Transmit<'a> {
    /// The socket.
    pub locator: LocatorId,
    /// Where to.
    pub to: SocketAddrV4,
    /// The type of service of the packets around them.
    pub tos: u8,
    /// One datagram behind the other; at most 64, at most 65,507 octets.
    pub bytes: &'a [u8],
    /// Octets of each but the last.
    pub segment: usize,
}

/// What belongs to another forwarder. It owns its buffer, which ends in the pool of the one that gets it.
#[derive(Debug)]
pub struct Handed(pub(crate) Belongs);

impl Handed {
    /// Datagrams that came over a connection, at most 65,536 octets, all of `segment` octets but the last: for any
    /// forwarder.
    pub fn carried(
        locator: LocatorId,
        from: SocketAddrV4,
        datagrams: &[u8],
        segment: usize,
    ) -> Self {
        Self(Belongs::Datagrams {
            locator,
            from,
            tos: 0,
            buffer: Buffer::of(datagrams),
            segment,
        })
    }
}

/// Why it belongs there.
#[derive(Debug)]
pub(crate) enum Belongs {
    /// Datagrams of lanes that the other one owns.
    Datagrams {
        locator: LocatorId,
        from: SocketAddrV4,
        tos: u8,
        buffer: Buffer,
        segment: usize,
    },
    /// Packets for a tunnel of which the other one owns the only lane.
    Packets(Waiting),
    /// A packet that was sent by two paths and came by this one: the other one knows whether it came before.
    Copy {
        came_by: PathId,
        label: Label,
        tos: u8,
        buffer: Buffer,
    },
}
