//! Inside the virtual networks.

use core::time::Duration;

use inet::packet;

use super::world::{Got, REGION_LATENCY, WEST_EAST, World, config, ip, packet_of, udp, vnet};
use crate::fabric::DropReason;

#[test]
fn a_packet_reaches_the_owner_of_the_address_in_its_own_and_in_peered_vnets() {
    let mut world = World::new(&config());
    let local = world.send("nva1.west", udp("10.1.1.4", "10.1.1.5"));
    assert_eq!((local.at(), local.after()), ("nva2.west", REGION_LATENCY));
    let peered = world.send("vm1.spoke", udp("10.2.0.4", "10.1.1.4"));
    assert_eq!((peered.at(), peered.after()), ("nva1.west", REGION_LATENCY));
    let global = world.send("nva1.west", udp("10.1.1.4", "10.11.1.4"));
    assert_eq!((global.at(), global.after()), ("nva1.east", WEST_EAST));
}

#[test]
fn the_platform_lowers_no_ttl() {
    let mut world = World::new(&config());
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "10.11.1.4")).ttl(),
        64
    );
}

#[test]
fn peering_is_not_transitive() {
    let mut world = World::new(&config());
    let got = world.send("vm1.spoke", udp("10.2.0.4", "10.11.1.4"));
    assert_eq!(got, Got::Dropped(DropReason::RouteNone));
}

#[test]
fn a_peering_that_only_one_side_has_is_not_connected() {
    let mut config = config();
    config.vnets[1].peerings.clear();
    let mut world = World::new(&config);
    let got = world.send("nva1.west", udp("10.1.1.4", "10.2.0.4"));
    assert_eq!(got, Got::Dropped(DropReason::RouteNone));
}

#[test]
fn nobody_answers_for_the_subnet_gateway_and_unused_addresses() {
    let mut world = World::new(&config());
    for address in ["10.1.1.1", "10.1.1.99"] {
        let got = world.send("nva1.west", udp("10.1.1.4", address));
        assert_eq!(got, Got::Dropped(DropReason::NoSuchAddress));
    }
}

#[test]
fn gre_ipip_multicast_broadcast_and_dhcp_are_not_carried() {
    let mut world = World::new(&config());
    let base = udp("10.1.1.4", "10.1.1.5");
    let mut flows = Vec::new();
    for protocol in [4, 47] {
        flows.push(inet::FiveTuple {
            protocol,
            source_port: 0,
            destination_port: 0,
            ..base
        });
    }
    for destination in ["224.0.0.5", "255.255.255.255"] {
        let destination = ip(destination);
        flows.push(inet::FiveTuple {
            destination,
            ..base
        });
    }
    for (source_port, destination_port) in [(68, 67), (65_330, 53)] {
        flows.push(inet::FiveTuple {
            source_port,
            destination_port,
            ..base
        });
    }
    for flow in flows {
        let got = world.send("nva1.west", flow);
        assert_eq!(got, Got::Dropped(DropReason::Protocol), "{flow}");
    }
}

#[test]
fn without_ip_forwarding_a_nic_sends_and_takes_only_its_own_address() {
    let mut world = World::new(&config());
    let got = world.send("vm1.spoke", udp("172.20.1.10", "10.2.0.5"));
    assert_eq!(got, Got::Dropped(DropReason::NotFromSource));
    world.program_both("172.20.0.0/16", &["10.2.0.5"]);
    let got = world.send("vm1.spoke", udp("10.2.0.4", "172.20.1.10"));
    assert_eq!(got, Got::Dropped(DropReason::NotForDestination));
}

#[test]
fn forwarded_packets_need_the_receiving_peering_to_allow_them() {
    let mut config = config();
    let mut world = World::new(&config);
    assert_eq!(
        world.send("nva1.west", udp("172.20.1.10", "10.2.0.4")).at(),
        "vm1.spoke"
    );
    config.vnets[1].peerings[0].allow_forwarded_traffic = false;
    let mut world = World::new(&config);
    let got = world.send("nva1.west", udp("172.20.1.10", "10.2.0.4"));
    assert_eq!(got, Got::Dropped(DropReason::PeeringForwarded));
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "10.2.0.4")).at(),
        "vm1.spoke"
    );
}

