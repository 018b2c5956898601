//! One connection with a neighbour: RFC 4271's states from the open connection on, and timers.
//!
//! ```text
//! Connecting ──connected──▶ (Delaying) ──▶ OpenSent ──OPEN──▶ OpenConfirm ──KEEPALIVE──▶ Established
//!                 ▲
//!  accepted ──────┘            any error: NOTIFICATION, close
//! ```
//!
//! A neighbour may have two connections for a moment, one opened by each side; [`keeps_outgoing`] is
//! the rule that picks one. Idle, Connect and Active, where there is no connection yet, are the
//! neighbour's (`peer`). What both sides agree on is `negotiate`'s.

mod negotiate;

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::{Asn, Instant, Rng};

use crate::peer::jittered;
use crate::settings::ConnId;
use crate::view::State;
use crate::wire::header::{Frame, Kind};
use crate::wire::notification::{Notification, code, fsm};
use crate::wire::open::Open;

pub use negotiate::{Agreed, Negotiated};
pub(crate) use negotiate::{Origin, check_open, open_as, our_open};

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Connecting,
    /// It stands, and the DelayOpenTimer runs: our OPEN waits for theirs.
    Delaying,
    OpenSent,
    OpenConfirm,
    Established,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) conn: ConnId,
    pub(crate) phase: Phase,
    /// We opened it.
    pub(crate) outgoing: bool,
    /// Their OPEN, from OpenConfirm on.
    pub(crate) open: Option<Open>,
    /// What both OPENs make of the session, from OpenConfirm on.
    pub(crate) negotiated: Option<Negotiated>,
    /// The longest message that we take.
    pub(crate) message_max: usize,
    delay_at: Option<Instant>,
    hold_at: Option<Instant>,
    keepalive_at: Option<Instant>,
    /// When a connection that takes no bytes is given up (RFC 9687).
    send_hold_at: Option<Instant>,
    /// Bytes of a message that is not complete: shorter than the longest message.
    pub(crate) buffer: Vec<u8>,
}

impl Session {
    /// A connection that is being opened.
    pub(crate) const fn connecting(conn: ConnId, message_max: usize) -> Self {
        Self::new(conn, true, message_max)
    }

    /// A connection that was accepted.
    pub(crate) const fn accepted(conn: ConnId, message_max: usize) -> Self {
        Self::new(conn, false, message_max)
    }

    const fn new(conn: ConnId, outgoing: bool, message_max: usize) -> Self {
        Self {
            conn,
            phase: Phase::Connecting,
            outgoing,
            open: None,
            negotiated: None,
            message_max,
            delay_at: None,
            hold_at: None,
            keepalive_at: None,
            send_hold_at: None,
            buffer: Vec::new(),
        }
    }

    pub(crate) const fn state(&self) -> State {
        match self.phase {
            Phase::Connecting => State::Connect,
            Phase::Delaying if self.outgoing => State::Connect,
            Phase::Delaying => State::Active,
            Phase::OpenSent => State::OpenSent,
            Phase::OpenConfirm => State::OpenConfirm,
            Phase::Established => State::Established,
        }
    }

    /// The connection stands, and our OPEN waits (RFC 4271 §8.1.1, DelayOpen).
    pub(crate) fn delayed(&mut self, now: Instant, delay: Duration) {
        self.phase = Phase::Delaying;
        self.delay_at = Some(now + delay);
    }

    /// The connection stands and our OPEN goes out.
    pub(crate) fn opened(&mut self, now: Instant, patience: Duration) {
        self.phase = Phase::OpenSent;
        self.delay_at = None;
        self.hold_at = Some(now + patience);
    }

    /// Their OPEN is good and our KEEPALIVE goes out. Without a hold time the patience for the OPEN
    /// goes on until their KEEPALIVE comes.
    pub(crate) fn confirmed(
        &mut self,
        now: Instant,
        open: Open,
        negotiated: Negotiated,
        rng: &mut Rng,
    ) {
        let hold_time = negotiated.hold_time;
        self.open = Some(open);
        self.negotiated = Some(negotiated);
        self.phase = Phase::OpenConfirm;
        if !hold_time.is_zero() {
            self.hold_at = Some(now + hold_time);
        }
        self.spoke(now, rng);
    }

    /// A KEEPALIVE or UPDATE came.
    pub(crate) fn heard(&mut self, now: Instant) {
        let hold_time = self.hold_time();
        self.hold_at = (!hold_time.is_zero()).then(|| now + hold_time);
    }

