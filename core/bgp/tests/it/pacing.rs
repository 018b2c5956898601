//! Neighbours that count what they hold together with what comes in: told at their pace.

use core::time::Duration;

use bgp::{
    Action, Command, Counting, Match, NeighborId, Pace, Policy, PrefixLimit, PrefixSet, Settings,
    Term, Verdict,
};
use inet::Asn;

use crate::net::{Net, ip, neighbor, prefix};

const SOON: Duration = Duration::from_secs(1);
const GAP: Duration = Duration::from_secs(2);

/// A speaker with 90 routes and a neighbour that tolerates 100, counted as Route Server counts.
fn pair(paced: bool) -> Net {
    let settings = [(0, 1, 65_000, 65_001), (1, 0, 65_001, 65_000)].map(|(at, to, own, other)| {
        let mut settings = Settings::new(Asn(own), ip(at));
        let mut neighbor = neighbor(at, to, other);
        neighbor.import = Some(Policy::accept_all());
        neighbor.export = Some(Policy::accept_all());
        if at == 1 {
            let count = Counting::HeldPlusIncoming {
                gap: Counting::BURST_GAP,
            };
            neighbor.prefix_limit = Some(PrefixLimit::new(100, count));
        } else if paced {
            neighbor.pace = Some(Pace { max: 100, gap: GAP });
        }
        settings.neighbors.push(neighbor);
        settings
    });
    let mut net = Net::new(settings.into());
    for number in 0..90 {
        net.originate(0, &route(number));
    }
    net.run(SOON * 10);
    assert!(net.up(0, 0) && net.up(1, 0));
    assert_eq!(
        net.routes(1).len(),
        90,
        "all in one burst, since nothing is held"
    );
    net
}

fn route(number: u32) -> String {
    format!("10.0.{number}.0/24")
}

/// How often the neighbour's session was established.
fn sessions(net: &Net) -> u32 {
    let view = net.speakers[1].neighbor(NeighborId(0)).expect("there");
    view.counters.established
}

fn updates(net: &Net) -> u64 {
    let view = net.speakers[0].neighbor(NeighborId(0)).expect("there");
    view.counters.updates_out
}

#[test]
fn a_refresh_ends_the_session_without_a_pace_and_keeps_it_with_one() {
    for paced in [false, true] {
        let mut net = pair(paced);
        let before = updates(&net);
        net.command(1, Command::Refresh(NeighborId(0)));
        net.run(GAP * 12);
        assert_eq!(sessions(&net) == 1, paced);
        if paced {
            assert_eq!(updates(&net) - before, 9, "90 routes in bursts of ten");
        }
    }
}

#[test]
fn what_goes_during_a_paced_answer_is_withdrawn_at_once_and_not_told_again() {
    let mut net = pair(true);
    net.command(1, Command::Refresh(NeighborId(0)));
    net.run(Duration::from_millis(100));
    net.command(0, Command::Withdraw(prefix(&route(80)).into()));
    net.run(Duration::from_millis(100));
    assert!(!net.routes(1).contains(&route(80)));
    net.originate(0, "192.0.2.0/24");
    net.run(GAP * 15);
    assert_eq!(net.routes(1).len(), 90);
    assert!(net.routes(1).contains(&"192.0.2.0/24".to_owned()));
    assert_eq!(sessions(&net), 1);
}

#[test]
fn many_changes_at_once_are_told_in_bursts_within_the_limit() {
    let mut net = pair(true);
    for number in 0..60 {
        net.command(0, Command::Withdraw(prefix(&route(number)).into()));
    }
    for number in 100..160 {
        net.originate(0, &route(number));
    }
    net.run(GAP * 10);
    assert_eq!(net.routes(1).len(), 90);
    assert_eq!(sessions(&net), 1);
}

#[test]
fn another_export_policy_tells_only_what_is_different() {
    let mut net = pair(true);
    let mut other = neighbor(0, 1, 65_001);
    other.import = Some(Policy::accept_all());
    let hidden = Match::PrefixIn(PrefixSet::exact([prefix(&route(1)), prefix(&route(2))]));
    let marked = Match::PrefixIn(PrefixSet::exact([prefix(&route(3))]));
    let term = |when, then, verdict| Term {
        when: vec![when],
        then,
        verdict,
    };
    let terms = vec![
        term(hidden, Vec::new(), Verdict::Reject),
        term(marked, vec![Action::AddCommunity(7)], Verdict::Accept),
    ];
    other.export = Policy::new(terms, Verdict::Accept);
    other.pace = Some(Pace { max: 100, gap: GAP });
    let before = updates(&net);
    net.command(0, Command::SetNeighbor(NeighborId(0), Box::new(other)));
    net.run(SOON);
    assert_eq!(net.routes(1).len(), 88);
    assert_eq!(net.path(1, &route(3)).communities, [7]);
    assert_eq!(updates(&net) - before, 2, "one withdraws, one announces");
    assert_eq!(sessions(&net), 1);
}

#[test]
fn a_new_session_begins_with_nothing_held() {
    let mut net = pair(true);
    net.command(0, Command::Reset(NeighborId(0)));
    net.run(SOON * 20);
    assert_eq!(net.routes(1).len(), 90);
    assert_eq!(sessions(&net), 2);
}
