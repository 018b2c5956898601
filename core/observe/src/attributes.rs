//! A block of attributes and a prefix as MRT and BMP want them.

use core::net::IpAddr;

use inet::Net;

const EXTENDED: u8 = 0x10;
const OPTIONAL: u8 = 0x80;
const NEXT_HOP: u8 = 3;
const MP_REACH_NLRI: u8 = 14;
const MP_UNREACH_NLRI: u8 = 15;
const UNICAST: u8 = 1;
const UPDATE: u8 = 2;
const HEADER_LEN: usize = 19;

/// The block in parts: the next hop, and the attributes before and behind it.
struct Parts<'a> {
    before: &'a [u8],
    next_hop: &'a [u8],
    behind: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Where there is no next hop, everything is before it.
    fn of(block: &'a [u8]) -> Self {
        let mut at = 0;
        while let [flags, code, len, ..] = block[at..] {
            let (head, len) = match (flags & EXTENDED, block.get(at + 3)) {
                (0, _) => (3, usize::from(len)),
                (_, Some(low)) => (4, usize::from(u16::from_be_bytes([len, *low]))),
                (_, None) => break,
            };
            let end = at + head + len;
            if end > block.len() {
                break;
            }
            if code == NEXT_HOP {
                return Self {
                    before: &block[..at],
                    next_hop: &block[at + head..end],
                    behind: &block[end..],
                };
            }
            at = end;
        }
        Self {
            before: block,
            next_hop: &[],
            behind: &[],
        }
    }
}

/// The attributes of a route in a table dump: an IPv6 next hop stands in an MP_REACH_NLRI that holds nothing else
/// (RFC 6396 §4.3.4).
pub(crate) fn in_table(block: &[u8], out: &mut Vec<u8>) {
    let parts = Parts::of(block);
    if parts.next_hop.len() <= 4 {
        out.extend_from_slice(block);
        return;
    }
    out.extend_from_slice(parts.before);
    let len = u8::try_from(parts.next_hop.len()).unwrap_or(u8::MAX);
    out.extend_from_slice(&[OPTIONAL, MP_REACH_NLRI, len + 1, len]);
    out.extend_from_slice(parts.next_hop);
    out.extend_from_slice(parts.behind);
}

/// An UPDATE that announces one prefix with these attributes.
pub(crate) fn announcement(block: &[u8], net: Net, out: &mut Vec<u8>) {
    let parts = Parts::of(block);
    if net.v4().is_some() && parts.next_hop.len() <= 4 {
        return update(
            out,
            |out| out.extend_from_slice(block),
            |out| prefix(net, out),
        );
    }
    let mut reach = afi_safi(net);
    reach.push(u8::try_from(parts.next_hop.len()).unwrap_or(u8::MAX));
    reach.extend_from_slice(parts.next_hop);
    reach.push(0);
    prefix(net, &mut reach);
    let write = |out: &mut Vec<u8>| {
        out.extend_from_slice(parts.before);
        out.extend_from_slice(parts.behind);
        attribute(MP_REACH_NLRI, &reach, out);
    };
    update(out, write, |_| {});
}

/// An UPDATE that withdraws one prefix.
pub(crate) fn withdrawal(net: Net, out: &mut Vec<u8>) {
    let Some(_) = net.v4() else {
        let mut unreach = afi_safi(net);
        prefix(net, &mut unreach);
        return update(out, |out| attribute(MP_UNREACH_NLRI, &unreach, out), |_| {});
    };
    let start = begin(out);
    let len_at = out.len();
    out.extend_from_slice(&[0; 2]);
    prefix(net, out);
    set_len(out, len_at);
    out.extend_from_slice(&[0; 2]);
    finish(out, start);
}

/// The UPDATE that says that all routes of a family were told (RFC 4724 §2).
pub(crate) fn end_of_rib(family: Family, out: &mut Vec<u8>) {
    match family {
        Family::Ipv4 => update(out, |_| {}, |_| {}),
        Family::Ipv6 => update(
            out,
            |out| attribute(MP_UNREACH_NLRI, &[0, 2, UNICAST], out),
            |_| {},
        ),
    }
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4 unicast.
    Ipv4,
    /// IPv6 unicast.
    Ipv6,
}

fn afi_safi(net: Net) -> Vec<u8> {
    let afi = if net.v4().is_some() { 1 } else { 2 };
    vec![0, afi, UNICAST]
}

fn attribute(code: u8, value: &[u8], out: &mut Vec<u8>) {
    let len = u16::try_from(value.len()).expect("a next hop and a prefix");
    out.extend_from_slice(&[OPTIONAL | EXTENDED, code]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value);
}

/// Length in bits, then as many octets as hold them.
pub(crate) fn prefix(net: Net, out: &mut Vec<u8>) {
    let len = net.len();
    out.push(len);
    let octets = usize::from(len).div_ceil(8);
    match net.address() {
        IpAddr::V4(address) => out.extend_from_slice(&address.octets()[..octets]),
        IpAddr::V6(address) => out.extend_from_slice(&address.octets()[..octets]),
    }
}

fn update(
    out: &mut Vec<u8>,
    attributes: impl FnOnce(&mut Vec<u8>),
    nlri: impl FnOnce(&mut Vec<u8>),
) {
    let start = begin(out);
    out.extend_from_slice(&[0; 2]);
    let len_at = out.len();
    out.extend_from_slice(&[0; 2]);
    attributes(out);
    set_len(out, len_at);
    nlri(out);
    finish(out, start);
}

fn begin(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0xff; 16]);
    out.extend_from_slice(&[0, 0, UPDATE]);
    start
}

fn finish(out: &mut [u8], start: usize) {
    let len = u16::try_from(out.len() - start).unwrap_or(u16::MAX);
    out[start + HEADER_LEN - 3..start + HEADER_LEN - 1].copy_from_slice(&len.to_be_bytes());
}

/// Writes how many octets follow the two at `len_at`.
fn set_len(out: &mut [u8], len_at: usize) {
    let len = u16::try_from(out.len() - len_at - 2).unwrap_or(u16::MAX);
    out[len_at..len_at + 2].copy_from_slice(&len.to_be_bytes());
}
