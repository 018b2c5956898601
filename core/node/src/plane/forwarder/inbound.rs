//! Out of tunnels: a batch of datagrams is opened where it lies; what is for the kernel is joined to super-packets, what
//! is for another tunnel stays in its slots, and what another shard owns is handed over.

use std::net::SocketAddrV4;

use inet::packet::{self, Ipv4};
use inet::{FiveTuple, Instant};
use offload::{Joined, Offload, Run, tos};
use path::PathId;
use tunnel::{Opened, TAG};

use super::{Form, Forwarder, Waiting};
use crate::id::{ClassId, LocatorId};
use crate::plane::buffer::Buffer;
use crate::plane::change::{Punt, Punted};
use crate::plane::egress::on_wire;
use crate::plane::label::Label;
use crate::plane::probe::Probe;
use crate::plane::protect::Marking;
use crate::plane::sink::{Belongs, Handed, Sink};
use crate::plane::tables::Verdict;
use crate::view::DropReason;

/// A datagram of a batch that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// Its place in the batch.
    slot: usize,
    /// Where in the buffer the packet lies.
    start: usize,
    end: usize,
    fate: Fate,
}

/// Where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kernel,
    /// Into another tunnel.
    Path(Onward),
    Shard(usize),
}

/// How packets go into another tunnel: those of a batch share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Onward {
    pub(super) path: PathId,
    pub(super) class: Option<ClassId>,
    /// Of the flow.
    pub(super) hash: u64,
    /// Type of service, which the packets around them get.
    tos: u8,
}

/// The last decision of a batch, for the packets of the same flow behind it.
pub(super) struct Last {
    came_by: PathId,
    flow: FiveTuple,
    tos: u8,
    class: Option<ClassId>,
    fate: Fate,
}

/// Slots that go the same way.
struct Group {
    fate: Fate,
    first: usize,
    count: usize,
}

impl Forwarder {
    /// A batch of datagrams, all of `segment` octets but the last, from one sender with the type of service that they
    /// arrived with.
    pub fn from_underlay(
        &mut self,
        now: Instant,
        locator: LocatorId,
        (from, outer): (SocketAddrV4, u8),
        mut buffer: Buffer,
        segment: usize,
        sink: &mut impl Sink,
    ) {
        if self.lanes.len() <= locator.index() {
            self.pool.put(buffer);
            return;
        }
        let stride = segment.max(1);
        let mut arrivals = core::mem::take(&mut self.arrivals);
        let mut last = None;
        let datagrams = buffer.bytes_mut().chunks_mut(stride);
        for (slot, datagram) in datagrams.enumerate() {
            let (fate, range) = match self.lanes[locator.index()].open(now, from, datagram) {
                Opened::Packet(peer, range) => {
                    let peers = &self.tables.facts.peers[locator.index()];
                    let Some(path) = peers.get(peer.0 as usize).copied() else {
                        continue;
                    };
                    let end = datagram.len() - TAG;
                    let label = self.tables.label_behind(path, &datagram[range.end..end]);
                    let packet = &mut datagram[range.clone()];
                    let arrived = (path, label, outer);
                    let Some(fate) = self.decide(now, arrived, packet, &mut last, sink) else {
                        continue;
                    };
                    (fate, range)
                }
                Opened::Elsewhere(shard) => (Fate::Shard(shard), 0..datagram.len()),
                Opened::Handshake => {
                    let kind = Punted::Handshake {
                        locator,
                        from,
                        bytes: datagram.to_vec(),
                    };
                    sink.punt(Punt { at: now, kind });
                    continue;
                }
                Opened::Nothing => continue,
            };
            arrivals.push(Arrival {
                slot,
                start: slot * stride + range.start,
                end: slot * stride + range.end,
                fate,
            });
        }
        deliver(&arrivals, buffer.bytes(), sink);
        self.pass_on(
            now,
            locator,
            (from, outer),
            buffer,
            (&arrivals, stride),
            sink,
        );
        arrivals.clear();
        self.arrivals = arrivals;
        self.bring_back(now, sink);
        self.tell(now, sink);
    }

