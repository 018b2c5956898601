//! Into tunnels: what the kernel sends waits in the queue of its path, is cut into packets and sealed.

use inet::Instant;
use inet::packet::Ipv4;
use offload::{Offload, Segmentation, Segments, tos};
use path::PathId;
use tunnel::{DATA_HEADER, Sealer, Unready};

use super::batch::{Batch, OCTETS_MAX, SEGMENTS_MAX, Towards};
use super::{Form, Forwarder, Waiting};
use crate::id::{ClassId, LocatorId};
use crate::plane::buffer::{Buffer, Pool};
use crate::plane::egress::on_wire;
use crate::plane::fragment;
use crate::plane::protect::{Marker, Marking};
use crate::plane::sink::{Belongs, Handed, Sink, Transmit};
use crate::plane::tables::Verdict;
use crate::view::DropReason;

impl Forwarder {
    /// A (super-)packet of the kernel, which it routed to the overlay device. It is sent by [`Forwarder::run`].
    pub fn from_kernel(
        &mut self,
        now: Instant,
        mut buffer: Buffer,
        mut offload: Offload,
        sink: &mut impl Sink,
    ) {
        if offload.segmentation == Segmentation::None {
            let is_whole = offload::complete(buffer.bytes_mut(), offload).is_ok();
            offload = Offload::NONE;
            if !is_whole {
                self.counters.drop(DropReason::Malformed);
                self.pool.put(buffer);
                return;
            }
        }
        let (segments, view) = (
            Segments::new(buffer.bytes(), offload),
            Ipv4::parse(buffer.bytes()),
        );
        let (Ok(segments), Ok(view)) = (segments, view) else {
            self.counters.drop(DropReason::Malformed);
            self.pool.put(buffer);
            return;
        };
        let (count, longest) = (segments.count(), segments.longest());
        self.counters.from_kernel += count as u64;
        let flow = view.flow();
        let hash = flow.hash(self.tables.facts.flow_seed);
        let (path, class) = match self.recent.outbound(&self.tables, &view, flow, hash) {
            Verdict::Path(path, class) => (path, class),
            Verdict::Breakout => {
                self.counters.to_kernel += count as u64;
                sink.deliver(offload, &[buffer.bytes()]);
                self.pool.put(buffer);
                return;
            }
            Verdict::Kernel => {
                debug_assert!(false, "the kernel's packets do not go back");
                self.pool.put(buffer);
                return;
            }
            Verdict::Drop(reason) => {
                self.refuse(now, reason, buffer.bytes(), (None, 0), sink);
                self.pool.put(buffer);
                return;
            }
        };
        self.sight(now, (None, Some(path)), sink);
        let mtu = self.tables.room(path, class);
        if longest > mtu {
            let packet = buffer.bytes();
            self.send_pieces(now, (path, class), packet, hash, (count > 1, None), sink);
            self.pool.put(buffer);
            return;
        }
        if offload.segmentation == Segmentation::None {
            offload::clamp_mss(buffer.bytes_mut(), mtu as u16);
        }
        let octets = on_wire(buffer.bytes().len(), count);
        let buffer = self.shrink(buffer);
        self.enqueue(
            now,
            Waiting {
                path,
                class,
                buffer,
                form: Form::Packet(offload),
                hash,
                marking: Marking::Fresh,
                octets,
            },
            sink,
        );
    }

    /// Sends what waits, as much as may go and for not longer than others can bear. `true` when more can go at once.
    pub fn run(&mut self, now: Instant, sink: &mut impl Sink) -> bool {
        for lanes in &mut self.lanes {
            if lanes.wake().is_some_and(|at| at <= now) {
                lanes.tick(now);
            }
        }
        self.close_blocks(now, sink);
        let (mut budget, mut turn, mut blocked) = (BUDGET, TURN, 0);
        while blocked < self.turns.len() && budget > 0 {
            let id = self.turns[0];
            let item = match sink.has_room(self.tables.facts.egresses.locator(id)) {
                true => self.dequeue(now, id),
                false => None,
            };
            let is_empty = self.queue(id).is_none_or(queue::Queue::is_empty);
            let is_over = match &item {
                Some(item) => {
                    blocked = 0;
                    budget = budget.saturating_sub(item.octets);
                    turn = turn.saturating_sub(item.octets);
                    turn == 0
                }
                None => {
                    blocked += usize::from(!is_empty);
                    true
                }
            };
            if is_empty {
                self.turns.pop_front();
            } else if is_over {
                self.turns.rotate_left(1);
            }
            if is_empty || is_over {
                turn = TURN;
            }
            if let Some(item) = item {
                self.send(now, item, sink);
            }
        }
        self.batch.send(sink);
        self.tell(now, sink);
        blocked < self.turns.len()
    }

