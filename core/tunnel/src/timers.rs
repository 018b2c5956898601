//! The timers of one peer (paper §6), the constants they run by, and the schedule of all peers' timers.

use std::collections::BTreeSet;
use std::time::Duration;

use inet::Instant;

use crate::PeerId;

/// Messages after which a new handshake is begun.
pub(crate) const REKEY_AFTER_MESSAGES: u64 = 1 << 60;
/// Messages after which keys are not used any more.
pub(crate) const REJECT_AFTER_MESSAGES: u64 = u64::MAX - (1 << 13);
/// Age at which the initiator of a key pair begins a new handshake when it sends.
pub(crate) const REKEY_AFTER_TIME: Duration = Duration::from_secs(120);
/// Age after which keys are not used any more.
pub(crate) const REJECT_AFTER_TIME: Duration = Duration::from_secs(180);
/// Between initiations of a handshake that is not answered.
pub(crate) const REKEY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a handshake is tried with a peer that need not be called for ever.
pub(crate) const REKEY_ATTEMPTS: u32 = 18;
/// Spread of retries, so that two peers do not keep calling each other at the same moment.
pub(crate) const JITTER: Duration = Duration::from_millis(334);
/// A silent receiver lets the sender know that it is there.
pub(crate) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Shortest persistent keepalive; WireGuard's tools do not allow a shorter one.
pub(crate) const KEEPALIVE_MIN: Duration = Duration::from_secs(1);
/// Initiations in a row without an answer after which the peer counts as gone. One may be lost, two rarely are.
pub(crate) const GONE_ATTEMPTS: u32 = 3;

/// When a peer wants what.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timers {
    /// Send the initiation again; also the first one, for a peer that is called at the start.
    pub(crate) retry: Option<Instant>,
    /// Tell the peer that its packets arrive, unless something else is sent before.
    pub(crate) keepalive: Option<Instant>,
    /// Another packet came while `keepalive` was running.
    pub(crate) keepalive_again: bool,
    /// We sent and heard nothing: begin a new handshake.
    pub(crate) silence: Option<Instant>,
    /// The keys in use become too old.
    pub(crate) expiry: Option<Instant>,
    /// Wipe all keys.
    pub(crate) erase: Option<Instant>,
    /// Keep the NATs on the way open.
    pub(crate) persistent: Option<Instant>,
}

impl Timers {
    /// The earliest of all.
    pub(crate) fn next(&self) -> Option<Instant> {
        [
            self.retry,
            self.keepalive,
            self.silence,
            self.expiry,
            self.erase,
            self.persistent,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// Takes a timer that has run out.
pub(crate) fn take_due(timer: &mut Option<Instant>, now: Instant) -> bool {
    timer.take_if(|due| *due <= now).is_some()
}

/// When which peer has to be looked at. A peer is looked at no later than its earliest timer; timers that are put off, which
/// happens with almost every packet, leave the schedule as it is, and the look finds nothing to do but to
/// enter the peer anew.
#[derive(Default)]
pub(crate) struct Schedule {
    looks: BTreeSet<(Instant, PeerId)>,
}

impl Schedule {
    /// Makes sure that the peer is looked at by `due`. `entered` is the peer's own note of its entry.
    pub(crate) fn enter(
        &mut self,
        peer: PeerId,
        entered: &mut Option<Instant>,
        due: Option<Instant>,
    ) {
        let Some(due) = due.filter(|due| entered.is_none_or(|entered| *due < entered)) else {
            return;
        };
        self.remove(peer, entered);
        self.looks.insert((due, peer));
        *entered = Some(due);
    }

    /// Takes the peer out.
    pub(crate) fn remove(&mut self, peer: PeerId, entered: &mut Option<Instant>) {
        if let Some(old) = entered.take() {
            self.looks.remove(&(old, peer));
        }
    }

    /// The next peer that is due.
    pub(crate) fn due(&self, now: Instant) -> Option<PeerId> {
        self.looks
            .first()
            .filter(|(due, _)| *due <= now)
            .map(|(_, peer)| *peer)
    }

    /// When the next peer is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.looks.first().map(|(due, _)| *due)
    }
}
