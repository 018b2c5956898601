//! IPv4 prefixes: a network address and a length, with no host bits set.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

/// An IPv4 prefix. Host bits are always zero; ordered by address, then by length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    bits: u32,
    len: u8,
}

impl Prefix {
    /// `0.0.0.0/0`.
    pub const DEFAULT: Self = Self { bits: 0, len: 0 };

    /// The prefix of `len` bits around `address`; host bits are cleared. `None` when `len` > 32.
    pub const fn around(address: Ipv4Addr, len: u8) -> Option<Self> {
        if len > 32 {
            return None;
        }
        Some(Self {
            bits: address.to_bits() & mask(len),
            len,
        })
    }

    /// The prefix with exactly this address and length. `None` when host bits are set.
    pub fn new(address: Ipv4Addr, len: u8) -> Option<Self> {
        Self::around(address, len).filter(|prefix| prefix.bits == address.to_bits())
    }

    /// The `/32` of one address.
    pub const fn host(address: Ipv4Addr) -> Self {
        Self {
            bits: address.to_bits(),
            len: 32,
        }
    }

    /// The network address.
    pub const fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.bits)
    }

    /// The network address as an integer in host order.
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// The length in bits, 0 to 32.
    #[expect(
        clippy::len_without_is_empty,
        reason = "the length of a prefix is not a size"
    )]
    pub const fn len(self) -> u8 {
        self.len
    }

    /// The network mask.
    pub const fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(mask(self.len))
    }

    /// The last address of the prefix.
    pub const fn last(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.bits | !mask(self.len))
    }

    /// How many addresses the prefix covers.
    pub const fn size(self) -> u64 {
        1 << (32 - self.len)
    }

    /// The address at `offset` from the network address. `None` when outside.
    pub fn nth(self, offset: u64) -> Option<Ipv4Addr> {
        if offset >= self.size() {
            return None;
        }
        let offset = u32::try_from(offset).ok()?;
        Some(Ipv4Addr::from_bits(self.bits | offset))
    }

    /// Whether the address lies in the prefix.
    pub const fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & mask(self.len) == self.bits
    }

    /// Whether `other` is this prefix or a more specific one inside it.
    pub const fn covers(self, other: Self) -> bool {
        other.len >= self.len && other.bits & mask(self.len) == self.bits
    }

    /// Whether the two share an address.
    pub const fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// The `index`-th sub-prefix of `len` bits. `None` when there is no such one.
    pub fn subnet(self, len: u8, index: u64) -> Option<Self> {
        if len < self.len || len > 32 || index >= 1 << (len - self.len) {
            return None;
        }
        let address = self.nth(index << (32 - len))?;
        Self::new(address, len)
    }
}

const fn mask(len: u8) -> u32 {
    if len == 0 { 0 } else { u32::MAX << (32 - len) }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.len)
    }
}

/// Why a text is not a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// Not of the form `10.0.0.0/8`.
    Syntax,
    /// The length is over 32.
    Length,
    /// Bits are set behind the length; the prefix that was probably meant.
    HostBits(Prefix),
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("a prefix is written 10.0.0.0/8"),
            Self::Length => f.write_str("the length of an IPv4 prefix is at most 32"),
            Self::HostBits(meant) => write!(f, "host bits are set; the prefix is {meant}"),
        }
    }
}

impl core::error::Error for PrefixError {}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, len) = text.split_once('/').ok_or(PrefixError::Syntax)?;
        let address: Ipv4Addr = address.parse().map_err(|_| PrefixError::Syntax)?;
        if len.is_empty() || len.len() > 3 || !len.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PrefixError::Syntax);
        }
        let len = len.parse().map_err(|_| PrefixError::Length)?;
        let prefix = Self::around(address, len).ok_or(PrefixError::Length)?;
        if prefix.bits != address.to_bits() {
            return Err(PrefixError::HostBits(prefix));
        }
        Ok(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().expect("a prefix")
    }

    #[test]
    fn a_prefix_covers_itself_and_what_is_inside() {
        let wide = prefix("10.0.0.0/8");
        assert!(wide.covers(wide));
        assert!(wide.covers(prefix("10.255.0.0/16")));
        assert!(!prefix("10.255.0.0/16").covers(wide));
        assert!(prefix("10.255.0.0/16").overlaps(wide));
        assert!(!wide.overlaps(prefix("11.0.0.0/8")));
        assert!(Prefix::DEFAULT.covers(wide));
    }

    #[test]
    fn host_bits_are_named_and_the_meant_prefix_offered() {
        assert_eq!(
            "10.1.2.3/24".parse::<Prefix>(),
            Err(PrefixError::HostBits(prefix("10.1.2.0/24")))
        );
        assert_eq!("10.0.0.0/33".parse::<Prefix>(), Err(PrefixError::Length));
        assert_eq!("10.0.0.0/999".parse::<Prefix>(), Err(PrefixError::Length));
        for text in ["10.0.0.0", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "a/8"] {
            assert_eq!(text.parse::<Prefix>(), Err(PrefixError::Syntax), "{text}");
        }
    }

    #[test]
    fn subnets_are_counted_from_the_network_address() {
        let net = prefix("10.0.0.0/16");
        assert_eq!(net.subnet(24, 3), Some(prefix("10.0.3.0/24")));
        assert_eq!(net.subnet(24, 256), None);
        assert_eq!(net.subnet(8, 0), None);
        assert_eq!(
            Prefix::DEFAULT.subnet(32, 5).map(Prefix::address),
            Some(Ipv4Addr::new(0, 0, 0, 5))
        );
        assert_eq!(net.nth(65_536), None);
        assert_eq!(net.last(), Ipv4Addr::new(10, 0, 255, 255));
    }
}
