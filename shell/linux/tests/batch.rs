//! Batches of datagrams and super-packets go through the kernel whole. Needs the right to make network namespaces.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use inet::{Prefix, packet};
use linux::batch::{BatchOptions, BatchSocket, Received, SEGMENTS_MAX, steer_by_receiver};
use linux::epoll::Poller;
use linux::{
    Bell, NetNamespace, Netlink, RouteChange, RouteOwner, RouteTo, Tun, TunQueue, VNET_HEADER,
};

const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const OPTIONS: BatchOptions = BatchOptions {
    buffer: 1 << 20,
    shared: false,
    probes_mtu: false,
};
/// Low delay and ECT(0).
const TOS: u8 = 0xb8 | 2;
/// `VIRTIO_NET_HDR_GSO_UDP_L4`.
const UDP_SEGMENTS: u8 = 5;

fn up(name: &str, mtu: Option<u16>) -> io::Result<u32> {
    let mut netlink = Netlink::open()?;
    let interface = netlink.interface(name)?;
    netlink.set_up(interface, mtu)?;
    Ok(interface)
}

/// A namespace of its own with a loopback interface of a usual MTU.
fn alone() -> NetNamespace {
    let namespace = NetNamespace::create().expect("a namespace");
    namespace
        .run(|| up("lo", Some(1500)))
        .expect("the loopback comes up");
    namespace
}

fn open(namespace: &NetNamespace, interface: &str, port: u16) -> BatchSocket {
    namespace
        .run(|| BatchSocket::open(interface, port, OPTIONS))
        .expect("a socket")
}

fn wait_readable(descriptor: impl AsFd) {
    let poller = Poller::new().expect("a poller");
    poller.add_readable(descriptor, 7).expect("can be polled");
    let mut ready = Vec::new();
    poller
        .wait(Some(Duration::from_secs(5)), &mut ready)
        .expect("waits");
    assert_eq!(ready, [7]);
}

/// The next buffers that come, each with what is told about it.
fn receive(socket: &BatchSocket, count: usize) -> Vec<(Received, Vec<u8>)> {
    let mut found = Vec::new();
    while found.len() < count {
        wait_readable(socket);
        let mut buffers = vec![vec![0; 65_536]; 4];
        let mut told = Vec::new();
        let room = buffers.iter_mut().map(Vec::as_mut_slice);
        socket
            .receive(room, |at, received| told.push((at, received)))
            .expect("receives");
        for (at, received) in told {
            found.push((received, buffers[at][..received.len].to_vec()));
        }
    }
    found
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|n| u8::try_from(n % 251).expect("small"))
        .collect()
}

#[test]
fn a_batch_arrives_as_one_with_its_type_of_service() {
    let namespace = alone();
    let (a, b) = (open(&namespace, "lo", 1), open(&namespace, "lo", 2));
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 2);
    let bytes = pattern(44 * 1452 + 100);
    a.send(to, TOS, &bytes, 1452).expect("sends");
    a.send(to, 0, b"alone", 1452).expect("sends");
    let found = receive(&b, 2);
    assert_eq!(found[0].1, bytes);
    let Received {
        segment, tos, from, ..
    } = found[0].0;
    assert_eq!((segment, tos), (1452, TOS));
    assert_eq!(from, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1));
    assert_eq!((found[1].0.segment, found[1].0.tos), (5, 0));
    assert_eq!(found[1].1, b"alone");
    let nothing = b.receive(std::iter::once(&mut [0; 9][..]), |_, _| {});
    assert_eq!(
        nothing.expect_err("nothing waits").kind(),
        ErrorKind::WouldBlock
    );
}

#[test]
fn several_buffers_are_filled_by_one_call() {
    let namespace = alone();
    let (a, b) = (open(&namespace, "lo", 1), open(&namespace, "lo", 2));
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 2);
    for n in 1..=3 {
        a.send(to, 0, &pattern(n), 1452).expect("sends");
    }
    wait_readable(&b);
    let mut buffers = vec![vec![0; 2048]; 8];
    let mut told = Vec::new();
    let room = buffers.iter_mut().map(Vec::as_mut_slice);
    let count = b.receive(room, |at, it| told.push((at, it.len)));
    assert_eq!(count.expect("receives"), 3);
    assert_eq!(told, [(0, 1), (1, 2), (2, 3)]);
}

