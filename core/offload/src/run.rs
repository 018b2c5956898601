//! Putting consecutive packets of a flow together.

use core::ops::RangeInclusive;

use inet::packet;

use crate::checksum::{Sum, pseudo_header};
use crate::{Offload, Partial, Segmentation};

/// Consecutive packets of one flow that a kernel may take as one super-packet.
///
/// The rules are those of the kernel's own receive offload: same addresses, ports, time to live, type of
/// service, flags and TCP options; TCP sequence numbers without a gap; equal lengths but for the last; nothing behind a
/// packet that says PSH. The payloads stay where they are: whoever delivers the run gathers them behind [`Run::header`].
#[derive(Clone, Debug)]
pub struct Run {
    header: [u8; HEADERS_MAX],
    /// Octets of all headers.
    headers: usize,
    /// Payload octets of all packets but the last.
    segment: usize,
    /// Payload octets of all packets.
    payload: usize,
    packets: usize,
    /// Whether nothing can follow.
    is_closed: bool,
}

/// What became of a packet that was offered to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It is in the run; its payload begins here.
    Yes {
        /// Octets of its headers.
        headers: usize,
    },
    /// It does not follow the packets of the run.
    No,
}

impl Run {
    /// A run that begins with this packet: IPv4 without options or fragmentation, TCP with a payload and no flags but ACK and
    /// PSH (and ECE), or UDP, and a checksum that is right. `None` for all others: they go on as they are.
    pub fn start(packet: &[u8]) -> Option<Self> {
        let headers = headers(packet)?;
        let is_too_short = packet[9] == packet::TCP && packet.len() - headers < TCP_SEGMENT_MIN;
        if is_too_short || !has_whole_checksum(packet, headers) {
            return None;
        }
        let mut header = [0; HEADERS_MAX];
        header[..headers].copy_from_slice(&packet[..headers]);
        let payload = packet.len() - headers;
        Some(Self {
            is_closed: is_last(packet),
            header,
            headers,
            segment: payload,
            payload,
            packets: 1,
        })
    }

    /// Takes the next packet if it follows.
    pub fn join(&mut self, packet: &[u8]) -> Joined {
        let Some(headers) = headers(packet) else {
            return Joined::No;
        };
        let payload = packet.len() - headers;
        if self.is_closed
            || headers != self.headers
            || payload > self.segment
            || self.headers + self.payload + payload > PACKET_MAX
            || !self.is_followed_by(packet)
            || !has_whole_checksum(packet, headers)
        {
            return Joined::No;
        }
        self.payload += payload;
        self.packets += 1;
        if is_last(packet) {
            self.header[TCP_FLAGS] |= PSH;
            self.is_closed = true;
        }
        self.is_closed |= payload < self.segment;
        Joined::Yes { headers }
    }

    /// How many packets are in it.
    pub const fn packets(&self) -> usize {
        self.packets
    }

    /// Octets of the super-packet.
    pub const fn octets(&self) -> usize {
        self.headers + self.payload
    }

    /// The headers of the super-packet, for all payloads in order, and what the kernel is to be told of it.
    pub fn header(&mut self) -> (&[u8], Offload) {
        let len = (self.headers + self.payload) as u16;
        let transport = len - IP as u16;
        let is_tcp = self.header[9] == packet::TCP;
        let header = &mut self.header[..self.headers];
        if self.packets == 1 {
            return (header, Offload::NONE);
        }
        header[2..4].copy_from_slice(&len.to_be_bytes());
        header[10..12].fill(0);
        let checksum = Sum::default().few(&header[..IP]).checksum();
        header[10..12].copy_from_slice(&checksum);
        let sum = pseudo_header(&header[12..20], header[9], transport).folded();
        let offset = if is_tcp { 16 } else { 6 };
        if !is_tcp {
            header[IP + 4..IP + 6].copy_from_slice(&transport.to_be_bytes());
        }
        header[IP + offset..IP + offset + 2].copy_from_slice(&sum);
        let offload = Offload {
            segmentation: if is_tcp {
                Segmentation::Tcp
            } else {
                Segmentation::Udp
            },
            segment: self.segment as u16,
            headers: self.headers as u16,
            partial: Some(Partial {
                start: IP as u16,
                offset: offset as u16,
            }),
            ecn: false,
        };
        (header, offload)
    }

