//! The kernel does what this crate says it does. Fails without the right to make network
//! namespaces.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use inet::{FiveTuple, Prefix, packet};
use linux::process::{self, ProcessId};
use linux::{
    LinkChanges, Lookup, Masquerade, NetNamespace, Netlink, RouteChange, RouteOwner, RouteTo, Rule,
    Tun, epoll::Poller, socket, sysctl,
};

const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

/// A namespace with `eth0` (10.0.0.1/24, default route) whose wire is the TUN.
fn host() -> io::Result<(NetNamespace, Tun)> {
    let namespace = NetNamespace::create()?;
    let tun = namespace.run(|| {
        let tun = Tun::create("eth0", true)?;
        let mut netlink = Netlink::open()?;
        let loopback = netlink.interface("lo")?;
        netlink.set_up(loopback, None)?;
        let eth0 = netlink.interface("eth0")?;
        netlink.set_up(eth0, Some(1400))?;
        netlink.add_address(eth0, HERE, 24)?;
        netlink.add_address(eth0, HERE, 24)?;
        sysctl::write("net.ipv4.ip_forward", "1")?;
        netlink.change_routes(&[RouteChange {
            prefix: Prefix::DEFAULT,
            owner: RouteOwner::Node,
            metric: 10,
            to: Some(vec![RouteTo {
                interface: eth0,
                gateway: None,
            }]),
        }])?;
        Ok(tun)
    })?;
    Ok((namespace, tun))
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

#[test]
fn packets_leave_by_the_default_route_and_answers_come_in() {
    let (namespace, tun) = host().expect("a host");
    let udp = namespace
        .run(|| socket::udp_on_interface("eth0", 4500))
        .expect("a socket");
    udp.send_to(b"ping", SocketAddrV4::new(THERE, 9))
        .expect("sends");
    let mut buffer = [0; 2000];
    let sent = loop {
        wait_readable(&tun);
        let len = tun.read(&mut buffer).expect("reads");
        // The kernel may say hello in IPv6 first.
        if let Ok(parsed) = packet::Ipv4::parse(&buffer[..len]) {
            break parsed;
        }
    };
    assert_eq!(sent.udp_payload(), Some(&b"ping"[..]));
    let FiveTuple {
        source,
        source_port,
        destination,
        ..
    } = sent.five_tuple();
    assert_eq!((source, source_port, destination), (HERE, 4500, THERE));
    let answer = packet::udp(
        SocketAddrV4::new(THERE, 9),
        SocketAddrV4::new(HERE, 4500),
        64,
        b"pong",
    );
    tun.write(&answer).expect("writes");
    wait_readable(&udp);
    let (len, from) = udp.recv_from(&mut buffer).expect("receives");
    assert_eq!(
        (&buffer[..len], from),
        (&b"pong"[..], SocketAddrV4::new(THERE, 9).into())
    );
}

#[test]
fn routes_come_and_go_in_batches_and_repeats_are_harmless() {
    let (namespace, _tun) = host().expect("a host");
    namespace
        .run(|| {
            let mut netlink = Netlink::open()?;
            let interface = netlink.interface("eth0")?;
            let mut changes: Vec<RouteChange> = (0..2000)
                .filter_map(|n| Prefix::new(Ipv4Addr::from(0x0b00_0000 + (n << 8)), 24))
                .map(|prefix| RouteChange {
                    prefix,
                    owner: RouteOwner::Node,
                    metric: 0,
                    to: Some(vec![RouteTo {
                        interface,
                        gateway: None,
                    }]),
                })
                .collect();
            netlink.change_routes(&changes)?;
            netlink.change_routes(&changes)?;
            let table = std::fs::read_to_string("/proc/thread-self/net/route")?;
            assert_eq!(table.lines().count(), 1 + 2 + 2000);
            for change in &mut changes {
                change.to = None;
            }
            netlink.change_routes(&changes)?;
            netlink.change_routes(&changes)?;
            let table = std::fs::read_to_string("/proc/thread-self/net/route")?;
            assert_eq!(table.lines().count(), 1 + 2);
            netlink.remove_address(interface, HERE, 24)?;
            netlink.remove_address(interface, HERE, 24)?;
            let missing = netlink.interface("eth7").expect_err("there is no eth7");
            assert!(
                missing.to_string().starts_with("interface eth7: "),
                "{missing}"
            );
            Ok(())
        })
        .expect("routes change");
}

#[test]
fn a_route_through_a_gateway_replaces_one_without() {
    let (namespace, _tun) = host().expect("a host");
    namespace
        .run(|| {
            let mut netlink = Netlink::open()?;
            let interface = netlink.interface("eth0")?;
            let gateway = Some(Ipv4Addr::new(10, 0, 0, 254));
            let mut change = RouteChange {
                prefix: Prefix::DEFAULT,
                owner: RouteOwner::Node,
                metric: 10,
                to: Some(vec![RouteTo { interface, gateway }]),
            };
            netlink.change_routes(std::slice::from_ref(&change))?;
            let default = linux::default_route()?.expect("there is one");
            assert_eq!(
                (default.interface.as_str(), default.gateway),
                ("eth0", gateway)
            );
            change.to = None;
            netlink.change_routes(&[change])?;
            assert_eq!(linux::default_route()?, None);
            Ok(())
        })
        .expect("routes change");
}

#[test]
fn the_addresses_of_all_interfaces_are_listed() {
    let (namespace, _tun) = host().expect("a host");
    let found = namespace
        .run(|| Netlink::open()?.addresses())
        .expect("lists");
    let found: Vec<_> = found
        .iter()
        .map(|it| (it.name.as_str(), it.address, it.len, it.up))
        .collect();
    let lo = ("lo", Ipv4Addr::LOCALHOST, 8, true);
    assert_eq!(found, [lo, ("eth0", HERE, 24, true)]);
}

#[test]
fn a_change_of_an_interface_or_an_address_is_heard_once() {
    let (namespace, _tun) = host().expect("a host");
    namespace
        .run(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let mut netlink = Netlink::open()?;
            let eth0 = netlink.interface("eth0")?;
            runtime.block_on(async {
                let changes = LinkChanges::open()?;
                let soon = async || {
                    let wait = tokio::time::timeout(Duration::from_millis(200), changes.changed());
                    let heard = wait.await.is_ok();
                    changes.forget();
                    heard
                };
                assert!(!soon().await, "nothing has changed yet");
                netlink.add_address(eth0, THERE, 32)?;
                assert!(soon().await);
                assert!(!soon().await);
                netlink.set_up(eth0, Some(1300))?;
                assert!(soon().await);
                Ok(())
            })
        })
        .expect("changes are heard");
}

