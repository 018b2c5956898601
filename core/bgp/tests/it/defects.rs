//! Defects that were found once, so that they stay away.

use bgp::wire::capability::Family;
use bgp::wire::open::Open;
use bgp::wire::{header, update};
use bgp::*;
use inet::{Asn, Instant};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::net;

fn ip(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, n)
}
fn nb(n: u8, asn: u32) -> Neighbor {
    let mut x = Neighbor::new(format!("n{n}"), ip(1), ip(n), Asn(asn));
    x.connect = ConnectMode::Passive;
    x
}
fn open(n: u8, asn: u32) -> Vec<u8> {
    Open {
        my_as: asn as u16,
        hold_time_s: 90,
        router_id: ip(n),
        capabilities: vec![
            Capability::Multiprotocol(Family::IPV4_UNICAST),
            Capability::FourOctetAs(Asn(asn)),
            Capability::RouteRefresh,
        ],
    }
    .encode()
}
fn speaker(neighbors: Vec<Neighbor>) -> Speaker {
    let mut s = Settings::new(Asn(65000), ip(1));
    s.neighbors = neighbors;
    let mut sp = Speaker::new(s, 1, Instant::ZERO);
    sp.handle(Instant::ZERO, Input::Wake, &mut vec![]);
    sp
}
fn establish(sp: &mut Speaker, n: u8, asn: u32, now: Instant) -> ConnId {
    let conn = ConnId::accepted(u64::from(n));
    let mut out = vec![];
    sp.handle(
        now,
        Input::Accepted {
            conn,
            local: SocketAddr::from((ip(1), 179)),
            remote: SocketAddr::from((ip(n), 4000)),
        },
        &mut out,
    );
    sp.handle(
        now,
        Input::Bytes {
            conn,
            bytes: &open(n, asn),
        },
        &mut out,
    );
    sp.handle(
        now,
        Input::Bytes {
            conn,
            bytes: &header::keepalive(),
        },
        &mut out,
    );
    assert!(
        out.iter()
            .any(|o| matches!(o, Output::Event(Event::Established { .. }))),
        "{out:?}"
    );
    conn
}
fn announce(path: &[u32], nh: u8, prefixes: &[&str]) -> Vec<u8> {
    let mut a = Attributes::new(ip(nh));
    a.as_path = AsPath::sequence(path.iter().map(|n| Asn(*n)));
    let mut out = vec![];
    update::write_announcements(
        &a.encode(true),
        prefixes.iter().map(|p| p.parse().expect("a prefix")),
        &mut out,
    );
    out
}
fn lax(mut n: Neighbor) -> Neighbor {
    n.import = Some(Policy::accept_all());
    n.export = Some(Policy::accept_all());
    n
}

