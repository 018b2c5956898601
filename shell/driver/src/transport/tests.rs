//! What a speaker may rely on, over real sockets on the loopback interface.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::time::Duration;

use bgp::{ConnId, Input, NeighborId, Output};

use super::{Guard, Transport};

const CONN: ConnId = ConnId(7);
/// A busy kernel that met a closed window asks again ever more seldom.
const PATIENCE: Duration = Duration::from_secs(60);

fn on_a_loop(test: impl Future<Output = ()>) {
    let test = async { tokio::time::timeout(PATIENCE, test).await };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a loop").block_on(test).expect("in time");
}

fn connect(transport: &mut Transport, remote: SocketAddrV4) {
    connect_as(transport, CONN, remote);
}

fn connect_as(transport: &mut Transport, conn: ConnId, remote: SocketAddrV4) {
    transport.apply(Output::Connect {
        conn,
        neighbor: NeighborId(0),
        local: Ipv4Addr::LOCALHOST.into(),
        remote: remote.into(),
        ttl: 64,
        options: bgp::TcpOptions::default(),
    });
}

fn listener() -> (TcpListener, SocketAddrV4) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let SocketAddr::V4(address) = listener.local_addr().expect("an address") else {
        panic!("IPv4 was asked for")
    };
    (listener, address)
}

/// The next input for the speaker, in words.
async fn next(transport: &mut Transport) -> String {
    let event = transport.next().await;
    let mut said = String::new();
    transport.deliver(event, |input| {
        said = match input {
            Input::Connected { .. } => "connected".to_owned(),
            Input::ConnectFailed { .. } => "failed".to_owned(),
            Input::Bytes { bytes, .. } => format!("{} bytes", bytes.len()),
            Input::Closed { .. } => "closed".to_owned(),
            Input::Blocked { .. } => "blocked".to_owned(),
            Input::Writable { .. } => "writable".to_owned(),
            other => format!("{other:?}"),
        }
    });
    said
}

#[test]
fn a_refused_connection_is_told_once() {
    on_a_loop(async {
        let (listener, address) = listener();
        drop(listener);
        let mut transport = Transport::new().expect("a poller");
        connect(&mut transport, address);
        assert_eq!(next(&mut transport).await, "failed");
        assert!(transport.try_next().is_none());
    });
}

#[test]
fn what_was_sent_before_a_close_still_arrives() {
    on_a_loop(async {
        let (listener, address) = listener();
        let mut transport = Transport::new().expect("a poller");
        connect(&mut transport, address);
        assert_eq!(next(&mut transport).await, "connected");
        transport.apply(Output::Send {
            conn: CONN,
            bytes: [1; 100].into(),
        });
        transport.apply(Output::Close { conn: CONN });
        let reader = tokio::task::spawn_blocking(move || {
            let (mut stream, _) = listener.accept().expect("accepts");
            let mut all = Vec::new();
            stream.read_to_end(&mut all).expect("reads");
            all.len()
        });
        assert_eq!(reader.await.expect("ends"), 100);
        transport.finish(PATIENCE).await;
    });
}

#[test]
fn a_closed_connection_is_void_for_the_speaker() {
    on_a_loop(async {
        let (listener, address) = listener();
        let mut transport = Transport::new().expect("a poller");
        connect(&mut transport, address);
        assert_eq!(next(&mut transport).await, "connected");
        let (mut stream, _) = listener.accept().expect("accepts");
        stream.write_all(b"late").expect("writes");
        transport.apply(Output::Close { conn: CONN });
        drop(stream);
        tokio::time::sleep(Duration::from_millis(50)).await;
        while let Some(event) = transport.try_next() {
            transport.deliver(event, |input| panic!("nothing was expected: {input:?}"));
        }
    });
}

#[test]
fn a_neighbour_that_does_not_read_blocks_the_speaker_until_it_does() {
    on_a_loop(async {
        let (listener, address) = listener();
        let mut transport = Transport::new().expect("a poller");
        connect(&mut transport, address);
        assert_eq!(next(&mut transport).await, "connected");
        let (mut stream, _) = listener.accept().expect("accepts");
        let piece: std::sync::Arc<[u8]> = vec![0; 1 << 20].into();
        for _ in 0..32 {
            transport.apply(Output::Send {
                conn: CONN,
                bytes: piece.clone(),
            });
        }
        assert_eq!(next(&mut transport).await, "blocked");
        let reader = tokio::task::spawn_blocking(move || {
            let mut rest = vec![0; 32 << 20];
            stream.read_exact(&mut rest).expect("reads");
            stream
        });
        assert_eq!(next(&mut transport).await, "writable");
        drop(reader.await.expect("ends"));
        assert_eq!(next(&mut transport).await, "closed");
    });
}

#[test]
fn a_neighbour_that_does_not_read_delays_no_other() {
    on_a_loop(async {
        let (listener, address) = listener();
        let mut transport = Transport::new().expect("a poller");
        connect(&mut transport, address);
        assert_eq!(next(&mut transport).await, "connected");
        let slow = listener.accept().expect("accepts");
        connect_as(&mut transport, ConnId(8), address);
        assert_eq!(next(&mut transport).await, "connected");
        let (mut quick, _) = listener.accept().expect("accepts");
        transport.apply(Output::Send {
            conn: CONN,
            bytes: vec![0; 32 << 20].into(),
        });
        transport.apply(Output::Send {
            conn: ConnId(8),
            bytes: (*b"route").into(),
        });
        assert_eq!(next(&mut transport).await, "blocked");
        assert!(transport.try_next().is_none(), "the round ends");
        let mut route = [0; 5];
        quick.read_exact(&mut route).expect("reads");
        assert_eq!(&route, b"route");
        drop(slow);
    });
}