    /// Where a packet goes that came out of a path's tunnel; `None` when it ends here.
    pub(super) fn decide(
        &mut self,
        now: Instant,
        (came_by, label, outer): (PathId, Label, u8),
        packet: &mut [u8],
        last: &mut Option<Last>,
        sink: &mut impl Sink,
    ) -> Option<Fate> {
        if !self.accept(now, (came_by, label, outer), packet, sink) {
            return None;
        }
        let inner = tos::get(packet);
        let Some(tos) = tos::decapsulate(inner, outer) else {
            self.counters.drop(DropReason::Congestion);
            return None;
        };
        if tos != inner {
            tos::set(packet, tos);
        }
        let Ok(view) = Ipv4::parse(packet) else {
            self.counters.drop(DropReason::Malformed);
            return None;
        };
        let (flow, len, ttl) = (view.flow(), view.bytes().len(), view.ttl());
        let known = last.as_ref().filter(|last| {
            (last.flow, last.tos, last.came_by) == (flow, tos, came_by)
                && last.class == label.class
                && ttl > 1
        });
        let fate = match known {
            Some(last) => {
                self.counters.from_tunnels += 1;
                last.fate
            }
            None => {
                if self.tables.is_probe(&view) {
                    self.answer(now, came_by, packet, sink);
                    return None;
                }
                if self.tables.is_protection(&view) {
                    self.on_protection(now, came_by, &view, sink);
                    return None;
                }
                self.counters.from_tunnels += 1;
                self.note_use(now, came_by);
                match self.tables.inbound(came_by, &view, label) {
                    Verdict::Kernel => {
                        self.hear(now, &view, sink);
                        Fate::Kernel
                    }
                    Verdict::Path(path, class) => Fate::Path(Onward {
                        path,
                        class,
                        hash: flow.hash(self.tables.facts.flow_seed),
                        tos,
                    }),
                    Verdict::Breakout => {
                        debug_assert!(false, "only what comes from the kernel breaks out");
                        return None;
                    }
                    Verdict::Drop(reason) => {
                        self.refuse(now, reason, packet, (Some(came_by), 0), sink);
                        return None;
                    }
                }
            }
        };
        // ICMP errors may come from where other ICMP may not, and their flow does not tell them apart. Every answer of
        // DNS is heard.
        if flow.protocol != packet::ICMP && !self.tables.is_answer(&view) {
            *last = Some(Last {
                came_by,
                flow,
                tos,
                class: label.class,
                fate,
            });
        }
        self.prepare(now, (came_by, label.class, fate), packet, len, sink)
            .then_some(fate)
    }

    /// Passes on what classes learn from a packet for the kernel.
    fn hear(&self, now: Instant, view: &Ipv4<'_>, sink: &mut impl Sink) {
        if let Some(heard) = self.tables.heard(view) {
            let kind = Punted::Names(heard);
            sink.punt(Punt { at: now, kind });
        }
    }

    /// Changes a packet of so many octets as its way needs; `false` when it does not go on as it lies.
    fn prepare(
        &mut self,
        now: Instant,
        (came_by, class, fate): (PathId, Option<ClassId>, Fate),
        packet: &mut [u8],
        len: usize,
        sink: &mut impl Sink,
    ) -> bool {
        let to = match fate {
            Fate::Path(onward) => Some(onward.path),
            Fate::Kernel | Fate::Shard(_) => None,
        };
        self.sight(now, (Some(came_by), to), sink);
        match fate {
            Fate::Kernel => {
                self.counters.to_kernel += 1;
                let mtu = self.tables.room(came_by, class);
                offload::clamp_mss(packet, mtu as u16);
            }
            Fate::Path(onward) => {
                let mtu = self.tables.room(onward.path, onward.class);
                if len > mtu {
                    self.relay_pieces(now, came_by, onward, packet, sink);
                    return false;
                }
                let is_alive = packet::decrement_ttl(packet);
                debug_assert!(is_alive, "the TTL was checked before the path was chosen");
                offload::clamp_mss(packet, mtu as u16);
                self.counters.relayed += 1;
            }
            Fate::Shard(_) => {}
        }
        true
    }

    /// A probe is answered by the path it came by; a reply is for the control half.
    fn answer(&mut self, now: Instant, came_by: PathId, packet: &[u8], sink: &mut impl Sink) {
        let Ok(view) = Ipv4::parse(packet) else {
            return;
        };
        match self.tables.probe(now, came_by, &view) {
            Probe::Reflect(reply) => self.send_alone(now, came_by, &reply, sink),
            Probe::Reply(payload) => {
                let kind = Punted::Reply {
                    path: came_by,
                    payload: payload.to_vec(),
                };
                sink.punt(Punt { at: now, kind });
            }
            Probe::Stray => self.counters.drop(DropReason::StrayProbe),
        }
    }

