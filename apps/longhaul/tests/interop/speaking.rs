//! Our router and one foreign speaker: what `docs/interop.md` lists, a test for each cell.
//!
//! The oracle is what the foreign speaker's own command line says; ours is asked for its side.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::meeting::{Far, Meeting, until};
use crate::speakers::{Bird, ExaBgp, Frr, GoBgp, OpenBgpd, SHARED, Speaker, Wish, neighbor, own};

/// What we announce ourselves.
const OWN: &str = "100.64.0.0/24";
const OWN_V6: &str = "2001:db8:f::/48";
const ORIGINATE: &str = "originate: [{prefix: 100.64.0.0/24}, {prefix: \"2001:db8:f::/48\"}]\n";

/// Test by test, who is held to it.
macro_rules! held {
    ($($test:ident: $($module:ident $speaker:ident),+;)+) => {
        $(mod $test {
            $(#[test]
            fn $module() {
                super::$test::<crate::speakers::$speaker>();
            })+
        })+
    };
}

held! {
    routes_of_both_families_flow_both_ways_when_we_connect:
        bird Bird, exabgp ExaBgp, frr Frr, gobgp GoBgp, openbgpd OpenBgpd;
    routes_of_both_families_flow_both_ways_when_it_connects:
        bird Bird, exabgp ExaBgp, frr Frr, gobgp GoBgp, openbgpd OpenBgpd;
    it_reports_the_capabilities_that_we_offer:
        bird Bird, exabgp ExaBgp, frr Frr, gobgp GoBgp, openbgpd OpenBgpd;
    the_same_md5_key_makes_a_session:
        bird Bird, exabgp ExaBgp, frr Frr, gobgp GoBgp;
    another_md5_key_makes_none:
        bird Bird, exabgp ExaBgp, frr Frr, gobgp GoBgp;
    it_asks_for_our_routes_again_and_gets_them:
        bird Bird, exabgp ExaBgp, frr Frr, openbgpd OpenBgpd;
    it_gives_several_paths_for_a_prefix:
        bird Bird, exabgp ExaBgp;
    killed_it_loses_its_routes_and_it_loses_ours_when_we_are_killed:
        bird Bird, exabgp ExaBgp, frr Frr, gobgp GoBgp, openbgpd OpenBgpd;
    its_routes_stay_while_it_restarts_and_go_when_it_no_longer_has_them:
        bird Bird, exabgp ExaBgp, frr Frr, gobgp GoBgp;
    our_routes_stay_with_it_while_we_restart:
        bird Bird, frr Frr, gobgp GoBgp;
    its_graceful_shutdown_makes_its_route_the_last_choice:
        bird Bird, exabgp ExaBgp, frr Frr, gobgp GoBgp, openbgpd OpenBgpd;
    more_routes_than_we_allow_end_the_session:
        bird Bird, exabgp ExaBgp, frr Frr, gobgp GoBgp, openbgpd OpenBgpd;
    more_routes_than_it_allows_end_the_session:
        bird Bird, frr Frr, gobgp GoBgp, openbgpd OpenBgpd;
}

/// Starts both sides; `more` goes into our side of the session. The side that waits comes first.
fn pair<S: Speaker>(wish: Wish, more: &str, rest: &str) -> (Meeting, S) {
    let mut meeting = Meeting::new();
    let far = meeting.wire(1);
    let file = ours(&[(&far, wish, more)], rest);
    let speaker = if wish.active {
        meeting.start(&file);
        S::start(far, wish)
    } else {
        let speaker = S::start(far, wish);
        meeting.start(&file);
        speaker
    };
    (meeting, speaker)
}

/// Our router's file for these neighbours.
fn ours(neighbors: &[(&Far, Wish, &str)], rest: &str) -> String {
    let lines = neighbors
        .iter()
        .map(|(far, wish, more)| neighbor(far, *wish, more));
    let lines: String = lines.collect();
    format!("{ORIGINATE}{rest}neighbors:\n{lines}")
}

fn stands<S: Speaker>(meeting: &Meeting, speaker: &S) {
    until("our side is established", || {
        meeting.session_is(&speaker.name(), "established")
    });
    until("its side is established", || speaker.is_established());
}

