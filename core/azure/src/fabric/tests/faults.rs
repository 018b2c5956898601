//! What breaks and mends.

use core::time::Duration;

use super::world::{Got, World, config, ip, packet_of, tcp, udp};
use crate::fabric::{Brownout, DropReason, Fault, Input, Output};

#[test]
fn a_cut_access_link_carries_nothing_either_way_until_it_is_mended() {
    let mut world = World::new(&config());
    let fault = |up| Fault::Attachment {
        device: "cpe1.paris".to_owned(),
        interface: "wan0".to_owned(),
        up,
    };
    world.fault(fault(false));
    let down = Got::Dropped(DropReason::AttachmentDown);
    assert_eq!(
        world.send("cpe1.paris/wan0", udp("84.0.0.1", "20.0.0.1")),
        down
    );
    assert_eq!(world.send("nva1.west", udp("10.1.1.4", "84.0.0.1")), down);
    assert_eq!(
        world
            .send("cpe1.paris/wan1", udp("84.1.0.1", "20.0.0.1"))
            .at(),
        "nva1.west"
    );
    world.fault(fault(true));
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "84.0.0.1")).at(),
        "cpe1.paris/wan0"
    );
}

#[test]
fn a_dead_device_neither_sends_nor_receives() {
    let mut world = World::new(&config());
    world.device("nva2.west", false);
    let dead = Got::Dropped(DropReason::DeviceDown);
    assert_eq!(world.send("nva1.west", udp("10.1.1.4", "10.1.1.5")), dead);
    assert_eq!(world.send("nva2.west", udp("10.1.1.5", "10.1.1.4")), dead);
    world.device("nva2.west", true);
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "10.1.1.5")).at(),
        "nva2.west"
    );
}

#[test]
fn a_path_is_cut_between_two_addresses_and_nowhere_else() {
    for (a, b) in [("84.0.0.1", "20.0.0.1"), ("10.1.1.4", "84.0.0.1")] {
        let mut world = World::new(&config());
        world.fault(Fault::Path {
            a: ip(a),
            b: ip(b),
            up: false,
        });
        let cut = Got::Dropped(DropReason::PathDown);
        assert_eq!(
            world.send("cpe1.paris/wan0", udp("84.0.0.1", "20.0.0.1")),
            cut
        );
        assert_eq!(world.send("nva1.west", udp("10.1.1.4", "84.0.0.1")), cut);
        assert_eq!(
            world
                .send("cpe1.paris/wan1", udp("84.1.0.1", "20.0.0.1"))
                .at(),
            "nva1.west"
        );
        assert_eq!(
            world.send("nva1.west", udp("10.1.1.4", "10.1.2.4")).at(),
            "rs0.west"
        );
    }
}

#[test]
fn a_path_to_a_site_behind_nat_may_be_named_by_its_own_address() {
    let mut world = World::new(&config());
    world.fault(Fault::Path {
        a: ip("192.168.1.2"),
        b: ip("10.1.1.4"),
        up: false,
    });
    let cut = Got::Dropped(DropReason::PathDown);
    assert_eq!(
        world.send("cpe1.lyon/wan0", udp("192.168.1.2", "20.0.0.1")),
        cut
    );
    assert_eq!(world.send("nva1.west", udp("10.1.1.4", "84.0.0.9")), cut);
}

#[test]
fn a_cut_backbone_pair_separates_private_and_public_traffic() {
    let mut world = World::new(&config());
    let pair = |up| Fault::Pair {
        a: "east".to_owned(),
        b: "west".to_owned(),
        up,
    };
    world.fault(pair(false));
    let cut = Got::Dropped(DropReason::BackboneDown);
    assert_eq!(world.send("nva1.west", udp("10.1.1.4", "10.11.1.4")), cut);
    assert_eq!(world.send("nva1.east", udp("10.11.1.4", "20.0.0.1")), cut);
    assert_eq!(
        world
            .send("cpe1.paris/wan0", udp("84.0.0.1", "20.0.0.3"))
            .at(),
        "nva1.east"
    );
    world.fault(pair(true));
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "10.11.1.4")).at(),
        "nva1.east"
    );
}

#[test]
fn a_dead_region_is_dead_for_everybody() {
    let mut world = World::new(&config());
    world.fault(Fault::Region {
        name: "west".to_owned(),
        up: false,
    });
    let dead = Got::Dropped(DropReason::RegionDown);
    assert_eq!(world.send("nva1.east", udp("10.11.1.4", "10.1.1.4")), dead);
    assert_eq!(world.send("vm1.spoke", udp("10.2.0.4", "10.2.0.5")), dead);
    assert_eq!(
        world.send("cpe1.paris/wan0", udp("84.0.0.1", "20.0.0.1")),
        dead
    );
}

#[test]
fn a_fault_that_names_nothing_is_refused() {
    let mut world = World::new(&config());
    let faults = [
        Fault::Device {
            name: "nva9.west".to_owned(),
            up: false,
        },
        Fault::Attachment {
            device: "nva1.west".to_owned(),
            interface: "eth0".to_owned(),
            up: false,
        },
        Fault::Pair {
            a: "west".to_owned(),
            b: "atlantis".to_owned(),
            up: false,
        },
    ];
    for fault in faults {
        let mut out = Vec::new();
        world
            .fabric
            .handle(world.now, Input::Command(fault.clone()), &mut out);
        assert_eq!(out, [Output::Refused(fault)]);
    }
}

#[test]
fn a_brown_out_slows_an_access_link_and_loses_packets_until_it_is_over() {
    let mut world = World::new(&config());
    let brownout = |up| Fault::Brownout {
        device: "cpe1.paris".to_owned(),
        interface: "wan0".to_owned(),
        brownout: Brownout {
            latency: Duration::from_millis(100),
            jitter: Duration::ZERO,
            loss_ppm: 50_000,
            from_site: true,
            to_site: false,
        },
        up,
    };
    let flow = udp("84.0.0.1", "20.0.0.1");
    let before = world.send("cpe1.paris/wan0", flow).after();
    world.fault(brownout(false));
    let mut lost = 0;
    for _ in 0..200 {
        match world.send_packet("cpe1.paris/wan0", packet_of(flow)) {
            Got::Arrived { after, .. } => assert_eq!(after, before + Duration::from_millis(100)),
            Got::Dropped(reason) => {
                assert_eq!(reason, DropReason::Lost);
                lost += 1;
            }
        }
    }
    assert!((2..30).contains(&lost), "{lost} of 200");
    world.fault(brownout(true));
    assert_eq!(world.send("cpe1.paris/wan0", flow).after(), before);
}

#[test]
fn a_firewall_that_blocks_udp_lets_other_protocols_through() {
    let mut world = World::new(&config());
    let fault = |up| Fault::Udp {
        device: "cpe1.paris".to_owned(),
        interface: "wan0".to_owned(),
        up,
    };
    world.fault(fault(false));
    let blocked = Got::Dropped(DropReason::Firewall);
    assert_eq!(
        world.send("cpe1.paris/wan0", udp("84.0.0.1", "20.0.0.1")),
        blocked
    );
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "84.0.0.1")),
        blocked
    );
    let tcp = tcp("84.0.0.1", "20.0.0.1", 5_000, 443);
    assert_ne!(world.send("cpe1.paris/wan0", tcp), blocked);
    world.fault(fault(true));
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "84.0.0.1")).at(),
        "cpe1.paris/wan0"
    );
}
