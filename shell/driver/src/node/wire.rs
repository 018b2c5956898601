//! Where a forwarder's packets go: the overlay device, the locators' sockets, control, other shards.

use std::io::ErrorKind;
use std::net::SocketAddrV4;
use std::sync::Arc;

use linux::TunQueue;
use linux::batch::BatchSocket;
use node::{Connection, Handed, LocatorId, Notice, Punt, Sink, Transmit};
use offload::{Offload, Segmentation, Segments};

use super::carrier::Lines;
use super::mailbox::{self, Lost, Report, ToControl, ToShard};

/// What one shard writes to.
pub(super) struct Wire {
    /// Which one.
    shard: usize,
    overlay: Arc<TunQueue>,
    /// By locator.
    sockets: Vec<BatchSocket>,
    /// Connections that stand in for the network.
    lines: Lines,
    control: ToControl,
    /// The ways to all shards, its own among them.
    shards: Vec<ToShard>,
    /// Those whose bell must ring, as bits.
    unrung: u32,
    /// By locator: what a full socket did not take.
    stuck: Vec<Option<Stuck>>,
}

/// A batch that waits until its socket has room. Until then no other is made for it.
struct Stuck {
    to: SocketAddrV4,
    tos: u8,
    bytes: Vec<u8>,
    segment: usize,
}

impl Wire {
    pub(super) fn new(
        shard: usize,
        overlay: Arc<TunQueue>,
        (sockets, lines): (Vec<BatchSocket>, Lines),
        control: ToControl,
        shards: Vec<ToShard>,
    ) -> Self {
        Self {
            stuck: sockets.iter().map(|_| None).collect(),
            shard,
            overlay,
            sockets,
            lines,
            control,
            shards,
            unrung: 0,
        }
    }

    pub(super) fn overlay(&self) -> &TunQueue {
        &self.overlay
    }

    pub(super) fn sockets(&self) -> &[BatchSocket] {
        &self.sockets
    }

    pub(super) fn control(&self) -> &ToControl {
        &self.control
    }

    /// Whether a locator's socket is full.
    pub(super) fn is_full(&self, locator: usize) -> bool {
        self.stuck.get(locator).is_some_and(Option::is_some)
    }

    /// Whether a socket is full.
    pub(super) fn is_any_full(&self) -> bool {
        self.stuck.iter().any(Option::is_some)
    }

    /// Sends what a locator's socket did not take before, if there is room now.
    pub(super) fn resume(&mut self, locator: u64) {
        let number = usize::try_from(locator).unwrap_or(usize::MAX);
        let (Some(socket), Some(place)) = (self.sockets.get(number), self.stuck.get_mut(number))
        else {
            return;
        };
        let Some(stuck) = place else {
            return;
        };
        let sent = socket.send(stuck.to, stuck.tos, &stuck.bytes, stuck.segment);
        if !sent.is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            *place = None;
        }
    }

    /// Rings the bells of the shards that something was left for.
    pub(super) fn ring(&mut self) {
        mailbox::ring(&self.shards, std::mem::take(&mut self.unrung));
    }
}

impl Wire {
    fn write(&self, offload: Offload, parts: &[&[u8]]) {
        if let Err(error) = self.overlay.write(&offload.to_bytes(), parts) {
            tracing::debug!(%error, "delivering to the kernel");
        }
    }

    /// Cuts a super-packet that the kernel is too old for.
    fn deliver_singly(&self, offload: Offload, parts: &[&[u8]]) {
        let whole = parts.concat();
        let Ok(segments) = Segments::new(&whole, offload) else {
            return;
        };
        let mut packet = vec![0; segments.longest()];
        for number in 0..segments.count() {
            let len = segments.write(number, &mut packet);
            self.write(Offload::NONE, &[packet.get(..len).unwrap_or_default()]);
        }
    }
}

impl Sink for Wire {
    fn has_room(&self, locator: LocatorId) -> bool {
        let place = self.stuck.get(usize::from(locator.0));
        place.is_some_and(Option::is_none)
    }

    fn transmit(&mut self, batch: Transmit<'_>) {
        let Transmit {
            locator,
            to,
            tos,
            bytes,
            segment,
        } = batch;
        if let Some(connection) = Connection::of(to) {
            if !self.lines.send(connection, bytes, segment) {
                Lost::count(&self.control.lost().sent);
            }
            return;
        }
        let number = usize::from(locator.0);
        let Some(socket) = self.sockets.get(number) else {
            return;
        };
        let Err(error) = socket.send(to, tos, bytes, segment) else {
            return;
        };
        if error.kind() == ErrorKind::WouldBlock
            && let Some(place @ None) = self.stuck.get_mut(number)
        {
            *place = Some(Stuck {
                to,
                tos,
                bytes: bytes.to_vec(),
                segment,
            });
            return;
        }
        Lost::count(&self.control.lost().sent);
        tracing::debug!(%error, %to, "sending");
    }

    fn deliver(&mut self, offload: Offload, parts: &[&[u8]]) {
        if offload.segmentation == Segmentation::Udp && !self.overlay.takes_udp() {
            self.deliver_singly(offload, parts);
        } else {
            self.write(offload, parts);
        }
    }

    fn punt(&mut self, punt: Punt) {
        self.control.punt(punt);
    }

    fn notice(&mut self, notice: Notice) {
        self.control.report(Report::Notice(self.shard, notice));
    }

    fn hand_over(&mut self, shard: usize, handed: Handed) {
        let Some(to) = self.shards.get(shard) else {
            return;
        };
        if to.hand(handed) {
            self.unrung |= 1 << shard;
        } else {
            Lost::count(&self.control.lost().handed);
        }
    }
}
