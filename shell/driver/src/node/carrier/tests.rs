//! Connections on this machine's loopback interface, with real TLS.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::node::mailbox::{self, ShardInbox};

const PATIENCE: Duration = Duration::from_secs(20);
const CALLED: Connection = Connection::Called(7);
const LOOPBACK: &str = "lo";

/// A switchboard at work.
struct Side {
    carrier: Carrier,
    lines: Lines,
    inbox: ShardInbox,
    /// Where it listens.
    at: SocketAddrV4,
    _task: JoinHandle<()>,
}

fn side(proxy: Option<Proxy>) -> Side {
    let listener = linux::stream::listen_on(LOOPBACK, 0).expect("a listener");
    let port = listener.local_addr().expect("a port").port();
    let exit = Exit {
        interface: LOOPBACK.to_owned(),
        proxy,
    };
    let (shard, inbox) = mailbox::shard().expect("a mailbox");
    let (commands, wanted) = mpsc::unbounded_channel();
    let (tell, happened) = mpsc::channel(HAPPENED_MAX);
    let lines = Lines::default();
    let exits = BTreeMap::from([(LocatorId(0), exit)]);
    let tls = tls::Configs::new().expect("a certificate");
    let switchboard = Switchboard::new(exits, tls, lines.clone(), vec![shard], tell);
    let listener = TcpListener::from_std(listener).expect("a listener");
    let task = tokio::spawn(switchboard.run(vec![(LocatorId(0), listener)], wanted));
    Side {
        carrier: Carrier { commands, happened },
        lines,
        inbox,
        at: SocketAddrV4::new([127, 0, 0, 1].into(), port),
        _task: task,
    }
}

impl Side {
    async fn next(&mut self) -> Happened {
        let happened = timeout(PATIENCE, self.carrier.happened.recv()).await;
        happened.expect("in time").expect("it runs")
    }

    fn call(&self, to: SocketAddrV4) {
        self.carrier.ask(Command::Connect {
            connection: CALLED,
            locator: LocatorId(0),
            to,
        });
    }

