//! Messages as they arrive: OPEN with collision detection, KEEPALIVE, ROUTE-REFRESH; UPDATE has a
//! file of its own.

use inet::Instant;

use super::Speaker;
use super::work::only;
use crate::output::{Direction, Ended, Event, Output};
use crate::session::{Negotiated, Phase, check_open, keeps_outgoing};
use crate::settings::{ConnId, NeighborId};
use crate::wire::header::{self, Frame, Kind};
use crate::wire::notification::{Notification, cease};
use crate::wire::open::Open;
use crate::wire::refresh::{self, Subtype};

impl Speaker {
    /// Takes bytes, cut anywhere, and works off the whole messages among them. Only a message that
    /// is cut is copied.
    pub(super) fn bytes(
        &mut self,
        now: Instant,
        conn: ConnId,
        mut bytes: &[u8],
        out: &mut Vec<Output>,
    ) {
        let Some(id) = self.conns.get(&conn).copied() else {
            return;
        };
        while let Some(session) = self.peers[id.index()].session(conn)
            && !session.buffer.is_empty()
            && !bytes.is_empty()
        {
            let missing = header::missing(&session.buffer).min(bytes.len());
            let (head, tail) = bytes.split_at(missing);
            bytes = tail;
            session.buffer.extend_from_slice(head);
            let mut buffer = core::mem::take(&mut session.buffer);
            let done = self.work_off(now, id, conn, &buffer, out);
            buffer.drain(..done);
            if let Some(session) = self.peers[id.index()].session(conn) {
                session.buffer = buffer;
            }
        }
        let done = self.work_off(now, id, conn, bytes, out);
        if let Some(session) = self.peers[id.index()].session(conn) {
            session.buffer.extend_from_slice(&bytes[done..]);
        }
        self.arm(id);
    }

