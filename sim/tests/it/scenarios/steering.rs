//! Voice at a site with MPLS and the internet: what makes it move, how soon, and what brings it back. The lab runs the same
//! scripts.

mod script;

use core::time::Duration;

use sim::World;
use view::{Answer, Paths, Query};

use super::super::{fail, heal};
use super::running;
use script::{Moved, Network, run};

const DESIGN: &str = include_str!("../../../../examples/11-mpls-integration.yaml");
/// The two ends of a link.
const ENDS: [&str; 2] = ["cpe1.paris", "nva1.westeurope"];

fn paths(world: &World, device: &str) -> Paths {
    match world.ask(device, &Query::Paths) {
        Ok(Answer::Paths(paths)) => paths,
        other => panic!("{other:?}"),
    }
}

impl Network for World {
    fn fail(&mut self, target: &str) {
        fail(self, target);
    }

    fn heal(&mut self, target: &str) {
        heal(self, target);
    }

    fn wait(&mut self, duration: Duration) {
        let until = Self::now(self) + duration;
        self.run_until(until);
    }

    fn now(&mut self) -> Duration {
        Duration::from_nanos(Self::now(self).as_nanos())
    }

    fn moves(&mut self) -> [Vec<Moved>; 2] {
        let now = Network::now(self);
        let between = |device: &str, neighbor: &str| {
            let moves = paths(self, device).moves.into_iter();
            let moves = moves
                .filter(|one| one.neighbor == neighbor && one.class.as_deref() == Some("voice"));
            let told = moves.map(|one| Moved {
                at: now - Duration::from_millis(one.ago_ms),
                what: format!(
                    "{} > {}: {}",
                    one.from.join("+"),
                    one.to.join("+"),
                    one.cause
                ),
            });
            told.collect()
        };
        let [site, hub] = ENDS;
        [between(site, hub), between(hub, site)]
    }
}

#[test]
fn voice_leaves_mpls_that_got_slow_within_ten_seconds_and_comes_back() {
    run(
        &mut running(DESIGN),
        include_str!("../../../../cases/steering/latency.txt"),
    );
}

#[test]
fn voice_leaves_mpls_that_got_unsteady_within_ten_seconds_and_comes_back() {
    run(
        &mut running(DESIGN),
        include_str!("../../../../cases/steering/jitter.txt"),
    );
}

#[test]
fn voice_leaves_mpls_that_loses_within_ten_seconds_and_comes_back() {
    run(
        &mut running(DESIGN),
        include_str!("../../../../cases/steering/loss.txt"),
    );
}

#[test]
fn voice_leaves_mpls_that_loses_one_way_in_both_directions() {
    let script = include_str!("../../../../cases/steering/asymmetric-loss.txt");
    run(&mut running(DESIGN), script);
}

#[test]
fn voice_leaves_mpls_that_is_cut_within_a_second() {
    run(
        &mut running(DESIGN),
        include_str!("../../../../cases/steering/black-out.txt"),
    );
}

#[test]
fn voice_moves_twice_in_a_minute_at_most_while_mpls_flaps() {
    run(
        &mut running(DESIGN),
        include_str!("../../../../cases/steering/flapping.txt"),
    );
}

/// The design with fast probes.
fn fast() -> String {
    DESIGN.replacen(
        "\nregions:",
        "\noverlay: {probe: {fast: true}}\nregions:",
        1,
    )
}

#[test]
fn with_fast_probes_voice_leaves_mpls_that_is_cut_within_300_ms() {
    let mut world = running(&fast());
    let before = world.moves().map(|moves| moves.len());
    fail(&mut world, "underlay:paris/mpls");
    world.wait(Duration::from_millis(300));
    let after = world.moves();
    assert_eq!(
        after.map(|moves| moves.len()),
        before.map(|count| count + 1)
    );
}

#[test]
fn a_satellite_path_of_700_ms_is_a_living_one_with_usual_and_with_fast_probes() {
    for design in [DESIGN.to_owned(), fast()] {
        let slow = design.replace(
            "bandwidth: 50mbit, latency: 1ms",
            "bandwidth: 50mbit, latency: 347ms",
        );
        assert_ne!(slow, design);
        let mut world = running(&slow);
        let count = |world: &World| paths(world, "cpe1.paris").moves.len();
        world.wait(Duration::from_secs(20));
        let before = count(&world);
        world.wait(Duration::from_secs(120));
        assert_eq!(count(&world), before, "nothing moves");
        let paths = paths(&world, "cpe1.paris").paths;
        assert!(
            paths.iter().all(|path| path.standing != "down"),
            "{paths:?}"
        );
        let broken = |path: &&view::PathStanding| {
            path.class.as_deref() == Some("voice") && path.path == "mpls"
        };
        let because = &paths.iter().find(broken).expect("voice over MPLS").because;
        assert!(because.contains("measured rtt 70"), "{because}");
    }
}

#[test]
fn show_paths_and_trace_say_which_measurement_and_which_rule_decided() {
    let mut world = running(DESIGN);
    fail(&mut world, "brownout:paris/mpls,latency=150ms");
    world.wait(Duration::from_secs(10));
    let told = paths(&world, "cpe1.paris");
    let voice = told.paths.iter().find(|path| {
        path.class.as_deref() == Some("voice")
            && path.path == "mpls"
            && path.neighbor == "nva1.westeurope"
    });
    let voice = voice.expect("voice over MPLS");
    assert_eq!(voice.standing, "breaks");
    assert!(
        voice.because.starts_with("choice 1; measured rtt "),
        "{}",
        voice.because
    );
    assert!(
        voice.because.contains("over 5s (limit 150.0ms)"),
        "{}",
        voice.because
    );
    let moved = told.moves.last().expect("voice has moved");
    assert!(
        moved.because.starts_with("mpls measured rtt "),
        "{}",
        moved.because
    );
    let flow = "udp:5000:16384@46".parse().expect("a flow");
    let trace = world
        .trace("host1.paris", "vm1.spoke1-westeurope", flow)
        .expect("an answer");
    let reasons: Vec<String> = trace
        .forward
        .hops
        .into_iter()
        .flat_map(|hop| hop.reasons)
        .collect();
    let reasons = reasons.join("; ");
    for part in [
        "class voice",
        "cpe1.paris/mpls does not keep what the class asks (choice 1; measured rtt ",
        "cpe1.paris/internet carries it (choice 2; ",
    ] {
        assert!(reasons.contains(part), "{part}: {reasons}");
    }
}
