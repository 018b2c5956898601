//! OPEN messages: round trips, every truncation, and the refusals of RFC 4271 §6.2.

use super::*;
use crate::wire::header::{LEN, frame};

fn open() -> Open {
    Open {
        my_as: 23_456,
        hold_time_s: 180,
        router_id: Ipv4Addr::new(10, 0, 0, 4),
        capabilities: vec![
            Capability::Multiprotocol(Family::IPV4_UNICAST),
            Capability::Multiprotocol(Family::IPV6_UNICAST),
            Capability::RouteRefresh,
            Capability::FourOctetAs(Asn(4_200_000_001)),
            Capability::Other {
                code: 73,
                value: b"paris".to_vec(),
            },
        ],
    }
}

fn body(open: &Open) -> Vec<u8> {
    let bytes = open.encode();
    let frame = frame(&bytes, crate::wire::header::MESSAGE_MAX)
        .expect("framed")
        .expect("complete");
    assert_eq!(frame.len, bytes.len());
    frame.body.to_vec()
}

fn refused(body: &[u8]) -> (u8, u8, Vec<u8>) {
    let error = Open::parse(body).expect_err("refused");
    (error.code, error.subcode, error.data)
}

#[test]
fn an_open_comes_back_as_it_was_sent() {
    assert_eq!(Open::parse(&body(&open())), Ok(open()));
    assert_eq!(open().asn(), Asn(4_200_000_001));
}

#[test]
fn rfc9072_long_parameters_come_back_as_well() {
    let mut long = open();
    for code in 100..110 {
        long.capabilities.push(Capability::Other {
            code,
            value: vec![7; 100],
        });
    }
    assert_eq!(Open::parse(&body(&long)), Ok(long));
    let mut edge = open();
    edge.capabilities = vec![Capability::Other {
        code: 99,
        value: vec![0; 251],
    }];
    assert_eq!(Open::parse(&body(&edge)), Ok(edge), "exactly 255 bytes");
}

#[test]
fn every_truncation_is_refused() {
    let bytes = body(&open());
    for cut in 0..bytes.len() {
        assert_eq!(refused(&bytes[..cut]).0, 2, "{cut}");
    }
    assert!(bytes.len() > LEN);
}

#[test]
fn rfc4271_6_2_each_error_has_its_subcode() {
    let with = |at: usize, value: &[u8]| {
        let mut bytes = body(&open());
        bytes[at..at + value.len()].copy_from_slice(value);
        refused(&bytes)
    };
    assert_eq!(with(0, &[3]), (2, 1, vec![0, 4]), "version");
    assert_eq!(with(1, &[0, 0]), (2, 2, vec![]), "RFC 7607");
    assert_eq!(with(3, &[0, 2]), (2, 6, vec![0, 2]), "hold time");
    assert_eq!(with(5, &[0; 4]), (2, 3, vec![]), "identifier");
    assert_eq!(with(10, &[1]), (2, 4, vec![]), "optional parameter");
    let mut zero = open();
    zero.capabilities = vec![Capability::FourOctetAs(Asn(0))];
    assert_eq!(refused(&body(&zero)), (2, 2, vec![]), "RFC 7607");
}

#[test]
fn without_multiprotocol_capabilities_ipv4_unicast_is_meant() {
    let mut plain = open();
    plain.capabilities.clear();
    assert!(plain.speaks(Family::IPV4_UNICAST));
    assert!(!plain.speaks(Family::IPV6_UNICAST));
    plain.capabilities = vec![Capability::Multiprotocol(Family::IPV6_UNICAST)];
    assert!(!plain.speaks(Family::IPV4_UNICAST));
}
