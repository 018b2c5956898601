//! Another configuration takes the place of the one in force.

use design::plan::RouteServerConfig;
use inet::Asn;

use super::net::{Net, config, nvas, prefix};
use crate::route_server::{Obstacle, PeerRefusal};

/// What the sessions are, by peer: since when, and how often established.
fn sessions(net: &Net) -> Vec<(String, inet::Instant, u32)> {
    let neighbors = net.server().speaker().neighbors();
    let sessions = neighbors.map(|neighbor| {
        let name = neighbor.settings.name.clone();
        (name, neighbor.since, neighbor.counters.established)
    });
    sessions.collect()
}

fn reload(net: &mut Net, next: &RouteServerConfig) {
    for command in net
        .server()
        .changes_to(next)
        .expect("nothing stands against it")
    {
        net.command(command);
    }
    net.pass(core::time::Duration::from_secs(1));
}

#[test]
fn a_reload_without_changes_is_no_command() {
    let config = config(&nvas(&[65_001, 65_002]));
    let net = Net::new(config.clone());
    assert_eq!(net.server().changes_to(&config), Ok(Vec::new()));
}

#[test]
fn a_reload_drops_no_session_that_did_not_change() {
    let mut net = Net::new(config(&nvas(&[65_001, 65_002])));
    net.settle();
    let before = sessions(&net);
    let mut next = net.server().config().clone();
    next.branch_to_branch = true;
    next.announced.push(prefix("10.3.0.0/16"));
    next.peers[1].asn = Asn(65_003);
    reload(&mut net, &next);
    let after = sessions(&net);
    assert_eq!(before[0], after[0], "the first peer noticed nothing");
    assert_eq!(net.server().config(), &next);
    assert!(
        net.told(0)
            .iter()
            .any(|(told, _)| *told == prefix("10.3.0.0/16"))
    );
    let asn = |config: &RouteServerConfig| config.peers[1].asn;
    assert_eq!(asn(net.server().config()), Asn(65_003));
}

#[test]
fn everything_that_stands_against_a_configuration_is_said_at_once() {
    let net = Net::new(config(&nvas(&[65_001, 65_002])));
    let mut next = net.server().config().clone();
    next.asn = Asn(65_000);
    next.hold_time_s = 9;
    next.peers[0].asn = Asn(65_520);
    next.peers[1].address = next.peers[0].address;
    let obstacles = net.server().changes_to(&next).expect_err("refused");
    assert_eq!(
        obstacles,
        [
            Obstacle::Fixed { field: "asn" },
            Obstacle::Fixed {
                field: "hold_time_s"
            },
            Obstacle::Peer {
                index: 0,
                refusal: PeerRefusal::Asn(Asn(65_520))
            },
            Obstacle::Peer {
                index: 1,
                refusal: PeerRefusal::Address(next.peers[0].address)
            },
        ]
    );
}

#[test]
fn a_peer_that_only_has_another_name_keeps_its_session() {
    let mut net = Net::new(config(&nvas(&[65_001, 65_002])));
    net.settle();
    let before: Vec<_> = sessions(&net).into_iter().map(|it| (it.1, it.2)).collect();
    let mut next = net.server().config().clone();
    next.peers[0].name = "renamed".to_owned();
    reload(&mut net, &next);
    let after: Vec<_> = sessions(&net).into_iter().map(|it| (it.1, it.2)).collect();
    assert_eq!(before, after);
    assert_eq!(net.server().config(), &next);
}
