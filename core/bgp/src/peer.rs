//! A neighbour as the speaker keeps it: settings, connections, what it told us, what it is told.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeSet;

use inet::{Instant, Rng};
use smallvec::SmallVec;

use crate::bits::Bits;
use crate::export::Change;
use crate::rib::PrefixId;
use crate::session::{Phase, Session};
use crate::settings::{ConnId, Counting, Neighbor, PrefixLimit};
use crate::speaker::Marker;
use crate::view::{Counters, State};

/// A neighbour.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own, none depends on another"
)]
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) settings: Neighbor,
    pub(crate) removed: bool,
    pub(crate) enabled: bool,
    /// Its BGP identifier in the last session.
    pub(crate) router_id: Ipv4Addr,
    /// At most one that we opened and one that they opened.
    pub(crate) sessions: SmallVec<[Session; 1]>,
    /// Pausing after a failure: connections are refused.
    pub(crate) idle: bool,
    /// When to try again, or to give up connecting.
    pub(crate) start_at: Option<Instant>,
    /// Failures in a row.
    failures: u32,
    /// When the session reached or left Established.
    pub(crate) since: Instant,
    pub(crate) counters: Counters,
    /// The prefixes that it told us.
    pub(crate) held: Bits,
    /// How many routes they are: with add-path more than prefixes.
    pub(crate) routes: u32,
    /// By family: routes that were told in another epoch are stale.
    pub(crate) epochs: [u8; 2],
    /// How many of them import policy took.
    pub(crate) accepted: u32,
    /// Its update group, while established.
    pub(crate) group: Option<usize>,
    /// It takes no more bytes for now.
    pub(crate) blocked: bool,
    /// Prefixes whose state it is still to be told.
    pub(crate) pending: Bits,
    /// Paths of those prefixes that it may know and that went (RFC 7911), by tag.
    pub(crate) gone: BTreeSet<(PrefixId, u16)>,
    /// Where the next slice begins.
    pub(crate) cursor: PrefixId,
    /// Of the prefixes from here on it was told nothing in this session.
    pub(crate) fresh_from: PrefixId,
    /// What it is sent when it has caught up.
    pub(crate) markers: SmallVec<[Marker; 2]>,
    burst: Burst,
    /// The deadline under which it stands in the speaker's timers.
    pub(crate) armed: Option<Instant>,
}

/// Announcements in a row, for [`Counting::HeldPlusIncoming`].
#[derive(Debug, Default)]
struct Burst {
    held: u64,
    announced: u64,
    last: Instant,
}

/// A burst ends after this long without announcements.
const BURST_GAP: Duration = Duration::from_secs(1);
/// The least pause between attempts: settings of zero must not make a loop.
pub(crate) const PAUSE_MIN: Duration = Duration::from_millis(100);
/// After this many failures the pause does not grow further.
const FAILURES_MAX: u32 = 6;

impl Peer {
    pub(crate) fn new(settings: Neighbor, now: Instant) -> Self {
        Self {
            removed: false,
            enabled: settings.start_enabled,
            router_id: Ipv4Addr::UNSPECIFIED,
            sessions: SmallVec::new(),
            idle: false,
            start_at: settings.start_enabled.then_some(now),
            failures: 0,
            since: now,
            counters: Counters::default(),
            held: Bits::default(),
            routes: 0,
            epochs: [0; 2],
            accepted: 0,
            group: None,
            blocked: false,
            pending: Bits::default(),
            gone: BTreeSet::new(),
            cursor: 0,
            fresh_from: PrefixId::MAX,
            markers: SmallVec::new(),
            burst: Burst::default(),
            armed: None,
            settings,
        }
    }

    /// The state of the more advanced connection.
    pub(crate) fn state(&self) -> State {
        match self.sessions.iter().map(|session| session.phase).max() {
            Some(phase) => phase.state(),
            None if self.enabled && !self.idle => State::Active,
            None => State::Idle,
        }
    }

    /// The established connection.
    pub(crate) fn established(&self) -> Option<&Session> {
        self.sessions
            .iter()
            .find(|session| session.phase == Phase::Established)
    }

    pub(crate) fn session(&mut self, conn: ConnId) -> Option<&mut Session> {
        self.sessions
            .iter_mut()
            .find(|session| session.conn == conn)
    }

    /// The next thing that time brings.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let sessions = self.sessions.iter().filter_map(Session::deadline);
        sessions.chain(self.start_at).min()
    }

    /// Pauses before the next attempt; each failure in a row doubles the pause.
    pub(crate) fn pause(&mut self, now: Instant, refuse: bool, rng: &mut Rng) {
        let pause = self.settings.idle_hold.max(PAUSE_MIN) * (1 << self.failures);
        let pause = if refuse {
            pause
        } else {
            pause.min(self.settings.connect_retry.max(PAUSE_MIN))
        };
        self.failures = (self.failures + 1).min(FAILURES_MAX);
        self.idle = refuse;
        self.start_at = Some(now + jittered(pause, rng));
    }

    /// The session is established: failures are forgotten.
    pub(crate) fn succeeded(&mut self, now: Instant) {
        self.failures = 0;
        self.idle = false;
        self.start_at = None;
        self.since = now;
        self.counters.established += 1;
        self.burst = Burst::default();
        self.blocked = false;
        self.caught_up();
    }

    /// Nothing is left that it is to be told.
    pub(crate) fn caught_up(&mut self) {
        self.pending = Bits::default();
        self.gone.clear();
        self.cursor = 0;
        self.fresh_from = PrefixId::MAX;
        self.markers.clear();
    }

    /// It is not told of a change for now.
    pub(crate) fn miss(&mut self, change: &Change) {
        self.pending.insert(change.id);
        if change.old.is_some() {
            self.gone.insert((change.id, change.tag));
        }
    }

    /// Forgets failures and pauses.
    pub(crate) const fn refreshed(&mut self) {
        self.failures = 0;
        self.idle = false;
    }

    /// Counts announcements that arrive; whether they are within the limit.
    pub(crate) fn counts(&mut self, now: Instant, announced: u64) -> bool {
        let limit = self.settings.prefix_limit.unwrap_or(PrefixLimit::ALWAYS);
        if limit.count == Counting::Held {
            return true;
        }
        if self.burst.announced == 0 || now.since(self.burst.last) > BURST_GAP {
            self.burst = Burst {
                held: u64::from(self.routes),
                announced: 0,
                last: now,
            };
        }
        self.burst.last = now;
        self.burst.announced += announced;
        self.burst.held + self.burst.announced <= u64::from(limit.max)
    }

    /// Whether the prefixes held are within the limit.
    pub(crate) fn within_limit(&self) -> bool {
        let limit = self.settings.prefix_limit.unwrap_or(PrefixLimit::ALWAYS);
        self.routes <= limit.max
    }
}

/// Three quarters to the whole of a duration (RFC 4271 §10).
pub(crate) fn jittered(duration: Duration, rng: &mut Rng) -> Duration {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(nanos - rng.below(nanos / 4 + 1))
}
