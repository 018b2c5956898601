//! Hashing with a seed: fast, equal on every machine, and not predictable by a peer.
//!
//! Tables keyed by what a peer sends take a per-process seed, so that a peer cannot choose keys
//! that collide. Simulations give the same seed and get the same order.

use core::hash::{BuildHasher, Hasher};

/// Mixes 64 bits so that every input bit reaches every output bit (the finaliser of MurmurHash3).
pub const fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// A hash of bytes under a seed.
pub fn bytes(seed: u64, bytes: &[u8]) -> u64 {
    let mut hasher = SeededHasher {
        state: mix(seed ^ 0x9e37_79b9_7f4a_7c15),
    };
    hasher.write(bytes);
    hasher.finish()
}

/// Builds hashers that start from a seed; for `hashbrown` tables.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seeded(pub u64);

impl BuildHasher for Seeded {
    type Hasher = SeededHasher;

    fn build_hasher(&self) -> SeededHasher {
        SeededHasher {
            state: mix(self.0 ^ 0x9e37_79b9_7f4a_7c15),
        }
    }
}

/// The hasher that [`Seeded`] builds.
#[derive(Clone, Copy, Debug)]
pub struct SeededHasher {
    state: u64,
}

impl SeededHasher {
    fn word(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        self.state = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for SeededHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
        let rest = chunks.remainder();
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(word));
        self.word(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.word(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.word(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }

    fn finish(&self) -> u64 {
        mix(self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_length_and_content_all_change_the_hash() {
        let base = bytes(1, b"hello");
        assert_eq!(base, bytes(1, b"hello"));
        assert_ne!(base, bytes(2, b"hello"));
        assert_ne!(base, bytes(1, b"hellp"));
        assert_ne!(bytes(1, b"a"), bytes(1, b"a\0"));
    }

    #[test]
    fn small_numbers_spread_evenly_over_a_few_buckets() {
        let mut buckets = [0u32; 8];
        for value in 0..8_000u32 {
            buckets[(bytes(7, &value.to_be_bytes()) % 8) as usize] += 1;
        }
        assert!(
            buckets.iter().all(|count| (850..1_150).contains(count)),
            "{buckets:?}"
        );
    }
}
