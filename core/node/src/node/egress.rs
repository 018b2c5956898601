//! What waits for bandwidth in a node that forwards by itself, as in its forwarders once it has those.

use inet::Instant;
use inet::packet::Ipv4;
use path::PathId;
use queue::{Item, Queue};

use super::Node;
use crate::id::ClassId;
use crate::output::Output;
use crate::plane::egress::{EgressId, on_wire};
use crate::timers::Part;
use crate::view::DropReason;

/// A packet with its label, on its way into the tunnel of a path.
pub(super) struct Held {
    path: PathId,
    bytes: Vec<u8>,
    hash: u64,
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
        (path, class): (PathId, Option<ClassId>),
        packet: &[u8],
        out: &mut Vec<Output>,
    ) {
        self.counters.to_tunnels += 1;
        let bytes = self.tables.label(path, class).append(packet);
        let facts = self.tables.facts.clone();
        let id = facts.egresses.of(path);
        if facts.egresses.rate(id).is_none() {
            self.seal(now, path, &bytes, out);
            return;
        }
        let flow = Ipv4::parse(packet).map(|view| view.flow());
        let is_own = flow.is_ok_and(|flow| self.tables.is_own(flow));
        let hash = flow.map_or(0, |flow| flow.hash(facts.flow_seed));
        let class = facts.egresses.class(class, is_own);
        let settings = || Box::new(Queue::new(facts.egresses.queue(id)));
        let queue = self.held[id.index()].get_or_insert_with(settings);
        queue.push(now, class, Held { path, bytes, hash }, |_, _| {
            self.counters.drop(DropReason::Queue);
        });
        self.release(now, id, out);
    }

    /// Sends what may go now of what waits at a place.
    pub(super) fn release(&mut self, now: Instant, id: EgressId, out: &mut Vec<Output>) {
        while let Some(queue) = &mut self.held[id.index()]
            && let Some(held) = queue.pop(now, |_, _| self.counters.drop(DropReason::Queue))
        {
            self.seal(now, held.path, &held.bytes, out);
        }
        let next = self.held[id.index()]
            .as_ref()
            .and_then(|queue| queue.next());
        self.timers.set(Part::Egress(id), next);
    }
}
