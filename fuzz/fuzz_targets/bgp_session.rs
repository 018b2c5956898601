#![no_main]
//! Bytes of anybody into a whole session: the next wake-up is always ahead, and nothing is left
//! of the neighbour when the connection closes.

use core::net::{Ipv4Addr, SocketAddr};

use bgp::wire::capability::Family;
use bgp::wire::header;
use bgp::wire::open::Open;
use bgp::{Capability, ConnId, ConnectMode, Input, Neighbor, NeighborId, Policy, Settings, Speaker};
use inet::{Asn, Instant};
use libfuzzer_sys::fuzz_target;

// An even first octet: the session is established before the rest comes.
fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let (ours, theirs) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    let mut neighbor = Neighbor::new("fuzz", ours, theirs, Asn(65_001));
    neighbor.connect = ConnectMode::Passive;
    neighbor.import = Some(Policy::accept_all());
    neighbor.export = Some(Policy::accept_all());
    let mut settings = Settings::new(Asn(65_000), ours);
    settings.neighbors.push(neighbor);
    let mut speaker = Speaker::new(settings, 1, Instant::ZERO);
    let conn = ConnId::accepted(1);
    let mut out = Vec::new();
    let mut give = |speaker: &mut Speaker, input: Input<'_>| {
        out.clear();
        speaker.handle(Instant::ZERO, input, &mut out);
        assert!(speaker.wake().is_none_or(|wake| wake > Instant::ZERO));
    };
    give(
        &mut speaker,
        Input::Accepted {
            conn,
            local: SocketAddr::from((ours, 179)),
            remote: SocketAddr::new(theirs, 40_000),
        },
    );
    if kind & 1 == 0 {
        let open = Open {
            my_as: 65_001,
            hold_time_s: 90,
            router_id: theirs,
            capabilities: vec![
                Capability::Multiprotocol(Family::IPV4_UNICAST),
                Capability::FourOctetAs(Asn(65_001)),
                Capability::RouteRefresh,
            ],
        };
        give(
            &mut speaker,
            Input::Bytes {
                conn,
                bytes: &open.encode(),
            },
        );
        give(
            &mut speaker,
            Input::Bytes {
                conn,
                bytes: &header::keepalive(),
            },
        );
        assert!(speaker.is_established(NeighborId(0)));
    }
    for piece in bytes.chunks(97) {
        give(&mut speaker, Input::Bytes { conn, bytes: piece });
    }
    assert!(speaker.adj_in(NeighborId(0)).len() <= bytes.len());
    give(&mut speaker, Input::Closed { conn });
    assert!(speaker.loc_rib().is_empty());
});
