//! The control messages of a batch (cmsg(3)): type of service and segment size.

use std::{mem, ptr};

/// Room for two control messages of an integer each, on every architecture with 64 bits.
const ROOM: usize = 2 * 24;

/// Control messages to send, or room to receive some. Aligned as the kernel wants them.
#[derive(Clone, Copy)]
#[repr(align(8))]
pub(super) struct Control {
    octets: [u8; ROOM],
    len: usize,
}

impl Control {
    /// Nothing yet.
    pub(super) fn to_receive() -> Self {
        Self {
            octets: [0; ROOM],
            len: 0,
        }
    }

    /// The type of service, and into which segments to cut unless `segment` is 0.
    pub(super) fn to_send(tos: u8, segment: usize) -> Self {
        let mut control = Self::to_receive();
        control.push(
            libc::IPPROTO_IP,
            libc::IP_TOS,
            &libc::c_int::from(tos).to_ne_bytes(),
        );
        if segment > 0 {
            let segment = u16::try_from(segment).unwrap_or(u16::MAX);
            control.push(libc::SOL_UDP, libc::UDP_SEGMENT, &segment.to_ne_bytes());
        }
        control
    }

    /// Where the messages are and how many octets they take.
    pub(super) fn sent(&mut self) -> (*mut libc::c_void, usize) {
        (self.octets.as_mut_ptr().cast(), self.len)
    }

    /// Where messages may be written, and how many octets.
    pub(super) fn room(&mut self) -> (*mut libc::c_void, usize) {
        (self.octets.as_mut_ptr().cast(), ROOM)
    }

    /// Type of service and segment size in the `len` octets that the kernel wrote.
    pub(super) fn received(&self, len: usize) -> (u8, Option<usize>) {
        let (mut tos, mut segment) = (0, None);
        let mut rest = self.octets.get(..len).unwrap_or_default();
        while let Some((level, kind, value, after)) = next(rest) {
            match (level, kind, value) {
                (libc::IPPROTO_IP, libc::IP_TOS, [octet, ..]) => tos = *octet,
                (libc::SOL_UDP, libc::UDP_GRO, [a, b, c, d]) => {
                    let octets = libc::c_int::from_ne_bytes([*a, *b, *c, *d]);
                    segment = usize::try_from(octets).ok().filter(|octets| *octets > 0);
                }
                _ => {}
            }
            rest = after;
        }
        (tos, segment)
    }

    fn push(&mut self, level: libc::c_int, kind: libc::c_int, value: &[u8]) {
        let header = libc::cmsghdr {
            cmsg_len: HEADER + value.len(),
            cmsg_level: level,
            cmsg_type: kind,
        };
        // SAFETY: a `cmsghdr` has no padding on machines with 64 bits, and any of its octets may be read.
        let header: [u8; HEADER] = unsafe { mem::transmute(header) };
        for octet in header.iter().chain(value) {
            if let Some(slot) = self.octets.get_mut(self.len) {
                *slot = *octet;
            }
            self.len += 1;
        }
        self.len = self.len.next_multiple_of(ALIGNMENT).min(ROOM);
    }
}

const HEADER: usize = size_of::<libc::cmsghdr>();
const ALIGNMENT: usize = size_of::<usize>();

/// The first message of `bytes`, with its level, type and value, and what follows it.
fn next(bytes: &[u8]) -> Option<(libc::c_int, libc::c_int, &[u8], &[u8])> {
    let header = bytes.get(..HEADER)?;
    // SAFETY: `header` has the octets of a `cmsghdr`, which may have any value; the read needs no alignment.
    let header: libc::cmsghdr = unsafe { ptr::read_unaligned(header.as_ptr().cast()) };
    let len = header.cmsg_len;
    let value = bytes.get(HEADER..len)?;
    let after = bytes
        .get(len.next_multiple_of(ALIGNMENT)..)
        .unwrap_or_default();
    Some((header.cmsg_level, header.cmsg_type, value, after))
}