#[test]
fn datagrams_too_large_for_the_wire_go_in_fragments_or_not_at_all() {
    let namespace = alone();
    let b = open(&namespace, "lo", 2);
    let a = open(&namespace, "lo", 1);
    let probing = BatchOptions {
        probes_mtu: true,
        ..OPTIONS
    };
    let probing = namespace
        .run(|| BatchSocket::open("lo", 3, probing))
        .expect("a socket");
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 2);
    let bytes = pattern(SEGMENTS_MAX * 1000);
    a.send(to, TOS, &bytes, 1600).expect("sends in fragments");
    let pieces = receive(&b, bytes.len().div_ceil(1600));
    assert!(pieces.iter().all(|(told, _)| told.tos == TOS));
    let arrived: Vec<u8> = pieces.into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert_eq!(arrived, bytes);
    let error = probing.send(to, 0, &bytes, 1600).expect_err("too large");
    assert_eq!(error.raw_os_error(), Some(90), "EMSGSIZE: {error}");
    probing.send(to, 0, &bytes, 1400).expect("fits");
}

/// A namespace with a plain TUN device without any offload.
fn with_plain_wire() -> (NetNamespace, Tun) {
    let namespace = NetNamespace::create().expect("a namespace");
    let tun = namespace
        .run(|| {
            let tun = Tun::create("eth0", true)?;
            let eth0 = up("eth0", Some(1500))?;
            Netlink::open()?.add_address(eth0, HERE, 24)?;
            Ok(tun)
        })
        .expect("a host");
    (namespace, tun)
}

#[test]
fn a_wire_without_offloads_gets_whole_packets_with_checksums() {
    let (namespace, tun) = with_plain_wire();
    let socket = open(&namespace, "eth0", 1);
    let bytes = pattern(5 * 1000 + 1);
    socket
        .send(SocketAddrV4::new(THERE, 2), TOS, &bytes, 1000)
        .expect("sends");
    let mut arrived = Vec::new();
    while arrived.len() < bytes.len() {
        wait_readable(&tun);
        let mut buffer = [0; 2000];
        let len = tun.read(&mut buffer).expect("reads");
        // The kernel may say hello in IPv6 first.
        let Ok(sent) = packet::Ipv4::parse(&buffer[..len]) else {
            continue;
        };
        assert_eq!(buffer[1], TOS);
        assert_ne!(buffer[26..28], [0, 0], "a UDP checksum");
        arrived.extend_from_slice(sent.udp_payload().expect("a datagram with a good checksum"));
    }
    assert_eq!(arrived, bytes);
}

#[test]
fn datagrams_reach_the_socket_of_their_lane_and_handshakes_the_first() {
    let namespace = alone();
    let options = BatchOptions {
        shared: true,
        ..OPTIONS
    };
    let sockets: Vec<BatchSocket> = namespace
        .run(|| {
            (0..3)
                .map(|_| BatchSocket::open("lo", 2, options))
                .collect()
        })
        .expect("sockets share the port");
    steer_by_receiver(&sockets[0], sockets.len()).expect("a program");
    let sender = open(&namespace, "lo", 1);
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 2);
    for (message, expected) in [
        ([4, 0, 0, 0, 0xa0, 9, 9, 9], 0),
        ([4, 0, 0, 0, 0xa4, 9, 9, 9], 1),
        ([4, 0, 0, 0, 0xab, 9, 9, 9], 2),
        ([3, 0, 0, 0, 0xa2, 9, 9, 9], 2),
        ([1, 0, 0, 0, 0xa2, 9, 9, 9], 0),
        ([2, 0, 0, 0, 0xa2, 9, 9, 9], 0),
    ] {
        sender.send(to, 0, &message, 8).expect("sends");
        let found = receive(&sockets[expected], 1);
        assert_eq!(found[0].1, message);
    }
}

