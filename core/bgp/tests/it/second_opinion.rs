//! UPDATEs as `rustbgpd-wire` reads them: an independent codec with RFC 7606's dispositions.
//!
//! Where the two disagree the RFC decides. Checks that need the session (first AS, next hops that
//! are ours, AS 0 in AS_PATH) are not the other codec's and are left out here.

use std::net::Ipv4Addr;

use bgp::wire::attributes::{Session, table};
use bgp::wire::header;
use bgp::wire::update::{Update, write_announcements, write_withdrawals};
use bgp::{AsPath, Attributes, Origin};
use inet::{Asn, Net, Prefix};
use proptest::prelude::*;
use rustbgpd_wire::attribute::MalformedAttribute;
use rustbgpd_wire::update::RevisedParsedUpdate;
use rustbgpd_wire::validate::ErrorDisposition;
use rustbgpd_wire::{DecodeError, UpdateMessage};

const SESSION: Session = Session {
    external: true,
    extended_next_hop: false,
    inside: false,
    ..Session::INSIDE
};

fn arb_prefixes() -> impl Strategy<Value = Vec<Prefix>> {
    let one = (any::<u32>(), 0..=32_u8).prop_map(|(bits, len)| {
        Prefix::around(Ipv4Addr::from_bits(bits), len).expect("at most 32")
    });
    prop::collection::vec(one, 1..8)
}

fn arb_attributes() -> impl Strategy<Value = Attributes> {
    (
        0..3_u8,
        prop::collection::vec(1..100_000_u32, 1..6),
        prop::option::of(any::<u32>()),
        any::<bool>(),
        prop::option::of(1..100_000_u32),
        prop::collection::vec(any::<u32>(), 0..4),
        prop::collection::vec(any::<u64>(), 0..3),
        prop::collection::vec(any::<[u32; 3]>(), 0..3),
    )
        .prop_map(
            |(origin, path, med, atomic, aggregator, short, extended, large)| {
                let mut attributes = Attributes::new(Ipv4Addr::new(10, 0, 0, 2));
                attributes.origin = Origin::from_number(origin).expect("an origin");
                attributes.as_path = AsPath::sequence(path.into_iter().map(Asn));
                attributes.med = med;
                attributes.atomic_aggregate = atomic;
                attributes.aggregator =
                    aggregator.map(|asn| (Asn(asn), Ipv4Addr::new(10, 0, 0, 9)));
                attributes.communities = short;
                attributes.ext_communities = extended;
                attributes.large_communities = large;
                attributes
            },
        )
}

fn theirs(body: &[u8]) -> Option<RevisedParsedUpdate> {
    let mut buffer = body;
    let update = UpdateMessage::decode(&mut buffer, body.len()).ok()?;
    update.parse_revised(true, false, false, &[]).ok()
}

fn body(message: &[u8]) -> &[u8] {
    &message[header::LEN..]
}

proptest! {
    #[test]
    fn what_we_write_they_read_and_write_alike(
        attributes in arb_attributes(),
        announced in arb_prefixes(),
        withdrawn in arb_prefixes(),
    ) {
        let block = attributes.encode(true);
        let mut message = Vec::new();
        write_announcements(&block, announced.iter().copied(), &mut message);
        let read = theirs(body(&message)).expect("they read it");
        prop_assert!(read.malformed.is_empty(), "{:?}", read.malformed);
        let prefixes: Vec<_> = read.update.announced.iter()
            .map(|entry| (entry.prefix.addr, entry.prefix.len)).collect();
        let ours: Vec<_> = announced.iter().map(|p| (p.address(), p.len())).collect();
        prop_assert_eq!(prefixes, ours);
        let mut again = Vec::new();
        rustbgpd_wire::attribute::encode_path_attributes(&read.update.attributes, &mut again, true, false)
            .expect("they write it");
        prop_assert_eq!(sorted(&again), sorted(&block));
        message.clear();
        write_withdrawals(withdrawn.iter().copied(), &mut message);
        let read = theirs(body(&message)).expect("they read it");
        prop_assert_eq!(read.update.withdrawn.len(), withdrawn.len());
    }

    #[test]
    fn of_broken_messages_we_take_no_route_that_they_refuse(
        attributes in arb_attributes(),
        announced in arb_prefixes(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut message = Vec::new();
        write_announcements(&attributes.encode(true), announced, &mut message);
        let mut bytes = body(&message).to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let (we, they) = (Update::parse(&bytes, &SESSION), theirs(&bytes));
        if let Ok(update) = &we && !update.treat_as_withdraw() && both_know(update) {
            let read = they.as_ref().expect("they do not reset where we take a route");
            // LOCAL_PREF and its like are ignored from outside, whatever they say.
            let known = |code| code == 0 || table::row(code).is_some_and(|row| row.external.is_some());
            let worse = read.malformed.iter().find(|m| known(m.type_code) && !milder(m));
            prop_assert!(worse.is_none(), "we take {:?}: {:?}", bytes, worse);
        }
        if let (Ok(update), Some(read)) = (&we, &they) {
            let ours: Vec<_> = update.announced().map(|(net, _)| net).collect();
            let others: Vec<_> = read.update.announced.iter().filter_map(|entry| {
                Prefix::around(entry.prefix.addr, entry.prefix.len).map(Net::V4)
            }).collect();
            prop_assert_eq!(ours, others);
        }
    }
}

/// What costs no route: discarded attributes, the Partial flag where it has no meaning, for which
/// RFC 7606 §3 c has no cost, and AS_SETs, which RFC 9774 deprecates and we still take.
fn milder(malformed: &MalformedAttribute) -> bool {
    let partial = match &malformed.error {
        DecodeError::ProhibitedAsSet { .. } => true,
        DecodeError::UpdateAttributeError { data, .. } => data
            .first()
            .is_some_and(|flags| flags & table::PARTIAL != 0),
        _ => false,
    };
    partial || malformed.disposition == ErrorDisposition::AttributeDiscard
}

/// Whether an UPDATE has only attributes and families that both codecs know.
fn both_know(update: &Update<'_>) -> bool {
    let scan = update.attributes();
    let foreign = scan.reach.is_some() || scan.unreach.is_some();
    !foreign && scan.attributes(scan.next_hop()).unknown.is_empty()
}

/// The attributes of a block in order of their types.
fn sorted(block: &[u8]) -> Vec<Vec<u8>> {
    let mut attributes = Vec::new();
    let mut rest = block;
    while let [flags, _, ..] = rest {
        let (head, len) = if flags & 0x10 != 0 {
            (4, usize::from(u16::from_be_bytes([rest[2], rest[3]])))
        } else {
            (3, usize::from(rest[2]))
        };
        attributes.push(rest[..head + len].to_vec());
        rest = &rest[head + len..];
    }
    attributes.sort_by_key(|attribute| attribute[1]);
    attributes
}
