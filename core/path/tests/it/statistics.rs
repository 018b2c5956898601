//! What the probes measure.

use std::time::Duration;

use path::{Input, REPLY_LEN, Settings, reflect};
use proptest::prelude::*;

use crate::line::{Line, Net};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn round_trips_do_not_depend_on_the_other_sides_clock() {
    for clock_offset in [Duration::ZERO, SECOND * 1_000_000] {
        let mut net = Net::new(Line {
            clock_offset,
            ..Line::default()
        });
        net.run(SECOND * 20);
        let statistics = net.prober.statistics(net.now);
        let rtt = statistics.rtt.expect("replies");
        assert_eq!(
            (rtt.min, rtt.avg, rtt.max),
            (SECOND / 50, SECOND / 50, SECOND / 50)
        );
        assert_eq!((rtt.jitter, statistics.lost), (Duration::ZERO, 0));
        assert!(
            (32..=35).contains(&statistics.sent),
            "ten seconds of probes"
        );
    }
}

#[test]
fn loss_is_that_of_the_window() {
    let settings = Settings {
        window: SECOND * 100,
        ..Settings::new(7)
    };
    let mut net = Net::with(
        settings,
        Line {
            loss_ppm: 100_000,
            ..Line::default()
        },
    );
    net.run(SECOND * 200);
    let loss = net.prober.statistics(net.now).loss_ppm;
    // Each way loses 10 %, so that 19 % of the exchanges fail.
    assert!((150_000..=230_000).contains(&loss), "{loss}");
    net.line.loss_ppm = 0;
    net.run(SECOND * 103);
    assert_eq!(net.prober.statistics(net.now).loss_ppm, 0);
}

#[test]
fn probes_still_on_their_way_are_not_lost() {
    let leg = Duration::from_millis(350);
    let mut net = Net::new(Line {
        there: leg,
        back: leg,
        ..Line::default()
    });
    for _ in 0..300 {
        net.run(Duration::from_millis(33));
        assert_eq!(net.prober.statistics(net.now).lost, 0);
    }
}

#[test]
fn a_dead_path_has_lost_everything() {
    let mut net = Net::new(Line::default());
    net.run(SECOND * 5);
    net.line.is_cut = true;
    net.run(SECOND * 20);
    let statistics = net.prober.statistics(net.now);
    assert_eq!((statistics.received, statistics.loss_ppm), (0, 1_000_000));
    assert_eq!(statistics.rtt, None);
}

#[test]
fn jitter_shows_in_the_direction_that_has_it() {
    let mut net = Net::new(Line {
        jitter: Duration::from_millis(30),
        ..Line::default()
    });
    net.run(SECOND * 60);
    let statistics = net.prober.statistics(net.now);
    assert_eq!(statistics.jitter_there, Duration::ZERO);
    // Two uniform draws differ by a third of their range on average.
    let back = statistics.jitter_back;
    assert!((6..=14).contains(&back.as_millis()), "{back:?}");
    assert_eq!(statistics.rtt.expect("replies").jitter, back);
}

#[test]
fn doubled_foreign_and_damaged_replies_change_nothing() {
    let mut net = Net::new(Line {
        is_cut: true,
        ..Line::default()
    });
    let mut out = Vec::new();
    net.prober.handle(net.now, Input::Probe, &mut out);
    let Some(path::Output::Probe {
        payload: request, ..
    }) = out.pop()
    else {
        panic!("a probe");
    };
    let reply = reflect(net.now, 64, &request).expect("a request");
    for at in [14, 24, 28] {
        let mut foreign = reply.clone();
        foreign[at] ^= 1;
        net.tell(Input::Reply(&foreign));
    }
    net.tell(Input::Reply(&reply[..REPLY_LEN - 1]));
    assert!(!net.prober.is_up());
    net.tell(Input::Reply(&reply));
    net.tell(Input::Reply(&reply));
    assert!(net.prober.is_up());
    assert_eq!(net.prober.statistics(net.now).received, 1);
    assert_eq!(net.prober.unexpected_replies(), 5);
}

proptest! {
    #[test]
    fn no_packet_makes_prober_or_reflector_panic(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..50)
    ) {
        let mut net = Net::new(Line::default());
        for packet in packets {
            if let Some(reply) = reflect(net.now, 1, &packet) {
                prop_assert_eq!(reply.len(), packet.len(), "both directions carry the same load");
                net.tell(Input::Reply(&reply));
            }
            net.tell(Input::Reply(&packet));
            net.run(Duration::from_millis(77));
        }
        prop_assert!(net.prober.statistics(net.now).lost <= 1);
    }
}

/// A prober with two shapes, both of which went on for ten seconds.
fn two_shapes(line: Line) -> Net {
    let settings = Settings {
        shapes: 2,
        ..Settings::new(7)
    };
    let mut net = Net::with(settings, line);
    used(&mut net, 10);
    net
}

fn used(net: &mut Net, seconds: u32) {
    for _ in 0..seconds {
        net.tell(Input::Used);
        net.run(SECOND);
    }
}

#[test]
fn shapes_take_turns_and_each_has_its_own_figures() {
    let mut net = two_shapes(Line::default());
    net.line.lost_shape = Some(1);
    used(&mut net, 8);
    let [small, large] = [0, 1].map(|shape| net.prober.judged(net.now, shape));
    assert!(small.sent.abs_diff(large.sent) <= 1 && small.sent >= 45);
    assert_eq!(small.loss_ppm, 0);
    assert!(large.loss_ppm > 700_000, "{}", large.loss_ppm);
}

#[test]
fn a_delay_that_rises_by_a_little_is_the_mean_within_six_seconds() {
    let mut net = two_shapes(Line::default());
    net.line.there = Duration::from_millis(60);
    used(&mut net, 6);
    let rtt = net.prober.judged(net.now, 0).rtt.expect("replies");
    assert_eq!(rtt.avg, Duration::from_millis(70));
}

#[test]
fn what_was_lost_while_a_path_was_down_is_not_held_against_it() {
    let mut net = two_shapes(Line::default());
    net.line.is_cut = true;
    net.run(SECOND * 3);
    net.line.is_cut = false;
    net.run(SECOND * 2);
    assert!(net.prober.is_up());
    assert!(net.prober.statistics(net.now).loss_ppm > 0);
    assert_eq!(net.prober.judged(net.now, 0).loss_ppm, 0);
}
