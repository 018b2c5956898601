//! Intervals: slow start, negotiation, jitter, polls, detection (RFC 5880 §6.5 to §6.8.4, §6.8.7).

use std::time::Duration;

use bfd::wire::Packet;
use bfd::{Command, Diagnostic, Settings, State};

use crate::neighbor::{Bench, ms};

const SECOND: Duration = Duration::from_secs(1);

fn range(gaps: &[Duration]) -> (Duration, Duration) {
    let (min, max) = (gaps.iter().min(), gaps.iter().max());
    (*min.expect("gaps"), *max.expect("gaps"))
}

/// Up, with the poll for the quick interval confirmed.
fn settled(interval: Duration, detect_mult: u8) -> Bench {
    let mut bench = Bench::up(Settings::new(interval, detect_mult));
    bench.theirs.desired_min_tx = ms(50);
    bench.theirs.is_final = true;
    bench.hear(State::Up);
    bench.theirs.is_final = false;
    bench
}

#[test]
fn rfc5880_6_8_3_until_up_no_more_than_one_packet_a_second_is_wanted_or_sent() {
    let mut bench = Bench::new(Settings::new(ms(10), 3));
    assert_eq!((bench.sent.len(), bench.last().desired_min_tx), (1, SECOND));
    let gaps = bench.gaps(SECOND * 100, SECOND * 1_000);
    let (min, max) = range(&gaps);
    assert!(min >= ms(750) && max <= SECOND, "{min:?} to {max:?}");
}

#[test]
fn rfc5880_6_8_3_once_up_the_quick_interval_is_polled_for() {
    let mut bench = Bench::up(Settings::new(ms(10), 3));
    let said = bench.last();
    assert_eq!(
        (said.state, said.poll, said.desired_min_tx),
        (State::Up, true, ms(10))
    );
    bench.hear(State::Up);
    bench.run(ms(100));
    assert!(bench.last().poll, "until it is answered");
    bench.theirs.is_final = true;
    bench.hear(State::Up);
    bench.theirs.is_final = false;
    bench.run(ms(100));
    assert!(!bench.last().poll);
}

#[test]
fn rfc5880_6_8_2_the_slower_of_both_wishes_is_the_interval() {
    let mut bench = settled(ms(100), 3);
    assert_eq!(bench.view().tx_interval, ms(100));
    bench.theirs.required_min_rx = ms(400);
    bench.hear(State::Up);
    assert_eq!(bench.view().tx_interval, ms(400));
}

#[test]
fn rfc5880_6_8_7_packets_leave_after_75_to_100_percent_of_the_interval() {
    let gaps = settled(ms(100), 3).gaps(SECOND * 100, ms(40));
    let (min, max) = range(&gaps);
    assert!(
        min >= ms(75) && min < ms(77) && max > ms(98) && max <= ms(100),
        "{min:?} {max:?}"
    );
}

#[test]
fn rfc5880_6_8_7_with_multiplier_1_packets_leave_after_75_to_90_percent() {
    let gaps = settled(ms(100), 1).gaps(SECOND * 100, ms(40));
    let (min, max) = range(&gaps);
    assert!(
        min >= ms(75) && min < ms(77) && max > ms(88) && max <= ms(90),
        "{min:?} {max:?}"
    );
}

#[test]
fn rfc5880_6_8_7_a_neighbour_that_wants_no_packets_gets_no_periodic_ones() {
    let mut bench = settled(ms(100), 3);
    bench.theirs.required_min_rx = Duration::ZERO;
    bench.hear(State::Up);
    let gaps = bench.gaps(SECOND * 10, ms(40));
    assert!(gaps.is_empty() && bench.sent.is_empty());
    bench.theirs.poll = true;
    bench.hear(State::Up);
    assert!(bench.last().is_final, "a poll is answered all the same");
}

