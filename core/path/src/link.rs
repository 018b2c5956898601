//! A link: the set of paths to one neighbour, and which of them a flow takes.
//!
//! A path that went down more than once of late comes back *held*: as long as there is one that is not, no flow takes it. It is
//! held for [`HOLD_MIN`] after the second failure and twice as long after every further one, so that a path that flaps moves flows
//! ever more rarely.

use std::time::Duration;

use inet::Instant;

/// A path's number, unique in its node. The caller chooses it; it is also the path's stable name in the flow hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub u32);

/// How long a path is held that comes back after its second failure.
pub const HOLD_MIN: Duration = Duration::from_secs(10);
/// A path is not held for longer, however often it failed.
pub const HOLD_MAX: Duration = Duration::from_secs(320);
/// A path that has not failed for so long is as good as one that never did.
pub const FORGIVEN_AFTER: Duration = Duration::from_secs(640);

/// The paths to one neighbour.
#[derive(Clone, Debug, Default)]
pub struct Link {
    // INVARIANT: ordered by preference, then by identifier.
    paths: Vec<Member>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    preference: u8,
    path: PathId,
    state: State,
    /// Whether it works only by a makeshift.
    is_degraded: bool,
    /// For how long it was held the last time, or is to be after the failure that it has.
    hold: Duration,
    /// When it failed the last time.
    failed: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Down,
    Held(Instant),
    Up,
}

/// What a path's change means for its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// The first path came up: the neighbour can be reached.
    Up,
    /// The last path went down: the neighbour cannot be reached.
    Down,
    /// Other paths are used than before.
    Paths,
}

impl Link {
    /// A link over paths with their preferences, lowest first choice. All are down.
    pub fn new(paths: impl IntoIterator<Item = (PathId, u8)>) -> Self {
        let mut paths: Vec<Member> = paths
            .into_iter()
            .map(|(path, preference)| Member {
                preference,
                path,
                state: State::Down,
                is_degraded: false,
                hold: Duration::ZERO,
                failed: None,
            })
            .collect();
        paths.sort_unstable_by_key(|member| (member.preference, member.path));
        Self { paths }
    }

    /// Takes note that a path is up or down. `None` when the flows go where they went before.
    pub fn set(&mut self, now: Instant, path: PathId, up: bool) -> Option<LinkChange> {
        let was_up = self.is_up();
        let before: Vec<PathId> = self.usable().collect();
        let member = self.paths.iter_mut().find(|member| member.path == path)?;
        member.set(now, up);
        match (was_up, self.is_up()) {
            (false, true) => Some(LinkChange::Up),
            (true, false) => Some(LinkChange::Down),
            _ => (!self.usable().eq(before)).then_some(LinkChange::Paths),
        }
    }

    /// Takes note that a path works only by a makeshift, such as TLS where UDP is blocked, or no longer: flows take it if
    /// there is no other. `None` when they go where they went before.
    pub fn set_degraded(&mut self, path: PathId, degraded: bool) -> Option<LinkChange> {
        let before: Vec<PathId> = self.usable().collect();
        let member = self.paths.iter_mut().find(|member| member.path == path)?;
        member.is_degraded = degraded;
        (!self.usable().eq(before)).then_some(LinkChange::Paths)
    }

    /// Releases the paths that were held for long enough; one of them, if flows go elsewhere now.
    pub fn release(&mut self, now: Instant) -> Option<PathId> {
        let before: Vec<PathId> = self.usable().collect();
        let mut released = None;
        for member in &mut self.paths {
            if matches!(member.state, State::Held(until) if until <= now) {
                member.state = State::Up;
                released = released.or(Some(member.path));
            }
        }
        released.filter(|_| !self.usable().eq(before))
    }

    /// Whether a path has never been up.
    pub fn is_new(&self, path: PathId) -> bool {
        let member = self.paths.iter().find(|member| member.path == path);
        member.is_some_and(|member| member.state == State::Down && member.failed.is_none())
    }

    /// When to come back with [`Link::release`].
    pub fn wake(&self) -> Option<Instant> {
        let held = self.paths.iter().map(|member| member.state);
        held.filter_map(|state| match state {
            State::Held(until) => Some(until),
            State::Down | State::Up => None,
        })
        .min()
    }

    /// Whether the neighbour can be reached by any path.
    pub fn is_up(&self) -> bool {
        self.paths.iter().any(|member| member.state != State::Down)
    }

    /// The paths that flows are shared over: of the ones that are up those that are neither degraded nor held, as far as
    /// there are any, and of these the ones of the lowest preference.
    pub fn usable(&self) -> impl Iterator<Item = PathId> + Clone {
        let rank = |member: &Member| {
            let is_held = member.state != State::Up;
            (member.is_degraded, is_held, member.preference)
        };
        let up = self
            .paths
            .iter()
            .filter(|member| member.state != State::Down);
        let best = up.clone().map(rank).min();
        up.filter(move |member| Some(rank(member)) == best)
            .map(|member| member.path)
    }

    /// Until when a path is held; `None` when it is not.
    pub fn held_until(&self, path: PathId) -> Option<Instant> {
        let member = self.paths.iter().find(|member| member.path == path)?;
        match member.state {
            State::Held(until) => Some(until),
            State::Down | State::Up => None,
        }
    }

