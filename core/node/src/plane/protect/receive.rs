//! The receiving end: what passes, what is brought back, what the sender is told.

use core::time::Duration;
use std::collections::BTreeMap;

use fec::{Decoder, Mark, Message, Parity, Seen, Window};
use inet::Instant;
use path::PathId;

use super::class_of;
use crate::id::{ClassId, LinkId};
use crate::plane::tables::Tables;

/// A packet that was lost and is here all the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// The path that it would have come by.
    pub(crate) path: PathId,
    pub(crate) class: ClassId,
    pub(crate) packet: Vec<u8>,
}

/// The receiving ends of all streams that come to a forwarder, or to a node that forwards by itself.
#[derive(Debug, Default)]
pub(crate) struct Receivers {
    decoders: BTreeMap<(PathId, ClassId, u8), Stream<Decoder>>,
    windows: BTreeMap<(LinkId, ClassId, u8), Stream<Window>>,
    /// What was brought back and not taken yet.
    recovered: Vec<Recovered>,
    /// Reports that were not taken yet, as packets for their paths.
    reports: Vec<(PathId, Vec<u8>)>,
    /// Kept for its memory.
    packets: Vec<Vec<u8>>,
    /// When idle streams were looked for the last time.
    swept: Instant,
}

#[derive(Debug)]
struct Stream<T> {
    end: T,
    used: Instant,
}

impl Receivers {
    /// Whether a packet that came with a mark may pass: it did not come before.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        tables: &Tables,
        (came_by, class, mark): (PathId, ClassId, Mark),
        packet: &[u8],
    ) -> bool {
        self.sweep(now);
        let seen = if mark.is_copy {
            let key = (tables.facts.link_of(came_by), class, mark.stream);
            let window = stream(&mut self.windows, now, key);
            window.map(|window| window.accept(mark.sequence))
        } else {
            let key = (came_by, class, mark.stream);
            let decoder = stream(&mut self.decoders, now, key);
            decoder.map(|decoder| {
                let seen = decoder.packet(mark, packet, &mut self.packets);
                if let Some(report) = decoder.report(now) {
                    let message = Message::Report {
                        class: class.0 as u8,
                        stream: mark.stream,
                        report,
                    };
                    let packet = tables.protection_packet(came_by, &message.encode(), 0);
                    self.reports.extend(packet.map(|packet| (came_by, packet)));
                }
                seen
            })
        };
        self.take(came_by, class);
        seen != Some(Seen::Again)
    }

    /// A sum over packets of a class came by a path.
    pub(crate) fn on_parity(
        &mut self,
        now: Instant,
        came_by: PathId,
        (class, number): (u8, u8),
        parity: Parity<'_>,
    ) {
        let class = class_of(class);
        let decoder = stream(&mut self.decoders, now, (came_by, class, number));
        if let Some(decoder) = decoder {
            decoder.parity(parity, &mut self.packets);
        }
        self.take(came_by, class);
    }

    /// The next packet that was brought back.
    pub(crate) fn recovered(&mut self) -> Option<Recovered> {
        self.recovered.pop()
    }

    /// The next report, as a packet for a path.
    pub(crate) fn report(&mut self) -> Option<(PathId, Vec<u8>)> {
        self.reports.pop()
    }

    fn take(&mut self, path: PathId, class: ClassId) {
        let packets = self.packets.drain(..).rev();
        self.recovered.extend(packets.map(|packet| Recovered {
            path,
            class,
            packet,
        }));
    }

    /// Forgets streams that nothing comes of.
    fn sweep(&mut self, now: Instant) {
        if now.since(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = now;
        self.decoders.retain(|_, one| now.since(one.used) < IDLE);
        self.windows.retain(|_, one| now.since(one.used) < IDLE);
    }
}

/// A stream's end, made when its first packet comes. While there are too many, further ones pass as they come.
fn stream<K: Ord, T: Default>(
    all: &mut BTreeMap<K, Stream<T>>,
    now: Instant,
    key: K,
) -> Option<&mut T> {
    if all.len() >= STREAMS_MAX && !all.contains_key(&key) {
        return None;
    }
    let one = all.entry(key).or_insert_with(|| Stream {
        end: T::default(),
        used: now,
    });
    one.used = now;
    Some(&mut one.end)
}

/// Streams of each kind that a forwarder knows at once. One of long packets over a path that loses some takes 72 KiB, one of
/// voice 8 KiB.
const STREAMS_MAX: usize = 2_048;
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// A call that was on hold for so long begins a new stream.
const IDLE: Duration = Duration::from_secs(30);