    fn relay_pieces(
        &mut self,
        now: Instant,
        came_by: PathId,
        onward: Onward,
        packet: &mut [u8],
        sink: &mut impl Sink,
    ) {
        let may_cut = Ipv4::parse(packet).is_ok_and(|view| !view.must_not_fragment());
        if may_cut {
            packet::decrement_ttl(packet);
            self.counters.relayed += 1;
        }
        let Onward {
            path, class, hash, ..
        } = onward;
        self.send_pieces(
            now,
            (path, class),
            packet,
            hash,
            (false, Some(came_by)),
            sink,
        );
    }

    /// Lets go on what is not for the kernel. The last group of slots takes the buffer with it, others a copy.
    fn pass_on(
        &mut self,
        now: Instant,
        locator: LocatorId,
        from: (SocketAddrV4, u8),
        buffer: Buffer,
        (arrivals, stride): (&[Arrival], usize),
        sink: &mut impl Sink,
    ) {
        let mut group: Option<Group> = None;
        for arrival in arrivals.iter().filter(|one| one.fate != Fate::Kernel) {
            if let Some(group) = &mut group
                && group.fate == arrival.fate
                && group.first + group.count == arrival.slot
            {
                group.count += 1;
                continue;
            }
            let next = Group {
                fate: arrival.fate,
                first: arrival.slot,
                count: 1,
            };
            if let Some(Group { fate, first, count }) = group.replace(next) {
                let bytes = buffer.bytes();
                let end = ((first + count) * stride).min(bytes.len());
                match self.pool.copy(&bytes[first * stride..end]) {
                    Some(copy) => {
                        let group = Group {
                            fate,
                            first: 0,
                            count,
                        };
                        self.go_on(now, locator, from, copy, (group, stride), sink);
                    }
                    None => self.counters.drop(DropReason::Queue),
                }
            }
        }
        match group {
            Some(group) => self.go_on(now, locator, from, buffer, (group, stride), sink),
            None => self.pool.put(buffer),
        }
    }

    fn go_on(
        &mut self,
        now: Instant,
        locator: LocatorId,
        (from, tos): (SocketAddrV4, u8),
        mut buffer: Buffer,
        (group, stride): (Group, usize),
        sink: &mut impl Sink,
    ) {
        let Group { fate, first, count } = group;
        match fate {
            Fate::Path(Onward {
                path, class, hash, ..
            }) => {
                let octets = on_wire((count * stride).min(buffer.bytes().len()), count);
                self.enqueue(
                    now,
                    Waiting {
                        path,
                        class,
                        buffer,
                        form: Form::Slots {
                            start: first * stride,
                            stride,
                            count,
                        },
                        hash,
                        marking: Marking::Fresh,
                        octets,
                    },
                    sink,
                );
            }
            Fate::Shard(shard) => {
                let end = ((first + count) * stride).min(buffer.bytes().len());
                buffer.set_len(end);
                if first > 0 {
                    buffer.bytes_mut().copy_within(first * stride.., 0);
                    buffer.set_len(end - first * stride);
                }
                self.pool.lend(&buffer);
                sink.hand_over(
                    shard,
                    Handed(Belongs::Datagrams {
                        locator,
                        from,
                        tos,
                        buffer,
                        segment: stride,
                    }),
                );
            }
            Fate::Kernel => self.pool.put(buffer),
        }
    }
}

/// Gives the kernel what is for it, consecutive packets of a flow as one.
fn deliver(arrivals: &[Arrival], bytes: &[u8], sink: &mut impl Sink) {
    let packet = |arrival: &Arrival| &bytes[arrival.start..arrival.end];
    let mut rest = arrivals
        .iter()
        .filter(|one| one.fate == Fate::Kernel)
        .peekable();
    while let Some(arrival) = rest.next() {
        let first = packet(arrival);
        let Some(mut run) = Run::start(first) else {
            sink.deliver(Offload::NONE, &[first]);
            continue;
        };
        let mut parts: [&[u8]; PARTS_MAX] = [&[]; PARTS_MAX];
        let headers = run.header().0.len();
        parts[1] = &first[headers..];
        let mut count = 2;
        while count < PARTS_MAX
            && let Some(next) = rest.peek()
            && let Joined::Yes { headers } = run.join(packet(next))
        {
            parts[count] = &packet(next)[headers..];
            count += 1;
            rest.next();
        }
        if run.packets() == 1 {
            sink.deliver(Offload::NONE, &[first]);
            continue;
        }
        let (header, offload) = run.header();
        parts[0] = header;
        sink.deliver(offload, &parts[..count]);
    }
}

/// A header and the payloads of as many datagrams as a kernel receives at once, and some more.
const PARTS_MAX: usize = 130;