fn exchange<S: Speaker>(meeting: &Meeting, speaker: &S) {
    stands(meeting, speaker);
    until("it has our IPv4 route", || speaker.has(OWN, &[], false));
    until("it has our IPv6 route", || speaker.has(OWN_V6, &[], false));
    until("we have its route", || {
        meeting.has(&speaker.own(), &speaker.name())
    });
    let route = meeting.route(&speaker.own(), &speaker.name());
    let route = route.expect("it was there");
    let (asn, address) = (speaker.far().asn().to_string(), speaker.far().address());
    assert_eq!(route["as_path"], asn, "{route:#}");
    assert_eq!(route["next_hop"], address.to_string(), "{route:#}");
    let communities = route["communities"].to_string();
    assert!(communities.contains("65001:100"), "{route:#}");
    if S::GIVES_IPV6 {
        let own = speaker.own_v6();
        until("we have its IPv6 route", || {
            meeting.has(&own, &speaker.name())
        });
        let route = meeting.route(&own, &speaker.name());
        let next_hop = route.expect("it was there")["next_hop"].clone();
        assert_eq!(next_hop, speaker.far().address_v6().to_string());
    }
}

fn routes_of_both_families_flow_both_ways_when_we_connect<S: Speaker>() {
    let (meeting, speaker) = pair::<S>(Wish::default(), "", "");
    exchange(&meeting, &speaker);
}

fn routes_of_both_families_flow_both_ways_when_it_connects<S: Speaker>() {
    let wish = Wish {
        active: true,
        ..Wish::default()
    };
    let (meeting, speaker) = pair::<S>(wish, "", "");
    exchange(&meeting, &speaker);
}

fn it_reports_the_capabilities_that_we_offer<S: Speaker>() {
    let more = "route_refresh: true, enhanced_refresh: true, extended_messages: true, \
                add_path: {receive: true, send: 4}, graceful_restart: {restart_time: 20s}, ";
    let wish = Wish {
        add_path: true,
        restart: true,
        ..Wish::default()
    };
    let (meeting, speaker) = pair::<S>(wish, more, "");
    stands(&meeting, &speaker);
    until("it names all of them", || speaker.reports_capabilities());
}

fn key(meeting: &Meeting, key: &str) -> String {
    let file = meeting.secret("key", key);
    format!("password_file: {}, ", file.display())
}

fn with_keys<S: Speaker>(ours: &str) -> (Meeting, S) {
    let wish = Wish {
        password: Some("sesame"),
        ..Wish::default()
    };
    let mut meeting = Meeting::new();
    let far = meeting.wire(1);
    let more = key(&meeting, ours);
    let file = self::ours(&[(&far, wish, &more)], "");
    let speaker = S::start(far, wish);
    meeting.start(&file);
    (meeting, speaker)
}

fn the_same_md5_key_makes_a_session<S: Speaker>() {
    let (meeting, speaker) = with_keys::<S>("sesame");
    exchange(&meeting, &speaker);
}

fn another_md5_key_makes_none<S: Speaker>() {
    let (meeting, speaker) = with_keys::<S>("simsim");
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        assert!(meeting.session_is(&speaker.name(), "established").is_err());
        assert!(speaker.is_established().is_err());
        sleep(Duration::from_millis(200));
    }
}

fn it_asks_for_our_routes_again_and_gets_them<S: Speaker>() {
    let (meeting, speaker) = pair::<S>(Wish::default(), "", "");
    exchange(&meeting, &speaker);
    let before = speaker.announcements_heard();
    speaker.ask_for_refresh();
    until("it hears them again", || {
        let now = speaker.announcements_heard();
        if now > before {
            Ok(())
        } else {
            Err(format!(
                "{before} before, {now} now\n{}",
                speaker.describe()
            ))
        }
    });
    exchange(&meeting, &speaker);
}

fn it_gives_several_paths_for_a_prefix<S: Speaker>() {
    let wish = Wish {
        add_path: true,
        shared: true,
        ..Wish::default()
    };
    let more = "add_path: {receive: true, send: 4}, ";
    let (meeting, speaker) = pair::<S>(wish, more, "");
    stands(&meeting, &speaker);
    until("we have two paths", || {
        let shown = meeting.routes();
        let all = shown["routes"].as_array().cloned().unwrap_or_default();
        match all.iter().filter(|one| one["prefix"] == SHARED).count() {
            2.. => Ok(()),
            _ => Err(format!("{shown:#}\n{}", speaker.describe())),
        }
    });
}