/// What `ip route show proto …` says in the calling thread's namespace.
fn routes_of(protocol: &str) -> io::Result<String> {
    let said = Command::new("ip")
        .args(["-4", "route", "show", "proto", protocol])
        .output()?;
    Ok(String::from_utf8_lossy(&said.stdout).into_owned())
}

#[test]
fn a_route_shares_flows_among_gateways_at_the_other_ends_of_wires() {
    let (namespace, _tun) = host().expect("a host");
    namespace
        .run(|| {
            let wire = Tun::create("er0", true)?;
            let mut netlink = Netlink::open()?;
            let er0 = netlink.interface("er0")?;
            netlink.set_up(er0, None)?;
            let eth0 = netlink.interface("eth0")?;
            // Neither gateway is in the prefix of its interface.
            let to = |interface, last| RouteTo {
                interface,
                gateway: Some(Ipv4Addr::new(172, 29, 0, last)),
            };
            let prefix = Prefix::new(Ipv4Addr::new(10, 9, 0, 0), 16).expect("a prefix");
            let mut change = RouteChange {
                prefix,
                owner: RouteOwner::Router,
                metric: 77,
                to: Some(vec![to(er0, 2), to(eth0, 6)]),
            };
            netlink.change_routes(std::slice::from_ref(&change))?;
            let said = routes_of("77")?;
            let lines: Vec<&str> = said.lines().map(str::trim).collect();
            assert!(
                lines[0].starts_with("10.9.0.0/16") && lines[0].contains("metric 77"),
                "{said}"
            );
            assert!(
                lines[1].starts_with("nexthop via 172.29.0.2 dev er0 weight 1 onlink")
                    || lines[1]
                        .starts_with("nexthop via 172.29.0.2 dev er0 weight 1 linkdown onlink"),
                "{said}"
            );
            assert!(
                lines[2].starts_with("nexthop via 172.29.0.6 dev eth0"),
                "{said}"
            );
            change.to = Some(vec![to(er0, 2)]);
            netlink.change_routes(std::slice::from_ref(&change))?;
            let said = routes_of("77")?;
            assert_eq!(said.lines().count(), 1, "{said}");
            change.to = Some(Vec::new());
            netlink.change_routes(std::slice::from_ref(&change))?;
            assert!(routes_of("77")?.starts_with("blackhole 10.9.0.0/16"));
            drop(wire);
            Ok(())
        })
        .expect("routes change");
}

