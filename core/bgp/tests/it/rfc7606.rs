//! RFC 7606 clause by clause on whole UPDATEs, with what other speakers were found to get wrong.

use std::net::Ipv4Addr;

use bgp::wire::attributes::Session;
use bgp::wire::error::Disposition::{self, Discard, Reset, Withdraw};
use bgp::wire::update::Update;
use inet::Asn;

const ORIGIN: [u8; 4] = [0x40, 1, 1, 0];
const AS_PATH: [u8; 9] = [0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xf2];
const NEXT_HOP: [u8; 7] = [0x40, 3, 4, 10, 0, 0, 2];
const NLRI: [u8; 4] = [24, 192, 0, 2];

fn session() -> Session {
    Session {
        external: true,
        first_as: Some(Asn(65_010)),
        local_address: Ipv4Addr::new(10, 0, 0, 1),
        extended_next_hop: false,
        inside: false,
        ..Session::INSIDE
    }
}

fn body(withdrawn: &[u8], attributes: &[&[u8]], announced: &[u8]) -> Vec<u8> {
    let attributes = attributes.concat();
    let mut body = (withdrawn.len() as u16).to_be_bytes().to_vec();
    body.extend(withdrawn);
    body.extend((attributes.len() as u16).to_be_bytes());
    body.extend(attributes);
    body.extend(announced);
    body
}

/// What a body costs; `None` when it is good.
fn judged(body: &[u8], session: &Session) -> Option<Disposition> {
    match Update::parse(body, session) {
        Ok(update) => update.fault().map(|fault| fault.disposition),
        Err(_) => Some(Reset),
    }
}

/// What attributes beside ORIGIN, AS_PATH and NEXT_HOP cost.
fn beside(more: &[&[u8]]) -> Option<Disposition> {
    let mut all: Vec<&[u8]> = vec![&ORIGIN, &AS_PATH, &NEXT_HOP];
    all.extend(more);
    judged(&body(&[], &all, &NLRI), &session())
}

/// What it costs that attributes stand in place of the good ones of the same type.
fn instead(faulty: &[u8]) -> Option<Disposition> {
    let good: [&[u8]; 3] = [&ORIGIN, &AS_PATH, &NEXT_HOP];
    let kept = good.into_iter().filter(|other| other[1] != faulty[1]);
    let all: Vec<&[u8]> = kept.chain([faulty]).collect();
    judged(&body(&[], &all, &NLRI), &session())
}

#[test]
fn rfc7606_3_b_lengths_beyond_the_message_reset() {
    for broken in [
        &[0, 9, 24, 10, 0, 0][..],
        &[0, 0, 0, 200, 0x40, 1, 1, 0],
        &[0],
        &[0, 0, 0],
    ] {
        assert_eq!(judged(broken, &session()), Some(Reset), "{broken:?}");
    }
}

#[test]
fn rfc7606_3_c_wrong_flags_withdraw() {
    assert_eq!(instead(&[0xc0, 1, 1, 0]), Some(Withdraw), "optional ORIGIN");
    assert_eq!(instead(&[0x00, 3, 4, 10, 0, 0, 2]), Some(Withdraw));
    assert_eq!(beside(&[&[0x40, 4, 4, 0, 0, 0, 1]]), Some(Withdraw), "MED");
    assert_eq!(beside(&[&[0x80, 8, 4, 0, 0, 0, 1]]), Some(Withdraw));
    assert_eq!(instead(&[0x60, 1, 1, 0]), None, "Partial does not matter");
}

#[test]
fn rfc7606_3_d_missing_mandatory_attributes_withdraw() {
    let all: [&[u8]; 3] = [&ORIGIN, &AS_PATH, &NEXT_HOP];
    for missing in 0..3 {
        let left: Vec<&[u8]> = (0..3).filter(|n| *n != missing).map(|n| all[n]).collect();
        assert_eq!(judged(&body(&[], &left, &NLRI), &session()), Some(Withdraw));
    }
}

