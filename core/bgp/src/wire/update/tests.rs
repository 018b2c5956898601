//! UPDATE messages: round trips, packing, every truncation, and RFC 7606 clause by clause.

use core::net::Ipv4Addr;

use inet::Asn;

use super::*;

fn session() -> Session {
    Session {
        external: true,
        four_octet: true,
        first_as: Some(Asn(65_010)),
        local_address: Ipv4Addr::new(10, 0, 0, 1),
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
    assert_eq!(update.announced().collect::<Vec<_>>(), prefixes);
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
    while let Ok(Some(frame)) = header::frame(rest) {
        seen.extend(
            Update::parse(frame.body, &session())
                .expect("it is good")
                .withdrawn(),
        );
        rest = &rest[frame.len..];
        count += 1;
    }
    assert_eq!((count, seen), (messages, prefixes));
    assert_eq!(messages, 3);
}
