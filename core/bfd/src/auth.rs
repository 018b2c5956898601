//! Authentication of control packets (RFC 5880 §6.7): simple password, keyed MD5 and keyed SHA1, the latter two
//! also meticulous.

use core::fmt;

use md5::Md5;
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use crate::discard::Discard;
use crate::wire::{MANDATORY_LEN, Octets, Packet};

/// A password or key is at most as long as the longest digest.
const KEY_LEN_MAX: usize = 20;
const MD5_LEN: usize = 16;
/// Type, length, key ID, reserved, sequence number.
const DIGEST_AT: usize = 8;

/// How packets are authenticated.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    kind: AuthKind,
    /// The first one signs.
    keys: Vec<AuthKey>,
}

/// By which means. The number is the one on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthKind {
    /// A password in the clear.
    SimplePassword = 1,
    /// An MD5 digest; the sequence number may stand still.
    KeyedMd5 = 2,
    /// An MD5 digest; each packet has the next sequence number.
    MeticulousKeyedMd5 = 3,
    /// A SHA1 digest; the sequence number may stand still.
    KeyedSha1 = 4,
    /// A SHA1 digest; each packet has the next sequence number.
    MeticulousKeyedSha1 = 5,
}

/// A key and the number under which both sides know it.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthKey {
    id: u8,
    secret: Zeroizing<Vec<u8>>,
}

/// A password or key must have 1 to 16 octets, for SHA1 1 to 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLengthError;

impl fmt::Display for KeyLengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a BFD password or key has 1 to 16 octets, for SHA1 up to 20, and there is at least one")
    }
}

impl core::error::Error for KeyLengthError {}

impl AuthKey {
    /// A key under a number.
    pub fn new(id: u8, secret: Vec<u8>) -> Self {
        Self {
            id,
            secret: Zeroizing::new(secret),
        }
    }
}

/// Without the secret.
impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("kind", &self.kind)
            .field("keys", &self.keys)
            .finish()
    }
}

impl AuthKind {
    const fn key_len_max(self) -> usize {
        match self {
            Self::SimplePassword | Self::KeyedMd5 | Self::MeticulousKeyedMd5 => MD5_LEN,
            Self::KeyedSha1 | Self::MeticulousKeyedSha1 => KEY_LEN_MAX,
        }
    }

    const fn is_meticulous(self) -> bool {
        matches!(self, Self::MeticulousKeyedMd5 | Self::MeticulousKeyedSha1)
    }
}

impl Auth {
    /// Signs with the first key, accepts any of them, so that keys can be changed one side at a time.
    ///
    /// # Errors
    ///
    /// A key is empty or too long for the kind, or there is none.
    pub fn new(kind: AuthKind, keys: Vec<AuthKey>) -> Result<Self, KeyLengthError> {
        let fits = |key: &AuthKey| (1..=kind.key_len_max()).contains(&key.secret.len());
        if keys.is_empty() || !keys.iter().all(fits) {
            return Err(KeyLengthError);
        }
        Ok(Self { kind, keys })
    }

    /// The packet with its authentication section. `sequence` is what the next packet would carry.
    pub(crate) fn sign(&self, packet: &Packet, sequence: u32) -> Octets {
        let key = self.keys.first().expect("checked when it was made");
        let section_len = self.section_len(key);
        let mut octets = packet.encode_with(section_len);
        let section = &mut octets.as_mut()[MANDATORY_LEN..];
        section[0] = self.kind as u8;
        section[1] = u8::try_from(section_len).expect("at most 28");
        section[2] = key.id;
        match self.kind {
            AuthKind::SimplePassword => section[3..].copy_from_slice(&key.secret),
            AuthKind::KeyedMd5
            | AuthKind::MeticulousKeyedMd5
            | AuthKind::KeyedSha1
            | AuthKind::MeticulousKeyedSha1 => {
                section[4..8].copy_from_slice(&sequence.to_be_bytes());
                let digest = self.digest(&octets, key);
                octets.as_mut()[MANDATORY_LEN + DIGEST_AT..]
                    .copy_from_slice(&digest[..section_len - DIGEST_AT]);
            }
        }
        octets
    }

    /// Checks a received packet's section; gives its sequence number where the kind has one.
    /// `last` is that of the last packet taken, if it is known.
    pub(crate) fn verify(
        &self,
        packet: &Packet,
        bytes: &[u8],
        last: Option<u32>,
    ) -> Result<Option<u32>, Discard> {
        let whole = bytes
            .get(..usize::from(bytes[3]))
            .ok_or(Discard::AuthHeader)?;
        let section = &whole[MANDATORY_LEN..];
        let [kind, len, id, ..] = *section else {
            return Err(Discard::AuthHeader);
        };
        let key = self
            .keys
            .iter()
            .find(|key| key.id == id)
            .ok_or(Discard::AuthHeader)?;
        let expected = self.section_len(key);
        if kind != self.kind as u8 || usize::from(len) != expected || section.len() != expected {
            return Err(Discard::AuthHeader);
        }
        if self.kind == AuthKind::SimplePassword {
            return match is_equal(&section[3..], &key.secret) {
                true => Ok(None),
                false => Err(Discard::AuthDigest),
            };
        }
        let sequence = u32::from_be_bytes([section[4], section[5], section[6], section[7]]);
        if let Some(last) = last {
            let first = u32::from(self.kind.is_meticulous());
            let ahead = sequence.wrapping_sub(last);
            if !(first..=3 * u32::from(packet.detect_mult)).contains(&ahead) {
                return Err(Discard::AuthSequence);
            }
        }
        let digest = self.digest(whole, key);
        match is_equal(&section[DIGEST_AT..], &digest[..expected - DIGEST_AT]) {
            true => Ok(Some(sequence)),
            false => Err(Discard::AuthDigest),
        }
    }

    /// What the sequence number of the packet after this one is.
    pub(crate) const fn next_sequence(&self, sequence: u32, content_changes: bool) -> u32 {
        if self.kind.is_meticulous() || content_changes {
            sequence.wrapping_add(1)
        } else {
            sequence
        }
    }

    fn section_len(&self, key: &AuthKey) -> usize {
        match self.kind {
            AuthKind::SimplePassword => 3 + key.secret.len(),
            AuthKind::KeyedMd5 | AuthKind::MeticulousKeyedMd5 => DIGEST_AT + MD5_LEN,
            AuthKind::KeyedSha1 | AuthKind::MeticulousKeyedSha1 => DIGEST_AT + KEY_LEN_MAX,
        }
    }

    /// The digest of the packet with the key, padded with zeros, where the digest belongs (§6.7.3, §6.7.4).
    fn digest(&self, whole: &[u8], key: &AuthKey) -> [u8; KEY_LEN_MAX] {
        let before = &whole[..MANDATORY_LEN + DIGEST_AT];
        let mut padded = Zeroizing::new([0; KEY_LEN_MAX]);
        padded[..key.secret.len()].copy_from_slice(&key.secret);
        let mut digest = [0; KEY_LEN_MAX];
        if self.kind.key_len_max() == MD5_LEN {
            let hash = Md5::new()
                .chain_update(before)
                .chain_update(&padded[..MD5_LEN]);
            digest[..MD5_LEN].copy_from_slice(&hash.finalize());
        } else {
            let hash = Sha1::new().chain_update(before).chain_update(&padded[..]);
            digest.copy_from_slice(&hash.finalize());
        }
        digest
    }
}

/// In a time that does not tell where they differ.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
