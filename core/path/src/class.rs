//! An application class over the paths to one neighbour: which of them carry it.
//!
//! A path stands with a class in one of three ways. It *keeps* what the class asks of it, it is *held*
//! because it does so again but not for long enough yet, or it *breaks* it. A path that never failed
//! keeps it from the start; one that goes down, or measures beyond a limit, breaks it at once, and
//! comes back by way of being held: it must measure 80 % of each limit or less first, and then stay
//! within the limits for [`HOLD`]. So a path that flaps is left once and not for every flap.
//!
//! Of the paths that are up, those that keep are preferred, then those that are held; if all break
//! it, [`Otherwise`] decides. Among equals the operator's order of groups counts, and flows share
//! the paths of one group by rendezvous hashing.

use std::time::Duration;

use inet::Instant;

use crate::{PathId, Statistics};

/// How long a path that has broken a class must be good before the class goes back to it.
pub const HOLD: Duration = Duration::from_secs(10);

/// A path that breaks a class must come down to this much of each limit before it is held.
const RECOVERED_PERCENT: u64 = 80;
/// One lost probe says nothing about a rate of loss.
const LOST_MIN: u32 = 2;

/// What a class asks of a path, measured over the probes' window. `None` is anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sla {
    /// Mean round-trip time.
    pub rtt: Option<Duration>,
    /// Variation of the one-way delay, the worse of both directions.
    pub jitter: Option<Duration>,
    /// Lost probes, in parts per million.
    pub loss_ppm: Option<u32>,
}

/// What becomes of a class that no path keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Otherwise {
    /// The path that misses it by least carries it.
    #[default]
    Best,
    /// Nothing carries it.
    Drop,
}

/// How a path stands with a class; better is smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It does what the class asks.
    Keeps,
    /// It does so again, but not for long enough yet.
    Held,
    /// It does not: by the factor of two to the power of this.
    Breaks(u8),
}

/// The paths to one neighbour as one class sees them.
#[derive(Clone, Debug)]
pub struct ClassPaths {
    sla: Sla,
    otherwise: Otherwise,
    members: Vec<Member>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    path: PathId,
    /// The group that it belongs to, first choice first.
    group: u16,
    is_up: bool,
    standing: Standing,
    /// Since when it is held.
    since: Instant,
}

impl ClassPaths {
    /// A class over paths with the number of their group, lowest first choice. All are down.
    pub fn new(
        sla: Sla,
        otherwise: Otherwise,
        paths: impl IntoIterator<Item = (PathId, u16)>,
    ) -> Self {
        let members = paths.into_iter().map(|(path, group)| Member {
            path,
            group,
            is_up: false,
            standing: Standing::Keeps,
            since: Instant::ZERO,
        });
        Self {
            sla,
            otherwise,
            members: members.collect(),
        }
    }

    /// Takes note that a path came up or went down.
    pub fn set(&mut self, now: Instant, path: PathId, is_up: bool) {
        let Some(member) = self.members.iter_mut().find(|member| member.path == path) else {
            return;
        };
        if member.is_up && !is_up || is_up && !member.is_up && member.standing != Standing::Keeps {
            member.standing = Standing::Held;
            member.since = now;
        }
        member.is_up = is_up;
    }

    /// Takes note that a path works again whose quality nobody measures: there is nothing to wait for.
    pub fn trust(&mut self, path: PathId) {
        if let Some(member) = self.members.iter_mut().find(|member| member.path == path) {
            member.standing = Standing::Keeps;
        }
    }

    /// Takes note of what the probes of a path say now.
    pub fn judge(&mut self, now: Instant, path: PathId, measured: &Statistics) {
        let excess = self.sla.excess_percent(measured);
        let Some(member) = self.members.iter_mut().find(|member| member.path == path) else {
            return;
        };
        member.standing = match member.standing {
            Standing::Breaks(old) if excess > 100 => Standing::Breaks(worse_or_clear(old, excess)),
            _ if excess > 100 => Standing::Breaks(doublings(excess)),
            Standing::Breaks(_) if excess > RECOVERED_PERCENT => Standing::Breaks(0),
            Standing::Breaks(_) => {
                member.since = now;
                Standing::Held
            }
            Standing::Held if member.is_up && now.since(member.since) >= HOLD => Standing::Keeps,
            standing => standing,
        };
    }

