//! Who programs which NICs.

use core::time::Duration;

use inet::Instant;

use super::world::{Got, PROGRAMMING_DELAY, World, config, ip, nic, prefix, udp};
use crate::fabric::{DropReason, Input, RouteSource};

/// Which of many VMs in the spoke have a programmed route.
fn programmed(world: &World) -> Vec<bool> {
    (0..40)
        .map(|index| {
            let port = world.port(&format!("many{index}.spoke"));
            let rows = world.fabric.effective_routes(port).expect("a NIC");
            rows.iter()
                .any(|row| row.source == RouteSource::VirtualNetworkGateway)
        })
        .collect()
}

fn many() -> World {
    let mut config = config();
    for index in 0..40 {
        let device = format!("many{index}.spoke");
        config.nics.push(nic(
            &device,
            "spoke-west",
            "vms",
            &format!("10.2.0.{}", 100 + index),
        ));
    }
    World::new(&config)
}

/// Which NVA a flow of a VM takes.
fn taken(world: &mut World, device: &str, source: &str) -> &'static str {
    world.send(device, udp(source, "172.20.1.1")).at()
}

fn count(programmed: &[bool]) -> usize {
    programmed.iter().filter(|has| **has).count()
}

#[test]
fn about_half_of_the_vms_lack_what_only_one_instance_learned() {
    let mut world = many();
    world.program("rs0.west", "172.20.0.0/16", &["10.1.1.4"]);
    let share = programmed(&world);
    assert!((10..30).contains(&count(&share)), "{share:?}");
    world.program("rs1.west", "172.20.0.0/16", &["10.1.1.4"]);
    assert_eq!(count(&programmed(&world)), 40);
}

#[test]
fn the_other_instance_takes_over_when_one_is_down() {
    let mut world = many();
    world.program("rs0.west", "172.20.0.0/16", &["10.1.1.4"]);
    let rs1 = world.instance("rs1.west");
    world
        .fabric
        .handle(world.now, Input::InstanceDown(rs1), &mut Vec::new());
    assert!(count(&programmed(&world)) < 40, "the delay is not over");
    world.pass(PROGRAMMING_DELAY);
    assert_eq!(count(&programmed(&world)), 40);
}

#[test]
fn an_instance_that_comes_back_waits_until_it_has_what_the_other_has() {
    let mut world = many();
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    world.program_both("172.21.0.0/16", &["10.1.1.4"]);
    world.device("rs1.west", false);
    world.pass(PROGRAMMING_DELAY);
    world.device("rs1.west", true);
    assert_eq!(count(&programmed(&world)), 40, "the other still serves all");
    world.program("rs1.west", "172.20.0.0/16", &["10.1.1.5"]);
    assert_eq!(taken(&mut world, "vm1.spoke", "10.2.0.4"), "nva1.west");
    assert_eq!(taken(&mut world, "vm2.spoke", "10.2.0.5"), "nva1.west");
    world.program("rs1.west", "172.21.0.0/16", &["10.1.1.5"]);
    assert_eq!(count(&programmed(&world)), 40);
    let through_second = (0..40)
        .filter(|index| {
            let address = format!("10.2.0.{}", 100 + index);
            taken(&mut world, &format!("many{index}.spoke"), &address) == "nva2.west"
        })
        .count();
    assert!((10..30).contains(&through_second), "{through_second}");
}

#[test]
fn nics_keep_what_was_programmed_while_no_instance_runs() {
    let mut world = many();
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    world.device("rs0.west", false);
    world.device("rs1.west", false);
    world.pass(PROGRAMMING_DELAY);
    assert_eq!(count(&programmed(&world)), 40);
}

#[test]
fn a_decision_reaches_the_nics_after_the_programming_delay() {
    let mut world = World::new(&config());
    let input = Input::Program {
        instance: world.instance("rs0.west"),
        prefix: prefix("172.20.0.0/16"),
        next_hops: vec![ip("10.1.1.4")],
    };
    world.fabric.handle(world.now, input, &mut Vec::new());
    assert_eq!(world.fabric.wake(), Some(world.now + PROGRAMMING_DELAY));
    world.pass(PROGRAMMING_DELAY - Duration::from_nanos(1));
    let rs0 = world.instance("rs0.west");
    assert_eq!(world.fabric.programmed_by(rs0).count(), 0);
    world.pass(Duration::from_nanos(1));
    assert_eq!(world.fabric.programmed_by(rs0).count(), 1);
}

#[test]
fn no_next_hops_withdraw_the_prefix() {
    let mut world = World::new(&config());
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    world.program_both("172.20.0.0/16", &[]);
    let got = world.send("vm1.spoke", udp("10.2.0.4", "172.20.1.1"));
    assert_eq!(got, Got::Dropped(DropReason::RouteNone));
}

#[test]
fn only_vnets_that_use_the_hubs_gateway_are_programmed() {
    let mut config = config();
    config.vnets[1].peerings[0].use_remote_gateways = false;
    let mut world = World::new(&config);
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    let got = world.send("vm1.spoke", udp("10.2.0.4", "172.20.1.1"));
    assert_eq!(got, Got::Dropped(DropReason::RouteNone));
    let mut config = super::world::config();
    config.vnets[0].peerings[0].allow_gateway_transit = false;
    let mut world = World::new(&config);
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    let got = world.send("vm1.spoke", udp("10.2.0.4", "172.20.1.1"));
    assert_eq!(got, Got::Dropped(DropReason::RouteNone));
    assert_eq!(
        world.send("nva2.west", udp("10.1.1.5", "172.20.1.1")).at(),
        "nva1.west"
    );
}

#[test]
fn decisions_from_before_a_restart_are_void() {
    let mut world = World::new(&config());
    let rs0 = world.instance("rs0.west");
    world.device("rs0.west", false);
    world.device("rs0.west", true);
    world.device("rs0.west", false);
    let input = Input::Program {
        instance: rs0,
        prefix: prefix("172.20.0.0/16"),
        next_hops: vec![ip("10.1.1.4")],
    };
    world.fabric.handle(world.now, input, &mut Vec::new());
    world.device("rs0.west", true);
    world.pass(PROGRAMMING_DELAY);
    assert_eq!(world.fabric.programmed_by(rs0).count(), 0);
}

#[test]
fn late_wakes_let_everything_happen_at_its_own_time() {
    let mut world = World::new(&config());
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    world.pass(Duration::from_secs(9));
    assert_eq!(world.fabric.wake(), None);
    world
        .fabric
        .handle(Instant::ZERO, Input::Wake, &mut Vec::new());
}
