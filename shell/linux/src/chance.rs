//! Chance: octets that nobody can predict.

use std::fs::File;
use std::io::{self, Read as _};

/// Fills `octets` from the kernel's source of randomness.
///
/// # Errors
///
/// `/dev` is not mounted.
pub fn random(octets: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(octets)
}
