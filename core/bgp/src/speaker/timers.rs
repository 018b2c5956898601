//! What time brings to connections (RFC 4271 §8.1.3, §10; RFC 9687).

use inet::Instant;

use super::Speaker;
use crate::output::{Ended, Output};
use crate::session::Phase;
use crate::settings::{ConnId, NeighborId};
use crate::wire::header::{self, Kind};
use crate::wire::notification::{Notification, code};

impl Speaker {
    /// Does everything that is due. Hold timers are judged only when the shell has handed in all
    /// that it had read: a KEEPALIVE that waits behind others' UPDATEs counts.
    pub(super) fn woken(&mut self, now: Instant, judge: bool, out: &mut Vec<Output>) {
        let due = self.timers.iter().take_while(|(at, _)| *at <= now);
        let due: Vec<NeighborId> = due.map(|(_, id)| *id).collect();
        for id in due {
            if judge {
                self.expire(now, id, out);
            }
            self.due(now, id, out);
            self.stale_due(now, id, out);
            self.arm(id);
        }
        if self.deferred_until.is_some_and(|at| at <= now) {
            self.resume(out);
        }
        debug_assert!(
            !judge || self.timers.first().is_none_or(|(at, _)| *at > now),
            "a wake-up makes progress"
        );
    }

    fn expire(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        let sessions = self.peers[id.index()].sessions.iter();
        let expired: Vec<(ConnId, u8)> = sessions
            .filter_map(|session| {
                if session.hold_expired(now) {
                    Some((session.conn, code::HOLD_TIMER))
                } else {
                    session
                        .send_hold_expired(now)
                        .then_some((session.conn, code::SEND_HOLD_TIMER))
                }
            })
            .collect();
        for (conn, code) in expired {
            let reason = Notification::new(code, 0, Vec::new());
            self.end(now, conn, Ended::Sent(reason), out);
        }
    }

    fn due(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        let delayed = self.peers[id.index()].sessions.iter();
        let delayed: Vec<ConnId> = delayed
            .filter(|session| session.delay_expired(now))
            .map(|session| session.conn)
            .collect();
        for conn in delayed {
            self.say_open(now, id, conn, out);
        }
        let peer = &mut self.peers[id.index()];
        for session in &mut peer.sessions {
            if session.keepalive_due(now) {
                session.spoke(now, &mut self.rng);
                peer.counters.said(Kind::Keepalive);
                out.push(Output::Send {
                    conn: session.conn,
                    bytes: header::keepalive().into(),
                });
            }
        }
        self.busy |= peer.paced.is_over(now);
        if peer.start_at.is_none_or(|at| at > now) {
            return;
        }
        peer.start_at = None;
        let connecting = peer
            .sessions
            .iter()
            .find(|session| session.phase == Phase::Connecting);
        if let Some(conn) = connecting.map(|session| session.conn) {
            // The network does not answer: give this attempt up and make another.
            out.push(Output::Close { conn });
            self.end(now, conn, Ended::ConnectFailed, out);
        }
        self.start(now, id, out);
    }

    /// A connection takes no more bytes.
    pub(super) fn stalled(&mut self, now: Instant, conn: ConnId) {
        let Some(id) = self.conns.get(&conn).copied() else {
            return;
        };
        let peer = &mut self.peers[id.index()];
        let patience = peer.settings.send_hold_time;
        if let Some(session) = peer.session(conn) {
            session.blocked(now, patience);
        }
        self.arm(id);
    }

    /// A connection takes bytes again.
    pub(super) fn flows(&mut self, conn: ConnId) {
        let Some(id) = self.conns.get(&conn).copied() else {
            return;
        };
        if let Some(session) = self.peers[id.index()].session(conn) {
            session.writable();
        }
        self.arm(id);
    }

    /// Keeps the neighbour's place among the timers right.
    pub(super) fn arm(&mut self, id: NeighborId) {
        let peer = &mut self.peers[id.index()];
        let deadline = if peer.removed { None } else { peer.deadline() };
        if peer.armed == deadline {
            return;
        }
        if let Some(old) = core::mem::replace(&mut peer.armed, deadline) {
            self.timers.remove(&(old, id));
        }
        if let Some(new) = deadline {
            self.timers.insert((new, id));
        }
    }
}
