//! The keys of one handshake on one shard: a lane's ciphers, counter and replay window are made when it is first used.

use std::time::Duration;

use inet::Instant;
use zeroize::Zeroize as _;

use crate::change::Install;
use crate::cipher::{Aead, Cipher};
use crate::extension::{LANE_BITS, Secrets, Terms};
use crate::replay::Window;
use crate::timers::{REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME, REKEY_AFTER_MESSAGES};
use crate::wire::TAG;

/// The keys of one handshake.
pub(super) struct Pair {
    /// Our index; its low bits are those of the first lane.
    pub(super) local_index: u32,
    remote_index: u32,
    created: Instant,
    terms: Terms,
    secrets: Secrets,
    /// Whether anything came with these keys.
    pub(super) is_heard: bool,
    /// Whether it was reported that they have sealed enough.
    pub(super) is_used_up: bool,
    /// By number, those of other shards for ever empty.
    lanes: Box<[Option<Box<Lane>>]>,
}

/// One lane of a session: keys, a counter and a replay window of its own.
pub(super) struct Lane {
    pub(super) remote_index: u32,
    send: Cipher,
    counter: u64,
    /// What was sealed, in the unit of the AEAD's limit.
    used: u64,
    receive: Cipher,
    /// Made when the first message comes.
    window: Option<Box<Window>>,
}

impl Pair {
    pub(super) fn new(install: Install) -> Self {
        Self {
            local_index: install.local_index,
            remote_index: install.remote_index,
            created: install.created,
            lanes: (0..install.terms.lanes).map(|_| None).collect(),
            terms: install.terms,
            secrets: install.secrets,
            is_heard: false,
            is_used_up: false,
        }
    }

    pub(super) fn is_young(&self, now: Instant) -> bool {
        self.age(now) < REJECT_AFTER_TIME
    }

    fn age(&self, now: Instant) -> Duration {
        now.since(self.created)
    }

    /// Which shard owns the first lane, the only one of plain WireGuard.
    pub(super) fn first_shard(&self, shards: usize) -> usize {
        (self.local_index & LANE_BITS) as usize % shards
    }

    /// The lane on which a shard sends a flow; `None` when it owns none.
    pub(super) fn lane_for(&self, flow: u64, shard: usize, shards: usize) -> Option<u8> {
        let first = self.first_shard(shards);
        let lowest = (shard + shards - first) % shards;
        let lanes = self.lanes.len();
        let own = lanes.checked_sub(lowest + 1)? / shards + 1;
        // The low half of the hash chooses queues and paths elsewhere; the high half chooses the lane.
        let turn = (flow >> 32) as usize % own;
        Some((lowest + turn * shards) as u8)
    }

    /// The lane of a receiver index whose base is ours.
    pub(super) fn lane_of(&self, receiver_index: u32) -> Option<u8> {
        let number = receiver_index.checked_sub(self.local_index)?;
        u8::try_from(number)
            .ok()
            .filter(|number| usize::from(*number) < self.lanes.len())
    }

    /// A lane by number, made if it is used for the first time.
    pub(super) fn lane(&mut self, number: u8) -> &mut Lane {
        let Self {
            remote_index,
            terms,
            secrets,
            lanes,
            ..
        } = self;
        lanes[usize::from(number)].get_or_insert_with(|| {
            let cipher = |secret| {
                let mut key = terms.lane_key(secret, number);
                let cipher = Cipher::new(terms.aead, &key);
                key.zeroize();
                cipher
            };
            Box::new(Lane {
                remote_index: *remote_index + u32::from(number),
                send: cipher(&secrets.send),
                counter: 0,
                used: 0,
                receive: cipher(&secrets.receive),
                window: None,
            })
        })
    }

    /// A lane that exists already, without making it.
    pub(super) fn existing(&self, number: u8) -> Option<&Lane> {
        self.lanes.get(usize::from(number))?.as_deref()
    }
}

impl Lane {
    /// Whether it may seal at all.
    pub(super) const fn may_seal(&self) -> bool {
        self.used < limits(self.send.aead()).1
    }

    /// Whether a new handshake should be begun.
    pub(super) const fn is_used_up(&self) -> bool {
        self.used >= limits(self.send.aead()).0
    }

