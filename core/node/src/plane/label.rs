//! The label of a packet: what a node tells the next one about it, inside the tunnel.
//!
//! It lies in the padding behind the IPv4 packet, where plain WireGuard has zeros that receivers cut off by the
//! packet's own length. So a node that knows no labels is not disturbed by them, and a packet without one says nothing.
//!
//! ```text
//!  IPv4 packet | class | zeros to 16 octets
//!                 0: nothing is said; 1 and up: 1 + the number of the class
//! ```
//!
//! Classes have the same numbers in all nodes of a design: their places in it. Whoever finds out the class of a
//! packet first, which is where it enters the overlay, decides it for the whole way.

use crate::id::ClassId;

/// What a node tells the next one about a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label {
    /// The class that it belongs to.
    pub(crate) class: Option<ClassId>,
}

impl Label {
    /// Octets that are kept free for it in packets of full length.
    pub(crate) const ROOM: usize = 8;

    /// The label of a packet of a class.
    pub(crate) const fn of(class: Option<ClassId>) -> Self {
        Self { class }
    }

    /// Reads what lies behind a packet that came out of a tunnel. A class that there is not is none.
    pub(crate) fn read(behind: &[u8], classes: usize) -> Self {
        let number = behind.first().and_then(|octet| octet.checked_sub(1));
        let known = number.filter(|number| usize::from(*number) < classes);
        Self::of(known.map(|number| ClassId(u16::from(number))))
    }

    /// Octets of it, behind the packet; none when there is nothing to say.
    pub(crate) const fn len(self) -> usize {
        self.class.is_some() as usize
    }

    /// Writes it behind a packet.
    ///
    /// # Panics
    /// When there is no room for [`Self::len`] octets.
    pub(crate) fn write(self, behind: &mut [u8]) {
        if let Some(ClassId(number)) = self.class {
            behind[0] = u8::try_from(number + 1).expect("there are at most 64 classes");
        }
    }

    /// A packet with it.
    pub(crate) fn append(self, packet: &[u8]) -> Vec<u8> {
        let mut labelled = packet.to_vec();
        labelled.resize(packet.len() + self.len(), 0);
        self.write(&mut labelled[packet.len()..]);
        labelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for number in 0..64 {
            let label = Label::of(Some(ClassId(number)));
            let labelled = label.append(b"packet");
            assert_eq!(Label::read(&labelled[6..], 64), label);
        }
    }

    #[test]
    fn padding_says_nothing_and_neither_does_a_class_that_there_is_not() {
        for behind in [&[][..], &[0, 0, 0], &[4, 0], &[255]] {
            assert_eq!(Label::read(behind, 3), Label::default(), "{behind:?}");
        }
        assert_eq!(Label::default().append(b"packet"), b"packet");
    }
}
