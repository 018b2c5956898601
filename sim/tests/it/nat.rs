//! Sites behind NATs.

use core::time::Duration;

use view::{Answer, Query};

use super::{converged, fail};

const MILLI: Duration = Duration::from_millis(1);

/// Where hubs reach the CPE of Chicago, which is behind a NAT: port by hub.
fn ports(world: &sim::World) -> Vec<u16> {
    let mut ports = Vec::new();
    for hub in ["nva1.eastus", "nva2.eastus"] {
        let Ok(Answer::Tunnels(tunnels)) = world.ask(hub, &Query::Tunnels) else {
            panic!("{hub} does not say");
        };
        let tunnels = tunnels.tunnels.iter();
        let mut tunnels = tunnels.filter(|tunnel| tunnel.neighbor == "cpe1.chicago");
        let paths = &tunnels.next().expect("a tunnel").paths;
        ports.extend(
            paths
                .iter()
                .filter_map(|path| path.endpoint.map(|at| at.port())),
        );
    }
    ports
}

#[test]
fn a_nat_that_restarts_moves_the_tunnels_and_loses_next_to_nothing() {
    let mut world = converged();
    let before = ports(&world);
    assert!(!before.is_empty());
    world.start_traffic(MILLI * 10);
    world.run_until(world.now() + MILLI * 1_000);
    fail(&mut world, "rebind:chicago/internet");
    world.run_until(world.now() + MILLI * 5_000);
    for (before, after) in before.iter().zip(ports(&world)) {
        assert_ne!(*before, after, "the NAT gave out the same port again");
    }
    let report = world.stop_traffic();
    let phase = report.last().expect("the phase of the restart");
    let gap = phase.longest_gap();
    assert!(gap <= MILLI * 400, "{gap:?} without a packet");
    assert!(
        phase.pairs.iter().all(|pair| {
            pair.source.ends_with("chicago") || pair.destination.ends_with("chicago")
        })
    );
}
