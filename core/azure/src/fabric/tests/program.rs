//! Who programs which NICs.

use core::time::Duration;

use design::plan::{FabricConfig, NicShare, VmsOver};
use inet::Instant;

use super::world::{Got, PROGRAMMING_DELAY, World, config, ip, nic, prefix, udp};
use crate::fabric::{DropReason, Input, NextHopType, RouteSource};

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
    World::new(&many_config())
}

/// Forty VMs more in the spoke.
fn many_config() -> FabricConfig {
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
    config
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

#[test]
fn azure_9_nics_can_be_split_in_turns() {
    let mut config = many_config();
    config.vnets[0].programming.share = NicShare::Alternate;
    let mut world = World::new(&config);
    world.program("rs0.west", "172.20.0.0/16", &["10.1.1.4"]);
    let share = programmed(&world);
    assert_eq!(count(&share), 20);
    assert!(share.windows(2).all(|pair| pair[0] != pair[1]), "{share:?}");
}

/// VMs around the Route Server in West Europe, and its limit.
fn vms(world: &World) -> (u32, u32) {
    let rs0 = world.instance("rs0.west");
    world.fabric.vms(rs0).expect("an instance")
}

#[test]
fn azure_1_4_vms_beyond_the_limit_are_not_programmed() {
    let mut config = many_config();
    let (all, limit) = vms(&World::new(&config));
    assert_eq!(limit, 4_000);
    let others = all - 40;
    config.vnets[0].programming.vms = others + 30;
    let mut world = World::new(&config);
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    let got = programmed(&world);
    assert!(got[..30].iter().all(|has| *has) && !got[30..].iter().any(|has| *has));
    assert_eq!(vms(&world), (others + 40, others + 30));

    for (over, left) in [(VmsOver::Hash, 30..=40), (VmsOver::Nobody, 40..=40)] {
        config.vnets[0].programming.over_vms = over;
        let mut world = World::new(&config);
        world.program_both("172.20.0.0/16", &["10.1.1.4"]);
        assert!(left.contains(&count(&programmed(&world))), "{over:?}");
    }
}

#[test]
fn azure_1_12_each_route_takes_its_own_time_between_the_least_and_the_most() {
    let mut config = config();
    config.programming_delay_ms = 5_000;
    config.programming_delay_max_ms = 30_000;
    let mut world = World::new(&config);
    let rs0 = world.instance("rs0.west");
    for index in 0..250 {
        let input = Input::Program {
            instance: rs0,
            prefix: prefix(&format!("172.20.{index}.0/24")),
            next_hops: vec![ip("10.1.1.4")],
        };
        world.fabric.handle(world.now, input, &mut Vec::new());
    }
    let mut there = |after: u64| {
        world.pass(Duration::from_secs(after));
        world.fabric.programmed_by(rs0).count()
    };
    let seen = [there(5), there(6), there(6), there(7), there(6)];
    assert!(seen[0] < 10 && seen[4] == 250, "{seen:?}");
    assert!(
        seen.windows(2).all(|pair| pair[1] > pair[0] + 25),
        "{seen:?}"
    );
}

#[test]
fn azure_1_12_decisions_about_one_prefix_keep_their_order() {
    let mut config = config();
    config.programming_delay_ms = 5_000;
    config.programming_delay_max_ms = 30_000;
    let mut world = World::new(&config);
    let rs0 = world.instance("rs0.west");
    for hop in ["10.1.1.4", "10.1.1.5"] {
        for index in 0..50 {
            let input = Input::Program {
                instance: rs0,
                prefix: prefix(&format!("172.20.{index}.0/24")),
                next_hops: vec![ip(hop)],
            };
            world.fabric.handle(world.now, input, &mut Vec::new());
        }
        world.pass(Duration::from_secs(1));
    }
    world.pass(Duration::from_secs(30));
    let mut all = world.fabric.programmed_by(rs0);
    assert!(all.all(|(_, hops)| hops == [ip("10.1.1.5")]));
}

#[test]
fn azure_1_7_a_next_hop_beyond_the_peered_vnets_is_a_black_hole_shown_as_none() {
    let mut world = World::new(&config());
    world.program_both("172.20.0.0/16", &["10.9.9.9"]);
    let rows = world.fabric.effective_routes(world.port("vm1.spoke"));
    let rows = rows.expect("a NIC");
    let row = rows
        .iter()
        .find(|row| row.prefix == prefix("172.20.0.0/16"));
    assert_eq!(row.expect("listed").next_hop_type, NextHopType::None);
}

#[test]
fn azure_1_6_the_nvas_own_nic_gets_the_route_through_itself() {
    let mut world = World::new(&config());
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    let rows = world.fabric.effective_routes(world.port("nva1.west"));
    let rows = rows.expect("a NIC");
    let own = rows
        .iter()
        .find(|row| row.prefix == prefix("172.20.0.0/16"));
    assert_eq!(own.expect("programmed").next_hops, [ip("10.1.1.4")]);
}

#[test]
fn azure_2_6_a_subnet_says_whether_it_keeps_bgp_routes_out_and_a_device_whether_it_runs() {
    let mut world = World::new(&config());
    let port = world.port("vm1.spoke");
    assert_eq!(world.fabric.keeps_out_bgp(port), Some(false));
    assert_eq!(world.fabric.is_running("vm1.spoke"), Some(true));
    world.device("vm1.spoke", false);
    assert_eq!(world.fabric.is_running("vm1.spoke"), Some(false));
    assert_eq!(world.fabric.is_running("nobody"), None);
}
