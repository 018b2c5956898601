//! BMP messages.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bgpkit_parser::Elementor;
use bgpkit_parser::models::BgpMessage;
use bgpkit_parser::parser::bmp::messages::{
    BmpMessage, BmpMessageBody, BmpPeerType, PeerDownReason, PeerFlags, PerPeerFlags, StatType,
    StatsData,
};
use bgpkit_parser::parser::parse_bmp_msg;
use inet::Asn;
use observe::bmp::{self, Down, Family, Peer, Statistic, Table, Termination};

use crate::routes::{block, net};

const NOW: Duration = Duration::new(1_700_000_000, 250_000_000);

fn peer(table: Table, address: &str) -> Peer {
    Peer {
        table,
        address: address.parse().expect("an address"),
        asn: Asn(4_200_000_000),
        router_id: Ipv4Addr::new(10, 0, 0, 2),
        two_octet_as: false,
    }
}

fn read(write: impl FnOnce(&mut Vec<u8>)) -> BmpMessage {
    let mut out = Vec::new();
    write(&mut out);
    let len = out.len();
    let message = parse_bmp_msg(&mut out.into()).expect("a BMP message");
    assert_eq!(
        (
            message.common_header.version,
            message.common_header.msg_len as usize
        ),
        (3, len)
    );
    message
}

fn open(asn: u16) -> Vec<u8> {
    let open = bgp::wire::open::Open {
        my_as: asn,
        hold_time_s: 90,
        router_id: Ipv4Addr::new(10, 0, 0, 2),
        capabilities: vec![bgp::Capability::RouteRefresh],
    };
    open.encode()
}

/// A route monitoring message as lines: sign, prefix, AS_PATH, next hop.
fn routes(message: BmpMessage) -> Vec<String> {
    let (header, body) = (message.per_peer_header, message.message_body);
    let BmpMessageBody::RouteMonitoring(monitoring) = body else {
        panic!("route monitoring, not {body:?}");
    };
    let BgpMessage::Update(update) = monitoring.bgp_message else {
        panic!("an UPDATE");
    };
    let header = header.expect("a peer");
    let elems =
        Elementor::bgp_update_to_elems(update, header.timestamp, &header.peer_ip, &header.peer_asn);
    let line = |elem: bgpkit_parser::BgpElem| {
        let sign = if elem.elem_type.is_announce() {
            '+'
        } else {
            '-'
        };
        let path = elem
            .as_path
            .map(|path| path.to_string())
            .unwrap_or_default();
        let next_hop = elem.next_hop.map(|hop| hop.to_string()).unwrap_or_default();
        format!("{sign}{} [{path}] {next_hop}", elem.prefix.prefix)
    };
    elems.into_iter().map(line).collect()
}

#[test]
fn rfc7854_4_3_the_first_message_says_who_speaks() {
    let message = read(|out| bmp::initiation("edge1", "Longhaul 0.1.0", out));
    let BmpMessageBody::InitiationMessage(initiation) = message.message_body else {
        panic!("an initiation");
    };
    let said: Vec<&str> = initiation
        .tlvs
        .iter()
        .map(|tlv| tlv.info.as_str())
        .collect();
    assert_eq!(said, ["Longhaul 0.1.0", "edge1"]);
}

#[test]
fn rfc7854_4_2_the_header_names_table_and_neighbour() {
    let v6 = PeerFlags::ADDRESS_FAMILY_IPV6;
    let post = PeerFlags::IS_POST_POLICY;
    let out_flag = PeerFlags::IS_ADJ_RIB_OUT;
    for (table, address, expected) in [
        (Table::In, "10.0.0.2", PeerFlags::empty()),
        (Table::In, "2001:db8::2", v6),
        (Table::InPolicy, "10.0.0.2", post),
        (Table::OutPolicy, "2001:db8::2", v6 | post | out_flag),
    ] {
        let peer = peer(table, address);
        let message = read(|out| bmp::end_of_table(NOW, &peer, Family::Ipv4, out));
        let header = message.per_peer_header.expect("a peer");
        assert_eq!(header.peer_flags, PerPeerFlags::PeerFlags(expected));
        assert_eq!(
            (header.peer_type, header.peer_ip),
            (BmpPeerType::Global, peer.address)
        );
        assert_eq!(
            (header.peer_asn.to_u32(), header.peer_bgp_id),
            (4_200_000_000, peer.router_id)
        );
        assert!((header.timestamp - 1_700_000_000.25).abs() < 1e-5);
    }
    let two = Peer {
        two_octet_as: true,
        ..peer(Table::In, "10.0.0.2")
    };
    let message = read(|out| bmp::end_of_table(NOW, &two, Family::Ipv4, out));
    let flags = message.per_peer_header.expect("a peer").peer_flags;
    assert_eq!(flags, PerPeerFlags::PeerFlags(PeerFlags::AS_SIZE_16BIT));
}

#[test]
fn rfc9069_4_the_loc_rib_is_a_peer_of_its_own_kind() {
    let loc = peer(Table::Loc, "0.0.0.0");
    let message = read(|out| {
        bmp::route(
            NOW,
            &loc,
            net("203.0.113.0/24"),
            Some(&block("10.0.0.9")),
            out,
        )
    });
    assert_eq!(
        message.per_peer_header.expect("a peer").peer_type,
        BmpPeerType::LocalRib
    );
}

