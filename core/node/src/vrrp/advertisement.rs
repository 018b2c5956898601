//! The VRRP advertisement on the wire (RFC 9568 §5.2).
//!
//! Sent checksums cover the message alone, as RFC 9568 §5.2.8 says for IPv4. Routers made after
//! the older RFC 5798 include a pseudo-header; theirs are accepted too.

use core::net::Ipv4Addr;

use inet::packet;

/// An advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// Virtual router ID.
    pub id: u8,
    /// The sender's priority; zero gives up the role.
    pub priority: u8,
    /// Centiseconds between advertisements, 12 bits.
    pub interval_cs: u16,
    /// Virtual addresses, one at least.
    pub addresses: Vec<Ipv4Addr>,
}

/// Why bytes are not an advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvertisementError {
    /// Shorter than the header and the addresses it counts.
    Short,
    /// Not version 3, type 1.
    Version,
    /// Neither form of the checksum fits.
    Checksum,
    /// No address, or an interval or ID of zero.
    Value,
}

impl Advertisement {
    /// The message as it follows the IP header.
    pub fn encode(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(HEADER + 4 * self.addresses.len());
        let interval = (self.interval_cs & INTERVAL_MAX).to_be_bytes();
        let count = self.addresses.len().min(usize::from(u8::MAX));
        message.extend_from_slice(&[VERSION_TYPE, self.id, self.priority, count as u8]);
        message.extend_from_slice(&[interval[0], interval[1], 0, 0]);
        for address in self.addresses.iter().take(count) {
            message.extend_from_slice(&address.octets());
        }
        let sum = packet::checksum(&message);
        message[6..8].copy_from_slice(&sum.to_be_bytes());
        message
    }

    /// Reads a message that came from `from`. Bytes behind the counted addresses do not count.
    ///
    /// # Errors
    /// Says which check of RFC 9568 §7.1 failed.
    pub fn decode(from: Ipv4Addr, message: &[u8]) -> Result<Self, AdvertisementError> {
        let [
            version_type,
            id,
            priority,
            count,
            high,
            low,
            _,
            _,
            rest @ ..,
        ] = message
        else {
            return Err(AdvertisementError::Short);
        };
        if *version_type != VERSION_TYPE {
            return Err(AdvertisementError::Version);
        }
        let listed = rest
            .get(..usize::from(*count) * 4)
            .ok_or(AdvertisementError::Short)?;
        let message = &message[..HEADER + listed.len()];
        let pseudo = packet::transport_checksum(from, GROUP, PROTOCOL, message);
        if packet::checksum(message) != 0 && pseudo != 0 {
            return Err(AdvertisementError::Checksum);
        }
        let interval_cs = u16::from_be_bytes([*high, *low]) & INTERVAL_MAX;
        if *id == 0 || *count == 0 || interval_cs == 0 {
            return Err(AdvertisementError::Value);
        }
        let addresses = listed
            .chunks_exact(4)
            .map(|octets| Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]))
            .collect();
        Ok(Self {
            id: *id,
            priority: *priority,
            interval_cs,
            addresses,
        })
    }
}

/// VRRP's IP protocol number.
const PROTOCOL: u8 = 112;
/// Where advertisements are sent.
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const HEADER: usize = 8;
/// Version 3, type 1 (ADVERTISEMENT).
const VERSION_TYPE: u8 = 0x31;
const INTERVAL_MAX: u16 = 0x0fff;
