//! Shortcuts between sites behind NATs of all kinds, whose hub is far away and whose packets must not be lost.

use core::time::Duration;

use sim::{Options, World};
use tunnel::Suite;
use view::{Answer, FlowSpec, Query, Tunnel};

use super::{after, converge, fail, plan_of};

const INTERVAL: Duration = Duration::from_millis(20);
/// Two seconds of relayed packets, a call, three seconds of measurement, and what the clocks of reviews add.
const UP_WITHIN: Duration = Duration::from_secs(10);

/// Two sites in the south of France whose hub is in Amsterdam.
fn sites(lyon: &str, nice: &str) -> World {
    let text = format!(
        "longhaul: 1
name: shortcuts
overlay: {{shortcuts: {{slots: 2, idle: 20s}}}}
regions:
  westeurope: {{hub: {{address_space: 10.1.0.0/20}}, nvas: {{count: 1}}}}
sites:
  - {{name: lyon, city: Lyon, lans: [10.200.1.0/24], underlays: [{{name: internet, nat: {lyon}}}]}}
  - {{name: nice, city: Nice, lans: [10.200.2.0/24], underlays: [{{name: internet, nat: {nice}}}]}}
"
    );
    let options = Options {
        suite: Suite::Null,
        seed: 1,
    };
    let mut world = World::new(plan_of(&text), options).unwrap_or_else(|error| panic!("{error}"));
    converge(&mut world);
    world
}

fn shortcuts(world: &World, device: &str) -> Vec<Tunnel> {
    let answer = world.ask(device, &Query::Tunnels);
    let Ok(Answer::Tunnels(tunnels)) = answer else {
        panic!("{answer:?}");
    };
    let mut tunnels = tunnels.tunnels;
    tunnels.retain(|tunnel| tunnel.role == "shortcut");
    tunnels
}

fn passes_the_hub(world: &World) -> bool {
    let flow = FlowSpec::default();
    let trace = world.trace("host1.lyon", "host1.nice", flow);
    let trace = trace.unwrap_or_else(|error| panic!("{error:?}"));
    assert!(trace.forward.delivered);
    let mut hops = trace.forward.hops.iter();
    hops.any(|hop| hop.device.starts_with("nva"))
}

fn run(world: &mut World, duration: Duration) {
    world.run_until(after(world, duration));
}

/// The shortcut comes up, carries all packets, and goes without any; none is lost at any time.
fn comes_up_and_goes(lyon: &str, nice: &str) {
    let mut world = sites(lyon, nice);
    assert!(passes_the_hub(&world));
    world.start_traffic(INTERVAL);
    run(&mut world, UP_WITHIN);
    assert!(!passes_the_hub(&world), "it carries");
    let [shortcut] = &shortcuts(&world, "cpe1.lyon")[..] else {
        panic!("{:?}", shortcuts(&world, "cpe1.lyon"));
    };
    assert_eq!(
        (shortcut.neighbor.as_str(), shortcut.up),
        ("cpe1.nice", true)
    );
    run(&mut world, Duration::from_secs(100));
    assert!(!passes_the_hub(&world), "it stays while it is used");
    for phase in world.stop_traffic() {
        assert_eq!(phase.lost, 0, "{:?}", phase.pairs);
    }
    run(&mut world, Duration::from_secs(25));
    assert!(shortcuts(&world, "cpe1.lyon").is_empty(), "idle");
    assert!(passes_the_hub(&world));
}

#[test]
fn endpoint_independent_nats_on_both_sides_let_a_shortcut_through() {
    comes_up_and_goes("true", "true");
}

#[test]
fn an_address_dependent_nat_on_one_side_lets_a_shortcut_through() {
    let forgiving = "{mapping: endpoint-independent, filtering: address-dependent}";
    comes_up_and_goes(forgiving, "{mapping: address-dependent}");
    comes_up_and_goes("{mapping: address-dependent}", forgiving);
}

#[test]
fn between_two_symmetric_nats_the_relay_stays() {
    let symmetric = "{mapping: address-and-port-dependent}";
    let mut world = sites(symmetric, symmetric);
    world.start_traffic(INTERVAL);
    run(&mut world, UP_WITHIN);
    assert!(passes_the_hub(&world));
    run(&mut world, Duration::from_secs(30));
    assert!(shortcuts(&world, "cpe1.lyon").is_empty(), "it was given up");
    for phase in world.stop_traffic() {
        assert_eq!(phase.lost, 0, "{:?}", phase.pairs);
    }
}

#[test]
fn a_shortcut_ends_with_the_last_hub_that_introduces() {
    let mut world = sites("true", "true");
    world.start_traffic(INTERVAL);
    run(&mut world, UP_WITHIN);
    assert!(!passes_the_hub(&world));
    fail(&mut world, "nva1.westeurope");
    run(&mut world, Duration::from_secs(5));
    assert!(
        shortcuts(&world, "cpe1.lyon").is_empty(),
        "without a hub there is none"
    );
}

#[test]
fn the_same_seed_makes_the_same_shortcuts() {
    let hash = || {
        let mut world = sites("true", "true");
        world.start_traffic(INTERVAL);
        run(&mut world, UP_WITHIN);
        world.trace_hash()
    };
    assert_eq!(hash(), hash());
}
