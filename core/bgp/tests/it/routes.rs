//! What routes go through between speakers, beyond the plain path: both families, aggregates, roles,
//! shutdown, and why a path is not used.

use std::time::Duration;

use bgp::{
    Action, AddPath, AddPaths, Command, Families, Fate, Match, NeighborId, Origination, Policy,
    PrefixSet, Refusal, Role, Settings, Step, Term, Tunnel, Verdict,
};

use crate::net::{Net, ip, prefix};

const P: &str = "192.0.2.0/24";
const SOON: Duration = Duration::from_secs(5);

fn running(asns: &[u32], links: &[(usize, usize)], change: impl Fn(usize, &mut Settings)) -> Net {
    let mut net = Net::of(asns, links, change);
    net.run(SOON);
    net
}

fn originate(net: &mut Net, at: usize, text: &str, origination: Origination) {
    let command = Command::Originate(text.parse().expect("a network"), origination);
    net.command(at, command);
    net.run(SOON);
}

fn policy(when: Vec<Match>, then: Vec<Action>) -> Option<Policy> {
    let term = Term {
        when,
        then,
        verdict: Verdict::Accept,
    };
    Policy::new(vec![term], Verdict::Accept)
}

fn inside(text: &str) -> Match {
    Match::PrefixIn(PrefixSet::within([prefix(text)]))
}

#[test]
fn rfc4760_ipv6_routes_pass_with_our_address_as_next_hop() {
    let mut net = running(
        &[65_001, 65_002, 65_003],
        &[(0, 1), (1, 2)],
        |at, settings| {
            for neighbor in &mut settings.neighbors {
                neighbor.families = Families::BOTH;
                neighbor.local_address_v6 = format!("2001:db8::{}", at + 1).parse().ok();
            }
        },
    );
    originate(&mut net, 0, "2001:db8:1::/48", Origination::default());
    let paths =
        net.speakers[2].multipath("2001:db8:1::/48".parse::<inet::Net>().expect("a network"));
    assert_eq!(paths[0].attributes.as_path.to_string(), "65002 65001");
    assert_eq!(paths[0].attributes.next_hop.to_string(), "2001:db8::2");
    net.command(
        0,
        Command::Withdraw("2001:db8:1::/48".parse().expect("a network")),
    );
    net.run(SOON);
    assert!(net.routes(2).is_empty());
}

#[test]
fn ipv6_routes_are_dropped_where_they_are_not_wanted() {
    let mut net = running(&[65_001, 65_002], &[(0, 1)], |_, settings| {
        settings.neighbors[0].families = Families::BOTH;
        settings.neighbors[0].accept_ipv6 = false;
    });
    originate(&mut net, 0, "2001:db8:1::/48", Origination::default());
    assert!(net.routes(1).is_empty());
    assert!(net.up(1, 0));
}

#[test]
fn rfc7911_a_neighbour_is_told_all_paths_and_loses_those_that_go() {
    let links = [(0, 2), (1, 2), (2, 3)];
    let mut net = running(&[65_001, 65_002, 65_000, 65_003], &links, |at, settings| {
        let add_path = AddPath {
            receive: at == 3,
            send: (at == 2).then_some(8),
        };
        if at >= 2 {
            let last = settings.neighbors.len() - 1;
            settings.neighbors[last].add_path = AddPaths {
                ipv4: add_path,
                ipv6: AddPath::default(),
            };
        }
    });
    net.originate(0, P);
    net.originate(1, P);
    net.run(SOON);
    let told = net.speakers[3].adj_in(NeighborId(0));
    let paths: Vec<String> = told
        .iter()
        .map(|r| r.received.as_path.to_string())
        .collect();
    assert_eq!(paths, ["65000 65001", "65000 65002"]);
    assert_ne!(told[0].path_id, told[1].path_id);
    net.command(0, Command::Withdraw(prefix(P).into()));
    net.run(SOON);
    let told = net.speakers[3].adj_in(NeighborId(0));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].received.as_path.to_string(), "65000 65002");
}

#[test]
fn contributors_count_as_one_route_under_the_aggregate_until_the_last_one_goes() {
    for on_export in [false, true] {
        let links = [(0, 1), (1, 2)];
        let mut net = running(&[65_001, 65_002, 65_003], &links, |at, settings| {
            if at == 1 {
                let into = Action::Aggregate(prefix("10.0.0.0/8").into());
                let aggregated = policy(vec![inside("10.0.0.0/8")], vec![into]);
                if on_export {
                    settings.neighbors[1].export = aggregated;
                } else {
                    settings.neighbors[0].import = aggregated;
                }
            }
        });
        for text in ["10.2.0.0/16", "10.1.0.0/16", P] {
            net.originate(0, text);
        }
        net.run(SOON);
        assert_eq!(net.routes(2), ["10.0.0.0/8", P], "on export: {on_export}");
        assert_eq!(net.path(2, "10.0.0.0/8").as_path.to_string(), "65002 65001");
        net.command(0, Command::Withdraw(prefix("10.1.0.0/16").into()));
        net.run(SOON);
        assert_eq!(net.routes(2), ["10.0.0.0/8", P]);
        net.command(0, Command::Withdraw(prefix("10.2.0.0/16").into()));
        net.run(SOON);
        assert_eq!(net.routes(2), [P]);
        let view = net.speakers[1]
            .neighbor(NeighborId(0))
            .expect("a neighbour");
        assert_eq!(view.received, 1);
    }
}

