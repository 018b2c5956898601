//! What waits for bandwidth in a node that forwards by itself, as in its forwarders once it has those.

use inet::Instant;
use inet::packet::Ipv4;
use path::PathId;
use queue::{Item, Queue};

use super::Node;
use crate::id::ClassId;
use crate::output::Output;
use crate::plane::egress::{EgressId, on_wire};
use crate::plane::protect::Marking;
use crate::timers::Part;
use crate::view::DropReason;

/// A packet on its way into the tunnel of a path.
pub(super) struct Held {
    pub(super) path: PathId,
    pub(super) class: Option<ClassId>,
    pub(super) bytes: Vec<u8>,
    pub(super) marking: Marking,
    hash: u64,
}

impl Held {
    pub(super) const fn new(
        (path, class): (PathId, Option<ClassId>),
        bytes: Vec<u8>,
        marking: Marking,
    ) -> Self {
        Self {
            path,
            class,
            bytes,
            marking,
            hash: 0,
        }
    }
}

impl Item for Held {
    fn octets(&self) -> usize {
        on_wire(self.bytes.len(), 1)
    }

    fn flow(&self) -> u64 {
        self.hash
    }

    fn mark(&mut self) -> bool {
        offload::tos::mark(&mut self.bytes)
    }
}

impl Node {
    /// Sends a packet as soon as the bandwidth towards its path allows.
    pub(super) fn send(
        &mut self,
        now: Instant,
        way: (PathId, Option<ClassId>),
        packet: &[u8],
        out: &mut Vec<Output>,
    ) {
        let held = Held::new(way, packet.to_vec(), Marking::Fresh);
        self.hold(now, held, out);
    }

    /// Lets a packet wait where there is a bandwidth to wait for.
    pub(super) fn hold(&mut self, now: Instant, mut held: Held, out: &mut Vec<Output>) {
        self.note_use(now, held.path, out);
        let facts = self.tables.facts.clone();
        let id = facts.egresses.of(held.path);
        if facts.egresses.rate(id).is_none() {
            self.put(now, held, out);
            return;
        }
        let flow = Ipv4::parse(&held.bytes).map(|view| view.flow());
        let is_own = held.class.is_none() && flow.is_ok_and(|flow| self.tables.is_own(flow));
        held.hash = flow.map_or(0, |flow| flow.hash(facts.flow_seed));
        let class = facts.egresses.class(held.class, is_own);
        let settings = || Box::new(Queue::new(facts.egresses.queue(id)));
        let queue = self.held[id.index()].get_or_insert_with(settings);
        queue.push(now, class, held, |_, _| {
            self.counters.drop(DropReason::Queue);
        });
        self.release(now, id, out);
    }

    /// Sends what may go now of what waits at a place.
    pub(super) fn release(&mut self, now: Instant, id: EgressId, out: &mut Vec<Output>) {
        while let Some(queue) = &mut self.held[id.index()]
            && let Some(held) = queue.pop(now, |_, _| self.counters.drop(DropReason::Queue))
        {
            self.put(now, held, out);
        }
        let next = self.held[id.index()]
            .as_ref()
            .and_then(|queue| queue.next());
        self.timers.set(Part::Egress(id), next);
    }
}
