//! One session: the state machine of RFC 5880 §6.2, what is learned of the neighbour, when to send and what.

use core::time::Duration;

use inet::{Instant, Rng};

use crate::discard::Discards;
use crate::settings::{Hops, SessionKey, Settings};
use crate::wire::Packet;
use crate::{Diagnostic, Output, State, Verdict};

mod reception;
mod timing;
mod transmission;

/// Packets of ours leave with this TTL (RFC 5881 §5).
const TTL: u8 = 255;
/// Changes of state are said at once this often between two periodic packets; that is a handshake. Where packets
/// overtake each other or come twice, two sides that answer every change with a packet would go on for ever.
const HURRIED_MAX: u8 = 3;
/// Until a session is up it does not want to send more often than this (RFC 5880 §6.8.3).
const SLOW: Duration = Duration::from_secs(1);

/// One session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) key: SessionKey,
    pub(crate) settings: Settings,
    pub(crate) state: State,
    /// Why the state last changed (bfd.LocalDiag).
    pub(crate) diagnostic: Diagnostic,
    /// Our name for it (bfd.LocalDiscr).
    pub(crate) discriminator: u32,
    pub(crate) remote: Remote,
    poll: Poll,
    /// Intervals that stay in force until the poll sequence that changes them has ended.
    held: Held,
    sending: Sending,
    sequence: Sequence,
    /// The session is to go at this time.
    leaving: Option<Instant>,
    pub(crate) counters: Counters,
    chance: Rng,
}

/// What the neighbour's last packet said. Without one, the initial values of RFC 5880 §6.8.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote {
    /// Its name for the session; zero while it is not known (bfd.RemoteDiscr).
    pub(crate) discriminator: u32,
    pub(crate) state: State,
    pub(crate) diagnostic: Diagnostic,
    pub(crate) demand: bool,
    pub(crate) detect_mult: u8,
    pub(crate) desired_min_tx: Duration,
    pub(crate) required_min_rx: Duration,
    /// When the last one came.
    pub(crate) heard: Option<Instant>,
}

impl Remote {
    const UNKNOWN: Self = Self {
        discriminator: 0,
        state: State::Down,
        diagnostic: Diagnostic::NONE,
        demand: false,
        detect_mult: 0,
        desired_min_tx: Duration::ZERO,
        required_min_rx: Duration::from_micros(1),
        heard: None,
    };
}

/// How far our poll sequence is (RFC 5880 §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    /// There is none.
    Idle,
    /// The next packet begins it.
    Due,
    /// The poll bit was sent.
    Sent,
    /// The poll bit was sent and something has changed since: another one follows.
    SentAndDue,
}

/// RFC 5880 §6.8.3: what must not change before the neighbour knows.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    tx: Option<Duration>,
    rx: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Sending {
    /// When the last packet left.
    last: Option<Instant>,
    /// The part of the interval after which the next one follows.
    jitter_ppm: u32,
    /// Packets since the last periodic one that a change of state brought about.
    hurried: u8,
}

/// Sequence numbers of authenticated packets.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    /// Of the last packet sent (bfd.XmitAuthSeq).
    sent: u32,
    /// Of the last packet taken, and until when it is known (bfd.RcvAuthSeq, bfd.AuthSeqKnown).
    received: Option<(u32, Instant)>,
    /// What the last packet said apart from the sequence number.
    content: Option<Packet>,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) ups: u64,
    pub(crate) failures: u64,
    pub(crate) discards: Discards,
    pub(crate) changed: Option<Instant>,
}

impl Session {
    /// A session that is down and says so at once, if its role is the active one.
    pub(crate) fn new(
        key: SessionKey,
        settings: Settings,
        discriminator: u32,
        chance: Rng,
    ) -> Self {
        let mut session = Self {
            key,
            settings: settings.within_limits(),
            state: State::Down,
            diagnostic: Diagnostic::NONE,
            discriminator,
            remote: Remote::UNKNOWN,
            poll: Poll::Idle,
            held: Held::default(),
            sending: Sending {
                last: None,
                jitter_ppm: 1_000_000,
                hurried: 0,
            },
            sequence: Sequence {
                sent: 0,
                received: None,
                content: None,
            },
            leaving: None,
            counters: Counters::default(),
            chance,
        };
        session.sequence.sent = session.chance.next_u64() as u32;
        session
    }

    /// Takes the datagram of a packet that was found to belong here.
    pub(crate) fn on_packet(
        &mut self,
        now: Instant,
        packet: &Packet,
        bytes: &[u8],
        ttl: u8,
        out: &mut Vec<Output>,
    ) {
        match self.receive(now, packet, bytes, ttl, out) {
            Ok(()) => self.counters.received += 1,
            Err(discard) => self.counters.discards.add(discard),
        }
    }

