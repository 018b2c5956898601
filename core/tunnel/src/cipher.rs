//! The AEADs of data messages, and the only place that knows which library computes them.

use ring::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::wire::TAG;

/// What data messages are sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aead {
    /// WireGuard's (RFC 8439).
    ChaCha20Poly1305,
    /// Between two nodes whose processors compute it (NIST SP 800-38D).
    Aes256Gcm,
    /// No cryptography: a tag of zeros, always accepted.
    Null,
}

impl Aead {
    /// Its name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Null => "none",
        }
    }

    const fn algorithm(self) -> Option<&'static Algorithm> {
        match self {
            Self::ChaCha20Poly1305 => Some(&CHACHA20_POLY1305),
            Self::Aes256Gcm => Some(&AES_256_GCM),
            Self::Null => None,
        }
    }
}

/// One direction's key. Its memory is overwritten when it is dropped.
pub(crate) struct Cipher {
    aead: Aead,
    /// `None` for the null cipher.
    key: Option<LessSafeKey>,
}

impl Cipher {
    pub(crate) fn new(aead: Aead, key: &[u8; 32]) -> Self {
        let key = aead.algorithm().map(|algorithm| bind(algorithm, key));
        Self { aead, key }
    }

    pub(crate) const fn aead(&self) -> Aead {
        self.aead
    }

    /// Encrypts in place and gives the tag. A counter must never be used twice with one key.
    pub(crate) fn seal(&self, counter: u64, buffer: &mut [u8]) -> [u8; TAG] {
        let mut bytes = [0; TAG];
        if let Some(key) = &self.key {
            let tag = key
                .seal_in_place_separate_tag(nonce(counter), Aad::empty(), buffer)
                .expect("a datagram is shorter than the AEAD's 64 GiB");
            bytes.copy_from_slice(tag.as_ref());
        }
        bytes
    }

    /// Decrypts ciphertext and tag in place; what is left is the buffer without its last 16 octets.
    /// `false` when they are not what was sealed with this counter; the buffer is then rubbish.
    #[must_use]
    pub(crate) fn open(&self, counter: u64, buffer: &mut [u8]) -> bool {
        match &self.key {
            None => buffer.len() >= TAG,
            Some(key) => key
                .open_in_place(nonce(counter), Aad::empty(), buffer)
                .is_ok(),
        }
    }

    /// Puts another key where this one lies. The library does not do it, and without the black box the compiler
    /// would leave the writing out.
    fn wipe(&mut self) {
        if let Some(algorithm) = self.aead.algorithm() {
            self.key = Some(bind(algorithm, &[0; 32]));
            core::hint::black_box(&mut self.key);
        }
    }
}

impl Drop for Cipher {
    fn drop(&mut self) {
        self.wipe();
    }
}

fn bind(algorithm: &'static Algorithm, key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(algorithm, key).expect("the key has the AEAD's length"))
}

/// 32 bits of zero and the counter, little-endian (paper §5.4.6).
fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_counter_and_aead_only() {
        for aead in [Aead::ChaCha20Poly1305, Aead::Aes256Gcm] {
            let mut sealed = *b"0123456789abcdef----------------";
            let tag = Cipher::new(aead, &[1; 32]).seal(7, &mut sealed[..16]);
            sealed[16..].copy_from_slice(&tag);
            let opens = |aead, key: u8, counter| {
                let mut bytes = sealed;
                Cipher::new(aead, &[key; 32]).open(counter, &mut bytes)
                    && bytes[..16] == *b"0123456789abcdef"
            };
            assert!(opens(aead, 1, 7));
            assert!(!opens(aead, 1, 8));
            assert!(!opens(aead, 2, 7));
            assert!(!opens(Aead::ChaCha20Poly1305, 1, 7) || !opens(Aead::Aes256Gcm, 1, 7));
        }
    }

    #[test]
    fn a_wiped_cipher_holds_the_zero_key() {
        for aead in [Aead::ChaCha20Poly1305, Aead::Aes256Gcm] {
            let mut cipher = Cipher::new(aead, &[5; 32]);
            cipher.wipe();
            let (mut wiped, mut zero) = ([9; 64], [9; 64]);
            assert_eq!(
                cipher.seal(0, &mut wiped),
                Cipher::new(aead, &[0; 32]).seal(0, &mut zero)
            );
            assert_eq!(wiped, zero);
        }
    }
}
