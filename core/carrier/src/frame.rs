//! Datagrams in a stream of octets: two octets with the length, most significant first, and the datagram.

use core::ops::Range;

/// Octets of the length in front of a datagram.
pub const HEADER: usize = 2;
/// The longest datagram that has a frame.
pub const DATAGRAM_MAX: usize = u16::MAX as usize;

/// A frame without a datagram: it says that the sender is there.
pub const ALIVE: [u8; HEADER] = [0; HEADER];

/// Appends the frame of a datagram. What is empty or longer than [`DATAGRAM_MAX`] has none.
pub fn encode(datagram: &[u8], into: &mut Vec<u8>) {
    let Some(len) = u16::try_from(datagram.len()).ok().filter(|len| *len > 0) else {
        return;
    };
    into.extend_from_slice(&len.to_be_bytes());
    into.extend_from_slice(datagram);
}

/// Takes a stream apart. It holds less than one frame between calls: at most 64 KiB.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The frame that has begun.
    begun: Vec<u8>,
}

impl Decoder {
    /// Takes what came, and gives each whole datagram in order.
    pub fn take(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.begun.is_empty()
                && let Some(range) = first(bytes)
            {
                let (frame, rest) = bytes.split_at(range.end);
                give(&frame[range.start..], &mut each);
                bytes = rest;
                continue;
            }
            bytes = self.go_on(bytes);
            if let Some(range) = first(&self.begun) {
                give(&self.begun[range], &mut each);
                self.begun.clear();
            }
        }
    }

    /// Moves what the frame that has begun still lacks; what is left.
    fn go_on<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let wanted = match self.begun.as_slice() {
            [high, low, ..] => HEADER + usize::from(u16::from_be_bytes([*high, *low])),
            _ => HEADER,
        };
        let lacks = wanted - self.begun.len();
        let (more, rest) = bytes.split_at(lacks.min(bytes.len()));
        self.begun.extend_from_slice(more);
        rest
    }
}

/// Where the first datagram lies, if all of it is there.
fn first(bytes: &[u8]) -> Option<Range<usize>> {
    let [high, low, ..] = *bytes else { return None };
    let end = HEADER + usize::from(u16::from_be_bytes([high, low]));
    (end <= bytes.len()).then_some(HEADER..end)
}

fn give(datagram: &[u8], each: &mut impl FnMut(&[u8])) {
    if !datagram.is_empty() {
        each(datagram);
    }
}