#[test]
fn rfc7606_3_g_of_equal_attributes_the_first_stays() {
    let med = |n| [0x80, 4, 4, 0, 0, 0, n];
    assert_eq!(beside(&[&med(1), &med(2)]), Some(Discard));
    let all: [&[u8]; 5] = [&ORIGIN, &AS_PATH, &NEXT_HOP, &med(1), &med(2)];
    let bytes = body(&[], &all, &NLRI);
    let update = Update::parse(&bytes, &session()).expect("it is survived");
    let scan = update.attributes();
    assert_eq!(scan.attributes(scan.next_hop()).med, Some(1));
    let unknown = [0xc0, 99, 1, 7];
    assert_eq!(beside(&[&unknown, &unknown]), Some(Discard));
    let unreach = [0x80, 15, 3, 0, 2, 1];
    assert_eq!(beside(&[&unreach, &unreach]), Some(Reset));
}

#[test]
fn rfc7606_3_h_the_worst_of_several_errors_counts() {
    let discard: &[u8] = &[0x40, 6, 1, 0];
    let withdraw: &[u8] = &[0xc0, 8, 3, 0, 0, 0];
    let reset: &[u8] = &[0x80, 15, 1, 0];
    assert_eq!(beside(&[discard, withdraw]), Some(Withdraw));
    assert_eq!(beside(&[withdraw, discard]), Some(Withdraw));
    assert_eq!(beside(&[discard, reset, withdraw]), Some(Reset));
}

#[test]
fn rfc7606_4_attributes_that_run_over_their_total_length_withdraw() {
    assert_eq!(beside(&[&[0x80, 4, 9, 0]]), Some(Withdraw));
    assert_eq!(beside(&[&[0x80, 4]]), Some(Withdraw), "less than a header");
    assert_eq!(beside(&[&[0x90, 4, 0]]), Some(Withdraw), "half a length");
}

#[test]
fn rfc7606_5_2_without_routes_the_same_error_resets() {
    let faulty: &[u8] = &[0xc0, 8, 3, 0, 0, 0];
    assert_eq!(judged(&body(&[], &[faulty], &[]), &session()), Some(Reset));
    assert_eq!(
        judged(&body(&NLRI, &[faulty], &[]), &session()),
        Some(Reset)
    );
    let harmless: &[u8] = &[0x40, 6, 1, 0];
    assert_eq!(
        judged(&body(&NLRI, &[harmless], &[]), &session()),
        Some(Discard)
    );
}

#[test]
fn rfc7606_5_3_unreadable_prefixes_reset() {
    let all: [&[u8]; 3] = [&ORIGIN, &AS_PATH, &NEXT_HOP];
    for nlri in [&[33, 10, 0, 0, 0, 0][..], &[24, 10, 0], &[255]] {
        assert_eq!(judged(&body(&[], &all, nlri), &session()), Some(Reset));
        assert_eq!(judged(&body(nlri, &[], &[]), &session()), Some(Reset));
    }
}

#[test]
fn rfc7606_7_1_origin() {
    assert_eq!(instead(&[0x40, 1, 0]), Some(Withdraw));
    assert_eq!(instead(&[0x40, 1, 2, 0, 0]), Some(Withdraw));
    assert_eq!(instead(&[0x40, 1, 1, 3]), Some(Withdraw));
}

#[test]
fn rfc7606_7_2_as_path() {
    let path = |value: &[u8]| {
        let mut attribute = vec![0x40, 2, value.len() as u8];
        attribute.extend(value);
        instead(&attribute)
    };
    assert_eq!(
        path(&[9, 1, 0, 0, 0xfd, 0xf2]),
        Some(Withdraw),
        "unknown segment"
    );
    assert_eq!(path(&[2, 2, 0, 0, 0xfd, 0xf2]), Some(Withdraw), "overrun");
    assert_eq!(
        path(&[2, 1, 0, 0, 0xfd, 0xf2, 2]),
        Some(Withdraw),
        "underrun"
    );
    assert_eq!(
        path(&[2, 1, 0, 0, 0xfd, 0xf2, 2, 0]),
        Some(Withdraw),
        "empty"
    );
    assert_eq!(
        path(&[3, 1, 0, 0, 0xfd, 0xf2]),
        Some(Withdraw),
        "confederation"
    );
    assert_eq!(path(&[2, 1, 0, 0, 0xfd, 0xf3]), Some(Withdraw), "first AS");
    assert_eq!(path(&[]), Some(Withdraw), "none at all from outside");
}

