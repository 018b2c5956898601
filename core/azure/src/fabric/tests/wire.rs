//! Point-to-point links.

use core::time::Duration;

use design::plan::{FabricConfig, LinkConfigOneWay, WireConfig, WireEnd};
use inet::Instant;

use super::world::{Got, World, config, ip, packet_of, udp};
use crate::fabric::{DropReason, FabricError, Fault, Input, Output};
use crate::{Fabric, fabric::Carrier};

pub(super) fn end(port: &str, address: &str) -> WireEnd {
    let (device, interface) = port.split_once('/').expect("device/interface");
    WireEnd {
        device: device.to_owned(),
        interface: interface.to_owned(),
        address: ip(address),
    }
}

/// A link with a latency each way.
pub(super) fn wire(a: WireEnd, b: WireEnd, latency_us: u32) -> WireConfig {
    let way = LinkConfigOneWay {
        rate_bps: 0,
        latency_us,
        jitter_us: 0,
        loss_ppm: 0,
        queue_bytes: 0,
    };
    WireConfig {
        a,
        b,
        a_to_b: way,
        b_to_a: way,
    }
}

/// The world with a link between two routers.
fn linked() -> FabricConfig {
    let mut config = config();
    let (core, edge) = (
        end("core.paris/net0", "172.30.0.0"),
        end("pe-ams.mpls/net0", "172.30.0.1"),
    );
    config.wires.push(wire(core, edge, 3_000));
    config
}

fn cut(interface: &str, up: bool) -> Fault {
    Fault::Wire {
        device: "core.paris".to_owned(),
        interface: interface.to_owned(),
        up,
    }
}

#[test]
fn what_goes_in_at_one_end_comes_out_at_the_other_whatever_its_addresses() {
    let mut world = World::new(&linked());
    for flow in [
        udp("172.30.0.0", "172.30.0.1"),
        udp("10.9.9.9", "203.0.113.7"),
        udp("172.30.0.0", "224.0.0.5"),
    ] {
        let there = world.send("core.paris/net0", flow);
        assert_eq!((there.at(), there.flow()), ("pe-ams.mpls/net0", flow));
        assert_eq!((there.after(), there.ttl()), (Duration::from_millis(3), 64));
        assert_eq!(world.send("pe-ams.mpls/net0", flow).at(), "core.paris/net0");
    }
}

#[test]
fn a_link_has_a_rate_a_queue_and_loss_of_its_own_in_each_direction() {
    let mut config = linked();
    config.wires[0].a_to_b.rate_bps = 8_000_000;
    config.wires[0].a_to_b.queue_bytes = 3_000;
    config.wires[0].b_to_a.loss_ppm = 500_000;
    let mut world = World::new(&config);
    let mut out = Vec::new();
    for (from, bytes) in [("core.paris/net0", 1_000), ("pe-ams.mpls/net0", 1_000)] {
        let port = world.port(from);
        let mut packet = packet_of(udp("172.30.0.0", "172.30.0.1"));
        packet.resize(bytes, 0);
        packet[2..4].copy_from_slice(&(bytes as u16).to_be_bytes());
        for _ in 0..100 {
            let bytes = packet.clone();
            let input = Input::Packet { port, bytes };
            world.fabric.handle(world.now, input, &mut out);
        }
    }
    world.pass(Duration::from_secs(1));
    let drops: Vec<_> = world.fabric.drops().collect();
    let of = |reason| drops.iter().find(|(r, _)| *r == reason).map(|(_, n)| *n);
    assert_eq!(of(DropReason::QueueFull), Some(97));
    assert!((30..70).contains(&of(DropReason::Lost).expect("some were lost")));
    let counters = world.fabric.counters(world.port("core.paris/net0"));
    let counters = counters.expect("a port");
    assert_eq!((counters.sent_packets, counters.dropped_packets), (100, 97));
    let there = world.fabric.counters(world.port("pe-ams.mpls/net0"));
    assert_eq!(there.expect("a port").received_packets, 3);
}

#[test]
fn a_cut_link_a_cut_path_and_a_dead_device_are_told_apart() {
    let mut world = World::new(&linked());
    let flow = udp("172.30.0.0", "172.30.0.1");
    let both = |world: &mut World| {
        ["core.paris/net0", "pe-ams.mpls/net0"].map(|from| world.send(from, flow))
    };
    world.fault(cut("net0", false));
    assert_eq!(both(&mut world), [Got::Dropped(DropReason::WireDown); 2]);
    world.fault(cut("net0", true));
    let path = |up| Fault::Path {
        a: ip("172.30.0.1"),
        b: ip("172.30.0.0"),
        up,
    };
    world.fault(path(false));
    assert_eq!(both(&mut world), [Got::Dropped(DropReason::PathDown); 2]);
    world.fault(path(true));
    world.device("pe-ams.mpls", false);
    assert_eq!(both(&mut world), [Got::Dropped(DropReason::DeviceDown); 2]);
    world.device("pe-ams.mpls", true);
    assert_eq!(both(&mut world)[0].at(), "pe-ams.mpls/net0");
}

#[test]
fn the_explanation_names_the_device_at_the_other_end() {
    let world = World::new(&linked());
    let port = world.port("core.paris/net0");
    let said = world
        .fabric
        .explain(world.now, port, udp("172.30.0.0", "172.30.0.1"));
    let to = "pe-ams.mpls".to_owned();
    assert_eq!(said.carrier, Some(Carrier::Wire { to }));
}

#[test]
fn a_fault_on_what_is_no_link_is_refused() {
    let mut world = World::new(&linked());
    let mut out = Vec::new();
    let fault = cut("net7", false);
    let input = Input::Command(fault.clone());
    world.fabric.handle(world.now, input, &mut out);
    assert_eq!(out, [Output::Refused(fault)]);
}

#[test]
fn both_ends_with_one_address_and_one_interface_twice_are_errors() {
    let mut same = linked();
    same.wires[0].b.address = same.wires[0].a.address;
    let error = Fabric::new(&same, Instant::ZERO).expect_err("one address");
    assert_eq!(
        error.to_string(),
        "pe-ams.mpls/net0 has address 172.30.0.0, which another one has"
    );
    let mut twice = linked();
    twice.wires.push(twice.wires[0].clone());
    let error = Fabric::new(&twice, Instant::ZERO).expect_err("net0 twice");
    assert!(matches!(error, FabricError::DuplicatePort { .. }));
}
