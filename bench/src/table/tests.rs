//! The table is what it says, and its encoding reads back.

use super::*;

const SENDER: Sender = Sender {
    number: 3,
    asn: 64603,
    address: Ipv4Addr::new(10, 99, 1, 4),
    lengths: Lengths::Table,
};

#[test]
fn every_number_has_a_prefix_of_its_own_and_back() {
    for count in [1, 10, 4_000, 300_000, 1_000_000] {
        let index = Index::new(count);
        for number in (0..count).step_by(7) {
            let (address, len) = index.prefix(number);
            assert_eq!(index.number(address, len), Some(number), "{count}");
            assert_eq!(index.number(address, 25), None);
        }
    }
}

#[test]
fn a_million_prefixes_make_about_a_hundred_thousand_updates() {
    let table = Table::new(1_000_000, 1);
    let updates = table.announce(&SENDER);
    assert!(
        (95_000..110_000).contains(&updates.count),
        "{}",
        updates.count
    );
    let mut seen = vec![false; table.len()];
    let mut bytes = &updates.bytes[..];
    while let Some((len, kind)) = wire::first(bytes) {
        assert_eq!(kind, wire::UPDATE);
        let body = &bytes[wire::HEADER + 2..len];
        let (attributes, nlri) = wire::counted(body).expect("well-formed");
        let found = wire::attributes(attributes).expect("well-formed");
        assert_eq!(found.next_hop, SENDER.address.octets());
        wire::prefixes(nlri, |address, len| {
            let number = table.index().number(address, len).expect("of the table");
            let path = table.path(&SENDER, table.set_of(number));
            let path: Vec<u8> = path.flat_map(u32::to_be_bytes).collect();
            assert_eq!(found.path, path);
            assert!(!std::mem::replace(&mut seen[number], true), "twice");
        })
        .expect("well-formed");
        bytes = &bytes[len..];
    }
    assert!(bytes.is_empty() && seen.iter().all(|seen| *seen));
}

#[test]
fn of_senders_with_different_lengths_exactly_one_is_shortest() {
    let table = Table::new(1_000, 1);
    for set in 0..table.sets.len() {
        let lengths = (0..8).map(|number| {
            let lengths = Lengths::Differ(8);
            let sender = Sender {
                number,
                lengths,
                ..SENDER
            };
            table.path(&sender, set).count()
        });
        let mut lengths: Vec<usize> = lengths.collect();
        lengths.sort_unstable();
        assert_eq!(lengths, [3, 4, 5, 6, 7, 8, 9, 10]);
    }
}

#[test]
fn tags_say_who_sent_what() {
    let tag = Tag::new(7, 99_999);
    assert_eq!(Tag::read(tag.asn()), Some(tag));
    assert_eq!((tag.sender(), tag.set()), (7, 99_999));
    assert_eq!(Tag::read(64_600), None);
}
