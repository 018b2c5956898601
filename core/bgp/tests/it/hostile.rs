//! Bytes of anybody into a whole session: no panic, bounded state, and nothing left afterwards.

use std::net::SocketAddr;

use bgp::wire::capability::Family;
use bgp::wire::header::{self, Kind};
use bgp::wire::open::Open;
use bgp::wire::{refresh, update};
use bgp::{
    AsPath, Attributes, Capability, Command, ConnId, ConnectMode, Input, NeighborId, Notification,
    Origination, Output, Settings, Speaker,
};
use inet::{Asn, Instant};
use proptest::prelude::*;

use crate::net::{ip, neighbor, prefix};

const CONN: ConnId = ConnId::accepted(1);

fn speaker() -> Speaker {
    let mut settings = Settings::new(Asn(65_000), ip(0));
    for at in 1..3 {
        let mut neighbor = neighbor(0, at, 65_001);
        neighbor.connect = ConnectMode::Passive;
        settings.neighbors.push(neighbor);
    }
    Speaker::new(settings, 1, Instant::ZERO)
}

fn give(speaker: &mut Speaker, input: Input<'_>) -> Vec<Output> {
    let mut out = Vec::new();
    speaker.handle(Instant::ZERO, input, &mut out);
    out
}

fn accepted(speaker: &mut Speaker, conn: ConnId, at: usize) {
    let (local, remote) = (
        SocketAddr::from((ip(0), 179)),
        SocketAddr::from((ip(at), 40_000)),
    );
    give(
        speaker,
        Input::Accepted {
            conn,
            local,
            remote,
        },
    );
}

fn opening(at: usize, four_octet: bool) -> Vec<u8> {
    let mut capabilities = vec![Capability::Multiprotocol(Family::IPV4_UNICAST)];
    if four_octet {
        capabilities.push(Capability::FourOctetAs(Asn(65_001)));
    }
    let open = Open {
        my_as: 65_001,
        hold_time_s: 90,
        router_id: ip(at),
        capabilities,
    };
    let mut bytes = open.encode();
    bytes.extend_from_slice(&header::keepalive());
    bytes
}

fn announcement(asns: &[u32]) -> Vec<u8> {
    let mut attributes = Attributes::new(ip(1));
    attributes.as_path = AsPath::sequence(asns.iter().copied().map(Asn));
    attributes.med = Some(5);
    attributes.communities = vec![7];
    let prefixes = ["192.0.2.0/24", "198.51.100.0/24", "10.0.0.0/8"].map(prefix);
    let mut bytes = Vec::new();
    update::write_announcements(&attributes.encode(true), prefixes, &mut bytes);
    bytes
}

/// Feeds bytes and then closes: whatever they were, nothing stays.
fn survives(opened: bool, pieces: &[&[u8]]) {
    let mut speaker = speaker();
    accepted(&mut speaker, CONN, 1);
    if opened {
        give(
            &mut speaker,
            Input::Bytes {
                conn: CONN,
                bytes: &opening(1, true),
            },
        );
        assert!(speaker.is_established(NeighborId(0)));
        let other = ConnId::accepted(2);
        accepted(&mut speaker, other, 2);
        give(
            &mut speaker,
            Input::Bytes {
                conn: other,
                bytes: &opening(2, true),
            },
        );
    }
    for bytes in pieces {
        give(&mut speaker, Input::Bytes { conn: CONN, bytes });
        assert!(speaker.wake().is_none_or(|wake| wake > Instant::ZERO));
    }
    let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
    assert!(speaker.adj_in(NeighborId(0)).len() <= bytes);
    assert!(speaker.adj_out(NeighborId(1)).len() <= bytes);
    give(&mut speaker, Input::Closed { conn: CONN });
    assert!(speaker.loc_rib().is_empty());
    assert!(speaker.adj_out(NeighborId(1)).is_empty());
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_survived(
        opened: bool,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        survives(opened, &[&bytes]);
    }

    #[test]
    fn arbitrary_bodies_are_survived(
        kind in prop::sample::select(vec![Kind::Open, Kind::Update, Kind::Notification, Kind::RouteRefresh]),
        opened: bool,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        survives(opened, &[&header::message(kind, &body)]);
    }

    #[test]
    fn mutated_announcements_are_survived_however_they_are_cut(
        changes in prop::collection::vec((19_usize..400, any::<u8>()), 0..5),
        cut in 0_usize..400,
    ) {
        let mut bytes = announcement(&[65_001, 7, 8]);
        bytes.extend(announcement(&[65_001, 70_000]));
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let (head, tail) = bytes.split_at(cut % bytes.len());
        survives(true, &[head, tail]);
    }
}

