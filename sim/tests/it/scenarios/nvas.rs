//! Scenarios 3 to 6, Figures 3 to 5: several NVAs of a region, all active or one of two, and what each
//! direction of a flow does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use sim::World;
use view::{Answer, FlowSpec, Protocol, Query};

use super::super::{converge, fail, heal, nobody_is_silent};
use super::running;

const N_ACTIVE: &str = include_str!("../../../../examples/03-n-active.yaml");
const FAILOVER: &str = include_str!("../../../../examples/04-failover.yaml");
const ASYMMETRY: &str = include_str!("../../../../examples/05-asymmetry.yaml");
const ACTIVE_PASSIVE: &str = include_str!("../../../../examples/06-active-passive.yaml");

const VM: &str = "vm1.spoke1-westeurope";
const PARIS: &str = "10.200.1.0/24";
/// As many connections as each test looks at.
const FLOWS: u16 = 200;

fn connection(number: u16) -> FlowSpec {
    FlowSpec {
        protocol: Protocol::Tcp,
        source_port: 40_000 + number,
        destination_port: 443,
        dscp: 0,
    }
}

/// The NVA of each direction of a connection.
fn nvas_of(world: &World, source: &str, destination: &str, number: u16) -> [String; 2] {
    let trace = world.trace(source, destination, connection(number));
    let trace = trace.unwrap_or_else(|error| panic!("{error}"));
    let reverse = trace.reverse.expect("the packet arrives");
    assert!(reverse.delivered, "the reply arrives");
    [trace.forward, reverse].map(|leg| {
        let mut names = leg.hops.into_iter().map(|hop| hop.device);
        names
            .find(|name| name.starts_with("nva"))
            .expect("through an NVA")
    })
}

/// How many connections from the VM to a host each NVA carries there.
fn shares(world: &World, destination: &str) -> BTreeMap<String, u16> {
    let mut shares = BTreeMap::new();
    for number in 0..FLOWS {
        let [there, _] = nvas_of(world, VM, destination, number);
        *shares.entry(there).or_insert(0) += 1;
    }
    shares
}

fn names(shares: &BTreeMap<String, u16>) -> Vec<&str> {
    shares.keys().map(String::as_str).collect()
}

/// The next hops that the VM's interface has for a prefix.
fn next_hops(world: &World, prefix: &str) -> BTreeSet<Ipv4Addr> {
    let prefix = prefix.parse().expect("a prefix");
    let query = Query::EffectiveRoutes {
        device: VM.to_owned(),
        interface: "eth0".to_owned(),
    };
    let answer = world.ask("fabric", &query).expect("the fabric answers");
    let Answer::EffectiveRoutes(routes) = answer else {
        panic!("another answer");
    };
    let rows = routes.value.into_iter();
    rows.filter(|row| row.state == "Active" && row.address_prefix.contains(&prefix))
        .flat_map(|row| row.next_hop_ip_address)
        .collect()
}

fn addresses(world: &World, nvas: &[&str]) -> BTreeSet<Ipv4Addr> {
    let nodes = world.plan().nodes.iter();
    nodes
        .filter(|node| nvas.contains(&node.name.as_str()))
        .map(|node| node.interfaces[0].address)
        .collect()
}

const TWO: [&str; 2] = ["nva1.westeurope", "nva2.westeurope"];

#[test]
fn figure_3_four_active_nvas_share_the_flows_of_a_vm() {
    let mut world = running(N_ACTIVE);
    nobody_is_silent(&mut world);
    let all = [
        "nva1.westeurope",
        "nva2.westeurope",
        "nva3.westeurope",
        "nva4.westeurope",
    ];
    assert_eq!(next_hops(&world, PARIS), addresses(&world, &all));
    let shares = shares(&world, "host1.paris");
    assert_eq!(names(&shares), all);
    let fair = FLOWS / 4;
    assert!(
        shares
            .values()
            .all(|share| (fair / 2..=fair * 2).contains(share)),
        "{shares:?}"
    );
}

