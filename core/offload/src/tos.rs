//! The type-of-service octet of packets in a tunnel: congestion notification (RFC 6040) in its two low bits, the differentiated
//! services code point (RFC 2983) above.

const ECN: u8 = 0b11;
const NOT_ECT: u8 = 0b00;
const ECT_1: u8 = 0b01;
const CE: u8 = 0b11;

/// Whether routers of the underlay see the service class of the packets inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Service {
    /// They see it, and what they change of it is not taken over (RFC 2983 §3.1, the uniform model on the way in).
    #[default]
    Copied,
    /// They see this code point for all (the pipe model).
    Fixed(u8),
}

/// The outer octet of a packet that goes into a tunnel (RFC 6040 §4.1, normal mode).
pub const fn encapsulate(inner: u8, service: Service) -> u8 {
    match service {
        Service::Copied => inner,
        Service::Fixed(code_point) => (code_point << 2) | (inner & ECN),
    }
}

/// The inner octet of a packet that comes out of a tunnel (RFC 6040 §4.2, figure 4); `None` when the packet must
/// be dropped: the network says congestion to a transport that would not hear it.
pub const fn decapsulate(inner: u8, outer: u8) -> Option<u8> {
    match (inner & ECN, outer & ECN) {
        (NOT_ECT, CE) => None,
        (NOT_ECT | CE, _) => Some(inner),
        (_, CE) => Some(inner | CE),
        (_, ECT_1) => Some((inner & !ECN) | ECT_1),
        _ => Some(inner),
    }
}

/// The octet of an IPv4 packet.
pub fn get(packet: &[u8]) -> u8 {
    packet.get(1).copied().unwrap_or(0)
}

/// Sets the octet of an IPv4 packet, and the header's checksum with it (RFC 1624).
pub fn set(packet: &mut [u8], tos: u8) {
    let Some(header) = packet.first_chunk_mut::<20>() else {
        return;
    };
    let before = u16::from_be_bytes([header[0], header[1]]);
    header[1] = tos;
    let after = u16::from_be_bytes([header[0], header[1]]);
    let mut sum = u32::from(!u16::from_be_bytes([header[10], header[11]]))
        + u32::from(!before)
        + u32::from(after);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    header[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

/// Marks an IPv4 packet with Congestion Experienced if its transport understands that (RFC 3168 §5).
#[must_use]
pub fn mark(packet: &mut [u8]) -> bool {
    let tos = get(packet);
    if tos & ECN == NOT_ECT {
        return false;
    }
    set(packet, tos | CE);
    true
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddrV4;

    use inet::packet;

    use super::*;

    #[test]
    fn decapsulation_follows_figure_4_of_rfc_6040() {
        let (ect_0, dscp) = (0b10, 0b1011_1000);
        for (inner, outer, expected) in [
            (NOT_ECT, NOT_ECT, Some(NOT_ECT)),
            (NOT_ECT, ect_0, Some(NOT_ECT)),
            (NOT_ECT, ECT_1, Some(NOT_ECT)),
            (NOT_ECT, CE, None),
            (ect_0, NOT_ECT, Some(ect_0)),
            (ect_0, ect_0, Some(ect_0)),
            (ect_0, ECT_1, Some(ECT_1)),
            (ect_0, CE, Some(CE)),
            (ECT_1, NOT_ECT, Some(ECT_1)),
            (ECT_1, ect_0, Some(ECT_1)),
            (ECT_1, ECT_1, Some(ECT_1)),
            (ECT_1, CE, Some(CE)),
            (CE, NOT_ECT, Some(CE)),
            (CE, ect_0, Some(CE)),
            (CE, ECT_1, Some(CE)),
            (CE, CE, Some(CE)),
        ] {
            let expected = expected.map(|ecn| dscp | ecn);
            // The outer code point is the underlay's business and stays outside.
            assert_eq!(decapsulate(dscp | inner, 0b0110_0000 | outer), expected);
        }
    }

    #[test]
    fn the_service_class_is_copied_or_fixed_and_congestion_always_goes_along() {
        assert_eq!(encapsulate(0b1011_1010, Service::Copied), 0b1011_1010);
        assert_eq!(encapsulate(0b1011_1011, Service::Fixed(0)), 0b0000_0011);
    }

    #[test]
    fn a_changed_octet_keeps_the_header_whole() {
        let from = SocketAddrV4::new([10, 0, 0, 1].into(), 1);
        let mut bytes = packet::udp(from, from, 64, b"x");
        assert!(!mark(&mut bytes));
        for tos in 0..=255 {
            set(&mut bytes, tos);
            assert_eq!((get(&bytes), packet::checksum(&bytes[..20])), (tos, 0));
        }
        set(&mut bytes, 2);
        assert!(mark(&mut bytes) && get(&bytes) == 3);
    }
}
