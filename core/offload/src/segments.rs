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
        Ok(Self {
            packet,
            segmentation: offload.segmentation,
            ip,
            headers: ip + header,
            segment: usize::from(offload.segment),
        })
    }

    /// How many packets there are; at least one.
    pub const fn count(&self) -> usize {
        match self.segmentation {
            Segmentation::None => 1,
            Segmentation::Tcp | Segmentation::Udp => {
                let payload = self.packet.len() - self.headers;
                let count = payload.div_ceil(self.segment);
                if count == 0 { 1 } else { count }
            }
        }
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
        let buffer = &mut buffer[..len];
        buffer[..headers].copy_from_slice(&self.packet[..headers]);
        buffer[headers..].copy_from_slice(payload);
        if self.segmentation == Segmentation::None {
            return len;
        }
        self.finish_ip(number, buffer);
        match self.segmentation {
            Segmentation::Tcp => self.finish_tcp(number, buffer),
            Segmentation::Udp => self.finish_udp(buffer),
            Segmentation::None => {}
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

    fn finish_ip(&self, number: usize, packet: &mut [u8]) {
        let id = u16::from_be_bytes([packet[4], packet[5]]).wrapping_add(number as u16);
        let len = packet.len() as u16;
        packet[2..4].copy_from_slice(&len.to_be_bytes());
        packet[4..6].copy_from_slice(&id.to_be_bytes());
        packet[10..12].fill(0);
        let checksum = Sum::default().octets(&packet[..self.ip]).checksum();
        packet[10..12].copy_from_slice(&checksum);
    }

    fn finish_tcp(&self, number: usize, packet: &mut [u8]) {
        let sum = self.pseudo_header(packet);
        let is_last = number + 1 == self.count();
        let tcp = &mut packet[self.ip..];
        let sequence = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
        let sequence = sequence.wrapping_add((number * self.segment) as u32);
        tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
        if !is_last {
            tcp[13] &= !(FIN | PSH);
        }
        if number > 0 {
            tcp[13] &= !CWR;
        }
        tcp[16..18].fill(0);
        let checksum = sum.octets(tcp).checksum();
        tcp[16..18].copy_from_slice(&checksum);
    }

    fn finish_udp(&self, packet: &mut [u8]) {
        let sum = self.pseudo_header(packet);
        let udp = &mut packet[self.ip..];
        let len = udp.len() as u16;
        udp[4..6].copy_from_slice(&len.to_be_bytes());
        udp[6..8].fill(0);
        let checksum = for_udp(sum.octets(udp).checksum());
        udp[6..8].copy_from_slice(&checksum);
    }

    fn pseudo_header(&self, packet: &[u8]) -> Sum {
        let len = (packet.len() - self.ip) as u16;
        pseudo_header(&packet[12..20], packet[9], len)
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