#[test]
fn a_round_takes_no_more_from_one_neighbour_than_its_share() {
    on_a_loop(async {
        let (listener, address) = listener();
        let mut transport = Transport::new().expect("a poller");
        let mut streams = Vec::new();
        for conn in [ConnId(1), ConnId(2)] {
            connect_as(&mut transport, conn, address);
            assert_eq!(next(&mut transport).await, "connected");
            streams.push(listener.accept().expect("accepts").0);
        }
        for stream in &mut streams {
            stream
                .write_all(&[1; 3 * super::READ])
                .expect("fits the kernel's buffers");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        transport.begin_round();
        let mut round = Vec::new();
        while let Some(event) = transport.try_next() {
            transport.deliver(event, |input| match input {
                Input::Bytes { conn, bytes } => round.push((conn, bytes.len())),
                other => panic!("nothing else was expected: {other:?}"),
            });
        }
        round.sort_unstable();
        assert_eq!(round, [(ConnId(1), super::READ), (ConnId(2), super::READ)]);
    });
}

#[test]
fn connections_beyond_an_address_share_are_closed_at_once() {
    on_a_loop(async {
        let (probe, address) = listener();
        drop(probe);
        let mut transport = Transport::new().expect("a poller");
        transport.listen(&[address.into()]).expect("listens");
        let calls: Vec<_> = (0..40)
            .map(|_| std::net::TcpStream::connect(address).expect("connects"))
            .collect();
        let mut accepted = 0;
        for _ in 0..40 {
            transport.begin_round();
            while let Some(event) = transport.try_next() {
                transport.deliver(event, |input| match input {
                    Input::Accepted { .. } => accepted += 1,
                    other => panic!("nothing else was expected: {other:?}"),
                });
            }
        }
        assert_eq!(accepted, 16);
        let mut last = calls.last().expect("many were made");
        assert_eq!(last.read(&mut [0]).ok(), Some(0), "closed without a word");
    });
}

#[test]
fn a_neighbour_that_says_why_and_resets_is_heard_to_the_end() {
    on_a_loop(async {
        let (listener, address) = listener();
        let mut transport = Transport::new().expect("a poller");
        connect(&mut transport, address);
        assert_eq!(next(&mut transport).await, "connected");
        let (mut stream, _) = listener.accept().expect("accepts");
        stream.write_all(b"notification").expect("writes");
        drop(stream);
        tokio::time::sleep(Duration::from_millis(20)).await;
        for _ in 0..2 {
            transport.apply(Output::Send {
                conn: CONN,
                bytes: vec![0; 200_000].into(),
            });
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(next(&mut transport).await, "12 bytes");
        assert_eq!(next(&mut transport).await, "closed");
    });
}

#[test]
fn rfc9687_a_neighbour_that_takes_nothing_is_told_of_however_little_waits() {
    on_a_loop(async {
        let (listener, address) = listener();
        let mut transport = Transport::new().expect("a poller");
        connect(&mut transport, address);
        assert_eq!(next(&mut transport).await, "connected");
        let (mut stream, _) = listener.accept().expect("accepts");
        // More than the kernel takes, and less than makes the speaker pause.
        let mut sent = 0;
        let piece: std::sync::Arc<[u8]> = vec![0; 64 << 10].into();
        while transport.connections[&CONN].waiting() == 0 {
            transport.apply(Output::Send {
                conn: CONN,
                bytes: piece.clone(),
            });
            sent += piece.len();
            assert!(transport.try_next().is_none());
        }
        assert_eq!(next(&mut transport).await, "blocked");
        let reader = tokio::task::spawn_blocking(move || {
            let mut all = vec![0; sent];
            stream.read_exact(&mut all).expect("reads");
            stream
        });
        assert_eq!(next(&mut transport).await, "writable");
        drop(reader.await.expect("ends"));
    });
}

/// The guards of two neighbours with these keys; an empty one is none.
fn guards(keys: [&[u8]; 2]) -> Vec<Guard> {
    let text = "router: 1\nname: r\nasn: 65000\nrouter_id: 192.0.2.1\nlisten: [\"127.0.0.1:179\"]\nneighbors:
  a: {address: 127.0.0.7, asn: 65001}
  b: {address: 127.0.0.8, asn: 65002}\n";
    let (config, reports) = design::read_router("router.yaml", text);
    let mut config = config.unwrap_or_else(|| panic!("{}", reports.render(false)));
    for (neighbor, key) in config.settings.neighbors.iter_mut().zip(keys) {
        let key = (!key.is_empty()).then(|| bgp::Secret::new(key.to_vec()));
        neighbor.auth = key.map(bgp::Auth::Md5);
    }
    Guard::all(&config.settings)
}

#[test]
fn guards_of_which_one_is_refused_leave_all_as_it_was() {
    on_a_loop(async {
        let (free, address) = listener();
        drop(free);
        let mut transport = Transport::new().expect("a poller");
        let keys = guards([b"hush", b""]);
        transport.guard(keys).expect("the kernel knows MD5");
        transport.listen(&[address.into()]).expect("a free port");
        let too_long = guards([b"", &[1; 81]]);
        transport.guard(too_long).expect_err("a key has 80 octets");
        let mut caller = Transport::new().expect("a poller");
        caller.apply(Output::Connect {
            conn: CONN,
            neighbor: NeighborId(0),
            local: Ipv4Addr::new(127, 0, 0, 7).into(),
            remote: address.into(),
            ttl: 64,
            options: bgp::TcpOptions::default(),
        });
        let soon = Duration::from_millis(500);
        let met = tokio::time::timeout(soon, next(&mut caller)).await;
        assert!(met.is_err(), "an unsigned call was taken: {met:?}");
    });
}