#[test]
fn notification_closes_once() {
    let mut sp = speaker(vec![lax(nb(2, 65001))]);
    let conn = establish(&mut sp, 2, 65001, Instant::ZERO);
    let mut out = vec![];
    sp.handle(
        Instant::ZERO,
        Input::Bytes {
            conn,
            bytes: &Notification::cease(2).encode(),
        },
        &mut out,
    );
    assert_eq!(
        out.iter()
            .filter(|o| matches!(o, Output::Close { .. }))
            .count(),
        1,
        "{out:?}"
    );
}
#[test]
fn wake_is_later_than_now_after_every_handle() {
    let mut sp = speaker(vec![lax(nb(2, 65001))]);
    let now = Instant::from_secs(5);
    let mut x = nb(3, 65002);
    x.connect = ConnectMode::Both;
    sp.handle(
        now,
        Input::Command(Command::AddNeighbor(Box::new(x))),
        &mut vec![],
    );
    assert!(sp.wake().is_none_or(|at| at > now), "{:?}", sp.wake());
}
#[test]
fn wake_is_later_than_now_when_bytes_come_late() {
    let mut sp = speaker(vec![lax(nb(2, 65001)), lax(nb(3, 65002))]);
    establish(&mut sp, 2, 65001, Instant::ZERO);
    let conn = establish(&mut sp, 3, 65002, Instant::ZERO);
    let now = Instant::from_secs(40);
    sp.handle(
        now,
        Input::Bytes {
            conn,
            bytes: &header::keepalive(),
        },
        &mut vec![],
    );
    assert!(sp.wake().is_none_or(|at| at > now), "{:?}", sp.wake());
}
#[test]
fn a_new_class_is_seen_by_export_policies() {
    let t = Term {
        when: vec![Match::FromGroup(Group(7))],
        then: vec![],
        verdict: Verdict::Accept,
    };
    let mut to = lax(nb(3, 65002));
    to.export = Policy::new(vec![t], Verdict::Reject);
    let from = lax(nb(2, 65001));
    let mut sp = speaker(vec![from.clone(), to]);
    let conn = establish(&mut sp, 2, 65001, Instant::ZERO);
    establish(&mut sp, 3, 65002, Instant::ZERO);
    sp.handle(
        Instant::ZERO,
        Input::Bytes {
            conn,
            bytes: &announce(&[65001], 2, &["192.0.2.0/24"]),
        },
        &mut vec![],
    );
    assert_eq!(sp.adj_out(NeighborId(1)).len(), 0);
    let mut changed = from;
    changed.group = Group(7);
    sp.handle(
        Instant::ZERO,
        Input::Command(Command::SetNeighbor(NeighborId(0), Box::new(changed))),
        &mut vec![],
    );
    assert_eq!(sp.adj_out(NeighborId(1)).len(), 1, "told by the new class");
}
#[test]
fn own_routes_go_before_learned_ones_whatever_their_local_pref() {
    let mut sp = speaker(vec![nb(2, 65000)]);
    let conn = establish(&mut sp, 2, 65000, Instant::ZERO);
    let p: inet::Prefix = "192.0.2.0/24".parse().unwrap();
    sp.handle(
        Instant::ZERO,
        Input::Command(Command::Originate(p.into(), Origination::default())),
        &mut vec![],
    );
    let mut a = Attributes::new(ip(2));
    a.local_pref = Some(200);
    let mut u = vec![];
    update::write_announcements(&a.encode(true), [p], &mut u);
    sp.handle(Instant::ZERO, Input::Bytes { conn, bytes: &u }, &mut vec![]);
    assert_eq!(
        sp.multipath(p)[0].neighbor,
        None,
        "deliberate, as routers' weight has it"
    );
}
#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "it measures real time"
)]
#[test]
fn regroup_is_not_quadratic() {
    let n = 80_000u32;
    let to = lax(nb(3, 65002));
    let mut sp = speaker(vec![lax(nb(2, 65001)), to.clone()]);
    let conn = establish(&mut sp, 2, 65001, Instant::ZERO);
    let mut a = Attributes::new(ip(2));
    a.as_path = AsPath::sequence([Asn(65001)]);
    let mut u = vec![];
    update::write_announcements(
        &a.encode(true),
        (0..n).map(|i| {
            inet::Prefix::around(Ipv4Addr::from_bits(0x1400_0000 + (i << 8)), 24).unwrap()
        }),
        &mut u,
    );
    sp.handle(Instant::ZERO, Input::Bytes { conn, bytes: &u }, &mut vec![]);
    establish(&mut sp, 3, 65002, Instant::ZERO);
    assert_eq!(sp.adj_out(NeighborId(1)).len(), n as usize);
    let mut c = to;
    c.export = Policy::new(
        vec![Term {
            when: vec![],
            then: vec![Action::Med(1)],
            verdict: Verdict::Accept,
        }],
        Verdict::Reject,
    );
    let t = std::time::Instant::now();
    sp.handle(
        Instant::ZERO,
        Input::Command(Command::SetNeighbor(NeighborId(1), Box::new(c))),
        &mut vec![],
    );
    let e = t.elapsed();
    assert!(e < Duration::from_secs(1), "{e:?}");
}
#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "it measures real time"
)]
#[test]
fn many_paths_of_one_prefix_are_not_quadratic_each() {
    let n = 2_000u32;
    let mut s = Settings::new(Asn(65000), ip(1));
    for i in 0..n {
        let mut x = Neighbor::new("x", ip(1), Ipv4Addr::from_bits(0x0b00_0000 + i), Asn(65001));
        x.connect = ConnectMode::Passive;
        x.import = Some(Policy::accept_all());
        s.neighbors.push(x);
    }
    let mut sp = Speaker::new(s, 1, Instant::ZERO);
    sp.handle(Instant::ZERO, Input::Wake, &mut vec![]);
    let t = std::time::Instant::now();
    for i in 0..n {
        let conn = ConnId::accepted(u64::from(i));
        let mut out = vec![];
        sp.handle(
            Instant::ZERO,
            Input::Accepted {
                conn,
                local: SocketAddr::from((ip(1), 179)),
                remote: SocketAddr::from((Ipv4Addr::from_bits(0x0b00_0000 + i), 4000)),
            },
            &mut out,
        );
        let mut o = open(2, 65001);
        o[24..28].copy_from_slice(&(0x0b00_0000 + i).to_be_bytes());
        sp.handle(Instant::ZERO, Input::Bytes { conn, bytes: &o }, &mut out);
        sp.handle(
            Instant::ZERO,
            Input::Bytes {
                conn,
                bytes: &header::keepalive(),
            },
            &mut out,
        );
        sp.handle(
            Instant::ZERO,
            Input::Bytes {
                conn,
                bytes: &announce(&[65001], 2, &["192.0.2.0/24"]),
            },
            &mut out,
        );
    }
    assert!(t.elapsed() < Duration::from_secs(3), "{:?}", t.elapsed());
}
#[expect(clippy::disallowed_methods, reason = "a loop must fail, not hang")]
#[test]
fn zero_retry_does_not_loop() {
    let (tx, rx) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut x = nb(2, 65001);
        x.connect = ConnectMode::Both;
        x.connect_retry = Duration::ZERO;
        x.idle_hold = Duration::ZERO;
        let mut s = Settings::new(Asn(65000), ip(1));
        s.neighbors.push(x);
        let mut sp = Speaker::new(s, 1, Instant::ZERO);
        let mut out = vec![];
        let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            sp.handle(Instant::ZERO, Input::Wake, &mut out)
        }));
        let _ = tx.send(r.is_ok());
    });
    assert_eq!(rx.recv_timeout(Duration::from_secs(5)), Ok(true));
}

