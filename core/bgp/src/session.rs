//! One connection with a neighbour: RFC 4271's states from the open connection on, framing and
//! timers.
//!
//! ```text
//! Connecting ──connected──▶ OpenSent ──OPEN──▶ OpenConfirm ──KEEPALIVE──▶ Established
//!                 ▲
//!  accepted ──────┘            any error: NOTIFICATION, close
//! ```
//!
//! A neighbour may have two connections for a moment, one opened by each side; [`keeps_outgoing`] is
//! the rule that picks one.

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::{Asn, Instant, Rng};

use crate::peer::jittered;
use crate::settings::{ConnId, Neighbor, Settings};
use crate::view::State;
use crate::wire::capability::{Capability, Family};
use crate::wire::header::{Frame, Kind};
use crate::wire::notification::{Notification, code, fsm, open as open_error};
use crate::wire::open::Open;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Connecting,
    OpenSent,
    OpenConfirm,
    Established,
}

impl Phase {
    pub(crate) const fn state(self) -> State {
        match self {
            Self::Connecting => State::Connect,
            Self::OpenSent => State::OpenSent,
            Self::OpenConfirm => State::OpenConfirm,
            Self::Established => State::Established,
        }
    }
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
    /// Hold time agreed on; zero is none.
    pub(crate) hold_time: Duration,
    hold_at: Option<Instant>,
    keepalive_at: Option<Instant>,
    /// Bytes of a message that is not complete: shorter than the longest message.
    pub(crate) buffer: Vec<u8>,
}

impl Session {
    /// A connection that is being opened.
    pub(crate) const fn connecting(conn: ConnId) -> Self {
        Self::new(conn, true)
    }

    /// A connection that was accepted.
    pub(crate) const fn accepted(conn: ConnId) -> Self {
        Self::new(conn, false)
    }

    const fn new(conn: ConnId, outgoing: bool) -> Self {
        Self {
            conn,
            phase: Phase::Connecting,
            outgoing,
            open: None,
            hold_time: Duration::ZERO,
            hold_at: None,
            keepalive_at: None,
            buffer: Vec::new(),
        }
    }

    /// The connection stands and our OPEN goes out.
    pub(crate) fn opened(&mut self, now: Instant, patience: Duration) {
        self.phase = Phase::OpenSent;
        self.hold_at = Some(now + patience);
    }

    /// Their OPEN is good and our KEEPALIVE goes out.
    pub(crate) fn confirmed(&mut self, now: Instant, open: Open, ours: Duration, rng: &mut Rng) {
        let theirs = Duration::from_secs(u64::from(open.hold_time_s));
        self.hold_time = if ours.is_zero() || theirs.is_zero() {
            Duration::ZERO
        } else {
            ours.min(theirs)
        };
        self.open = Some(open);
        self.phase = Phase::OpenConfirm;
        self.heard(now);
        self.spoke(now, rng);
    }

    /// A KEEPALIVE or UPDATE came.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.hold_at = (!self.hold_time.is_zero()).then(|| now + self.hold_time);
    }

    /// A KEEPALIVE went out; the next one follows after a jittered third of the hold time
    /// (RFC 4271 §4.4, §10).
    pub(crate) fn spoke(&mut self, now: Instant, rng: &mut Rng) {
        self.keepalive_at =
            (!self.hold_time.is_zero()).then(|| now + jittered(self.hold_time / 3, rng));
    }

    pub(crate) fn hold_expired(&self, now: Instant) -> bool {
        self.hold_at.is_some_and(|at| at <= now)
    }

    pub(crate) fn keepalive_due(&self, now: Instant) -> bool {
        self.keepalive_at.is_some_and(|at| at <= now)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.hold_at, self.keepalive_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// What answers a message that this phase does not expect (RFC 6608). `None` for expected ones.
    pub(crate) fn unexpected(&self, frame: &Frame<'_>) -> Option<Notification> {
        let subcode = match (self.phase, frame.kind) {
            (Phase::Connecting, _) => 0,
            (_, Kind::Notification)
            | (Phase::OpenSent, Kind::Open)
            | (Phase::OpenConfirm, Kind::Keepalive)
            | (Phase::Established, Kind::Keepalive | Kind::Update | Kind::RouteRefresh) => {
                return None;
            }
            (Phase::OpenSent, _) => fsm::OPEN_SENT,
            (Phase::OpenConfirm, _) => fsm::OPEN_CONFIRM,
            (Phase::Established, Kind::Open) => fsm::ESTABLISHED,
        };
        Some(Notification::new(code::FSM, subcode, Vec::new()))
    }
}

