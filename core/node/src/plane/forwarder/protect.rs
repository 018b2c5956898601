//! Protected packets in a forwarder: copies and sums on their way out, and what comes of them on the way in.

use design::plan::ProtectConfig;
use fec::Message;
use inet::Instant;
use inet::hash::mix;
use inet::packet::Ipv4;
use offload::{Offload, Segments};
use path::PathId;
use tunnel::DATA_HEADER;

use super::inbound::{Fate, Onward};
use super::outbound::inner_len;
use super::queues::Waiting;
use super::{Form, Forwarder};
use crate::id::ClassId;
use crate::plane::buffer::Buffer;
use crate::plane::change::{Punt, Punted};
use crate::plane::label::Label;
use crate::plane::protect::{Marking, Recovered};
use crate::plane::sink::{Belongs, Handed, Sink};
use crate::view::DropReason;

impl Forwarder {
    /// Where a class asks for it, lets copies of what is about to be sealed wait for another path.
    pub(super) fn copy(&mut self, now: Instant, item: &mut Waiting, sink: &mut impl Sink) {
        let protection = self.tables.protection(item.path, item.class);
        let (Some(class), ProtectConfig::Duplicate) = (item.class, protection) else {
            return;
        };
        if item.marking != Marking::Fresh {
            return;
        }
        let count = match item.form {
            Form::Packet(offload) => Segments::new(item.buffer.bytes(), offload)
                .expect("it was checked before it waited")
                .count(),
            Form::Slots { count, .. } => count,
        };
        let link = self.tables.facts.link_of(item.path);
        item.marking = self.senders.reserve(now, (link, class), count);
        let Some(second) = self.tables.second(item.path, class, item.hash) else {
            return;
        };
        for number in 0..count {
            let Some(buffer) = self.copy_of(item, number, self.tables.mtu(second)) else {
                continue;
            };
            let mut waiting = Waiting::one((second, Some(class)), buffer, item.hash);
            waiting.marking = item.marking.behind(number).second();
            self.enqueue(now, waiting, sink);
        }
    }

    /// A copy of a packet of those that wait together; `None` when it is too long or there is no buffer for it.
    fn copy_of(&mut self, item: &Waiting, number: usize, mtu: usize) -> Option<Buffer> {
        let bytes = item.buffer.bytes();
        match item.form {
            Form::Packet(offload) => {
                let segments = Segments::new(bytes, offload).ok()?;
                let len = Some(segments.len(number)).filter(|len| *len <= mtu)?;
                let mut copy = self.pool.room(len)?;
                segments.write(number, copy.room());
                copy.set_len(len);
                Some(copy)
            }
            Form::Slots { start, stride, .. } => {
                let slot = bytes.get(start + number * stride..)?;
                let len = Some(inner_len(slot)).filter(|len| *len <= mtu)?;
                self.pool.copy(slot.get(DATA_HEADER..DATA_HEADER + len)?)
            }
        }
    }

    /// Lets the sums wait that follow packets which were sealed.
    pub(super) fn send_sums(
        &mut self,
        now: Instant,
        (path, class): (PathId, Option<ClassId>),
        sink: &mut impl Sink,
    ) {
        let Some(ClassId(number)) = class else {
            return;
        };
        let flow = mix(u64::from(path.0) << 16 | u64::from(number)) & u64::from(u32::MAX);
        for packet in self.senders.settle(&self.tables, path, class) {
            let Some(buffer) = self.pool.copy(&packet) else {
                continue;
            };
            let mut waiting = Waiting::one((path, class), buffer, flow);
            waiting.marking = Marking::Bare;
            self.enqueue(now, waiting, sink);
        }
    }

    /// Closes blocks that were open for long enough.
    pub(super) fn close_blocks(&mut self, now: Instant, sink: &mut impl Sink) {
        while let Some((path, class)) = self.senders.close(now) {
            self.send_sums(now, (path, Some(class)), sink);
        }
    }

    /// Whether a packet that came out of a tunnel goes on: it did not come before. Copies go to whoever knows.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        (came_by, label, tos): (PathId, Label, u8),
        packet: &[u8],
        sink: &mut impl Sink,
    ) -> bool {
        let (Some(class), Some(mark)) = (label.class, label.mark) else {
            return true;
        };
        if mark.is_copy {
            let link = self.tables.facts.link_of(came_by);
            let owner = self.tables.owner_of_copies(link, class, mark.stream);
            if owner != self.shard {
                match self.pool.copy(packet) {
                    Some(buffer) => {
                        self.pool.lend(&buffer);
                        let copy = Belongs::Copy {
                            came_by,
                            label,
                            tos,
                            buffer,
                        };
                        sink.hand_over(owner, Handed(copy));
                    }
                    None => self.counters.drop(DropReason::Queue),
                }
                return false;
            }
        }
        let came = (came_by, class, mark);
        let is_new = self.receivers.accept(now, &self.tables, came, packet);
        self.counters.duplicates += u64::from(!is_new);
        is_new
    }

    /// A packet out of a tunnel that lies by itself.
    pub(super) fn arrive_alone(
        &mut self,
        now: Instant,
        arrived: (PathId, Label, u8),
        mut buffer: Buffer,
        sink: &mut impl Sink,
    ) {
        match self.decide(now, arrived, buffer.bytes_mut(), &mut None, sink) {
            Some(Fate::Path(Onward {
                path, class, hash, ..
            })) => {
                self.enqueue(now, Waiting::one((path, class), buffer, hash), sink);
                return;
            }
            Some(Fate::Kernel) => sink.deliver(Offload::NONE, &[buffer.bytes()]),
            Some(Fate::Shard(_)) | None => {}
        }
        self.pool.put(buffer);
    }

    /// A sum over packets, or a report about them.
    pub(super) fn on_protection(
        &mut self,
        now: Instant,
        came_by: PathId,
        view: &Ipv4<'_>,
        sink: &mut impl Sink,
    ) {
        match self.tables.protection_message(came_by, view) {
            Some(Message::Parity {
                class,
                stream,
                parity,
            }) => self
                .receivers
                .on_parity(now, came_by, (class, stream), parity),
            Some(Message::Report {
                class,
                stream,
                report,
            }) => {
                let kind = Punted::Report {
                    path: came_by,
                    class: ClassId(u16::from(class)),
                    stream,
                    report,
                };
                sink.punt(Punt { at: now, kind });
            }
            None => self.counters.drop(DropReason::StrayProbe),
        }
    }

    /// Lets packets go on that were brought back, and tells the senders what came.
    pub(super) fn bring_back(&mut self, now: Instant, sink: &mut impl Sink) {
        while let Some(Recovered {
            path,
            class,
            packet,
        }) = self.receivers.recovered()
        {
            self.counters.recovered += 1;
            if self.tables.is_own_packet(&packet) {
                self.counters.drop(DropReason::StrayProbe);
                continue;
            }
            match self.pool.copy(&packet) {
                Some(buffer) => {
                    let label = Label::of(Some(class));
                    self.arrive_alone(now, (path, label, 0), buffer, sink);
                }
                None => self.counters.drop(DropReason::Queue),
            }
        }
        while let Some((path, report)) = self.receivers.report() {
            self.send_alone(now, path, &report, sink);
        }
    }
}
