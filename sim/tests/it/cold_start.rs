//! The example design from nothing.

use core::time::Duration;

use inet::Instant;
use tunnel::Suite;
use view::FlowSpec;

use super::{converge, converged, example, nobody_is_silent};

#[test]
fn the_example_converges_with_real_cryptography_and_every_host_reaches_every_other() {
    let mut world = example(Suite::WireGuard, 1);
    let convergence = converge(&mut world);
    assert_eq!(convergence.sessions_up, convergence.sessions);
    assert!(convergence.sessions > 0);
    assert!(convergence.at < Instant::from_secs(10), "{convergence:?}");
    nobody_is_silent(&mut world);
}

#[test]
fn two_runs_of_one_seed_make_the_same_packets_and_another_seed_does_not() {
    let hash = |suite, seed| {
        let mut world = example(suite, seed);
        world.run_until(Instant::from_secs(3));
        (world.trace_hash(), world.events())
    };
    for suite in [Suite::WireGuard, Suite::Null] {
        assert_eq!(hash(suite, 5), hash(suite, 5));
        assert_ne!(hash(suite, 5).0, hash(suite, 6).0);
    }
}

#[test]
fn how_time_is_cut_into_pieces_changes_nothing() {
    let mut whole = example(Suite::Null, 1);
    whole.run_until(Instant::from_secs(3));
    let mut pieces = example(Suite::Null, 1);
    for millis in (0..=3000).step_by(7) {
        pieces.run_until(Instant::from_millis(millis));
    }
    pieces.run_until(Instant::from_secs(3));
    assert_eq!(whole.trace_hash(), pieces.trace_hash());
}

#[test]
fn every_seed_ends_in_the_same_forwarding_tables() {
    let forwarding = converged().forwarding();
    for seed in 2..6 {
        let mut world = example(Suite::Null, seed);
        converge(&mut world);
        let differences = forwarding.differences(&world.forwarding());
        assert!(differences.is_empty(), "seed {seed}: {differences:?}");
    }
}

#[test]
fn pings_take_as_long_as_traces_say() {
    let mut world = converged();
    for echo in world.ping_all().echoes {
        let trace = world
            .trace(&echo.source, &echo.destination, FlowSpec::default())
            .unwrap_or_else(|error| panic!("{error}"));
        let predicted = trace.round_trip_us.map(Duration::from_micros);
        let (Some(predicted), Some(measured)) = (predicted, echo.round_trip) else {
            panic!("{} > {}: {trace:#?}", echo.source, echo.destination);
        };
        let tolerance = predicted / 20 + Duration::from_millis(2);
        assert!(
            predicted.abs_diff(measured) <= tolerance,
            "{} > {}: {predicted:?} predicted, {measured:?} measured",
            echo.source,
            echo.destination
        );
    }
}

#[test]
fn a_trace_names_region_underlay_and_the_other_nva() {
    let world = converged();
    let flow = "tcp:51000:443".parse().expect("a flow");
    let trace = world
        .trace("host1.paris", "vm1.spoke1-eastus", flow)
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(trace.forward.delivered, "{trace:#?}");
    let hops = &trace.forward.hops;
    let names: Vec<&str> = hops.iter().map(|hop| hop.device.as_str()).collect();
    assert_eq!(names.first(), Some(&"host1.paris"));
    assert_eq!(names.last(), Some(&"vm1.spoke1-eastus"));
    assert!(names.contains(&"cpe1.paris"), "{names:?}");
    let regions: Vec<&str> = hops
        .iter()
        .filter_map(|hop| hop.region.as_deref())
        .collect();
    assert_eq!(regions.last(), Some(&"eastus"));
    assert!(
        hops.iter()
            .any(|hop| hop.underlay.as_deref() == Some("internet"))
    );
    let grows = hops
        .windows(2)
        .all(|pair| pair[0].latency_us <= pair[1].latency_us);
    assert!(
        grows && hops.iter().all(|hop| !hop.reasons.is_empty()),
        "{trace:#?}"
    );
    let reverse = trace.reverse.expect("replies arrive");
    assert!(reverse.delivered);
    let passes = |hops: &[view::Hop], nva: &String| hops.iter().any(|hop| hop.device == *nva);
    for nva in &trace.other_nvas {
        assert_ne!(passes(hops, nva), passes(&reverse.hops, nva));
    }
}