    /// Every path with its preference and whether it is up, best first.
    pub fn paths(&self) -> impl Iterator<Item = (PathId, u8, bool)> {
        let paths = self.paths.iter();
        paths.map(|member| (member.path, member.preference, member.state != State::Down))
    }
}

impl Member {
    fn set(&mut self, now: Instant, up: bool) {
        match (self.state, up) {
            (State::Down, true) => {
                self.state = match self.hold.is_zero() {
                    true => State::Up,
                    false => State::Held(now + self.hold),
                };
            }
            (State::Held(_) | State::Up, false) => {
                let is_forgiven = self
                    .failed
                    .is_none_or(|failed| now.since(failed) >= FORGIVEN_AFTER);
                self.hold = match is_forgiven {
                    true => Duration::ZERO,
                    false => (self.hold * 2).clamp(HOLD_MIN, HOLD_MAX),
                };
                self.failed = Some(now);
                self.state = State::Down;
            }
            (State::Down, false) | (State::Held(_) | State::Up, true) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MPLS: PathId = PathId(1);
    const ISP_A: PathId = PathId(2);
    const ISP_B: PathId = PathId(3);

    fn link() -> Link {
        Link::new([(ISP_B, 20), (MPLS, 10), (ISP_A, 20)])
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    fn usable(link: &Link) -> Vec<PathId> {
        link.usable().collect()
    }

    #[test]
    fn a_link_without_a_living_path_has_none_to_use() {
        assert_eq!(usable(&link()), []);
        assert!(!link().is_up());
    }

    #[test]
    fn the_lowest_preference_that_is_up_takes_every_flow() {
        let mut link = link();
        assert_eq!(link.set(at(1), ISP_A, true), Some(LinkChange::Up));
        assert_eq!(usable(&link), [ISP_A]);
        assert_eq!(link.set(at(1), MPLS, true), Some(LinkChange::Paths));
        assert_eq!(usable(&link), [MPLS]);
        assert_eq!(
            link.set(at(1), ISP_B, true),
            None,
            "a spare path moves no flow"
        );
        assert_eq!(link.set(at(1), MPLS, false), Some(LinkChange::Paths));
        assert_eq!(usable(&link), [ISP_A, ISP_B]);
        assert_eq!(link.set(at(1), ISP_A, false), Some(LinkChange::Paths));
        assert_eq!(link.set(at(1), ISP_B, false), Some(LinkChange::Down));
        assert_eq!(link.set(at(1), ISP_B, false), None);
    }

    #[test]
    fn a_path_that_fails_again_is_held_while_there_is_another() {
        let mut link = link();
        link.set(at(1), MPLS, true);
        link.set(at(1), ISP_A, true);
        link.set(at(2), MPLS, false);
        assert_eq!(link.set(at(3), MPLS, true), Some(LinkChange::Paths));
        link.set(at(4), MPLS, false);
        assert_eq!(link.set(at(5), MPLS, true), None);
        assert_eq!((usable(&link), link.wake()), (vec![ISP_A], Some(at(15))));
        assert_eq!(link.release(at(14)), None);
        assert_eq!(link.held_until(MPLS), Some(at(15)));
        assert_eq!(link.release(at(15)), Some(MPLS));
        assert_eq!((usable(&link), link.wake()), (vec![MPLS], None));
    }

    #[test]
    fn a_held_path_is_used_at_once_where_there_is_no_other() {
        let mut link = link();
        link.set(at(1), MPLS, true);
        link.set(at(1), ISP_A, true);
        for _ in 0..2 {
            link.set(at(2), MPLS, false);
            link.set(at(3), MPLS, true);
        }
        assert_eq!(usable(&link), [ISP_A]);
        assert_eq!(link.set(at(4), ISP_A, false), Some(LinkChange::Paths));
        assert_eq!(usable(&link), [MPLS]);
    }

    #[test]
    fn a_path_that_flaps_moves_flows_ever_more_rarely_and_is_forgiven_in_the_end() {
        let mut link = link();
        link.set(at(0), MPLS, true);
        link.set(at(0), ISP_A, true);
        let mut moves = [0; 4];
        for second in 1..2_400 {
            let before = usable(&link);
            link.release(at(second));
            link.set(at(second), MPLS, second % 15 > 1);
            moves[second as usize / 600] += u32::from(usable(&link) != before);
        }
        assert!(moves[0] <= 5 && moves[1..] == [0, 0, 0], "{moves:?}");
        link.release(at(4_000));
        link.set(at(4_000), MPLS, false);
        link.set(at(4_001), MPLS, true);
        assert_eq!(link.held_until(MPLS), None);
    }

    #[test]
    fn a_path_that_works_by_a_makeshift_is_the_last_choice() {
        let mut link = link();
        link.set(at(1), MPLS, true);
        link.set(at(1), ISP_A, true);
        assert_eq!(link.set_degraded(MPLS, true), Some(LinkChange::Paths));
        assert_eq!(usable(&link), [ISP_A]);
        link.set(at(2), ISP_A, false);
        assert_eq!(usable(&link), [MPLS]);
        link.set(at(3), ISP_A, true);
        assert_eq!(usable(&link), [ISP_A]);
    }

    #[test]
    fn an_unknown_path_changes_nothing() {
        assert_eq!(link().set(at(1), PathId(99), true), None);
    }
}
