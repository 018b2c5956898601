//! Restarts of neighbours and of ourselves, and refreshes: what stays, for how long, and what is
//! told meanwhile.

use std::time::Duration;

use bgp::{
    Action, Command, DownReason, Event, GracefulRestart, Match, NeighborId, OnExceed, Policy,
    PrefixLimit, PrefixSet, Settings, Stale, Term, Verdict,
};
use inet::{Asn, Instant};

use crate::net::Net;

const NET: &str = "192.0.2.0/24";
const SECOND: Duration = Duration::from_secs(1);

/// 0 tells 1 a route, and 1 tells 2. Between 0 and 1 there is graceful restart.
fn chain(restart: GracefulRestart) -> Net {
    chain_with(restart, |_, _| ())
}

fn chain_with(restart: GracefulRestart, change: impl Fn(usize, &mut Settings)) -> Net {
    let mut net = Net::of(
        &[65_000, 65_001, 65_002],
        &[(0, 1), (1, 2)],
        |at, settings| {
            for neighbor in &mut settings.neighbors {
                neighbor.idle_hold = Duration::from_secs(5);
                neighbor.connect_retry = Duration::from_secs(5);
            }
            if at < 2 {
                settings.neighbors[0].graceful_restart = Some(restart);
            }
            change(at, settings);
        },
    );
    net.originate(0, NET);
    net.run(SECOND * 30);
    assert!(net.up(0, 0) && net.up(1, 0) && net.up(1, 1));
    assert_eq!(net.routes(2), [NET]);
    net
}

fn restarting() -> GracefulRestart {
    GracefulRestart {
        restart_time: SECOND * 60,
        forwarding: true,
        ..GracefulRestart::HELPER
    }
}

/// Nobody lets 0 connect, and 0 does not try.
fn keep_apart(net: &mut Net) {
    net.silent.insert(0);
}

fn stale(net: &Net) -> Stale {
    net.speakers[1]
        .neighbor(NeighborId(0))
        .expect("a neighbour")
        .stale[0]
}

#[test]
fn rfc4724_4_2_routes_stay_while_the_neighbour_restarts_and_nobody_else_hears_of_it() {
    let mut net = chain(restarting());
    let told = net.speakers[1]
        .neighbor(NeighborId(1))
        .expect("2")
        .counters
        .updates_out;
    net.cut(1, 0);
    assert!(stale(&net).is_away());
    assert_eq!(net.routes(1), [NET]);
    net.run(SECOND * 30);
    assert!(net.up(1, 0), "it is back");
    assert_eq!(stale(&net), Stale::None, "End-of-RIB came");
    assert_eq!(
        (net.routes(1), net.routes(2)),
        (vec![NET.into()], vec![NET.into()])
    );
    let now = net.speakers[1]
        .neighbor(NeighborId(1))
        .expect("2")
        .counters
        .updates_out;
    assert_eq!(now, told);
}

#[test]
fn rfc4724_4_2_routes_go_when_the_neighbour_is_away_for_longer_than_its_restart_time() {
    let mut net = chain(restarting());
    keep_apart(&mut net);
    net.cut(1, 0);
    net.run(SECOND * 59);
    assert_eq!(net.routes(1), [NET]);
    net.run(SECOND * 2);
    assert!(net.routes(1).is_empty() && net.routes(2).is_empty());
    let expired = |event: &&Event| matches!(event, Event::StaleExpired { v6: false, .. });
    assert_eq!(net.events(1).filter(expired).count(), 1);
}

#[test]
fn rfc4724_4_2_what_the_neighbour_does_not_tell_again_goes_with_its_end_of_rib() {
    let mut net = chain(restarting());
    net.originate(0, "198.51.100.0/24");
    net.run(SECOND);
    assert_eq!(net.routes(2).len(), 2);
    net.cut(1, 0);
    net.command(
        0,
        Command::Withdraw("198.51.100.0/24".parse().expect("a prefix")),
    );
    net.run(SECOND * 30);
    assert_eq!(
        (net.routes(1), net.routes(2)),
        (vec![NET.into()], vec![NET.into()])
    );
}

