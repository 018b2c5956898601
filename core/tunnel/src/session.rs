//! The key pairs of one peer: the one in use, the one before it, and the one that its peer has not confirmed yet
//! (paper §6.1); and the table of indices by which messages find them.

use std::time::Duration;

use hashbrown::HashMap;
use inet::Instant;
use inet::hash::Seeded;

use crate::PeerId;
use crate::cipher::Cipher;
use crate::entropy::Entropy;
use crate::noise::Keys;
use crate::replay::Window;
use crate::timers::{
    REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME, REKEY_AFTER_MESSAGES, REKEY_AFTER_TIME,
};

/// The keys of one handshake, for both directions.
pub(crate) struct Keypair {
    pub(crate) local_index: u32,
    pub(crate) remote_index: u32,
    pub(crate) created: Instant,
    pub(crate) role: Role,
    pub(crate) send: Cipher,
    /// The counter of the next message sent.
    pub(crate) counter: u64,
    pub(crate) receive: Cipher,
    pub(crate) window: Window,
}

/// Who began the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Initiator,
    Responder,
}

impl Keypair {
    pub(crate) fn new(
        local_index: u32,
        remote_index: u32,
        role: Role,
        keys: Keys,
        now: Instant,
    ) -> Self {
        let Keys { send, receive } = keys;
        Self {
            local_index,
            remote_index,
            created: now,
            role,
            send,
            counter: 0,
            receive,
            window: Window::new(),
        }
    }

    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.since(self.created)
    }

    /// Whether messages may be sent with it.
    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        self.age(now) < REJECT_AFTER_TIME && self.counter < REJECT_AFTER_MESSAGES
    }

    /// Whether a sender ought to begin a new handshake: after many messages either side, after two minutes the one who
    /// began this one, so that not both begin.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.counter >= REKEY_AFTER_MESSAGES
            || self.role == Role::Initiator && self.age(now) >= REKEY_AFTER_TIME
    }
}

/// A peer's key pairs.
#[derive(Default)]
pub(crate) struct Session {
    current: Option<Box<Keypair>>,
    previous: Option<Box<Keypair>>,
    /// Ours as responder, until the initiator has used it: only then does it know the keys.
    next: Option<Box<Keypair>>,
}

/// Whose key pair both sides use when both began a handshake at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precedence {
    Ours,
    Theirs,
}

impl Session {
    /// A handshake that we began is finished: its keys are used at once.
    pub(crate) fn begin_as_initiator(&mut self, keypair: Keypair, indices: &mut Indices) {
        let old = self.current.replace(Box::new(keypair));
        indices.release(core::mem::replace(&mut self.previous, old));
    }

    /// We answered a handshake: its keys wait for the first message that uses them.
    pub(crate) fn begin_as_responder(&mut self, keypair: Keypair, indices: &mut Indices) {
        indices.release(self.next.replace(Box::new(keypair)));
    }

    /// A message came with the waiting keys. When they are older than the current ones, both sides began at
    /// the same time, and both have to come to use the same pair.
    pub(crate) fn confirm(&mut self, precedence: Precedence, indices: &mut Indices) {
        let Some(next) = self.next.take() else { return };
        let crossed = self.current.as_ref().is_some_and(|current| {
            current.role == Role::Initiator && current.created >= next.created
        });
        let old = if crossed && precedence == Precedence::Ours {
            Some(next)
        } else {
            self.current.replace(next)
        };
        indices.release(core::mem::replace(&mut self.previous, old));
    }

    /// The key pair of an index.
    pub(crate) fn find(&mut self, index: u32) -> Option<&mut Keypair> {
        [&mut self.current, &mut self.next, &mut self.previous]
            .into_iter()
            .flatten()
            .map(Box::as_mut)
            .find(|keypair| keypair.local_index == index)
    }

    /// Whether the index is that of the keys that wait to be confirmed.
    pub(crate) fn is_next(&self, index: u32) -> bool {
        self.next
            .as_ref()
            .is_some_and(|keypair| keypair.local_index == index)
    }

    /// The keys to send with, however old.
    pub(crate) fn current(&self) -> Option<&Keypair> {
        self.current.as_deref()
    }

    /// The keys to send with, unless they are too old.
    pub(crate) fn usable(&mut self, now: Instant) -> Option<&mut Keypair> {
        self.current
            .as_deref_mut()
            .filter(|keypair| keypair.is_usable(now))
    }

    /// Forgets every key.
    pub(crate) fn clear(&mut self, indices: &mut Indices) {
        for slot in [&mut self.current, &mut self.next, &mut self.previous] {
            indices.release(slot.take());
        }
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

    /// A new random index for a peer.
    pub(crate) fn give(&mut self, entropy: &mut Entropy, peer: PeerId) -> u32 {
        loop {
            let index = entropy.take_u32();
            if !self.table.contains_key(&index) {
                self.table.insert(index, peer);
                return index;
            }
        }
    }

    pub(crate) fn find(&self, index: u32) -> Option<PeerId> {
        self.table.get(&index).copied()
    }

    /// Takes the index of a handshake back.
    pub(crate) fn take_back(&mut self, index: u32) {
        self.table.remove(&index);
    }

    fn release(&mut self, keypair: Option<Box<Keypair>>) {
        if let Some(keypair) = keypair {
            self.take_back(keypair.local_index);
        }
    }
}