#[test]
fn a_peering_without_access_lets_nothing_through_by_default() {
    let mut config = config();
    config.vnets[1].peerings[0].allow_virtual_network_access = false;
    let mut world = World::new(&config);
    let out = world.send("vm1.spoke", udp("10.2.0.4", "10.1.1.4"));
    assert_eq!(out, Got::Dropped(DropReason::PeeringAccess));
    let back = world.send("nva1.west", udp("10.1.1.4", "10.2.0.4"));
    assert_eq!(back, Got::Dropped(DropReason::PeeringAccess));
}

#[test]
fn regions_without_a_published_round_trip_follow_the_distance() {
    let mut config = config();
    config.backbone.clear();
    let mut world = World::new(&config);
    let after = world
        .send("nva1.west", udp("10.1.1.4", "10.11.1.4"))
        .after();
    // about 6,480 km at 200 km/ms, 1.7 times
    assert!(
        (Duration::from_millis(54)..Duration::from_millis(57)).contains(&after),
        "{after:?}"
    );
}

#[test]
fn public_addresses_are_translated_one_to_one_and_ride_the_backbone() {
    let mut world = World::new(&config());
    let got = world.send("nva1.west", udp("10.1.1.4", "20.0.0.3"));
    assert_eq!((got.at(), got.after()), ("nva1.east", WEST_EAST));
    assert_eq!(got.flow(), udp("20.0.0.1", "10.11.1.4"));
    let reply = world.send("nva1.east", udp("10.11.1.4", "20.0.0.1"));
    assert_eq!(reply.flow(), udp("20.0.0.3", "10.1.1.4"));
}

#[test]
fn the_internet_takes_only_the_nics_own_translated_address() {
    let mut world = World::new(&config());
    let foreign = world.send("nva1.west", udp("172.20.1.10", "20.0.0.3"));
    assert_eq!(foreign, Got::Dropped(DropReason::SourceNotTranslated));
    let private = world.send("nva2.west", udp("10.1.1.5", "20.0.0.3"));
    assert_eq!(private, Got::Dropped(DropReason::NoPublicAddress));
    let nobody = world.send("nva1.west", udp("10.1.1.4", "8.8.8.8"));
    assert_eq!(nobody, Got::Dropped(DropReason::UnknownPublicAddress));
}

#[test]
fn bytes_that_are_no_packet_are_counted_and_dropped() {
    let mut world = World::new(&config());
    let mut cut = packet_of(udp("10.1.1.4", "10.1.1.5"));
    cut.truncate(25);
    for bytes in [Vec::new(), vec![0x60; 40], cut] {
        assert_eq!(
            world.send_packet("nva1.west", bytes),
            Got::Dropped(DropReason::Malformed)
        );
    }
    assert_eq!(
        world.fabric.drops().collect::<Vec<_>>(),
        [(DropReason::Malformed, 3)]
    );
}

#[test]
fn translated_packets_keep_their_checksums_right() {
    let mut world = World::new(&config());
    let port = world.port("nva1.west");
    let bytes = packet_of(udp("10.1.1.4", "20.0.0.3"));
    let mut out = Vec::new();
    let input = crate::fabric::Input::Packet { port, bytes };
    world.fabric.handle(world.now, input, &mut out);
    world.pass(WEST_EAST);
    out.clear();
    let bytes = packet_of(udp("10.1.1.4", "20.0.0.3"));
    let input = crate::fabric::Input::Packet { port, bytes };
    world.fabric.handle(world.now, input, &mut out);
    world.now = world.fabric.wake().expect("under way");
    world
        .fabric
        .handle(world.now, crate::fabric::Input::Wake, &mut out);
    let Some(crate::fabric::Output::Deliver { bytes, .. }) = out.pop() else {
        panic!("not delivered");
    };
    let view = packet::Ipv4::parse(&bytes).expect("a packet");
    let sum = packet::transport_checksum(
        view.source(),
        view.destination(),
        packet::UDP,
        view.payload(),
    );
    assert_eq!((packet::checksum(&bytes[..20]), sum), (0, 0));
}

#[test]
fn overlapping_address_space_of_strangers_does_not_meet() {
    let mut config = config();
    config.vnets.push(vnet("other", "east", "10.3.0.0/16", &[]));
    config
        .nics
        .push(super::world::nic("vm1.other", "other", "vms", "10.3.0.4"));
    config
        .nics
        .push(super::world::nic("vm2.other", "other", "vms", "10.3.0.5"));
    let mut world = World::new(&config);
    assert_eq!(
        world.send("vm2.other", udp("10.3.0.5", "10.3.0.4")).at(),
        "vm1.other"
    );
}