fn killed_it_loses_its_routes_and_it_loses_ours_when_we_are_killed<S: Speaker>() {
    let (mut meeting, mut speaker) = pair::<S>(Wish::default(), "", "");
    exchange(&meeting, &speaker);
    speaker.far_mut().kill();
    until("we drop its route", || {
        meeting.lacks(&speaker.own(), &speaker.name())
    });
    speaker.start_again();
    exchange(&meeting, &speaker);
    meeting.kill();
    until("it drops our route", || speaker.lacks(OWN));
}

fn its_routes_stay_while_it_restarts_and_go_when_it_no_longer_has_them<S: Speaker>() {
    let wish = Wish {
        restart: true,
        more: 2,
        ..Wish::default()
    };
    let more = "graceful_restart: {restart_time: 20s}, ";
    let (meeting, mut speaker) = pair::<S>(wish, more, "");
    exchange(&meeting, &speaker);
    until("we have a route that will go", || {
        meeting.has("192.0.1.0/24", &speaker.name())
    });
    speaker.far_mut().kill();
    until("our side sees it gone", || {
        let established = meeting.session_is(&speaker.name(), "established");
        established.err().map(drop).ok_or_else(|| meeting.said())
    });
    let kept = meeting.has("192.0.1.0/24", &speaker.name());
    kept.expect("its routes stay");
    speaker.wish_mut().more = 1;
    speaker.start_again();
    exchange(&meeting, &speaker);
    until("what it no longer has goes", || {
        meeting.lacks("192.0.1.0/24", &speaker.name())
    });
    let kept = meeting.has("192.0.0.0/24", &speaker.name());
    kept.expect("what it still has stays");
}

fn our_routes_stay_with_it_while_we_restart<S: Speaker>() {
    let wish = Wish {
        restart: true,
        ..Wish::default()
    };
    let more = "graceful_restart: {restart_time: 20s, forwarding: true}, ";
    let (mut meeting, speaker) = pair::<S>(wish, more, "");
    exchange(&meeting, &speaker);
    meeting.kill();
    until("it sees us gone", || {
        let established = speaker.is_established();
        established
            .err()
            .map(drop)
            .ok_or_else(|| speaker.describe())
    });
    let kept = speaker.has(OWN, &[], false);
    kept.expect("our routes stay");
    meeting.restart();
    exchange(&meeting, &speaker);
}

fn its_graceful_shutdown_makes_its_route_the_last_choice<S: Speaker>() {
    let mut meeting = Meeting::new();
    let (far, rival) = (meeting.wire(1), meeting.wire(2));
    let leaving = Wish {
        leaves: true,
        ..Wish::default()
    };
    // Of two equal routes the lower router ID, which is the first speaker's, would win.
    let rivalling = Wish {
        also: Some("203.0.1.0/24"),
        ..Wish::default()
    };
    let honours = "graceful_shutdown: true, ";
    let file = ours(&[(&far, leaving, honours), (&rival, rivalling, "")], "");
    let (speaker, rival) = (S::start(far, leaving), Bird::start(rival, rivalling));
    meeting.start(&file);
    stands(&meeting, &speaker);
    stands(&meeting, &rival);
    for name in [speaker.name(), rival.name()] {
        until("we have both routes", || meeting.has(&speaker.own(), &name));
    }
    let best = |name: &str| {
        meeting
            .route(&speaker.own(), name)
            .map(|one| one["best"].clone())
    };
    assert_eq!(
        best(&speaker.name()),
        Some(false.into()),
        "{:#}",
        meeting.routes()
    );
    assert_eq!(
        best(&rival.name()),
        Some(true.into()),
        "{:#}",
        meeting.routes()
    );
}

fn more_routes_than_we_allow_end_the_session<S: Speaker>() {
    let wish = Wish {
        more: 9,
        ..Wish::default()
    };
    let more = "prefix_limit: {max: 3, restart_after: 1min}, ";
    let (meeting, speaker) = pair::<S>(wish, more, "");
    until("it is told Maximum Number of Prefixes Reached", || {
        speaker.reports_too_many_prefixes()
    });
    until("we keep none of its routes", || {
        meeting.lacks(&speaker.own(), &speaker.name())
    });
    assert!(meeting.session_is(&speaker.name(), "established").is_err());
}