    /// Seals what waited and sends it, or lets it go where it can be sealed.
    pub(super) fn send(&mut self, now: Instant, mut item: Waiting, sink: &mut impl Sink) {
        let locator = self.tables.facts.locator_of(item.path);
        let peer = self.tables.facts.peer_of[item.path.0 as usize];
        self.copy(now, &mut item, sink);
        let way = (item.path, item.class);
        let hash = self.tables.lane_hash(item.path, item.class, item.hash);
        let lanes = &mut self.lanes[locator.index()];
        let unready = match lanes.sealer(now, peer, hash) {
            Ok(sealer) => {
                let bytes = item.buffer.bytes_mut();
                let marker = self.senders.marker(now, &self.tables, way, item.marking);
                let count = match item.form {
                    Form::Packet(offload) => {
                        let packet = (&*bytes, offload, marker);
                        seal_packet(locator, sealer, packet, &mut self.batch, sink)
                    }
                    Form::Slots {
                        start,
                        stride,
                        count,
                    } => {
                        let end = (start + count * stride).min(bytes.len());
                        let slots = (&mut bytes[start..end], stride, marker);
                        seal_slots(locator, sealer, slots, &mut self.batch, sink)
                    }
                };
                item.marking.count(count, &mut self.counters);
                None
            }
            Err(unready) => Some(unready),
        };
        let Some(unready) = unready else {
            self.pool.put(item.buffer);
            self.send_sums(now, way, sink);
            return;
        };
        match (unready, item.form) {
            (Unready::Elsewhere(shard), _) => {
                self.pool.lend(&item.buffer);
                sink.hand_over(shard, Handed(Belongs::Packets(item)));
                return;
            }
            (Unready::NoKeys, Form::Packet(Offload::NONE)) if !item.marking.is_second() => {
                let mut marker = self.senders.marker(now, &self.tables, way, item.marking);
                let label = marker.label(item.buffer.bytes());
                let lanes = &mut self.lanes[locator.index()];
                lanes.hold(now, peer, &label.append(item.buffer.bytes()));
            }
            (Unready::NoKeys | Unready::Unreachable, _) => {
                self.counters.drop(DropReason::NoSession);
            }
        }
        self.pool.put(item.buffer);
        self.send_sums(now, way, sink);
    }

    /// Sends a packet of the node's own at once, before all that waits.
    pub(super) fn send_alone(
        &mut self,
        now: Instant,
        path: PathId,
        packet: &[u8],
        sink: &mut impl Sink,
    ) {
        let locator = self.tables.facts.locator_of(path);
        let peer = self.tables.facts.peer_of[path.0 as usize];
        let lanes = &mut self.lanes[locator.index()];
        let unready = match lanes.sealer(now, peer, 0) {
            Ok(sealer) => {
                seal_packet(
                    locator,
                    sealer,
                    (packet, Offload::NONE, Marker::none(now)),
                    &mut self.batch,
                    sink,
                );
                self.batch.send(sink);
                return;
            }
            Err(unready) => unready,
        };
        match unready {
            Unready::Elsewhere(shard) => {
                if let Some(buffer) = self.pool.copy(packet) {
                    self.pool.lend(&buffer);
                    let waiting = Waiting::one((path, None), buffer, 0);
                    sink.hand_over(shard, Handed(Belongs::Packets(waiting)));
                }
            }
            Unready::NoKeys => lanes.hold(now, peer, packet),
            Unready::Unreachable => self.counters.drop(DropReason::NoSession),
        }
    }

