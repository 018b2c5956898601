//! When a path goes over TLS, and when it comes back.

use core::time::Duration;

use carrier::{Caller, Input, Output, SILENCE, Way};
use inet::Instant;

/// A caller with the time and what it asked for.
struct Story {
    now: Instant,
    caller: Caller,
    asked: Vec<(u64, Output)>,
}

impl Story {
    fn new() -> Self {
        Self {
            now: Instant::ZERO,
            caller: Caller::new(Instant::ZERO),
            asked: Vec::new(),
        }
    }

    fn tell(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.caller.handle(self.now, input, &mut out);
        let millis = self.now.as_nanos() / 1_000_000;
        self.asked.extend(out.iter().map(|one| (millis, *one)));
        out
    }

    /// Lets time pass to this second; `answer` says what follows from what is asked.
    fn until(&mut self, second: u64, answer: impl Fn(u64, Output) -> Option<Input>) {
        let end = Instant::from_secs(second);
        while let Some(at) = self.caller.wake().filter(|at| *at <= end) {
            assert!(at >= self.now, "a wake-up lies ahead");
            self.now = at;
            let mut asked = self.tell(Input::Wake);
            while let Some(output) = asked.pop() {
                if let Some(input) = answer(self.now.as_nanos() / 1_000_000_000, output) {
                    asked.extend(self.tell(input));
                }
            }
        }
        self.now = end;
    }

    fn moves(&self) -> Vec<(u64, Way)> {
        let moves = self.asked.iter().filter_map(|(at, output)| match output {
            Output::Move(way) => Some((*at, *way)),
            Output::Connect | Output::Close | Output::Echo => None,
        });
        moves.collect()
    }
}

/// TLS works at once; UDP comes back with this second.
fn udp_from(second: u64) -> impl Fn(u64, Output) -> Option<Input> {
    move |now, output| match output {
        Output::Connect => Some(Input::Connected),
        Output::Echo if now >= second => Some(Input::Echoed),
        Output::Move(Way::Tls) => Some(Input::Up),
        Output::Move(Way::Udp) if now < second => Some(Input::Down {
            last: Instant::from_secs(now),
        }),
        Output::Move(Way::Udp) | Output::Close | Output::Echo => None,
    }
}

const NEVER: u64 = u64::MAX;

#[test]
fn a_path_that_answers_never_calls() {
    let mut story = Story::new();
    story.tell(Input::Up);
    assert_eq!(story.caller.wake(), None);
    assert_eq!(story.caller.way(), Way::Udp);
}

#[test]
fn two_seconds_without_an_answer_begin_a_connection_and_the_first_that_works_is_taken() {
    let mut story = Story::new();
    story.until(1, |_, _| None);
    assert!(story.asked.is_empty());
    story.until(2, |_, _| None);
    assert_eq!(story.asked, [(2_000, Output::Connect)]);
    // UDP was only slow.
    assert_eq!(story.tell(Input::Up), [Output::Close]);
    assert!(story.tell(Input::Connected).is_empty(), "too late");
    assert_eq!(story.caller.way(), Way::Udp);
}

#[test]
fn a_path_whose_udp_is_blocked_goes_over_tls_and_comes_back_within_thirty_seconds() {
    let mut story = Story::new();
    story.tell(Input::Up);
    story.now = Instant::from_secs(100);
    let last = Instant::from_secs(100) - Duration::from_millis(900);
    story.tell(Input::Down { last });
    story.until(200, udp_from(170));
    let [(away, Way::Tls), (back, Way::Udp)] = story.moves()[..] else {
        panic!("{:?}", story.moves());
    };
    assert_eq!(u128::from(away), 99_100 + SILENCE.as_millis());
    assert!((170_000..=180_000).contains(&back), "{back}");
    assert_eq!(
        story.asked.last().map(|(_, last)| *last),
        Some(Output::Close)
    );
    assert!(story.asked.is_sorted_by_key(|(at, _)| *at));
    assert_eq!(story.asked.last().map(|(at, _)| *at), Some(back + 5_000));
}

