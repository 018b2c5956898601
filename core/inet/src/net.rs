//! Networks of either family: what a routing table is keyed by.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

use crate::{Prefix, PrefixError};

/// An IPv6 prefix. Host bits are always zero; ordered by address, then by length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix6 {
    // Two halves instead of a `u128`, whose alignment would double the size of `Net`.
    high: u64,
    low: u64,
    len: u8,
}

impl Prefix6 {
    /// `::/0`.
    pub const DEFAULT: Self = Self::of(0, 0);

    const fn of(bits: u128, len: u8) -> Self {
        Self {
            high: (bits >> 64) as u64,
            low: bits as u64,
            len,
        }
    }

    /// The prefix of `len` bits around `address`; host bits are cleared. `None` when `len` > 128.
    pub const fn around(address: Ipv6Addr, len: u8) -> Option<Self> {
        if len > 128 {
            return None;
        }
        Some(Self::of(address.to_bits() & mask(len), len))
    }

    /// The prefix with exactly this address and length. `None` when host bits are set.
    pub fn new(address: Ipv6Addr, len: u8) -> Option<Self> {
        Self::around(address, len).filter(|prefix| prefix.bits() == address.to_bits())
    }

    /// The network address.
    pub const fn address(self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.bits())
    }

    /// The network address as an integer in host order.
    pub const fn bits(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// The length in bits, 0 to 128.
    #[expect(
        clippy::len_without_is_empty,
        reason = "the length of a prefix is not a size"
    )]
    pub const fn len(self) -> u8 {
        self.len
    }

    /// Whether the address lies in the prefix.
    pub const fn contains(self, address: Ipv6Addr) -> bool {
        address.to_bits() & mask(self.len) == self.bits()
    }

    /// Whether `other` is this prefix or a more specific one inside it.
    pub const fn covers(self, other: Self) -> bool {
        other.len >= self.len && other.bits() & mask(self.len) == self.bits()
    }
}

const fn mask(len: u8) -> u128 {
    if len == 0 {
        0
    } else {
        u128::MAX << (128 - len)
    }
}

impl fmt::Display for Prefix6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.len)
    }
}

/// A prefix of either family; all IPv4 ones are ordered before all IPv6 ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Net {
    /// IPv4.
    V4(Prefix),
    /// IPv6.
    V6(Prefix6),
}

impl Net {
    /// The prefix of `len` bits around `address`; host bits are cleared. `None` when the family
    /// has no such length.
    pub fn around(address: IpAddr, len: u8) -> Option<Self> {
        Some(match address {
            IpAddr::V4(address) => Self::V4(Prefix::around(address, len)?),
            IpAddr::V6(address) => Self::V6(Prefix6::around(address, len)?),
        })
    }

    /// The prefix of one address alone.
    pub fn host(address: IpAddr) -> Self {
        let len = if address.is_ipv4() { 32 } else { 128 };
        Self::around(address, len).expect("an address has its family's full length")
    }

    /// The IPv4 prefix, when it is one.
    pub const fn v4(self) -> Option<Prefix> {
        match self {
            Self::V4(prefix) => Some(prefix),
            Self::V6(_) => None,
        }
    }

    /// The IPv6 prefix, when it is one.
    pub const fn v6(self) -> Option<Prefix6> {
        match self {
            Self::V4(_) => None,
            Self::V6(prefix) => Some(prefix),
        }
    }

    /// Whether it is an IPv6 prefix.
    pub const fn is_v6(self) -> bool {
        matches!(self, Self::V6(_))
    }

    /// The network address.
    pub const fn address(self) -> IpAddr {
        match self {
            Self::V4(prefix) => IpAddr::V4(prefix.address()),
            Self::V6(prefix) => IpAddr::V6(prefix.address()),
        }
    }