#[test]
fn the_routes_of_one_owner_go_and_those_of_others_stay() {
    let (namespace, _tun) = host().expect("a host");
    namespace
        .run(|| {
            let mut netlink = Netlink::open()?;
            let interface = netlink.interface("eth0")?;
            let routes: Vec<RouteChange> = (0..3000)
                .filter_map(|n| Prefix::new(Ipv4Addr::from(0x0b00_0000 + (n << 8)), 24))
                .map(|prefix| RouteChange {
                    prefix,
                    owner: RouteOwner::Router,
                    metric: 77,
                    to: Some(vec![RouteTo {
                        interface,
                        gateway: Some(Ipv4Addr::new(10, 0, 0, 254)),
                    }]),
                })
                .collect();
            netlink.change_routes(&routes)?;
            assert_eq!(routes_of("77")?.lines().count(), 3000);
            netlink.remove_routes(RouteOwner::Router)?;
            assert_eq!(routes_of("77")?, "");
            assert_eq!(
                routes_of("76")?.lines().count(),
                1,
                "the default route stays"
            );
            netlink.remove_routes(RouteOwner::Router)?;
            Ok(())
        })
        .expect("routes change");
}

#[test]
fn a_tcp_connection_starts_from_the_address_asked_for() {
    let (namespace, _tun) = host().expect("a host");
    let (listener, client) = namespace
        .run(|| {
            let listener = socket::tcp_listen((Ipv4Addr::UNSPECIFIED, 179).into())?;
            let client = socket::tcp_connect(HERE.into(), (Ipv4Addr::LOCALHOST, 179).into(), 255)?;
            Ok((listener, client))
        })
        .expect("connects");
    wait_readable(&listener);
    let (_server, from) = listener.accept().expect("accepts");
    assert_eq!(from.ip(), HERE);
    assert!(client.take_error().expect("asks").is_none());
}

#[test]
fn vrrp_advertisements_leave_with_ttl_255() {
    let (namespace, tun) = host().expect("a host");
    let vrrp = namespace
        .run(|| socket::vrrp("eth0", HERE))
        .expect("a socket");
    vrrp.send_to_vrrp_group(&[0x31, 1, 100, 1, 0, 100, 0, 0])
        .expect("sends");
    let mut buffer = [0; 2000];
    loop {
        wait_readable(&tun);
        let len = tun.read(&mut buffer).expect("reads");
        if let Ok(sent) = packet::Ipv4::parse(&buffer[..len])
            && sent.protocol() == 112
        {
            assert_eq!((sent.ttl(), sent.source()), (255, HERE));
            break;
        }
    }
}

