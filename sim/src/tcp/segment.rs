//! TCP segments as bytes (RFC 9293 §3.1): reading at fixed offsets, and writing whole packets.

use core::net::SocketAddrV4;

use inet::FiveTuple;
use inet::packet::{self, Ipv4};

/// Header without options.
const HEADER: usize = 20;

/// Control bits and what else a header says.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the control bits of RFC 9293"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) syn: bool,
    pub(crate) ack: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
    pub(crate) window: u16,
    /// Maximum segment size option; SYN only.
    pub(crate) mss: Option<u16>,
}

/// A checked view of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) header: Header,
    pub(crate) data: &'a [u8],
}

impl<'a> Segment<'a> {
    /// `None` when it is cut off or its checksum is wrong.
    pub(crate) fn parse(packet: &Ipv4<'a>) -> Option<Self> {
        let bytes = packet.payload();
        if packet.protocol() != packet::TCP || bytes.len() < HEADER {
            return None;
        }
        let length = usize::from(bytes[12] >> 4) * 4;
        let (source, destination) = (packet.source(), packet.destination());
        let sum = packet::transport_checksum(source, destination, packet::TCP, bytes);
        if length < HEADER || length > bytes.len() || sum != 0 {
            return None;
        }
        let be16 = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let be32 = |at: usize| u32::from(be16(at)) << 16 | u32::from(be16(at + 2));
        let flags = bytes[13];
        let header = Header {
            sequence: be32(4),
            acknowledgment: be32(8),
            fin: flags & 1 != 0,
            syn: flags & 2 != 0,
            rst: flags & 4 != 0,
            ack: flags & 16 != 0,
            window: be16(14),
            mss: mss_option(&bytes[HEADER..length]),
        };
        Some(Self {
            source: SocketAddrV4::new(source, be16(0)),
            destination: SocketAddrV4::new(destination, be16(2)),
            header,
            data: &bytes[length..],
        })
    }

    /// How much sequence space it takes.
    pub(crate) fn sequence_len(&self) -> u32 {
        self.data.len() as u32 + u32::from(self.header.syn) + u32::from(self.header.fin)
    }
}

/// The maximum segment size among a header's options.
fn mss_option(mut options: &[u8]) -> Option<u16> {
    loop {
        match options {
            [2, 4, high, low, ..] => return Some(u16::from_be_bytes([*high, *low])),
            [] | [0, ..] => return None,
            [1, rest @ ..] => options = rest,
            [_, length, ..] => options = options.get(usize::from((*length).max(2))..)?,
            [_] => return None,
        }
    }
}

/// A whole IPv4 packet around a segment. The data comes in up to two pieces.
pub(crate) fn packet(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    ttl: u8,
    header: Header,
    data: (&[u8], &[u8]),
) -> Vec<u8> {
    let options = if header.mss.is_some() { 4 } else { 0 };
    let length = HEADER + options + data.0.len() + data.1.len();
    let mut bytes = Vec::with_capacity(packet::HEADER + length);
    let flow = FiveTuple {
        source: *source.ip(),
        destination: *destination.ip(),
        protocol: packet::TCP,
        source_port: source.port(),
        destination_port: destination.port(),
    };
    let mut ip = [0; packet::HEADER];
    packet::write_header(&mut ip, flow, 0, ttl, length);
    bytes.extend_from_slice(&ip);
    bytes.extend_from_slice(&source.port().to_be_bytes());
    bytes.extend_from_slice(&destination.port().to_be_bytes());
    bytes.extend_from_slice(&header.sequence.to_be_bytes());
    bytes.extend_from_slice(&header.acknowledgment.to_be_bytes());
    let flags = u8::from(header.fin)
        | u8::from(header.syn) << 1
        | u8::from(header.rst) << 2
        | u8::from(header.ack) << 4;
    bytes.push(((HEADER + options) as u8 / 4) << 4);
    bytes.push(flags);
    bytes.extend_from_slice(&header.window.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    if let Some(mss) = header.mss {
        bytes.extend_from_slice(&[2, 4]);
        bytes.extend_from_slice(&mss.to_be_bytes());
    }
    bytes.extend_from_slice(data.0);
    bytes.extend_from_slice(data.1);
    let sum = packet::transport_checksum(
        flow.source,
        flow.destination,
        packet::TCP,
        &bytes[packet::HEADER..],
    );
    let at = packet::HEADER + 16;
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    bytes
}