fn more_routes_than_it_allows_end_the_session<S: Speaker>() {
    let wish = Wish {
        limit: Some(1),
        ..Wish::default()
    };
    let mut meeting = Meeting::new();
    let far = meeting.wire(1);
    let prefixes = (0..5).map(|number| format!("{{prefix: 192.0.2.{}/30}}", number * 4));
    let prefixes: Vec<String> = prefixes.collect();
    let lines = neighbor(&far, wish, "");
    let speaker = S::start(far, wish);
    meeting.start(&format!(
        "originate: [{}]\nneighbors:\n{lines}",
        prefixes.join(", ")
    ));
    until("it ends the session and says why", || {
        speaker.reports_our_excess()
    });
    until("our side is down", || {
        let established = meeting.session_is(&speaker.name(), "established");
        established.err().map(drop).ok_or_else(|| meeting.said())
    });
}

#[test]
fn five_makes_learn_the_routes_of_each_other_from_us_with_paths_and_communities_whole() {
    let mut meeting = Meeting::new();
    let fars: Vec<Far> = (1..=5).map(|number| meeting.wire(number)).collect();
    let wish = Wish::default();
    let sides: Vec<_> = fars.iter().map(|far| (far, wish, "")).collect();
    let file = ours(&sides, "");
    let origins: Vec<(String, u32)> = fars.iter().map(|far| (own(far), far.asn())).collect();
    let mut fars = fars.into_iter();
    let mut next = || fars.next().expect("there are five");
    let speakers = (
        Bird::start(next(), wish),
        ExaBgp::start(next(), wish),
        Frr::start(next(), wish),
        GoBgp::start(next(), wish),
        OpenBgpd::start(next(), wish),
    );
    meeting.start(&file);
    learns(&meeting, &speakers.0, &origins);
    learns(&meeting, &speakers.1, &origins);
    learns(&meeting, &speakers.2, &origins);
    learns(&meeting, &speakers.3, &origins);
    learns(&meeting, &speakers.4, &origins);
}

fn learns<S: Speaker>(meeting: &Meeting, speaker: &S, origins: &[(String, u32)]) {
    stands(meeting, speaker);
    for (prefix, asn) in origins {
        if *asn != speaker.far().asn() {
            until("a route arrives with path and communities", || {
                speaker.has(prefix, &[*asn], true)
            });
        }
    }
}

#[test]
fn equal_paths_of_five_makes_are_used_together_and_told_with_add_path() {
    let mut meeting = Meeting::new();
    let fars: Vec<Far> = (1..=5).map(|number| meeting.wire(number)).collect();
    let wish = Wish {
        shared: true,
        ..Wish::default()
    };
    let listener = meeting.wire(6);
    let several = Wish {
        add_path: true,
        ..Wish::default()
    };
    let mut sides: Vec<_> = fars.iter().map(|far| (far, wish, "")).collect();
    sides.push((&listener, several, "add_path: {receive: true, send: 8}, "));
    let file = ours(&sides, "multipath: {paths: 8, as_path: same-length}\n");
    let mut fars = fars.into_iter();
    let mut next = || fars.next().expect("there are five");
    let _speakers = (
        Bird::start(next(), wish),
        ExaBgp::start(next(), wish),
        Frr::start(next(), wish),
        GoBgp::start(next(), wish),
        OpenBgpd::start(next(), wish),
    );
    let listener = Frr::start(listener, several);
    meeting.start(&file);
    until("all five are used", || {
        let shown = meeting.routes();
        let all = shown["routes"].as_array().cloned().unwrap_or_default();
        let used = all
            .iter()
            .filter(|one| one["prefix"] == SHARED && one["used"] == true);
        if used.count() == 5 {
            Ok(())
        } else {
            Err(format!("{shown:#}\n{}", meeting.said()))
        }
    });
    until("FRR is told all five", || match listener.paths(SHARED) {
        (5, _) => Ok(()),
        (_, seen) => Err(seen),
    });
}
