//! Static keys: X25519, written in base64 as WireGuard's tools write them, never shown by accident.

use core::fmt;
use core::str::FromStr;

use blake2::Blake2sMac256;
use blake2::digest::{FixedOutput as _, KeyInit as _, Update as _};
use x25519_dalek::{PublicKey as DhPublic, StaticSecret};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A static private key, wiped from memory when dropped. `Debug` shows nothing of it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PrivateKey([u8; 32]);

impl PrivateKey {
    /// From 32 random octets, or from a stored key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key of a named locator under a master secret. Whoever has the master secret has every
    /// key: right for a lab and a simulation, where a design must give the same keys every time.
    pub fn derive(master: &[u8; 32], name: &str) -> Self {
        let mut mac = Blake2sMac256::new(master.into());
        mac.update(b"longhaul static key 1");
        mac.update(name.as_bytes());
        Self(mac.finalize_fixed().into())
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(DhPublic::from(&StaticSecret::from(self.0)).to_bytes())
    }

    /// Reads base64 as `wg genkey` writes it.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        decode(text).map(Self)
    }

    /// Base64 as `wg genkey` writes it: for a file of mode 0600, and nothing else.
    pub fn to_base64(&self) -> String {
        encode(&self.0)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

/// A static public key. `Display` and `FromStr` use base64 as WireGuard's tools do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        decode(text).map(Self)
    }
}

/// A text that is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key is 44 characters of base64, the last of them '='")
    }
}

impl core::error::Error for KeyError {}

fn encode(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(44);
    for chunk in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(word);
        for digit in 0..4 {
            text.push(match digit <= chunk.len() {
                true => char::from(ALPHABET[(bits >> (18 - 6 * digit)) as usize & 63]),
                false => '=',
            });
        }
    }
    text
}

fn decode(text: &str) -> Result<[u8; 32], KeyError> {
    let digits = text.strip_suffix('=').ok_or(KeyError)?.as_bytes();
    if digits.len() != 43 {
        return Err(KeyError);
    }
    let mut bytes = [0; 33];
    for (digits, bytes) in digits.chunks(4).zip(bytes.chunks_mut(3)) {
        let mut bits = 0u32;
        for place in 0..4 {
            let value = match digits.get(place) {
                Some(digit) => ALPHABET.iter().position(|letter| letter == digit),
                None => Some(0),
            };
            bits = bits << 6 | value.ok_or(KeyError)? as u32;
        }
        bytes.copy_from_slice(&bits.to_be_bytes()[1..]);
    }
    // The last digit carries two bits of nothing; only one spelling of a key is accepted.
    let (key, spare) = bytes.split_at(32);
    if spare != [0] {
        return Err(KeyError);
    }
    key.try_into().map_err(|_| KeyError)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_what_wireguard_tools_write() {
        // RFC 7748 §6.1: Alice's keys.
        let private =
            PrivateKey::from_base64("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=").expect("a key");
        assert_eq!(
            private.public_key().to_string(),
            "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
        );
        assert_eq!(
            PrivateKey::from_base64(&private.to_base64()).map(|key| key.0),
            Ok(private.0)
        );
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for text in [
            "",
            "=",
            "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo",
            "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTm==",
            "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmp=",
            "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066Spjqqb*mo=",
        ] {
            assert_eq!(text.parse::<PublicKey>(), Err(KeyError), "{text}");
        }
    }

    #[test]
    fn derived_keys_depend_on_master_and_name_and_debug_hides_them() {
        let key = PrivateKey::derive(&[1; 32], "nva1.westeurope/azure");
        let same = PrivateKey::derive(&[1; 32], "nva1.westeurope/azure");
        assert_eq!(key.0, same.0);
        assert_ne!(
            key.0,
            PrivateKey::derive(&[2; 32], "nva1.westeurope/azure").0
        );
        assert_ne!(
            key.0,
            PrivateKey::derive(&[1; 32], "nva2.westeurope/azure").0
        );
        assert_eq!(format!("{key:?}"), "PrivateKey(…)");
    }
}
