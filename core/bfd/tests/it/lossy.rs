//! Two endpoints over a link that is not kind: they come up, stay up, go down in time, and never disagree for ever.

use std::time::Duration;

use bfd::{Auth, AuthKey, AuthKind, Diagnostic, Settings, State, Verdict};
use proptest::prelude::*;

use crate::neighbor::ms;
use crate::net::{Link, Net};

const SECOND: Duration = Duration::from_secs(1);
const KINDS: [Option<AuthKind>; 6] = [
    None,
    Some(AuthKind::SimplePassword),
    Some(AuthKind::KeyedMd5),
    Some(AuthKind::MeticulousKeyedMd5),
    Some(AuthKind::KeyedSha1),
    Some(AuthKind::MeticulousKeyedSha1),
];

fn settings(interval_ms: u64, detect_mult: u8, kind: Option<AuthKind>) -> Settings {
    let auth = kind.map(|kind| {
        Auth::new(kind, vec![AuthKey::new(1, b"between us".to_vec())]).expect("a key that fits")
    });
    Settings {
        auth,
        ..Settings::new(ms(interval_ms), detect_mult)
    }
}

fn arb_settings(kind: Option<AuthKind>) -> impl Strategy<Value = Settings> {
    (10_u64..500, 10_u64..500, 2_u8..8).prop_map(move |(tx, rx, detect_mult)| Settings {
        required_min_rx: ms(rx),
        ..settings(tx, detect_mult, kind)
    })
}

/// Everything that can happen to two endpoints.
#[derive(Clone, Debug)]
enum Happening {
    Time(u64),
    Loss(u32),
    Cut(bool),
    HeldDown(usize, bool),
    Set(usize, u64, u8),
    Restart(usize),
}

fn arb_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1_u64..4_000).prop_map(Happening::Time),
        1 => (0_u32..600_000).prop_map(Happening::Loss),
        1 => any::<bool>().prop_map(Happening::Cut),
        1 => (0_usize..2, any::<bool>()).prop_map(|(end, down)| Happening::HeldDown(end, down)),
        2 => (0_usize..2, 10_u64..500, 2_u8..8)
            .prop_map(|(end, interval, mult)| Happening::Set(end, interval, mult)),
        1 => (0_usize..2).prop_map(Happening::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn two_endpoints_come_up_within_three_seconds_of_slow_start(
        (one, other) in prop::sample::select(KINDS.to_vec())
            .prop_flat_map(|kind| (arb_settings(kind), arb_settings(kind))),
        seed: u64,
    ) {
        let mut net = Net::new([one, other], Link::GOOD, seed);
        net.run(SECOND * 3);
        prop_assert_eq!(net.states(), [State::Up; 2]);
        prop_assert_eq!(net.count(Verdict::Alive), 2);
        let (near, far) = (net.view(0), net.view(1));
        prop_assert_eq!(near.remote_discriminator, far.discriminator);
        prop_assert_eq!(far.remote_discriminator, near.discriminator);
    }

    #[test]
    fn when_the_link_is_cut_both_go_down_within_the_detection_time(
        (one, other) in (arb_settings(None), arb_settings(None)),
        before in 5_000_u64..8_000,
        seed: u64,
    ) {
        let mut net = Net::new([one, other], Link::GOOD, seed);
        net.run(ms(before));
        let limits = [0, 1].map(|end| net.view(end).detection_time + net.link.delay);
        net.link.is_cut = true;
        let cut = net.now;
        net.verdicts.clear();
        net.run(SECOND * 10);
        for (end, limit) in limits.into_iter().enumerate() {
            let failed = net.verdicts.iter().find(|(_, at, told)| *at == end && *told == Verdict::Failed);
            let (at, ..) = failed.expect("the cut is noticed");
            prop_assert!(at.since(cut) <= limit, "{:?} after the cut, not {limit:?}", at.since(cut));
            prop_assert_eq!(net.view(end).diagnostic, Diagnostic::TIME_EXPIRED);
        }
    }

    #[test]
    fn whatever_happens_a_healed_link_is_agreed_to_be_up(
        kind in prop::sample::select(KINDS.to_vec()),
        happenings in prop::collection::vec(arb_happening(), 1..30),
        seed: u64,
    ) {
        let link = Link { doubled_ppm: 100_000, jitter: ms(120), ..Link::GOOD };
        let mut wanted = [settings(50, 5, kind), settings(100, 3, kind)];
        let mut net = Net::new(wanted.clone(), link, seed);
        for happening in happenings {
            match happening {
                Happening::Time(time) => net.run(ms(time)),
                Happening::Loss(loss) => net.link.loss_ppm = loss,
                Happening::Cut(cut) => net.link.is_cut = cut,
                Happening::HeldDown(end, down) => net.hold_down(end, down),
                Happening::Set(end, interval, mult) => {
                    wanted[end] = settings(interval, mult, kind);
                    net.set(end, wanted[end].clone());
                }
                Happening::Restart(end) => net.restart(end, wanted[end].clone()),
            }
        }
        net.link = Link::GOOD;
        for end in 0..2 {
            net.hold_down(end, false);
        }
        // A restarted end starts from other sequence numbers: the other forgets the old ones after twice the
        // detection time, which is at most 7 s.
        net.run(SECOND * 25);
        prop_assert_eq!(net.states(), [State::Up; 2]);
        let quiet = net.verdicts.len();
        net.run(SECOND * 10);
        prop_assert_eq!(net.verdicts.len(), quiet, "and stays so");
        let slower = wanted[0].desired_min_tx.max(wanted[1].desired_min_tx);
        for (end, settings) in wanted.iter().enumerate() {
            let view = net.view(end);
            prop_assert_eq!(view.tx_interval, slower, "polls have ended");
            let mult = u32::from(wanted[1 - end].detect_mult);
            prop_assert_eq!(view.detection_time, settings.required_min_rx.max(slower) * mult);
        }
    }
}