    /// Waits for something for the forwarding thread.
    async fn handed(&self) -> node::Handed {
        let look = async {
            loop {
                if let Ok(handed) = self.inbox.handed.try_recv() {
                    return handed;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, look).await.expect("in time")
    }
}

/// A proxy for one connection: what it was asked, then octets both ways.
async fn proxy(listener: TcpListener, password: &str) -> String {
    let (mut near, _) = listener.accept().await.expect("a caller");
    let mut asked = vec![0; 1024];
    let len = near.read(&mut asked).await.expect("a question");
    let asked = String::from_utf8_lossy(&asked[..len]).into_owned();
    if !asked.contains(password) {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
        near.write_all(refusal).await.expect("an answer");
        return asked;
    }
    let to = asked.split(' ').nth(1).expect("CONNECT and where to");
    let mut far = TcpStream::connect(to).await.expect("the other end");
    let answer = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n";
    near.write_all(answer).await.expect("an answer");
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
    asked
}

async fn listening() -> (TcpListener, SocketAddrV4) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    match listener.local_addr().expect("an address") {
        SocketAddr::V4(at) => (listener, at),
        SocketAddr::V6(at) => panic!("{at}"),
    }
}

#[tokio::test]
async fn datagrams_go_both_ways_in_frames_within_tls() {
    let mut hub = side(None);
    let tls = tls::Configs::new().expect("a certificate").client;
    let stream = TcpStream::connect(hub.at).await.expect("a connection");
    let name = std::net::IpAddr::from(*hub.at.ip()).into();
    let mut stream = tls.connect(name, stream).await.expect("TLS");
    let (_, session) = stream.get_ref();
    assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    let Happened::Opened(connection @ Connection::Accepted(_), _) = hub.next().await else {
        panic!("not opened");
    };
    // Two datagrams of three octets, and one of one.
    assert!(hub.lines.send(connection, b"abcdefg", 3));
    let mut read = [0; 13];
    stream.read_exact(&mut read).await.expect("frames");
    assert_eq!(read, *b"\0\x03abc\0\x03def\0\x01g");
    stream
        .write_all(b"\0\x02hi\0\x02yo\0\0\0\x03")
        .await
        .expect("room");
    stream.flush().await.expect("room");
    let both = format!("{:?}", hub.handed().await);
    assert!(
        both.contains("segment: 2") && both.contains("len: 4"),
        "{both:.200}"
    );
    stream.write_all(b"one").await.expect("room");
    stream.flush().await.expect("room");
    let late = format!("{:?}", hub.handed().await);
    assert!(late.contains("segment: 3"), "{late:.200}");
    drop(stream);
    assert_eq!(hub.next().await, Happened::Closed(connection));
    assert!(!hub.lines.send(connection, b"abc", 3));
}

#[tokio::test]
async fn a_connection_goes_through_a_proxy_that_wants_a_password() {
    let (listener, at) = listening().await;
    // `user:secret`
    let asked = tokio::spawn(proxy(listener, "Basic dXNlcjpzZWNyZXQ="));
    let credentials = Some(("user".to_owned(), "secret".to_owned()));
    let mut site = side(Some(Proxy::new(at, credentials)));
    let mut hub = side(None);
    site.call(hub.at);
    assert_eq!(site.next().await, Happened::Opened(CALLED, hub.at));
    let Happened::Opened(connection, _) = hub.next().await else {
        panic!("not opened");
    };
    assert!(site.lines.send(CALLED, b"there", 5));
    hub.handed().await;
    assert!(hub.lines.send(connection, b"back", 4));
    site.handed().await;
    let asked = asked.await.expect("a question");
    assert!(
        asked.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", hub.at)),
        "{asked}"
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_and_a_port_where_nobody_listens_are_told() {
    let (listener, at) = listening().await;
    let refused = tokio::spawn(proxy(listener, "a password that is not sent"));
    let mut site = side(Some(Proxy::new(at, None)));
    site.call(site.at);
    assert_eq!(site.next().await, Happened::Closed(CALLED));
    assert!(!refused.await.expect("a question").contains("Authorization"));
    // The proxy is gone now.
    site.call(site.at);
    assert_eq!(site.next().await, Happened::Closed(CALLED));
}

#[tokio::test]
async fn a_name_that_is_used_again_stands_for_the_last_connection_only() {
    let (mut site, mut hub) = (side(None), side(None));
    site.call(hub.at);
    site.call(hub.at);
    assert_eq!(site.next().await, Happened::Opened(CALLED, hub.at));
    site.carrier.ask(Command::Disconnect(CALLED));
    site.call(hub.at);
    assert_eq!(site.next().await, Happened::Opened(CALLED, hub.at));
    assert!(site.carrier.happened.try_recv().is_err());
    let mut standing = 0;
    while standing != 1 || !hub.carrier.happened.is_empty() {
        match hub.next().await {
            Happened::Opened(..) => standing += 1,
            Happened::Closed(_) => standing -= 1,
        }
    }
}

#[tokio::test]
async fn what_an_end_does_not_take_in_time_is_dropped_and_the_rest_arrives() {
    let (mut site, mut hub) = (side(None), side(None));
    site.call(hub.at);
    site.next().await;
    hub.next().await;
    let batch = vec![1; 60_000];
    let sent = (0..1_000).filter(|_| site.lines.send(CALLED, &batch, 1_000));
    assert!(sent.count() < 200, "no more than has room is kept");
    // What waited for longer than makes sense.
    thread::sleep(Duration::from_millis(150));
    assert!(!site.lines.send(CALLED, b"full", 4));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(site.lines.send(CALLED, b"fresh", 5));
    let first = format!("{:?}", hub.handed().await);
    assert!(first.contains("segment: 5"), "{first:.200}");
}
