//! What carries a class, and how seldom that changes.

use proptest::prelude::*;

use super::*;
use crate::{Figure, PERIOD, Variation};

const MPLS: PathId = PathId(1);
const ISP_A: PathId = PathId(2);
const ISP_B: PathId = PathId(3);
const MILLI: Duration = Duration::from_millis(1);
const HOLD: Duration = Duration::from_secs(60);

/// Voice: 150 ms, 30 ms, 1 %; MPLS first, then both internet paths.
fn voice(otherwise: Otherwise) -> ClassPaths {
    let mut class = ClassPaths::new(
        ClassSettings {
            sla: Sla {
                rtt: Some(MILLI * 150),
                jitter: Some(MILLI * 30),
                loss_ppm: Some(10_000),
            },
            otherwise,
            hold: HOLD,
        },
        [(MPLS, 0), (ISP_A, 1), (ISP_B, 1)],
    );
    for path in [MPLS, ISP_A, ISP_B] {
        class.set(Instant::ZERO, path, true, true);
    }
    class
}

fn measured(rtt_ms: u32, jitter_ms: u32, lost: u32) -> Statistics {
    let rtt = MILLI * rtt_ms;
    Statistics {
        sent: 50,
        received: 50 - lost,
        lost,
        loss_ppm: lost * 20_000,
        rtt: Some(Variation {
            min: rtt,
            avg: rtt,
            max: rtt,
            jitter: MILLI * jitter_ms,
        }),
        jitter_there: MILLI * jitter_ms,
        jitter_back: MILLI,
    }
}

fn good() -> Statistics {
    measured(20, 1, 0)
}

fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

fn standing(class: &ClassPaths, path: PathId) -> Standing {
    class.account(path).expect("a path of the class").standing
}

#[test]
fn among_paths_that_all_break_it_a_flapping_measure_changes_nothing() {
    assert_eq!(worse_or_clear(1, 195), 1);
    assert_eq!(worse_or_clear(1, 205), 1);
    assert_eq!(worse_or_clear(1, 159), 0);
    assert_eq!(worse_or_clear(0, 205), 1);
}

#[test]
fn the_first_group_with_a_path_that_keeps_it_carries_the_class() {
    let mut class = voice(Otherwise::Best);
    assert_eq!(class.carrying(), [MPLS]);
    for (bad, figure) in [
        (measured(151, 1, 0), Figure::Rtt),
        (measured(20, 31, 0), Figure::Jitter),
        (measured(20, 1, 2), Figure::Loss),
    ] {
        let mut class = class.clone();
        let moved = class.judge(at(1), MPLS, &bad).expect("it moves");
        assert_eq!(moved.to, [ISP_A, ISP_B]);
        let Cause::Broke(MPLS, measure) = moved.cause else {
            panic!("{:?}", moved.cause);
        };
        assert_eq!(measure.figure, figure);
    }
    class.judge(at(1), MPLS, &measured(150, 30, 1));
    assert_eq!(
        class.carrying(),
        [MPLS],
        "at the limits, and one lost probe is chance"
    );
}

#[test]
fn a_measure_reads_as_an_operator_would_say_it() {
    let mut class = voice(Otherwise::Best);
    let said = |class: &ClassPaths| {
        let worst = class.account(MPLS).and_then(|account| account.worst);
        worst.expect("a measure").to_string()
    };
    class.judge(at(1), MPLS, &measured(212, 1, 0));
    assert_eq!(said(&class), "rtt 212.0ms over 5s (limit 150.0ms)");
    class.judge(at(2), MPLS, &measured(20, 1, 4));
    assert_eq!(said(&class), "loss 8.0% over 10s (limit 1.0%)");
}