#[test]
fn echoes_must_come_back_in_a_row() {
    let mut story = Story::new();
    let every_other = |now: u64, output| match output {
        Output::Echo if now % 4 < 2 => Some(Input::Echoed),
        other => udp_from(NEVER)(now, other),
    };
    story.until(300, every_other);
    assert_eq!(story.moves().len(), 1, "{:?}", story.moves());
}

#[test]
fn udp_that_lets_echoes_through_and_no_packets_costs_one_trial_and_then_longer_waits() {
    let mut story = Story::new();
    let echoes_only = |now: u64, output| match output {
        Output::Echo => Some(Input::Echoed),
        other => udp_from(NEVER)(now, other),
    };
    story.until(600, echoes_only);
    let back: Vec<u64> = story
        .moves()
        .iter()
        .filter(|(_, way)| *way == Way::Udp)
        .map(|(at, _)| *at)
        .collect();
    assert!((2..20).contains(&back.len()), "{back:?}");
    let gaps = back.windows(2).map(|two| two[1] - two[0]);
    assert!(gaps.is_sorted(), "{back:?}");
    assert_eq!(story.caller.way(), Way::Tls, "the connection was kept");
    let connected = story.asked.iter();
    let connected = connected.filter(|(_, output)| *output == Output::Connect);
    assert_eq!(connected.count(), 1);
}

#[test]
fn a_broken_connection_is_made_again_soon_and_after_failures_less_and_less_often() {
    let mut story = Story::new();
    story.until(3, udp_from(NEVER));
    assert_eq!(story.caller.way(), Way::Tls);
    assert_eq!(story.tell(Input::Disconnected), [Output::Move(Way::Udp)]);
    let refused = |_, output| (output == Output::Connect).then_some(Input::Disconnected);
    story.until(300, refused);
    let calls: Vec<u64> = story
        .asked
        .iter()
        .filter(|(_, output)| *output == Output::Connect)
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(calls[1], 5_000, "after the silence: {calls:?}");
    let gaps: Vec<u64> = calls[1..].windows(2).map(|two| two[1] - two[0]).collect();
    assert!(
        gaps.is_sorted() && gaps.iter().all(|gap| *gap <= 30_000),
        "{gaps:?}"
    );
}

#[test]
fn a_connection_without_answers_of_the_tunnel_is_given_up() {
    let mut story = Story::new();
    // Something takes TLS connections and is no node.
    let mute = |_, output| (output == Output::Connect).then_some(Input::Connected);
    story.until(17, mute);
    assert_eq!(
        story.moves(),
        [(2_000, Way::Tls), (17_000, Way::Udp)],
        "{:?}",
        story.asked
    );
    assert!(story.asked.contains(&(17_000, Output::Close)));
}

#[test]
fn early_late_and_unfitting_inputs_are_harmless() {
    let inputs = [
        Input::Wake,
        Input::Echoed,
        Input::Connected,
        Input::Disconnected,
        Input::Up,
        Input::Down {
            last: Instant::ZERO,
        },
    ];
    let mut chance = inet::Rng::new(7);
    let mut story = Story::new();
    let mut is_open = false;
    for _ in 0..20_000 {
        story.now = story.now + Duration::from_millis(chance.below(3_000));
        let input = inputs[chance.below(inputs.len() as u64) as usize];
        if input == Input::Connected && !is_open {
            continue;
        }
        is_open &= input != Input::Disconnected;
        for output in story.tell(input) {
            match output {
                Output::Connect => assert!(!core::mem::replace(&mut is_open, true)),
                Output::Close => assert!(core::mem::replace(&mut is_open, false)),
                Output::Move(Way::Tls) => assert!(is_open),
                Output::Move(Way::Udp) | Output::Echo => {}
            }
        }
        let due = story.caller.wake();
        assert!(due.is_none_or(|at| at > story.now), "a wake-up lies ahead");
    }
}
