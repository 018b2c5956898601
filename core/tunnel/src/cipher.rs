//! The AEAD of data messages, and the only place that knows which library computes it.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::wire::TAG;

/// One direction's key.
pub(crate) enum Cipher {
    ChaCha20Poly1305(Box<LessSafeKey>),
    /// No cryptography: a tag of zeros, always accepted.
    Null,
}

impl Cipher {
    pub(crate) fn chacha20poly1305(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("the key has the AEAD's length");
        Self::ChaCha20Poly1305(Box::new(LessSafeKey::new(key)))
    }

    /// Encrypts in place and gives the tag. A counter must never be used twice with one key.
    pub(crate) fn seal(&self, counter: u64, buffer: &mut [u8]) -> [u8; TAG] {
        match self {
            Self::Null => [0; TAG],
            Self::ChaCha20Poly1305(key) => {
                let tag = key
                    .seal_in_place_separate_tag(nonce(counter), Aad::empty(), buffer)
                    .expect("a datagram is shorter than the AEAD's 256 GiB");
                let mut bytes = [0; TAG];
                bytes.copy_from_slice(tag.as_ref());
                bytes
            }
        }
    }

    /// Decrypts ciphertext and tag in place; what is left is the buffer without its last 16 octets.
    /// `false` when they are not what was sealed with this counter; the buffer is then rubbish.
    #[must_use]
    pub(crate) fn open(&self, counter: u64, buffer: &mut [u8]) -> bool {
        match self {
            Self::Null => buffer.len() >= TAG,
            Self::ChaCha20Poly1305(key) => key
                .open_in_place(nonce(counter), Aad::empty(), buffer)
                .is_ok(),
        }
    }
}

/// 32 bits of zero and the counter, little-endian (paper §5.4.6).
fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}
