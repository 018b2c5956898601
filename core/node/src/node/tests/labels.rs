//! Classes on their way: what a site finds out holds at hubs, which could not find it out themselves.

use core::net::SocketAddrV4;
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use design::plan::{ClassConfig, ClassMatch, NodeConfig};
use inet::packet;
use offload::Offload;

use super::batches::Kept;
use super::harness::{Device, Net};
use crate::{LocatorId, stub};

const EF: u8 = 46;
/// What the receiving site's second underlay has as its address.
const SECOND_UNDERLAY: &str = "203.0.114.20";

/// A class over the second underlay for what has this code point.
fn class(dscp: u8) -> ClassConfig {
    ClassConfig {
        name: "voice".to_owned(),
        matches: vec![ClassMatch {
            dscp: vec![dscp],
            ..ClassMatch::default()
        }],
        underlays: vec![vec!["second".to_owned()]],
        ..ClassConfig::default()
    }
}

/// A site that knows voice by its code point, a hub and a site that would not, as if the first had learned it from
/// what they never saw. The second site has two underlays.
fn sites() -> (Net, Device, [Device; 2]) {
    let mut hub = stub::nva("nva1.westeurope", 1, 1);
    let mut knows = stub::cpe("cpe1.paris", 10, "10.10.0.0/24");
    let mut other = stub::cpe("cpe1.london", 20, "10.20.0.0/24");
    stub::add_locator(&mut other, "second", stub::address(SECOND_UNDERLAY));
    stub::link(&mut knows, &mut hub, (HomeHub, HomeSite));
    stub::link_by(
        &mut other,
        &mut hub,
        (HomeHub, HomeSite),
        &[(0, 0, 10), (1, 0, 20)],
    );
    knows.classes = vec![class(EF)];
    hub.classes = vec![class(1)];
    other.classes = vec![class(1)];
    let mut net = Net::default();
    let mut add = |config: NodeConfig| net.add(config);
    let devices = (add(hub), [add(knows), add(other)]);
    net.run(Duration::from_secs(10));
    (net, devices.0, devices.1)
}

fn packet(dscp: u8, payload: &[u8]) -> Vec<u8> {
    let from = SocketAddrV4::new(stub::address("10.10.0.5"), 4_000);
    let to = SocketAddrV4::new(stub::address("10.20.0.5"), 5_000);
    let mut bytes = packet::udp(from, to, 64, payload);
    bytes[1] = dscp << 2;
    bytes
}

#[test]
fn a_hub_relays_by_the_class_that_the_site_found_out() {
    let (mut net, hub, [knows, other]) = sites();
    let sent = |net: &Net, path: usize| {
        let links = net.node(hub).links(net.now);
        let link = links.iter().find(|link| link.neighbor == "cpe1.london");
        link.expect("a link").paths[path].tunnel.tx_packets
    };
    for (dscp, path) in [(EF, 1), (0, 0)] {
        let before = sent(&net, path);
        for length in 0..100 {
            net.send_from_kernel(knows, packet(dscp, &[7; 100][..length]));
        }
        net.run(Duration::from_millis(100));
        let sent = sent(&net, path) - before;
        assert!((100..110).contains(&sent), "code point {dscp}: {sent}");
    }
    let delivered = net.take_packets(other);
    assert_eq!(delivered.len(), 200);
    for (length, packet) in delivered.iter().enumerate() {
        assert_eq!(packet.len(), 28 + length % 100, "the label does not remain");
    }
}

#[test]
fn forwarders_relay_by_the_class_that_the_site_found_out() {
    let (mut net, hub, [knows, _]) = sites();
    let now = net.now;
    let mut halves = [knows, hub].map(|device| {
        let (control, mut forwarders) = net.take(device).split();
        (control, forwarders.remove(0), Kept::default())
    });
    for (dscp, on_second) in [(EF, true), (0, false)] {
        for length in [0, 7, 16, 100, 1_300] {
            let [(_, site, from_site), (_, hub, from_hub)] = &mut halves;
            let bytes = packet(dscp, &vec![7; length]);
            let mut buffer = site.buffer().expect("a buffer");
            buffer.room()[..bytes.len()].copy_from_slice(&bytes);
            buffer.set_len(bytes.len());
            site.from_kernel(now, buffer, Offload::NONE, from_site);
            while site.run(now, from_site) {}
            for (_, tos, segment, bytes) in from_site.batches.drain(..) {
                let mut buffer = hub.buffer().expect("a buffer");
                buffer.room()[..bytes.len()].copy_from_slice(&bytes);
                buffer.set_len(bytes.len());
                let from = SocketAddrV4::new(stub::address("203.0.113.10"), 51_820);
                hub.from_underlay(now, LocatorId(0), (from, tos), buffer, segment, from_hub);
            }
            while hub.run(now, from_hub) {}
            let towards: Vec<_> = from_hub
                .batches
                .drain(..)
                .map(|(to, ..)| *to.ip())
                .collect();
            let second = stub::address(SECOND_UNDERLAY);
            assert_eq!(towards.len(), 1);
            assert_eq!(towards[0] == second, on_second, "{dscp}, {length} octets");
        }
    }
}