#[test]
fn rfc7606_7_3_next_hop() {
    assert_eq!(instead(&[0x40, 3, 3, 10, 0, 0]), Some(Withdraw));
    for martian in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [255; 4]] {
        let [a, b, c, d] = martian;
        assert_eq!(instead(&[0x40, 3, 4, a, b, c, d]), Some(Withdraw));
    }
    assert_eq!(
        instead(&[0x40, 3, 4, 10, 0, 0, 1]),
        Some(Withdraw),
        "ourselves"
    );
}

#[test]
fn rfc7606_7_4_to_7_10_wrong_lengths() {
    assert_eq!(beside(&[&[0x80, 4, 3, 0, 0, 0]]), Some(Withdraw), "MED");
    assert_eq!(beside(&[&[0x40, 5, 1, 0]]), None, "LOCAL_PREF from outside");
    assert_eq!(
        beside(&[&[0x40, 6, 1, 0]]),
        Some(Discard),
        "ATOMIC_AGGREGATE"
    );
    assert_eq!(beside(&[&[0x40, 6, 0]]), None);
    assert_eq!(beside(&[&[0xc0, 7, 6, 0, 1, 10, 0, 0, 1]]), Some(Discard));
    assert_eq!(beside(&[&[0xc0, 8, 0]]), Some(Withdraw), "no communities");
    assert_eq!(
        beside(&[&[0x80, 9, 1, 0]]),
        None,
        "ORIGINATOR_ID from outside"
    );
    let internal = Session {
        external: false,
        first_as: None,
        ..session()
    };
    for faulty in [&[0x40, 5, 1, 0][..], &[0x80, 9, 3, 0, 0, 0], &[0x80, 10, 0]] {
        let all: [&[u8]; 4] = [&ORIGIN, &AS_PATH, &NEXT_HOP, faulty];
        assert_eq!(judged(&body(&[], &all, &NLRI), &internal), Some(Withdraw));
    }
}

#[test]
fn rfc7606_7_11_mp_reach_nlri_with_an_impossible_next_hop_resets() {
    let reach = |family: u8, hop: &[u8], rest: &[u8]| {
        let mut value = vec![0, family, 1, hop.len() as u8];
        value.extend(hop);
        value.extend(rest);
        let mut attribute = vec![0x80, 14, value.len() as u8];
        attribute.extend(value);
        judged(
            &body(&[], &[&attribute, &ORIGIN, &AS_PATH], &[]),
            &session(),
        )
    };
    let global = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    assert_eq!(reach(2, &global, &[0, 32, 0x20, 1, 0xd, 0xb8]), None);
    assert_eq!(
        reach(2, &[10, 0, 0, 2], &[0, 32, 0x20, 1, 0xd, 0xb8]),
        Some(Reset)
    );
    assert_eq!(reach(2, &global[..15], &[0, 0]), Some(Reset));
    assert_eq!(
        reach(2, &global, &[0, 129]),
        Some(Reset),
        "a prefix of 129 bits"
    );
    assert_eq!(reach(2, &global, &[]), Some(Reset), "cut off");
    assert_eq!(
        reach(1, &global, &[0, 8, 10]),
        Some(Reset),
        "RFC 8950 not agreed on"
    );
    assert_eq!(reach(1, &[10, 0, 0, 2], &[0, 8, 10]), None);
    let multicast = [0xff; 16];
    assert_eq!(reach(2, &multicast, &[0, 0]), Some(Withdraw));
    assert_eq!(
        reach(7, &[1], &[0, 1, 2, 3]),
        None,
        "a family that we do not know"
    );
}

