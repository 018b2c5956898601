//! What operators see of a few speakers together.

use std::time::Duration;

use bgp::{
    Action, Command, Counting, Ended, Event, Input, NeighborId, NextHopRule, Output, Policy,
    PrefixLimit, Term, Verdict,
};
use inet::Asn;

use crate::net::{Net, ip, neighbor, prefix};

const P: &str = "192.0.2.0/24";
const SOON: Duration = Duration::from_secs(5);

fn pair(change: impl Fn(usize, &mut bgp::Settings)) -> Net {
    let mut net = Net::of(&[65_001, 65_002], &[(0, 1)], change);
    net.run(SOON);
    net
}

#[test]
fn two_speakers_that_call_each_other_at_once_end_with_one_session() {
    let net = pair(|_, _| {});
    assert!(net.up(0, 0) && net.up(1, 0));
    for at in 0..2 {
        let view = net.speakers[at].neighbor(NeighborId(0)).unwrap();
        assert_eq!(view.counters.established, 1);
    }
}

#[test]
fn routes_pass_with_our_as_in_front_and_our_address_as_next_hop() {
    let mut net = pair(|_, _| {});
    net.originate(0, P);
    net.run(SOON);
    let path = net.path(1, P);
    assert_eq!(path.as_path.to_string(), "65001");
    assert_eq!(path.next_hop, ip(0));
    net.command(0, Command::Withdraw(prefix(P).into()));
    net.run(SOON);
    assert!(net.routes(1).is_empty());
}

#[test]
fn hold_timer_expiry_withdraws_all_routes() {
    let mut net = pair(|_, _| {});
    net.originate(0, P);
    net.run(SOON);
    assert_eq!(net.routes(1), [P]);
    net.silent.insert(0);
    net.run(Duration::from_secs(91));
    assert!(net.routes(1).is_empty());
    assert!(net.events(1).any(|event| matches!(
        event,
        Event::Ended { established: true, reason: Ended::Sent(told), .. } if told.code == 4
    )));
}

#[test]
fn two_active_speakers_meet_again_after_a_notification() {
    let mut net = pair(|_, _| {});
    for _ in 0..5 {
        net.command(0, Command::Reset(NeighborId(0)));
        net.run(Duration::from_secs(60));
        assert!(net.up(0, 0) && net.up(1, 0));
    }
}

#[test]
fn reflected_routes_carry_originator_and_cluster_and_do_not_come_back() {
    let mut net = Net::of(&[65_000; 3], &[(0, 1), (0, 2)], |at, settings| {
        if at == 0 {
            for neighbor in &mut settings.neighbors {
                neighbor.route_reflector_client = true;
            }
        }
    });
    net.run(SOON);
    net.originate(1, P);
    net.run(SOON);
    let path = net.path(2, P);
    assert_eq!(path.originator_id, Some(ip(1)));
    assert_eq!(path.cluster_list, [ip(0)]);
    assert_eq!(path.next_hop, ip(1));
    assert!(
        net.speakers[1].adj_in(NeighborId(0)).is_empty(),
        "split horizon"
    );
}

#[test]
fn reflectors_of_one_cluster_drop_each_others_routes() {
    let mut net = Net::of(&[65_000; 3], &[(0, 1), (0, 2)], |at, settings| {
        settings.cluster_id = (at != 1).then(|| ip(99));
        for neighbor in &mut settings.neighbors {
            neighbor.route_reflector_client = true;
        }
    });
    net.run(SOON);
    net.originate(1, P);
    net.run(SOON);
    let told = net.speakers[2].adj_in(NeighborId(0));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].accepted, None, "RFC 4456 §8");
}

#[test]
fn internal_neighbours_are_told_the_next_hop_that_the_operator_wants() {
    for (rule, expected) in [
        (NextHopRule::Standard, ip(0)),
        (NextHopRule::Ourselves, ip(1)),
    ] {
        let links = [(0, 1), (1, 2)];
        let mut net = Net::of(&[65_001, 65_000, 65_000], &links, |at, settings| {
            if at == 1 {
                settings.neighbors[1].next_hop = rule;
            }
        });
        net.run(SOON);
        net.originate(0, P);
        net.run(SOON);
        assert_eq!(net.path(2, P).next_hop, expected);
    }
}

#[test]
fn as_override_lets_sites_of_one_as_reach_each_other() {
    for as_override in [false, true] {
        let links = [(0, 1), (1, 2)];
        let mut net = Net::of(&[65_001, 65_000, 65_001], &links, |at, settings| {
            if at == 1 {
                settings.neighbors[1].as_override = as_override;
            }
        });
        net.run(SOON);
        net.originate(0, P);
        net.run(SOON);
        assert_eq!(!net.routes(2).is_empty(), as_override);
        if as_override {
            assert_eq!(net.path(2, P).as_path.to_string(), "65000 65000");
        }
    }
}

#[test]
fn prepending_adds_our_as_the_given_times() {
    let mut net = pair(|_, settings| {
        let term = Term {
            when: vec![],
            then: vec![Action::Prepend { times: 2 }],
            verdict: Verdict::Accept,
        };
        settings.neighbors[0].export = Policy::new(vec![term], Verdict::Reject);
    });
    net.originate(0, P);
    net.run(SOON);
    assert_eq!(net.path(1, P).as_path.to_string(), "65001 65001 65001");
}

#[test]
fn rfc8212_without_policies_nothing_passes_between_ases() {
    let mut net = pair(|at, settings| {
        if at == 1 {
            settings.neighbors[0].import = None;
            settings.neighbors[0].export = None;
        }
    });
    net.originate(0, P);
    net.originate(1, "198.51.100.0/24");
    net.run(SOON);
    assert_eq!(net.routes(0), [P]);
    assert_eq!(net.routes(1), ["198.51.100.0/24"]);
}