/// A namespace with an overlay device: 10.0.0.1, and everything else behind it.
fn with_overlay(queues: usize) -> (NetNamespace, Vec<TunQueue>) {
    let namespace = NetNamespace::create().expect("a namespace");
    let overlay = namespace
        .run(|| {
            let overlay = TunQueue::create("lh0", queues)?;
            let interface = up("lh0", Some(1420))?;
            let mut netlink = Netlink::open()?;
            netlink.add_address(interface, HERE, 32)?;
            netlink.set_queue_len(interface, 300)?;
            netlink.set_super_packet(interface, 62_500)?;
            netlink.set_received_super_packet(interface, 60_000)?;
            netlink.change_routes(&[RouteChange {
                prefix: Prefix::DEFAULT,
                owner: RouteOwner::Node,
                metric: 10,
                to: Some(vec![RouteTo {
                    interface,
                    gateway: None,
                }]),
            }])?;
            Ok(overlay)
        })
        .expect("an overlay device");
    (namespace, overlay)
}

/// The next IPv4 packet.
fn read(queue: &TunQueue, header: &mut [u8; VNET_HEADER], buffer: &mut [u8]) -> usize {
    loop {
        wait_readable(queue);
        let len = queue.read(header, buffer).expect("reads");
        if buffer[0] >> 4 == 4 {
            return len;
        }
    }
}

#[test]
fn a_super_packet_leaves_whole_and_comes_back_whole() {
    let (namespace, overlay) = with_overlay(1);
    let socket = open(&namespace, "lh0", 7);
    let bytes = pattern(40 * 1000 + 3);
    let to = SocketAddrV4::new(THERE, 7);
    socket.send(to, 0, &bytes, 1000).expect("sends");
    let (mut header, mut buffer) = ([0; VNET_HEADER], vec![0; 65_536]);
    let len = read(&overlay[0], &mut header, &mut buffer);
    assert_eq!(len, 28 + bytes.len());
    assert_eq!(header[1], UDP_SEGMENTS);
    assert_eq!(header[4..6], 1000_u16.to_ne_bytes());
    assert_eq!(&buffer[28..len], bytes);
    // Back with the addresses exchanged, which leaves all checksums as they are.
    let (head, payload) = buffer[..len].split_at_mut(28);
    let (source, destination) = head[12..20].split_at_mut(4);
    source.swap_with_slice(destination);
    let parts: Vec<&[u8]> = std::iter::once(&*head)
        .chain(payload.chunks(1000))
        .collect();
    overlay[0].write(&header, &parts).expect("writes");
    let found = receive(&socket, 1);
    assert_eq!(found[0].0.segment, 1000);
    assert_eq!(found[0].0.from, to);
    assert_eq!(found[0].1, bytes);
    let many = vec![&b"x"[..]; 161];
    let error = overlay[0].write(&header, &many).expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn flows_spread_over_the_queues_of_an_overlay_device() {
    let (namespace, overlay) = with_overlay(2);
    for port in 1..=64 {
        open(&namespace, "lh0", port)
            .send(SocketAddrV4::new(THERE, port), 0, b"x", 1)
            .expect("sends");
    }
    for queue in &overlay {
        let (mut header, mut buffer) = ([0; VNET_HEADER], vec![0; 2048]);
        assert_eq!(read(queue, &mut header, &mut buffer), 29);
    }
}

#[test]
fn queue_length_and_size_of_super_packets_are_set() {
    let (namespace, _overlay) = with_overlay(1);
    let said = namespace
        .run(|| {
            Command::new("ip")
                .args(["-d", "link", "show", "lh0"])
                .output()
        })
        .expect("ip runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    for part in ["qlen 300", "gso_max_size 62500", "gro_max_size 60000"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_bell_is_heard_until_it_is_silenced() {
    let bell = Bell::new().expect("a bell");
    let poller = Poller::new().expect("a poller");
    poller.add_readable(&bell, 1).expect("can be polled");
    let heard = || {
        let mut ready = Vec::new();
        poller
            .wait(Some(Duration::ZERO), &mut ready)
            .expect("looks");
        ready.len()
    };
    assert_eq!(heard(), 0);
    let other = bell.clone();
    std::thread::spawn(move || {
        other.ring();
        other.ring();
    })
    .join()
    .expect("rings");
    assert_eq!(heard(), 1);
    bell.silence();
    bell.silence();
    assert_eq!(heard(), 0);
}
