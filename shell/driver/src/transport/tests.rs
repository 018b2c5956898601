//! What a speaker may rely on, over real sockets on the loopback interface.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::time::Duration;

use bgp::{ConnId, Input, NeighborId, Output};

use super::Transport;

const CONN: ConnId = ConnId(7);
const PATIENCE: Duration = Duration::from_secs(10);

fn on_a_loop(test: impl Future<Output = ()>) {
    let test = async { tokio::time::timeout(PATIENCE, test).await };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a loop").block_on(test).expect("in time");
}

fn connect(transport: &mut Transport, remote: SocketAddrV4) {
    transport.apply(Output::Connect {
        conn: CONN,
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
