//! Fragments of packets that are too long for their path and may be fragmented (RFC 791 §3.2).

use inet::packet::{Ipv4, fill_header_checksum};

/// The fragments of a packet, each of `mtu` octets at most; `mtu` is far longer than any header.
pub(crate) fn fragments<'a>(
    packet: &Ipv4<'a>,
    mtu: usize,
) -> impl Iterator<Item = Vec<u8>> + use<'a> {
    let bytes = packet.bytes();
    let (header, payload) = (packet.header_len(), packet.payload());
    let field = u16::from_be_bytes([bytes[6], bytes[7]]);
    let (flags, first) = (field & !OFFSET, usize::from(field & OFFSET));
    let step = (mtu.saturating_sub(header) / 8 * 8).max(8);
    let count = payload.len().div_ceil(step);
    payload.chunks(step).enumerate().map(move |(at, part)| {
        let options = if at == 0 && first == 0 {
            bytes[20..header].to_vec()
        } else {
            copied(&bytes[20..header])
        };
        let mut fragment = Vec::with_capacity(header + part.len());
        fragment.extend_from_slice(&bytes[..20]);
        fragment.extend_from_slice(&options);
        fragment[0] = 0x40 | ((20 + options.len()) / 4) as u8;
        fragment.extend_from_slice(part);
        let total = (fragment.len() as u16).to_be_bytes();
        fragment[2..4].copy_from_slice(&total);
        let more = if at + 1 < count { MORE } else { 0 };
        let offset = (first + at * step / 8) as u16;
        fragment[6..8].copy_from_slice(&(flags | more | offset).to_be_bytes());
        fill_header_checksum(&mut fragment);
        fragment
    })
}

/// The options that later fragments carry too, padded to whole words.
fn copied(mut options: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    while let Some(&kind) = options.first() {
        let len = match kind {
            END => break,
            NO_OPERATION => 1,
            _ => options.get(1).map_or(0, |len| usize::from(*len)),
        };
        let Some((option, rest)) = options.split_at_checked(len).filter(|_| len > 0) else {
            break;
        };
        if kind & COPIED != 0 {
            kept.extend_from_slice(option);
        }
        options = rest;
    }
    kept.resize(kept.len().next_multiple_of(4), END);
    kept
}

const OFFSET: u16 = 0x1fff;
const MORE: u16 = 0x2000;
/// Option types (RFC 791 §3.1).
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const COPIED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddrV4};

    use inet::packet;

    use super::*;

    fn datagram(len: usize) -> Vec<u8> {
        let at = |last| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, last), 9);
        let payload: Vec<u8> = (0..len).map(|octet| octet as u8).collect();
        let mut packet = packet::udp(at(1), at(2), 64, &payload);
        packet[6] = 0;
        fill_header_checksum(&mut packet);
        packet
    }

    fn offset(fragment: &[u8]) -> (usize, bool) {
        let field = u16::from_be_bytes([fragment[6], fragment[7]]);
        (usize::from(field & OFFSET) * 8, field & MORE != 0)
    }

    #[test]
    fn fragments_put_together_give_the_packet_even_when_fragmented_twice() {
        let whole = datagram(4_000);
        let view = Ipv4::parse(&whole).expect("a packet");
        let mut payload = vec![0; view.payload().len()];
        let once: Vec<_> = fragments(&view, 1_340).collect();
        let mut last = 0;
        for one in &once {
            let view = Ipv4::parse(one).expect("a fragment");
            for piece in fragments(&view, 600) {
                assert!(piece.len() <= 600 && packet::checksum(&piece[..20]) == 0);
                let ((at, more), view) = (offset(&piece), Ipv4::parse(&piece).expect("a piece"));
                payload[at..at + view.payload().len()].copy_from_slice(view.payload());
                last += usize::from(!more);
            }
        }
        assert_eq!((payload.as_slice(), last), (view.payload(), 1));
    }

    #[test]
    fn later_fragments_carry_only_the_options_that_are_to_be_copied() {
        let whole = datagram(1_400);
        // A record route, which stays behind, and a router alert, which goes along.
        let options = [7, 7, 4, 0, 0, 0, 0, 1, 0x94, 4, 0, 0];
        let mut packet = whole[..20].to_vec();
        packet.extend_from_slice(&options);
        packet.extend_from_slice(&whole[20..]);
        packet[0] = 0x48;
        let total = (packet.len() as u16).to_be_bytes();
        packet[2..4].copy_from_slice(&total);
        let view = Ipv4::parse(&packet).expect("a packet");
        let parts: Vec<_> = fragments(&view, 1_000).collect();
        assert_eq!(parts[0][20..32], options);
        assert_eq!((parts[1][0], &parts[1][20..24]), (0x46, &options[8..]));
    }
}
