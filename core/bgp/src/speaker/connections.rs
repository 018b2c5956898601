//! Opening, accepting and ending connections (RFC 4271 §8.2).

use core::net::SocketAddr;

use inet::Instant;

use super::Speaker;
use crate::output::{Ended, Event, Output};
use crate::peer::{PAUSE_MIN, jittered};
use crate::session::{Origin, Phase, Session, our_open};
use crate::settings::{ConnId, ConnectMode, Neighbor, NeighborId, OnExceed};
use crate::wire::header::{self, Kind};
use crate::wire::notification::{Notification, cease};

impl Speaker {
    /// Opens a connection, unless the neighbour has one or we only listen.
    pub(super) fn start(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        peer.idle = false;
        peer.start_at = None;
        if peer.settings.connect == ConnectMode::Passive
            || !peer.enabled
            || peer.bfd_down
            || !peer.sessions.is_empty()
        {
            return;
        }
        self.next_conn += 1;
        let conn = ConnId(self.next_conn);
        let longest = message_max(&peer.settings);
        peer.sessions.push(Session::connecting(conn, longest));
        peer.start_at =
            Some(now + jittered(peer.settings.connect_retry.max(PAUSE_MIN), &mut self.rng));
        self.conns.insert(conn, id);
        out.push(Output::Connect {
            conn,
            neighbor: id,
            local: peer.settings.local_address,
            remote: SocketAddr::new(peer.settings.address, peer.settings.port),
            ttl: match peer.settings.ttl_security {
                Some(_) => u8::MAX,
                None => peer.settings.ebgp_multihop_ttl,
            },
            options: peer.settings.tcp_options(),
        });
    }

    /// Somebody connected to us.
    pub(super) fn accepted(
        &mut self,
        now: Instant,
        conn: ConnId,
        local: SocketAddr,
        remote: SocketAddr,
        out: &mut Vec<Output>,
    ) {
        let known = self.addresses.contains_key(&remote.ip().to_canonical());
        let welcome = match known {
            true => self.welcome(remote),
            false => self.admit(now, local, remote, out),
        };
        let Some(id) = welcome else {
            out.push(Output::Close { conn });
            out.push(Output::Event(Event::Refused { remote }));
            return;
        };
        // A second call of theirs replaces one that got nowhere.
        let stale = self.peers[id.index()]
            .sessions
            .iter()
            .find(|session| !session.outgoing && session.phase != Phase::Established)
            .map(|session| session.conn);
        // Whoever calls again may have lost the first connection: a KEEPALIVE finds out.
        if let Some(established) = self.peers[id.index()].established() {
            let conn = established.conn;
            self.peers[id.index()].counters.said(Kind::Keepalive);
            out.push(Output::Send {
                conn,
                bytes: header::keepalive().into(),
            });
        }
        self.conns.insert(conn, id);
        let longest = message_max(&self.peers[id.index()].settings);
        self.peers[id.index()]
            .sessions
            .push(Session::accepted(conn, longest));
        self.half_open.insert(conn);
        // The new one is there before the old one goes: a neighbour from a range lives as long as
        // it has a connection.
        if let Some(stale) = stale {
            let reason = Ended::Sent(Notification::cease(cease::COLLISION));
            self.end(now, stale, reason, out);
            self.peers[id.index()].refreshed();
        }
        self.stands(now, id, conn, out);
    }

    /// The neighbour that may connect from an address now.
    fn welcome(&self, remote: SocketAddr) -> Option<NeighborId> {
        let id = *self.addresses.get(&remote.ip().to_canonical())?;
        let peer = &self.peers[id.index()];
        let listens = peer.settings.connect != ConnectMode::Active;
        let replaces = peer.sessions.iter().any(|session| !session.outgoing);
        // A flood from many neighbours at once: those that call again later find room.
        let room = replaces || self.half_open.len() < self.settings.half_open_max as usize;
        (peer.enabled && !peer.idle && !peer.bfd_down && listens && room).then_some(id)
    }

    /// A connection of ours stands.
    pub(super) fn connected(&mut self, now: Instant, conn: ConnId, out: &mut Vec<Output>) {
        let Some(id) = self.conns.get(&conn).copied() else {
            return;
        };
        let connecting = |session: &Session| session.phase == Phase::Connecting;
        if self.peers[id.index()]
            .session(conn)
            .is_some_and(|session| connecting(session))
        {
            self.peers[id.index()].start_at = None;
            self.stands(now, id, conn, out);
        }
    }

