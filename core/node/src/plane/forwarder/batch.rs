//! Datagrams that leave together: to one place, of equal length but for the last.

use core::net::SocketAddrV4;

use crate::id::LocatorId;
use crate::plane::sink::{Sink, Transmit};

/// Where datagrams go, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Towards {
    pub(super) locator: LocatorId,
    pub(super) to: SocketAddrV4,
    pub(super) tos: u8,
}

/// Datagrams that are put together to leave as one.
pub(super) struct Batch {
    bytes: Box<[u8]>,
    filled: usize,
    /// Octets of each but the last.
    segment: usize,
    count: usize,
    /// Whether nothing may follow, because the last one was shorter.
    is_closed: bool,
    towards: Option<Towards>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; OCTETS_MAX].into_boxed_slice(),
            filled: 0,
            segment: 0,
            count: 0,
            is_closed: false,
            towards: None,
        }
    }

    /// Room for one more datagram of `len` octets, at most [`OCTETS_MAX`]. What does not go together with it is sent before.
    pub(super) fn slot(&mut self, towards: Towards, len: usize, sink: &mut impl Sink) -> &mut [u8] {
        let fits = self.towards == Some(towards)
            && !self.is_closed
            && len <= self.segment
            && self.count < SEGMENTS_MAX
            && self.filled + len <= OCTETS_MAX;
        if !fits {
            self.send(sink);
            self.towards = Some(towards);
            self.segment = len;
        }
        let start = self.filled;
        self.filled += len;
        self.count += 1;
        self.is_closed = len < self.segment;
        &mut self.bytes[start..self.filled]
    }

    /// Sends what there is.
    pub(super) fn send(&mut self, sink: &mut impl Sink) {
        let Some(Towards { locator, to, tos }) = self.towards.take() else {
            return;
        };
        sink.transmit(Transmit {
            locator,
            to,
            tos,
            bytes: &self.bytes[..self.filled],
            segment: self.segment,
        });
        self.filled = 0;
        self.count = 0;
        self.is_closed = false;
    }
}

/// What the kernel cuts on every version (`UDP_MAX_SEGMENTS`).
pub(super) const SEGMENTS_MAX: usize = 64;
/// What fits an IPv4 packet beside its headers.
pub(super) const OCTETS_MAX: usize = 65_507;
