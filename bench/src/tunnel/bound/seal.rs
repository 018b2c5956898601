//! One AEAD call for each packet, in place, behind a header as WireGuard's.

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};

/// In front of each packet: type, receiver, counter (WireGuard §5.4.6).
pub(super) const HEADER: usize = 16;
/// Behind it: the authentication tag.
pub(super) const TAG: usize = 16;
const TYPE: u32 = 4;
const NONCE: usize = 12;

/// What packets are sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// Nothing; the tag's room is there all the same.
    None,
    /// ChaCha20-Poly1305.
    ChaCha20,
    /// AES-256-GCM.
    Aes256,
}

impl Suite {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::ChaCha20, Self::Aes256];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ChaCha20 => "chacha20",
            Self::Aes256 => "aes",
        }
    }

    /// The suite of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }
}

/// Seals and opens with a key that everybody knows.
pub(super) struct Sealer {
    key: Option<LessSafeKey>,
    counter: u64,
}

impl Sealer {
    pub(super) fn new(suite: Suite) -> Self {
        let algorithm = match suite {
            Suite::None => None,
            Suite::ChaCha20 => Some(&aead::CHACHA20_POLY1305),
            Suite::Aes256 => Some(&aead::AES_256_GCM),
        };
        let key = algorithm.map(|algorithm| {
            let key = UnboundKey::new(algorithm, &[7; 32]);
            LessSafeKey::new(key.expect("both algorithms have keys of 32 octets"))
        });
        Self { key, counter: 0 }
    }

    /// Seals what lies between the header and the tag of a slot, and fills in both.
    pub(super) fn seal(&mut self, slot: &mut [u8]) {
        let counter = self.counter;
        self.counter += 1;
        let (header, rest) = slot.split_at_mut(HEADER);
        header[..4].copy_from_slice(&TYPE.to_le_bytes());
        header[4..8].fill(0);
        header[8..].copy_from_slice(&counter.to_le_bytes());
        let end = rest.len() - TAG;
        let (packet, tag) = rest.split_at_mut(end);
        if let Some(key) = &self.key {
            let made = key.seal_in_place_separate_tag(nonce(counter), Aad::empty(), packet);
            tag.copy_from_slice(made.expect("a packet is short enough").as_ref());
        }
    }

    /// Opens a slot in place; the packet lies between the header and the tag. False when it was
    /// not sealed with the same key.
    pub(super) fn open(&self, slot: &mut [u8]) -> bool {
        let Some((header, rest)) = slot.split_at_mut_checked(HEADER) else {
            return false;
        };
        if rest.len() < TAG || header[..4] != TYPE.to_le_bytes() {
            return false;
        }
        let counter = header[8..].first_chunk().copied().map(u64::from_le_bytes);
        let nonce = nonce(counter.unwrap_or_default());
        let key = self.key.as_ref();
        key.is_none_or(|key| key.open_in_place(nonce, Aad::empty(), rest).is_ok())
    }
}

fn nonce(counter: u64) -> Nonce {
    let mut nonce = [0; NONCE];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}
