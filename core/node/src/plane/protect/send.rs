//! The sending end: marks, sums, copies.

use std::collections::{BTreeMap, BTreeSet};

use design::plan::ProtectConfig;
use fec::{Encoder, Mark, Sequence};
use inet::Instant;
use path::PathId;

use super::copy_mark;
use crate::id::{ClassId, LinkId};
use crate::plane::label::Label;
use crate::plane::tables::Tables;
use crate::view::Counters;

/// How packets are to be marked when they are sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Marking {
    /// As their class and path ask.
    #[default]
    Fresh,
    /// As copies, of this stream and from this place in it on.
    Copies {
        stream: u8,
        first: Sequence,
        /// Whether these are the ones that go by another path.
        are_second: bool,
    },
    /// Not at all: it is a sum.
    Bare,
}

impl Marking {
    /// The marking of what is behind so many packets.
    pub(crate) const fn behind(self, packets: usize) -> Self {
        match self {
            Self::Copies {
                stream,
                first,
                are_second,
            } => Self::Copies {
                stream,
                first: first.plus(packets as u32),
                are_second,
            },
            Self::Fresh | Self::Bare => self,
        }
    }

    /// Whether it is of packets that go by another path. They are not worth waiting for.
    pub(crate) const fn is_second(self) -> bool {
        matches!(
            self,
            Self::Copies {
                are_second: true,
                ..
            }
        )
    }

    /// The marking of the packets that go by another path.
    pub(crate) const fn second(self) -> Self {
        match self {
            Self::Copies { stream, first, .. } => Self::Copies {
                stream,
                first,
                are_second: true,
            },
            Self::Fresh | Self::Bare => self,
        }
    }

    /// Counts packets that leave with it.
    pub(crate) const fn count(self, packets: usize, counters: &mut Counters) {
        let counter = match self {
            Self::Bare => &mut counters.parity,
            Self::Copies {
                are_second: true, ..
            } => &mut counters.copies,
            Self::Fresh | Self::Copies { .. } => &mut counters.to_tunnels,
        };
        *counter += packets as u64;
    }
}

/// The sending ends of all streams of a forwarder, or of a node that forwards by itself.
#[derive(Debug)]
pub(crate) struct Senders {
    /// Which of the node's forwarders this is.
    stream: u8,
    encoders: BTreeMap<(PathId, ClassId), Sender>,
    /// Blocks that are open, by when they close.
    due: BTreeSet<(Instant, PathId, ClassId)>,
    /// The next place in the streams of copies.
    copies: BTreeMap<(LinkId, ClassId), Sequence>,
    /// Messages that were not taken yet, with the type of service of what they are about.
    messages: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Sender {
    encoder: Encoder,
    due: Option<Instant>,
    /// Type of service of the last packet.
    tos: u8,
}

/// Gives packets of one class for one path their labels, in order.
pub(crate) struct Marker<'a> {
    class: Option<ClassId>,
    now: Instant,
    kind: Kind<'a>,
}

enum Kind<'a> {
    /// The class alone, or nothing.
    Plain,
    Copies {
        stream: u8,
        next: Sequence,
    },
    Parity {
        sender: &'a mut Sender,
        messages: &'a mut Vec<Vec<u8>>,
    },
}

impl Marker<'_> {
    /// Marks nothing.
    pub(crate) const fn none(now: Instant) -> Self {
        Self {
            class: None,
            now,
            kind: Kind::Plain,
        }
    }

    /// Octets of every label that it gives.
    pub(crate) const fn len(&self) -> usize {
        match self.kind {
            _ if self.class.is_none() => 0,
            Kind::Plain => 1,
            Kind::Copies { .. } | Kind::Parity { .. } => 1 + Mark::LEN,
        }
    }

    /// Puts the label of the next packet behind it.
    ///
    /// # Panics
    /// When there is no room for it behind so many octets.
    pub(crate) fn write(&mut self, packet: &mut [u8], len: usize) {
        let (packet, behind) = packet.split_at_mut(len);
        self.label(packet).write(behind);
    }

    /// The label of the next packet.
    pub(crate) fn label(&mut self, packet: &[u8]) -> Label {
        let mark = match &mut self.kind {
            Kind::Plain => None,
            Kind::Copies { stream, next } => {
                let sequence = *next;
                *next = sequence.plus(1);
                Some(copy_mark(*stream, sequence))
            }
            Kind::Parity { sender, messages } => {
                sender.tos = offload::tos::get(packet);
                Some(sender.encoder.push(self.now, packet, messages))
            }
        };
        Label {
            class: self.class,
            mark,
        }
    }
}

