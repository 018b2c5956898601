//! Cutting a super-packet into the packets that it stands for.

use inet::packet::{self, Ipv4};

use crate::checksum::{Sum, for_udp, pseudo_header};
use crate::{Offload, OffloadError, Segmentation};

/// A super-packet, checked, with what all its segments have in common.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a> {
    packet: &'a [u8],
    segmentation: Segmentation,
    /// Octets of the IPv4 header.
    ip: usize,
    /// Octets of all headers.
    headers: usize,
    /// Payload octets of each segment but the last.
    segment: usize,
    count: usize,
    /// Of what is the same in all segments: the IP header, and the pseudo-header with the transport's.
    ip_sum: Sum,
    transport_sum: Sum,
}

impl<'a> Segments<'a> {
    /// Checks a super-packet. One that is not to be cut is a single segment; its checksum must be complete
    /// ([`complete`]).
    ///
    /// # Errors
    ///
    /// [`OffloadError::Packet`] when it is not the IPv4 packet that the header speaks of, or is a fragment.
    pub fn new(packet: &'a [u8], offload: Offload) -> Result<Self, OffloadError> {
        let view = Ipv4::parse(packet).map_err(|_| OffloadError::Packet)?;
        let (packet, ip) = (view.bytes(), view.header_len());
        let transport = &packet[ip..];
        let (protocol, header) = match offload.segmentation {
            Segmentation::None => (view.protocol(), transport.len()),
            Segmentation::Tcp => {
                let words = transport.get(12).ok_or(OffloadError::Packet)? >> 4;
                (packet::TCP, usize::from(words) * 4)
            }
            Segmentation::Udp => (packet::UDP, 8),
        };
        let is_cut = offload.segmentation != Segmentation::None;
        let minimum = if offload.segmentation == Segmentation::Tcp {
            20
        } else {
            0
        };
        let is_fragment = u16::from_be_bytes([packet[6], packet[7]]) & 0x3fff != 0;
        if view.protocol() != protocol
            || header < minimum
            || header > transport.len()
            || is_cut && (offload.segment == 0 || is_fragment)
        {
            return Err(OffloadError::Packet);
        }
        let headers = ip + header;
        let segment = usize::from(offload.segment);
        Ok(Self {
            packet,
            segmentation: offload.segmentation,
            ip,
            headers,
            segment,
            count: if is_cut {
                (packet.len() - headers).div_ceil(segment).max(1)
            } else {
                1
            },
            ip_sum: Sum::default()
                .few(&packet[..2])
                .few(&packet[6..10])
                .few(&packet[12..ip]),
            transport_sum: unchanging(&packet[..headers], ip, offload.segmentation),
        })
    }

    /// How many packets there are; at least one.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Octets of the first packet: all but the last are as long.
    pub fn longest(&self) -> usize {
        self.len(0)
    }

    /// Octets of a packet.
    pub fn len(&self, number: usize) -> usize {
        self.headers + self.payload(number).len()
    }

    /// Never: there is at least one packet.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Writes a finished packet to the beginning of a buffer; its length.
    ///
    /// # Panics
    ///
    /// When the buffer is shorter than [`Segments::len`] or there is no such packet.
    pub fn write(&self, number: usize, buffer: &mut [u8]) -> usize {
        let payload = self.payload(number);
        let (headers, len) = (self.headers, self.headers + payload.len());
        let (head, body) = buffer[..len].split_at_mut(headers);
        head.copy_from_slice(&self.packet[..headers]);
        body.copy_from_slice(payload);
        if self.segmentation == Segmentation::None {
            return len;
        }
        let transport_len = (len - self.ip) as u16;
        let sum = self.transport_sum.word(transport_len).octets(body);
        let (ip, transport) = head.split_at_mut(self.ip);
        self.finish_ip(number, len as u16, ip);
        if self.segmentation == Segmentation::Tcp {
            self.finish_tcp(number, sum, transport);
        } else {
            transport[4..6].copy_from_slice(&transport_len.to_be_bytes());
            let checksum = for_udp(sum.word(transport_len).checksum());
            transport[6..8].copy_from_slice(&checksum);
        }
        len
    }

    fn payload(&self, number: usize) -> &'a [u8] {
        let payload = &self.packet[self.headers..];
        if self.segmentation == Segmentation::None {
            return payload;
        }
        let start = (number * self.segment).min(payload.len());
        let end = (start + self.segment).min(payload.len());
        &payload[start..end]
    }

    fn finish_ip(&self, number: usize, len: u16, ip: &mut [u8]) {
        let id = u16::from_be_bytes([ip[4], ip[5]]).wrapping_add(number as u16);
        ip[2..4].copy_from_slice(&len.to_be_bytes());
        ip[4..6].copy_from_slice(&id.to_be_bytes());
        let checksum = self.ip_sum.word(len).word(id).checksum();
        ip[10..12].copy_from_slice(&checksum);
    }

    fn finish_tcp(&self, number: usize, sum: Sum, tcp: &mut [u8]) {
        let sequence = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
        let sequence = sequence.wrapping_add((number * self.segment) as u32);
        tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
        if number + 1 < self.count {
            tcp[13] &= !(FIN | PSH);
        }
        if number > 0 {
            tcp[13] &= !CWR;
        }
        let checksum = sum.few(&tcp[4..8]).few(&tcp[12..14]).checksum();
        tcp[16..18].copy_from_slice(&checksum);
    }
}

/// The sum of the pseudo-header without the length, and of those fields of the transport's header that all segments share.
fn unchanging(headers: &[u8], ip: usize, segmentation: Segmentation) -> Sum {
    let sum = pseudo_header(&headers[12..20], headers[9], 0);
    let transport = &headers[ip..];
    match segmentation {
        Segmentation::None => Sum::default(),
        Segmentation::Udp => sum.few(&transport[..4]),
        Segmentation::Tcp => sum
            .few(&transport[..4])
            .few(&transport[8..12])
            .few(&transport[14..16])
            .few(&transport[18..]),
    }
}

/// Completes a checksum in place.
///
/// # Errors
///
/// [`OffloadError::Packet`] when its place lies outside the packet.
pub fn complete(packet: &mut [u8], offload: Offload) -> Result<(), OffloadError> {
    let Some(partial) = offload.partial else {
        return Ok(());
    };
    let summed = packet
        .get_mut(usize::from(partial.start)..)
        .ok_or(OffloadError::Packet)?;
    let place = usize::from(partial.offset);
    if place + 2 > summed.len() {
        return Err(OffloadError::Packet);
    }
    // The sum of the pseudo-header is in its place already.
    let checksum = for_udp(Sum::default().octets(summed).checksum());
    summed[place..place + 2].copy_from_slice(&checksum);
    Ok(())
}

const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

#[cfg(test)]
mod tests;
