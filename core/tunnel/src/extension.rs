//! What two nodes of this project agree upon beyond WireGuard: the AEAD and the number of lanes. The
//! protocol is written down in `docs/wireguard-extension.md`.
//!
//! The offer lies in bits of the initiation's timestamp that are otherwise zero, the answer is the response's payload.
//! Noise encrypts and authenticates both, and both go into the derivation of the data keys.

use blake2::Blake2sMac256;
use blake2::digest::{FixedOutput as _, KeyInit as _, Update as _};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::cipher::Aead;
use crate::tai64n::Tai64n;

/// Lanes of a session at most; their numbers take the low four bits of an index.
pub(crate) const LANES_MAX: u8 = 16;
/// The bits of an index that name a lane.
pub(crate) const LANE_BITS: u32 = 15;
/// Octets of the answer.
pub(crate) const ANSWER: usize = 4;

/// What one side can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Whether it computes AES-256-GCM; ChaCha20-Poly1305 everybody does.
    pub(crate) aes: bool,
    /// Its forwarding threads, 1 to 16.
    pub(crate) shards: u8,
}

impl Offer {
    /// Writes the offer into the low 24 bits of the nanoseconds, which [`crate::tai64n::label`] leaves zero.
    pub(crate) fn write(self, timestamp: &mut Tai64n) {
        let suites = CHACHA20_POLY1305 | if self.aes { AES_256_GCM } else { 0 };
        let bits = MAGIC << 12 | suites << 4 | u32::from(self.shards - 1);
        timestamp[9..].copy_from_slice(&bits.to_be_bytes()[1..]);
    }

    /// Reads an offer; `None` when the timestamp carries none that we know.
    pub(crate) fn read(timestamp: &Tai64n) -> Option<Self> {
        let bits = u32::from_be_bytes([0, timestamp[9], timestamp[10], timestamp[11]]);
        let suites = bits >> 4 & 0xff;
        let is_known =
            bits >> 12 == MAGIC && suites & CHACHA20_POLY1305 != 0 && suites & !SUITES == 0;
        is_known.then_some(Self {
            aes: suites & AES_256_GCM != 0,
            shards: (bits & 15) as u8 + 1,
        })
    }

    /// What we answer to an offer.
    pub(crate) fn answer(self, theirs: Self) -> Terms {
        let aead = match self.aes && theirs.aes {
            true => Aead::Aes256Gcm,
            false => Aead::ChaCha20Poly1305,
        };
        let lanes = lanes(self.shards.max(theirs.shards));
        Terms::new(theirs, aead, lanes)
    }

    /// What the other side answered to ours; `None` when it is nothing that we offered.
    pub(crate) fn accept(self, answer: &[u8; ANSWER]) -> Option<Terms> {
        let [VERSION, suite, lane_count, 0] = *answer else {
            return None;
        };
        let aead = match (u32::from(suite), self.aes) {
            (CHACHA20_POLY1305, _) => Aead::ChaCha20Poly1305,
            (AES_256_GCM, true) => Aead::Aes256Gcm,
            _ => return None,
        };
        let is_sound =
            lane_count.is_power_of_two() && (lanes(self.shards)..=LANES_MAX).contains(&lane_count);
        is_sound.then(|| Terms::new(self, aead, lane_count))
    }
}

/// What a session was agreed to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) aead: Aead,
    /// A power of two.
    pub(crate) lanes: u8,
    /// Offer and answer as they were written; `None` for plain WireGuard.
    agreed: Option<[u8; 3 + ANSWER]>,
}

impl Terms {
    /// WireGuard's, or with [`Aead::Null`] those of the null suite.
    pub(crate) const fn plain(aead: Aead) -> Self {
        Self {
            aead,
            lanes: 1,
            agreed: None,
        }
    }

    fn new(offer: Offer, aead: Aead, lanes: u8) -> Self {
        let mut terms = Self {
            aead,
            lanes,
            agreed: None,
        };
        let mut timestamp = [0; 12];
        offer.write(&mut timestamp);
        let mut agreed = [0; 3 + ANSWER];
        agreed[..3].copy_from_slice(&timestamp[9..]);
        agreed[3..].copy_from_slice(&terms.answer());
        terms.agreed = Some(agreed);
        terms
    }

    /// The answer to the offer that led to these terms.
    pub(crate) fn answer(&self) -> [u8; ANSWER] {
        let suite = match self.aead {
            Aead::Aes256Gcm => AES_256_GCM,
            Aead::ChaCha20Poly1305 | Aead::Null => CHACHA20_POLY1305,
        };
        [VERSION, suite as u8, self.lanes, 0]
    }

