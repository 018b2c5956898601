//! What a router does when neighbours die, flood, do not read or load its processor, and when its
//! operator changes its file.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::daemon::{Entry, ROUTER, Router};
use crate::peer::{NOTIFICATION, Peer, announcements, listener};

const ROUTE: [u8; 3] = [203, 0, 113];
const OTHER: [u8; 3] = [198, 51, 100];

const fn address(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, n)
}

const fn entry(n: u8, port: u16, more: &'static str) -> Entry {
    Entry {
        name: ["p0", "p1", "p2", "p3", "p4"][n as usize],
        address: address(n),
        port,
        asn: 65000 + n as u16,
        more,
    }
}

/// Listeners of the neighbours 1 to `count`, and their entries in the router's file.
fn neighbors(count: u8, port: u16) -> (Vec<TcpListener>, Vec<Entry>) {
    (1..=count)
        .map(|n| (listener(address(n), port), entry(n, port, "")))
        .unzip()
}

/// Neighbours that the router has called and that have a session, in the order of the listeners.
fn established(listeners: &[TcpListener], hold_time: u16) -> Vec<Peer> {
    let called = listeners.iter().zip(65001..);
    called
        .map(|(listener, asn)| {
            let mut peer = Peer::called(listener, asn);
            peer.establish(hold_time);
            peer
        })
        .collect()
}

#[test]
fn a_route_passes_and_goes_when_its_neighbour_is_killed() {
    let (listeners, entries) = neighbors(2, 10_011);
    let _router = Router::start("killed", 10_010, &entries);
    let mut peers = established(&listeners, 90);
    let mut monitor = peers.pop().expect("two");
    let mut sender = peers.pop().expect("two");
    sender.announce(&[ROUTE]);
    monitor.hear(ROUTE, true);
    // What the kernel does for a process that is killed.
    drop(sender);
    let took = monitor.hear(ROUTE, false);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_flood_of_half_open_connections_keeps_no_neighbour_out() {
    let (listeners, entries) = neighbors(2, 10_021);
    let mut router = Router::start("flood", 10_020, &entries);
    let mut sender = Peer::called(&listeners[0], 65001);
    sender.establish(90);
    // From the address of a neighbour, which the router has to take seriously.
    let flood: Vec<TcpStream> = (0..400)
        .filter_map(|n| {
            let from = if n % 2 == 0 { address(2) } else { address(100) };
            let to = (ROUTER, 10_020).into();
            let stream = linux_connect(from, to)?;
            Some(stream)
        })
        .collect();
    assert!(flood.len() > 300, "the router's listener stays open");
    let started = Instant::now();
    sender.announce(&[ROUTE]);
    let mut monitor = Peer::called(&listeners[1], 65002);
    monitor.establish(90);
    monitor.hear(ROUTE, true);
    assert!(started.elapsed() < Duration::from_secs(5));
    router.eventually("both sessions", |router| {
        router.state("p1") == "established" && router.state("p2") == "established"
    });
    drop(flood);
}

fn linux_connect(from: Ipv4Addr, to: std::net::SocketAddr) -> Option<TcpStream> {
    use nix::sys::socket::{
        AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrStorage, bind, connect, socket,
    };
    use std::os::fd::AsRawFd as _;
    let socket = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    );
    let socket = socket.ok()?;
    let from = SockaddrIn::from(std::net::SocketAddrV4::new(from, 0));
    bind(socket.as_raw_fd(), &from).ok()?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(to)).ok()?;
    Some(TcpStream::from(socket))
}

/// `count` prefixes from 16.0.0.0 upwards.
fn many(count: u32) -> Vec<[u8; 3]> {
    (0..count)
        .map(|n| {
            let [_, a, b, c] = (n + (16 << 16)).to_be_bytes();
            [a, b, c]
        })
        .collect()
}

