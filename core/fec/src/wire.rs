//! What senders and receivers of protected packets tell each other, as the payload of datagrams inside the tunnel.
//!
//! ```text
//!  Parity: 1, class, stream, packets of the block, number of the sum, sums of the block, first sequence (4), sum
//!  Report: 2, class, stream, zero, packets expected (4), received (4), recovered (4)
//! ```
//!
//! Numbers are big endian. A receiver leaves alone what it does not know.

use crate::Sequence;
use crate::code::{DATA_MAX, LENGTH, PARITY_MAX};
use crate::sequence::STREAMS;

/// Octets of a parity message around the longest packet of its block.
pub const HEADER: usize = 10 + LENGTH;
/// Octets of the longest sum: more than any packet of an Ethernet, jumbo frames too. What is longer is refused, so that the
/// memory of a decoder is bounded.
pub const SYMBOL_MAX: usize = 9_216;

/// A message about a stream of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A sum over the packets of a block.
    Parity {
        /// Number of the class.
        class: u8,
        /// The stream.
        stream: u8,
        /// The sum.
        parity: Parity<'a>,
    },
    /// What came of a stream.
    Report {
        /// Number of the class.
        class: u8,
        /// The stream.
        stream: u8,
        /// What came.
        report: Report,
    },
}

/// A sum over the packets of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parity<'a> {
    pub(crate) first: Sequence,
    /// Packets of the block: 1 to 16.
    pub(crate) count: u8,
    /// Which of its sums.
    pub(crate) number: u8,
    /// How many sums there are: 1 to 4.
    pub(crate) of: u8,
    pub(crate) sum: &'a [u8],
}

/// What came of a stream since it began; counted on from zero after 2³².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Packets that were sent, by their sequences.
    pub expected: u32,
    /// Those that came by themselves.
    pub received: u32,
    /// Those that parity brought back.
    pub recovered: u32,
}

impl<'a> Message<'a> {
    /// The message's octets.
    pub fn encode(&self) -> Vec<u8> {
        let mut octets;
        match *self {
            Self::Parity {
                class,
                stream,
                parity,
            } => {
                octets = Vec::with_capacity(HEADER + parity.sum.len());
                octets.extend([
                    PARITY,
                    class,
                    stream,
                    parity.count,
                    parity.number,
                    parity.of,
                ]);
                octets.extend(parity.first.number().to_be_bytes());
                octets.extend(parity.sum);
            }
            Self::Report {
                class,
                stream,
                report,
            } => {
                octets = vec![REPORT, class, stream, 0];
                for figure in [report.expected, report.received, report.recovered] {
                    octets.extend(figure.to_be_bytes());
                }
            }
        }
        octets
    }

    /// The message that the octets are; `None` for anything else.
    pub fn decode(octets: &'a [u8]) -> Option<Self> {
        let (&[kind, class, stream, count], rest) = octets.split_first_chunk()?;
        if stream >= STREAMS {
            return None;
        }
        match kind {
            PARITY => {
                let (&[number, of], rest) = rest.split_first_chunk()?;
                let (first, sum) = rest.split_first_chunk()?;
                let first = u32::from_be_bytes(*first);
                let is_block = (1..=DATA_MAX).contains(&usize::from(count))
                    && (1..=PARITY_MAX).contains(&usize::from(of))
                    && number < of
                    && first >> 24 == 0
                    && (LENGTH..=SYMBOL_MAX).contains(&sum.len());
                let parity = Parity {
                    first: Sequence::new(first),
                    count,
                    number,
                    of,
                    sum,
                };
                is_block.then_some(Self::Parity {
                    class,
                    stream,
                    parity,
                })
            }
            REPORT => {
                let (figures, []) = rest.as_chunks::<4>() else {
                    return None;
                };
                let &[expected, received, recovered] = figures else {
                    return None;
                };
                let report = Report {
                    expected: u32::from_be_bytes(expected),
                    received: u32::from_be_bytes(received),
                    recovered: u32::from_be_bytes(recovered),
                };
                (count == 0).then_some(Self::Report {
                    class,
                    stream,
                    report,
                })
            }
            _ => None,
        }
    }
}

const PARITY: u8 = 1;
const REPORT: u8 = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parity_and_reports_have_their_octets() {
        let parity = Parity {
            first: Sequence::new(0x01_02_03),
            count: 16,
            number: 1,
            of: 2,
            sum: &[9, 8, 7],
        };
        let (class, stream) = (3, 4);
        let message = Message::Parity {
            class,
            stream,
            parity,
        };
        assert_eq!(message.encode(), [1, 3, 4, 16, 1, 2, 0, 1, 2, 3, 9, 8, 7]);
        let report = Report {
            expected: 256,
            received: 3,
            recovered: 2,
        };
        let message = Message::Report {
            class,
            stream,
            report,
        };
        let octets = [2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 2];
        assert_eq!(message.encode(), octets);
    }

    proptest! {
        #[test]
        fn whatever_is_understood_is_written_the_same(
            octets in prop::collection::vec(prop_oneof![0_u8..5, any::<u8>()], 0..40)
        ) {
            if let Some(message) = Message::decode(&octets) {
                prop_assert_eq!(message.encode(), octets);
            }
        }
    }
}
