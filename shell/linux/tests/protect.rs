//! The kernel lets through what bears the key and has come no further than allowed, and nothing else.
//! Fails without the right to make network namespaces.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use linux::epoll::Poller;
use linux::protect::{AoKey, Peers, add_ao_key, set_least_ttl, set_md5_key};
use linux::{NetNamespace, Netlink, socket};

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
const PORT: u16 = 179;
/// Long enough for a connection over the loopback, and short of a second attempt of TCP.
const SOON: Duration = Duration::from_millis(500);

/// A namespace of its own with a loopback interface.
fn alone() -> NetNamespace {
    let namespace = NetNamespace::create().expect("a namespace");
    let up = namespace.run(|| {
        let mut netlink = Netlink::open()?;
        let loopback = netlink.interface("lo")?;
        netlink.set_up(loopback, None)
    });
    up.expect("the loopback comes up");
    namespace
}

/// Whether a connection from `client` stands soon; `lock` prepares the listener, `prepare` the
/// caller.
fn meets(
    server: IpAddr,
    client: IpAddr,
    ttl: u8,
    lock: impl FnOnce(&TcpListener) -> io::Result<()> + Send,
    prepare: impl FnOnce(&std::os::fd::OwnedFd) -> io::Result<()> + Send,
) -> Option<(TcpStream, TcpStream)> {
    let to = SocketAddr::new(server, PORT);
    let (listener, stream) = alone()
        .run(|| {
            let listener = socket::tcp_listen(to)?;
            lock(&listener)?;
            let stream = socket::tcp_connect_with(client, to, ttl, prepare)?;
            Ok((listener, stream))
        })
        .expect("begins");
    let theirs = is_readable(&listener).then(|| listener.accept().expect("accepts").0)?;
    theirs.set_nonblocking(true).expect("a socket");
    Some((stream, theirs))
}

fn is_readable(descriptor: &impl AsFd) -> bool {
    let poller = Poller::new().expect("a poller");
    poller.add_readable(descriptor, 7).expect("can be polled");
    let mut ready = Vec::new();
    poller.wait(Some(SOON), &mut ready).expect("waits");
    !ready.is_empty()
}

fn md5_meets(listener: &'static [u8], peers: Peers, caller: &'static [u8]) -> bool {
    let lock = move |socket: &TcpListener| set_md5_key(socket, peers, listener);
    let prepare =
        move |socket: &std::os::fd::OwnedFd| set_md5_key(socket, Peers::one(SERVER), caller);
    meets(SERVER, CLIENT, 64, lock, prepare).is_some()
}

#[test]
fn rfc2385_connections_stand_with_the_same_key_only() {
    let client = Peers::one(CLIENT);
    assert!(md5_meets(b"hush", client, b"hush"));
    assert!(!md5_meets(b"hush", client, b"wrong"));
    assert!(!md5_meets(b"hush", client, b""), "an unsigned call");
    assert!(
        !md5_meets(b"", client, b"hush"),
        "a signed call without need"
    );
}

#[test]
fn rfc2385_a_key_can_hold_for_all_addresses_of_a_prefix() {
    let around = Peers {
        address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
        len: 24,
    };
    assert!(md5_meets(b"hush", around, b"hush"));
    assert!(!md5_meets(b"hush", around, b"wrong"));
    let elsewhere = Peers {
        address: IpAddr::V4(Ipv4Addr::new(127, 0, 1, 0)),
        len: 24,
    };
    assert!(!md5_meets(b"hush", elsewhere, b"hush"));
}

#[test]
fn rfc2385_holds_for_ipv6_and_ends_when_the_key_is_taken_away() {
    let six = Peers::one(SIX);
    let signed = meets(
        SIX,
        SIX,
        64,
        |listener| set_md5_key(listener, six, b"hush"),
        |caller| set_md5_key(caller, six, b"hush"),
    );
    assert!(signed.is_some());
    let taken_away = meets(
        SIX,
        SIX,
        64,
        |listener| {
            set_md5_key(listener, six, b"hush")?;
            set_md5_key(listener, six, b"")
        },
        |_| Ok(()),
    );
    assert!(taken_away.is_some());
}

#[test]
fn a_key_that_is_too_long_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let refused = set_md5_key(&listener, Peers::one(CLIENT), &[1; 81]);
    assert_eq!(
        refused.expect_err("refused").kind(),
        ErrorKind::InvalidInput
    );
}

#[test]
fn rfc5082_segments_that_have_come_too_far_are_dropped() {
    for (address, is_ipv6) in [(SERVER, false), (SIX, true)] {
        for (ttl, arrives) in [(255, true), (254, false), (64, false)] {
            let met = meets(address, address, ttl, |_| Ok(()), |_| Ok(()));
            let (mut ours, mut theirs) = met.expect("the call itself is not limited");
            set_least_ttl(&theirs, is_ipv6, 255).expect("a limit");
            ours.write_all(b"hello").expect("writes");
            assert_eq!(is_readable(&theirs), arrives, "{address} {ttl}");
            if arrives {
                assert_eq!(theirs.read(&mut [0; 8]).expect("reads"), 5);
            }
        }
    }
}

#[test]
fn rfc5082_a_caller_that_insists_on_neighbours_can_reach_a_listener() {
    for (address, is_ipv6) in [(SERVER, false), (SIX, true)] {
        let strict = |caller: &std::os::fd::OwnedFd| set_least_ttl(caller, is_ipv6, 255);
        assert!(meets(address, address, 255, |_| Ok(()), strict).is_some());
    }
}

/// The kernel may be built without TCP-AO; then it has to be said, and nothing may pass unprotected.
#[test]
fn rfc5925_connections_stand_with_the_same_key_or_the_kernel_lacks_it() {
    const fn key(send_id: u8, receive_id: u8, key: &'static [u8]) -> AoKey<'static> {
        AoKey {
            algorithm: "hmac(sha1)",
            send_id,
            receive_id,
            key,
        }
    }
    let probe = TcpListener::bind("127.0.0.1:0").expect("listens");
    if let Err(error) = add_ao_key(&probe, Peers::one(CLIENT), &key(1, 2, b"hush")) {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("TCP-AO"), "{error}");
        return;
    }
    for (caller, stands) in [(&b"hush"[..], true), (b"wrong", false)] {
        let met = meets(
            SERVER,
            CLIENT,
            64,
            |listener| add_ao_key(listener, Peers::one(CLIENT), &key(1, 2, b"hush")),
            |socket| add_ao_key(socket, Peers::one(SERVER), &key(2, 1, caller)),
        );
        assert_eq!(met.is_some(), stands);
    }
}