#[test]
fn a_class_goes_back_only_after_the_path_was_good_for_the_hold_time() {
    let mut class = voice(Otherwise::Best);
    class.judge(at(1), MPLS, &measured(300, 1, 0));
    class.judge(at(2), MPLS, &measured(140, 1, 0));
    assert_eq!(
        standing(&class, MPLS),
        Standing::Breaks(0),
        "above 80 % of the limit"
    );
    class.judge(at(3), MPLS, &good());
    let account = class.account(MPLS).expect("a path of the class");
    assert_eq!(account.held_until, Some(at(63)));
    for second in 4..63 {
        class.judge(at(second), MPLS, &measured(140, 1, 0));
        assert_eq!(class.carrying(), [ISP_A, ISP_B], "second {second}");
    }
    let moved = class.judge(at(63), MPLS, &good()).expect("it goes back");
    assert_eq!((moved.cause, &moved.to), (Cause::Kept(MPLS), &vec![MPLS]));
}

#[test]
fn however_short_its_hold_time_a_class_stays_for_a_minute_before_it_goes_back() {
    let mut class = voice(Otherwise::Best);
    class.settings.hold = Duration::from_secs(5);
    class.judge(at(1), MPLS, &measured(300, 1, 0));
    for second in 2..61 {
        assert_eq!(class.judge(at(second), MPLS, &good()), None);
    }
    assert!(class.judge(at(61), MPLS, &good()).is_some());
}

#[test]
fn a_path_that_flaps_moves_the_class_once() {
    let mut class = voice(Otherwise::Best);
    let mut moves = 0;
    for second in 1..600 {
        let moved = match second % 8 {
            0 => class.set(at(second), MPLS, false, true),
            4 => class.set(at(second), MPLS, true, true),
            _ => class.judge(at(second), MPLS, &good()),
        };
        moves += u32::from(moved.is_some());
    }
    assert_eq!((moves, class.carrying()), (1, [ISP_A, ISP_B].as_slice()));
}

#[test]
fn a_path_that_comes_up_for_the_first_time_is_used_at_once() {
    let settings = ClassSettings {
        otherwise: Otherwise::Drop,
        ..ClassSettings::default()
    };
    let mut class = ClassPaths::new(settings, [(MPLS, 0), (ISP_A, 1)]);
    class.set(at(5), ISP_A, true, true);
    assert_eq!(class.carrying(), [ISP_A]);
    let moved = class.set(at(6), MPLS, true, true).expect("it moves");
    assert_eq!(moved.cause, Cause::Appeared(MPLS));
    assert_eq!(class.carrying(), [MPLS]);
}

#[test]
fn when_all_paths_break_it_the_one_that_misses_by_least_carries_it_or_none() {
    for (otherwise, expected) in [(Otherwise::Best, vec![ISP_B]), (Otherwise::Drop, vec![])] {
        let mut class = voice(otherwise);
        class.judge(at(1), MPLS, &measured(20, 1, 25));
        class.judge(at(1), ISP_A, &measured(800, 1, 0));
        class.judge(at(1), ISP_B, &measured(200, 1, 0));
        assert_eq!(class.carrying(), expected);
        assert_eq!(standing(&class, MPLS), Standing::Breaks(5));
    }
}

#[test]
fn a_path_that_is_held_is_better_than_none_even_where_the_class_would_be_dropped() {
    let mut class = voice(Otherwise::Drop);
    for path in [MPLS, ISP_A, ISP_B] {
        class.set(at(1), path, false, true);
    }
    assert_eq!(class.carrying(), []);
    let moved = class.set(at(2), ISP_A, true, true).expect("it moves");
    assert_eq!(moved.cause, Cause::Up(ISP_A));
    assert_eq!(standing(&class, ISP_A), Standing::Held);
    assert_eq!(class.carrying(), [ISP_A]);
}

#[test]
fn a_path_that_works_by_a_makeshift_is_left_and_comes_back_like_one_that_failed() {
    let mut class = voice(Otherwise::Best);
    class.set_degraded(at(1), ISP_A, true);
    let moved = class.set_degraded(at(1), MPLS, true).expect("it moves");
    assert_eq!(
        (moved.cause, &moved.to),
        (Cause::Degraded(MPLS), &vec![ISP_B])
    );
    assert_eq!(class.set_degraded(at(20), MPLS, false), None);
    assert!(class.judge(at(61), MPLS, &good()).is_some());
    assert_eq!(class.carrying(), [MPLS]);
}