#[test]
fn a_neighbour_that_does_not_read_delays_nobody_and_is_dropped_with_a_reason() {
    let (listeners, mut entries) = neighbors(3, 10_031);
    entries[2].more = "    send_hold_time: 8s\n";
    let mut router = Router::start("slow", 10_030, &entries);
    let mut peers = established(&listeners, 90);
    let slow = peers.pop().expect("three");
    let mut monitor = peers.pop().expect("three");
    let mut sender = peers.pop().expect("three");
    // Changed again and again, so that it does not all fit the kernel's buffers.
    let turns = (1..=16).flat_map(|turn| announcements(&[65001, turn], &many(300_000)));
    let table: Vec<u8> = turns.collect();
    let last = announcements(&[65001], &[OTHER]);
    let writer = std::thread::spawn(move || {
        use std::io::Write as _;
        sender.stream.write_all(&table).expect("the router reads");
        sender.stream.write_all(&last).expect("the router reads");
        sender
    });
    let took = monitor.hear(OTHER, true);
    assert!(took < Duration::from_secs(15), "{took:?}");
    let mut sender = writer.join().expect("writes");
    sender.announce(&[ROUTE]);
    assert!(monitor.hear(ROUTE, true) < Duration::from_secs(1));
    router.eventually("the slow one is dropped", |router| {
        router.state("p3") != "established"
    });
    assert!(router.log().contains("code: 8"), "{}", router.log());
    assert!(router.peak_memory() < 300 << 20, "{}", router.peak_memory());
    drop(slow);
}

#[test]
fn the_load_of_a_table_lets_no_session_of_three_seconds_drop() {
    let (listeners, entries) = neighbors(4, 10_041);
    let mut router = Router::start("load", 10_040, &entries);
    let mut peers = established(&listeners, 3);
    let keepers: Vec<_> = peers
        .split_off(1)
        .into_iter()
        .map(|mut peer| {
            let mut reader = peer.stream.try_clone().expect("a socket");
            let reader =
                std::thread::spawn(move || drop(std::io::copy(&mut reader, &mut std::io::sink())));
            let beat = std::thread::spawn(move || {
                let start = Instant::now();
                while start.elapsed() < Duration::from_secs(8) {
                    peer.say(crate::peer::KEEPALIVE, &[]);
                    std::thread::sleep(Duration::from_secs(1));
                }
                peer
            });
            (reader, beat)
        })
        .collect();
    let mut sender = peers.pop().expect("four");
    let table = announcements(&[65001], &many(500_000));
    let mut reader = sender.stream.try_clone().expect("a socket");
    let rest = std::thread::spawn(move || drop(std::io::copy(&mut reader, &mut std::io::sink())));
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(7) {
        use std::io::Write as _;
        sender.stream.write_all(&table).expect("the router reads");
    }
    for name in ["p1", "p2", "p3", "p4"] {
        assert_eq!(router.state(name), "established", "{}", router.log());
    }
    assert!(!router.log().contains("Ended"), "{}", router.log());
    router.signal("TERM");
    assert!(router.ended().success());
    for (reader, beat) in keepers {
        reader.join().expect("reads");
        drop(beat.join());
    }
    rest.join().expect("reads");
}

#[test]
fn a_file_with_errors_changes_nothing_and_an_unchanged_session_stays() {
    let (listeners, entries) = neighbors(3, 10_051);
    let mut router = Router::start("reload", 10_050, &entries[..2]);
    let mut peers = established(&listeners[..2], 90);
    router.reload_text("router: 1\nname: 7\nasn: none\n");
    router.eventually("a refusal", |router| router.log().contains("refused"));
    assert!(router.log().contains("asn"), "{}", router.log());
    peers[0].announce(&[ROUTE]);
    peers[1].hear(ROUTE, true);
    // The second neighbour goes, a third comes; the first one does not notice.
    let [first, _, third] = <[Entry; 3]>::try_from(entries).ok().expect("three");
    router.reload(&[first, third]);
    let mut third = Peer::called(&listeners[2], 65003);
    third.establish(90);
    third.hear(ROUTE, true);
    let mut second = peers.pop().expect("two");
    let farewell = std::iter::from_fn(|| second.try_next()).last();
    assert_eq!(
        farewell,
        Some((NOTIFICATION, vec![6, 3])),
        "peer de-configured"
    );
    peers[0].announce(&[OTHER]);
    third.hear(OTHER, true);
}

#[test]
fn a_router_that_is_stopped_says_so() {
    let (listeners, entries) = neighbors(1, 10_061);
    let mut router = Router::start("stopped", 10_060, &entries);
    let mut peers = established(&listeners, 90);
    router.signal("TERM");
    let farewell = std::iter::from_fn(|| peers[0].try_next()).last();
    let (kind, body) = farewell.expect("a last message");
    assert_eq!((kind, &body[..2]), (NOTIFICATION, &[6, 2][..]));
    assert!(router.ended().success());
}
