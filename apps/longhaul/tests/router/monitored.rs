//! What a router's MRT files and BMP stations get, read by `bgpdump` and by the test.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::daemon::{Entry, Router};
use crate::peer::{NEXT_HOP, PATIENCE, Peer, listener};

const ROUTE: [u8; 3] = [203, 0, 113];
const NEIGHBOR: Ipv4Addr = Ipv4Addr::new(127, 0, 9, 1);

const fn entry(port: u16) -> Entry {
    Entry {
        name: "p1",
        address: NEIGHBOR,
        port,
        asn: 65001,
        more: "",
    }
}

/// What `bgpdump` reads in the files of a kind, one line each without the time.
fn dumped(folder: &Path, kind: &str) -> Vec<String> {
    let files = fs::read_dir(folder.join("mrt")).expect("the directory is there");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let whole = |path: &Path| path.extension().is_some_and(|extension| extension == "mrt");
    let named = |path: &Path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(kind))
    };
    let mut lines = Vec::new();
    for path in paths.iter().filter(|path| whole(path) && named(path)) {
        let output = Command::new("/usr/bin/bgpdump")
            .arg("-m")
            .arg(path)
            .output();
        let output = output.expect("bgpdump is installed");
        let text = String::from_utf8(output.stdout).expect("bgpdump writes text");
        for line in text.lines() {
            let fields: Vec<&str> = line.split('|').collect();
            lines.push([&fields[..1], &fields[2..]].concat().join("|"));
        }
    }
    lines
}

#[test]
fn mrt_files_are_read_by_bgpdump_as_the_routes_were() {
    let calls = listener(NEIGHBOR, 10_091);
    let mut router = Router::start_with("mrt", 10_090, &[entry(10_091)], |folder| {
        let directory = folder.join("mrt");
        fs::create_dir_all(&directory).expect("a directory can be made");
        let directory = directory.display();
        format!(
            "mrt: {{directory: \"{directory}\", messages: true, table_every: 1s, rotate_every: 1min}}\n"
        )
    });
    let mut peer = Peer::called(&calls, 65001);
    peer.establish(90);
    peer.announce(&[ROUTE]);
    let route = format!("127.0.9.1|65001|203.0.113.0/24|65001|IGP|{NEXT_HOP}|0|0||NAG||");
    router.eventually("the message is in the file", |router| {
        let lines = dumped(router.folder(), "updates.");
        let wanted = ["STATE|127.0.9.1|65001|5|6".to_owned(), format!("A|{route}")];
        wanted
            .iter()
            .all(|end| lines.iter().any(|line| line.ends_with(end)))
    });
    router.eventually("the route is in the table", |router| {
        let lines = dumped(router.folder(), "rib.");
        lines.contains(&format!("TABLE_DUMP2|B|{route}"))
    });
}

/// A BMP message: its type, the table it is about (peer type and flags), and all of it.
fn message(station: &mut TcpStream) -> (u8, [u8; 2], Vec<u8>) {
    let mut header = [0; 6];
    station.read_exact(&mut header).expect("the router speaks");
    assert_eq!(header[0], 3, "BMP version 3");
    let len = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
    let mut body = vec![0; len as usize - 6];
    station.read_exact(&mut body).expect("the router speaks");
    (header[5], [body[0], body[1]], body)
}

/// Reads until a message of this type about this table, which holds these octets.
fn hear(station: &mut TcpStream, kind: u8, table: [u8; 2], part: &[u8]) {
    let start = Instant::now();
    loop {
        assert!(
            start.elapsed() < PATIENCE,
            "no message {kind} about {table:?}"
        );
        let (its, about, body) = message(station);
        let holds = part.is_empty() || body.windows(part.len()).any(|window| window == part);
        if its == kind && about == table && holds {
            return;
        }
    }
}

fn called(station: &TcpListener) -> TcpStream {
    let (stream, _) = station.accept().expect("the router calls");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

#[test]
fn a_bmp_station_hears_everything_and_again_when_it_comes_back() {
    const ROUTE_MONITORING: u8 = 0;
    const STATISTICS: u8 = 1;
    const PEER_DOWN: u8 = 2;
    const PEER_UP: u8 = 3;
    const INITIATION: u8 = 4;
    const BEFORE_POLICY: [u8; 2] = [0, 0];
    const AFTER_POLICY: [u8; 2] = [0, 0x40];
    const LOC_RIB: [u8; 2] = [3, 0];
    let calls = listener(NEIGHBOR, 10_093);
    let station = TcpListener::bind("127.0.9.1:10094").expect("a free port");
    let _router = Router::start_with("bmp", 10_092, &[entry(10_093)], |_| {
        "bmp: [{address: \"127.0.9.1:10094\", statistics_every: 1s}]\n".to_owned()
    });
    let mut stream = called(&station);
    assert_eq!(message(&mut stream).0, INITIATION);
    hear(&mut stream, PEER_UP, LOC_RIB, &[]);
    let mut peer = Peer::called(&calls, 65001);
    peer.establish(90);
    hear(&mut stream, PEER_UP, BEFORE_POLICY, &NEIGHBOR.octets());
    peer.announce(&[ROUTE]);
    // The order of the tables is not promised, so that each is heard on a connection of its own.
    for table in [BEFORE_POLICY, AFTER_POLICY, LOC_RIB] {
        hear(&mut stream, ROUTE_MONITORING, table, &[24, 203, 0, 113]);
        drop(stream);
        stream = called(&station);
        assert_eq!(message(&mut stream).0, INITIATION);
    }
    hear(
        &mut stream,
        STATISTICS,
        LOC_RIB,
        &[0, 8, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1],
    );
    drop(peer);
    hear(&mut stream, PEER_DOWN, BEFORE_POLICY, &[]);
}
