//! Packets to test with, and what `etherparse` says of them.

use etherparse::{PacketBuilder, SlicedPacket, TcpOptionElement, TransportSlice};
use inet::packet::Ipv4;
use offload::{Offload, Partial, Segmentation};

/// A flow's packets share these.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) source: [u8; 4],
    pub(crate) ports: (u16, u16),
    pub(crate) traffic_class: u8,
    pub(crate) id: u16,
    pub(crate) dont_fragment: bool,
    pub(crate) sequence: u32,
    pub(crate) timestamps: bool,
}

pub(crate) const FLOW: Flow = Flow {
    source: [10, 1, 0, 1],
    ports: (40_000, 443),
    traffic_class: 0,
    id: 0xfffe,
    dont_fragment: true,
    sequence: 0xffff_f000,
    timestamps: true,
};

impl Flow {
    fn ip(&self, id: u16) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
        let mut header = etherparse::Ipv4Header::new(
            0,
            60,
            etherparse::IpNumber::TCP,
            self.source,
            [10, 2, 0, 2],
        )
        .expect("a short packet");
        header.dscp = (self.traffic_class >> 2).try_into().expect("six bits");
        header.ecn = (self.traffic_class & 3).try_into().expect("two bits");
        header.dont_fragment = self.dont_fragment;
        header.identification = id;
        PacketBuilder::ip(etherparse::IpHeaders::Ipv4(header, Default::default()))
    }

    /// Segment `index` of a stream cut every `size` octets.
    pub(crate) fn tcp(&self, index: usize, size: usize, payload: &[u8], flags: &str) -> Vec<u8> {
        let sequence = self.sequence.wrapping_add((index * size) as u32);
        let mut step = self
            .ip(self.id.wrapping_add(index as u16))
            .tcp(self.ports.0, self.ports.1, sequence, 5000)
            .ack(77);
        if self.timestamps {
            step = step
                .options(&[
                    TcpOptionElement::Noop,
                    TcpOptionElement::Noop,
                    TcpOptionElement::Timestamp(1, 2),
                ])
                .expect("room for options");
        }
        for flag in flags.chars() {
            step = match flag {
                'P' => step.psh(),
                'F' => step.fin(),
                'S' => step.syn(),
                'E' => step.ece(),
                'C' => step.cwr(),
                other => panic!("no flag {other}"),
            };
        }
        let mut packet = Vec::new();
        step.write(&mut packet, payload).expect("memory");
        packet
    }

    pub(crate) fn udp(&self, index: usize, payload: &[u8]) -> Vec<u8> {
        let step = self
            .ip(self.id.wrapping_add(index as u16))
            .udp(self.ports.0, self.ports.1);
        let mut packet = Vec::new();
        step.write(&mut packet, payload).expect("memory");
        packet
    }
}

/// Asserts that another implementation finds every length and checksum of a packet right.
pub(crate) fn assert_sound(packet: &[u8]) {
    let sliced = SlicedPacket::from_ip(packet).expect("a packet");
    let Some(etherparse::NetSlice::Ipv4(ip)) = &sliced.net else {
        panic!("not IPv4");
    };
    let header = ip.header().to_header();
    assert_eq!(usize::from(header.total_len), packet.len(), "total length");
    assert_eq!(
        header.header_checksum,
        header.calc_header_checksum(),
        "header checksum"
    );
    match sliced.transport.expect("a transport header") {
        TransportSlice::Tcp(tcp) => {
            let expected = tcp
                .to_header()
                .calc_checksum_ipv4(&header, tcp.payload())
                .expect("a short packet");
            assert_eq!(tcp.checksum() % 0xffff, expected % 0xffff, "TCP checksum");
        }
        TransportSlice::Udp(udp) => {
            assert_eq!(
                usize::from(udp.length()),
                packet.len() - header.header_len()
            );
            let expected = udp
                .to_header()
                .calc_checksum_ipv4(&header, udp.payload())
                .expect("a short packet");
            assert_eq!(udp.checksum(), expected, "UDP checksum");
        }
        other => panic!("{other:?}"),
    }
}

/// Turns a finished packet into what the kernel gives for segments of `segment` octets.
pub(crate) fn into_super(packet: &mut [u8], segmentation: Segmentation, segment: usize) -> Offload {
    let view = Ipv4::parse(packet).expect("a packet");
    let is_udp = view.protocol() == inet::packet::UDP;
    let (start, offset) = (view.header_len(), if is_udp { 6 } else { 16 });
    let empty =
        inet::packet::transport_checksum(view.source(), view.destination(), view.protocol(), &[]);
    let sum = u32::from(!empty) + view.payload().len() as u32;
    let sum = (sum & 0xffff) + (sum >> 16);
    packet[start + offset..start + offset + 2].copy_from_slice(&(sum as u16).to_be_bytes());
    Offload {
        segmentation,
        segment: segment as u16,
        partial: Some(Partial {
            start: start as u16,
            offset: offset as u16,
        }),
        ..Offload::NONE
    }
}

/// Any octets of a length.
pub(crate) fn octets(len: usize, seed: u64) -> Vec<u8> {
    let mut rng = inet::Rng::new(seed);
    (0..len).map(|_| rng.next_u64() as u8).collect()
}

/// A packet without what cutting need not keep: the identification of one that is never fragmented (RFC 6864 §4.1), and
/// which of its two zeros a checksum is.
pub(crate) fn comparable(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    if packet[6] & 0x40 != 0 {
        let sum = u32::from(u16::from_be_bytes([packet[10], packet[11]]))
            + u32::from(u16::from_be_bytes([packet[4], packet[5]]));
        let sum = ((sum & 0xffff) + (sum >> 16)) % 0xffff;
        packet[4..6].fill(0);
        packet[10..12].copy_from_slice(&(sum as u16).to_be_bytes());
    }
    if packet[9] == 6 && packet[36..38] == [0, 0] {
        packet[36..38].fill(0xff);
    }
    packet
}