    fn is_followed_by(&self, packet: &[u8]) -> bool {
        let (first, headers) = (&self.header, self.headers);
        let same = |range: RangeInclusive<usize>| first[range.clone()] == packet[range];
        // Version, lengths of headers and type of service; flags and fragmentation; time to live and protocol; addresses, ports.
        if !(same(0..=1) && same(6..=9) && same(12..=23)) {
            return false;
        }
        let is_numbered = first[6] & DONT_FRAGMENT == 0;
        let id = |packet: &[u8]| u16::from_be_bytes([packet[4], packet[5]]);
        if is_numbered && id(packet) != id(first).wrapping_add(self.packets as u16) {
            return false;
        }
        if first[9] == packet::UDP {
            return true;
        }
        let sequence =
            |packet: &[u8]| u32::from_be_bytes([packet[24], packet[25], packet[26], packet[27]]);
        sequence(packet) == sequence(first).wrapping_add(self.payload as u32)
            // Acknowledgement and data offset, flags but PSH, window, urgent pointer and options.
            && same(28..=32)
            && (first[TCP_FLAGS] ^ packet[TCP_FLAGS]) & !PSH == 0
            && same(34..=35)
            && first[38..headers] == packet[38..headers]
    }
}

/// Octets of all headers of a packet that may be part of a run.
fn headers(packet: &[u8]) -> Option<usize> {
    let fixed = packet.first_chunk::<28>()?;
    let total = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    let is_whole = fixed[6] & !DONT_FRAGMENT == 0 && fixed[7] == 0;
    if fixed[0] != VERSION_AND_LENGTH || total != packet.len() || !is_whole {
        return None;
    }
    match fixed[9] {
        packet::TCP => {
            let tcp = packet.get(IP..IP + 20)?;
            let headers = IP + usize::from(tcp[12] >> 4) * 4;
            let is_plain = tcp[13] & !(PSH | ECE) == ACK;
            (is_plain && headers >= IP + 20 && headers < packet.len()).then_some(headers)
        }
        packet::UDP => {
            let len = usize::from(u16::from_be_bytes([fixed[24], fixed[25]]));
            let has_checksum = fixed[26..28] != [0, 0];
            (has_checksum && len == packet.len() - IP && len > 8).then_some(IP + 8)
        }
        _ => None,
    }
}

fn has_whole_checksum(packet: &[u8], headers: usize) -> bool {
    let transport = &packet[IP..];
    debug_assert!(headers <= packet.len(), "headers lie in the packet");
    let sum = pseudo_header(&packet[12..20], packet[9], transport.len() as u16);
    Sum::default().few(&packet[..IP]).is_whole() && sum.octets(transport).is_whole()
}

/// Whether a sender says that its data is complete.
fn is_last(packet: &[u8]) -> bool {
    packet[9] == packet::TCP && packet[TCP_FLAGS] & PSH != 0
}

/// The only IPv4 header that runs have: no options.
const IP: usize = 20;
const VERSION_AND_LENGTH: u8 = 0x45;
/// IPv4 and TCP with all its options.
const HEADERS_MAX: usize = IP + 60;
/// The kernel refuses to cut TCP into segments of less (Linux `TCP_MIN_GSO_SIZE`).
const TCP_SEGMENT_MIN: usize = 8;
const PACKET_MAX: usize = 65_535;
const DONT_FRAGMENT: u8 = 0x40;
const TCP_FLAGS: usize = IP + 13;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
const ECE: u8 = 0x40;
