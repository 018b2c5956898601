//! What is under way: packets on their way to somewhere, and decisions on their way to the NICs.

use core::cmp::{Ordering, Reverse};
use core::net::Ipv4Addr;
use std::collections::BinaryHeap;

use inet::{Instant, Prefix};

use super::topology::{AttachmentId, NicId, WireEndId};
use super::{ForwarderId, InstanceId, PortId};

/// Packets under way at one time; one more is dropped with a reason. At 200,000 packets a second
/// and 300 ms it is reached at a fifteenth.
pub(crate) const IN_FLIGHT_MAX: usize = 1 << 20;

/// Something that happens later.
#[derive(Debug)]
pub(crate) enum Event {
    /// A packet reaches a NIC.
    Nic { nic: NicId, bytes: Vec<u8> },
    /// A packet leaves a cloud towards a site's access link.
    CloudExit {
        attachment: AttachmentId,
        bytes: Vec<u8>,
    },
    /// A packet reaches a site through its access link.
    Site {
        attachment: AttachmentId,
        bytes: Vec<u8>,
    },
    /// A packet reaches an interface on a LAN.
    Lan { port: PortId, bytes: Vec<u8> },
    /// A packet reaches an end of a point-to-point link.
    Wire { end: WireEndId, bytes: Vec<u8> },
    /// A packet from a public address reaches an MSEE.
    Forwarder {
        forwarder: ForwarderId,
        bytes: Vec<u8>,
    },
    /// A decision of an instance reaches the NICs.
    Program {
        instance: InstanceId,
        epoch: u32,
        prefix: Prefix,
        next_hops: Vec<Ipv4Addr>,
    },
    /// The NICs of an instance that stopped go to the others.
    Takeover { instance: InstanceId, epoch: u32 },
}

/// Events by time, and in the order of their making at the same time.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    heap: BinaryHeap<Reverse<Entry>>,
    made: u64,
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    sequence: u64,
    event: Event,
}

impl Schedule {
    pub(crate) fn is_full(&self) -> bool {
        self.heap.len() >= IN_FLIGHT_MAX
    }

    pub(crate) fn push(&mut self, at: Instant, event: Event) {
        let sequence = self.made;
        self.made += 1;
        self.heap.push(Reverse(Entry {
            at,
            sequence,
            event,
        }));
    }

    /// The next event that is due, with its own time.
    pub(crate) fn due(&mut self, now: Instant) -> Option<(Instant, Event)> {
        if self.next()? > now {
            return None;
        }
        self.heap
            .pop()
            .map(|Reverse(entry)| (entry.at, entry.event))
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}
