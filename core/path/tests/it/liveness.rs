//! When a path is up.

use std::time::Duration;

use inet::Instant;
use path::{Event, Input, Settings};

use crate::line::{Line, Net};

const SECOND: Duration = Duration::from_secs(1);

fn satellite() -> Line {
    let leg = Duration::from_millis(350);
    Line {
        there: leg,
        back: leg,
        ..Line::default()
    }
}

#[test]
fn a_path_is_down_until_its_first_reply() {
    let mut net = Net::new(Line::default());
    assert!(!net.prober.is_up());
    assert_eq!(net.prober.last_reply(), None);
    net.run(SECOND);
    assert_eq!(
        net.events,
        [(net.probes[0] + Duration::from_millis(20), Event::Up)]
    );
    assert!(net.probes[0].since(Instant::from_secs(1)) <= Duration::from_millis(300));
}

#[test]
fn a_satellite_path_of_700_ms_is_not_a_dead_path() {
    let mut net = Net::new(satellite());
    net.run(SECOND * 600);
    assert_eq!(net.events.len(), 1, "up, and nothing else in ten minutes");
    let rtt = net.prober.statistics(net.now).rtt.expect("replies");
    assert_eq!(
        (rtt.min, rtt.max),
        (Duration::from_millis(700), Duration::from_millis(700))
    );
}

#[test]
fn a_path_is_down_within_1_s_of_the_last_reply_whatever_its_round_trip() {
    for line in [Line::default(), satellite()] {
        for cut_at in (0..400).step_by(13) {
            let mut net = Net::new(line);
            net.run(SECOND * 5 + Duration::from_millis(cut_at));
            net.line.is_cut = true;
            net.run(SECOND * 5);
            let last = *net.replies.last().expect("replies");
            let Some((at, Event::Down { last_reply })) = net.events.pop() else {
                panic!("the path goes down");
            };
            assert_eq!(last_reply, last);
            assert!(at.since(last) <= SECOND, "{} after {last}", at);
        }
    }
}

#[test]
fn a_path_that_comes_back_is_up_after_three_replies_within_half_a_second() {
    let mut net = Net::new(Line::default());
    net.run(SECOND * 5);
    net.line.is_cut = true;
    net.run(SECOND * 5);
    net.line.is_cut = false;
    let healed = net.now;
    let before = net.replies.len();
    net.run(SECOND * 2);
    let Some((at, Event::Up)) = net.events.pop() else {
        panic!("the path comes up");
    };
    assert_eq!(at, net.replies[before + 2]);
    assert!(at.since(healed) < Duration::from_millis(500), "{}", at);
}

#[test]
fn a_loss_of_20_percent_in_each_direction_hardly_ever_takes_a_path_down() {
    let mut downs = 0;
    for seed in 0..10 {
        let mut net = Net::new(Line {
            loss_ppm: 200_000,
            seed,
            ..Line::default()
        });
        net.run(SECOND * 600);
        downs += net.downs();
    }
    assert!(downs <= 1, "{downs} times in 100 minutes");
}

#[test]
fn one_reply_now_and_then_does_not_bring_a_dead_path_up() {
    let mut net = Net::new(Line::default());
    net.run(SECOND * 5);
    for _ in 0..20 {
        net.line.is_cut = true;
        net.run(SECOND * 3);
        net.line.is_cut = false;
        net.run(Duration::from_millis(60));
    }
    let ups = net
        .events
        .iter()
        .filter(|(_, event)| *event == Event::Up)
        .count();
    assert_eq!((ups, net.downs()), (1, 1));
}

#[test]
fn a_dead_path_is_not_probed_more_often_than_a_living_one() {
    let mut net = Net::new(Line {
        is_cut: true,
        ..Line::default()
    });
    net.run(SECOND * 100);
    assert!(
        (330..=337).contains(&net.probes.len()),
        "{}",
        net.probes.len()
    );
    let mut net = Net::new(Line::default());
    net.run(SECOND * 100);
    assert!(
        (330..=337).contains(&net.probes.len()),
        "{}",
        net.probes.len()
    );
}

#[test]
fn a_probe_can_be_asked_for_at_once() {
    let mut net = Net::new(Line::default());
    net.tell(Input::Probe);
    assert_eq!(net.probes, [net.now]);
    net.run(Duration::from_millis(20));
    assert!(net.prober.is_up());
}

#[test]
fn early_late_and_repeated_wake_ups_are_harmless() {
    let mut calm = Net::new(Line::default());
    let mut nervous = Net::new(Line::default());
    for _ in 0..300 {
        calm.run(Duration::from_millis(33));
        nervous.run(Duration::from_millis(33));
        nervous.tell(Input::Wake);
        nervous.tell(Input::Wake);
    }
    assert_eq!((calm.probes, calm.events), (nervous.probes, nervous.events));
    let mut late = Net::new(Line {
        is_cut: true,
        ..Line::default()
    });
    late.now = late.now + SECOND * 1_000;
    late.tell(Input::Wake);
    assert_eq!(late.probes.len(), 1, "one probe, however much was missed");
}

#[test]
fn a_path_in_use_is_probed_three_times_as_often_as_an_idle_one() {
    let mut net = Net::new(Line::default());
    net.run(SECOND * 10);
    let idle = net.probes.len();
    assert!((32..=35).contains(&idle), "{idle}");
    for _ in 0..10 {
        net.tell(Input::Used);
        net.run(SECOND);
    }
    let used = net.probes.len() - idle;
    assert!((97..=101).contains(&used), "{used}");
    net.run(SECOND * 2);
    let before = net.probes.len();
    net.run(SECOND * 10);
    let idle = net.probes.len() - before;
    assert!((32..=35).contains(&idle), "{idle}");
}

/// What `probe: {fast: true}` makes of it.
fn fast() -> Settings {
    Settings {
        interval: Duration::from_millis(50),
        dead_after: Duration::from_millis(250),
        ..Settings::new(7)
    }
}

#[test]
fn in_fast_mode_a_path_is_down_within_300_ms_in_use_or_idle_however_long_its_round_trip() {
    for (line, is_used) in [
        (Line::default(), true),
        (Line::default(), false),
        (satellite(), true),
        (satellite(), false),
    ] {
        for cut_at in (0..100).step_by(7) {
            let mut net = Net::with(fast(), line);
            net.run(SECOND * 5 + Duration::from_millis(cut_at));
            if is_used {
                net.tell(Input::Used);
            }
            net.line.is_cut = true;
            net.run(SECOND * 2);
            let last = *net.replies.last().expect("replies");
            let Some((at, Event::Down { .. })) = net.events.pop() else {
                panic!("the path goes down");
            };
            assert!(
                at.since(last) <= Duration::from_millis(300),
                "{at} after {last}"
            );
        }
    }
}

#[test]
fn a_satellite_path_is_alive_in_fast_mode_too() {
    let mut net = Net::with(fast(), satellite());
    net.run(SECOND * 300);
    assert_eq!(net.events.len(), 1, "up, and nothing else");
}
