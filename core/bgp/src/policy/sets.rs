//! What matches compare with: ranges of numbers, patterns of communities, sets of prefixes.

use core::fmt;
use std::sync::Arc;

use inet::Net;

use crate::community::ShowExt;

/// Numbers from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The least.
    pub min: u32,
    /// The greatest.
    pub max: u32,
}

impl Range {
    /// Every number.
    pub const ALL: Self = Self {
        min: 0,
        max: u32::MAX,
    };

    /// One number.
    pub const fn one(number: u32) -> Self {
        Self {
            min: number,
            max: number,
        }
    }

    /// Whether the number is among them.
    pub const fn contains(self, number: u32) -> bool {
        self.min <= number && number <= self.max
    }

    /// As part of a community, whose parts go up to `most`.
    fn show_part(self, most: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { min: 0, max } if max >= most => f.write_str("*"),
            Self { min, max } if min == max => write!(f, "{min}"),
            Self { min, max } => write!(f, "{min}-{max}"),
        }
    }
}

/// The greatest half of a community.
const HALF_MAX: u32 = 0xffff;

/// Communities (RFC 1997) whose halves are in two ranges: `65001:100`, `65001:*`, `65001:100-199`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommunityPattern {
    /// Of the first half, up to 65535.
    pub high: Range,
    /// Of the second half, up to 65535.
    pub low: Range,
}

impl CommunityPattern {
    /// One community.
    pub const fn one(community: u32) -> Self {
        Self {
            high: Range::one(community >> 16),
            low: Range::one(community & 0xffff),
        }
    }

    /// Whether the community is meant.
    pub const fn matches(self, community: u32) -> bool {
        self.high.contains(community >> 16) && self.low.contains(community & 0xffff)
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(community) = crate::community::community(text) {
            return Some(Self::one(community));
        }
        let (high, low) = text.split_once(':')?;
        Some(Self {
            high: part(high, HALF_MAX)?,
            low: part(low, HALF_MAX)?,
        })
    }
}

impl fmt::Display for CommunityPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.high.min == self.high.max && self.low.min == self.low.max {
            let community = self.high.min << 16 | self.low.min;
            return write!(f, "{}", crate::community::ShowCommunity(community));
        }
        self.high.show_part(HALF_MAX, f)?;
        f.write_str(":")?;
        self.low.show_part(HALF_MAX, f)
    }
}

/// Large communities (RFC 8092) whose three numbers are in ranges: `65001:1:*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LargePattern(pub [Range; 3]);

impl LargePattern {
    /// Whether the community is meant.
    pub fn matches(&self, community: [u32; 3]) -> bool {
        self.0
            .iter()
            .zip(community)
            .all(|(range, number)| range.contains(number))
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(|text| part(text, u32::MAX));
        let pattern = Self([parts.next()??, parts.next()??, parts.next()??]);
        parts.next().is_none().then_some(pattern)
    }
}

impl fmt::Display for LargePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, range) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(":")?;
            }
            range.show_part(u32::MAX, f)?;
        }
        Ok(())
    }
}

/// `*`, a number, or a range with a hyphen.
fn part(text: &str, most: u32) -> Option<Range> {
    if text == "*" {
        return Some(Range { min: 0, max: most });
    }
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok())?
    };
    let range = Range {
        min: number(min)?,
        max: number(max)?,
    };
    (range.min <= range.max && range.max <= most).then_some(range)
}

/// Extended communities (RFC 4360) that equal `value` in the bits of `mask`: `rt:65001:100`, or
/// two numbers in hexadecimal, `0x…/0x…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExtPattern {
    /// Type, subtype and value, as on the wire.
    pub value: u64,
    /// The bits that count.
    pub mask: u64,
}

impl ExtPattern {
    /// One community.
    pub const fn one(value: u64) -> Self {
        Self {
            value,
            mask: u64::MAX,
        }
    }

    /// Whether the community is meant.
    pub const fn matches(self, community: u64) -> bool {
        community & self.mask == self.value & self.mask
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((value, mask)) = text.split_once('/') else {
            return crate::community::ext_community(text).map(Self::one);
        };
        let octets = |text: &str| {
            text.starts_with("0x")
                .then(|| crate::community::ext_community(text))?
        };
        Some(Self {
            value: octets(value)?,
            mask: octets(mask)?,
        })
    }
}

impl fmt::Display for ExtPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mask == u64::MAX {
            return write!(f, "{}", ShowExt(self.value));
        }
        write!(f, "0x{:016x}/0x{:016x}", self.value, self.mask)
    }
}

/// A set of prefixes: each entry covers the lengths `ge` to `le` inside a prefix.
///
/// A question costs one binary search for each length that an entry has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixSet(Arc<Entries>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Entries {
    /// Sorted.
    list: Vec<(Net, u8, u8)>,
    /// The lengths of the entries, IPv4 and IPv6, sorted.
    lengths: [Vec<u8>; 2],
}

impl PrefixSet {
    /// From (prefix, shortest length, longest length).
    pub fn new<N: Into<Net>>(entries: impl IntoIterator<Item = (N, u8, u8)>) -> Self {
        let mut list: Vec<(Net, u8, u8)> = entries
            .into_iter()
            .map(|(net, ge, le)| (net.into(), ge, le))
            .collect();
        list.sort_unstable();
        list.dedup();
        let mut lengths = [Vec::new(), Vec::new()];
        for (net, ..) in &list {
            lengths[usize::from(net.is_v6())].push(net.len());
        }
        for lengths in &mut lengths {
            lengths.sort_unstable();
            lengths.dedup();
        }
        Self(Arc::new(Entries { list, lengths }))
    }

    /// Exactly these prefixes.
    pub fn exact<N: Into<Net>>(prefixes: impl IntoIterator<Item = N>) -> Self {
        let prefixes = prefixes.into_iter().map(Into::into);
        Self::new(prefixes.map(|net: Net| (net, net.len(), net.len())))
    }

    /// These prefixes and everything inside them.
    pub fn within<N: Into<Net>>(prefixes: impl IntoIterator<Item = N>) -> Self {
        let prefixes = prefixes.into_iter().map(Into::into);
        Self::new(prefixes.map(|net: Net| (net, net.len(), if net.is_v6() { 128 } else { 32 })))
    }

    /// Whether the prefix is in the set.
    pub fn contains(&self, net: impl Into<Net>) -> bool {
        let net = net.into();
        let Entries { list, lengths } = &*self.0;
        let covering = lengths[usize::from(net.is_v6())]
            .iter()
            .take_while(|len| **len <= net.len());
        covering
            .filter_map(|len| Net::around(net.address(), *len))
            .any(|around| {
                let first = list.partition_point(|(entry, ..)| *entry < around);
                list[first..]
                    .iter()
                    .take_while(|(entry, ..)| *entry == around)
                    .any(|(_, ge, le)| (*ge..=*le).contains(&net.len()))
            })
    }

    /// The entries: prefix, shortest and longest length.
    pub fn entries(&self) -> impl Iterator<Item = (Net, u8, u8)> {
        self.0.list.iter().copied()
    }
}