#[test]
fn an_aggregate_goes_with_the_session_of_its_contributors() {
    let mut net = running(&[65_001, 65_002], &[(0, 1)], |at, settings| {
        if at == 1 {
            let into = Action::Aggregate(prefix("10.0.0.0/8").into());
            settings.neighbors[0].import = policy(vec![], vec![into]);
        }
    });
    net.originate(0, "10.1.0.0/16");
    net.run(SOON);
    assert_eq!(net.routes(1), ["10.0.0.0/8"]);
    net.command(1, Command::Down(NeighborId(0), bgp::DownReason::Admin));
    net.run(SOON);
    assert!(net.routes(1).is_empty());
    assert_eq!(net.speakers[1].counts(), bgp::Counts::default());
}

/// Two links in a row with these roles towards the next speaker; whether a route of the first one
/// gets to the last.
fn passes(first: Role, second: Role) -> bool {
    let links = [(0, 1), (1, 2)];
    let mut net = running(&[65_001, 65_002, 65_003], &links, |at, settings| {
        let roles = match at {
            0 => vec![first],
            1 => vec![first.counterpart(), second],
            _ => vec![second.counterpart()],
        };
        for (neighbor, role) in settings.neighbors.iter_mut().zip(roles) {
            neighbor.role = Some(role);
        }
    });
    net.originate(0, P);
    net.run(SOON);
    !net.routes(2).is_empty()
}

#[test]
fn rfc9234_5_routes_of_providers_and_peers_go_to_customers_only() {
    use Role::{Customer, Peer, Provider};
    for first in [Provider, Peer] {
        assert!(passes(first, Provider), "{first:?} then customer");
        assert!(!passes(first, Customer), "{first:?} then provider");
        assert!(!passes(first, Peer), "{first:?} then peer");
    }
    for second in [Provider, Customer, Peer] {
        assert!(
            passes(Customer, second),
            "a customer's route, then {second:?}"
        );
    }
}

#[test]
fn rfc9234_5_a_route_from_a_provider_carries_its_as() {
    let mut net = running(&[65_001, 65_002], &[(0, 1)], |at, settings| {
        // Only one side knows of roles: it marks what comes from its provider.
        settings.neighbors[0].role = (at == 1).then_some(Role::Customer);
    });
    net.originate(0, P);
    net.run(SOON);
    assert_eq!(net.path(1, P).only_to_customer, Some(inet::Asn(65_001)));
}

#[test]
fn rfc8326_4_2_a_route_that_is_about_to_go_is_the_last_choice() {
    let links = [(0, 2), (1, 2)];
    let mut net = running(&[65_001, 65_002, 65_000], &links, |at, settings| {
        if at == 2 {
            for neighbor in &mut settings.neighbors {
                neighbor.graceful_shutdown = true;
            }
        }
    });
    let tagged = Origination {
        communities: vec![0xffff_0000],
        ..Origination::default()
    };
    originate(&mut net, 0, P, tagged);
    assert_eq!(net.path(2, P).local_pref, Some(0));
    net.originate(1, P);
    net.run(SOON);
    assert_eq!(net.path(2, P).as_path.to_string(), "65002");
}

#[test]
fn rfc1997_no_export_subconfed_stops_at_external_neighbours() {
    let links = [(0, 1), (1, 2), (1, 3)];
    let mut net = running(&[65_001, 65_000, 65_000, 65_002], &links, |_, _| {});
    let tagged = Origination {
        communities: vec![0xffff_ff03],
        ..Origination::default()
    };
    // It is told to the first external neighbour by hand: the community stops it otherwise.
    net.command(1, Command::Originate(prefix(P).into(), tagged));
    net.run(SOON);
    assert_eq!(net.routes(2), [P]);
    assert!(net.routes(3).is_empty() && net.routes(0).is_empty());
}

#[test]
fn rfc9012_11_tunnels_are_told_inside_the_as_and_not_outside() {
    let links = [(0, 1), (1, 2)];
    let mut net = running(&[65_000, 65_000, 65_001], &links, |_, _| {});
    let tunnel = Tunnel {
        kind: 20,
        egress: ip(0).into(),
        udp_port: Some(51_820),
        others: vec![(126, vec![7; 32])],
    };
    let tagged = Origination {
        tunnels: vec![tunnel.clone()],
        ..Origination::default()
    };
    originate(&mut net, 0, P, tagged);
    assert_eq!(net.path(1, P).tunnels(), [tunnel]);
    assert_eq!(net.routes(2), [P]);
    assert!(net.path(2, P).tunnels().is_empty());
}

#[test]
fn explain_names_the_step_at_which_each_path_lost() {
    let links = [(0, 4), (1, 4), (2, 4), (3, 4)];
    let asns = [65_001, 65_002, 65_003, 65_004, 65_000];
    let mut net = running(&asns, &links, |at, settings| {
        if at == 4 {
            settings.neighbors[1].import = policy(vec![], vec![Action::LocalPref(50)]);
            settings.neighbors[3].import = Some(Policy::reject_all());
        }
    });
    for at in 0..4 {
        net.originate(at, P);
    }
    net.run(SOON);
    let told = net.speakers[4].explain(prefix(P));
    let fates: Vec<_> = told
        .candidates
        .iter()
        .map(|c| (c.neighbor, c.fate))
        .collect();
    let best = Some(NeighborId(0));
    let lost = |step| Fate::Lost { step, to: best };
    assert_eq!(
        fates,
        [
            (best, Fate::Best),
            (Some(NeighborId(2)), lost(Step::RouterId)),
            (Some(NeighborId(1)), lost(Step::LocalPref)),
            (Some(NeighborId(3)), Fate::Refused(Refusal::Policy)),
        ]
    );
    assert_eq!(told.candidates[0].attributes.next_hop, ip(0));
}
