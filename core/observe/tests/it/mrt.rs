//! MRT records.

use std::io::Cursor;
use std::net::Ipv4Addr;
use std::time::Duration;

use bgpkit_parser::models::{Bgp4MpEnum, Bgp4MpType, BgpState, MrtMessage, TableDumpV2Message};
use bgpkit_parser::{BgpkitParser, MrtRecord};
use inet::Asn;
use observe::{Ends, mrt};

use crate::routes::{block, net};

const NOW: Duration = Duration::new(1_700_000_000, 123_456_000);

fn peers() -> Vec<mrt::Peer> {
    ["10.0.0.2", "2001:db8::2"]
        .into_iter()
        .map(|address| mrt::Peer {
            router_id: Ipv4Addr::new(10, 0, 0, 2),
            address: address.parse().expect("an address"),
            asn: Asn(4_200_000_000),
        })
        .collect()
}

/// Routes as lines: neighbour, its AS, prefix, AS_PATH, origin, next hop, MED, LOCAL_PREF, communities.
fn read(bytes: Vec<u8>) -> Vec<String> {
    let parser = BgpkitParser::from_reader(Cursor::new(bytes));
    let line = |elem: bgpkit_parser::BgpElem| {
        let path = elem
            .as_path
            .map(|path| path.to_string())
            .unwrap_or_default();
        let next_hop = elem.next_hop.map(|hop| hop.to_string()).unwrap_or_default();
        let communities: Vec<String> = elem
            .communities
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        let (med, preference) = (elem.med.unwrap_or(0), elem.local_pref.unwrap_or(0));
        format!(
            "{} {} {} [{path}] {next_hop} {med} {preference} {}",
            elem.peer_ip,
            elem.peer_asn,
            elem.prefix.prefix,
            communities.join(" ")
        )
    };
    parser.into_elem_iter().map(line).collect()
}

fn records(bytes: Vec<u8>) -> Vec<MrtRecord> {
    BgpkitParser::from_reader(Cursor::new(bytes))
        .into_record_iter()
        .collect()
}

fn dump(path_ids: Option<[u32; 2]>) -> Vec<u8> {
    let mut out = Vec::new();
    mrt::peer_index_table(NOW, Ipv4Addr::new(10, 0, 0, 1), "edge1", &peers(), &mut out);
    let (v4, v6) = (block("10.0.0.9"), block("2001:db8::9"));
    for (sequence, prefix) in ["203.0.113.0/24", "0.0.0.0/0", "2001:db8:1::/48"]
        .iter()
        .enumerate()
    {
        let attributes = if prefix.contains(':') { &v6 } else { &v4 };
        let entry = |peer: u16| mrt::Entry {
            peer,
            originated: Duration::from_secs(1_600_000_000),
            path_id: path_ids.map(|ids| ids[usize::from(peer)]),
            attributes,
        };
        let sequence = u32::try_from(sequence).expect("three");
        mrt::rib(NOW, sequence, net(prefix), &[entry(0), entry(1)], &mut out);
    }
    out
}

#[test]
fn rfc6396_4_3_a_table_of_both_families_is_read_as_it_was_written() {
    let common = "[65001 4200000001]";
    let mut expected = Vec::new();
    for (prefix, hop) in [
        ("203.0.113.0/24", "10.0.0.9"),
        ("0.0.0.0/0", "10.0.0.9"),
        ("2001:db8:1::/48", "2001:db8::9"),
    ] {
        for peer in ["10.0.0.2", "2001:db8::2"] {
            expected.push(format!(
                "{peer} 4200000000 {prefix} {common} {hop} 50 200 65001:7"
            ));
        }
    }
    assert_eq!(read(dump(None)), expected);
}

