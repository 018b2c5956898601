//! Capabilities as bytes, laid out by hand.

use super::*;

const V4: Family = Family::IPV4_UNICAST;
const V6: Family = Family::IPV6_UNICAST;

fn read(bytes: &[u8]) -> Option<Capability> {
    Capability::read(&mut Reader(bytes))
}

fn wire(capability: &Capability) -> Vec<u8> {
    let mut bytes = Vec::new();
    capability.write(&mut bytes);
    bytes
}

/// Bytes and what they mean, laid out by hand after the figures of the RFCs.
fn samples() -> Vec<(Vec<u8>, Capability)> {
    vec![
        (vec![1, 4, 0, 2, 0, 1], Capability::Multiprotocol(V6)),
        (vec![2, 0], Capability::RouteRefresh),
        (
            vec![5, 6, 0, 1, 0, 1, 0, 2],
            Capability::ExtendedNextHop(vec![(V4, AFI_IPV6)]),
        ),
        (vec![6, 0], Capability::ExtendedMessage),
        (vec![9, 1, 3], Capability::Role(Some(Role::Customer))),
        (
            vec![64, 6, 0xc0, 120, 0, 1, 1, 0x80],
            Capability::GracefulRestart(RestartOffer {
                restarted: true,
                notification: true,
                restart_time_s: 120,
                families: vec![(V4, true)],
            }),
        ),
        (
            vec![65, 4, 0, 1, 0, 0],
            Capability::FourOctetAs(Asn(65_536)),
        ),
        (
            vec![69, 8, 0, 1, 1, 3, 0, 2, 1, 1],
            Capability::AddPath(vec![
                (V4, PathDirection::Both),
                (V6, PathDirection::Receive),
            ]),
        ),
        (vec![70, 0], Capability::EnhancedRefresh),
        (
            vec![71, 7, 0, 1, 1, 0x80, 1, 0, 2],
            Capability::LongLived(vec![LongLivedFamily {
                family: V4,
                forwarding: true,
                stale_time_s: 65_538,
            }]),
        ),
        (
            vec![73, 3, 1, b'a', 0],
            Capability::Other {
                code: 73,
                value: vec![1, b'a', 0],
            },
        ),
    ]
}

#[test]
fn each_capability_is_read_and_written_as_its_rfc_shows_it() {
    for (bytes, capability) in samples() {
        assert_eq!(read(&bytes).as_ref(), Some(&capability), "{bytes:?}");
        assert_eq!(wire(&capability), bytes, "{capability:?}");
    }
}

#[test]
fn every_truncation_of_a_capability_is_refused() {
    for (bytes, _) in samples() {
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), None, "{bytes:?} cut at {cut}");
        }
    }
}

#[test]
fn a_wrong_length_spoils_a_session_only_where_updates_depend_on_it() {
    for code in [1, 2, 65] {
        assert_eq!(read(&[code, 3, 0, 0, 0]), None, "{code}");
    }
    for code in [5, 6, 9, 64, 69, 70, 71] {
        let other = read(&[code, 3, 0, 0, 0]);
        assert!(
            matches!(other, Some(Capability::Other { .. })),
            "{code} is ignored: {other:?}"
        );
    }
}

#[test]
fn rfc7911_4_an_unknown_direction_is_ignored_with_its_family() {
    let read = read(&[69, 8, 0, 1, 1, 0, 0, 2, 1, 2]);
    let expected = Capability::AddPath(vec![(V6, PathDirection::Send)]);
    assert_eq!(read, Some(expected));
}

#[test]
fn rfc9234_4_1_an_unassigned_role_is_told_from_none() {
    assert_eq!(read(&[9, 1, 77]), Some(Capability::Role(None)));
}
