//! The route budget at work: NVAs with Route Servers that count as the platform's do.

use core::time::Duration;
use std::collections::BTreeSet;

use bgp::{Counting, NeighborId, Policy, PrefixLimit};
use design::plan::BudgetConfig;
use design::plan::LinkRole::{HomeHub, HomeSite, Twin};
use inet::Prefix;

use super::harness::{Device, Net};
use crate::{Attachment, BudgetLevel, Event, NextHop, stub};

const SECOND: Duration = Duration::from_secs(1);
const NO_ADVERTISE: u32 = 0xffff_ff02;

/// One region: NVAs, a Route Server instance that takes so many routes from a peer, and sites by the
/// NVAs that they are linked with and the LANs that their routers bring.
struct Region {
    net: Net,
    nvas: Vec<Device>,
    server: Device,
    routers: Vec<Device>,
}

fn region(nvas: u8, budget: &BudgetConfig, sites: &[(&[usize], &[&str])], limit: u32) -> Region {
    let mut hubs: Vec<_> = (1..=nvas)
        .map(|number| {
            let mut hub = stub::nva(&format!("nva{number}.west"), number, 1);
            hub.budget = budget.clone();
            stub::add_route_server(&mut hub, "rs0.west", stub::address("10.1.0.4"));
            hub
        })
        .collect();
    if let [first, second] = &mut hubs[..] {
        stub::link(first, second, (Twin, Twin));
    }
    let mut others = Vec::new();
    for (index, (linked, _)) in sites.iter().enumerate() {
        let mut cpe = stub::cpe(&format!("cpe{index}"), 20 + index as u8, "10.255.0.0/24");
        cpe.lans.clear();
        for hub in *linked {
            stub::link(&mut cpe, &mut hubs[*hub], (HomeHub, HomeSite));
        }
        let ends = [0, 1].map(|end| format!("172.30.{index}.{end}"));
        stub::add_router(&mut cpe, "rtr0", (&ends[0], &ends[1]), None);
        others.push((cpe, ends));
    }
    let address = stub::address("10.1.0.4");
    let mut server = bgp::Settings::new(stub::PLATFORM, address);
    for hub in &hubs {
        let remote = hub.interfaces[0].address;
        let mut neighbor = bgp::Neighbor::new(&hub.name, address, remote, stub::OVERLAY);
        neighbor.import = Some(Policy::accept_all());
        neighbor.export = Some(Policy::accept_all());
        let gap = Counting::BURST_GAP;
        neighbor.prefix_limit = Some(PrefixLimit::new(limit, Counting::HeldPlusIncoming { gap }));
        server.neighbors.push(neighbor);
    }
    let mut net = Net::default();
    let nvas = hubs.into_iter().map(|hub| net.add(hub)).collect();
    let server = net.add_speaker(address, server);
    let mut routers = Vec::new();
    for ((cpe, ends), (_, lans)) in others.into_iter().zip(sites) {
        let [local, remote] = ends.map(|end| stub::address(&end));
        let mut router = bgp::Settings::new(stub::ROUTER, remote);
        let mut neighbor = bgp::Neighbor::new(&cpe.name, remote, local, stub::OVERLAY);
        neighbor.import = Some(Policy::accept_all());
        neighbor.export = Some(Policy::accept_all());
        router.neighbors.push(neighbor);
        net.add(cpe);
        let router = net.add_speaker(remote, router);
        for lan in *lans {
            originate(&mut net, router, lan);
        }
        routers.push(router);
    }
    net.run(SECOND * 15);
    Region {
        net,
        nvas,
        server,
        routers,
    }
}

fn originate(net: &mut Net, device: Device, prefix: &str) {
    let command = bgp::Command::Originate(stub::prefix(prefix).into(), Default::default());
    net.bgp(device, bgp::Input::Command(command));
}

fn withdraw(net: &mut Net, device: Device, prefix: &str) {
    let command = bgp::Command::Withdraw(stub::prefix(prefix).into());
    net.bgp(device, bgp::Input::Command(command));
}