/// What the far side and the operator see of a stream that comes in pieces.
fn seen(pieces: &[&[u8]]) -> (Vec<Output>, Vec<bgp::ReceivedRoute>) {
    let mut speaker = speaker();
    accepted(&mut speaker, CONN, 1);
    let bytes = &opening(1, true);
    give(&mut speaker, Input::Bytes { conn: CONN, bytes });
    let mut outputs = Vec::new();
    for bytes in pieces {
        outputs.extend(give(&mut speaker, Input::Bytes { conn: CONN, bytes }));
    }
    // How routes are packed and when changes are told depends on what came together.
    outputs.retain(|output| match output {
        Output::Send { conn, bytes } => *conn == CONN && bytes[18] != Kind::Update.number(),
        Output::Changed { .. } => false,
        _ => true,
    });
    let told = outputs.iter().filter(|output| match output {
        Output::Send { bytes, .. } => bytes[18] == Kind::Notification.number(),
        _ => false,
    });
    assert!(told.count() <= 1, "one NOTIFICATION at the most");
    (outputs, speaker.adj_in(NeighborId(0)))
}

proptest! {
    #[test]
    fn a_stream_means_the_same_however_it_is_cut(
        changes in prop::collection::vec((0_usize..1_000, any::<u8>()), 0..4),
        mut cuts in prop::collection::vec(0_usize..1_000, 0..12),
    ) {
        let mut bytes = announcement(&[65_001, 7, 8]);
        bytes.extend(refresh::encode(Family::IPV4_UNICAST, refresh::Subtype::Request));
        bytes.extend(announcement(&[65_001, 70_000]));
        bytes.extend(header::keepalive());
        bytes.extend(Notification::shutdown("that is all").encode());
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        cuts.iter_mut().for_each(|cut| *cut %= bytes.len());
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        let whole = seen(&[&bytes]);
        prop_assert_eq!(&seen(&pieces), &whole);
        prop_assert_eq!(&seen(&single), &whole);
    }
}

#[test]
fn a_block_that_is_too_long_for_a_two_octet_neighbour_withdraws_the_older_route() {
    let mut speaker = speaker();
    accepted(&mut speaker, CONN, 1);
    give(
        &mut speaker,
        Input::Bytes {
            conn: CONN,
            bytes: &opening(1, false),
        },
    );
    assert!(speaker.is_established(NeighborId(0)));
    let mut originate = |path: usize| {
        let origination = Origination {
            as_path: vec![Asn(70_000); path],
            ..Origination::default()
        };
        let command = Command::Originate(prefix("192.0.2.0/24").into(), origination);
        let out = give(&mut speaker, Input::Command(command));
        out.into_iter().find_map(|output| match output {
            Output::Send { bytes, .. } => Some(bytes),
            _ => None,
        })
    };
    assert!(originate(1).is_some_and(|bytes| bytes.len() > 40));
    let mut withdrawal = Vec::new();
    update::write_withdrawals([prefix("192.0.2.0/24")], &mut withdrawal);
    let told = originate(900).expect("the neighbour is told something");
    assert_eq!(*told, *withdrawal);
}