/// How often 20 sessions of 50 ms × 5 fail in a minute each, once they are up.
fn failures_in_20_minutes(link: Link) -> usize {
    let minute = |seed| {
        let mut net = Net::new([settings(50, 5, None), settings(50, 5, None)], link, seed);
        net.run(SECOND * 10);
        assert!(
            net.count(Verdict::Alive) >= 2,
            "it comes up in spite of the loss"
        );
        net.verdicts.clear();
        net.run(SECOND * 60);
        net.count(Verdict::Failed)
    };
    (0..20).map(minute).sum()
}

/// Five packets in a row must be lost, which happens to about one in 4,000; both sides notice.
#[test]
fn a_loss_of_20_percent_takes_a_session_with_multiplier_5_down_less_than_once_a_minute() {
    let link = Link {
        loss_ppm: 200_000,
        doubled_ppm: 50_000,
        jitter: ms(5),
        ..Link::GOOD
    };
    let failures = failures_in_20_minutes(link);
    assert!(failures <= 2 * 20, "{failures} in 20 minutes");
}

#[test]
fn a_loss_of_5_percent_never_takes_a_session_with_multiplier_5_down() {
    let link = Link {
        loss_ppm: 50_000,
        doubled_ppm: 50_000,
        jitter: ms(5),
        ..Link::GOOD
    };
    assert_eq!(failures_in_20_minutes(link), 0);
}

#[test]
fn packets_that_overtake_each_other_or_come_twice_do_not_take_a_session_down() {
    let link = Link {
        loss_ppm: 20_000,
        doubled_ppm: 200_000,
        jitter: ms(60),
        ..Link::GOOD
    };
    assert_eq!(failures_in_20_minutes(link), 0);
}

#[test]
fn packets_flow_at_the_rate_that_was_agreed() {
    let mut net = Net::new(
        [settings(50, 3, None), settings(50, 3, None)],
        Link::GOOD,
        1,
    );
    net.run(SECOND * 5);
    let before = net.sent;
    net.run(SECOND * 100);
    let each = (net.sent - before) / 2;
    // 100 s at 87.5 % of 50 ms.
    assert!((2_250..=2_320).contains(&each), "{each}");
}

#[test]
fn keys_are_changed_while_the_session_stays_up() {
    let auth = |keys: &[u8]| {
        let keys = keys
            .iter()
            .map(|id| AuthKey::new(*id, vec![*id; 8]))
            .collect();
        Settings {
            auth: Some(Auth::new(AuthKind::MeticulousKeyedSha1, keys).expect("keys that fit")),
            ..settings(50, 3, None)
        }
    };
    let mut net = Net::new([auth(&[1]), auth(&[1])], Link::GOOD, 1);
    for (end, keys) in [
        (0, &[1, 2][..]),
        (1, &[1, 2]),
        (0, &[2, 1]),
        (1, &[2, 1]),
        (0, &[2]),
        (1, &[2]),
    ] {
        net.run(SECOND * 5);
        net.set(end, auth(keys));
    }
    net.run(SECOND * 5);
    assert_eq!(
        (net.states(), net.count(Verdict::Failed)),
        ([State::Up; 2], 0)
    );
}
