//! Responses as servers send them, and as nobody should.

use inet::Rng;

use super::*;

fn labels(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

/// A response to a question for an address, with records: owner, type, seconds, value.
pub(crate) fn response(asked: &str, records: &[(&[u8], u16, u32, &[u8])]) -> Vec<u8> {
    let mut out = vec![0, 7, 0x81, 0x80, 0, 1, 0, records.len() as u8, 0, 0, 0, 0];
    out.extend(labels(asked));
    out.extend([0, 1, 0, 1]);
    for (owner, kind, ttl, value) in records {
        out.extend(*owner);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out.extend(ttl.to_be_bytes());
        out.extend((value.len() as u16).to_be_bytes());
        out.extend(*value);
    }
    out
}

/// A pointer to the question's name.
const ASKED: &[u8] = &[0xc0, 12];

#[test]
fn an_answer_has_the_names_along_the_aliases_and_the_addresses_at_their_end() {
    let alias = labels("S-0005.dual.example.NET");
    let message = response(
        "Teams.Example.com",
        &[
            (ASKED, TYPE_CNAME, 300, &alias),
            (&alias, TYPE_A, 60, &[192, 0, 2, 1]),
            (&alias, TYPE_A, u32::MAX, &[192, 0, 2, 2]),
            (&labels("other.example"), TYPE_A, 60, &[192, 0, 2, 3]),
        ],
    );
    let answer = answer(&message).expect("an answer");
    assert_eq!(
        answer.names,
        [&b"teams.example.com"[..], b"s-0005.dual.example.net"]
    );
    let addresses = [
        (Ipv4Addr::new(192, 0, 2, 1), Duration::from_secs(60)),
        (Ipv4Addr::new(192, 0, 2, 2), Duration::ZERO),
    ];
    assert_eq!(answer.addresses, addresses);
}

#[test]
fn questions_failures_and_answers_without_addresses_say_nothing() {
    let good = response("example.com", &[(ASKED, TYPE_A, 60, &[192, 0, 2, 1])]);
    assert!(answer(&good).is_some());
    for (at, octet) in [(2, 0x01), (2, 0xa9), (3, 0x83), (5, 2), (7, 0)] {
        let mut message = good.clone();
        message[at] = octet;
        assert_eq!(answer(&message), None, "octet {at}");
    }
    let v6 = response("example.com", &[(ASKED, 28, 60, &[0; 16])]);
    assert_eq!(answer(&v6), None);
}

#[test]
fn names_that_point_in_circles_end() {
    for pointer in [[0xc0, 12], [0xc0, 14], [0xff, 0xff]] {
        let mut message = response("a", &[(ASKED, TYPE_A, 60, &[192, 0, 2, 1])]);
        message[12..14].copy_from_slice(&pointer);
        assert_eq!(answer(&message), None, "{pointer:?}");
    }
}

#[test]
fn no_octets_make_it_fail_or_read_on() {
    let alias = labels("b.example");
    let good = response(
        "a.example",
        &[
            (ASKED, TYPE_CNAME, 60, &alias),
            (&alias, TYPE_A, 60, &[192, 0, 2, 1]),
        ],
    );
    let mut rng = Rng::new(1);
    for _ in 0..100_000 {
        let mut message = good.clone();
        for _ in 0..=rng.below(4) {
            let at = rng.below(message.len() as u64) as usize;
            message[at] = rng.next_u64() as u8;
        }
        message.truncate(rng.below(message.len() as u64 + 1) as usize);
        if let Some(answer) = answer(&message) {
            assert!(answer.addresses.len() <= RECORDS_MAX);
            assert!(answer.names.iter().all(|name| name.len() <= NAME_MAX));
        }
    }
}
