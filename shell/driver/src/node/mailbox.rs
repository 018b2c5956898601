//! What control and the forwarding threads tell each other.
//!
//! ```text
//!  control ── changes, in order ──▶ shard ── packets whose keys are there, bounded ──▶ other shards
//!     ▲                               │
//!     ├── notices, in order ──────────┤  a few a peer and second
//!     ├── packets for control ────────┤  bounded: lost and counted beyond
//!     └── handshakes ─────────────────┘  bounded apart, so that a flood of them hides nothing else
//! ```
//!
//! Whoever writes to a shard rings its bell, once for all that it wrote.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use linux::Bell;
use node::{Change, Handed, Notice, Punt};
use tokio::sync::mpsc as told;

/// Packets that wait for another shard. Those beyond are lost, as at a full queue.
const HANDED_MAX: usize = 512;
/// Handshakes that wait for control. Those beyond are lost: a peer repeats its own, and strangers' are what
/// there are too many of.
const HANDSHAKES_MAX: usize = 256;
/// Other packets that wait for control: probes, and packets that are answered with an ICMP error.
const PUNTS_MAX: usize = 1024;

/// The way to a shard. Clones lead to the same one.
#[derive(Clone)]
pub(super) struct ToShard {
    changes: Sender<Change>,
    handed: SyncSender<Handed>,
    bell: Bell,
}

/// What a shard receives.
pub(super) struct ShardInbox {
    pub(super) changes: Receiver<Change>,
    pub(super) handed: Receiver<Handed>,
    pub(super) bell: Bell,
}

/// The ways from a shard to control.
#[derive(Clone)]
pub(super) struct ToControl {
    reports: told::UnboundedSender<Report>,
    punts: told::Sender<Punt>,
    handshakes: told::Sender<Punt>,
    lost: Arc<Lost>,
}

/// What control receives.
pub(super) struct ControlInbox {
    pub(super) reports: told::UnboundedReceiver<Report>,
    pub(super) punts: told::Receiver<Punt>,
    pub(super) handshakes: told::Receiver<Punt>,
    pub(super) lost: Arc<Lost>,
}

/// What a shard tells control of itself.
pub(super) enum Report {
    /// A shard noticed something.
    Notice(usize, Notice),
    /// It cannot go on, and so the node cannot.
    Ended(io::Error),
}

/// What was lost between the threads because somebody was not fast enough.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Handshakes that control did not take.
    pub(super) handshakes: AtomicU64,
    /// Other packets that it did not take.
    pub(super) punts: AtomicU64,
    /// Packets that another shard did not take.
    pub(super) handed: AtomicU64,
    /// Batches that the kernel refused to send.
    pub(super) sent: AtomicU64,
}

impl Lost {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes what was lost since the last call to the log.
    pub(super) fn log(&self) {
        let Self {
            handshakes,
            punts,
            handed,
            sent,
        } = self;
        let [handshakes, punts, handed, sent] =
            [handshakes, punts, handed, sent].map(|counter| counter.swap(0, Ordering::Relaxed));
        if handshakes + punts + handed + sent > 0 {
            tracing::warn!(handshakes, punts, handed, sent, "lost");
        }
    }
}

/// The mailbox of a shard.
pub(super) fn shard() -> io::Result<(ToShard, ShardInbox)> {
    let bell = Bell::new()?;
    let (changes, changes_out) = channel();
    let (handed, handed_out) = sync_channel(HANDED_MAX);
    let to = ToShard {
        changes,
        handed,
        bell: bell.clone(),
    };
    let inbox = ShardInbox {
        changes: changes_out,
        handed: handed_out,
        bell,
    };
    Ok((to, inbox))
}

/// The mailbox of control.
pub(super) fn control() -> (ToControl, ControlInbox) {
    let (reports, reports_out) = told::unbounded_channel();
    let (punts, punts_out) = told::channel(PUNTS_MAX);
    let (handshakes, handshakes_out) = told::channel(HANDSHAKES_MAX);
    let lost = Arc::new(Lost::default());
    let to = ToControl {
        reports,
        punts,
        handshakes,
        lost: lost.clone(),
    };
    let inbox = ControlInbox {
        reports: reports_out,
        punts: punts_out,
        handshakes: handshakes_out,
        lost,
    };
    (to, inbox)
}

/// Tells those of the shards whose bits are set to look into their boxes.
pub(super) fn ring(shards: &[ToShard], which: u32) {
    for (number, shard) in shards.iter().enumerate() {
        if which & 1 << number != 0 {
            shard.bell.ring();
        }
    }
}

impl ToShard {
    /// Leaves a change in the box without a sound.
    pub(super) fn change(&self, change: Change) {
        // A shard that is gone has said so itself.
        let _gone = self.changes.send(change);
    }

    /// Leaves a packet in the box without a sound; whether there was room.
    pub(super) fn hand(&self, packet: Handed) -> bool {
        self.handed.try_send(packet).is_ok()
    }
}

impl ToControl {
    pub(super) fn punt(&self, punt: Punt) {
        let (way, lost) = if punt.is_handshake() {
            (&self.handshakes, &self.lost.handshakes)
        } else {
            (&self.punts, &self.lost.punts)
        };
        if way.try_send(punt).is_err() {
            Lost::count(lost);
        }
    }

    pub(super) fn report(&self, report: Report) {
        // Control that is gone has ended the process.
        let _gone = self.reports.send(report);
    }

    pub(super) fn lost(&self) -> &Lost {
        &self.lost
    }
}