    /// Does what is due. Whether the session goes on.
    pub(crate) fn on_wake(&mut self, now: Instant, out: &mut Vec<Output>) -> bool {
        if self.leaving.is_some_and(|leaving| leaving <= now) {
            return false;
        }
        if self.forget_at().is_some_and(|at| at <= now) {
            self.forget_neighbor(now, out);
        }
        self.sequence.received = self.sequence.received.filter(|(_, until)| *until > now);
        if self.send_at().is_some_and(|at| at <= now) {
            self.sending.hurried = 0;
            self.send(now, out);
        }
        true
    }

    /// When [`Self::on_wake`] has something to do.
    pub(crate) fn wake(&self) -> Option<Instant> {
        let sequence = self.sequence.received.map(|(_, until)| until);
        let times = [self.leaving, self.forget_at(), sequence, self.send_at()];
        times.into_iter().flatten().min()
    }

    /// New settings; the session stays as it is (RFC 5880 §6.8.3).
    pub(crate) fn set(&mut self, now: Instant, settings: Settings, out: &mut Vec<Output>) {
        let settings = settings.within_limits();
        let (tx, rx) = (self.advertised_tx(), self.settings.required_min_rx);
        let (tx_in_force, rx_in_force) = (self.tx_in_force(), self.rx_in_force());
        let changes_auth = self.settings.auth != settings.auth;
        self.settings = settings;
        if changes_auth {
            self.sequence.received = None;
        }
        if self.state == State::Up {
            let (tx, rx) = (self.advertised_tx(), self.settings.required_min_rx);
            self.held.tx = (tx > tx_in_force).then_some(tx_in_force);
            self.held.rx = (rx < rx_in_force).then_some(rx_in_force);
        }
        if (tx, rx) != (self.advertised_tx(), self.settings.required_min_rx) {
            self.poll();
        }
        if self.leaving.take().is_some() {
            self.admin_up(now, out);
        }
    }

    /// RFC 5880 §6.8.16.
    pub(crate) fn admin_down(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.enter(
            now,
            State::AdminDown,
            Diagnostic::ADMIN_DOWN,
            Verdict::Unknown,
            out,
        );
    }

    /// RFC 5880 §6.8.16: the machine starts anew.
    pub(crate) fn admin_up(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.state == State::AdminDown {
            self.enter(now, State::Down, Diagnostic::NONE, Verdict::Unknown, out);
        }
    }

    /// Says AdminDown for a detection time of the neighbour's (RFC 5880 §6.8.16), then goes.
    pub(crate) fn leave(&mut self, now: Instant, out: &mut Vec<Output>) {
        let knows_us = self.remote.heard.is_some();
        let patience = match knows_us {
            true => self.tx_interval().max(SLOW) * u32::from(self.settings.detect_mult),
            false => Duration::ZERO,
        };
        self.admin_down(now, out);
        self.leaving = Some(now + patience);
    }

    /// Whether nobody needs the session any more.
    pub(crate) const fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// Changes the state and tells the neighbour at once (RFC 5880 §6.8.7), then the clients.
    fn enter(
        &mut self,
        now: Instant,
        state: State,
        diagnostic: Diagnostic,
        verdict: Verdict,
        out: &mut Vec<Output>,
    ) {
        if self.state == state {
            return;
        }
        let (was, tx) = (self.state, self.advertised_tx());
        self.state = state;
        self.diagnostic = diagnostic;
        self.counters.changed = Some(now);
        self.held = Held::default();
        if self.advertised_tx() != tx {
            self.poll();
        }
        let session = self.key;
        out.push(Output::State {
            session,
            state,
            diagnostic,
        });
        let changes_minds = [was, state].contains(&State::Up) || state == State::AdminDown;
        if changes_minds {
            self.counters.ups += u64::from(verdict == Verdict::Alive);
            self.counters.failures += u64::from(verdict == Verdict::Failed);
            out.push(Output::Client { session, verdict });
        }
        if self.may_send() && self.sending.hurried < HURRIED_MAX {
            self.sending.hurried += 1;
            self.send(now, out);
        }
    }

    /// The detection time has passed: the neighbour is as unknown as at the beginning (RFC 5880 §6.8.1, §6.8.4).
    fn forget_neighbor(&mut self, now: Instant, out: &mut Vec<Output>) {
        // What it wanted goes too: a neighbour that asked for silence and restarted would never hear from us.
        self.remote = Remote::UNKNOWN;
        if matches!(self.state, State::Init | State::Up) {
            self.enter(
                now,
                State::Down,
                Diagnostic::TIME_EXPIRED,
                Verdict::Failed,
                out,
            );
        }
    }
}