#[test]
fn rfc7854_4_10_peer_up_carries_both_opens() {
    let peer = peer(Table::In, "10.0.0.2");
    let local: IpAddr = "10.0.0.1".parse().expect("an address");
    let (sent, received) = (open(65_000), open(23_456));
    let message =
        read(|out| bmp::peer_up(NOW, &peer, local, (179, 40_000), (&sent, &received), out));
    let BmpMessageBody::PeerUpNotification(up) = message.message_body else {
        panic!("a peer up");
    };
    assert_eq!(
        (up.local_addr, up.local_port, up.remote_port),
        (local, 179, 40_000)
    );
    let asn = |message: &BgpMessage| match message {
        BgpMessage::Open(open) => open.asn.to_u32(),
        other => panic!("an OPEN, not {other:?}"),
    };
    assert_eq!(
        (asn(&up.sent_open), asn(&up.received_open)),
        (65_000, 23_456)
    );
}

#[test]
fn rfc7854_4_9_peer_down_says_why() {
    let peer = peer(Table::In, "10.0.0.2");
    let notification: Vec<u8> = [&[0xff; 16][..], &[0, 21, 3, 6, 10]].concat();
    for (why, reason, data) in [
        (
            Down::Sent(&notification),
            PeerDownReason::LocalSystemClosedNotificationPduFollows,
            Some(21),
        ),
        (
            Down::Silent(18),
            PeerDownReason::LocalSystemClosedFsmEvenFollows,
            Some(2),
        ),
        (
            Down::Received(&notification),
            PeerDownReason::RemoteSystemClosedNotificationPduFollows,
            Some(21),
        ),
        (
            Down::Closed,
            PeerDownReason::RemoteSystemsClosedNoData,
            None,
        ),
        (Down::Deconfigured, PeerDownReason::PeerDeConfigured, None),
    ] {
        let message = read(|out| bmp::peer_down(NOW, &peer, why, out));
        let BmpMessageBody::PeerDownNotification(down) = message.message_body else {
            panic!("a peer down");
        };
        assert_eq!(
            (down.reason, down.data.map(|data| data.len())),
            (reason, data)
        );
    }
}

#[test]
fn rfc7854_4_6_routes_of_both_families_come_and_go() {
    let peer = peer(Table::InPolicy, "10.0.0.2");
    for (prefix, hop) in [
        ("203.0.113.0/24", "10.0.0.9"),
        ("203.0.113.0/24", "2001:db8::9"),
        ("2001:db8:1::/48", "2001:db8::9"),
    ] {
        let block = block(hop);
        let message = read(|out| bmp::route(NOW, &peer, net(prefix), Some(&block), out));
        assert_eq!(
            routes(message),
            [format!("+{prefix} [65001 4200000001] {hop}")]
        );
    }
    for prefix in ["203.0.113.0/24", "2001:db8:1::/48"] {
        let message = read(|out| bmp::route(NOW, &peer, net(prefix), None, out));
        assert_eq!(routes(message), [format!("-{prefix} [] ")]);
    }
}

#[test]
fn rfc7854_4_6_the_end_of_a_table_is_an_end_of_rib() {
    let peer = peer(Table::In, "10.0.0.2");
    for family in [Family::Ipv4, Family::Ipv6] {
        let message = read(|out| bmp::end_of_table(NOW, &peer, family, out));
        let BmpMessageBody::RouteMonitoring(monitoring) = message.message_body else {
            panic!("route monitoring");
        };
        assert!(monitoring.is_end_of_rib(), "{family:?}");
    }
}

#[test]
fn rfc7854_4_8_statistics_have_their_types_and_widths() {
    let peer = peer(Table::In, "10.0.0.2");
    let numbers = [
        Statistic::Rejected(1),
        Statistic::AdjRibIn(2),
        Statistic::LocRib(3),
        Statistic::TreatedAsWithdraw(4),
        Statistic::AdjRibOut(5),
    ];
    let message = read(|out| bmp::statistics(NOW, &peer, &numbers, out));
    let BmpMessageBody::StatsReport(report) = message.message_body else {
        panic!("statistics");
    };
    let kinds: Vec<StatType> = report
        .counters
        .iter()
        .map(|counter| counter.stat_type)
        .collect();
    let expected = [
        StatType::PrefixesRejectedByInboundPolicy,
        StatType::RoutesInAdjRibsIn,
        StatType::RoutesInLocRib,
        StatType::UpdatesSubjectedToTreatAsWithdraw,
        StatType::RoutesInPostPolicyAdjRibOut,
    ];
    assert_eq!(kinds, expected);
    let value = |data: &StatsData| match data {
        StatsData::Counter(count) => u64::from(*count),
        StatsData::Gauge(count) => *count,
        StatsData::AfiSafiGauge(..) | StatsData::Unknown(_) => panic!("not ours: {data:?}"),
    };
    let values: Vec<u64> = report
        .counters
        .iter()
        .map(|counter| value(&counter.stat_data))
        .collect();
    assert_eq!(values, [1, 2, 3, 4, 5]);
}

#[test]
fn rfc7854_4_5_the_last_message_says_why() {
    let message = read(|out| bmp::termination(Termination::OutOfResources, out));
    let BmpMessageBody::TerminationMessage(termination) = message.message_body else {
        panic!("a termination");
    };
    assert_eq!(termination.tlvs.len(), 1);
}
