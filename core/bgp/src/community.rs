//! Communities of the three kinds as text: as operators write them, and back.
//!
//! A community (RFC 1997) is `65001:100` or the name of a well-known one; a large community
//! (RFC 8092) is `65001:1:2`; an extended community (RFC 4360) is `rt:65001:100`,
//! `soo:192.0.2.1:7`, or the eight octets as `0x…`.

use core::fmt;
use core::net::Ipv4Addr;

/// Well-known communities of the IANA registry, by name.
pub const WELL_KNOWN: &[(&str, u32)] = &[
    ("graceful-shutdown", 0xffff_0000),
    ("accept-own", 0xffff_0001),
    ("llgr-stale", 0xffff_0006),
    ("no-llgr", 0xffff_0007),
    ("blackhole", 0xffff_029a),
    ("no-export", 0xffff_ff01),
    ("no-advertise", 0xffff_ff02),
    ("no-export-subconfed", 0xffff_ff03),
    ("no-peer", 0xffff_ff04),
];

/// Names of the kinds of extended communities: subtype, in a type of a two-octet AS, an IPv4
/// address or a four-octet AS (RFC 4360 §4, §5, RFC 5668).
const KINDS: &[(&str, u8)] = &[("rt", 0x02), ("soo", 0x03)];

/// A community from its text.
pub fn community(text: &str) -> Option<u32> {
    if let Some((_, value)) = WELL_KNOWN.iter().find(|(name, _)| *name == text) {
        return Some(*value);
    }
    let (high, low) = text.split_once(':')?;
    Some(u32::from(number::<u16>(high)?) << 16 | u32::from(number::<u16>(low)?))
}

/// A large community from its text.
pub fn large_community(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split(':');
    let mut part = || number::<u32>(parts.next()?);
    let value = [part()?, part()?, part()?];
    parts.next().is_none().then_some(value)
}

/// An extended community from its text.
pub fn ext_community(text: &str) -> Option<u64> {
    if let Some(octets) = text.strip_prefix("0x") {
        let hex = octets.len() == 16 && octets.bytes().all(|b| b.is_ascii_hexdigit());
        return hex.then(|| u64::from_str_radix(octets, 16).ok())?;
    }
    let (kind, rest) = text.split_once(':')?;
    let subtype = u64::from(KINDS.iter().find(|(name, _)| *name == kind)?.1);
    let (global, local) = rest.split_once(':')?;
    if let Ok(address) = global.parse::<Ipv4Addr>() {
        let local = u64::from(number::<u16>(local)?);
        return Some(0x01 << 56 | subtype << 48 | u64::from(address.to_bits()) << 16 | local);
    }
    if let Some(asn) = number::<u16>(global) {
        let local = u64::from(number::<u32>(local)?);
        return Some(subtype << 48 | u64::from(asn) << 32 | local);
    }
    let (asn, local) = (number::<u32>(global)?, number::<u16>(local)?);
    Some(0x02 << 56 | subtype << 48 | u64::from(asn) << 16 | u64::from(local))
}

/// A number in decimal digits only: no sign, no spaces.
fn number<T: core::str::FromStr>(text: &str) -> Option<T> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// Shows a community.
#[derive(Clone, Copy, Debug)]
pub struct ShowCommunity(pub u32);

impl fmt::Display for ShowCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match WELL_KNOWN.iter().find(|(_, value)| *value == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}:{}", self.0 >> 16, self.0 & 0xffff),
        }
    }
}

/// Shows a large community.
#[derive(Clone, Copy, Debug)]
pub struct ShowLarge(pub [u32; 3]);

impl fmt::Display for ShowLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [global, first, second] = self.0;
        write!(f, "{global}:{first}:{second}")
    }
}

/// Shows an extended community.
#[derive(Clone, Copy, Debug)]
pub struct ShowExt(pub u64);

impl fmt::Display for ShowExt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.0.to_be_bytes();
        let kind = KINDS.iter().find(|(_, subtype)| *subtype == octets[1]);
        let [_, _, a, b, c, d, e, g] = octets;
        let two = |high, low| u16::from_be_bytes([high, low]);
        let four = u32::from_be_bytes([a, b, c, d]);
        match (octets[0], kind) {
            (0x00, Some((name, _))) => {
                let local = u32::from_be_bytes([c, d, e, g]);
                write!(f, "{name}:{}:{local}", two(a, b))
            }
            (0x01, Some((name, _))) => {
                write!(f, "{name}:{}:{}", Ipv4Addr::from_bits(four), two(e, g))
            }
            // A small number in the four-octet form would be read as the two-octet one.
            (0x02, Some((name, _))) if four > 0xffff => {
                write!(f, "{name}:{four}:{}", two(e, g))
            }
            _ => write!(f, "0x{:016x}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_back() {
        for text in ["65001:100", "0:0", "no-export", "blackhole"] {
            assert_eq!(ShowCommunity(community(text).unwrap()).to_string(), text);
        }
        for text in ["4200000000:1:2", "0:0:4294967295"] {
            assert_eq!(ShowLarge(large_community(text).unwrap()).to_string(), text);
        }
        let extended = [
            "rt:65001:4294967295",
            "soo:192.0.2.1:7",
            "rt:4200000000:9",
            "0x0002000000000000",
        ];
        for text in &extended[..3] {
            assert_eq!(ShowExt(ext_community(text).unwrap()).to_string(), *text);
        }
        for value in [0x4301_0000_0000_0001, 0x0202_0000_0001_0001, u64::MAX] {
            assert_eq!(ext_community(&ShowExt(value).to_string()), Some(value));
        }
    }

    #[test]
    fn what_is_no_community_is_refused() {
        for text in ["", ":", "1:65536", "+1:2", "1:2:3", "no-exports", "1"] {
            assert_eq!(community(text), None, "{text}");
        }
        for text in ["1:2", "1:2:3:4", "1:2:4294967296", "1::3"] {
            assert_eq!(large_community(text), None, "{text}");
        }
        for text in [
            "rt:1",
            "xx:1:2",
            "0x12",
            "rt:4294967296:1",
            "rt:65536:65536",
        ] {
            assert_eq!(ext_community(text), None, "{text}");
        }
    }
}
