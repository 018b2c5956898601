//! How often a class has moved of late, and why it did the last time.
//!
//! What flaps must not make flows flap. So a class leaves a path that breaks what it asks at most twice in a minute, and
//! goes back, or to anything that is merely preferred, only when it has stayed for a minute. Only from a path that is
//! down it moves whenever there is another.

use std::time::Duration;

use inet::Instant;

use crate::{Measure, PathId};

/// A class does not move more often within [`PERIOD`], as long as the paths that carry it are up.
pub const MOVES_MAX: usize = 2;
/// What [`MOVES_MAX`] is counted over, and how long a class stays before it goes back.
pub const PERIOD: Duration = Duration::from_secs(60);

/// A class is carried by other paths than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// When.
    pub at: Instant,
    /// What carried it.
    pub from: Vec<PathId>,
    /// What carries it now.
    pub to: Vec<PathId>,
    /// Why.
    pub cause: Cause,
}

/// Why a class moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A path came up for the first time.
    Appeared(PathId),
    /// A path that carried it went down.
    Down(PathId),
    /// A path came up again when there was no other, or nothing to wait for.
    Up(PathId),
    /// A path that carried it measured beyond a limit.
    Broke(PathId, Measure),
    /// A path that carried it works only by a makeshift now.
    Degraded(PathId),
    /// A path has kept what the class asks for as long as it must, and is preferred.
    Kept(PathId),
    /// A path that was too bad to carry it measures better than those that do.
    Better(PathId),
}

impl Cause {
    /// The path that it is about.
    pub const fn path(&self) -> PathId {
        match self {
            Self::Appeared(path)
            | Self::Down(path)
            | Self::Up(path)
            | Self::Broke(path, _)
            | Self::Degraded(path)
            | Self::Kept(path)
            | Self::Better(path) => *path,
        }
    }

    /// Its kind, in a word; a path that measured beyond a limit has that of the figure.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Appeared(_) => "appeared",
            Self::Down(_) => "down",
            Self::Up(_) => "up",
            Self::Broke(_, measure) => measure.figure.name(),
            Self::Degraded(_) => "degraded",
            Self::Kept(_) => "kept",
            Self::Better(_) => "better",
        }
    }
}

/// The times of the last moves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moves {
    /// The newest last.
    times: [Option<Instant>; MOVES_MAX],
}

impl Moves {
    pub(crate) fn note(&mut self, now: Instant) {
        self.times.rotate_left(1);
        self.times[MOVES_MAX - 1] = Some(now);
    }

    /// How many there were in the last period.
    pub(crate) fn count(&self, now: Instant) -> usize {
        let times = self.times.iter().flatten();
        times.filter(|at| now.since(**at) < PERIOD).count()
    }
}
