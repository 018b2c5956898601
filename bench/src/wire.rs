//! The few octets of BGP that a tester needs, written and read at fixed offsets.
//!
//! Deliberately not the product's codec: what is measured must not be judged by itself.

use std::net::Ipv4Addr;

/// Octets of a message's header (RFC 4271 section 4.1).
pub(crate) const HEADER: usize = 19;
/// The longest message (RFC 4271 section 4).
pub(crate) const MESSAGE_MAX: usize = 4096;

pub(crate) const OPEN: u8 = 1;
pub(crate) const UPDATE: u8 = 2;
pub(crate) const NOTIFICATION: u8 = 3;
pub(crate) const KEEPALIVE: u8 = 4;

/// A two-octet AS number's place when the AS has a four-octet one (RFC 6793).
const AS_TRANS: u16 = 23456;

/// Appends a message; `body` writes what follows the header.
pub(crate) fn message(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0xff; 16]);
    out.extend([0, 0, kind]);
    body(out);
    let len = u16::try_from(out.len() - start).expect("a message fits its length field");
    out[start + 16..start + 18].copy_from_slice(&len.to_be_bytes());
}

/// Appends an OPEN with the capabilities that every daemon has: IPv4 unicast, route refresh,
/// four-octet AS numbers.
pub(crate) fn open(out: &mut Vec<u8>, asn: u32, hold_time: u16, router_id: Ipv4Addr) {
    message(out, OPEN, |out| {
        out.push(4);
        out.extend(u16::try_from(asn).unwrap_or(AS_TRANS).to_be_bytes());
        out.extend(hold_time.to_be_bytes());
        out.extend(router_id.octets());
        let mut capabilities = vec![1, 4, 0, 1, 0, 1, 2, 0, 65, 4];
        capabilities.extend(asn.to_be_bytes());
        let len = u8::try_from(capabilities.len()).expect("a few octets");
        out.extend([len + 2, 2, len]);
        out.extend(capabilities);
    });
}

/// The first whole message of `bytes`: its length and kind.
pub(crate) fn first(bytes: &[u8]) -> Option<(usize, u8)> {
    let header = bytes.first_chunk::<HEADER>()?;
    let len = usize::from(u16::from_be_bytes([header[16], header[17]])).max(HEADER);
    (bytes.len() >= len).then_some((len, header[18]))
}

/// Reads prefixes until the field ends; `None` where it is malformed.
pub(crate) fn prefixes(mut field: &[u8], mut each: impl FnMut(u32, u8)) -> Option<()> {
    while let Some((&len, rest)) = field.split_first() {
        let octets = usize::from(len.div_ceil(8));
        let mut address = [0; 4];
        address
            .get_mut(..octets)?
            .copy_from_slice(rest.get(..octets)?);
        each(u32::from_be_bytes(address), len);
        field = rest.get(octets..)?;
    }
    Some(())
}

/// Splits the field behind a two-octet length from what follows.
pub(crate) fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*len).into())
}

/// Appends a prefix.
pub(crate) fn prefix(out: &mut Vec<u8>, address: u32, len: u8) {
    out.push(len);
    out.extend(&address.to_be_bytes()[..usize::from(len.div_ceil(8))]);
}

/// The path attributes that matter here, borrowed from an UPDATE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes<'a> {
    pub(crate) origin: Option<u8>,
    /// The AS numbers of an AS_PATH of one sequence.
    pub(crate) path: &'a [u8],
    pub(crate) next_hop: &'a [u8],
    pub(crate) communities: &'a [u8],
}

/// Reads an UPDATE's attribute field; `None` where it is malformed or has an AS_PATH of another shape.
pub(crate) fn attributes(mut field: &[u8]) -> Option<Attributes<'_>> {
    let mut found = Attributes::default();
    while let [flags, kind, rest @ ..] = field {
        let (value, rest) = if flags & 0x10 == 0 {
            let (len, rest) = rest.split_first()?;
            rest.split_at_checked((*len).into())?
        } else {
            counted(rest)?
        };
        match (kind, value) {
            (1, [origin]) => found.origin = Some(*origin),
            (2, [2, count, path @ ..]) if path.len() == usize::from(*count) * 4 => {
                found.path = path;
            }
            (2, _) => return None,
            (3, _) => found.next_hop = value,
            (8, _) => found.communities = value,
            _ => {}
        }
        field = rest;
    }
    field.is_empty().then_some(found)
}