    /// The paths that carry the class: flows share them.
    pub fn carrying(&self) -> impl Iterator<Item = PathId> + Clone {
        let up = self.members.iter().filter(|member| {
            let broken = matches!(member.standing, Standing::Breaks(_));
            member.is_up && !(broken && self.otherwise == Otherwise::Drop)
        });
        let rank = |member: &Member| (member.standing, member.group);
        let best = up.clone().map(rank).min();
        up.filter(move |member| Some(rank(member)) == best)
            .map(|member| member.path)
    }

    /// The path that a flow with this hash takes.
    pub fn choose(&self, flow_hash: u64) -> Option<PathId> {
        crate::link::share(self.carrying(), flow_hash)
    }

    /// How a path stands with the class.
    pub fn standing(&self, path: PathId) -> Option<Standing> {
        let member = self.members.iter().find(|member| member.path == path)?;
        Some(member.standing)
    }
}

impl Sla {
    /// The figure that uses most of its limit, in percent of it: more than 100 breaks it.
    fn excess_percent(&self, measured: &Statistics) -> u64 {
        let jitter = measured.jitter_there.max(measured.jitter_back);
        let rtt = measured.rtt.map(|rtt| rtt.avg);
        let lost = measured.loss_ppm;
        let loss = self.loss_ppm.filter(|_| measured.lost >= LOST_MIN);
        let figures = [
            self.rtt
                .zip(rtt)
                .map(|(limit, rtt)| (nanos(rtt), nanos(limit))),
            self.jitter.map(|limit| (nanos(jitter), nanos(limit))),
            loss.map(|limit| (u64::from(lost), u64::from(limit))),
        ];
        let percent =
            |(figure, limit): (u64, u64)| figure.saturating_mul(100).div_ceil(limit.max(1));
        figures
            .into_iter()
            .flatten()
            .map(percent)
            .max()
            .unwrap_or(0)
    }
}

/// As how bad a path stands that stood as `old`: better only once it is clearly better, so that one
/// that measures around a step does not change places all the time.
fn worse_or_clear(old: u8, percent: u64) -> u8 {
    let new = doublings(percent);
    let step = 100_u64 << u32::from(old.min(56));
    if new < old && percent > step / 100 * RECOVERED_PERCENT {
        old
    } else {
        new
    }
}

