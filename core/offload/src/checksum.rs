//! Internet checksums (RFC 1071) over payloads, eight octets at a time.

/// A sum of 16-bit words that is still to be folded. It is kept in the machine's byte order: the Internet checksum does not
/// mind in which order octets are added as long as the result is stored the same way (RFC 1071 §2 (B)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum(u64);

impl Sum {
    /// Adds octets that begin at an even offset.
    #[must_use]
    pub(crate) fn octets(self, octets: &[u8]) -> Self {
        let (blocks, rest) = octets.as_chunks::<32>();
        let mut lanes = [0u64; 4];
        for block in blocks {
            let (words, _) = block.as_chunks::<8>();
            for (lane, word) in lanes.iter_mut().zip(words) {
                let word = u64::from_ne_bytes(*word);
                *lane += (word & 0xffff_ffff) + (word >> 32);
            }
        }
        let mut sum = lanes.into_iter().fold(self.0, |sum, lane| sum + lane);
        let (words, last) = rest.as_chunks::<2>();
        for word in words {
            sum += u64::from(u16::from_ne_bytes(*word));
        }
        if let [last] = last {
            sum += u64::from(u16::from_ne_bytes([*last, 0]));
        }
        Self(sum)
    }

    /// Adds a number that a header holds in network byte order.
    #[must_use]
    pub(crate) fn word(self, word: u16) -> Self {
        Self(self.0 + u64::from(word.to_be()))
    }

    /// The sum as a header holds it, not complemented.
    pub(crate) fn folded(self) -> [u8; 2] {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        (sum as u16).to_ne_bytes()
    }

    /// The checksum as a header holds it.
    pub(crate) fn checksum(self) -> [u8; 2] {
        let [high, low] = self.folded();
        [!high, !low]
    }

    /// Whether what was added, with its checksum, is undamaged.
    pub(crate) fn is_whole(self) -> bool {
        self.folded() == [0xff, 0xff]
    }
}

/// The sum over the pseudo-header of TCP and UDP (RFC 9293 §3.1): `addresses` are the eight octets of both addresses.
pub(crate) fn pseudo_header(addresses: &[u8], protocol: u8, len: u16) -> Sum {
    Sum::default()
        .octets(addresses)
        .word(u16::from(protocol))
        .word(len)
}

/// A UDP checksum of zero is sent as its complement, because zero means that there is none (RFC 768).
pub(crate) fn for_udp(checksum: [u8; 2]) -> [u8; 2] {
    if checksum == [0, 0] {
        [0xff, 0xff]
    } else {
        checksum
    }
}

#[cfg(test)]
mod tests {
    use inet::packet;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_are_those_of_the_plain_way(octets in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(Sum::default().octets(&octets).checksum(), packet::checksum(&octets).to_be_bytes());
        }
    }

    #[test]
    fn the_largest_packet_of_ones_does_not_overflow() {
        let octets = vec![0xff; 65_535];
        assert_eq!(
            Sum::default().octets(&octets).checksum(),
            packet::checksum(&octets).to_be_bytes()
        );
    }
}