#[test]
fn rfc8050_4_a_table_with_path_identifiers_is_read_as_it_was_written() {
    let bytes = dump(Some([7, 4_000_000_000]));
    assert_eq!(
        read(bytes.clone()),
        read(dump(None)),
        "the same but for identifiers"
    );
    let mut tables = 0;
    for record in records(bytes) {
        if let MrtMessage::TableDumpV2Message(TableDumpV2Message::RibAfi(rib)) = record.message {
            let ids: Vec<Option<u32>> = rib.rib_entries.iter().map(|entry| entry.path_id).collect();
            assert_eq!(ids, [Some(7), Some(4_000_000_000)]);
            tables += 1;
        }
    }
    assert_eq!(tables, 3);
}

fn ends() -> Ends {
    Ends {
        remote_as: Asn(4_200_000_000),
        local_as: Asn(65_000),
        remote: "10.0.0.2".parse().expect("an address"),
        local: "10.0.0.1".parse().expect("an address"),
    }
}

/// One announcement as a whole message.
fn update() -> Vec<u8> {
    let mut bytes = Vec::new();
    bgp::wire::update::write_announcements(
        &block("10.0.0.9"),
        [net("203.0.113.0/24").v4().expect("IPv4")],
        &mut bytes,
    );
    bytes
}

#[test]
fn rfc6396_4_4_messages_in_and_out_have_their_subtypes_and_both_ends() {
    for (four_octet_as, add_path, ours, kind) in [
        (false, false, false, Bgp4MpType::Message),
        (true, false, false, Bgp4MpType::MessageAs4),
        (false, false, true, Bgp4MpType::MessageLocal),
        (true, false, true, Bgp4MpType::MessageAs4Local),
        (false, true, false, Bgp4MpType::MessageAddpath),
        (true, true, false, Bgp4MpType::MessageAs4Addpath),
        (false, true, true, Bgp4MpType::MessageLocalAddpath),
        (true, true, true, Bgp4MpType::MessageLocalAs4Addpath),
    ] {
        let mut out = Vec::new();
        let keepalive: Vec<u8> = [&[0xff; 16][..], &[0, 19, 4]].concat();
        let encoding = mrt::Encoding {
            four_octet_as,
            add_path,
        };
        mrt::message(NOW, ends(), encoding, ours, &keepalive, &mut out);
        let records = records(out);
        let [record] = &records[..] else {
            panic!("one record, not {records:?}");
        };
        let MrtMessage::Bgp4Mp(Bgp4MpEnum::Message(message)) = &record.message else {
            panic!("a message, not {:?}", record.message);
        };
        assert_eq!(message.msg_type, kind);
        let asn = if four_octet_as { 4_200_000_000 } else { 23_456 };
        assert_eq!(
            (message.peer_asn.to_u32(), message.local_asn.to_u32()),
            (asn, 65_000)
        );
        assert_eq!(
            (message.peer_ip, message.local_ip),
            (ends().remote, ends().local)
        );
    }
}

#[test]
fn rfc6396_3_messages_have_microseconds() {
    let mut out = Vec::new();
    let encoding = mrt::Encoding {
        four_octet_as: true,
        add_path: false,
    };
    mrt::message(NOW, ends(), encoding, false, &update(), &mut out);
    let header = records(out.clone())[0].common_header;
    assert_eq!(
        (header.timestamp, header.microsecond_timestamp),
        (1_700_000_000, Some(123_456))
    );
    assert_eq!(
        read(out),
        ["10.0.0.2 4200000000 203.0.113.0/24 [65001 4200000001] 10.0.0.9 50 200 65001:7"]
    );
}

#[test]
fn rfc6396_4_4_4_changes_of_state_are_read_as_they_were_written() {
    let mut out = Vec::new();
    mrt::state_change(
        NOW,
        ends(),
        mrt::State::OpenConfirm,
        mrt::State::Established,
        &mut out,
    );
    let records = records(out);
    let MrtMessage::Bgp4Mp(Bgp4MpEnum::StateChange(change)) = &records[0].message else {
        panic!("a change of state, not {:?}", records[0].message);
    };
    assert_eq!(change.msg_type, Bgp4MpType::StateChangeAs4);
    assert_eq!(
        (change.old_state, change.new_state),
        (BgpState::OpenConfirm, BgpState::Established)
    );
    assert_eq!(change.peer_asn.to_u32(), 4_200_000_000);
}
