//! IPv4 packets as bytes: one check on entry, then reads and writes at fixed offsets.
//!
//! [`Ipv4`] is proof that a buffer starts with a whole, well-formed IPv4 header whose total
//! length lies inside the buffer. Builders make the few packets that cores originate: UDP
//! datagrams (probes, tunnels), ICMP echo and errors. Checksums follow RFC 1071 and RFC 1624.

use core::net::{Ipv4Addr, SocketAddrV4};

use crate::FiveTuple;

/// ICMP's protocol number.
pub const ICMP: u8 = 1;
/// TCP's protocol number.
pub const TCP: u8 = 6;
/// UDP's protocol number.
pub const UDP: u8 = 17;
/// Length of an IPv4 header without options.
pub const HEADER: usize = 20;
/// Length of an IPv4 and a UDP header.
pub const UDP_HEADERS: usize = 28;

/// Why bytes are not an IPv4 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// Shorter than a header, or than its header's own length field.
    Short,
    /// Not version 4.
    Version,
    /// The header or total length contradicts itself.
    Length,
}

/// A checked view of an IPv4 packet.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4<'a> {
    // INVARIANT: at least `header_len` and exactly `total_len` bytes, version 4.
    bytes: &'a [u8],
}

impl<'a> Ipv4<'a> {
    /// Checks the header. Bytes behind the total length are left out.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        if bytes.len() < HEADER {
            return Err(PacketError::Short);
        }
        if bytes[0] >> 4 != 4 {
            return Err(PacketError::Version);
        }
        let header = usize::from(bytes[0] & 15) * 4;
        let total = usize::from(be16(bytes, 2));
        if header < HEADER || total < header {
            return Err(PacketError::Length);
        }
        if total > bytes.len() {
            return Err(PacketError::Short);
        }
        Ok(Self {
            bytes: &bytes[..total],
        })
    }

    /// The whole packet.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Length of the header with options.
    pub fn header_len(&self) -> usize {
        usize::from(self.bytes[0] & 15) * 4
    }

    /// What follows the IP header.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.header_len()..]
    }

    /// Source address.
    pub fn source(&self) -> Ipv4Addr {
        address(self.bytes, 12)
    }

    /// Destination address.
    pub fn destination(&self) -> Ipv4Addr {
        address(self.bytes, 16)
    }

    /// Protocol number.
    pub const fn protocol(&self) -> u8 {
        self.bytes[9]
    }

    /// Time to live.
    pub const fn ttl(&self) -> u8 {
        self.bytes[8]
    }

    /// DSCP and ECN.
    pub const fn traffic_class(&self) -> u8 {
        self.bytes[1]
    }

    /// The differentiated-services code point (RFC 2474).
    pub fn dscp(&self) -> u8 {
        self.bytes[1] >> 2
    }

    /// Whether routers must not fragment it (RFC 791).
    pub fn must_not_fragment(&self) -> bool {
        be16(self.bytes, 6) & 0x4000 != 0
    }

    /// Whether this is a fragment other than the first.
    pub fn is_later_fragment(&self) -> bool {
        be16(self.bytes, 6) & 0x1fff != 0
    }

    /// Whether this is an ICMP error, which is about another packet; enquiries and their answers are none.
    pub fn is_icmp_error(&self) -> bool {
        let kind = self.payload().first();
        self.protocol() == ICMP && !matches!(kind, Some(0 | 8 | 13 | 14) | None)
    }

    /// The flow. Later fragments and cut-off transport headers have ports zero.
    pub fn five_tuple(&self) -> FiveTuple {
        let payload = self.payload();
        let ports = match self.protocol() {
            _ if self.is_later_fragment() => (0, 0),
            TCP | UDP if payload.len() >= 4 => (be16(payload, 0), be16(payload, 2)),
            ICMP if payload.len() >= 8 && matches!(payload[0], 0 | 8) => (be16(payload, 4), 0),
            _ => (0, 0),
        };
        FiveTuple {
            source: self.source(),
            destination: self.destination(),
            protocol: self.protocol(),
            source_port: ports.0,
            destination_port: ports.1,
        }
    }

    /// The flow that the packet is steered by: [`Ipv4::five_tuple`], but without ports for any fragment, so that all
    /// fragments of a datagram go the same way in order.
    pub fn flow(&self) -> FiveTuple {
        let flow = self.five_tuple();
        if be16(self.bytes, 6) & 0x3fff == 0 {
            return flow;
        }
        FiveTuple {
            source_port: 0,
            destination_port: 0,
            ..flow
        }
    }

    /// The payload of a UDP datagram. `None` when it is another protocol or cut off.
    pub fn udp_payload(&self) -> Option<&'a [u8]> {
        let payload = self.payload();
        if self.protocol() != UDP || payload.len() < 8 || self.is_later_fragment() {
            return None;
        }
        let len = usize::from(be16(payload, 4));
        payload.get(8..len)
    }
}

