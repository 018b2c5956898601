//! Where datagrams go that are for a connection and not for the network: to the task that writes to it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use carrier::frame;
use node::Connection;
use tokio::sync::mpsc;

/// Batches that wait for a connection. Those beyond are lost, as at a full queue.
const BATCHES_MAX: usize = 64;
/// What waits longer is dropped instead of sent: inside are connections with their own patience, and a queue that
/// never drains helps none of them.
const LATE: Duration = Duration::from_millis(100);

/// The connections that stand.
#[derive(Clone, Default)]
pub(in crate::node) struct Lines(Arc<RwLock<BTreeMap<Connection, mpsc::Sender<Batch>>>>);

/// Frames that are written in one go.
pub(super) struct Batch {
    since: Instant,
    frames: Vec<u8>,
}

impl Batch {
    /// Its frames, unless it is too late for them.
    pub(super) fn fresh(&self) -> Option<&[u8]> {
        (self.since.elapsed() <= LATE).then_some(&self.frames)
    }
}

impl Lines {
    /// Sends datagrams, all of `segment` octets but the last, over a connection; whether there was one with room.
    pub(in crate::node) fn send(&self, to: Connection, bytes: &[u8], segment: usize) -> bool {
        let lines = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = lines.get(&to).and_then(|line| line.try_reserve().ok()) else {
            return false;
        };
        let segment = segment.max(1);
        let count = bytes.len().div_ceil(segment);
        let mut frames = Vec::with_capacity(bytes.len() + count * frame::HEADER);
        for datagram in bytes.chunks(segment) {
            frame::encode(datagram, &mut frames);
        }
        let since = Instant::now();
        place.send(Batch { since, frames });
        true
    }

    /// A connection stands: what is sent over it comes out here.
    pub(super) fn add(&self, connection: Connection) -> mpsc::Receiver<Batch> {
        let (sender, batches) = mpsc::channel(BATCHES_MAX);
        let mut lines = self.0.write().unwrap_or_else(PoisonError::into_inner);
        lines.insert(connection, sender);
        batches
    }

    pub(super) fn remove(&self, connection: Connection) {
        let mut lines = self.0.write().unwrap_or_else(PoisonError::into_inner);
        lines.remove(&connection);
    }
}
