//! What the protocols that use a session are told (RFC 5882), and sessions that come and go.

use std::time::Duration;

use bfd::{
    Command, Diagnostic, Endpoint, Hops, Input, Output, SESSIONS_MAX, SessionKey, Settings, State,
    Verdict,
};
use inet::Instant;

use crate::neighbor::{Bench, key, ms};

fn settings() -> Settings {
    Settings::new(ms(100), 3)
}

#[test]
fn rfc5882_3_2_a_session_that_was_never_up_does_not_fail() {
    let mut bench = Bench::new(settings());
    bench.run(Duration::from_secs(10));
    bench.hear(State::Down);
    bench.run(Duration::from_secs(10));
    assert_eq!(bench.view().diagnostic, Diagnostic::TIME_EXPIRED);
    assert_eq!(bench.verdicts, []);
}

#[test]
fn rfc5882_3_2_a_session_that_was_up_fails_by_silence_or_by_the_neighbours_word() {
    for end in [
        |bench: &mut Bench| bench.run(ms(3_000)),
        |bench: &mut Bench| bench.hear(State::Down),
    ] {
        let mut bench = Bench::up(settings());
        end(&mut bench);
        assert_eq!(bench.verdicts, [Verdict::Alive, Verdict::Failed]);
        assert_eq!((bench.view().ups, bench.view().failures), (1, 1));
    }
}

#[test]
fn rfc5882_4_2_admin_down_of_the_neighbour_is_no_failure() {
    let mut bench = Bench::up(settings());
    bench.hear(State::AdminDown);
    assert_eq!(bench.view().state, State::Down);
    bench.run(Duration::from_secs(60));
    assert_eq!(bench.verdicts, [Verdict::Alive, Verdict::Unknown]);
}

#[test]
fn rfc5882_4_2_admin_down_of_ours_is_no_failure() {
    let mut bench = Bench::up(settings());
    bench.command(Command::AdminDown(bench.key));
    bench.hear(State::Down);
    bench.command(Command::AdminUp(bench.key));
    bench.hear(State::Down);
    bench.hear(State::Init);
    assert_eq!(
        bench.verdicts,
        [Verdict::Alive, Verdict::Unknown, Verdict::Alive]
    );
}

#[test]
fn rfc5880_6_8_16_admin_down_is_said_on_and_on() {
    let mut bench = Bench::up(settings());
    bench.command(Command::AdminDown(bench.key));
    bench.sent.clear();
    bench.run(Duration::from_secs(60));
    assert!(bench.sent.len() > 55);
    let said = bench.last();
    assert_eq!(
        (said.state, said.diagnostic),
        (State::AdminDown, Diagnostic::ADMIN_DOWN)
    );
}

#[test]
fn a_removed_session_says_admin_down_for_a_detection_time_and_goes() {
    let mut bench = Bench::up(settings());
    bench.sent.clear();
    bench.command(Command::Remove(bench.key));
    bench.command(Command::Remove(bench.key));
    bench.run(ms(2_900));
    assert!(bench.sent.len() >= 3);
    assert!(
        bench
            .sent
            .iter()
            .all(|(_, packet)| packet.state == State::AdminDown)
    );
    bench.run(ms(100));
    assert_eq!(bench.endpoint.session(bench.key), None);
    assert_eq!(bench.endpoint.wake(), None);
}

#[test]
fn a_session_that_is_wanted_again_before_it_has_gone_stays() {
    let mut bench = Bench::up(settings());
    bench.command(Command::Remove(bench.key));
    bench.command(Command::Set(bench.key, settings()));
    assert_eq!(bench.view().state, State::Down);
    bench.run(Duration::from_secs(10));
    assert_eq!(bench.view().state, State::Down);
}

#[test]
fn a_session_that_nobody_answered_goes_at_once() {
    let mut bench = Bench::new(settings());
    bench.command(Command::Remove(bench.key));
    assert_eq!(bench.endpoint.session(bench.key), None);
}

#[test]
fn a_session_too_many_is_refused() {
    let mut endpoint = Endpoint::new(1);
    let mut out = Vec::new();
    let nth = |number: usize| SessionKey {
        remote: std::net::Ipv4Addr::from(number as u32).into(),
        ..key(Hops::Multi)
    };
    for number in 0..=SESSIONS_MAX {
        let command = Command::Set(nth(number), settings());
        endpoint.handle(Instant::ZERO, Input::Command(command), &mut out);
    }
    assert_eq!(
        out.last(),
        Some(&Output::Refused {
            session: nth(SESSIONS_MAX)
        })
    );
    assert_eq!(endpoint.sessions().len(), SESSIONS_MAX);
    endpoint.handle(
        Instant::ZERO,
        Input::Command(Command::Remove(nth(3))),
        &mut out,
    );
    let command = Command::Set(nth(SESSIONS_MAX), settings());
    out.clear();
    endpoint.handle(Instant::ZERO, Input::Command(command), &mut out);
    assert!(
        matches!(out[..], [Output::Send { .. }]),
        "a free place is used"
    );
}

#[test]
fn a_session_depends_on_the_seed_and_its_addresses_not_on_others() {
    let alone = Bench::new(settings()).view();
    let mut endpoint = Endpoint::new(1);
    let mut out = Vec::new();
    for hops in [Hops::Multi, Hops::Single] {
        let command = Command::Set(key(hops), settings());
        endpoint.handle(Instant::ZERO, Input::Command(command), &mut out);
    }
    let beside = endpoint.session(key(Hops::Single)).expect("it exists");
    assert_eq!(alone.discriminator, beside.discriminator);
}