    /// A new connection stands: our OPEN goes out, or waits for theirs.
    fn stands(&mut self, now: Instant, id: NeighborId, conn: ConnId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        let delay = peer.settings.delay_open;
        if delay.is_zero() {
            self.say_open(now, id, conn, out);
            return;
        }
        if let Some(session) = peer.session(conn) {
            session.delayed(now, delay);
        }
        self.arm(id);
    }

    pub(super) fn say_open(
        &mut self,
        now: Instant,
        id: NeighborId,
        conn: ConnId,
        out: &mut Vec<Output>,
    ) {
        let us = Origin::of(&self.settings, self.deferring());
        let peer = &mut self.peers[id.index()];
        let open = our_open(us, &peer.settings).encode();
        peer.counters.said(Kind::Open);
        if let Some(session) = peer.session(conn) {
            session.opened(now, self.settings.open_hold_time);
        }
        out.push(Output::Send {
            conn,
            bytes: open.into(),
        });
        self.arm(id);
    }

    /// A connection broke, or was never made.
    pub(super) fn lost(
        &mut self,
        now: Instant,
        conn: ConnId,
        reason: Ended,
        out: &mut Vec<Output>,
    ) {
        if self.conns.contains_key(&conn) {
            self.end(now, conn, reason, out);
        }
    }

    /// Ends a connection; with an established one its routes go.
    pub(super) fn end(&mut self, now: Instant, conn: ConnId, reason: Ended, out: &mut Vec<Output>) {
        let Some(id) = self.conns.remove(&conn) else {
            return;
        };
        self.half_open.remove(&conn);
        if self.settings.tap {
            self.ended.push((conn, id));
        }
        let peer = &mut self.peers[id.index()];
        let Some(place) = peer
            .sessions
            .iter()
            .position(|session| session.conn == conn)
        else {
            return;
        };
        let session = peer.sessions.remove(place);
        let established = session.phase == Phase::Established;
        match &reason {
            // RFC 4271 §8.2.1.5: no NOTIFICATION before our OPEN.
            Ended::Sent(notification) if session.phase > Phase::Delaying => {
                let hard = session.negotiated.as_ref().is_some_and(|negotiated| {
                    negotiated.survives_notifications(&peer.settings) && notification.is_final()
                });
                let said = match hard {
                    true => notification.hard(),
                    false => notification.clone(),
                };
                peer.counters.said(Kind::Notification);
                out.push(Output::Send {
                    conn,
                    bytes: said.encode().into(),
                });
                peer.last_sent = Some((now, said));
            }
            Ended::Received(notification) => {
                peer.last_received = Some((now, notification.clone()));
            }
            Ended::Sent(_)
            | Ended::Replaced
            | Ended::Malformed
            | Ended::Closed
            | Ended::ConnectFailed => {}
        }
        if !matches!(reason, Ended::Closed | Ended::ConnectFailed) {
            out.push(Output::Close { conn });
        }
        let connecting = peer.sessions.iter().any(|s| s.phase == Phase::Connecting);
        if peer.sessions.is_empty() || established && !connecting {
            // RFC 4271 §8.2.2, OpenSent: a call that closes before an OPEN came leads to Active.
            // Refusing calls after it too would let two speakers miss each other for ever.
            let refuse = established || !matches!(reason, Ended::Closed | Ended::ConnectFailed);
            peer.pause(now, refuse && peer.sessions.is_empty(), &mut self.rng);
        }
        if core::mem::take(&mut peer.exceeded)
            && let Some(OnExceed::Teardown {
                restart_after: Some(pause),
            }) = peer.settings.prefix_limit.map(|limit| limit.on_exceed)
        {
            peer.rest(now, pause);
        }
        if established {
            peer.since = now;
            self.leave(id);
            self.part(now, id, session.negotiated.as_ref(), &reason);
        }
        self.peers[id.index()].last_end = Some((now, reason.clone()));
        out.push(Output::Event(Event::Ended {
            neighbor: id,
            established,
            reason,
        }));
        self.dismiss(id, out);
        self.arm(id);
    }
}

/// The longest message that we take: RFC 8654's where we offer it.
const fn message_max(neighbor: &Neighbor) -> usize {
    if neighbor.extended_messages {
        header::MESSAGE_EXTENDED_MAX
    } else {
        header::MESSAGE_MAX
    }
}
