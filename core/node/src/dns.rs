//! What a DNS response says about addresses (RFC 1035 §4): as much of it as classes need.
//!
//! A response comes from anybody who can send to the site. So nothing in it can make the reader loop,
//! grow or fail: names point backwards only, and every count is bounded by the message. Of a message
//! that breaks the rules, what stood before the break counts for nothing either.

#[cfg(test)]
pub(crate) mod tests;

use core::net::Ipv4Addr;
use core::time::Duration;

/// The port of DNS servers.
pub(crate) const PORT: u16 = 53;
/// Octets of the header.
const HEADER: usize = 12;
/// Longest name in text (RFC 1035 §2.3.4).
const NAME_MAX: usize = 255;
/// Records that are looked at. A message over UDP rarely has twenty.
const RECORDS_MAX: usize = 64;

const TYPE_A: u16 = 1;
const TYPE_CNAME: u16 = 5;
const CLASS_IN: u16 = 1;

/// What a response says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The name that was asked for, and the names it is an alias of; in lower case, without a dot at the end.
    pub names: Vec<Vec<u8>>,
    /// Their addresses, and how long each may be kept.
    pub addresses: Vec<(Ipv4Addr, Duration)>,
}

/// Reads a response to one question; `None` when it is none, or has no addresses.
pub fn answer(message: &[u8]) -> Option<Answer> {
    let flags = u16_at(message, 2)?;
    let is_response = flags & 0x8000 != 0;
    let (opcode, code) = (flags >> 11 & 0xf, flags & 0xf);
    if !is_response || opcode != 0 || code != 0 || u16_at(message, 4)? != 1 {
        return None;
    }
    let records = usize::from(u16_at(message, 6)?).min(RECORDS_MAX);
    let (asked, end) = name(message, HEADER)?;
    if u16_at(message, end + 2)? != CLASS_IN {
        return None;
    }
    let mut at = end + 4;
    let mut answer = Answer {
        names: vec![asked],
        addresses: Vec::new(),
    };
    for _ in 0..records {
        let (owner, end) = name(message, at)?;
        let (kind, class) = (u16_at(message, end)?, u16_at(message, end + 2)?);
        let ttl = message.get(end + 4..end + 8)?;
        let ttl = u32::from_be_bytes(ttl.try_into().ok()?);
        let start = end + 10;
        let length = usize::from(u16_at(message, end + 8)?);
        let value = message.get(start..start + length)?;
        at = start + length;
        if class != CLASS_IN || !answer.names.contains(&owner) {
            continue;
        }
        match (kind, value.try_into()) {
            (TYPE_CNAME, _) => {
                let (alias_of, _) = name(message, start)?;
                if !answer.names.contains(&alias_of) {
                    answer.names.push(alias_of);
                }
            }
            (TYPE_A, Ok(octets)) => {
                // A time to live with its first bit set is none (RFC 2181 §8).
                let ttl = if ttl >> 31 == 0 { ttl } else { 0 };
                let octets: [u8; 4] = octets;
                let kept = Duration::from_secs(ttl.into());
                answer.addresses.push((octets.into(), kept));
            }
            _ => {}
        }
    }
    (!answer.addresses.is_empty()).then_some(answer)
}

/// The name at a place, and where what follows it begins.
fn name(message: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    let mut name = Vec::new();
    let (mut at, mut end, mut limit) = (start, None, start);
    loop {
        let length = *message.get(at)?;
        match length {
            0 => return Some((name, end.unwrap_or(at + 1))),
            1..=63 => {
                let label = message.get(at + 1..at + 1 + usize::from(length))?;
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend(label.iter().map(u8::to_ascii_lowercase));
                if name.len() > NAME_MAX {
                    return None;
                }
                at += 1 + usize::from(length);
            }
            0xc0.. => {
                let to = usize::from(u16_at(message, at)? & 0x3fff);
                end = end.or(Some(at + 2));
                // Always further to the front than ever before, so that it ends.
                if to >= limit {
                    return None;
                }
                (at, limit) = (to, to);
            }
            _ => return None,
        }
    }
}

fn u16_at(message: &[u8], at: usize) -> Option<u16> {
    let octets = message.get(at..at + 2)?;
    Some(u16::from_be_bytes(octets.try_into().ok()?))
}