#[test]
fn rfc7606_7_12_a_broken_mp_unreach_nlri_resets() {
    for value in [&[0][..], &[0, 1], &[0, 1, 1, 33], &[0, 2, 1, 64, 0x20]] {
        let mut attribute = vec![0x80, 15, value.len() as u8];
        attribute.extend(value);
        assert_eq!(
            judged(&body(&[], &[&attribute], &[]), &session()),
            Some(Reset)
        );
    }
}

#[test]
fn rfc7606_7_14_and_rfc8092_6_communities_of_wrong_lengths_withdraw() {
    assert_eq!(beside(&[&[0xc0, 16, 0]]), Some(Withdraw));
    assert_eq!(
        beside(&[&[0xc0, 16, 7, 0, 0, 0, 0, 0, 0, 0]]),
        Some(Withdraw)
    );
    assert_eq!(beside(&[&[0xc0, 32, 0]]), Some(Withdraw));
    assert_eq!(beside(&[&[0xc0, 32, 4, 0, 0, 0, 0]]), Some(Withdraw));
}

#[test]
fn rfc7607_2_as_0_withdraws_in_as_path_and_is_discarded_in_aggregator() {
    assert_eq!(
        instead(&[0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xf2, 0, 0, 0, 0]),
        Some(Withdraw)
    );
    let aggregator = [0xc0, 7, 8, 0, 0, 0, 0, 10, 0, 0, 1];
    assert_eq!(beside(&[&aggregator]), Some(Discard));
}

#[test]
fn rfc9234_5_an_otc_of_another_length_withdraws() {
    assert_eq!(beside(&[&[0xc0, 35, 3, 0, 0, 0]]), Some(Withdraw));
    assert_eq!(beside(&[&[0xc0, 35, 4, 0, 0, 0xfd, 0xf2]]), None);
}

#[test]
fn rfc6793_6_as4_path_among_speakers_of_four_octets_is_discarded() {
    assert_eq!(beside(&[&[0xc0, 17, 6, 2, 1, 0, 1, 0, 0]]), Some(Discard));
    assert_eq!(
        beside(&[&[0xc0, 18, 8, 0, 1, 0, 0, 10, 0, 0, 1]]),
        Some(Discard)
    );
}

/// The attributes that come out of an UPDATE of a two-octet speaker.
fn merged(more: &[&[u8]]) -> bgp::Attributes {
    let session = Session {
        four_octet: false,
        ..session()
    };
    let path: &[u8] = &[0x40, 2, 8, 2, 3, 0xfd, 0xf2, 0x5b, 0xa0, 0x5b, 0xa0];
    let mut all: Vec<&[u8]> = vec![&ORIGIN, path, &NEXT_HOP];
    all.extend(more);
    let bytes = body(&[], &all, &NLRI);
    let update = Update::parse(&bytes, &session).expect("it is survived");
    assert!(!update.treat_as_withdraw());
    let scan = update.attributes();
    scan.attributes(scan.next_hop())
}

#[test]
fn rfc6793_4_2_3_as4_path_is_merged_unless_somebody_aggregated_on_the_way() {
    let four: &[u8] = &[0xc0, 17, 10, 2, 2, 0, 1, 0x11, 0x70, 0, 1, 0x11, 0x71];
    assert_eq!(merged(&[four]).as_path.to_string(), "65010 70000 70001");
    let two_octet_aggregator: &[u8] = &[0xc0, 7, 6, 0, 9, 10, 0, 0, 1];
    let four_aggregator: &[u8] = &[0xc0, 18, 8, 0, 1, 0x11, 0x72, 10, 0, 0, 1];
    let path = merged(&[two_octet_aggregator, four, four_aggregator]);
    assert_eq!(path.as_path.to_string(), "65010 23456 23456");
    assert_eq!(path.aggregator, Some((Asn(9), Ipv4Addr::new(10, 0, 0, 1))));
    let trans_aggregator: &[u8] = &[0xc0, 7, 6, 0x5b, 0xa0, 10, 0, 0, 1];
    let path = merged(&[trans_aggregator, four, four_aggregator]);
    assert_eq!(path.as_path.to_string(), "65010 70000 70001");
    assert_eq!(
        path.aggregator,
        Some((Asn(70_002), Ipv4Addr::new(10, 0, 0, 1)))
    );
    let broken: &[u8] = &[0xc0, 17, 3, 2, 9, 0];
    assert_eq!(merged(&[broken]).as_path.to_string(), "65010 23456 23456");
}

