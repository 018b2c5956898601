//! What the control half knows of a peer's key pairs: the one in use, the one before it, and the one that its peer has
//! not confirmed yet (paper §6.1); and the table of indices by which messages find their peer. The keys are in the lanes.

use std::time::Duration;

use hashbrown::HashMap;
use inet::Instant;
use inet::hash::Seeded;

use crate::PeerId;
use crate::entropy::Entropy;
use crate::extension::{LANE_BITS, Terms};
use crate::timers::{REJECT_AFTER_TIME, REKEY_AFTER_TIME};

/// A key pair as far as timers go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keypair {
    pub(crate) local_index: u32,
    pub(crate) created: Instant,
    pub(crate) role: Role,
    pub(crate) terms: Terms,
}

/// Who began the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Initiator,
    Responder,
}

impl Keypair {
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.since(self.created)
    }

    /// Whether messages may be sent with it.
    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        self.age(now) < REJECT_AFTER_TIME
    }

    /// Whether a sender ought to begin a new handshake: after two minutes the one who began this one, so that not
    /// both begin. What was sealed is watched by the lanes.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.role == Role::Initiator && self.age(now) >= REKEY_AFTER_TIME
    }
}

/// A peer's key pairs.
#[derive(Default)]
pub(crate) struct Session {
    current: Option<Keypair>,
    previous: Option<Keypair>,
    /// Ours as responder, until the initiator has used it: only then does it know the keys.
    next: Option<Keypair>,
}

/// Whose key pair both sides use when both began a handshake at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precedence {
    Ours,
    Theirs,
}

impl Session {
    /// A handshake that we began is finished: its keys are used at once. Gives the pair that nobody needs any more.
    #[must_use]
    pub(crate) fn begin_as_initiator(&mut self, keypair: Keypair) -> Option<Keypair> {
        let old = self.current.replace(keypair);
        core::mem::replace(&mut self.previous, old)
    }

    /// We answered a handshake: its keys wait for the first message that uses them. Gives the pair that nobody
    /// needs any more.
    #[must_use]
    pub(crate) const fn begin_as_responder(&mut self, keypair: Keypair) -> Option<Keypair> {
        self.next.replace(keypair)
    }

    /// A message came with the waiting keys. When they are older than the current ones, both sides began at
    /// the same time, and both have to come to use the same pair. Gives the pair that nobody needs any more.
    #[must_use]
    pub(crate) fn confirm(&mut self, precedence: Precedence) -> Option<Keypair> {
        let next = self.next.take()?;
        let crossed = self.current.as_ref().is_some_and(|current| {
            current.role == Role::Initiator && current.created >= next.created
        });
        let old = if crossed && precedence == Precedence::Ours {
            Some(next)
        } else {
            self.current.replace(next)
        };
        core::mem::replace(&mut self.previous, old)
    }

    /// Whether the index is that of the keys that wait to be confirmed.
    pub(crate) fn is_next(&self, index: u32) -> bool {
        self.next
            .as_ref()
            .is_some_and(|keypair| keypair.local_index == index)
    }

    /// The keys to send with, however old.
    pub(crate) const fn current(&self) -> Option<&Keypair> {
        self.current.as_ref()
    }

    /// Forgets every pair, and gives them.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = Keypair> + use<> {
        let all = core::mem::take(self);
        [all.current, all.next, all.previous].into_iter().flatten()
    }
}

/// Which peer an index belongs to: those we put into messages as ours.
pub(crate) struct Indices {
    // Only looked up, never iterated: its order shows nowhere.
    table: HashMap<u32, PeerId, Seeded>,
}

impl Indices {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            table: HashMap::with_hasher(Seeded(seed)),
        }
    }

    /// A new random index for a peer, but for its low bits, which name a lane.
    pub(crate) fn give(&mut self, entropy: &mut Entropy, peer: PeerId, lane: u8) -> u32 {
        loop {
            let base = entropy.take_u32() & !LANE_BITS;
            if !self.table.contains_key(&base) {
                self.table.insert(base, peer);
                return base | u32::from(lane);
            }
        }
    }

    pub(crate) fn find(&self, index: u32) -> Option<PeerId> {
        self.table.get(&(index & !LANE_BITS)).copied()
    }

    /// Takes the index of a handshake back.
    pub(crate) fn take_back(&mut self, index: u32) {
        self.table.remove(&(index & !LANE_BITS));
    }
}