fn limited(count: Counting, repeats: usize) -> Net {
    let mut net = pair(|at, settings| {
        if at == 1 {
            settings.neighbors[0].prefix_limit = Some(PrefixLimit::new(2, count));
        }
    });
    net.originate(0, P);
    net.originate(0, "198.51.100.0/24");
    net.run(Duration::from_millis(100));
    for _ in 0..repeats {
        net.command(0, Command::Resend(NeighborId(0)));
    }
    net.run(Duration::from_millis(100));
    net
}

#[test]
fn a_prefix_limit_counts_what_is_held_or_repetitions_as_well() {
    assert!(limited(Counting::Held, 3).up(1, 0));
    assert!(
        limited(
            Counting::HeldPlusIncoming {
                gap: Counting::BURST_GAP
            },
            0
        )
        .up(1, 0)
    );
    assert!(
        !limited(
            Counting::HeldPlusIncoming {
                gap: Counting::BURST_GAP
            },
            1
        )
        .up(1, 0)
    );
    let mut net = limited(Counting::Held, 0);
    net.originate(0, "203.0.113.0/24");
    net.run(Duration::from_millis(100));
    assert!(!net.up(1, 0));
    assert!(net.routes(1).is_empty());
}

#[test]
fn route_refresh_works_both_ways() {
    let mut net = pair(|_, _| {});
    net.originate(0, P);
    net.run(SOON);
    for at in 0..2 {
        net.command(at, Command::Refresh(NeighborId(0)));
        net.run(SOON);
        let asked = |event: &Event| matches!(event, Event::RefreshReceived { .. });
        assert!(net.events(1 - at).any(asked));
    }
    assert_eq!(net.routes(1), [P]);
}

#[test]
fn the_other_operator_reads_the_shutdown_text_and_up_comes_back() {
    let mut net = pair(|_, _| {});
    let neighbor = NeighborId(0);
    let text = "window 42 für Ümlaute".to_owned();
    net.command(
        0,
        Command::Shutdown {
            neighbor,
            text: text.clone(),
        },
    );
    net.run(SOON);
    assert!(net.events(1).any(|event| matches!(
        event,
        Event::Ended { reason: Ended::Received(told), .. } if told.shutdown_text().as_ref() == Some(&text)
    )));
    net.run(Duration::from_secs(300));
    assert!(!net.up(1, 0));
    net.command(0, Command::Up(neighbor));
    net.run(Duration::from_secs(90));
    assert!(net.up(1, 0));
}

#[test]
fn a_slow_reader_gets_the_final_state() {
    let mut net = pair(|_, _| {});
    net.originate(0, P);
    net.run(SOON);
    let conn = net.conn(0, 0);
    net.give(0, Input::Blocked { conn });
    net.command(0, Command::Withdraw(prefix(P).into()));
    for _ in 0..3 {
        net.originate(0, "198.51.100.0/24");
        net.command(0, Command::Withdraw(prefix("198.51.100.0/24").into()));
    }
    net.originate(0, "203.0.113.0/24");
    net.run(SOON);
    assert_eq!(net.routes(1), [P]);
    net.give(0, Input::Writable { conn });
    net.run(SOON);
    assert_eq!(net.routes(1), ["203.0.113.0/24"]);
}

#[test]
fn a_late_joiner_is_told_everything() {
    let mut net = pair(|_, _| {});
    net.originate(0, P);
    net.command(1, Command::Down(NeighborId(0), bgp::DownReason::Admin));
    net.run(SOON);
    net.originate(0, "198.51.100.0/24");
    net.command(1, Command::Up(NeighborId(0)));
    net.run(Duration::from_secs(90));
    assert_eq!(net.routes(1), [P, "198.51.100.0/24"]);
}

#[test]
fn equal_paths_are_used_together_up_to_the_maximum() {
    for most in [1, 2, 8] {
        let links = [(0, 1), (0, 2), (0, 3)];
        let mut net = Net::of(&[65_000, 65_001, 65_002, 65_003], &links, |_, settings| {
            settings.multipath_max = most;
        });
        net.run(SOON);
        for at in 1..4 {
            net.originate(at, P);
        }
        net.run(SOON);
        let used = net.speakers[0].multipath(prefix(P));
        assert_eq!(used.len(), usize::from(most.min(3)));
        assert_eq!(
            used[0].neighbor,
            Some(NeighborId(0)),
            "the lowest identifier"
        );
    }
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let story = || {
        let links = [(0, 1), (1, 2), (0, 2)];
        let mut net = Net::of(&[65_000, 65_001, 65_002], &links, |_, _| {});
        net.run(SOON);
        net.originate(0, P);
        net.command(1, Command::Reset(NeighborId(0)));
        net.run(Duration::from_secs(200));
        net.log
    };
    let log: Vec<(usize, Output)> = story();
    assert_eq!(log, story());
}

#[test]
fn the_accepted_counter_follows_the_routes() {
    let mut net = pair(|_, _| {});
    let accepted = |net: &Net| {
        let view = net.speakers[1].neighbor(NeighborId(0)).unwrap();
        (view.received, view.accepted)
    };
    net.originate(0, P);
    net.run(SOON);
    assert_eq!(accepted(&net), (1, 1));
    let mut strict = neighbor(1, 0, 65_001);
    strict.import = Some(Policy::reject_all());
    net.command(1, Command::SetNeighbor(NeighborId(0), Box::new(strict)));
    assert_eq!(accepted(&net), (1, 0));
    net.command(0, Command::Reset(NeighborId(0)));
    net.run(Duration::from_millis(20));
    assert_eq!(accepted(&net), (0, 0));
    assert_eq!(net.speakers[0].settings().local_as, Asn(65_001));
}
