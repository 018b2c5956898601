//! Where a packet stands in its stream, as it travels in the label.

/// Streams that one sender can tell apart: as many as it has threads.
pub const STREAMS: u8 = 64;

/// A place in a stream: 24 bits, and then from the beginning (serial numbers, RFC 1982).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence(u32);

impl Sequence {
    /// A place by number, of which the low 24 bits count.
    pub const fn new(number: u32) -> Self {
        Self(number & BITS)
    }

    /// The place so many behind.
    #[must_use]
    pub const fn plus(self, more: u32) -> Self {
        Self::new(self.0.wrapping_add(more))
    }

    /// How far behind `earlier` this one is; negative when it is before.
    pub const fn since(self, earlier: Self) -> i32 {
        (self.0.wrapping_sub(earlier.0) << 8).cast_signed() >> 8
    }

    /// The number: less than 2²⁴.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What a protected packet carries: which stream it is of, its place there, and how it is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whether it was sent over two paths, and so counts in the stream of its link; otherwise in that of its path.
    pub is_copy: bool,
    /// Whether parity of its block follows, so that it is worth keeping.
    pub is_covered: bool,
    /// The stream: less than [`STREAMS`].
    pub stream: u8,
    /// Its place.
    pub sequence: Sequence,
}

impl Mark {
    /// Octets of a mark.
    pub const LEN: usize = 4;

    /// The octets that say it.
    pub const fn encode(self) -> [u8; Self::LEN] {
        let flags = (self.is_copy as u8) << 7 | (self.is_covered as u8) << 6;
        let mut octets = self.sequence.0.to_be_bytes();
        octets[0] = flags | self.stream & (STREAMS - 1);
        octets
    }

    /// What the octets say. All octets say something.
    pub const fn decode(octets: [u8; Self::LEN]) -> Self {
        Self {
            is_copy: octets[0] & 0x80 != 0,
            is_covered: octets[0] & 0x40 != 0,
            stream: octets[0] & (STREAMS - 1),
            sequence: Sequence::new(u32::from_be_bytes(octets)),
        }
    }
}

const BITS: u32 = 0x00ff_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_four_octets_and_comes_back() {
        let mark = Mark {
            is_copy: false,
            is_covered: true,
            stream: 5,
            sequence: Sequence::new(0x0001_0203),
        };
        assert_eq!(mark.encode(), [0x45, 1, 2, 3]);
        assert_eq!(Mark::decode(mark.encode()), mark);
        assert_eq!(Mark::decode([0xff; 4]).encode(), [0xff; 4]);
    }

    #[test]
    fn sequences_go_on_behind_the_last_number() {
        let last = Sequence::new(BITS);
        assert_eq!(last.plus(2), Sequence::new(1));
        assert_eq!(last.plus(2).since(last), 2);
        assert_eq!(last.since(last.plus(2)), -2);
    }
}
