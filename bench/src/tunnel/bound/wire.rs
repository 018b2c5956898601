//! Just enough of IPv4, TCP and virtio-net to cut and to join segments.

use linux::VNET_HEADER;

/// `VIRTIO_NET_HDR_F_NEEDS_CSUM`.
pub(super) const NEEDS_CHECKSUM: u8 = 1;
/// `VIRTIO_NET_HDR_GSO_TCPV4`; the bit above it tells of ECN.
pub(super) const TCPV4: u8 = 1;
const GSO_KIND: u8 = 0x7f;
pub(super) const IP: usize = 20;
pub(super) const TCP: u8 = 6;
pub(super) const ACK: u8 = 0x10;
pub(super) const PSH: u8 = 0x08;
pub(super) const FIN_PSH: u8 = 0x09;

/// What the virtio-net header says (virtio 1.2 §5.1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offload {
    pub(super) needs_checksum: bool,
    /// Whether it is a TCP super-packet.
    pub(super) tcp: bool,
    pub(super) header_len: u16,
    pub(super) segment: u16,
    pub(super) checksum_start: u16,
    pub(super) checksum_offset: u16,
}

impl Offload {
    pub(super) fn read(bytes: [u8; VNET_HEADER]) -> Self {
        let [flags, kind, a, b, c, d, e, f, g, h] = bytes;
        Self {
            needs_checksum: flags & NEEDS_CHECKSUM != 0,
            tcp: kind & GSO_KIND == TCPV4,
            header_len: u16::from_le_bytes([a, b]),
            segment: u16::from_le_bytes([c, d]),
            checksum_start: u16::from_le_bytes([e, f]),
            checksum_offset: u16::from_le_bytes([g, h]),
        }
    }

    pub(super) fn write(self) -> [u8; VNET_HEADER] {
        let [a, b] = self.header_len.to_le_bytes();
        let [c, d] = self.segment.to_le_bytes();
        let [e, f] = self.checksum_start.to_le_bytes();
        let [g, h] = self.checksum_offset.to_le_bytes();
        let flags = if self.needs_checksum {
            NEEDS_CHECKSUM
        } else {
            0
        };
        let kind = if self.tcp { TCPV4 } else { 0 };
        [flags, kind, a, b, c, d, e, f, g, h]
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn put(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// The ones' complement sum (RFC 1071) of `bytes` and what was summed before.
pub(super) fn sum(bytes: &[u8], before: u64) -> u64 {
    let mut total = before;
    let mut words = bytes.chunks_exact(4);
    // Sums of native words come out swapped on little-endian machines, all alike.
    let mut native = 0_u64;
    for word in &mut words {
        native += u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
    }
    total += u64::from(u16::from_be(fold(native)));
    let mut rest = words.remainder().chunks_exact(2);
    for pair in &mut rest {
        total += u64::from(u16::from_be_bytes([pair[0], pair[1]]));
    }
    total
        + rest
            .remainder()
            .first()
            .map_or(0, |last| u64::from(*last) << 8)
}

/// A sum in sixteen bits.
pub(super) fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

/// The pseudo-header's sum (RFC 9293 §3.1) of an IPv4 packet with so much behind its header.
pub(super) fn pseudo(packet: &[u8], len: usize) -> u64 {
    sum(&packet[12..20], 0) + u64::from(packet[9]) + len as u64
}

/// Makes a checksum whole of which the kernel has computed the pseudo-header's part only.
pub(super) fn complete(packet: &mut [u8], offload: Offload) {
    let start = usize::from(offload.checksum_start);
    let at = start + usize::from(offload.checksum_offset);
    if let Some(covered) = packet.get(start..)
        && at + 2 <= packet.len()
    {
        let checksum = !fold(sum(covered, 0));
        put(packet, at, checksum);
    }
}

/// Fills in the header checksum of an IPv4 packet.
pub(super) fn finish_ip(packet: &mut [u8]) {
    put(packet, 10, 0);
    let checksum = !fold(sum(&packet[..IP], 0));
    put(packet, 10, checksum);
}
