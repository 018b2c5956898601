//! An application class over the paths to one neighbour: which of them carry it.
//!
//! A path stands with a class in one of three ways. It *keeps* what the class asks of it, it is *held*
//! because it does so again but not for long enough yet, or it *breaks* it. A path that never failed
//! keeps it from the start; one that goes down, or measures beyond a limit, breaks it at once, and
//! comes back by way of being held: it must measure 80 % of each limit or less first, and then stay
//! within the limits for the class's hold time. So a path that flaps is left once and not for every flap.
//!
//! Of the paths that are up, those that keep are preferred, then those that are held; if all break
//! it, [`Otherwise`] decides. Among equals the operator's order of groups counts, and flows share
//! the paths of one group by rendezvous hashing. How often that may change something is in [`crate::Move`]'s module:
//! whatever flaps, a class moves twice in a minute at most while the paths that carry it are up.

use std::time::Duration;

use inet::Instant;

use crate::moves::{Cause, MOVES_MAX, Move, Moves};
use crate::{Measure, PathId, Sla, Statistics};

#[cfg(test)]
mod tests;

/// A path that breaks a class must come down to this much of each limit before it is held.
const RECOVERED_PERCENT: u64 = 80;

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

/// What a class asks, in general.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassSettings {
    /// Of a path.
    pub sla: Sla,
    /// What becomes of it when no path keeps that.
    pub otherwise: Otherwise,
    /// How long a path that broke it must be good before it goes back.
    pub hold: Duration,
}

/// The paths to one neighbour as one class sees them.
#[derive(Clone, Debug)]
pub struct ClassPaths {
    settings: ClassSettings,
    members: Vec<Member>,
    /// What carries it.
    carrying: Vec<PathId>,
    moves: Moves,
    last_move: Option<Move>,
}

/// How a path stands with a class, and what made it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// How it stands.
    pub standing: Standing,
    /// Its place in the operator's order, lowest first choice.
    pub group: u16,
    /// The figure that uses most of its limit now; `None` when nothing that the class asks for was measured.
    pub worst: Option<Measure>,
    /// What made it not keep it; `None` while it keeps it.
    pub fault: Option<Fault>,
    /// When it keeps it again if nothing happens.
    pub held_until: Option<Instant>,
}

/// What a path did that a class does not trust it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It went down.
    Down,
    /// It measured beyond a limit.
    Broke(Measure),
}

#[derive(Clone, Copy, Debug)]
struct Member {
    path: PathId,
    /// The group that it belongs to, first choice first.
    group: u16,
    is_up: bool,
    /// Whether it ever was up.
    is_known: bool,
    /// Whether it works only by a makeshift.
    is_degraded: bool,
    standing: Standing,
    /// Since when it is held.
    since: Instant,
    worst: Option<Measure>,
    fault: Option<Fault>,
}

impl ClassPaths {
    /// A class over paths with the number of their group, lowest first choice. All are down.
    pub fn new(settings: ClassSettings, paths: impl IntoIterator<Item = (PathId, u16)>) -> Self {
        let members = paths.into_iter().map(|(path, group)| Member {
            path,
            group,
            is_up: false,
            is_known: false,
            is_degraded: false,
            standing: Standing::Keeps,
            since: Instant::ZERO,
            worst: None,
            fault: None,
        });
        Self {
            settings,
            members: members.collect(),
            carrying: Vec::new(),
            moves: Moves::default(),
            last_move: None,
        }
    }

    /// Takes note that a path came up or went down. What is not measured is trusted as soon as it is up.
    /// Returns the move that follows.
    pub fn set(&mut self, now: Instant, path: PathId, up: bool, measured: bool) -> Option<&Move> {
        let member = self.members.iter_mut().find(|member| member.path == path)?;
        let is_new = up && !member.is_known;
        if !measured {
            member.standing = Standing::Keeps;
            member.fault = None;
        } else if member.is_up && !up || up && !member.is_up && member.standing != Standing::Keeps {
            member.standing = Standing::Held;
            member.since = now;
            member.fault = Some(Fault::Down);
        }
        member.is_up = up;
        member.is_known |= up;
        let cause = match (up, is_new) {
            (false, _) => Cause::Down(path),
            (true, true) => Cause::Appeared(path),
            (true, false) => Cause::Up(path),
        };
        self.settle(now, cause)
    }

    /// Takes note of what the probes of a path say now. Returns the move that follows.
    pub fn judge(&mut self, now: Instant, path: PathId, measured: &Statistics) -> Option<&Move> {
        let worst = self.settings.sla.worst(measured);
        let member = self.members.iter_mut().find(|member| member.path == path)?;
        member.worst = worst;
        let percent = worst.map_or(0, |worst| worst.percent());
        let hold = self.settings.hold;
        let cause = match (worst, member.standing) {
            (Some(worst), standing) if percent > 100 => {
                member.standing = Standing::Breaks(match standing {
                    Standing::Breaks(old) => worse_or_clear(old, percent),
                    Standing::Keeps | Standing::Held => doublings(percent),
                });
                member.fault = Some(Fault::Broke(worst));
                Cause::Broke(path, worst)
            }
            (_, Standing::Breaks(_)) if percent > RECOVERED_PERCENT => {
                member.standing = Standing::Breaks(0);
                Cause::Better(path)
            }
            (_, Standing::Breaks(_)) => {
                member.standing = Standing::Held;
                member.since = now;
                Cause::Better(path)
            }
            (_, Standing::Held) if member.is_up && now.since(member.since) >= hold => {
                member.standing = Standing::Keeps;
                member.fault = None;
                Cause::Kept(path)
            }
            (_, Standing::Keeps | Standing::Held) => Cause::Kept(path),
        };
        self.settle(now, cause)
    }