#[test]
fn unknown_optional_transitive_attributes_go_on_with_the_partial_flag() {
    for code in [99, 254, 255] {
        let unknown = [0xc0, code, 2, 1, 2];
        let all: [&[u8]; 4] = [&ORIGIN, &AS_PATH, &NEXT_HOP, &unknown];
        let bytes = body(&[], &all, &NLRI);
        let update = Update::parse(&bytes, &session()).expect("it is good");
        assert_eq!(update.fault(), None);
        let scan = update.attributes();
        let sent = scan.attributes(scan.next_hop()).encode(true);
        assert!(sent.ends_with(&[0xe0, code, 2, 1, 2]), "{sent:?}");
    }
    assert_eq!(
        beside(&[&[0x80, 99, 1, 7]]),
        None,
        "not transitive: dropped"
    );
    assert_eq!(beside(&[&[0x40, 99, 1, 7]]), Some(Withdraw), "well-known");
}

#[test]
fn rfc4724_2_end_of_rib_is_told_from_updates_that_do_something() {
    use bgp::wire::capability::Family;
    let of = |bytes: &[u8]| {
        let update = Update::parse(bytes, &session()).expect("it is good");
        update.end_of_rib()
    };
    let v6: &[u8] = &[0x80, 15, 3, 0, 2, 1];
    assert_eq!(of(&body(&[], &[], &[])), Some(Family::IPV4_UNICAST));
    assert_eq!(of(&body(&[], &[v6], &[])), Some(Family::IPV6_UNICAST));
    assert_eq!(of(&body(&NLRI, &[], &[])), None);
    assert_eq!(of(&body(&NLRI, &[v6], &[])), None);
    assert_eq!(of(&body(&[], &[&ORIGIN], &[])), None);
}

#[test]
fn rfc9012_13_a_tunnel_encapsulation_whose_lengths_do_not_add_up_withdraws() {
    let inside = Session {
        external: false,
        ..session()
    };
    let cost = |session: &Session, flags: u8, value: &[u8]| {
        let preference: &[u8] = &[0x40, 5, 4, 0, 0, 0, 100];
        let attribute = [&[flags, 23, value.len() as u8], value].concat();
        let all: [&[u8]; 5] = [&ORIGIN, &AS_PATH, &NEXT_HOP, preference, &attribute];
        let all = if session.external {
            &[all[0], all[1], all[2], all[4]][..]
        } else {
            &all
        };
        judged(&body(&[], all, &NLRI), session)
    };
    let good = [0, 20, 0, 12, 6, 10, 0, 0, 0, 0, 0, 1, 192, 0, 2, 7];
    assert_eq!(cost(&inside, 0xc0, &good), None);
    assert_eq!(cost(&inside, 0xc0, &good[..15]), Some(Withdraw));
    let sub_tlv_beyond = [0, 20, 0, 3, 126, 2, 7];
    assert_eq!(cost(&inside, 0xc0, &sub_tlv_beyond), Some(Withdraw));
    assert_eq!(cost(&inside, 0xc0, &[]), Some(Discard), "no tunnels");
    assert_eq!(cost(&inside, 0x80, &good), Some(Discard), "not transitive");
    let unknown = [0, 99, 0, 3, 126, 1, 7];
    assert_eq!(cost(&inside, 0xc0, &unknown), None, "goes on as it came");
    assert_eq!(
        cost(&session(), 0xc0, &good[..15]),
        None,
        "of another AS: filtered"
    );
}