    /// Works off the whole messages at the front of a stream; gives their length.
    fn work_off(
        &mut self,
        now: Instant,
        id: NeighborId,
        conn: ConnId,
        stream: &[u8],
        out: &mut Vec<Output>,
    ) -> usize {
        let mut done = 0;
        while let Some(session) = self.peers[id.index()].session(conn) {
            let rest = &stream[done..];
            match header::frame(rest, session.message_max) {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    done += frame.len;
                    if self.settings.tap {
                        out.push(Output::Message {
                            neighbor: id,
                            direction: Direction::In,
                            bytes: rest[..frame.len].into(),
                        });
                    }
                    self.message(now, id, conn, &frame, out);
                }
                Err(_) if header::begins_notification(rest) => {
                    self.end(now, conn, Ended::Malformed, out);
                }
                Err(error) => self.end(now, conn, Ended::Sent(error), out),
            }
        }
        done
    }

    fn message(
        &mut self,
        now: Instant,
        id: NeighborId,
        conn: ConnId,
        frame: &Frame<'_>,
        out: &mut Vec<Output>,
    ) {
        let peer = &mut self.peers[id.index()];
        peer.counters.heard(frame.kind);
        let Some(session) = peer.session(conn) else {
            return;
        };
        let result = match (session.unexpected(frame), frame.kind) {
            (Some(error), _) => Err(error),
            (None, Kind::Open) => self.open(now, id, conn, frame.body, out),
            (None, Kind::Keepalive) => {
                self.keepalive(now, id, conn, out);
                Ok(())
            }
            (None, Kind::Update) => {
                session.heard(now);
                self.update(now, id, frame.body, out)
            }
            (None, Kind::RouteRefresh) => self.refresh(now, id, frame.body, out),
            (None, Kind::Notification) => {
                let told = Notification::parse(frame.body);
                let reason = told.map_or(Ended::Malformed, Ended::Received);
                self.end(now, conn, reason, out);
                Ok(())
            }
        };
        if let Err(error) = result {
            self.end(now, conn, Ended::Sent(error), out);
        }
    }

    fn open(
        &mut self,
        now: Instant,
        id: NeighborId,
        conn: ConnId,
        body: &[u8],
        out: &mut Vec<Output>,
    ) -> Result<(), Notification> {
        let open = Open::parse(body)?;
        self.take_as(id, &open);
        let neighbor = &self.peers[id.index()].settings;
        check_open(&open, &self.settings, neighbor)?;
        self.resolve_collision(now, id, conn, &open, out)?;
        let delayed = self.peers[id.index()].session(conn);
        if delayed.is_some_and(|session| session.phase == Phase::Delaying) {
            self.say_open(now, id, conn, out);
        }
        let peer = &mut self.peers[id.index()];
        let negotiated = Negotiated::new(&peer.settings, self.settings.local_as, &open);
        peer.counters.said(Kind::Keepalive);
        if let Some(session) = peer.session(conn) {
            session.confirmed(now, open, negotiated, &mut self.rng);
        }
        out.push(Output::Send {
            conn,
            bytes: header::keepalive().into(),
        });
        Ok(())
    }

    /// RFC 4271 §6.8, when the OPEN of one of two connections has come: ends one of the two. The
    /// error ends the connection that the OPEN came on.
    fn resolve_collision(
        &mut self,
        now: Instant,
        id: NeighborId,
        conn: ConnId,
        open: &Open,
        out: &mut Vec<Output>,
    ) -> Result<(), Notification> {
        let peer = &self.peers[id.index()];
        let ours = (self.settings.router_id, self.settings.local_as);
        let keeps_ours = keeps_outgoing(ours, (open.router_id, peer.settings.remote_as));
        let is_ours = |session: &crate::session::Session| session.conn == conn;
        let outgoing = peer.sessions.iter().any(|s| is_ours(s) && s.outgoing);
        let Some(other) = peer.sessions.iter().find(|other| !is_ours(other)) else {
            return Ok(());
        };
        let lost = Ended::Sent(Notification::cease(cease::COLLISION));
        let (other_conn, reason) = match other.phase {
            Phase::Connecting | Phase::Delaying | Phase::OpenSent => return Ok(()),
            Phase::Established if other.restarts() => (other.conn, Ended::Replaced),
            Phase::OpenConfirm if keeps_ours == outgoing => (other.conn, lost),
            Phase::OpenConfirm | Phase::Established => {
                return Err(Notification::cease(cease::COLLISION));
            }
        };
        self.end(now, other_conn, reason, out);
        Ok(())
    }

    fn keepalive(&mut self, now: Instant, id: NeighborId, conn: ConnId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        let Some(session) = peer.session(conn) else {
            return;
        };
        session.heard(now);
        if session.phase != Phase::OpenConfirm {
            return;
        }
        session.phase = Phase::Established;
        let agreed = session.negotiated.as_ref().map(|n| n.agreed);
        let agreed = agreed.expect("negotiated before OpenConfirm");
        let router_id = session.open.as_ref().map(|open| open.router_id);
        peer.agreed = agreed;
        peer.router_id = router_id.unwrap_or(peer.router_id);
        peer.succeeded(now);
        self.half_open.remove(&conn);
        let key = self.group_key(id);
        let peer = &self.peers[id.index()];
        let others = peer.sessions.iter().filter(|other| other.conn != conn);
        let others: Vec<ConnId> = others.map(|other| other.conn).collect();
        for other in others {
            let reason = Ended::Sent(Notification::cease(cease::COLLISION));
            self.end(now, other, reason, out);
        }
        let peer = &mut self.peers[id.index()];
        peer.refreshed();
        peer.start_at = None;
        out.push(Output::Event(Event::Established { neighbor: id }));
        self.rejoin(now, id);
        self.join(id, key, out);
        self.resume_if_complete(out);
    }

    fn refresh(
        &mut self,
        now: Instant,
        id: NeighborId,
        body: &[u8],
        out: &mut Vec<Output>,
    ) -> Result<(), Notification> {
        let Some(negotiated) = self.peers[id.index()].negotiated() else {
            return Ok(());
        };
        let said = refresh::parse(body, negotiated.enhanced_refresh)?;
        // RFC 2918 §4: a family that was not agreed on is ignored.
        let mut families = negotiated.agreed.families();
        let Some((family, subtype)) = said.filter(|(said, _)| families.any(|one| one == *said))
        else {
            return Ok(());
        };
        match subtype {
            Subtype::Request => {
                out.push(Output::Event(Event::RefreshReceived { neighbor: id }));
                self.tell_all_again(id, only(family));
            }
            Subtype::Begin | Subtype::End => self.refreshed(now, id, family, subtype),
        }
        Ok(())
    }

    /// Asks a neighbour for its routes again.
    pub(super) fn ask_refresh(&mut self, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        let Some(session) = peer.established() else {
            return;
        };
        let Some(negotiated) = session.negotiated.as_ref().filter(|n| n.refresh) else {
            return;
        };
        let conn = session.conn;
        for family in negotiated.agreed.families() {
            peer.counters.said(Kind::RouteRefresh);
            out.push(Output::Send {
                conn,
                bytes: refresh::encode(family, Subtype::Request).into(),
            });
        }
    }
}