/// How often a percentage is doubled from 100.
fn doublings(percent: u64) -> u8 {
    (percent / 100).checked_ilog2().unwrap_or(0) as u8
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_paths_that_all_break_it_a_flapping_measure_changes_nothing() {
        assert_eq!(worse_or_clear(1, 195), 1);
        assert_eq!(worse_or_clear(1, 205), 1);
        assert_eq!(worse_or_clear(1, 159), 0);
        assert_eq!(worse_or_clear(0, 205), 1);
    }
    use crate::Variation;

    const MPLS: PathId = PathId(1);
    const ISP_A: PathId = PathId(2);
    const ISP_B: PathId = PathId(3);
    const MILLI: Duration = Duration::from_millis(1);

    /// Voice: 150 ms, 30 ms, 1 %; MPLS first, then both internet paths.
    fn voice(otherwise: Otherwise) -> ClassPaths {
        let sla = Sla {
            rtt: Some(MILLI * 150),
            jitter: Some(MILLI * 30),
            loss_ppm: Some(10_000),
        };
        let mut class = ClassPaths::new(sla, otherwise, [(MPLS, 0), (ISP_A, 1), (ISP_B, 1)]);
        for path in [MPLS, ISP_A, ISP_B] {
            class.set(Instant::ZERO, path, true);
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

    fn carrying(class: &ClassPaths) -> Vec<PathId> {
        class.carrying().collect()
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn the_first_group_with_a_path_that_keeps_it_carries_the_class() {
        let mut class = voice(Otherwise::Best);
        assert_eq!(carrying(&class), [MPLS]);
        for bad in [measured(151, 1, 0), measured(20, 31, 0), measured(20, 1, 2)] {
            let mut class = class.clone();
            class.judge(at(1), MPLS, &bad);
            assert_eq!(carrying(&class), [ISP_A, ISP_B]);
        }
        class.judge(at(1), MPLS, &measured(150, 30, 1));
        assert_eq!(
            carrying(&class),
            [MPLS],
            "at the limits, and one lost probe is chance"
        );
    }

    #[test]
    fn flows_share_the_paths_of_a_group_and_a_lost_path_moves_only_its_own() {
        let mut class = voice(Otherwise::Best);
        class.set(at(1), MPLS, false);
        let before: Vec<_> = (0..200).map(|hash| class.choose(hash)).collect();
        let on_a = before.iter().filter(|path| **path == Some(ISP_A)).count();
        assert!((60..140).contains(&on_a), "{on_a}");
        class.judge(at(2), ISP_B, &measured(200, 1, 0));
        for (hash, before) in (0..200).zip(before) {
            let after = class.choose(hash);
            assert_eq!(after, Some(ISP_A));
            assert!(before == Some(ISP_B) || before == after);
        }
    }

    #[test]
    fn a_class_goes_back_only_after_the_path_was_good_for_the_hold_time() {
        let mut class = voice(Otherwise::Best);
        class.judge(at(1), MPLS, &measured(300, 1, 0));
        class.judge(at(2), MPLS, &measured(140, 1, 0));
        assert_eq!(
            class.standing(MPLS),
            Some(Standing::Breaks(0)),
            "above 80 % of the limit"
        );
        class.judge(at(3), MPLS, &good());
        for second in 4..13 {
            class.judge(at(second), MPLS, &measured(140, 1, 0));
            assert_eq!(carrying(&class), [ISP_A, ISP_B], "second {second}");
        }
        class.judge(at(13), MPLS, &good());
        assert_eq!(carrying(&class), [MPLS]);
    }

    #[test]
    fn a_path_that_flaps_moves_the_class_once() {
        let mut class = voice(Otherwise::Best);
        let mut moves = 0;
        let mut before = carrying(&class);
        for second in 1..120 {
            match second % 8 {
                0 => class.set(at(second), MPLS, false),
                4 => class.set(at(second), MPLS, true),
                _ => class.judge(at(second), MPLS, &good()),
            }
            let after = carrying(&class);
            moves += u32::from(after != before);
            before = after;
        }
        assert_eq!((moves, before), (1, vec![ISP_A, ISP_B]));
    }

    #[test]
    fn a_path_that_comes_up_for_the_first_time_is_used_at_once() {
        let mut class = ClassPaths::new(Sla::default(), Otherwise::Drop, [(MPLS, 0), (ISP_A, 1)]);
        class.set(at(5), ISP_A, true);
        assert_eq!(carrying(&class), [ISP_A]);
        class.set(at(6), MPLS, true);
        assert_eq!(carrying(&class), [MPLS]);
    }

    #[test]
    fn when_all_paths_break_it_the_one_that_misses_by_least_carries_it_or_none() {
        for (otherwise, expected) in [(Otherwise::Best, vec![ISP_B]), (Otherwise::Drop, vec![])] {
            let mut class = voice(otherwise);
            class.judge(at(1), MPLS, &measured(20, 1, 25));
            class.judge(at(1), ISP_A, &measured(800, 1, 0));
            class.judge(at(1), ISP_B, &measured(200, 1, 0));
            assert_eq!(carrying(&class), expected);
            assert_eq!(class.standing(MPLS), Some(Standing::Breaks(5)));
        }
    }

    #[test]
    fn a_path_that_is_held_is_better_than_none_even_where_the_class_would_be_dropped() {
        let mut class = voice(Otherwise::Drop);
        for path in [MPLS, ISP_A, ISP_B] {
            class.set(at(1), path, false);
        }
        assert_eq!(carrying(&class), []);
        class.set(at(2), ISP_A, true);
        assert_eq!(
            (carrying(&class), class.standing(ISP_A)),
            (vec![ISP_A], Some(Standing::Held))
        );
    }

    #[test]
    fn a_limit_of_zero_loss_and_unknown_paths_do_no_harm() {
        let sla = Sla {
            loss_ppm: Some(0),
            ..Sla::default()
        };
        let mut class = ClassPaths::new(sla, Otherwise::Best, [(MPLS, 0)]);
        class.set(at(0), MPLS, true);
        class.set(at(0), ISP_A, true);
        class.judge(at(1), ISP_A, &measured(1, 1, 50));
        class.judge(at(1), MPLS, &measured(1, 1, 50));
        assert_eq!(carrying(&class), [MPLS]);
        class.judge(at(2), MPLS, &Statistics::default());
        assert_eq!(class.standing(MPLS), Some(Standing::Held));
    }
}