/// Our OPEN to a neighbour.
pub(crate) fn our_open(settings: &Settings, neighbor: &Neighbor) -> Open {
    let asn = settings.local_as;
    let mut capabilities = Vec::new();
    if neighbor.families.ipv4 {
        capabilities.push(Capability::Multiprotocol(Family::IPV4_UNICAST));
    }
    if neighbor.families.ipv6 {
        capabilities.push(Capability::Multiprotocol(Family::IPV6_UNICAST));
    }
    if neighbor.route_refresh {
        capabilities.push(Capability::RouteRefresh);
    }
    if neighbor.four_octet_as {
        capabilities.push(Capability::FourOctetAs(asn));
    }
    Open {
        my_as: u16::try_from(asn.0).unwrap_or(Asn::TRANS.0 as u16),
        hold_time_s: u16::try_from(neighbor.hold_time.as_secs()).unwrap_or(u16::MAX),
        router_id: settings.router_id,
        capabilities,
    }
}

/// Whether their OPEN fits what the operator configured (RFC 4271 §6.2, RFC 6286 §2.2).
pub(crate) fn check_open(
    open: &Open,
    settings: &Settings,
    neighbor: &Neighbor,
) -> Result<(), Notification> {
    let refuse = |subcode| Err(Notification::new(code::OPEN, subcode, Vec::new()));
    let asn = if neighbor.four_octet_as {
        open.asn()
    } else {
        Asn(u32::from(open.my_as))
    };
    if asn != neighbor.remote_as {
        return refuse(open_error::PEER_AS);
    }
    if neighbor.remote_as == settings.local_as && open.router_id == settings.router_id {
        return refuse(open_error::IDENTIFIER);
    }
    if !open.speaks(Family::IPV4_UNICAST) {
        let mut data = Vec::new();
        Capability::Multiprotocol(Family::IPV4_UNICAST).write(&mut data);
        return Err(Notification::new(code::OPEN, open_error::CAPABILITY, data));
    }
    Ok(())
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
        let mut session = Session::connecting(ConnId(1));
        session.hold_time = Duration::from_secs(90);
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

    /// Every phase × every message: what is not expected and how it is answered (RFC 6608).
    #[test]
    fn the_matrix_of_phases_and_messages() {
        let mut table = String::new();
        let kinds = [
            Kind::Open,
            Kind::Update,
            Kind::Notification,
            Kind::Keepalive,
            Kind::RouteRefresh,
        ];
        for phase in [Phase::OpenSent, Phase::OpenConfirm, Phase::Established] {
            for kind in kinds {
                let mut session = Session::connecting(ConnId(1));
                session.phase = phase;
                let answer = session.unexpected(&Frame {
                    kind,
                    body: &[],
                    len: 19,
                });
                let answer =
                    answer.map_or_else(|| "-".to_owned(), |n| format!("{}/{}", n.code, n.subcode));
                table.push_str(&format!("{phase:?} {kind:?} {answer}\n"));
            }
        }
        let expected = "\
OpenSent Open -
OpenSent Update 5/1
OpenSent Notification -
OpenSent Keepalive 5/1
OpenSent RouteRefresh 5/1
OpenConfirm Open 5/2
OpenConfirm Update 5/2
OpenConfirm Notification -
OpenConfirm Keepalive -
OpenConfirm RouteRefresh 5/2
Established Open 5/3
Established Update -
Established Notification -
Established Keepalive -
Established RouteRefresh -
";
        assert_eq!(table, expected);
    }
}
