//! The label of a packet: what a node tells the next one about it, inside the tunnel.
//!
//! It lies in the padding behind the IPv4 packet, where plain WireGuard has zeros that receivers cut off by the
//! packet's own length. So a node that knows no labels is not disturbed by them, and a packet without one says nothing.
//!
//! ```text
//!  IPv4 packet | class | mark (4) | zeros to 16 octets
//!                 0: nothing is said; 1 to 64: 1 + the number of the class
//!                 128 more: a mark follows, which the packets of protected classes have
//! ```
//!
//! Classes have the same numbers in all nodes of a design: their places in it. Whoever finds out the class of a
//! packet first, which is where it enters the overlay, decides it for the whole way.

use fec::Mark;

use crate::id::ClassId;

/// What a node tells the next one about a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label {
    /// The class that it belongs to.
    pub(crate) class: Option<ClassId>,
    /// Its place in the class's stream, where that is protected.
    pub(crate) mark: Option<Mark>,
}

impl Label {
    /// Octets that are kept free for it in packets of full length.
    pub(crate) const ROOM: usize = 8;

    /// The label of a packet of a class.
    pub(crate) const fn of(class: Option<ClassId>) -> Self {
        Self { class, mark: None }
    }

    /// Reads what lies behind a packet that came out of a tunnel. A class that there is not is none.
    pub(crate) fn read(behind: &[u8], classes: usize) -> Self {
        let Some((&first, rest)) = behind.split_first() else {
            return Self::default();
        };
        let number = (first & !MARKED).checked_sub(1);
        let known = number.filter(|number| usize::from(*number) < classes);
        let is_marked = first & MARKED != 0 && known.is_some();
        let mark = rest.first_chunk().filter(|_| is_marked);
        Self {
            class: known.map(|number| ClassId(u16::from(number))),
            mark: mark.map(|octets| Mark::decode(*octets)),
        }
    }

    /// Octets of it, behind the packet; none when there is nothing to say.
    pub(crate) const fn len(self) -> usize {
        match (self.class, self.mark) {
            (None, _) => 0,
            (Some(_), None) => 1,
            (Some(_), Some(_)) => 1 + Mark::LEN,
        }
    }

    /// Writes it behind a packet.
    ///
    /// # Panics
    /// When there is no room for [`Self::len`] octets.
    pub(crate) fn write(self, behind: &mut [u8]) {
        if let Some(ClassId(number)) = self.class {
            behind[0] = u8::try_from(number + 1).expect("there are at most 64 classes");
            if let Some(mark) = self.mark {
                behind[0] |= MARKED;
                behind[1..=Mark::LEN].copy_from_slice(&mark.encode());
            }
        }
    }

    /// A packet with it.
    pub(crate) fn append(self, packet: &[u8]) -> Vec<u8> {
        let mut labelled = packet.to_vec();
        self.extend(&mut labelled);
        labelled
    }

    /// Puts it behind a packet.
    pub(crate) fn extend(self, packet: &mut Vec<u8>) {
        let len = packet.len();
        packet.resize(len + self.len(), 0);
        self.write(&mut packet[len..]);
    }
}

/// The bit of the first octet that says that a mark follows.
const MARKED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for number in 0..64 {
            let label = Label::of(Some(ClassId(number)));
            let labelled = label.append(b"packet");
            assert_eq!(Label::read(&labelled[6..], 64), label);
            let mark = Some(Mark::decode([7, 0, 1, number as u8]));
            let marked = Label { mark, ..label };
            let labelled = marked.append(b"packet");
            assert_eq!(
                (Label::read(&labelled[6..], 64), labelled.len()),
                (marked, 11)
            );
        }
    }

    #[test]
    fn padding_says_nothing_and_neither_does_a_class_that_there_is_not() {
        for behind in [&[][..], &[0, 0, 0], &[4, 0], &[255], &[132, 1, 2, 3, 4]] {
            assert_eq!(Label::read(behind, 3), Label::default(), "{behind:?}");
        }
        assert_eq!(Label::default().append(b"packet"), b"packet");
    }
}