#[test]
fn rfc5880_6_6_a_neighbour_in_demand_mode_gets_no_periodic_packets_except_polls() {
    let mut bench = settled(ms(100), 3);
    bench.theirs.demand = true;
    bench.hear(State::Up);
    bench.gaps(SECOND * 10, ms(40));
    assert!(bench.sent.is_empty());
    bench.command(Command::Set(bench.key, Settings::new(ms(200), 3)));
    bench.gaps(SECOND, ms(40));
    assert!(bench.sent.len() >= 5 && bench.sent.iter().all(|(_, packet)| packet.poll));
    bench.theirs.is_final = true;
    bench.hear(State::Up);
    bench.theirs.is_final = false;
    bench.gaps(SECOND * 10, ms(40));
    assert!(bench.sent.is_empty());
    bench.theirs.demand = false;
    bench.hear(State::Up);
    assert!(bench.gaps(SECOND, ms(40)).len() > 3, "it wants them again");
}

#[test]
fn rfc5880_6_8_4_the_detection_time_is_their_multiplier_of_the_slower_wish() {
    let mut bench = settled(ms(100), 9);
    bench.theirs.detect_mult = 4;
    bench.theirs.desired_min_tx = ms(30);
    bench.hear(State::Up);
    assert_eq!(
        bench.view().detection_time,
        ms(400),
        "we want 100 ms at least"
    );
    bench.theirs.desired_min_tx = ms(130);
    bench.hear(State::Up);
    assert_eq!(
        bench.view().detection_time,
        ms(520),
        "they want 130 ms at least"
    );
}

#[test]
fn rfc5880_6_8_4_silence_for_the_detection_time_takes_an_up_or_init_session_down() {
    let mut bench = settled(ms(100), 3);
    bench.states.clear();
    bench.run(ms(299));
    assert!(bench.states.is_empty());
    let due = bench.now + ms(1);
    bench.run(SECOND);
    assert_eq!(bench.states, [(due, State::Down, Diagnostic::TIME_EXPIRED)]);
    let mut bench = Bench::new(Settings::new(ms(100), 3));
    bench.hear(State::Down);
    bench.run(SECOND * 4);
    assert_eq!(
        (bench.view().state, bench.view().diagnostic),
        (State::Down, Diagnostic::TIME_EXPIRED)
    );
}

#[test]
fn silence_is_judged_only_when_waiting_datagrams_are_in() {
    let mut bench = settled(ms(100), 3);
    bench.now = bench.now + SECOND;
    assert!(
        bench.endpoint.wake().is_some_and(|wake| wake < bench.now),
        "overdue"
    );
    bench.hear(State::Up);
    bench.run(ms(1));
    assert_eq!(bench.view().state, State::Up);
}

#[test]
fn rfc5880_6_8_3_a_longer_tx_interval_waits_for_the_end_of_the_poll() {
    let mut bench = settled(ms(100), 3);
    bench.command(Command::Set(
        bench.key,
        Settings {
            required_min_rx: ms(100),
            ..Settings::new(ms(400), 3)
        },
    ));
    assert_eq!(bench.view().tx_interval, ms(100));
    bench.run(ms(100));
    assert_eq!(
        (bench.last().poll, bench.last().desired_min_tx),
        (true, ms(400))
    );
    bench.theirs.is_final = true;
    bench.hear(State::Up);
    assert_eq!(bench.view().tx_interval, ms(400));
}

#[test]
fn rfc5880_6_8_3_a_shorter_tx_interval_counts_at_once() {
    let mut bench = settled(ms(400), 3);
    bench.command(Command::Set(
        bench.key,
        Settings {
            required_min_rx: ms(400),
            ..Settings::new(ms(100), 3)
        },
    ));
    assert_eq!(bench.view().tx_interval, ms(100));
}

