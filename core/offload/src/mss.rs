//! The maximum segment size of TCP connections through something narrower than both ends know (RFC 9293 §3.7.1).

use inet::packet;

/// Lowers the maximum segment size that a SYN announces so that segments fit packets of `mtu` octets. Gives whether
/// anything was changed. The packet's checksum must be complete; it stays as right or as wrong as it was (RFC 1624).
pub fn clamp_mss(packet: &mut [u8], mtu: u16) -> bool {
    let Some(place) = find_mss(packet) else {
        return false;
    };
    let limit = mtu.saturating_sub(HEADERS);
    let old = [packet[place], packet[place + 1]];
    if u16::from_be_bytes(old) <= limit {
        return false;
    }
    let ip = usize::from(packet[0] & 15) * 4;
    packet[place..place + 2].copy_from_slice(&limit.to_be_bytes());
    // An option may begin at an odd place; then its octets are the halves of two words.
    let words = match (place - ip) % 2 {
        0 => [(old, limit.to_be_bytes()), ([0; 2], [0; 2])],
        _ => {
            let [high, low] = limit.to_be_bytes();
            [([0, old[0]], [0, high]), ([old[1], 0], [low, 0])]
        }
    };
    for (before, after) in words {
        replace(&mut packet[ip + 16..ip + 18], before, after);
    }
    true
}

/// RFC 1624 equation 3.
fn replace(checksum: &mut [u8], before: [u8; 2], after: [u8; 2]) {
    let mut sum = u32::from(!u16::from_be_bytes([checksum[0], checksum[1]]))
        + u32::from(!u16::from_be_bytes(before))
        + u32::from(u16::from_be_bytes(after));
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    checksum.copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

/// Where the value of the option lies, in a SYN that has it.
fn find_mss(packet: &[u8]) -> Option<usize> {
    let first = packet.first_chunk::<20>()?;
    let ip = usize::from(first[0] & 15) * 4;
    let is_later_fragment = u16::from_be_bytes([first[6], first[7]]) & 0x1fff != 0;
    if first[0] >> 4 != 4 || first[9] != packet::TCP || is_later_fragment {
        return None;
    }
    let tcp = packet.get(ip..).filter(|tcp| tcp.len() >= 20)?;
    if tcp[13] & SYN == 0 {
        return None;
    }
    let end = (usize::from(tcp[12] >> 4) * 4).min(tcp.len());
    let mut at = 20;
    while at < end {
        match tcp[at] {
            END_OF_OPTIONS => return None,
            NO_OPERATION => at += 1,
            kind => {
                let len = usize::from(*tcp.get(at + 1)?);
                if len < 2 || at + len > end {
                    return None;
                }
                if kind == MAXIMUM_SEGMENT_SIZE && len == 4 {
                    return Some(ip + at + 2);
                }
                at += len;
            }
        }
    }
    None
}

/// IPv4 and TCP headers without options, octets.
const HEADERS: u16 = 40;
const SYN: u8 = 0x02;
const END_OF_OPTIONS: u8 = 0;
const NO_OPERATION: u8 = 1;
const MAXIMUM_SEGMENT_SIZE: u8 = 2;

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use inet::packet::{Ipv4, transport_checksum};
    use inet::{FiveTuple, packet};
    use proptest::prelude::*;

    use super::*;

    fn syn(options: &[u8]) -> Vec<u8> {
        let (from, to) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let mut tcp = vec![0; 20];
        tcp[12] = (((20 + options.len()) / 4) << 4) as u8;
        tcp[13] = SYN;
        tcp.extend_from_slice(options);
        let sum = transport_checksum(from, to, packet::TCP, &tcp);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        let flow = FiveTuple {
            source: from,
            destination: to,
            protocol: packet::TCP,
            source_port: 0,
            destination_port: 0,
        };
        packet::ipv4(flow, 64, &tcp)
    }

    fn is_whole(packet: &[u8]) -> bool {
        let view = Ipv4::parse(packet).expect("a packet");
        let ends = (view.source(), view.destination());
        transport_checksum(ends.0, ends.1, packet::TCP, view.payload()) == 0
    }

    #[test]
    fn a_syn_that_asks_for_too_much_gets_what_fits() {
        for options in [
            vec![2, 4, 0x05, 0xb4],
            vec![1, 2, 4, 0x05, 0xb4, 1, 1, 1],
            vec![4, 2, 1, 1, 2, 4, 0x23, 0x00],
        ] {
            let mut packet = syn(&options);
            assert!(clamp_mss(&mut packet, 1360));
            assert!(is_whole(&packet), "{options:?}");
            let place = find_mss(&packet).expect("the option");
            assert_eq!(packet[place..place + 2], 1320u16.to_be_bytes());
            assert!(!clamp_mss(&mut packet, 1360));
        }
    }

    #[test]
    fn others_are_left_alone() {
        let mut small = syn(&[2, 4, 0x02, 0x18]);
        assert!(!clamp_mss(&mut small, 1360));
        let mut data = syn(&[2, 4, 0x05, 0xb4]);
        data[33] = 0x10;
        assert!(!clamp_mss(&mut data, 1360));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), options in proptest::collection::vec(any::<u8>(), 0..40)) {
            clamp_mss(&mut bytes, 1000);
            let mut options = options;
            options.truncate(options.len() / 4 * 4);
            let mut packet = syn(&options);
            clamp_mss(&mut packet, 500);
            prop_assert!(is_whole(&packet));
        }
    }
}