    /// Hold time agreed on; zero is none.
    pub(crate) fn hold_time(&self) -> Duration {
        let negotiated = self.negotiated.as_ref();
        negotiated.map_or(Duration::ZERO, |negotiated| negotiated.hold_time)
    }

    /// A KEEPALIVE went out; the next one follows after a jittered third of the hold time
    /// (RFC 4271 §4.4, §10).
    pub(crate) fn spoke(&mut self, now: Instant, rng: &mut Rng) {
        let negotiated = self.negotiated.as_ref();
        let pause = negotiated.map_or(Duration::ZERO, |negotiated| negotiated.keepalive);
        self.keepalive_at = (!pause.is_zero()).then(|| now + jittered(pause, rng));
    }

    /// It takes no more bytes; an unending pause ends the session (RFC 9687 §3.1).
    pub(crate) fn blocked(&mut self, now: Instant, patience: Duration) {
        if self.send_hold_at.is_none() && !patience.is_zero() {
            self.send_hold_at = Some(now + patience);
        }
    }

    /// It takes bytes again.
    pub(crate) const fn writable(&mut self) {
        self.send_hold_at = None;
    }

    pub(crate) fn delay_expired(&self, now: Instant) -> bool {
        self.delay_at.is_some_and(|at| at <= now)
    }

    pub(crate) fn hold_expired(&self, now: Instant) -> bool {
        self.hold_at.is_some_and(|at| at <= now)
    }

    pub(crate) fn send_hold_expired(&self, now: Instant) -> bool {
        self.send_hold_at.is_some_and(|at| at <= now)
    }

    pub(crate) fn keepalive_due(&self, now: Instant) -> bool {
        self.keepalive_at.is_some_and(|at| at <= now)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        [
            self.delay_at,
            self.hold_at,
            self.keepalive_at,
            self.send_hold_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether a new connection means that the neighbour has restarted (RFC 4724 §5).
    pub(crate) fn restarts(&self) -> bool {
        let offer = self.negotiated.as_ref();
        let offer = offer.and_then(|negotiated| negotiated.graceful_restart.as_ref());
        offer.is_some_and(|offer| !offer.families.is_empty())
    }

    /// What answers a message that this phase does not expect (RFC 6608). `None` for expected ones.
    pub(crate) fn unexpected(&self, frame: &Frame<'_>) -> Option<Notification> {
        let subcode = match (self.phase, frame.kind) {
            (_, Kind::Notification)
            | (Phase::Delaying | Phase::OpenSent, Kind::Open)
            | (Phase::OpenConfirm, Kind::Keepalive)
            | (Phase::Established, Kind::Keepalive | Kind::Update | Kind::RouteRefresh) => {
                return None;
            }
            (Phase::Connecting | Phase::Delaying, _) => 0,
            (Phase::OpenSent, _) => fsm::OPEN_SENT,
            (Phase::OpenConfirm, _) => fsm::OPEN_CONFIRM,
            (Phase::Established, Kind::Open) => fsm::ESTABLISHED,
        };
        // RFC 6608 §3: the data is the type of the message.
        Some(Notification::new(
            code::FSM,
            subcode,
            vec![frame.kind.number()],
        ))
    }
}

/// Which of two connections stays (RFC 4271 §6.8, RFC 6286 §2.3): the one opened by the side with the
/// higher identifier, with equal ones by the side with the higher AS.
pub(crate) fn keeps_outgoing(ours: (Ipv4Addr, Asn), theirs: (Ipv4Addr, Asn)) -> bool {
    ours > theirs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4271_6_8_the_higher_identifier_keeps_its_connection() {
        let (low, high) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        assert!(keeps_outgoing((high, Asn(1)), (low, Asn(2))));
        assert!(!keeps_outgoing((low, Asn(2)), (high, Asn(1))));
        assert!(
            keeps_outgoing((low, Asn(2)), (low, Asn(1))),
            "RFC 6286 §2.3"
        );
    }

    #[test]
    fn keepalives_come_after_a_jittered_third_of_the_hold_time() {
        let mut rng = Rng::new(1);
        let mut session = Session::connecting(ConnId(1), 4096);
        session.negotiated = Some(Negotiated {
            keepalive: Duration::from_secs(30),
            ..Negotiated::default()
        });
        let mut pauses = Vec::new();
        for _ in 0..100 {
            session.spoke(Instant::ZERO, &mut rng);
            pauses.extend(session.deadline());
        }
        pauses.sort_unstable();
        pauses.dedup();
        assert!(pauses.len() > 50);
        assert!(pauses[0] >= Instant::from_millis(22_500));
        assert!(pauses[pauses.len() - 1] <= Instant::from_secs(30));
    }
}
