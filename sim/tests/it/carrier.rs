//! Sites whose firewall blocks UDP: their tunnels go over TLS, and come back.

use core::time::Duration;

use sim::{Options, World};
use tunnel::Suite;
use view::{Answer, FlowSpec, Query};

use super::{after, converge, fail, heal, nobody_is_silent, plan_of};

const DESIGN: &str = include_str!("../../../examples/16-udp-blocked.yaml");
const SECOND: Duration = Duration::from_secs(1);
const HUBS: [&str; 2] = ["nva1.westeurope", "nva2.westeurope"];

fn running() -> World {
    let options = Options {
        suite: Suite::WireGuard,
        seed: 3,
    };
    let mut world = World::new(plan_of(DESIGN), options).unwrap_or_else(|error| panic!("{error}"));
    converge(&mut world);
    world
}

fn run(world: &mut World, duration: Duration) {
    world.run_until(after(world, duration));
}

/// How the paths of a device to a neighbour are carried, by the own locator's name; only those that are up.
fn carried(world: &World, device: &str, neighbor: &str) -> Vec<(String, String)> {
    let Ok(Answer::Tunnels(answer)) = world.ask(device, &Query::Tunnels) else {
        panic!("{device} does not answer");
    };
    let tunnels = answer.tunnels.into_iter();
    let paths = tunnels
        .filter(|tunnel| tunnel.neighbor == neighbor)
        .flat_map(|tunnel| tunnel.paths);
    let up = paths.filter(|path| path.up);
    up.map(|path| (path.local, path.carrier)).collect()
}

fn by(way: &str) -> Vec<(String, String)> {
    vec![("cpe1.paris/internet".to_owned(), way.to_owned())]
}

#[test]
fn traffic_goes_over_tls_within_five_seconds_and_back_by_udp_within_thirty_without_a_loss() {
    let mut world = running();
    world.start_traffic(SECOND / 20);
    run(&mut world, SECOND);
    fail(&mut world, "udp:paris/internet");
    run(&mut world, SECOND * 60);
    for hub in HUBS {
        assert_eq!(carried(&world, "cpe1.paris", hub), by("tls"));
    }
    heal(&mut world, "udp:paris/internet");
    run(&mut world, SECOND * 30);
    for hub in HUBS {
        assert_eq!(carried(&world, "cpe1.paris", hub), by("udp"));
        let seen = carried(&world, hub, "cpe1.paris");
        assert!(seen.iter().all(|(_, way)| way == "udp"), "{seen:?}");
    }
    let loss = world.stop_traffic();
    let [start, blocked, healed] = &loss[..] else {
        panic!("{loss:?}");
    };
    assert_eq!(
        (start.lost, healed.lost),
        (0, 0),
        "{:?}",
        healed.pairs.first()
    );
    let gap = blocked.longest_gap();
    assert!(gap > SECOND && gap <= SECOND * 5, "{gap:?}");
    let others = blocked.pairs.iter().filter(|pair| {
        let ends = [&pair.source, &pair.destination];
        ends.iter().all(|end| !end.ends_with("paris"))
    });
    assert_eq!(others.count(), 0, "the other site is not touched");
}

#[test]
fn a_network_that_starts_behind_the_firewall_works_and_its_hub_may_start_anew() {
    let options = Options {
        suite: Suite::WireGuard,
        seed: 4,
    };
    let mut world = World::new(plan_of(DESIGN), options).unwrap_or_else(|error| panic!("{error}"));
    fail(&mut world, "udp:paris/internet");
    converge(&mut world);
    nobody_is_silent(&mut world);
    fail(&mut world, "nva1.westeurope");
    run(&mut world, SECOND * 5);
    heal(&mut world, "nva1.westeurope");
    run(&mut world, SECOND * 60);
    converge(&mut world);
    assert_eq!(carried(&world, "cpe1.paris", HUBS[0]), by("tls"));
    nobody_is_silent(&mut world);
}

#[test]
fn a_minute_of_a_cut_access_while_over_tls_ends_with_tls_again() {
    let mut world = running();
    fail(&mut world, "udp:paris/internet");
    run(&mut world, SECOND * 10);
    fail(&mut world, "underlay:paris/internet");
    run(&mut world, SECOND * 60);
    heal(&mut world, "underlay:paris/internet");
    run(&mut world, SECOND * 45);
    for hub in HUBS {
        assert_eq!(carried(&world, "cpe1.paris", hub), by("tls"));
    }
    converge(&mut world);
    nobody_is_silent(&mut world);
}

#[test]
fn an_underlay_whose_udp_works_is_better_than_one_that_needs_tls() {
    let mut world = running();
    let underlay = |world: &World| {
        let trace = world.trace("host1.london", "vm1.spoke1-westeurope", FlowSpec::default());
        let trace = trace.unwrap_or_else(|error| panic!("{error}"));
        let actions = trace.forward.hops.iter().map(|hop| hop.action.clone());
        let named = ["internet", "mpls"];
        let over = |name: &&str| {
            actions
                .clone()
                .any(|said| said.contains(&format!(" over {name}, ")))
        };
        named.into_iter().find(over)
    };
    assert_eq!(
        underlay(&world),
        Some("internet"),
        "the site's first choice"
    );
    fail(&mut world, "udp:london/internet");
    for _ in 0..6 {
        run(&mut world, SECOND * 10);
        assert_eq!(underlay(&world), Some("mpls"));
    }
    let ways = carried(&world, "cpe1.london", HUBS[0]);
    let over = |underlay: &str, way: &str| (format!("cpe1.london/{underlay}"), way.to_owned());
    assert_eq!(ways, [over("internet", "tls"), over("mpls", "udp")]);
    heal(&mut world, "udp:london/internet");
    run(&mut world, SECOND * 90);
    assert_eq!(underlay(&world), Some("internet"));
    nobody_is_silent(&mut world);
}