impl Senders {
    /// Nothing has been sent. The number tells the node's forwarders apart.
    pub(crate) fn new(shard: usize) -> Self {
        Self {
            stream: shard as u8 % fec::STREAMS,
            encoders: BTreeMap::new(),
            due: BTreeSet::new(),
            copies: BTreeMap::new(),
            messages: Vec::new(),
        }
    }

    /// What marks the next packets of a class on their way by a path. To be followed by [`Senders::settle`].
    pub(crate) fn marker(
        &mut self,
        now: Instant,
        tables: &Tables,
        (path, class): (PathId, Option<ClassId>),
        marking: Marking,
    ) -> Marker<'_> {
        let label = tables.label(path, class);
        let plain = |class| Marker {
            class,
            now,
            kind: Kind::Plain,
        };
        match (marking, label.class) {
            (Marking::Bare, _) | (_, None) => plain(None),
            (Marking::Copies { stream, first, .. }, class) => Marker {
                class,
                now,
                kind: Kind::Copies {
                    stream,
                    next: first,
                },
            },
            (Marking::Fresh, Some(class)) => match tables.protection(path, Some(class)) {
                ProtectConfig::Fec => {
                    let stream = self.stream;
                    let sender = self.encoders.entry((path, class));
                    let sender = sender.or_insert_with(|| Sender {
                        encoder: Encoder::new(class.0 as u8, stream, beginning(now)),
                        due: None,
                        tos: 0,
                    });
                    sender.encoder.set(tables.level(path, class));
                    Marker {
                        class: Some(class),
                        now,
                        kind: Kind::Parity {
                            sender,
                            messages: &mut self.messages,
                        },
                    }
                }
                ProtectConfig::None | ProtectConfig::Duplicate => plain(Some(class)),
            },
        }
    }

    /// Takes places for so many packets in the stream of copies of a class to a neighbour.
    pub(crate) fn reserve(
        &mut self,
        now: Instant,
        (link, class): (LinkId, ClassId),
        packets: usize,
    ) -> Marking {
        let next = self.copies.entry((link, class));
        let next = next.or_insert_with(|| beginning(now));
        let first = *next;
        *next = first.plus(packets as u32);
        Marking::Copies {
            stream: self.stream,
            first,
            are_second: false,
        }
    }

    /// The sums that follow packets which were marked, as packets for the same path.
    pub(crate) fn settle(
        &mut self,
        tables: &Tables,
        path: PathId,
        class: Option<ClassId>,
    ) -> impl Iterator<Item = Vec<u8>> + use<> {
        let mut packets = Vec::new();
        if let Some(class) = class
            && let Some(sender) = self.encoders.get_mut(&(path, class))
        {
            let due = sender.encoder.wake();
            if due != sender.due {
                let entry = |at| (at, path, class);
                sender.due.map(entry).map(|old| self.due.remove(&old));
                due.map(entry).map(|new| self.due.insert(new));
                sender.due = due;
            }
            let messages = self.messages.drain(..);
            let tos = sender.tos;
            packets.extend(messages.filter_map(|one| tables.protection_packet(path, &one, tos)));
        }
        packets.into_iter()
    }

    /// When [`Senders::close`] has something to do.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.due.first().map(|(at, ..)| *at)
    }

    /// Closes one block that was open for long enough; its sums are to be had from [`Senders::settle`].
    pub(crate) fn close(&mut self, now: Instant) -> Option<(PathId, ClassId)> {
        let (at, path, class) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        if let Some(sender) = self.encoders.get_mut(&(path, class)) {
            sender.due = None;
            sender.encoder.tick(now, &mut self.messages);
        }
        Some((path, class))
    }
}

/// Where a stream begins: hardly where it was when the node began the last time.
const fn beginning(now: Instant) -> Sequence {
    Sequence::new((now.as_nanos() >> 10) as u32)
}