    /// A packet that is too long for its path: in fragments where it allows that, refused otherwise.
    pub(super) fn send_pieces(
        &mut self,
        now: Instant,
        (path, class): (PathId, Option<ClassId>),
        packet: &[u8],
        hash: u64,
        (is_super, came_by): (bool, Option<PathId>),
        sink: &mut impl Sink,
    ) {
        let mtu = self.tables.room(path, class);
        let Ok(view) = Ipv4::parse(packet) else {
            return;
        };
        if is_super || view.must_not_fragment() {
            self.refuse(now, DropReason::TooBig, packet, (came_by, mtu), sink);
            return;
        }
        for fragment in fragment::fragments(&view, mtu) {
            let Some(buffer) = self.pool.copy(&fragment) else {
                self.counters.drop(DropReason::Queue);
                continue;
            };
            self.enqueue(now, Waiting::one((path, class), buffer, hash), sink);
        }
    }

    /// A short packet moves to a short buffer, as long as there are some.
    fn shrink(&mut self, buffer: Buffer) -> Buffer {
        if !Pool::is_wasteful(&buffer) {
            return buffer;
        }
        match self.pool.copy(buffer.bytes()) {
            Some(small) => {
                self.pool.put(buffer);
                small
            }
            None => buffer,
        }
    }
}

/// Cuts a packet and seals the parts into a batch; how many there were.
fn seal_packet(
    locator: LocatorId,
    mut sealer: Sealer<'_>,
    (packet, offload, mut marker): (&[u8], Offload, Marker<'_>),
    batch: &mut Batch,
    sink: &mut impl Sink,
) -> usize {
    let towards = towards(locator, &sealer, packet);
    let segments = Segments::new(packet, offload).expect("it was checked before it waited");
    let count = segments.count();
    for number in 0..count {
        let len = segments.len(number);
        let labelled = len + marker.len();
        let slot = batch.slot(towards, sealer.sealed_len(labelled), sink);
        segments.write(number, &mut slot[DATA_HEADER..]);
        marker.write(&mut slot[DATA_HEADER..], len);
        sealer.seal(slot, labelled);
    }
    count
}

/// Seals packets where they lie, as long as that makes datagrams of one length; how many there were.
fn seal_slots(
    locator: LocatorId,
    mut sealer: Sealer<'_>,
    (bytes, stride, mut marker): (&mut [u8], usize, Marker<'_>),
    batch: &mut Batch,
    sink: &mut impl Sink,
) -> usize {
    let towards = towards(locator, &sealer, &bytes[DATA_HEADER..]);
    let count = bytes.len().div_ceil(stride);
    let fits = |(number, slot): (usize, &[u8])| {
        let sealed = sealer.sealed_len(inner_len(slot) + marker.len());
        sealed == stride || number + 1 == count && sealed <= slot.len()
    };
    if count > SEGMENTS_MAX
        || bytes.len() > OCTETS_MAX
        || !bytes.chunks(stride).enumerate().all(fits)
    {
        for slot in bytes.chunks(stride) {
            let len = inner_len(slot);
            let labelled = len + marker.len();
            let room = batch.slot(towards, sealer.sealed_len(labelled), sink);
            room[DATA_HEADER..DATA_HEADER + len]
                .copy_from_slice(&slot[DATA_HEADER..DATA_HEADER + len]);
            marker.write(&mut room[DATA_HEADER..], len);
            sealer.seal(room, labelled);
        }
        return count;
    }
    batch.send(sink);
    let sealed = bytes.chunks_mut(stride).map(|slot| {
        let len = inner_len(slot);
        marker.write(&mut slot[DATA_HEADER..], len);
        sealer.seal(slot, len + marker.len())
    });
    let filled = sealed.sum();
    sink.transmit(Transmit {
        locator,
        to: towards.to,
        tos: towards.tos,
        bytes: &bytes[..filled],
        segment: stride.min(filled),
    });
    count
}

/// Where the datagrams of a packet go, and those that are like it.
fn towards(locator: LocatorId, sealer: &Sealer<'_>, packet: &[u8]) -> Towards {
    Towards {
        locator,
        to: sealer.to(),
        tos: tos::encapsulate(tos::get(packet), SERVICE),
    }
}

/// Octets of the IPv4 packet in a slot; it was checked when it came out of its tunnel.
pub(super) fn inner_len(slot: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([
        slot[DATA_HEADER + 2],
        slot[DATA_HEADER + 3],
    ]))
}

/// What routers of the underlay see of the service class.
const SERVICE: tos::Service = tos::Service::Copied;
/// Octets that are sent before what has arrived meanwhile is looked at.
const BUDGET: usize = 4 * 65_536;
/// Octets that a path sends before the others have their turn.
const TURN: usize = 65_536;
