//! Internet checksums (RFC 1071) over payloads, a vector register at a time.

/// A sum of 16-bit words that is still to be folded. It is kept in the machine's byte order: the Internet checksum does not
/// mind in which order octets are added as long as the result is stored the same way (RFC 1071 §2 (B)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum(u64);

/// Octets that one step of the inner loop takes: four vector registers of the oldest x86-64.
const STEP: usize = 64;

/// Sums of the 32-bit words at each place of a step, and of their high halves. The first may wrap: what it lacks
/// is the difference, and 4 MiB are summed before the halves' own sums could.
#[derive(Default)]
struct Lanes {
    words: [u32; STEP / 4],
    highs: [u32; STEP / 4],
}

impl Lanes {
    #[inline(always)]
    fn add(&mut self, step: &[u8; STEP]) {
        let (words, _) = step.as_chunks::<4>();
        for (at, word) in words.iter().enumerate() {
            let word = u32::from_ne_bytes(*word);
            self.words[at] = self.words[at].wrapping_add(word);
            self.highs[at] += word >> 16;
        }
    }

    fn total(&self) -> u64 {
        let lanes = self.words.iter().zip(&self.highs);
        lanes
            .map(|(word, high)| u64::from(word.wrapping_sub(high << 16)) + u64::from(*high))
            .sum()
    }
}

impl Sum {
    /// Adds octets that begin at an even offset.
    #[must_use]
    pub(crate) fn octets(self, octets: &[u8]) -> Self {
        let (steps, rest) = octets.as_chunks::<STEP>();
        let mut lanes = Lanes::default();
        for step in steps {
            lanes.add(step);
        }
        let total = if steps.is_empty() { 0 } else { lanes.total() };
        Self(self.0 + total).few(rest)
    }

    /// [`Sum::octets`] for what is shorter than a step: headers.
    #[must_use]
    pub(crate) fn few(self, octets: &[u8]) -> Self {
        let (words, rest) = octets.as_chunks::<4>();
        let mut sum = self.0;
        for word in words {
            sum += u64::from(u32::from_ne_bytes(*word));
        }
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        Self(sum + u64::from(u32::from_ne_bytes(last)))
    }

    /// Adds a number that a header holds in network byte order.
    #[must_use]
    pub(crate) fn word(self, word: u16) -> Self {
        Self(self.0 + u64::from(word.to_be()))
    }

    /// The sum as a header holds it, not complemented.
    pub(crate) fn folded(self) -> [u8; 2] {
        let sum = (self.0 >> 32) + (self.0 & 0xffff_ffff);
        let sum = (sum >> 32) + (sum & 0xffff_ffff);
        let sum = (sum >> 16) + (sum & 0xffff);
        let sum = (sum >> 16) + (sum & 0xffff);
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
        .few(addresses)
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
            let expected = packet::checksum(&octets).to_be_bytes();
            prop_assert_eq!(Sum::default().octets(&octets).checksum(), expected);
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