    /// The length in bits.
    #[expect(
        clippy::len_without_is_empty,
        reason = "the length of a prefix is not a size"
    )]
    pub const fn len(self) -> u8 {
        match self {
            Self::V4(prefix) => prefix.len(),
            Self::V6(prefix) => prefix.len(),
        }
    }

    /// Whether the address lies in the prefix; one of the other family does not.
    pub const fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4(prefix), IpAddr::V4(address)) => prefix.contains(address),
            (Self::V6(prefix), IpAddr::V6(address)) => prefix.contains(address),
            _ => false,
        }
    }

    /// Whether `other` is this prefix or a more specific one inside it.
    pub const fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::V4(prefix), Self::V4(other)) => prefix.covers(other),
            (Self::V6(prefix), Self::V6(other)) => prefix.covers(other),
            _ => false,
        }
    }
}

impl From<Prefix> for Net {
    fn from(prefix: Prefix) -> Self {
        Self::V4(prefix)
    }
}

impl From<Prefix6> for Net {
    fn from(prefix: Prefix6) -> Self {
        Self::V6(prefix)
    }
}

impl PartialEq<Prefix> for Net {
    fn eq(&self, other: &Prefix) -> bool {
        self.v4() == Some(*other)
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(prefix) => prefix.fmt(f),
            Self::V6(prefix) => prefix.fmt(f),
        }
    }
}

/// Why a text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetError {
    /// What is wrong with an IPv4 prefix.
    V4(PrefixError),
    /// Not of the form `2001:db8::/32`.
    Syntax,
    /// The length is over 128.
    Length,
    /// Bits are set behind the length; the prefix that was probably meant.
    HostBits(Prefix6),
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(error) => error.fmt(f),
            Self::Syntax => f.write_str("an IPv6 prefix is written 2001:db8::/32"),
            Self::Length => f.write_str("the length of an IPv6 prefix is at most 128"),
            Self::HostBits(meant) => write!(f, "host bits are set; the prefix is {meant}"),
        }
    }
}

impl core::error::Error for NetError {}

impl FromStr for Prefix6 {
    type Err = NetError;

    fn from_str(text: &str) -> Result<Self, NetError> {
        let (address, len) = text.split_once('/').ok_or(NetError::Syntax)?;
        let address: Ipv6Addr = address.parse().map_err(|_| NetError::Syntax)?;
        if len.is_empty() || len.len() > 3 || !len.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NetError::Syntax);
        }
        let len = len.parse().map_err(|_| NetError::Length)?;
        let prefix = Self::around(address, len).ok_or(NetError::Length)?;
        if prefix.bits() != address.to_bits() {
            return Err(NetError::HostBits(prefix));
        }
        Ok(prefix)
    }
}

impl FromStr for Net {
    type Err = NetError;

    fn from_str(text: &str) -> Result<Self, NetError> {
        if text.contains(':') {
            return text.parse().map(Self::V6);
        }
        text.parse().map(Self::V4).map_err(NetError::V4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        text.parse().expect("a network")
    }

    #[test]
    fn both_families_are_read_and_shown_alike() {
        for text in [
            "10.0.0.0/8",
            "0.0.0.0/0",
            "::/0",
            "2001:db8::/32",
            "::1/128",
        ] {
            assert_eq!(net(text).to_string(), text);
        }
    }

    #[test]
    fn families_do_not_cover_each_other() {
        assert!(net("::/0").covers(net("2001:db8::/32")));
        assert!(!net("::/0").covers(net("10.0.0.0/8")));
        assert!(!net("0.0.0.0/0").covers(net("::/0")));
        assert!(net("2001:db8::/32").contains("2001:db8::1".parse().expect("an address")));
        assert!(!net("2001:db8::/32").contains("10.0.0.1".parse().expect("an address")));
    }

    #[test]
    fn what_is_wrong_with_a_text_is_said() {
        let meant = NetError::HostBits("2001:db8::/32".parse().expect("a prefix"));
        assert_eq!("2001:db8::1/32".parse::<Net>(), Err(meant));
        assert_eq!("::/129".parse::<Net>(), Err(NetError::Length));
        assert_eq!("::/+1".parse::<Net>(), Err(NetError::Syntax));
        assert_eq!(
            "10.0.0.0".parse::<Net>(),
            Err(NetError::V4(PrefixError::Syntax))
        );
    }
}