    /// Takes note that a path works only by a makeshift, such as TLS where UDP is blocked, or no longer: among paths that
    /// stand alike such ones come last. Returns the move that follows.
    pub fn set_degraded(&mut self, now: Instant, path: PathId, degraded: bool) -> Option<&Move> {
        let member = self.members.iter_mut().find(|member| member.path == path)?;
        member.is_degraded = degraded;
        let cause = match degraded {
            true => Cause::Degraded(path),
            false => Cause::Kept(path),
        };
        self.settle(now, cause)
    }

    /// The paths that carry the class: flows share them.
    pub fn carrying(&self) -> &[PathId] {
        &self.carrying
    }

    /// The last time that other paths carried it than before.
    pub const fn last_move(&self) -> Option<&Move> {
        self.last_move.as_ref()
    }

    /// What the class asks.
    pub const fn settings(&self) -> &ClassSettings {
        &self.settings
    }

    /// How a path stands with the class, and what made it so.
    pub fn account(&self, path: PathId) -> Option<Account> {
        let member = self.member(path)?;
        let is_held = member.is_up && member.standing == Standing::Held;
        Some(Account {
            standing: member.standing,
            group: member.group,
            worst: member.worst,
            fault: member.fault,
            held_until: is_held.then_some(member.since + self.settings.hold),
        })
    }

    fn member(&self, path: PathId) -> Option<&Member> {
        self.members.iter().find(|member| member.path == path)
    }

    /// Moves the class to the best paths, if it may move.
    fn settle(&mut self, now: Instant, cause: Cause) -> Option<&Move> {
        let to = self.next(now, &cause)?;
        let from = core::mem::replace(&mut self.carrying, to);
        if !matches!(cause, Cause::Appeared(_)) {
            self.moves.note(now);
        }
        let to = self.carrying.clone();
        self.last_move = Some(Move {
            at: now,
            cause: self.cause(cause, &from, &to),
            from,
            to,
        });
        self.last_move.as_ref()
    }

    /// What is to carry the class from now on, if that is something else.
    fn next(&self, now: Instant, cause: &Cause) -> Option<Vec<PathId>> {
        let best = self.best();
        if best == self.carrying {
            return None;
        }
        let members = || self.carrying.iter().filter_map(|path| self.member(*path));
        let still: Vec<PathId> = members()
            .filter(|member| self.may_carry(member))
            .map(|member| member.path)
            .collect();
        if still.is_empty() || matches!(cause, Cause::Appeared(_)) {
            return Some(best);
        }
        if still.len() < self.carrying.len() {
            return Some(still);
        }
        let is_bad =
            |member: &Member| member.is_degraded || matches!(member.standing, Standing::Breaks(_));
        let moves_max = if members().any(is_bad) { MOVES_MAX } else { 1 };
        (self.moves.count(now) < moves_max).then_some(best)
    }

    /// The paths that ought to carry it, if moving did no harm.
    fn best(&self) -> Vec<PathId> {
        let up = || self.members.iter().filter(|member| self.may_carry(member));
        let rank = |member: &Member| (member.standing, member.is_degraded, member.group);
        let best = up().map(rank).min();
        up().filter(|member| Some(rank(member)) == best)
            .map(|member| member.path)
            .collect()
    }

    fn may_carry(&self, member: &Member) -> bool {
        let is_broken = matches!(member.standing, Standing::Breaks(_));
        member.is_up && !(is_broken && self.settings.otherwise == Otherwise::Drop)
    }

    /// Why it moved: what was noticed last may have had to wait for a reason that is older.
    fn cause(&self, noticed: Cause, from: &[PathId], to: &[PathId]) -> Cause {
        if matches!(
            noticed,
            Cause::Appeared(_) | Cause::Down(_) | Cause::Degraded(_)
        ) {
            return noticed;
        }
        if matches!(noticed, Cause::Up(_)) && from.is_empty() {
            return noticed;
        }
        let mut left = from.iter().filter(|path| !to.contains(path));
        let broke = left.find_map(|path| match self.member(*path)? {
            Member {
                standing: Standing::Breaks(_),
                fault: Some(Fault::Broke(measure)),
                ..
            } => Some(Cause::Broke(*path, *measure)),
            _ => None,
        });
        let came = to.iter().find(|path| !from.contains(path));
        let came = came.and_then(|path| self.member(*path));
        let gained = came.map(|member| match member.standing {
            Standing::Keeps => Cause::Kept(member.path),
            Standing::Held | Standing::Breaks(_) => Cause::Better(member.path),
        });
        broke.or(gained).unwrap_or(noticed)
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