#[test]
fn rfc4724_4_2_routes_go_when_the_neighbour_did_not_keep_its_forwarding_state() {
    let mut net = chain(GracefulRestart::HELPER);
    net.cut(1, 0);
    assert_eq!(stale(&net), Stale::None, "it lists no families");
    net.run(SECOND);
    assert!(net.routes(1).is_empty());
}

#[test]
fn rfc8538_4_an_expired_hold_timer_keeps_the_routes_where_both_sides_say_n() {
    for notification in [true, false] {
        let mut net = chain(GracefulRestart {
            notification,
            ..restarting()
        });
        keep_apart(&mut net);
        net.run(SECOND * 91);
        assert!(!net.up(1, 0));
        assert_eq!(net.routes(1).is_empty(), !notification);
    }
}

#[test]
fn rfc8538_3_1_a_shutdown_is_a_hard_reset_and_ends_the_routes() {
    let mut net = chain(restarting());
    let shutdown = Command::Shutdown {
        neighbor: NeighborId(0),
        text: "gone fishing".into(),
    };
    net.command(0, shutdown);
    net.run(SECOND);
    let view = net.speakers[1]
        .neighbor(NeighborId(0))
        .expect("a neighbour");
    let (_, told) = view.last_received.expect("told why");
    assert_eq!((told.code, told.subcode), (6, 9));
    assert_eq!(told.shutdown_text().as_deref(), Some("gone fishing"));
    assert!(net.routes(1).is_empty() && net.routes(2).is_empty());
}

#[test]
fn rfc9384_bfd_down_ends_the_routes_and_the_session_waits_for_bfd() {
    let mut net = chain_with(restarting(), |at, settings| {
        settings.neighbors[0].bfd = at == 1;
    });
    net.command(1, Command::BfdDown(NeighborId(0)));
    net.run(SECOND * 30);
    assert!(net.routes(1).is_empty() && !net.up(1, 0));
    let view = net.speakers[0]
        .neighbor(NeighborId(0))
        .expect("a neighbour");
    let (_, told) = view.last_received.expect("told why");
    let inner = told.reset_for().expect("a hard reset");
    assert_eq!((inner.code, inner.subcode), (6, 10));
    net.command(1, Command::BfdUp(NeighborId(0)));
    net.run(SECOND * 30);
    assert!(net.up(1, 0));
    assert_eq!(net.routes(2), [NET]);
}

#[test]
fn rfc9494_4_routes_live_on_beyond_the_restart_time_and_go_after_their_stale_time() {
    let mut net = chain_with(
        GracefulRestart {
            long_lived: Some(SECOND * 600),
            ..restarting()
        },
        |at, settings| {
            if at > 0 {
                let last = settings.neighbors.last_mut().expect("a neighbour");
                last.graceful_restart = Some(GracefulRestart {
                    long_lived: Some(SECOND * 600),
                    ..restarting()
                });
            }
        },
    );
    keep_apart(&mut net);
    net.cut(1, 0);
    net.run(SECOND * 62);
    assert!(matches!(stale(&net), Stale::LongLived(_)));
    assert_eq!(net.routes(1), [NET]);
    assert!(
        net.path(1, NET).communities.contains(&0xffff_0006),
        "LLGR_STALE"
    );
    assert_eq!(net.routes(2), [NET], "2 speaks RFC 9494 too");
    net.run(SECOND * 601);
    assert!(net.routes(1).is_empty() && net.routes(2).is_empty());
}

#[test]
fn rfc4724_4_1_after_our_own_restart_nothing_is_told_before_all_have_told_everything() {
    let mut net = chain_with(restarting(), |at, settings| {
        if at == 1 {
            settings.restarting = Some(SECOND * 300);
        }
    });
    let place = |found: &dyn Fn(&Event) -> bool| net.events(1).position(found);
    let resumed = place(&|event| *event == Event::Resumed).expect("it resumed");
    let complete = place(&|event| matches!(event, Event::EndOfRib { .. })).expect("told all");
    assert!(complete < resumed);
    let restarted = |net: &Net| {
        let view = net.speakers[0].neighbor(NeighborId(0)).expect("1");
        let theirs = &view.session.expect("up").negotiated.graceful_restart;
        theirs.as_ref().is_some_and(|offer| offer.restarted)
    };
    assert!(restarted(&net), "R is set");
    net.cut(1, 0);
    net.run(SECOND * 30);
    assert!(
        net.up(1, 0) && !restarted(&net),
        "and clear when all is told"
    );
}

