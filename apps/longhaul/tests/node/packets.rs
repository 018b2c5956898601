//! What hosts send, built by another implementation, and what it says of what hosts get.

use etherparse::{
    IpHeaders, IpNumber, Ipv4Header, NetSlice, PacketBuilder, PacketBuilderStep, SlicedPacket,
    TcpOptionElement, TransportSlice,
};
use inet::packet::Ipv4;
use offload::{Offload, Partial, Segmentation};

/// A host behind node `source` to one behind the other.
fn ip(source: u8, traffic_class: u8, dont_fragment: bool) -> PacketBuilderStep<IpHeaders> {
    let (from, to) = ([10, 77, source, 9], [10, 77, 3 - source, 9]);
    let mut header = Ipv4Header::new(0, 60, IpNumber::TCP, from, to).expect("a short packet");
    header.dscp = (traffic_class >> 2).try_into().expect("six bits");
    header.ecn = (traffic_class & 3).try_into().expect("two bits");
    header.dont_fragment = dont_fragment;
    header.identification = 77;
    PacketBuilder::ip(IpHeaders::Ipv4(header, Default::default()))
}

/// A datagram that may not be fragmented.
pub(crate) fn udp(source: u8, traffic_class: u8, port: u16, payload: &[u8]) -> Vec<u8> {
    let step = ip(source, traffic_class, true).udp(40_000, port);
    let mut packet = Vec::new();
    step.write(&mut packet, payload).expect("memory");
    packet
}

/// A datagram that may be fragmented.
pub(crate) fn loose_udp(source: u8, port: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let step = ip(source, 0, false).udp(40_000, port);
    step.write(&mut packet, payload).expect("memory");
    packet
}

/// Data of a connection.
pub(crate) fn tcp(source: u8, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let step = ip(source, 2, true).tcp(40_000, 443, sequence, 5000);
    step.ack(77).write(&mut packet, payload).expect("memory");
    packet
}

/// The start of a connection.
pub(crate) fn syn(source: u8, mss: u16) -> Vec<u8> {
    let options = [TcpOptionElement::MaximumSegmentSize(mss)];
    let step = ip(source, 0, true).tcp(40_000, 443, 9, 5000).syn();
    let step = step.options(&options).expect("room for options");
    let mut packet = Vec::new();
    step.write(&mut packet, &[]).expect("memory");
    packet
}

/// The segment size that a SYN names.
pub(crate) fn mss(packet: &[u8]) -> Option<u16> {
    let sliced = SlicedPacket::from_ip(packet).ok()?;
    let Some(TransportSlice::Tcp(tcp)) = sliced.transport else {
        return None;
    };
    let mut options = tcp.options_iterator();
    options.find_map(|option| match option {
        Ok(TcpOptionElement::MaximumSegmentSize(mss)) => Some(mss),
        _ => None,
    })
}

/// Turns a finished packet into what a host leaves to its network card: the checksum, and the cutting
/// into segments of `segment` octets.
pub(crate) fn unfinished(packet: &mut [u8], segmentation: Segmentation, segment: u16) -> Offload {
    let view = Ipv4::parse(packet).expect("a packet");
    let is_udp = view.protocol() == inet::packet::UDP;
    let (start, offset) = (view.header_len(), if is_udp { 6 } else { 16 });
    let (source, destination) = (view.source(), view.destination());
    let empty = inet::packet::transport_checksum(source, destination, view.protocol(), &[]);
    let sum = u32::from(!empty) + view.payload().len() as u32;
    let sum = (sum & 0xffff) + (sum >> 16);
    packet[start + offset..start + offset + 2].copy_from_slice(&(sum as u16).to_be_bytes());
    Offload {
        segmentation,
        segment,
        headers: (start + if is_udp { 8 } else { 20 }) as u16,
        partial: Some(Partial {
            start: start as u16,
            offset: offset as u16,
        }),
        ecn: false,
    }
}

/// Whether another implementation finds the IP header's and the transport's checksum right.
pub(crate) fn is_sound(packet: &[u8]) -> bool {
    let sliced = SlicedPacket::from_ip(packet).expect("a packet");
    let Some(NetSlice::Ipv4(ip)) = &sliced.net else {
        return false;
    };
    let header = ip.header().to_header();
    let transport = match sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            let expected = tcp.to_header().calc_checksum_ipv4(&header, tcp.payload());
            expected.is_ok_and(|expected| expected % 0xffff == tcp.checksum() % 0xffff)
        }
        Some(TransportSlice::Udp(udp)) => {
            let expected = udp.to_header().calc_checksum_ipv4(&header, udp.payload());
            expected.is_ok_and(|expected| expected == udp.checksum())
        }
        _ => false,
    };
    header.header_checksum == header.calc_header_checksum() && transport
}

/// The payload of TCP or UDP.
pub(crate) fn payload(packet: &[u8]) -> Vec<u8> {
    let sliced = SlicedPacket::from_ip(packet).expect("a packet");
    match sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => tcp.payload().to_vec(),
        Some(TransportSlice::Udp(udp)) => udp.payload().to_vec(),
        other => panic!("{other:?}"),
    }
}

/// The sequence number of TCP.
pub(crate) fn sequence(packet: &[u8]) -> u32 {
    let sliced = SlicedPacket::from_ip(packet).expect("a packet");
    match sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => tcp.sequence_number(),
        other => panic!("{other:?}"),
    }
}

/// Octets that are nowhere the same.
pub(crate) fn octets(len: usize) -> Vec<u8> {
    let mut rng = inet::Rng::new(5);
    (0..len).map(|_| rng.next_u64() as u8).collect()
}