#[test]
fn a_path_that_nobody_measures_is_trusted_as_soon_as_it_is_up() {
    let mut class = voice(Otherwise::Best);
    class.set(at(100), MPLS, false, false);
    class.set(at(200), MPLS, true, false);
    assert_eq!(standing(&class, MPLS), Standing::Keeps);
}

#[test]
fn a_limit_of_zero_loss_and_unknown_paths_do_no_harm() {
    let sla = Sla {
        loss_ppm: Some(0),
        ..Sla::default()
    };
    let settings = ClassSettings {
        sla,
        ..ClassSettings::default()
    };
    let mut class = ClassPaths::new(settings, [(MPLS, 0)]);
    class.set(at(0), MPLS, true, true);
    class.set(at(0), ISP_A, true, true);
    class.judge(at(1), ISP_A, &measured(1, 1, 50));
    class.judge(at(1), MPLS, &measured(1, 1, 50));
    assert_eq!(class.carrying(), [MPLS]);
    class.judge(at(2), MPLS, &Statistics::default());
    assert_eq!(standing(&class, MPLS), Standing::Held);
}

/// Something happens to a path, so many half seconds after what happened before.
#[derive(Clone, Copy, Debug)]
struct Happening {
    pause: u64,
    path: u32,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Down,
    Up,
    Measures(u32),
}

/// What may happen to paths from the first to the last of these.
fn arb_happenings(paths: core::ops::RangeInclusive<u32>) -> impl Strategy<Value = Vec<Happening>> {
    let what = prop_oneof![
        Just(What::Down),
        Just(What::Up),
        (0..500_u32).prop_map(What::Measures),
        Just(What::Measures(20)),
    ];
    let one =
        (0..20_u64, paths, what).prop_map(|(pause, path, what)| Happening { pause, path, what });
    prop::collection::vec(one, 1..400)
}

/// The moves of voice while this happens and everything is judged twice a second: when, and whether something that carried it
/// went down.
fn moves(hold: u64, happenings: &[Happening]) -> Vec<(Instant, bool)> {
    let mut class = voice(Otherwise::Best);
    class.settings.hold = Duration::from_secs(hold);
    let mut now = at(100);
    let mut moves = Vec::new();
    let mut rtts = [20; 4];
    let mut ups = [true; 4];
    let mut note = |moved: Option<&Move>| {
        if let Some(moved) = moved {
            moves.push((
                moved.at,
                matches!(moved.cause, Cause::Down(_) | Cause::Up(_)),
            ));
        }
    };
    for happening in happenings {
        for _ in 0..happening.pause {
            now = now + MILLI * 500;
            for path in [MPLS, ISP_A, ISP_B] {
                let place = path.0 as usize;
                if ups[place] {
                    note(class.judge(now, path, &measured(rtts[place], 1, 0)));
                }
            }
        }
        let path = PathId(happening.path);
        match happening.what {
            What::Down => ups[happening.path as usize] = false,
            What::Up => ups[happening.path as usize] = true,
            What::Measures(rtt) => rtts[happening.path as usize] = rtt,
        }
        note(class.set(now, path, ups[happening.path as usize], true));
    }
    moves
}

proptest! {
    #[test]
    fn a_flapping_path_moves_a_class_twice_in_a_minute_at_most(
        hold in 0_u64..120, happenings in arb_happenings(1..=1)
    ) {
        let moves = moves(hold, &happenings);
        for three in moves.windows(3) {
            prop_assert!(three[2].0.since(three[0].0) >= PERIOD, "{moves:?}");
        }
    }

    #[test]
    fn whatever_flaps_only_the_loss_of_a_path_moves_a_class_a_third_time(
        hold in 0_u64..120, happenings in arb_happenings(1..=3)
    ) {
        let moves = moves(hold, &happenings);
        for three in moves.windows(3) {
            let forced = three[2].1;
            prop_assert!(forced || three[2].0.since(three[0].0) >= PERIOD, "{moves:?}");
        }
    }
}
