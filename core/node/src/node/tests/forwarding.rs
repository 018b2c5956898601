//! Packets: from the kernel into tunnels, out of them, from one into another, and refusals.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use inet::packet::{self, Ipv4};

use super::harness::{Device, Net};
use crate::{ChoiceReason, Decision, DropReason, stub};

const SECOND: Duration = Duration::from_secs(1);

/// Two sites of one hub, which sends them a summary.
pub(super) fn two_sites() -> (Net, Device, [Device; 2]) {
    let mut nva = stub::nva("nva1.westeurope", 1, 1);
    let mut sites = [10, 20].map(|number| {
        let (name, lan) = (format!("cpe{number}"), format!("10.{number}.0.0/24"));
        stub::cpe(&name, number, &lan)
    });
    for cpe in &mut sites {
        stub::link(cpe, &mut nva, (HomeHub, HomeSite));
    }
    let mut net = Net::default();
    let nva = net.add(nva);
    let sites = sites.map(|cpe| net.add(cpe));
    net.run(SECOND * 3);
    (net, nva, sites)
}

fn packet_between(from: &str, to: &str, ttl: u8) -> Vec<u8> {
    let from = SocketAddrV4::new(stub::address(from), 4_000);
    let to = SocketAddrV4::new(stub::address(to), 5_000);
    packet::udp(from, to, ttl, b"hello")
}

fn only_icmp(packets: &[Vec<u8>]) -> (Ipv4Addr, Ipv4Addr, u8, u8) {
    let [error] = packets else {
        panic!("{} packets", packets.len());
    };
    let view = Ipv4::parse(error).expect("a packet");
    assert_eq!(view.protocol(), packet::ICMP);
    let (source, to) = (view.source(), view.destination());
    (source, to, view.payload()[0], view.payload()[1])
}

#[test]
fn a_packet_is_relayed_from_site_to_site_with_its_ttl_lowered_once() {
    let (mut net, nva, [a, b]) = two_sites();
    net.send_from_kernel(a, packet_between("10.10.0.5", "10.20.0.5", 62));
    net.run(SECOND);
    let packets = net.take_packets(b);
    let view = Ipv4::parse(&packets[0]).expect("a packet");
    assert_eq!((packets.len(), view.ttl()), (1, 61));
    assert_eq!(view.udp_payload(), Some(&b"hello"[..]));
    assert!(net.take_packets(nva).is_empty());
    assert_eq!(net.node(nva).counters().relayed, 1);
}

#[test]
fn a_packet_whose_ttl_ends_at_the_hub_is_answered_from_its_loopback() {
    let (mut net, nva, [a, _]) = two_sites();
    net.send_from_kernel(a, packet_between("10.10.0.5", "10.20.0.5", 1));
    net.run(SECOND);
    let (source, to, kind, code) = only_icmp(&net.take_packets(a));
    assert_eq!(source, stub::address("172.16.0.1"));
    assert_eq!((to, kind, code), (stub::address("10.10.0.5"), 11, 0));
    let drops = &net.node(nva).counters().drops;
    assert_eq!(drops.get(&DropReason::TtlExpired), Some(&1));
}

#[test]
fn what_only_a_summary_covers_is_unreachable_and_never_loops() {
    let (mut net, nva, [a, _]) = two_sites();
    net.send_from_kernel(a, packet_between("10.10.0.5", "10.99.0.5", 64));
    net.run(SECOND);
    let (source, _, kind, code) = only_icmp(&net.take_packets(a));
    assert_eq!((source, kind, code), (stub::address("172.16.0.1"), 3, 0));
    assert!(net.take_packets(nva).is_empty());
}

#[test]
fn a_packet_to_a_neighbour_whose_link_is_down_is_answered_at_once() {
    let (mut net, nva, _) = two_sites();
    net.cut(
        stub::address("203.0.113.10"),
        stub::address("198.51.100.1"),
        true,
    );
    net.run(SECOND * 2);
    net.send_from_kernel(nva, packet_between("172.16.0.1", "172.16.0.10", 64));
    let (.., kind, code) = only_icmp(&net.take_packets(nva));
    assert_eq!((kind, code), (3, 1));
}

#[test]
fn a_packet_for_the_node_itself_goes_to_its_kernel() {
    let (mut net, nva, [a, _]) = two_sites();
    net.send_from_kernel(a, packet_between("172.16.0.10", "172.16.0.1", 64));
    net.run(SECOND);
    assert_eq!(net.take_packets(nva).len(), 1);
}

#[test]
fn rubbish_from_the_kernel_is_dropped_without_an_answer() {
    let (mut net, _, [a, _]) = two_sites();
    for rubbish in [vec![], vec![0x60; 40], vec![0x45; 10]] {
        net.send_from_kernel(a, rubbish);
    }
    assert!(net.take_packets(a).is_empty());
    let drops = &net.node(a).counters().drops;
    assert_eq!(drops.get(&DropReason::Malformed), Some(&3));
}

#[test]
fn rubbish_from_the_underlay_is_dropped_without_an_answer() {
    let (mut net, nva, _) = two_sites();
    let from = SocketAddrV4::new(stub::address("203.0.113.99"), 9);
    for len in [0, 1, 4, 32, 92, 148, 1_500] {
        let bytes = &mut vec![1; len][..];
        let locator = crate::LocatorId(0);
        let input = crate::Input::Datagram {
            locator,
            from,
            bytes,
        };
        net.input(nva, input);
    }
    assert!(net.take_packets(nva).is_empty());
}

#[test]
fn an_explanation_names_match_neighbour_path_and_outer_flow() {
    let (net, _, [a, _]) = two_sites();
    let packet = packet_between("10.10.0.5", "10.20.0.5", 64);
    let flow = Ipv4::parse(&packet).expect("a packet").five_tuple();
    let explanation = net.node(a).explain(net.now, flow);
    let (matched, _) = explanation.matched.expect("a match");
    assert_eq!(matched, stub::prefix("10.0.0.0/8"));
    assert_eq!(explanation.neighbors[0].reason, ChoiceReason::Only);
    assert_eq!(explanation.paths[0].reason, ChoiceReason::Only);
    let Decision::Tunnel {
        neighbor, outer, ..
    } = explanation.decision
    else {
        panic!("{explanation:?}");
    };
    assert_eq!(neighbor, "nva1.westeurope");
    assert_eq!(
        outer.to_string(),
        "udp 203.0.113.10:51820 > 198.51.100.1:51820"
    );
}
