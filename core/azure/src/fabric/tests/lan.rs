//! Site LANs.

use inet::FiveTuple;
use inet::packet;

use super::world::{Got, World, config, ip, udp};
use crate::fabric::transit::LAN_LATENCY;
use crate::fabric::{DropReason, Input, Output};

/// A VRRPv3 advertisement as RFC 9568 §5 lays it out.
fn advertisement(source: &str, priority: u8, address: &str) -> Vec<u8> {
    let mut payload = vec![0x31, 1, priority, 1, 0, 100, 0, 0];
    payload.extend_from_slice(&ip(address).octets());
    let flow = FiveTuple {
        source: ip(source),
        destination: ip("224.0.0.18"),
        protocol: 112,
        source_port: 0,
        destination_port: 0,
    };
    packet::ipv4(flow, 255, &payload)
}

#[test]
fn hosts_on_a_lan_reach_each_other_and_the_only_router_gets_the_rest() {
    let mut world = World::new(&config());
    let local = world.send("host1.lyon", udp("172.20.2.10", "172.20.2.1"));
    assert_eq!((local.at(), local.after()), ("cpe1.lyon/lan0", LAN_LATENCY));
    let away = world.send("host1.lyon", udp("172.20.2.10", "10.2.0.4"));
    assert_eq!(away.at(), "cpe1.lyon/lan0");
    let back = world.send("cpe1.lyon/lan0", udp("10.2.0.4", "172.20.2.10"));
    assert_eq!(back.at(), "host1.lyon");
    let nobody = world.send("host1.lyon", udp("172.20.2.10", "172.20.2.77"));
    assert_eq!(nobody, Got::Dropped(DropReason::LanUnknown));
}

#[test]
fn the_gateway_follows_the_router_that_advertised_last() {
    let mut world = World::new(&config());
    let flow = udp("172.20.1.10", "10.2.0.4");
    let before = world.send("host1.paris", flow);
    assert_eq!(before, Got::Dropped(DropReason::NoGateway));
    for (cpe, address) in [("cpe1.paris", "172.20.1.2"), ("cpe2.paris", "172.20.1.3")] {
        let from = format!("{cpe}/lan0");
        world.send_packet(&from, advertisement(address, 150, "172.20.1.1"));
        world.pass(LAN_LATENCY);
        assert_eq!(world.send("host1.paris", flow).at(), from);
        let gateway = world.send("host1.paris", udp("172.20.1.10", "172.20.1.1"));
        assert_eq!(gateway.at(), from);
    }
}

#[test]
fn resigning_and_foreign_advertisements_move_nothing() {
    let mut world = World::new(&config());
    let flow = udp("172.20.1.10", "10.2.0.4");
    world.send_packet(
        "cpe1.paris/lan0",
        advertisement("172.20.1.2", 150, "172.20.1.1"),
    );
    world.pass(LAN_LATENCY);
    for (priority, address) in [(0, "172.20.1.1"), (200, "172.20.1.99")] {
        world.send_packet(
            "cpe2.paris/lan0",
            advertisement("172.20.1.3", priority, address),
        );
        world.pass(LAN_LATENCY);
        assert_eq!(world.send("host1.paris", flow).at(), "cpe1.paris/lan0");
    }
}

#[test]
fn advertisements_reach_all_others_on_the_lan() {
    let mut world = World::new(&config());
    let port = world.port("cpe1.paris/lan0");
    let bytes = advertisement("172.20.1.2", 150, "172.20.1.1");
    let mut out = Vec::new();
    world
        .fabric
        .handle(world.now, Input::Packet { port, bytes }, &mut out);
    world
        .fabric
        .handle(world.now + LAN_LATENCY, Input::Wake, &mut out);
    let mut ports: Vec<_> = out
        .iter()
        .map(|output| match output {
            Output::Deliver { port, .. } => *port,
            other => panic!("{other:?}"),
        })
        .collect();
    ports.sort();
    assert_eq!(
        ports,
        [world.port("cpe2.paris/lan0"), world.port("host1.paris")]
    );
}

#[test]
fn a_router_that_advertised_and_died_drops_until_the_other_advertises() {
    let mut world = World::new(&config());
    let flow = udp("172.20.1.10", "10.2.0.4");
    world.send_packet(
        "cpe1.paris/lan0",
        advertisement("172.20.1.2", 150, "172.20.1.1"),
    );
    world.pass(LAN_LATENCY);
    world.device("cpe1.paris", false);
    assert_eq!(
        world.send("host1.paris", flow),
        Got::Dropped(DropReason::DeviceDown)
    );
    world.send_packet(
        "cpe2.paris/lan0",
        advertisement("172.20.1.3", 100, "172.20.1.1"),
    );
    world.pass(LAN_LATENCY);
    assert_eq!(world.send("host1.paris", flow).at(), "cpe2.paris/lan0");
}

#[test]
fn a_cut_advertisement_is_harmless() {
    let mut world = World::new(&config());
    let whole = advertisement("172.20.1.2", 150, "172.20.1.1");
    for len in 20..whole.len() {
        let mut cut = whole[..len].to_vec();
        cut[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        world.send_packet("cpe1.paris/lan0", cut);
        world.pass(LAN_LATENCY);
    }
    let got = world.send("host1.paris", udp("172.20.1.10", "10.2.0.4"));
    assert_eq!(got, Got::Dropped(DropReason::NoGateway));
}
