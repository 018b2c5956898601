//! UPDATE messages: round trips, packing, every truncation, and RFC 7606 clause by clause.

use core::net::Ipv4Addr;

use inet::Asn;

use inet::Prefix;

use super::*;
use crate::wire::header;

fn session() -> Session {
    Session {
        external: true,
        four_octet: true,
        first_as: Some(Asn(65_010)),
        local_address: Ipv4Addr::new(10, 0, 0, 1),
        local_address_v6: None,
        add_path: [false; 2],
        extended_next_hop: false,
        inside: false,
    }
}

#[test]
fn an_announcement_survives_the_wire_and_every_truncation_is_refused_or_survived() {
    let mut attributes = crate::wire::attributes::Attributes::new(Ipv4Addr::new(10, 0, 0, 2));
    attributes.as_path = crate::wire::attributes::AsPath::sequence([Asn(65_010), Asn(70_000)]);
    attributes.med = Some(7);
    attributes.communities = vec![1, 2];
    attributes.large_communities = vec![[1, 2, 3]];
    let block = attributes.encode(true);
    let prefixes: Vec<Prefix> = ["192.0.2.0/24", "10.0.0.0/8", "0.0.0.0/0"]
        .iter()
        .map(|text| text.parse().expect("a prefix"))
        .collect();
    let mut message = Vec::new();
    assert_eq!(
        write_announcements(&block, prefixes.iter().copied(), &mut message),
        1
    );
    let body = &message[header::LEN..];
    let update = Update::parse(body, &session()).expect("it is good");
    assert_eq!(update.fault(), None);
    assert_eq!(
        update
            .announced()
            .filter_map(|(net, _)| net.v4())
            .collect::<Vec<_>>(),
        prefixes
    );
    let scan = update.attributes();
    assert_eq!(scan.attributes(scan.next_hop()), attributes);
    assert_eq!(scan.canonical(), Some(block.as_slice()), "sent as it came");
    for len in 0..body.len() {
        if let Ok(update) = Update::parse(&body[..len], &session()) {
            assert!(update.announced().count() < prefixes.len(), "cut to {len}");
        }
    }
}

#[test]
fn withdrawals_are_packed_into_full_messages() {
    let prefixes: Vec<Prefix> = (0..3000_u32)
        .map(|n| Prefix::around(Ipv4Addr::from_bits(n << 8), 24).expect("a prefix"))
        .collect();
    let mut bytes = Vec::new();
    let messages = write_withdrawals(prefixes.iter().copied(), &mut bytes);
    let mut seen = Vec::new();
    let mut rest = bytes.as_slice();
    let mut count = 0;
    while let Ok(Some(frame)) = header::frame(rest, header::MESSAGE_EXTENDED_MAX) {
        seen.extend(
            Update::parse(frame.body, &session())
                .expect("it is good")
                .withdrawn()
                .filter_map(|(net, _)| net.v4()),
        );
        rest = &rest[frame.len..];
        count += 1;
    }
    assert_eq!((count, seen), (messages, prefixes));
    assert_eq!(messages, 3);
}

/// One attribute, short form.
fn raw(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![flags, code, value.len() as u8];
    bytes.extend_from_slice(value);
    bytes
}

/// What a faulty attribute costs beside good mandatory ones; `None` when the session goes on
/// without a fault.
fn cost(external: bool, faulty: &[Vec<u8>]) -> Option<Disposition> {
    let good = [
        raw(0x40, 1, &[0]),
        raw(0x40, 2, &[2, 1, 0, 0, 0xfd, 0xf2]),
        raw(0x40, 3, &[10, 0, 0, 2]),
    ];
    let codes: Vec<u8> = faulty.iter().map(|attribute| attribute[1]).collect();
    let attributes: Vec<u8> = good
        .iter()
        .filter(|attribute| !codes.contains(&attribute[1]))
        .chain(faulty)
        .flatten()
        .copied()
        .collect();
    let mut body = vec![0, 0, 0, attributes.len() as u8];
    body.extend(attributes);
    body.extend([24, 192, 0, 2]);
    let session = Session {
        external,
        ..session()
    };
    match Update::parse(&body, &session) {
        Ok(update) => update.fault().map(|fault| fault.disposition),
        Err(_) => Some(Disposition::Reset),
    }
}

/// Clause, whether the session is external, the faulty attributes, and what they cost.
type Case = (&'static str, bool, Vec<Vec<u8>>, Option<Disposition>);

#[test]
fn rfc7606_each_clause_has_its_cost() {
    use Disposition::{Discard, Reset, Withdraw};
    let table: [Case; 21] = [
        ("good", true, vec![], None),
        ("3c flags", true, vec![raw(0xc0, 1, &[0])], Some(Withdraw)),
        (
            "3g twice",
            true,
            vec![raw(0x80, 4, &[0; 4]), raw(0x80, 4, &[0; 4])],
            Some(Discard),
        ),
        (
            "3g MP twice",
            true,
            vec![raw(0x80, 15, &[0, 1, 1]), raw(0x80, 15, &[0, 1, 1])],
            Some(Reset),
        ),
        ("4 overrun", true, vec![vec![0x80, 4, 9, 0]], Some(Withdraw)),
        ("7.1 length", true, vec![raw(0x40, 1, &[])], Some(Withdraw)),
        ("7.1 value", true, vec![raw(0x40, 1, &[3])], Some(Withdraw)),
        (
            "7.2",
            true,
            vec![raw(0x40, 2, &[2, 2, 0, 0, 0xfd, 0xf2])],
            Some(Withdraw),
        ),
        ("7.3", true, vec![raw(0x40, 3, &[10, 0, 0])], Some(Withdraw)),
        ("7.4", true, vec![raw(0x80, 4, &[0])], Some(Withdraw)),
        ("7.5 external", true, vec![raw(0x40, 5, &[0])], None),
        (
            "7.5 internal",
            false,
            vec![raw(0x40, 5, &[0])],
            Some(Withdraw),
        ),
        ("7.6", true, vec![raw(0x40, 6, &[0])], Some(Discard)),
        ("7.7", true, vec![raw(0xc0, 7, &[0; 6])], Some(Discard)),
        ("7.8", true, vec![raw(0xc0, 8, &[0; 3])], Some(Withdraw)),
        ("7.9 external", true, vec![raw(0x80, 9, &[0])], None),
        (
            "7.9 internal",
            false,
            vec![raw(0x80, 9, &[0])],
            Some(Withdraw),
        ),
        (
            "7.10 internal",
            false,
            vec![raw(0x80, 10, &[0; 5])],
            Some(Withdraw),
        ),
        ("7.11", true, vec![raw(0x80, 14, &[0, 1])], Some(Reset)),
        ("7.12", true, vec![raw(0x80, 15, &[0])], Some(Reset)),
        ("7.14", true, vec![raw(0xc0, 16, &[0; 7])], Some(Withdraw)),
    ];
    for (clause, external, faulty, expected) in table {
        assert_eq!(cost(external, &faulty), expected, "RFC 7606 §{clause}");
    }
}
