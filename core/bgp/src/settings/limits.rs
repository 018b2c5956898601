//! How many routes a neighbour may have here.

use core::time::Duration;

/// How many routes a neighbour may have here, and how they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixLimit {
    /// The most that is tolerated.
    pub max: u32,
    /// How routes are counted.
    pub count: Counting,
    /// At this share of `max` a warning is logged once; 0 and over 100 is never.
    pub warning_percent: u8,
    /// What one more does.
    pub on_exceed: OnExceed,
    /// The subcode of the Cease that ends the session; Maximum Number of Prefixes Reached is 1.
    pub subcode: u8,
}

impl PrefixLimit {
    /// The bound on memory that holds for every neighbour without a limit of its own.
    pub const ALWAYS: Self = Self::new(4_000_000, Counting::Held);

    /// A limit that ends the session, which starts again after the usual pause.
    pub const fn new(max: u32, count: Counting) -> Self {
        Self {
            max,
            count,
            warning_percent: 0,
            subcode: 1,
            on_exceed: OnExceed::Teardown {
                restart_after: None,
            },
        }
    }
}

/// How much a neighbour is told at once that counts like [`Counting::HeldPlusIncoming`]: all its
/// routes again, as after a ROUTE-REFRESH, would be twice as many as it holds.
///
/// What is withdrawn is told at once. A change of the export policy tells only what is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The most that it may hold and hear in one burst. Room for one is always assumed.
    pub max: u32,
    /// The pause between two bursts: longer than what ends a burst at the neighbour.
    pub gap: Duration,
}

/// What happens beyond a [`PrefixLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExceed {
    /// The session ends with a Cease (RFC 4486).
    Teardown {
        /// How long the neighbour stays down; `None` is the usual pause after a failure.
        restart_after: Option<Duration>,
    },
    /// It is logged once, and the routes are taken; [`PrefixLimit::ALWAYS`] holds still.
    Warn,
}

/// How routes are counted against a [`PrefixLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Distinct prefixes held from the neighbour.
    Held,
    /// Those held when a burst begins, plus every announcement of the burst, repetitions
    /// included: Azure Route Server's rule.
    HeldPlusIncoming {
        /// A burst ends after this long without announcements.
        gap: Duration,
    },
}

impl Counting {
    /// The usual end of a burst.
    pub const BURST_GAP: Duration = Duration::from_secs(1);
}