/// Lowers the time to live by one and mends the checksum by the difference: a wrong one stays wrong. `false` when it was one or less:
/// the packet is then left as it was and must not be forwarded. `packet` is a checked IPv4 packet.
pub fn decrement_ttl(packet: &mut [u8]) -> bool {
    if packet.len() < HEADER || packet[8] <= 1 {
        return false;
    }
    let from = u32::from(be16(packet, 8));
    packet[8] -= 1;
    let checksum = adjust(be16(packet, 10), from, u32::from(be16(packet, 8)));
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    true
}

/// Rewrites addresses and ports (NAT) and mends the IP, TCP and UDP checksums.
/// `packet` is a checked IPv4 packet; ports are left alone where there are none.
pub fn rewrite(packet: &mut [u8], to: FiveTuple) {
    let Ok(view) = Ipv4::parse(packet) else {
        return;
    };
    let (header, protocol, first) = (
        view.header_len(),
        view.protocol(),
        !view.is_later_fragment(),
    );
    let from = view.five_tuple();
    let total = view.bytes().len();
    packet[12..16].copy_from_slice(&to.source.octets());
    packet[16..20].copy_from_slice(&to.destination.octets());
    fill_header_checksum(packet);
    let transport = &mut packet[header..total];
    let at = match protocol {
        TCP if first && transport.len() >= 18 => 16,
        UDP if first && transport.len() >= 8 => 6,
        ICMP if first && transport.len() >= 8 && matches!(transport[0], 0 | 8) => {
            let sum = be16(transport, 2);
            let sum = adjust(sum, u32::from(from.source_port), u32::from(to.source_port));
            transport[2..4].copy_from_slice(&sum.to_be_bytes());
            transport[4..6].copy_from_slice(&to.source_port.to_be_bytes());
            return;
        }
        _ => return,
    };
    transport[0..2].copy_from_slice(&to.source_port.to_be_bytes());
    transport[2..4].copy_from_slice(&to.destination_port.to_be_bytes());
    let sum = be16(transport, at);
    if protocol == UDP && sum == 0 {
        return;
    }
    let sum = adjust(sum, from.source.to_bits(), to.source.to_bits());
    let sum = adjust(sum, from.destination.to_bits(), to.destination.to_bits());
    let sum = adjust(sum, u32::from(from.source_port), u32::from(to.source_port));
    let sum = adjust(
        sum,
        u32::from(from.destination_port),
        u32::from(to.destination_port),
    );
    let sum = if protocol == UDP && sum == 0 {
        0xffff
    } else {
        sum
    };
    transport[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// RFC 1624, equation 3, for a 32-bit field.
fn adjust(checksum: u16, from: u32, to: u32) -> u16 {
    let halves = |x: u32| [x >> 16, x & 0xffff];
    let mut sum = u32::from(!checksum);
    for half in halves(!from) {
        sum += half;
    }
    for half in halves(to) {
        sum += half;
    }
    !fold(sum)
}

/// The Internet checksum of some bytes, to be put where zeros stood (RFC 1071).
pub fn checksum(bytes: &[u8]) -> u16 {
    !fold(sum(0, bytes))
}

/// The checksum of a TCP or UDP segment under its pseudo-header.
pub fn transport_checksum(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    segment: &[u8],
) -> u16 {
    let start = sum(0, &source.octets());
    let start = sum(start, &destination.octets());
    let start = start + u32::from(protocol) + (segment.len() as u32 & 0xffff);
    !fold(sum(start, segment))
}

fn sum(start: u32, bytes: &[u8]) -> u32 {
    let mut total = u64::from(start);
    let mut words = bytes.chunks_exact(2);
    for word in &mut words {
        total += u64::from(u16::from_be_bytes([word[0], word[1]]));
    }
    if let [last] = words.remainder() {
        total += u64::from(*last) << 8;
    }
    while total > 0xffff_ffff {
        total = (total & 0xffff_ffff) + (total >> 32);
    }
    u32::from(fold64(total))
}

const fn fold64(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

const fn fold(sum: u32) -> u16 {
    fold64(sum as u64)
}

/// Writes the checksum of an IPv4 header; `packet` begins with a whole one.
pub fn fill_header_checksum(packet: &mut [u8]) {
    let header = usize::from(packet[0] & 15) * 4;
    packet[10..12].fill(0);
    let sum = checksum(&packet[..header]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// Writes an IPv4 header (no options, don't fragment) in front of `payload_len` more bytes.
/// `header` is the first 20 bytes of the packet.
pub fn write_header(
    header: &mut [u8; HEADER],
    flow: FiveTuple,
    traffic_class: u8,
    ttl: u8,
    payload_len: usize,
) {
    let total = (HEADER + payload_len) as u16;
    *header = [0; HEADER];
    header[0] = 0x45;
    header[1] = traffic_class;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    header[6] = 0x40;
    header[8] = ttl;
    header[9] = flow.protocol;
    header[12..16].copy_from_slice(&flow.source.octets());
    header[16..20].copy_from_slice(&flow.destination.octets());
    fill_header_checksum(header);
}

/// An IPv4 packet around any payload.
pub fn ipv4(flow: FiveTuple, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(HEADER + payload.len());
    let mut header = [0; HEADER];
    write_header(&mut header, flow, 0, ttl, payload.len());
    packet.extend_from_slice(&header);
    packet.extend_from_slice(payload);
    packet
}

/// An IPv4 UDP datagram with its checksum.
pub fn udp(source: SocketAddrV4, destination: SocketAddrV4, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let flow = FiveTuple {
        source: *source.ip(),
        destination: *destination.ip(),
        protocol: UDP,
        source_port: source.port(),
        destination_port: destination.port(),
    };
    let len = 8 + payload.len();
    let mut packet = Vec::with_capacity(HEADER + len);
    let mut header = [0; HEADER];
    write_header(&mut header, flow, 0, ttl, len);
    packet.extend_from_slice(&header);
    packet.extend_from_slice(&source.port().to_be_bytes());
    packet.extend_from_slice(&destination.port().to_be_bytes());
    packet.extend_from_slice(&(len as u16).to_be_bytes());
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(payload);
    let sum = transport_checksum(flow.source, flow.destination, UDP, &packet[HEADER..]);
    let sum = if sum == 0 { 0xffff } else { sum };
    packet[26..28].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// An ICMP echo request.
pub fn echo_request(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    id: u16,
    sequence: u16,
    ttl: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut message = vec![8, 0, 0, 0];
    message.extend_from_slice(&id.to_be_bytes());
    message.extend_from_slice(&sequence.to_be_bytes());
    message.extend_from_slice(payload);
    icmp(source, destination, ttl, message)
}

/// The reply to an ICMP echo request. `None` when the packet is not one.
pub fn echo_reply(request: &Ipv4<'_>, ttl: u8) -> Option<Vec<u8>> {
    let payload = request.payload();
    if request.protocol() != ICMP || payload.len() < 8 || payload[0] != 8 {
        return None;
    }
    let mut message = payload.to_vec();
    message[0] = 0;
    Some(icmp(request.destination(), request.source(), ttl, message))
}

/// An ICMP error about a packet (RFC 792): type, code, and the start of what caused it.
/// `None` when the packet is itself an ICMP error or a later fragment, which get no answer (RFC 1122 §3.2.2).
pub fn icmp_error(
    source: Ipv4Addr,
    about: &Ipv4<'_>,
    kind: u8,
    code: u8,
    rest: [u8; 4],
) -> Option<Vec<u8>> {
    if about.is_icmp_error() || about.is_later_fragment() {
        return None;
    }
    let mut message = vec![kind, code, 0, 0];
    message.extend_from_slice(&rest);
    let quoted = about.bytes().len().min(about.header_len() + 8);
    message.extend_from_slice(&about.bytes()[..quoted]);
    Some(icmp(source, about.source(), 64, message))
}

fn icmp(source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, mut message: Vec<u8>) -> Vec<u8> {
    message[2..4].fill(0);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let flow = FiveTuple {
        source,
        destination,
        protocol: ICMP,
        source_port: 0,
        destination_port: 0,
    };
    ipv4(flow, ttl, &message)
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn address(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(last: u8, port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, last), port)
    }

    fn checks(packet: &[u8]) -> bool {
        let view = Ipv4::parse(packet).expect("a packet");
        let header = checksum(&packet[..view.header_len()]) == 0;
        let transport = match view.protocol() {
            ICMP => checksum(view.payload()),
            protocol => {
                transport_checksum(view.source(), view.destination(), protocol, view.payload())
            }
        };
        header && transport == 0
    }

    #[test]
    fn built_datagrams_check_and_read_back() {
        let packet = udp(socket(1, 1000), socket(2, 2000), 64, b"hello");
        assert!(checks(&packet));
        let view = Ipv4::parse(&packet).expect("a packet");
        assert_eq!(view.udp_payload(), Some(&b"hello"[..]));
        assert_eq!(
            view.five_tuple().to_string(),
            "udp 10.0.0.1:1000 > 10.0.0.2:2000"
        );
    }

    #[test]
    fn rewriting_keeps_every_checksum_right() {
        let to = FiveTuple {
            source: Ipv4Addr::new(203, 0, 113, 9),
            destination: Ipv4Addr::new(192, 0, 2, 77),
            protocol: UDP,
            source_port: 40_000,
            destination_port: 53,
        };
        for len in 0..40 {
            let mut packet = udp(socket(1, 1000), socket(2, 2000), 64, &vec![0xa5; len]);
            rewrite(&mut packet, to);
            assert!(checks(&packet), "payload of {len}");
            assert_eq!(Ipv4::parse(&packet).expect("a packet").five_tuple(), to);
        }
        let mut echo = echo_request(*socket(1, 0).ip(), *socket(2, 0).ip(), 7, 1, 64, b"abc");
        rewrite(
            &mut echo,
            FiveTuple {
                protocol: ICMP,
                source_port: 99,
                destination_port: 0,
                ..to
            },
        );
        assert!(checks(&echo));
    }

    #[test]
    fn a_ttl_of_one_is_not_forwarded() {
        let mut packet = udp(socket(1, 1), socket(2, 2), 2, b"");
        assert!(decrement_ttl(&mut packet));
        assert!(checks(&packet));
        assert!(!decrement_ttl(&mut packet));
    }

    #[test]
    fn a_wrong_header_checksum_stays_wrong_on_the_way() {
        let mut packet = udp(socket(1, 1), socket(2, 2), 64, b"");
        packet[5] ^= 1;
        while decrement_ttl(&mut packet) {
            assert!(!checks(&packet));
        }
    }

    #[test]
    fn fragments_of_a_datagram_are_one_flow() {
        let mut packet = udp(socket(1, 1), socket(2, 2), 64, b"payload");
        let flow = |packet: &[u8]| Ipv4::parse(packet).expect("a packet").flow();
        let whole = flow(&packet);
        packet[6] = 0x20;
        let first = flow(&packet);
        packet[7] = 9;
        assert_eq!((first, first.source_port), (flow(&packet), 0));
        assert_eq!(whole.source_port, 1);
    }

    #[test]
    fn every_cut_of_a_packet_is_refused_and_none_panics() {
        let packet = udp(socket(1, 1), socket(2, 2), 64, b"payload");
        for len in 0..packet.len() {
            assert_eq!(
                Ipv4::parse(&packet[..len]).err(),
                Some(PacketError::Short),
                "{len}"
            );
        }
        let mut bad = packet;
        bad[0] = 0x44;
        assert_eq!(Ipv4::parse(&bad).err(), Some(PacketError::Length));
        bad[0] = 0x65;
        assert_eq!(Ipv4::parse(&bad).err(), Some(PacketError::Version));
    }

    #[test]
    fn errors_are_never_sent_about_errors() {
        let packet = udp(socket(1, 1), socket(2, 2), 64, b"payload");
        let view = Ipv4::parse(&packet).expect("a packet");
        let error = icmp_error(*socket(9, 0).ip(), &view, 11, 0, [0; 4]).expect("an error");
        assert!(checks(&error));
        let view = Ipv4::parse(&error).expect("a packet");
        assert_eq!(icmp_error(*socket(8, 0).ip(), &view, 11, 0, [0; 4]), None);
    }
}
