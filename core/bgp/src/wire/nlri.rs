//! Network layer reachability information: prefixes packed by length (RFC 4271 §4.3).

use core::net::Ipv4Addr;

use inet::Prefix;

/// A checked list of IPv4 prefixes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefixes<'a> {
    // INVARIANT: each length is at most 32 and followed by all its bytes.
    bytes: &'a [u8],
}

impl<'a> Prefixes<'a> {
    /// Checks a field (RFC 7606 §5.3). `None` when a length is over 32 or bytes are short.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        checked(bytes, 32).then_some(Self { bytes })
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Whether a field is a list of prefixes of at most `max` bits.
pub(crate) fn checked(mut bytes: &[u8], max: u8) -> bool {
    while let Some((len, rest)) = bytes.split_first() {
        if *len > max {
            return false;
        }
        match rest.get(octets(*len)..) {
            Some(rest) => bytes = rest,
            None => return false,
        }
    }
    true
}

const fn octets(len: u8) -> usize {
    len.div_ceil(8) as usize
}

impl Iterator for Prefixes<'_> {
    type Item = Prefix;

    /// The next prefix; bits behind the length are cleared, as RFC 4271 §4.3 says they do not
    /// matter.
    fn next(&mut self) -> Option<Prefix> {
        let (len, rest) = self.bytes.split_first()?;
        let (bits, rest) = rest.split_at_checked(octets(*len))?;
        let mut address = [0; 4];
        address[..bits.len()].copy_from_slice(bits);
        self.bytes = rest;
        Prefix::around(Ipv4Addr::from(address), *len)
    }
}

/// The bytes that a prefix takes.
pub const fn size(prefix: Prefix) -> usize {
    1 + octets(prefix.len())
}

/// Appends a prefix.
pub fn write(prefix: Prefix, out: &mut Vec<u8>) {
    out.push(prefix.len());
    out.extend_from_slice(&prefix.address().octets()[..octets(prefix.len())]);
}
