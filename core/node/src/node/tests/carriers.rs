//! Paths whose UDP is blocked go over TLS, and come back.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use inet::Instant;
use inet::packet;

use super::harness::{Device, Net};
use crate::{Connection, Event, Input, Way, stub};

const SECOND: Duration = Duration::from_secs(1);

fn site() -> Ipv4Addr {
    stub::address("203.0.113.10")
}

/// A CPE whose hub takes tunnels over TLS.
fn network() -> (Net, Device, Device) {
    let mut cpe = stub::cpe("cpe1.paris", 10, "10.1.0.0/24");
    let mut nva = stub::nva("nva1.westeurope", 1, 1);
    stub::link_by(&mut cpe, &mut nva, (HomeHub, HomeSite), &[(0, 0, 10)]);
    nva.locators[0].tls_port = Some(443);
    cpe.links[0].paths[0].tls = Some("198.51.100.1:443".parse().expect("an address"));
    let mut net = Net::default();
    let (cpe, nva) = (net.add(cpe), net.add(nva));
    (net, cpe, nva)
}

fn ways(net: &Net, device: Device) -> Vec<(Instant, Way)> {
    let events = net.events(device).iter();
    let ways = events.filter_map(|(at, event)| match event {
        Event::Carried { way, .. } => Some((*at, *way)),
        _ => None,
    });
    ways.collect()
}

fn packet() -> Vec<u8> {
    let from = SocketAddrV4::new(stub::address("10.1.0.10"), 5);
    let to = SocketAddrV4::new(stub::address("172.16.0.1"), 6);
    packet::udp(from, to, 64, b"over the carrier")
}

fn passes(net: &mut Net, cpe: Device, nva: Device) -> bool {
    net.take_packets(nva);
    net.send_from_kernel(cpe, packet());
    net.run(SECOND / 10);
    net.take_packets(nva).len() == 1
}

#[test]
fn a_blocked_path_is_carried_over_tls_within_five_seconds_and_back_within_thirty() {
    let (mut net, cpe, nva) = network();
    net.run(SECOND * 10);
    assert!(passes(&mut net, cpe, nva) && ways(&net, cpe).is_empty());
    assert_eq!(net.connection_ends(), 0, "none is kept for nothing");
    net.block_udp(site(), true);
    net.run(SECOND * 5);
    assert!(passes(&mut net, cpe, nva));
    for device in [cpe, nva] {
        let path = &net.node(device).links(net.now)[0].paths[0];
        assert!(path.up && path.carrier == Way::Tls);
    }
    // For a day: nothing moves, and no handshake is needed for the carrier.
    let before = ways(&net, cpe).len();
    net.run(SECOND * 600);
    assert_eq!(ways(&net, cpe).len(), before);
    assert!(passes(&mut net, cpe, nva));
    net.block_udp(site(), false);
    let healed = net.now;
    net.run(SECOND * 30);
    let back = ways(&net, cpe);
    let [.., (at, Way::Udp)] = back[..] else {
        panic!("{back:?}");
    };
    assert!(at.since(healed) < SECOND * 30);
    let path = &net.node(nva).links(net.now)[0].paths[0];
    assert!(path.up && path.carrier == Way::Udp, "the hub has followed");
    let events = net.events(cpe).iter();
    let lost =
        events.filter(|(when, event)| *when >= healed && matches!(event, Event::PathDown(_)));
    assert_eq!(lost.count(), 0, "the way back loses nothing");
    assert_eq!(net.connection_ends(), 0);
}

#[test]
fn a_site_that_never_had_udp_begins_over_tls() {
    let (mut net, cpe, nva) = network();
    net.block_udp(site(), true);
    net.run(SECOND * 5);
    assert!(net.node(cpe).links(net.now)[0].up);
    assert!(passes(&mut net, cpe, nva));
}

#[test]
fn a_hub_that_starts_anew_is_called_again_over_tls() {
    let (mut net, cpe, nva) = network();
    net.block_udp(site(), true);
    net.run(SECOND * 10);
    let Some(&(_, Event::Carried { path, .. })) = net
        .events(cpe)
        .iter()
        .find(|(_, event)| matches!(event, Event::Carried { .. }))
    else {
        panic!("not carried");
    };
    net.restart(nva);
    let connection = Connection::Called(path.0);
    net.drop_connection(cpe, connection);
    net.run(SECOND * 10);
    assert!(passes(&mut net, cpe, nva));
}

#[test]
fn nothing_gets_worse_where_connections_are_blocked_as_well() {
    let (mut net, cpe, nva) = network();
    net.run(SECOND * 5);
    net.block_udp(site(), true);
    net.block_tcp(site(), true);
    net.run(SECOND * 120);
    assert!(ways(&net, cpe).is_empty() && !net.node(cpe).links(net.now)[0].up);
    net.block_udp(site(), false);
    net.run(SECOND * 10);
    assert!(passes(&mut net, cpe, nva));
}

#[test]
fn a_stranger_that_connects_is_sent_off_and_cannot_move_a_tunnel() {
    let (mut net, cpe, nva) = network();
    net.run(SECOND * 5);
    let connection = Connection::Accepted(77);
    let remote = SocketAddrV4::new(stub::address("192.0.2.66"), 4_000);
    net.input(nva, Input::Opened { connection, remote });
    let mut rubbish = vec![4, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0];
    rubbish.resize(64, 9);
    let input = Input::Datagram {
        locator: crate::LocatorId(0),
        from: connection.address(),
        bytes: &mut rubbish,
    };
    net.input(nva, input);
    net.run(SECOND * 20);
    assert_eq!(net.refused_connections(nva), [connection]);
    assert!(passes(&mut net, cpe, nva) && ways(&net, nva).is_empty());
}
