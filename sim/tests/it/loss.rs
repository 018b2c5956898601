//! What failures cost while packets flow: one every 10 ms between all pairs of hosts.

use core::time::Duration;

use sim::scenario::{Report, Scenario, Step};

use super::{SETTLE, after, converged, fail};

const INTERVAL: Duration = Duration::from_millis(10);
/// Liveness detection at its defaults, and a little for the news to travel.
const TUNNEL_FAILURE: Duration = Duration::from_millis(1200);

fn run(target: &str) -> Report {
    let mut world = converged();
    let scenario = Scenario {
        steps: vec![
            Step::parse(&format!("{target}@2s"), false, world.plan()).expect("a step"),
            Step::parse(&format!("{target}@12s"), true, world.plan()).expect("a step"),
        ],
        traffic: Some(INTERVAL),
        settle: SETTLE,
        patience: Duration::from_secs(60),
    };
    sim::scenario::run(&mut world, &scenario)
}

fn tunnel_failure_is_short(target: &str) {
    let report = run(target);
    let [start, failed, healed] = &report.loss[..] else {
        panic!("{:?}", report.loss);
    };
    assert_eq!(start.lost, 0, "{:?}", start.pairs.first());
    assert!(failed.lost > 0, "{target}: nothing was cut");
    let worst = failed.longest_gap();
    assert!(
        worst <= TUNNEL_FAILURE,
        "{target}: {worst:?}, {:?}",
        failed.pairs.first()
    );
    assert!(
        healed.longest_gap() <= Duration::from_millis(100),
        "{:?}",
        healed.pairs.first()
    );
}

#[test]
fn a_cut_underlay_costs_what_detection_takes() {
    tunnel_failure_is_short("underlay:london/mpls");
}

#[test]
fn an_nva_that_lost_its_tunnels_to_a_site_but_not_its_sessions_costs_what_detection_takes() {
    tunnel_failure_is_short("path:nva1.westeurope>cpe1.paris");
}

#[test]
fn a_silent_nva_costs_the_overlay_what_detection_takes_and_the_vnets_the_hold_time() {
    let mut world = converged();
    // Three minutes of it: fewer packets do.
    world.start_traffic(INTERVAL * 5);
    world.run_until(after(&world, Duration::from_secs(1)));
    fail(&mut world, "nva1.westeurope");
    world.run_until(after(&world, Duration::from_secs(200)));
    let loss = world.stop_traffic();
    let failed = &loss[1];
    let is_vm = |name: &str| name.starts_with("vm1.") && name.ends_with("-westeurope");
    let (from_vms, overlay): (Vec<_>, Vec<_>) =
        failed.pairs.iter().partition(|pair| is_vm(&pair.source));
    let worst = |pairs: &[&sim::PairLoss]| pairs.iter().map(|pair| pair.longest_gap).max();
    let overlay = worst(&overlay).unwrap_or_default();
    assert!(overlay <= TUNNEL_FAILURE, "{overlay:?}");
    let vnets = worst(&from_vms).expect("flows of VMs go through the dead NVA");
    let hold = Duration::from_secs(180);
    assert!(
        vnets > hold - Duration::from_secs(61) && vnets <= hold + Duration::from_secs(2),
        "{vnets:?}"
    );
}