    /// The same terms without cryptography.
    pub(crate) const fn without_cryptography(mut self) -> Self {
        self.aead = Aead::Null;
        self
    }

    /// A lane's key for one direction: that of the handshake itself without the extension, else derived from it, the lane's
    /// number, the offer and the answer.
    pub(crate) fn lane_key(&self, secret: &[u8; 32], lane: u8) -> [u8; 32] {
        let Some(agreed) = &self.agreed else {
            return *secret;
        };
        let mut mac = Blake2sMac256::new(secret.into());
        mac.update(LANE_LABEL);
        mac.update(agreed);
        mac.update(&[lane]);
        mac.finalize_fixed().into()
    }
}

/// What a handshake ends with: one secret for each direction.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secrets {
    pub(crate) send: [u8; 32],
    pub(crate) receive: [u8; 32],
}

/// Lanes for so many threads.
const fn lanes(shards: u8) -> u8 {
    if shards >= LANES_MAX {
        LANES_MAX
    } else {
        shards.next_power_of_two()
    }
}

/// Twelve bits that a timestamp without an offer does not have; nanoseconds stay below a second with them.
const MAGIC: u32 = 0x4c1;
const VERSION: u8 = 1;
const CHACHA20_POLY1305: u32 = 1;
const AES_256_GCM: u32 = 2;
const SUITES: u32 = CHACHA20_POLY1305 | AES_256_GCM;
const LANE_LABEL: &[u8] = b"longhaul lane 1";

#[cfg(test)]
mod tests {
    use super::*;

    const fn offer(aes: bool, shards: u8) -> Offer {
        Offer { aes, shards }
    }

    #[test]
    fn an_offer_is_read_as_it_was_written_and_a_plain_timestamp_is_none() {
        for aes in [false, true] {
            for shards in 1..=16 {
                let mut timestamp = [0xff; 12];
                timestamp[8] = 0x3b;
                offer(aes, shards).write(&mut timestamp);
                assert_eq!(Offer::read(&timestamp), Some(offer(aes, shards)));
                let nanoseconds =
                    u32::from_be_bytes([timestamp[8], timestamp[9], timestamp[10], timestamp[11]]);
                assert!(nanoseconds < 1_000_000_000);
            }
        }
        assert_eq!(Offer::read(&[0; 12]), None);
        let mut unknown = [0; 12];
        offer(true, 1).write(&mut unknown);
        unknown[10] |= 0x08;
        assert_eq!(Offer::read(&unknown), None, "a suite that we do not know");
    }

    #[test]
    fn both_sides_come_to_the_same_terms() {
        for (ours, theirs) in [(1, 1), (1, 4), (3, 2), (16, 1), (5, 16)] {
            for (we, they) in [(false, false), (true, false), (false, true), (true, true)] {
                let (initiator, responder) = (offer(they, theirs), offer(we, ours));
                let terms = responder.answer(initiator);
                assert_eq!(initiator.accept(&terms.answer()), Some(terms));
                assert_eq!(terms.aead == Aead::Aes256Gcm, we && they);
                assert!(terms.lanes >= ours.max(theirs) && terms.lanes.is_power_of_two());
            }
        }
    }

    #[test]
    fn an_answer_that_was_not_offered_is_refused() {
        let initiator = offer(false, 4);
        for answer in [
            [1, 2, 4, 0],
            [1, 3, 4, 0],
            [1, 0, 4, 0],
            [2, 1, 4, 0],
            [1, 1, 3, 0],
            [1, 1, 2, 0],
            [1, 1, 32, 0],
            [1, 1, 0, 0],
            [1, 1, 4, 1],
        ] {
            assert_eq!(initiator.accept(&answer), None, "{answer:?}");
        }
        assert!(initiator.accept(&[1, 1, 8, 0]).is_some());
    }

    #[test]
    fn lane_keys_depend_on_secret_lane_offer_and_answer() {
        let terms = offer(true, 4).answer(offer(true, 4));
        let key = terms.lane_key(&[1; 32], 0);
        assert_ne!(key, terms.lane_key(&[1; 32], 1));
        assert_ne!(key, terms.lane_key(&[2; 32], 0));
        assert_ne!(
            key,
            offer(true, 4).answer(offer(true, 2)).lane_key(&[1; 32], 0)
        );
        assert_ne!(
            key,
            offer(false, 4).answer(offer(true, 4)).lane_key(&[1; 32], 0)
        );
        let plain = Terms::plain(Aead::ChaCha20Poly1305);
        assert_eq!(plain.lane_key(&[1; 32], 0), [1; 32]);
    }
}
