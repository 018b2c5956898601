//! What waits in a forwarder: each packet where its [egress](crate::plane::egress) is, in pieces short enough for it.

use inet::Instant;
use inet::packet::Ipv4;
use offload::{Offload, Segments};
use path::PathId;
use queue::{Class, Dropped, Item, Queue};
use tunnel::DATA_HEADER;

use super::{Form, Forwarder};
use crate::id::ClassId;
use crate::plane::buffer::{Buffer, Pool};
use crate::plane::egress::{EgressId, on_wire};
use crate::plane::protect::Marking;
use crate::plane::sink::{Belongs, Handed, Sink};
use crate::view::{Counters, DropReason};

/// What waits: a (super-)packet of the kernel, or datagrams of another tunnel, opened where they lie.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) path: PathId,
    pub(crate) class: Option<ClassId>,
    pub(crate) buffer: Buffer,
    pub(crate) form: Form,
    pub(crate) hash: u64,
    pub(crate) marking: Marking,
    /// Octets that it takes on the wire, about.
    pub(super) octets: usize,
}

impl Waiting {
    /// A packet by itself.
    pub(super) fn one((path, class): (PathId, Option<ClassId>), buffer: Buffer, hash: u64) -> Self {
        Self {
            path,
            class,
            octets: on_wire(buffer.bytes().len(), 1),
            buffer,
            form: Form::Packet(Offload::NONE),
            hash,
            marking: Marking::Fresh,
        }
    }

    /// Whether there is nothing to be cut.
    fn is_one(&self) -> bool {
        match self.form {
            Form::Packet(offload) => {
                Segments::new(self.buffer.bytes(), offload).is_ok_and(|all| all.count() == 1)
            }
            Form::Slots { count, .. } => count == 1,
        }
    }

    /// Its first packet.
    fn first(&self) -> &[u8] {
        let bytes = self.buffer.bytes();
        match self.form {
            Form::Packet(_) => bytes,
            Form::Slots { start, .. } => bytes.get(start + DATA_HEADER..).unwrap_or_default(),
        }
    }
}

impl Item for Waiting {
    fn octets(&self) -> usize {
        self.octets
    }

    fn flow(&self) -> u64 {
        self.hash
    }

    fn mark(&mut self) -> bool {
        let bytes = self.buffer.bytes_mut();
        match self.form {
            Form::Packet(_) => offload::tos::mark(bytes),
            Form::Slots {
                start,
                stride,
                count,
            } => (0..count).all(|number| {
                let at = start + number * stride + DATA_HEADER;
                bytes.get_mut(at..).is_some_and(offload::tos::mark)
            }),
        }
    }
}

impl Forwarder {
    /// Lets a packet wait for its path; a bandwidth has one queue, whichever forwarder a packet is with.
    pub(super) fn enqueue(&mut self, now: Instant, waiting: Waiting, sink: &mut impl Sink) {
        self.note_use(now, waiting.path);
        let egresses = &self.tables.facts.egresses;
        let id = egresses.of(waiting.path);
        if let Some(owner) = self.owner(id).filter(|owner| *owner != self.shard) {
            self.pool.lend(&waiting.buffer);
            sink.hand_over(owner, Handed(Belongs::Packets(waiting)));
            return;
        }
        match egresses.piece(id) {
            Some(piece) if waiting.octets > piece && !waiting.is_one() => {
                self.push_pieces(now, id, piece, waiting);
            }
            _ => self.push(now, id, waiting),
        }
    }

    /// Whose queue shapes a bandwidth; `None` where nothing is shaped.
    pub(super) fn owner(&self, id: EgressId) -> Option<usize> {
        let facts = &self.tables.facts;
        facts.egresses.rate(id)?;
        Some(id.index() % usize::from(facts.settings.forwarding.threads))
    }

    fn push(&mut self, now: Instant, id: EgressId, waiting: Waiting) {
        let class = self.class_at(id, &waiting);
        let Self {
            tables,
            queues,
            pool,
            counters,
            turns,
            ..
        } = self;
        let settings = || Box::new(Queue::new(tables.facts.egresses.queue(id)));
        let queue = queues[id.index()].get_or_insert_with(settings);
        if queue.is_empty() {
            turns.push_back(id);
        }
        queue.push(now, class, waiting, |lost, why| {
            lose(pool, counters, lost, why);
        });
    }

    /// The overlay's own is looked for only where something is shaped.
    fn class_at(&self, id: EgressId, waiting: &Waiting) -> Class {
        let egresses = &self.tables.facts.egresses;
        let is_own = waiting.class.is_none()
            && egresses.rate(id).is_some()
            && Ipv4::parse(waiting.first()).is_ok_and(|view| self.tables.is_own(view.flow()));
        egresses.class(waiting.class, is_own)
    }

    /// Lets a super-packet or a long batch wait in pieces, so that it does not hold others up on the wire.
    fn push_pieces(&mut self, now: Instant, id: EgressId, piece: usize, waiting: Waiting) {
        let Waiting {
            path,
            class,
            buffer,
            form,
            hash,
            marking,
            ..
        } = waiting;
        match form {
            Form::Packet(offload) => {
                let segments = Segments::new(buffer.bytes(), offload);
                let segments = segments.expect("it was checked before it waited");
                for number in 0..segments.count() {
                    let Some(mut part) = self.pool.room(segments.len(number)) else {
                        self.counters.drop(DropReason::Queue);
                        continue;
                    };
                    let len = segments.write(number, part.room());
                    part.set_len(len);
                    let mut part = Waiting::one((path, class), part, hash);
                    part.marking = marking.behind(number);
                    self.push(now, id, part);
                }
            }
            Form::Slots {
                start,
                stride,
                count,
            } => {
                let end = (start + count * stride).min(buffer.bytes().len());
                let at_once = (piece / stride).max(1);
                let pieces = buffer.bytes()[start..end].chunks(at_once * stride);
                for (number, slots) in pieces.enumerate() {
                    let count = slots.len().div_ceil(stride);
                    let Some(part) = self.pool.copy(slots) else {
                        self.counters.drop(DropReason::Queue);
                        continue;
                    };
                    let waiting = Waiting {
                        path,
                        class,
                        octets: on_wire(slots.len(), count),
                        buffer: part,
                        form: Form::Slots {
                            start: 0,
                            stride,
                            count,
                        },
                        hash,
                        marking: marking.behind(number * at_once),
                    };
                    self.push(now, id, waiting);
                }
            }
        }
        self.pool.put(buffer);
    }

    pub(super) fn queue(&self, id: EgressId) -> Option<&Queue<Waiting>> {
        self.queues.get(id.index())?.as_deref()
    }

    pub(super) fn dequeue(&mut self, now: Instant, id: EgressId) -> Option<Waiting> {
        let Self {
            queues,
            pool,
            counters,
            ..
        } = self;
        let queue = queues.get_mut(id.index())?.as_deref_mut()?;
        queue.pop(now, |lost, why| lose(pool, counters, lost, why))
    }
}

/// Counts what a queue let go of, and takes its buffer back.
fn lose(pool: &mut Pool, counters: &mut Counters, lost: Waiting, _why: Dropped) {
    counters.drop(DropReason::Queue);
    pool.put(lost.buffer);
}