    /// Seals what lies in place; gives the counter and the tag.
    pub(super) fn seal(&mut self, buffer: &mut [u8]) -> (u64, [u8; TAG]) {
        let counter = self.counter;
        self.counter += 1;
        self.used += match self.send.aead() {
            Aead::Aes256Gcm => 1 + buffer.len().div_ceil(16) as u64,
            Aead::ChaCha20Poly1305 | Aead::Null => 1,
        };
        (counter, self.send.seal(counter, buffer))
    }

    /// Whether a counter was seen or lies too far back; asked before decryption, to save it.
    pub(super) fn is_replay(&self, counter: u64) -> bool {
        self.window
            .as_ref()
            .is_some_and(|window| !window.is_new(counter))
    }

    /// Opens ciphertext and tag in place.
    pub(super) fn open(&mut self, counter: u64, buffer: &mut [u8]) -> bool {
        self.receive.open(counter, buffer)
            && self
                .window
                .get_or_insert_with(|| Box::new(Window::new()))
                .accept(counter)
    }
}

/// After how much a lane's key should and must be replaced: messages with ChaCha20-Poly1305 (paper §6.1),
/// blocks of 16 octets with AES-256-GCM. There `(2·q·l)² / 2^129` bounds what an attacker gains from `q`
/// messages of `l` blocks (RFC 9001 §B.1.1); 2^35 blocks keep it below 2^-57, as QUIC does.
const fn limits(aead: Aead) -> (u64, u64) {
    match aead {
        Aead::ChaCha20Poly1305 | Aead::Null => (REKEY_AFTER_MESSAGES, REJECT_AFTER_MESSAGES),
        Aead::Aes256Gcm => (1 << 34, 1 << 35),
    }
}

#[cfg(test)]
impl Lane {
    /// As if so much had been sealed.
    pub(super) const fn wear(&mut self, used: u64) {
        self.used = used;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PeerId;
    use crate::extension::Offer;

    fn pair(low_bits: u32, lanes: u8) -> Pair {
        sealed_with(false, low_bits, lanes)
    }

    fn sealed_with(aes: bool, low_bits: u32, lanes: u8) -> Pair {
        let shards = lanes;
        let offer = Offer { aes, shards };
        Pair::new(Install {
            id: PeerId(0),
            local_index: 0x100 | low_bits,
            remote_index: 0x200,
            created: Instant::ZERO,
            terms: offer.answer(offer),
            secrets: Secrets {
                send: [1; 32],
                receive: [2; 32],
            },
        })
    }

    #[test]
    fn a_flow_takes_a_lane_that_its_shard_owns_and_every_lane_is_taken() {
        for (lanes, shards) in [(1, 1), (4, 1), (4, 3), (8, 2), (16, 5), (16, 16)] {
            let mut seen = vec![false; lanes];
            for shard in 0..shards {
                for flow in 0..64u64 {
                    let pair = pair(0, lanes as u8);
                    let lane = pair.lane_for(flow << 32, shard, shards).expect("a lane");
                    assert_eq!(usize::from(lane) % shards, shard);
                    seen[usize::from(lane)] = true;
                }
            }
            assert_eq!(seen, vec![true; lanes], "{lanes} lanes, {shards} shards");
        }
    }

    #[test]
    fn the_only_lane_of_a_plain_peer_belongs_to_the_shard_of_its_index() {
        let pair = pair(2, 1);
        let owners: Vec<_> = (0..4)
            .filter(|shard| pair.lane_for(7, *shard, 4).is_some())
            .collect();
        assert_eq!(owners, [2]);
        assert_eq!(pair.lane_of(0x102), Some(0));
        assert_eq!(pair.lane_of(0x103), None);
        assert_eq!(pair.lane_of(0x101), None);
    }

    #[test]
    fn an_aes_lane_counts_blocks_and_a_chacha_lane_messages() {
        let mut chacha = pair(0, 1);
        let lane = chacha.lane(0);
        lane.seal(&mut [0; 1420]);
        assert_eq!(lane.used, 1);
        let mut aes = sealed_with(true, 0, 1);
        let lane = aes.lane(0);
        lane.seal(&mut [0; 1420]);
        assert_eq!(lane.used, 90);
        lane.used = 1 << 34;
        assert!(lane.is_used_up() && lane.may_seal());
        lane.used = 1 << 35;
        assert!(!lane.may_seal());
    }
}