#[test]
fn figure_3_each_nva_more_or_less_moves_only_its_own_flows() {
    let mut world = running(N_ACTIVE);
    let before: Vec<_> = (0..FLOWS)
        .map(|number| nvas_of(&world, "host1.paris", VM, number)[0].clone())
        .collect();
    fail(&mut world, "nva3.westeurope");
    converge(&mut world);
    for (number, nva) in (0..FLOWS).zip(before) {
        let now = &nvas_of(&world, "host1.paris", VM, number)[0];
        assert!(*now == nva || nva == "nva3.westeurope", "{nva} to {now}");
    }
}

#[test]
fn figure_4_an_nva_without_its_tunnel_to_a_site_loses_that_sites_flows_and_no_others() {
    let mut world = running(FAILOVER);
    let before = world.forwarding();
    fail(&mut world, "path:nva1.westeurope>cpe1.paris");
    converge(&mut world);
    nobody_is_silent(&mut world);
    assert_eq!(next_hops(&world, PARIS), addresses(&world, &TWO[1..]));
    assert_eq!(names(&shares(&world, "host1.paris")), TWO[1..]);
    assert_eq!(names(&shares(&world, "host1.berlin")), TWO);
    heal(&mut world, "path:nva1.westeurope>cpe1.paris");
    converge(&mut world);
    assert_eq!(names(&shares(&world, "host1.paris")), TWO);
    let differences = before.differences(&world.forwarding());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn figure_4_the_other_nva_carries_everything_when_one_dies_and_shares_again_afterwards() {
    let mut world = running(FAILOVER);
    fail(&mut world, "nva2.westeurope");
    converge(&mut world);
    nobody_is_silent(&mut world);
    assert_eq!(next_hops(&world, PARIS), addresses(&world, &TWO[..1]));
    assert_eq!(names(&shares(&world, "host1.berlin")), TWO[..1]);
    heal(&mut world, "nva2.westeurope");
    converge(&mut world);
    nobody_is_silent(&mut world);
    assert_eq!(names(&shares(&world, "host1.berlin")), TWO);
}

#[test]
fn figure_5_a_tcp_connection_goes_by_one_nva_and_comes_back_by_the_other() {
    let world = running(ASYMMETRY);
    let pairs: BTreeSet<[String; 2]> = (0..FLOWS)
        .map(|number| nvas_of(&world, VM, "host1.paris", number))
        .collect();
    let pair = |there: &str, back: &str| [there.to_owned(), back.to_owned()];
    for (there, back) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        assert!(
            pairs.contains(&pair(TWO[there], TWO[back])),
            "{there} {back}"
        );
    }
    let number = (0..FLOWS)
        .find(|number| nvas_of(&world, VM, "host1.paris", *number) == pair(TWO[0], TWO[1]))
        .expect("there is one");
    let trace = world.trace(VM, "host1.paris", connection(number));
    let others = trace.expect("a trace").other_nvas;
    assert_eq!(others.into_iter().collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn active_passive_the_prepending_nva_takes_over_and_gives_back() {
    let mut world = running(ACTIVE_PASSIVE);
    let before = world.forwarding();
    let active = &TWO[..1];
    assert_eq!(next_hops(&world, PARIS), addresses(&world, active));
    assert_eq!(names(&shares(&world, "host1.paris")), active);
    fail(&mut world, "nva1.westeurope");
    converge(&mut world);
    nobody_is_silent(&mut world);
    assert_eq!(names(&shares(&world, "host1.paris")), TWO[1..]);
    heal(&mut world, "nva1.westeurope");
    converge(&mut world);
    nobody_is_silent(&mut world);
    assert_eq!(names(&shares(&world, "host1.paris")), active);
    let differences = before.differences(&world.forwarding());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn active_passive_a_site_that_only_the_passive_nva_reaches_is_reached_by_it() {
    let mut world = running(ACTIVE_PASSIVE);
    fail(&mut world, "path:nva1.westeurope>cpe1.paris");
    converge(&mut world);
    nobody_is_silent(&mut world);
    assert_eq!(next_hops(&world, PARIS), addresses(&world, &TWO[1..]));
    assert_eq!(names(&shares(&world, "host1.paris")), TWO[1..]);
}
