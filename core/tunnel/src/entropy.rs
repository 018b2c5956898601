//! The endpoint's only source of chance: a generator for keys, made from the seed that the shell gave.

use blake2::Blake2sMac256;
use blake2::digest::{FixedOutput as _, KeyInit as _, Update as _};
use snow::types::Random;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

/// Keyed BLAKE2s as a generator that cannot be run backwards: after every output the key is
/// replaced, so that whoever reads this memory later learns nothing of keys given out before.
#[derive(ZeroizeOnDrop)]
pub(crate) struct Entropy {
    key: [u8; 32],
}

impl Entropy {
    /// A generator for a seed and a purpose. Different purposes give unrelated streams.
    pub(crate) fn new(seed: &[u8; 32], purpose: &[&[u8]]) -> Self {
        Self {
            key: keyed(seed, purpose),
        }
    }

    /// The next 32 octets.
    pub(crate) fn take(&mut self) -> [u8; 32] {
        let output = keyed(&self.key, &[b"output"]);
        self.key = keyed(&self.key, &[b"next"]);
        output
    }

    /// The next 32 bits.
    pub(crate) fn take_u32(&mut self) -> u32 {
        let bytes = self.take();
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }
}

impl Random for Entropy {
    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), snow::Error> {
        for chunk in buffer.chunks_mut(32) {
            let mut bytes = self.take();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
            bytes.zeroize();
        }
        Ok(())
    }
}

fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Blake2sMac256::new(key.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize_fixed().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_for_a_seed_and_differ_by_purpose() {
        let stream = |seed, purpose: &[&[u8]]| Entropy::new(&[seed; 32], purpose).take();
        assert_eq!(stream(1, &[b"a", b"b"]), stream(1, &[b"a", b"b"]));
        assert_ne!(stream(1, &[b"a", b"b"]), stream(1, &[b"ab", b""]));
        assert_ne!(stream(1, &[b"a"]), stream(2, &[b"a"]));
        let mut entropy = Entropy::new(&[1; 32], &[b"a"]);
        assert_ne!(entropy.take(), entropy.take());
    }
}
