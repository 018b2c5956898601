//! Scripts of `cases/steering`: what is done to a network, and which moves of voice follow. The simulator and the lab run the
//! same ones, and both ends of the tunnels have to decide alike.

use core::time::Duration;

/// A network that a script is run on.
pub(crate) trait Network {
    fn fail(&mut self, target: &str);
    fn heal(&mut self, target: &str);
    fn wait(&mut self, duration: Duration);
    /// Time since any moment.
    fn now(&mut self) -> Duration;
    /// All moves of voice so far, at either end of the link.
    fn moves(&mut self) -> [Vec<Moved>; 2];
}

/// A move: when, by the network's time, and what.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    pub(crate) at: Duration,
    /// `mpls > internet: rtt`.
    pub(crate) what: String,
}

/// How often moves are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Voice moves at most twice in this time.
const MINUTE: Duration = Duration::from_secs(60);

/// Does what a script says and checks that voice moves so and not otherwise.
pub(crate) fn run(network: &mut impl Network, script: &str) {
    let mut seen = network.moves().map(|moves| moves.len());
    let first = seen;
    let mut done = network.now();
    for line in script.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["fail", target] => network.fail(target),
            ["heal", target] => network.heal(target),
            ["flap", target, times, down, up] => {
                for _ in 0..times.parse().expect("a number") {
                    network.fail(target);
                    network.wait(seconds(down));
                    network.heal(target);
                    network.wait(seconds(up));
                }
            }
            ["had", what @ ..] => expect(network, &mut seen, &what.join(" "), None),
            ["within", limit, what @ ..] => {
                let deadline = done + seconds(limit);
                expect(network, &mut seen, &what.join(" "), Some(deadline));
            }
            _ => panic!("{line:?} is no line of a script"),
        }
        done = network.now();
    }
    for (moves, (seen, first)) in network.moves().iter().zip(seen.into_iter().zip(first)) {
        assert_eq!(moves.len(), seen, "nothing else moved: {moves:?}");
        for three in moves[first..].windows(3) {
            assert!(three[2].at - three[0].at >= MINUTE, "{moves:?}");
        }
    }
}

/// Waits until both ends have moved once more, and checks how and when.
fn expect(
    network: &mut impl Network,
    seen: &mut [usize; 2],
    what: &str,
    deadline: Option<Duration>,
) {
    loop {
        let moves = network.moves();
        let late = deadline.is_none_or(|deadline| network.now() > deadline + LOOK_EVERY);
        if moves
            .iter()
            .zip(&*seen)
            .all(|(moves, seen)| moves.len() > *seen)
        {
            for (moves, seen) in moves.iter().zip(seen.iter_mut()) {
                let moved = &moves[*seen];
                assert_eq!(moved.what, what, "{moves:?}");
                assert!(
                    deadline.is_none_or(|deadline| moved.at <= deadline),
                    "{what} at {:?}, after {deadline:?}",
                    moved.at
                );
                *seen += 1;
            }
            return;
        }
        assert!(!late, "{what}: not in time: {moves:?}");
        network.wait(LOOK_EVERY);
    }
}

fn seconds(text: &str) -> Duration {
    let number = text.strip_suffix('s').and_then(|text| text.parse().ok());
    Duration::from_secs(number.expect("seconds"))
}
