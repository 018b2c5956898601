//! A neighbour as the speaker keeps it: settings, connections, what it told us, what it is told.

pub(crate) mod paced;
pub(crate) mod stale;

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeSet;

use inet::{Instant, Rng};
use smallvec::SmallVec;

use crate::bits::Bits;
use crate::export::{Change, Told};
use crate::output::Ended;
use crate::rib::PrefixId;
use crate::session::{Agreed, Negotiated, Phase, Session};
use crate::settings::{ConnId, Counting, Neighbor, OnExceed, PrefixLimit};
use crate::speaker::Marker;
use crate::view::{Counters, State};
use crate::wire::notification::Notification;
use paced::Paced;
use stale::Stale;

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
    /// How UPDATEs look in its last session.
    pub(crate) agreed: Agreed,
    /// The range that it was taken from, if the operator did not name it.
    pub(crate) dynamic: Option<usize>,
    /// BFD lost it: no session until BFD has it again.
    pub(crate) bfd_down: bool,
    /// It is being drained (RFC 8326).
    pub(crate) graceful_shutdown: bool,
    /// It went beyond its limit of prefixes, and its session is about to end.
    pub(crate) exceeded: bool,
    /// It was told of its limit in this session.
    pub(crate) warned: bool,
    /// When and why its last connection ended.
    pub(crate) last_end: Option<(Instant, Ended)>,
    pub(crate) last_sent: Option<(Instant, Notification)>,
    pub(crate) last_received: Option<(Instant, Notification)>,
    /// What its stale routes wait for, by family.
    pub(crate) stale: [Stale; 2],
    /// How long stale routes may live beyond the restart time, by family.
    pub(crate) long_lived: [Duration; 2],
    /// It has said End-of-RIB in this session, by family.
    pub(crate) complete: [bool; 2],
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
    /// By family: how often routes were marked stale since all stale ones were swept.
    pub(crate) marks: [u8; 2],
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
    /// The families that it wants to be told again: IPv4, IPv6. Asking twice is asking once.
    pub(crate) asked: [bool; 2],
    burst: Burst,
    /// What it was told, while it is told at its own pace.
    pub(crate) paced: Paced,
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
            agreed: Agreed::default(),
            stale: [Stale::None; 2],
            long_lived: [Duration::ZERO; 2],
            complete: [false; 2],
            dynamic: None,
            bfd_down: false,
            graceful_shutdown: false,
            exceeded: false,
            warned: false,
            last_end: None,
            last_sent: None,
            last_received: None,
            sessions: SmallVec::new(),
            idle: false,
            start_at: settings.start_enabled.then_some(now),
            failures: 0,
            since: now,
            counters: Counters::default(),
            held: Bits::default(),
            routes: 0,
            epochs: [0; 2],
            marks: [0; 2],
            accepted: 0,
            group: None,
            blocked: false,
            pending: Bits::default(),
            gone: BTreeSet::new(),
            cursor: 0,
            fresh_from: PrefixId::MAX,
            markers: SmallVec::new(),
            asked: [false; 2],
            burst: Burst::default(),
            paced: Paced::default(),
            armed: None,
            settings,
        }
    }

    /// The state of the more advanced connection.
    pub(crate) fn state(&self) -> State {
        match self.sessions.iter().max_by_key(|session| session.phase) {
            Some(session) => session.state(),
            None if self.enabled && !self.idle && !self.bfd_down => State::Active,
            None => State::Idle,
        }
    }

    /// The established connection.
    pub(crate) fn established(&self) -> Option<&Session> {
        self.sessions
            .iter()
            .find(|session| session.phase == Phase::Established)
    }

    /// What was negotiated, while established.
    pub(crate) fn negotiated(&self) -> Option<&Negotiated> {
        self.established()?.negotiated.as_ref()
    }

    pub(crate) fn session(&mut self, conn: ConnId) -> Option<&mut Session> {
        self.sessions
            .iter_mut()
            .find(|session| session.conn == conn)
    }

    /// The next thing that time brings.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let sessions = self.sessions.iter().filter_map(Session::deadline);
        let stale = self.stale.iter().filter_map(|stale| stale.until());
        let until = self.paced.until.filter(|_| self.established().is_some());
        let others = self.start_at.into_iter().chain(until);
        sessions.chain(others).chain(stale).min()
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
        self.warned = false;
        self.burst = Burst::default();
        self.paced = Paced::default();
        self.blocked = false;
        self.asked = [false; 2];
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

    /// Stays down for this long, and refuses connections (RFC 4271 §8.1.1, IdleHoldTimer).
    pub(crate) fn rest(&mut self, now: Instant, pause: Duration) {
        self.idle = true;
        self.start_at = Some(now + pause.max(PAUSE_MIN));
    }

    /// Forgets failures and pauses.
    pub(crate) const fn refreshed(&mut self) {
        self.failures = 0;
        self.idle = false;
    }

    /// How many routes it may be told now.
    pub(crate) fn room(&mut self, now: Instant) -> usize {
        let Some(pace) = self.settings.pace else {
            return usize::MAX;
        };
        usize::try_from(self.paced.room(now, pace)).unwrap_or(usize::MAX)
    }

    /// Keeps account of what it is about to be told, and leaves out withdrawals of what it does not
    /// hold.
    pub(crate) fn note_paced(
        &mut self,
        now: Instant,
        withdrawn: &mut Vec<(PrefixId, u16)>,
        announced: &[Told],
    ) {
        if self.settings.pace.is_none() {
            return;
        }
        withdrawn.retain(|(id, _)| self.paced.withdrawn(*id));
        for (_, id, _) in announced {
            self.paced.announced(*id);
        }
        if !announced.is_empty() {
            self.paced.spoke(now);
        }
    }

    /// It is told the rest when this burst has ended.
    pub(crate) fn end_burst(&mut self) {
        if let Some(pace) = self.settings.pace {
            self.paced.pause(pace);
        }
    }

    /// Counts announcements that arrive; whether they are within the limit.
    pub(crate) fn counts(&mut self, now: Instant, announced: u64) -> bool {
        let limit = self.settings.prefix_limit.unwrap_or(PrefixLimit::ALWAYS);
        let Counting::HeldPlusIncoming { gap } = limit.count else {
            return true;
        };
        if self.burst.announced == 0 || now.since(self.burst.last) > gap {
            self.burst = Burst {
                held: u64::from(self.routes),
                announced: 0,
                last: now,
            };
        }
        self.burst.last = now;
        self.burst.announced += announced;
        self.burst.held + self.burst.announced <= u64::from(self.tolerated())
    }

    /// Whether the prefixes held are within the limit.
    pub(crate) fn within_limit(&self) -> bool {
        self.routes <= self.tolerated()
    }

    /// How many prefixes end the session when there is one more.
    fn tolerated(&self) -> u32 {
        match self.settings.prefix_limit {
            Some(limit) if limit.on_exceed != OnExceed::Warn => limit.max,
            _ => PrefixLimit::ALWAYS.max,
        }
    }

    /// Whether its limit is near or passed, said once in each session.
    pub(crate) fn nears_limit(&mut self) -> Option<u32> {
        let limit = self.settings.prefix_limit.filter(|_| !self.warned)?;
        let percent = match limit.warning_percent {
            percent @ 1..=100 => percent,
            _ => 100,
        };
        let held = u64::from(self.routes);
        let (max, near) = (u64::from(limit.max), percent < 100);
        let reached = held * 100 >= max * u64::from(percent) && (near || held > max);
        self.warned = reached;
        reached.then_some(limit.max)
    }
}

/// Three quarters to the whole of a duration (RFC 4271 §10).
pub(crate) fn jittered(duration: Duration, rng: &mut Rng) -> Duration {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(nanos - rng.below(nanos / 4 + 1))
}
