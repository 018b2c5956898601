//! Network layer reachability information: prefixes packed by length (RFC 4271 §4.3, RFC 4760 §5),
//! each with a path identifier where that was agreed on (RFC 7911 §3).

use core::net::{Ipv4Addr, Ipv6Addr};

use inet::{Net, Prefix, Prefix6};

/// How a list of prefixes is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// IPv6 prefixes.
    pub v6: bool,
    /// With path identifiers.
    pub paths: bool,
}

/// A checked list of prefixes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefixes<'a> {
    // INVARIANT: each length is within the family's and followed by all its bytes.
    bytes: &'a [u8],
    form: Form,
}

impl<'a> Prefixes<'a> {
    /// Checks a field (RFC 7606 §5.3). `None` when a length is too great or bytes are short.
    pub fn parse(bytes: &'a [u8], form: Form) -> Option<Self> {
        checked(bytes, form).then_some(Self { bytes, form })
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

const PATH: usize = 4;

/// Whether a field is a list of prefixes.
pub(crate) fn checked(mut bytes: &[u8], form: Form) -> bool {
    let max = if form.v6 { 128 } else { 32 };
    while !bytes.is_empty() {
        if form.paths {
            match bytes.get(PATH..) {
                Some(rest) => bytes = rest,
                None => return false,
            }
        }
        let Some((len, rest)) = bytes.split_first() else {
            return false;
        };
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
    type Item = (Net, u32);

    /// The next prefix and its path identifier, 0 without one; bits behind the length are cleared,
    /// as RFC 4271 §4.3 says they do not matter.
    #[inline]
    fn next(&mut self) -> Option<(Net, u32)> {
        let mut bytes = self.bytes;
        let mut path = 0;
        if self.form.paths {
            let (number, rest) = bytes.split_first_chunk()?;
            path = u32::from_be_bytes(*number);
            bytes = rest;
        }
        let (len, rest) = bytes.split_first()?;
        let (bits, rest) = rest.split_at_checked(octets(*len))?;
        self.bytes = rest;
        let net = if self.form.v6 {
            let mut address = [0; 16];
            address[..bits.len()].copy_from_slice(bits);
            Net::V6(Prefix6::around(Ipv6Addr::from(address), *len)?)
        } else {
            let mut address = [0; 4];
            address[..bits.len()].copy_from_slice(bits);
            Net::V4(Prefix::around(Ipv4Addr::from(address), *len)?)
        };
        Some((net, path))
    }
}

/// The bytes that a prefix takes.
pub const fn size(net: Net, path: Option<u32>) -> usize {
    1 + octets(net.len()) + if path.is_some() { PATH } else { 0 }
}

/// Appends a prefix.
#[inline]
pub fn write(net: Net, path: Option<u32>, out: &mut Vec<u8>) {
    if let Some(path) = path {
        out.extend_from_slice(&path.to_be_bytes());
    }
    let len = net.len();
    match net {
        Net::V4(prefix) => {
            let [a, b, c, d] = prefix.bits().to_be_bytes();
            out.extend_from_slice(&[len, a, b, c, d][..1 + octets(len)]);
        }
        Net::V6(prefix) => {
            out.push(len);
            out.extend_from_slice(&prefix.bits().to_be_bytes()[..octets(len)]);
        }
    }
}
