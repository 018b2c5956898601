//! The Tunnel Encapsulation attribute (RFC 9012): through which tunnels whoever a route leads to can be reached.
//!
//! A set of attributes keeps it as bytes, so that tunnels and sub-TLVs that we do not know go on as they came (§13).
//! What it says is read with [`read`]; none of it changes what BGP does.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::table::TUNNEL_ENCAPSULATION;
use crate::wire::Reader;
use crate::wire::error::Disposition;

/// One tunnel (§2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// What kind of tunnel it is.
    pub kind: u16,
    /// Where it ends (§3.1).
    pub egress: IpAddr,
    /// Where it is to be sent to there (§3.3.1).
    pub udp_port: Option<u16>,
    /// Other sub-TLVs, in order; those of less than 128 have at most 255 octets.
    pub others: Vec<(u8, Vec<u8>)>,
}

/// Sub-TLV of §3.1.
const TUNNEL_EGRESS_ENDPOINT: u8 = 6;
/// Sub-TLV of §3.3.1.
const UDP_DESTINATION_PORT: u8 = 8;
/// Sub-TLVs from here on have two octets of length (§2).
const LONG: u8 = 128;

impl Tunnel {
    /// The first sub-TLV of a type.
    pub fn other(&self, kind: u8) -> Option<&[u8]> {
        let (_, value) = self.others.iter().find(|(other, _)| *other == kind)?;
        Some(value)
    }
}

/// The tunnels of an attribute's value. One that does not say where it ends, or says it twice, is left out (§3.1, §13).
pub fn read(value: &[u8]) -> Vec<Tunnel> {
    let mut reader = Reader(value);
    let mut tunnels = Vec::new();
    while let Some((kind, value)) = tlv(&mut reader) {
        tunnels.extend(tunnel(kind, value));
    }
    tunnels
}

/// The attribute's value.
pub fn write(tunnels: &[Tunnel]) -> Vec<u8> {
    let mut out = Vec::new();
    for tunnel in tunnels {
        let mut value = Vec::new();
        write_sub_tlv(TUNNEL_EGRESS_ENDPOINT, &egress(tunnel.egress), &mut value);
        if let Some(port) = tunnel.udp_port {
            write_sub_tlv(UDP_DESTINATION_PORT, &port.to_be_bytes(), &mut value);
        }
        for (kind, octets) in &tunnel.others {
            write_sub_tlv(*kind, octets, &mut value);
        }
        out.extend_from_slice(&tunnel.kind.to_be_bytes());
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(&value);
    }
    out
}

/// What is wrong with an attribute's value: without any tunnel it is discarded, and when lengths do not add up
/// the routes are withdrawn (§13).
pub(super) fn fault(value: &[u8]) -> Option<Disposition> {
    let mut reader = Reader(value);
    while !reader.is_empty() {
        let Some((_, value)) = tlv(&mut reader) else {
            return Some(Disposition::Withdraw);
        };
        let mut reader = Reader(value);
        while !reader.is_empty() {
            if sub_tlv(&mut reader).is_none() {
                return Some(Disposition::Withdraw);
            }
        }
    }
    value.is_empty().then_some(Disposition::Discard)
}

/// Whether wrong flags cost the attribute alone: without the Transitive flag it is discarded (§13).
pub(super) const fn is_discarded_for_flags(code: u8) -> bool {
    code == TUNNEL_ENCAPSULATION
}

fn tlv<'a>(reader: &mut Reader<'a>) -> Option<(u16, &'a [u8])> {
    let (kind, len) = (reader.u16()?, reader.u16()?);
    Some((kind, reader.take(usize::from(len))?))
}

fn sub_tlv<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let kind = reader.u8()?;
    let len = match kind {
        LONG.. => usize::from(reader.u16()?),
        _ => usize::from(reader.u8()?),
    };
    Some((kind, reader.take(len)?))
}

fn write_sub_tlv(kind: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    match kind {
        LONG.. => out.extend_from_slice(&(value.len() as u16).to_be_bytes()),
        _ => out.push(value.len() as u8),
    }
    out.extend_from_slice(value);
}

