//! Messages as they arrive: OPEN with collision detection, KEEPALIVE, ROUTE-REFRESH; UPDATE has a
//! file of its own.

use inet::Instant;

use super::Speaker;
use crate::export::GroupKey;
use crate::output::{Direction, Ended, Event, Output};
use crate::session::{Phase, check_open, keeps_outgoing};
use crate::settings::{ConnId, NeighborId};
use crate::wire::capability::Family;
use crate::wire::header::{self, Frame, Kind};
use crate::wire::notification::{Notification, cease};
use crate::wire::open::Open;
use crate::wire::refresh;

/// Whether a connection goes on after a message.
enum Next {
    GoOn,
    Ended,
}

impl Speaker {
    /// Takes bytes, cut anywhere, and works off the whole messages among them.
    pub(super) fn bytes(
        &mut self,
        now: Instant,
        conn: ConnId,
        bytes: &[u8],
        out: &mut Vec<Output>,
    ) {
        let Some(id) = self.conns.get(&conn).copied() else {
            return;
        };
        let Some(session) = self.peers[id.index()].session(conn) else {
            return;
        };
        let mut stream = core::mem::take(&mut session.buffer);
        stream.extend_from_slice(bytes);
        let mut done = 0;
        loop {
            let next = match header::frame(&stream[done..]) {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    if self.settings.tap {
                        out.push(Output::Message {
                            neighbor: id,
                            direction: Direction::In,
                            bytes: stream[done..done + frame.len].into(),
                        });
                    }
                    done += frame.len;
                    self.message(now, id, conn, &frame, out)
                }
                Err(error) => {
                    self.end(now, conn, Ended::Sent(error), out);
                    Next::Ended
                }
            };
            if matches!(next, Next::Ended) {
                return;
            }
        }
        stream.drain(..done);
        if let Some(session) = self.peers[id.index()].session(conn) {
            session.buffer = stream;
        }
        self.arm(id);
    }

    fn message(
        &mut self,
        now: Instant,
        id: NeighborId,
        conn: ConnId,
        frame: &Frame<'_>,
        out: &mut Vec<Output>,
    ) -> Next {
        let peer = &mut self.peers[id.index()];
        peer.counters.messages_in += 1;
        let Some(session) = peer.session(conn) else {
            return Next::Ended;
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
                peer.counters.updates_in += 1;
                self.update(now, id, frame.body, out)
            }
            (None, Kind::RouteRefresh) => {
                self.refresh(id, frame.body, out);
                Ok(())
            }
            (None, Kind::Notification) => {
                let told = Notification::parse(frame.body);
                let reason = told.map_or(Ended::Closed, Ended::Received);
                if reason == Ended::Closed {
                    // It says nothing that can be read, and `end` does not close for this reason.
                    out.push(Output::Close { conn });
                }
                self.end(now, conn, reason, out);
                return Next::Ended;
            }
        };
        if let Err(error) = result {
            self.end(now, conn, Ended::Sent(error), out);
        }
        if self.conns.contains_key(&conn) {
            Next::GoOn
        } else {
            Next::Ended
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
        let neighbor = &self.peers[id.index()].settings;
        check_open(&open, &self.settings, neighbor)?;
        let (hold_time, remote_as) = (neighbor.hold_time, neighbor.remote_as);
        let ours = (self.settings.router_id, self.settings.local_as);
        let keeps_ours = keeps_outgoing(ours, (open.router_id, remote_as));
        let outgoing = self.peers[id.index()]
            .session(conn)
            .is_some_and(|session| session.outgoing);
        // RFC 4271 §6.8.
        let other = self.peers[id.index()]
            .sessions
            .iter()
            .find(|other| other.conn != conn);
        match other.map(|other| (other.conn, other.phase)) {
            Some((_, Phase::Established)) => return Err(Notification::cease(cease::COLLISION)),
            Some((_, Phase::OpenConfirm)) if keeps_ours != outgoing => {
                return Err(Notification::cease(cease::COLLISION));
            }
            Some((other, Phase::OpenConfirm)) => {
                self.end(
                    now,
                    other,
                    Ended::Sent(Notification::cease(cease::COLLISION)),
                    out,
                );
            }
            Some((_, Phase::Connecting | Phase::OpenSent)) | None => {}
        }
        let peer = &mut self.peers[id.index()];
        peer.counters.messages_out += 1;
        if let Some(session) = peer.session(conn) {
            session.confirmed(now, open, hold_time, &mut self.rng);
        }
        out.push(Output::Send {
            conn,
            bytes: header::keepalive().into(),
        });
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
        let router_id = session.open.as_ref().map(|open| open.router_id);
        peer.router_id = router_id.unwrap_or(peer.router_id);
        peer.succeeded(now);
        let wire = self.wire(id);
        let peer = &self.peers[id.index()];
        let key = GroupKey::of(&peer.settings, self.settings.local_as, wire);
        let others: Vec<ConnId> = peer
            .sessions
            .iter()
            .filter(|other| other.conn != conn)
            .map(|other| other.conn)
            .collect();
        for other in others {
            self.end(
                now,
                other,
                Ended::Sent(Notification::cease(cease::COLLISION)),
                out,
            );
        }
        let peer = &mut self.peers[id.index()];
        peer.refreshed();
        peer.start_at = None;
        out.push(Output::Event(Event::Established { neighbor: id }));
        self.join(id, key, out);
    }

    fn refresh(&mut self, id: NeighborId, body: &[u8], out: &mut Vec<Output>) {
        if refresh::parse(body) == Some(Family::IPV4_UNICAST) {
            out.push(Output::Event(Event::RefreshReceived { neighbor: id }));
            self.resend(id, None, out);
        }
    }

    /// Asks a neighbour for its routes again.
    pub(super) fn ask_refresh(&mut self, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        let Some(session) = peer.established() else {
            return;
        };
        if session.open.as_ref().is_some_and(Open::refreshes) {
            let bytes = refresh::encode(Family::IPV4_UNICAST).into();
            out.push(Output::Send {
                conn: session.conn,
                bytes,
            });
            peer.counters.messages_out += 1;
        }
    }
}