#[test]
fn rfc4724_4_1_the_wait_after_our_own_restart_ends_with_its_timer() {
    let mut net = Net::of(
        &[65_000, 65_001, 65_002],
        &[(0, 1), (1, 2)],
        |at, settings| {
            settings.neighbors[0].graceful_restart = Some(restarting());
            if at == 1 {
                settings.restarting = Some(SECOND * 40);
            }
        },
    );
    net.originate(1, NET);
    net.silent.insert(0);
    net.run(SECOND * 39);
    assert!(net.up(1, 1) && net.routes(2).is_empty(), "0 is awaited");
    net.run(SECOND * 2);
    assert_eq!(net.routes(2), [NET]);
}

#[test]
fn rfc4724_5_a_new_connection_of_a_restarted_neighbour_replaces_the_old_one_and_keeps_routes() {
    let mut net = chain(restarting());
    let conn = net.conn(0, 0);
    net.forget(0, conn);
    net.run(SECOND * 30);
    assert!(net.up(0, 0) && net.up(1, 0));
    let replaced = |event: &&Event| {
        matches!(
            event,
            Event::Ended {
                reason: bgp::Ended::Replaced,
                ..
            }
        )
    };
    assert_eq!(net.events(1).filter(replaced).count(), 1);
    assert_eq!(net.routes(2), [NET]);
}

#[test]
fn rfc7313_4_a_refresh_has_ends_and_what_is_not_told_within_goes() {
    let mut net = Net::of(&[65_000, 65_001], &[(0, 1)], |_, settings| {
        settings.neighbors[0].enhanced_refresh = true;
    });
    net.originate(0, NET);
    net.run(SECOND * 10);
    assert_eq!(net.routes(1), [NET]);
    net.command(1, Command::Refresh(NeighborId(0)));
    net.run(SECOND);
    let counters = net.speakers[1].neighbor(NeighborId(0)).expect("0").counters;
    assert_eq!(counters.refreshes_in, 2, "a beginning and an end");
    assert_eq!(
        (net.routes(1), stale_of(&net)),
        (vec![NET.into()], Stale::None)
    );
}

fn stale_of(net: &Net) -> Stale {
    net.speakers[1].neighbor(NeighborId(0)).expect("0").stale[0]
}

#[test]
fn rfc8326_4_1_a_drained_neighbour_is_told_so_and_the_session_stays() {
    let mut net = Net::of(&[65_000, 65_001], &[(0, 1)], |_, _| ());
    net.originate(0, NET);
    net.run(SECOND * 10);
    let drain = |on| Command::GracefulShutdown { neighbor: None, on };
    net.command(0, drain(true));
    net.run(SECOND);
    assert!(net.path(1, NET).communities.contains(&0xffff_0000));
    net.command(0, drain(false));
    net.run(SECOND);
    assert!(net.path(1, NET).communities.is_empty() && net.up(0, 0));
}