impl Region {
    /// What Route Server holds of an NVA: for everybody, or for its VNets only.
    fn told(&self, nva: usize, vnets_only: bool) -> BTreeSet<String> {
        let id = NeighborId(nva as u32);
        let routes = self.net.speaker(self.server).adj_in(id).into_iter();
        routes
            .filter(|route| route.received.communities.contains(&NO_ADVERTISE) == vnets_only)
            .filter_map(|route| Some(route.net.v4()?.to_string()))
            .collect()
    }

    fn sessions(&self) -> u32 {
        let view = self.net.speaker(self.server).neighbor(NeighborId(0));
        view.expect("there").counters.established
    }
}

fn set(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn session_of(limit: u32) -> BudgetConfig {
    BudgetConfig {
        route_server: limit,
        ..BudgetConfig::default()
    }
}

const LANS: [&str; 3] = ["10.2.0.0/24", "10.2.1.0/24", "10.3.0.0/24"];

#[test]
fn what_fits_is_told_as_without_a_budget() {
    let world = region(1, &session_of(4), &[(&[0], &LANS)], 100);
    let all = set(&["10.0.0.0/8", LANS[0], LANS[1], LANS[2]]);
    assert_eq!(world.told(0, false), all);
    let budget = world.net.node(world.nvas[0]).budget().expect("a budget");
    let usage = budget.route_server.expect("for the session");
    assert_eq!((usage.wanted, usage.told, usage.limit), (4, 4, 4));
    assert_eq!(usage.level, BudgetLevel::Near);
}

#[test]
fn one_too_many_joins_two_halves_and_discards_what_is_in_neither() {
    let world = region(1, &session_of(3), &[(&[0], &LANS)], 100);
    let told = set(&["10.0.0.0/8", "10.2.0.0/23", LANS[2]]);
    assert_eq!(world.told(0, false), told);
    let nva = world.nvas[0];
    let next_hop = world.net.next_hop(nva, "10.2.0.0/23");
    assert_eq!(next_hop, Some(NextHop::Unreachable));
    let said = world.net.events(nva).iter().any(|(_, event)| {
        matches!(
            event,
            Event::RouteBudget {
                attachment: Attachment::RouteServer,
                level: BudgetLevel::Over,
                wanted: 4,
                limit: 3,
                ..
            }
        )
    });
    assert!(said);
}

#[test]
fn an_aggregate_ends_at_once_when_a_part_goes_and_the_rest_is_told() {
    let mut world = region(1, &session_of(3), &[(&[0], &LANS)], 100);
    withdraw(&mut world.net, world.routers[0], LANS[0]);
    world.net.run(SECOND);
    let told = world.told(0, false);
    assert!(
        !told.contains("10.2.0.0/23"),
        "it would attract what is gone"
    );
    let rest = set(&["10.0.0.0/8", LANS[1], LANS[2]]);
    assert_eq!(told, rest, "nothing else told what is left");
    world.net.run(SECOND * 40);
    assert_eq!(world.told(0, false), rest);
}

#[test]
fn an_aggregate_goes_with_the_last_of_its_parts() {
    let mut world = region(1, &session_of(3), &[(&[0], &LANS)], 100);
    for lan in [LANS[0], LANS[1]] {
        withdraw(&mut world.net, world.routers[0], lan);
    }
    world.net.run(SECOND * 3);
    assert_eq!(world.told(0, false), set(&["10.0.0.0/8", LANS[2]]));
    let whole = stub::prefix("10.2.0.0/23");
    let nva = world.net.node(world.nvas[0]);
    assert!(
        nva.speaker().paths(whole).is_empty(),
        "it would discard what a wider route reaches"
    );
}

#[test]
fn what_was_left_out_comes_back_after_it_has_fitted_for_a_while() {
    let budget = BudgetConfig {
        aggregate: false,
        ..session_of(3)
    };
    let mut world = region(1, &budget, &[(&[0], &LANS)], 100);
    let without = set(&["10.0.0.0/8", LANS[0], LANS[1]]);
    assert_eq!(world.told(0, false), without);
    let view = world.net.node(world.nvas[0]).budget().expect("a budget");
    assert_eq!(view.left_out, [stub::prefix(LANS[2])]);
    // A route that comes and goes around the limit moves no other.
    for _ in 0..5 {
        withdraw(&mut world.net, world.routers[0], LANS[0]);
        world.net.run(SECOND * 3);
        assert_eq!(world.told(0, false), set(&["10.0.0.0/8", LANS[1]]));
        originate(&mut world.net, world.routers[0], LANS[0]);
        world.net.run(SECOND * 3);
        assert_eq!(world.told(0, false), without);
    }
    withdraw(&mut world.net, world.routers[0], LANS[0]);
    world.net.run(SECOND * 40);
    let back = set(&["10.0.0.0/8", LANS[1], LANS[2]]);
    assert_eq!(world.told(0, false), back);
}

#[test]
fn what_does_not_fit_the_circuits_is_told_for_the_vnets_only() {
    let budget = BudgetConfig {
        route_server: 100,
        express_route: 5,
        express_route_used: 2,
        ..BudgetConfig::default()
    };
    let world = region(1, &budget, &[(&[0], &LANS)], 100);
    let circuits = set(&["10.0.0.0/8", "10.2.0.0/23", LANS[2]]);
    assert_eq!(world.told(0, false), circuits);
    assert_eq!(world.told(0, true), set(&LANS[..2]));
    let view = world.net.node(world.nvas[0]).budget().expect("a budget");
    let usage = view.express_route.expect("for the circuits");
    assert_eq!((usage.wanted, usage.told, usage.limit), (6, 5, 5));
    assert!(view.left_out.is_empty());
}

#[test]
fn two_nvas_with_different_tunnels_choose_the_same_without_a_word() {
    let first = ["10.2.0.0/24", "10.4.0.0/24", "10.5.0.0/24"];
    let second = ["10.2.1.0/24", "10.6.0.0/24", "10.7.0.0/24"];
    let budget = BudgetConfig {
        route_server: 100,
        express_route: 5,
        ..BudgetConfig::default()
    };
    let sites: [(&[usize], &[&str]); 2] = [(&[0], &first), (&[1], &second)];
    let world = region(2, &budget, &sites, 100);
    let [one, two] = [world.told(0, false), world.told(1, false)];
    let together: BTreeSet<String> = one.union(&two).cloned().collect();
    let kept = [
        "10.0.0.0/8",
        "10.2.0.0/23",
        "10.4.0.0/24",
        "10.5.0.0/24",
        "10.6.0.0/24",
    ];
    assert_eq!(together, set(&kept));
    assert!(one.contains("10.2.0.0/23") && two.contains("10.2.0.0/23"));
    assert_eq!(world.told(1, true), set(&["10.2.1.0/24", "10.7.0.0/24"]));
}

#[test]
fn a_refresh_of_most_of_the_limit_keeps_the_session_with_a_pace_and_ends_it_without() {
    let lans: Vec<String> = (0..89)
        .map(|number| format!("10.2.{number}.0/24"))
        .collect();
    let lans: Vec<&str> = lans.iter().map(String::as_str).collect();
    for routes_per_peer in [0, 100] {
        let budget = BudgetConfig {
            routes_per_peer,
            ..session_of(95)
        };
        let mut world = region(1, &budget, &[(&[0], &lans)], 100);
        assert_eq!(world.told(0, false).len(), 90);
        let refresh = bgp::Command::Refresh(NeighborId(0));
        world.net.bgp(world.server, bgp::Input::Command(refresh));
        world.net.run(SECOND * 30);
        assert_eq!(world.sessions() == 1, routes_per_peer > 0);
        assert_eq!(world.told(0, false).len(), 90);
    }
}

#[test]
fn aggregates_stay_between_the_nva_and_its_route_server() {
    let world = region(2, &session_of(2), &[(&[0], &LANS), (&[0], &[])], 100);
    assert!(world.told(0, false).len() <= 2);
    let twin = world.net.speaker(world.nvas[1]);
    let all: Vec<Prefix> = twin
        .loc_rib()
        .into_iter()
        .filter_map(|net| net.v4())
        .collect();
    assert!(
        all.iter()
            .all(|prefix| *prefix != stub::prefix("10.2.0.0/23"))
    );
}