fn tunnel(kind: u16, value: &[u8]) -> Option<Tunnel> {
    let mut reader = Reader(value);
    let (mut ends, mut udp_port, mut others) = (Vec::new(), None, Vec::new());
    while let Some((kind, value)) = sub_tlv(&mut reader) {
        match kind {
            TUNNEL_EGRESS_ENDPOINT => ends.push(read_egress(value)),
            // A port of zero or of another length is as if it were not there (§3.3.1, §13).
            UDP_DESTINATION_PORT => {
                let port = value.first_chunk().filter(|_| value.len() == 2);
                let port = port.map(|port| u16::from_be_bytes(*port));
                udp_port = udp_port.or(port.filter(|port| *port != 0));
            }
            _ => others.push((kind, value.to_vec())),
        }
    }
    let [Some(egress)] = ends[..] else {
        return None;
    };
    Some(Tunnel {
        kind,
        egress,
        udp_port,
        others,
    })
}

/// Four reserved octets, the address family, the address. Family 0 means the next hop, which says nothing of its own.
fn read_egress(value: &[u8]) -> Option<IpAddr> {
    let mut reader = Reader(value);
    reader.u32()?;
    let address = match (reader.u16()?, reader.0.len()) {
        (1, 4) => IpAddr::from(<[u8; 4]>::try_from(reader.0).ok()?),
        (2, 16) => IpAddr::from(<[u8; 16]>::try_from(reader.0).ok()?),
        _ => return None,
    };
    (!address.is_unspecified()).then_some(address)
}

fn egress(address: IpAddr) -> Vec<u8> {
    let family = |number: u8| vec![0, 0, 0, 0, 0, number];
    match address {
        IpAddr::V4(address) => [family(1), Ipv4Addr::octets(&address).to_vec()].concat(),
        IpAddr::V6(address) => [family(2), Ipv6Addr::octets(&address).to_vec()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Tunnel> {
        let tunnel = |egress: &str, udp_port, others| Tunnel {
            kind: 20,
            egress: egress.parse().expect("an address"),
            udp_port,
            others,
        };
        vec![
            tunnel("192.0.2.7", Some(51_820), vec![(126, vec![7; 32])]),
            tunnel("2001:db8::7", None, vec![(253, vec![9; 300])]),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        let value = write(&sample());
        assert_eq!(fault(&value), None);
        assert_eq!(read(&value), sample());
        assert_eq!(read(&value)[0].other(126), Some(&[7; 32][..]));
    }

    #[test]
    fn octets_stand_as_the_rfc_draws_them() {
        let value = write(&sample()[..1]);
        let head = [0, 20, 0, 50, 6, 10, 0, 0, 0, 0, 0, 1, 192, 0, 2, 7];
        assert_eq!(value[..16], head);
        assert_eq!(value[16..22], [8, 2, 0xca, 0x6c, 126, 32]);
    }

    #[test]
    fn every_cut_withdraws_except_between_tunnels() {
        let value = write(&sample());
        let first = write(&sample()[..1]).len();
        for len in 1..value.len() {
            let expected = (len != first).then_some(Disposition::Withdraw);
            assert_eq!(fault(&value[..len]), expected, "{len} octets");
            assert!(read(&value[..len]).len() <= 1);
        }
        assert_eq!(fault(&[]), Some(Disposition::Discard));
        let overrun = [0, 20, 0, 3, 6, 200, 1];
        assert_eq!(fault(&overrun), Some(Disposition::Withdraw));
    }

    #[test]
    fn a_tunnel_must_say_once_where_it_ends() {
        let end = [6, 10, 0, 0, 0, 0, 0, 1, 192, 0, 2, 7];
        let nowhere = [6, 6, 0, 0, 0, 0, 0, 0];
        let with = |parts: &[&[u8]]| {
            let inner = parts.concat();
            let head = [0, 20, 0, inner.len() as u8];
            [&head[..], &inner].concat()
        };
        assert_eq!(read(&with(&[&end])).len(), 1);
        for wrong in [with(&[]), with(&[&end, &end]), with(&[&nowhere])] {
            assert_eq!(fault(&wrong), None, "it is no malformed attribute");
            assert!(read(&wrong).is_empty());
            let beside = [wrong, with(&[&end])].concat();
            assert_eq!(read(&beside).len(), 1, "the other tunnel counts");
        }
    }
}