#[test]
fn a_neighbour_beyond_its_limit_rests_for_as_long_as_the_operator_said() {
    let mut net = Net::of(&[65_000, 65_001], &[(0, 1)], |at, settings| {
        if at == 1 {
            settings.neighbors[0].prefix_limit = Some(PrefixLimit {
                warning_percent: 50,
                on_exceed: OnExceed::Teardown {
                    restart_after: Some(SECOND * 600),
                },
                ..PrefixLimit::new(2, bgp::Counting::Held)
            });
        }
    });
    net.originate(0, NET);
    net.run(SECOND * 10);
    let warned = |event: &&Event| {
        matches!(
            event,
            Event::PrefixLimit {
                held: 1,
                max: 2,
                ..
            }
        )
    };
    assert_eq!(net.events(1).filter(warned).count(), 1);
    net.originate(0, "198.51.100.0/24");
    net.originate(0, "203.0.113.0/24");
    net.run(SECOND);
    let fell = net.now;
    assert!(!net.up(1, 0));
    net.run(SECOND * 500);
    assert_eq!(
        net.speakers[1]
            .neighbor(NeighborId(0))
            .expect("0")
            .counters
            .established,
        1
    );
    net.run(Instant::from_secs(700).since(fell));
    assert!(
        net.speakers[1]
            .neighbor(NeighborId(0))
            .expect("0")
            .counters
            .established
            > 1
    );
}

#[test]
fn a_limit_that_warns_takes_all_routes() {
    let mut net = Net::of(&[65_000, 65_001], &[(0, 1)], |at, settings| {
        if at == 1 {
            settings.neighbors[0].prefix_limit = Some(PrefixLimit {
                on_exceed: OnExceed::Warn,
                ..PrefixLimit::new(1, bgp::Counting::Held)
            });
        }
    });
    net.originate(0, NET);
    net.originate(0, "198.51.100.0/24");
    net.originate(0, "203.0.113.0/24");
    net.run(SECOND * 10);
    assert_eq!((net.up(1, 0), net.routes(1).len()), (true, 3));
    let warned = |event: &&Event| matches!(event, Event::PrefixLimit { .. });
    assert_eq!(net.events(1).filter(warned).count(), 1);
}

#[test]
fn a_neighbour_that_is_away_loses_its_routes_when_the_operator_gives_it_up() {
    let orders = [
        Command::Down(NeighborId(0), DownReason::Admin),
        Command::Reset(NeighborId(0)),
        Command::RemoveNeighbor(NeighborId(0)),
    ];
    for order in orders {
        let mut net = chain(restarting());
        keep_apart(&mut net);
        net.cut(1, 0);
        assert_eq!(net.routes(1), [NET]);
        net.command(1, order);
        net.run(SECOND);
        assert!(net.routes(1).is_empty() && net.routes(2).is_empty());
    }
}

#[test]
fn link_down_ends_the_routes_as_well() {
    let mut net = chain(restarting());
    net.command(1, Command::Down(NeighborId(0), DownReason::Link));
    net.run(SECOND);
    assert!(net.routes(1).is_empty());
}

#[test]
fn an_aggregate_stays_when_only_some_of_its_contributors_are_stale() {
    let mut net = chain_with(restarting(), |at, settings| {
        if at == 1 {
            let inside = PrefixSet::within([crate::net::prefix("10.0.0.0/8")]);
            let into = "10.0.0.0/8".parse().expect("a network");
            let term = Term {
                when: vec![Match::PrefixIn(inside)],
                then: vec![
                    Action::Aggregate(into),
                    Action::PrependAs(vec![Asn(65_009)]),
                ],
                verdict: Verdict::Accept,
            };
            settings.neighbors[0].import = Policy::new(vec![term], Verdict::Accept);
        }
    });
    net.originate(0, "10.1.0.0/16");
    net.originate(0, "10.2.0.0/16");
    net.run(SECOND);
    let both = ["10.0.0.0/8", NET];
    assert_eq!(net.routes(2), both);
    net.cut(1, 0);
    net.command(
        0,
        Command::Withdraw("10.1.0.0/16".parse().expect("a prefix")),
    );
    net.run(SECOND * 30);
    assert!(net.up(1, 0) && stale(&net) == Stale::None);
    assert_eq!(net.routes(2), both);
    let before = net.path(1, "10.0.0.0/8").as_path;
    let mut settings = net.speakers[1]
        .neighbor(NeighborId(0))
        .expect("0")
        .settings
        .clone();
    settings.interior_cost = 7;
    net.command(1, Command::SetNeighbor(NeighborId(0), Box::new(settings)));
    net.run(SECOND);
    assert_eq!(net.path(1, "10.0.0.0/8").as_path, before);
}