#[test]
fn rfc5880_6_8_3_a_shorter_rx_interval_waits_for_the_end_of_the_poll() {
    let mut bench = settled(ms(400), 3);
    bench.command(Command::Set(bench.key, Settings::new(ms(100), 3)));
    assert_eq!(bench.view().detection_time, ms(1_200));
    bench.run(ms(400));
    assert_eq!(bench.last().required_min_rx, ms(100));
    bench.theirs.is_final = true;
    bench.hear(State::Up);
    assert_eq!(bench.view().detection_time, ms(300));
}

#[test]
fn rfc5880_6_5_a_change_during_a_poll_is_polled_for_by_another_one() {
    let mut bench = settled(ms(400), 3);
    bench.command(Command::Set(bench.key, Settings::new(ms(300), 3)));
    bench.run(ms(400));
    bench.command(Command::Set(bench.key, Settings::new(ms(100), 3)));
    bench.theirs.is_final = true;
    bench.hear(State::Up);
    assert_eq!(
        bench.view().detection_time,
        ms(1_200),
        "that confirmed the first change only"
    );
    bench.theirs.is_final = false;
    bench.run(ms(200));
    assert!(bench.last().poll);
    bench.theirs.is_final = true;
    bench.hear(State::Up);
    assert_eq!(bench.view().detection_time, ms(300));
}

#[test]
fn rfc5880_6_5_an_answer_without_a_question_changes_nothing() {
    let mut bench = settled(ms(400), 3);
    bench.command(Command::Set(bench.key, Settings::new(ms(100), 3)));
    bench.theirs.is_final = true;
    bench.hear(State::Up);
    assert_eq!(
        bench.view().detection_time,
        ms(1_200),
        "the poll bit has not been sent yet"
    );
}

#[test]
fn rfc5880_6_5_a_poll_rides_on_scheduled_packets_only() {
    let mut bench = settled(ms(400), 3);
    bench.run(ms(1));
    bench.sent.clear();
    bench.command(Command::Set(bench.key, Settings::new(ms(100), 3)));
    bench.command(Command::Set(bench.key, Settings::new(ms(90), 3)));
    assert!(bench.sent.iter().all(|(at, _)| *at == bench.now) && bench.sent.len() <= 1);
}

#[test]
fn rfc5880_6_8_7_a_change_of_state_is_said_at_once() {
    let mut bench = settled(ms(100), 3);
    bench.hear(State::Down);
    assert_eq!(bench.sent.last().map(|(at, _)| *at), Some(bench.now));
    let said = bench.last();
    assert_eq!(
        (said.state, said.diagnostic),
        (State::Down, Diagnostic::NEIGHBOR_DOWN)
    );
    assert_eq!(said.desired_min_tx, SECOND, "slow again");
}

#[test]
fn rfc5880_6_8_7_what_we_do_not_do_is_said_in_every_packet() {
    let mut bench = settled(ms(100), 3);
    bench.run_hearing(SECOND, ms(40));
    let honest = |packet: &Packet| {
        !packet.demand && !packet.control_plane_independent && packet.required_min_echo_rx.is_zero()
    };
    assert!(bench.sent.iter().all(|(_, packet)| honest(packet)));
}

#[test]
fn a_late_wake_up_sends_one_packet_however_many_were_missed() {
    let mut bench = Bench::new(Settings::new(ms(10), 3));
    bench.sent.clear();
    bench.now = bench.now + SECOND * 1_000;
    bench.run(Duration::ZERO);
    assert_eq!(bench.sent.len(), 1);
}

#[test]
fn settings_that_the_wire_cannot_say_are_brought_within_its_limits() {
    let odd = Settings::new(Duration::ZERO, 0);
    assert_eq!(
        (
            Bench::new(odd).last().required_min_rx,
            Bench::new(Settings::new(Duration::MAX, 0))
                .last()
                .detect_mult
        ),
        (Duration::from_micros(1), 1)
    );
    let slow = Bench::new(Settings::new(Duration::MAX, 3)).last();
    assert_eq!(
        slow.desired_min_tx,
        Duration::from_micros(u64::from(u32::MAX))
    );
}
