//! The virtio-net header (virtio 1.2 §5.1.6): what of a packet is unfinished, as a TUN device says and is told it.

/// Length of the header without merged buffers, octets.
pub const HEADER: usize = 10;

const NEEDS_CHECKSUM: u8 = 1;
const DATA_VALID: u8 = 2;
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_UDP_L4: u8 = 5;
const GSO_ECN: u8 = 0x80;

/// Into what a packet is to be cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Segmentation {
    /// Nothing: it is one packet.
    #[default]
    None,
    /// TCP segments over IPv4.
    Tcp,
    /// UDP datagrams over IPv4.
    Udp,
}

/// A checksum that has the pseudo-header's sum in its place and lacks everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    /// Where the octets to be summed begin; they end with the packet.
    pub start: u16,
    /// Where from there the checksum has its place.
    pub offset: u16,
}

/// What of a packet is unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// Into what it is to be cut.
    pub segmentation: Segmentation,
    /// Payload octets of each segment but the last, which may be shorter.
    pub segment: u16,
    /// Octets of all headers before the payload, as far as the kernel says so.
    pub headers: u16,
    /// The checksum to be completed.
    pub partial: Option<Partial>,
    /// Whether the first segment alone says that the congestion window was reduced (RFC 3168 §6.1.2).
    pub ecn: bool,
}

/// Why a header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffloadError {
    /// It asks for something that was not offered to the kernel.
    Unknown,
    /// It contradicts the packet.
    Packet,
    /// It asks for segments of a packet whose checksum nobody has verified: theirs would be right, whatever is in them.
    Unverified,
}

impl Offload {
    /// A finished packet.
    pub const NONE: Self = Self {
        segmentation: Segmentation::None,
        segment: 0,
        headers: 0,
        partial: None,
        ecn: false,
    };

    /// Reads the header, in the machine's byte order.
    ///
    /// # Errors
    ///
    /// [`OffloadError::Unknown`] for segmentation other than TCP and UDP over IPv4; [`OffloadError::Unverified`].
    pub fn read(bytes: &[u8; HEADER]) -> Result<Self, OffloadError> {
        let number = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        let segmentation = match bytes[1] & !GSO_ECN {
            GSO_NONE => Segmentation::None,
            GSO_TCPV4 => Segmentation::Tcp,
            GSO_UDP_L4 => Segmentation::Udp,
            _ => return Err(OffloadError::Unknown),
        };
        if segmentation != Segmentation::None && bytes[0] & (NEEDS_CHECKSUM | DATA_VALID) == 0 {
            return Err(OffloadError::Unverified);
        }
        let partial = (bytes[0] & NEEDS_CHECKSUM != 0).then(|| Partial {
            start: number(6),
            offset: number(8),
        });
        Ok(Self {
            segmentation,
            segment: number(4),
            headers: number(2),
            partial,
            ecn: bytes[1] & GSO_ECN != 0,
        })
    }

    /// The header as octets, in the machine's byte order.
    pub fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let kind = match self.segmentation {
            Segmentation::None => GSO_NONE,
            Segmentation::Tcp => GSO_TCPV4,
            Segmentation::Udp => GSO_UDP_L4,
        };
        bytes[1] = kind | if self.ecn { GSO_ECN } else { 0 };
        bytes[2..4].copy_from_slice(&self.headers.to_ne_bytes());
        bytes[4..6].copy_from_slice(&self.segment.to_ne_bytes());
        if let Some(Partial { start, offset }) = self.partial {
            bytes[0] = NEEDS_CHECKSUM;
            bytes[6..8].copy_from_slice(&start.to_ne_bytes());
            bytes[8..10].copy_from_slice(&offset.to_ne_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_it_was_written() {
        let offload = Offload {
            segmentation: Segmentation::Tcp,
            segment: 1380,
            headers: 52,
            partial: Some(Partial {
                start: 20,
                offset: 16,
            }),
            ecn: true,
        };
        assert_eq!(Offload::read(&offload.to_bytes()), Ok(offload));
        assert_eq!(Offload::NONE.to_bytes(), [0; HEADER]);
    }

    #[test]
    fn what_nobody_verified_is_not_cut() {
        for kind in [GSO_TCPV4, GSO_UDP_L4] {
            let mut bytes = [0, kind, 0, 0, 100, 0, 0, 0, 0, 0];
            assert_eq!(Offload::read(&bytes), Err(OffloadError::Unverified));
            bytes[0] = DATA_VALID;
            assert!(Offload::read(&bytes).is_ok());
        }
    }

    #[test]
    fn what_was_not_offered_is_refused() {
        for kind in [2, 3, 4, 6, 127] {
            let mut bytes = [0; HEADER];
            bytes[1] = kind;
            assert_eq!(Offload::read(&bytes), Err(OffloadError::Unknown));
        }
    }
}