#[test]
fn descriptors_travel_between_processes_sockets() {
    let (a, b) = UnixStream::pair().expect("a pair");
    let (mut near, far) = UnixStream::pair().expect("a pair");
    linux::send_descriptors(&a, b"one", &[far.as_fd()]).expect("sends");
    drop(far);
    let mut buffer = [0; 16];
    let (len, descriptors) = linux::receive_descriptors(&b, &mut buffer).expect("receives");
    assert_eq!((&buffer[..len], descriptors.len()), (&b"one"[..], 1));
    let mut far = UnixStream::from(descriptors.into_iter().next().expect("one"));
    far.write_all(b"x").expect("writes");
    let mut byte = [0];
    near.read_exact(&mut byte).expect("reads");
    assert_eq!(byte, *b"x");
}

#[test]
fn a_child_dies_with_the_thread_that_started_it() {
    let child = std::thread::spawn(|| {
        let mut command = Command::new("/bin/sleep");
        command.arg("1000").env("LONGHAUL_TEST_MARK", "7b1f");
        process::dies_with_parent(&mut command)
            .spawn()
            .expect("starts")
    });
    let mut child = child.join().expect("the thread ends");
    let begun = Instant::now();
    let status = child.wait().expect("waits");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(!status.success());
}

#[test]
fn a_process_is_found_by_its_environment_and_known_again() {
    let mut command = Command::new("/bin/sleep");
    command.arg("1000").env("LONGHAUL_TEST_MARK", "91ce");
    let mut child = process::dies_with_parent(&mut command)
        .spawn()
        .expect("starts");
    let found = process::with_environment("LONGHAUL_TEST_MARK", "91ce").expect("searches");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].number, child.id());
    assert!(found[0].is_alive().expect("asks"));
    let other = ProcessId {
        started: found[0].started + 1,
        ..found[0]
    };
    other.kill().expect("nothing to kill");
    assert!(found[0].is_alive().expect("asks"));
    found[0].kill().expect("kills");
    child.wait().expect("waits");
    assert!(!found[0].is_alive().expect("asks"));
    assert_eq!(
        found[0].watch().expect_err("gone").kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn a_namespace_full_of_interfaces_goes_quickly() {
    let hosts: Vec<_> = (0..30).map(|_| host().expect("a host")).collect();
    let begun = Instant::now();
    drop(hosts);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn masquerading_goes_with_what_made_it_and_rules_may_be_there_already() {
    let (namespace, _tun) = host().expect("a host");
    namespace
        .run(|| {
            let mut netlink = Netlink::open()?;
            let (lo, eth0) = (netlink.interface("lo")?, netlink.interface("eth0")?);
            let first = Masquerade::new(lo, &[eth0], &[lo])?;
            assert!(
                Masquerade::new(lo, &[eth0], &[]).is_err(),
                "another process has it"
            );
            drop(first);
            Masquerade::new(lo, &[eth0], &[])?;
            let lookups = [
                Lookup::MainWithoutDefault,
                Lookup::Table(76),
                Lookup::Unreachable,
            ];
            for (priority, lookup) in (7_600..).zip(lookups) {
                let interface = "lh0".to_owned();
                let rule = Rule {
                    interface,
                    priority,
                    lookup,
                };
                netlink.add_rule(&rule)?;
                netlink.add_rule(&rule)?;
            }
            let out = RouteChange {
                prefix: Prefix::DEFAULT,
                owner: RouteOwner::Node,
                metric: 0,
                to: Some(vec![RouteTo {
                    interface: eth0,
                    gateway: None,
                }]),
            };
            netlink.change_route_in(76, &out)?;
            assert_eq!(netlink.routes(RouteOwner::Node)?.len(), 1, "the main table");
            Ok(())
        })
        .expect("the kernel takes it");
}