#[test]
fn a_member_that_moves_while_it_catches_up_withdraws_nothing_and_hears_the_end_of_rib() {
    let behind = |n| {
        let mut neighbor = lax(nb(n, 65001));
        neighbor.graceful_restart = Some(GracefulRestart::HELPER);
        neighbor
    };
    let mut sp = speaker(vec![behind(2), behind(3)]);
    let now = Instant::ZERO;
    let give = |sp: &mut Speaker, input: Input<'_>| {
        let mut out = vec![];
        sp.handle(now, input, &mut out);
        out
    };
    let gone: inet::Net = "2001:db8::/48".parse().expect("a network");
    let first = u32::from(Ipv4Addr::new(20, 0, 0, 0));
    for n in 0..6_000 {
        // The number of a prefix that went stands between those of others, further than a slice.
        if n == 5_000 {
            give(
                &mut sp,
                Input::Command(Command::Originate(gone, Origination::default())),
            );
        }
        let net = format!("{}/32", Ipv4Addr::from_bits(first + n));
        let net = net.parse().expect("a network");
        give(
            &mut sp,
            Input::Command(Command::Originate(net, Origination::default())),
        );
    }
    give(&mut sp, Input::Command(Command::Withdraw(gone)));
    establish(&mut sp, 2, 65001, now);
    while sp.wake() == Some(now) {
        give(&mut sp, Input::Wake);
    }
    let conn = establish(&mut sp, 3, 65001, now);
    let drain = Command::GracefulShutdown {
        neighbor: Some(NeighborId(1)),
        on: true,
    };
    let mut out = give(&mut sp, Input::Command(drain));
    while sp.wake() == Some(now) {
        out.extend(give(&mut sp, Input::Wake));
    }
    let (mut ends, mut announcing) = (0, 0);
    for output in out {
        let Output::Send { conn: to, bytes } = output else {
            continue;
        };
        let mut left = &bytes[..];
        while to == conn && left.len() >= header::LEN {
            let (message, rest) = left.split_at(usize::from(left[16]) << 8 | usize::from(left[17]));
            left = rest;
            assert_eq!(message[18], 2, "an UPDATE");
            assert_eq!(message[19..21], [0, 0], "it withdraws nothing");
            if message.len() == 23 {
                ends += 1
            } else {
                announcing += 1
            }
        }
    }
    assert_eq!(ends, 1, "End-of-RIB");
    assert!(announcing > 0);
    assert_eq!(sp.adj_out(NeighborId(1)).len(), 6_000);
}

#[test]
fn rfc2918_a_flood_of_requests_has_one_answer_and_none_while_the_neighbour_takes_no_bytes() {
    let mut sp = speaker(vec![lax(nb(2, 65001))]);
    let now = Instant::ZERO;
    let conn = establish(&mut sp, 2, 65001, now);
    let mut give = |input: Input<'_>| {
        let mut out = vec![];
        sp.handle(now, input, &mut out);
        out.retain(|output| matches!(output, Output::Send { .. }));
        out.len()
    };
    let net = "192.0.2.0/24".parse().expect("a network");
    let route = Command::Originate(net, Origination::default());
    assert_eq!(give(Input::Command(route)), 1);
    let flood = header::message(header::Kind::RouteRefresh, &[0, 1, 0, 1]).repeat(1_000);
    let bytes = &flood[..];
    assert_eq!(give(Input::Bytes { conn, bytes }), 1);
    give(Input::Blocked { conn });
    assert_eq!(give(Input::Bytes { conn, bytes }), 0);
    assert_eq!(give(Input::Writable { conn }), 1);
    assert_eq!(give(Input::Wake), 0);
}

/// `bgpsim` found it: a path that had lost was thought to matter to no other.
#[test]
fn rfc4271_9_1_2_2_c_a_path_keeps_others_out_by_its_med_only_while_it_stands() {
    const P: &str = "192.0.2.0/24";
    let to = net::prefix(P).into();
    let route = |med, behind: &[u32]| {
        let origination = Origination {
            med: Some(med),
            as_path: behind.iter().copied().map(Asn).collect(),
            ..Origination::default()
        };
        Command::Originate(to, origination)
    };
    for change in [Command::Withdraw(to), route(2, &[]), route(0, &[64_900])] {
        let links = [(0, 1), (0, 2), (0, 3)];
        let mut net = net::Net::of(&[65_000, 65_101, 65_102, 65_101], &links, |_, _| {});
        net.run(Duration::from_secs(5));
        for (at, med) in [(1, 1), (2, 0), (3, 0)] {
            net.command(at, route(med, &[]));
        }
        net.run(Duration::from_secs(5));
        assert_eq!(net.path(0, P).next_hop, net::ip(2), "1 loses to 3, 3 to 2");
        net.command(3, change);
        net.run(Duration::from_secs(5));
        assert_eq!(net.path(0, P).next_hop, net::ip(1));
    }
}
