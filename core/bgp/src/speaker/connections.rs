//! Starting, accepting and ending connections, and what time brings (RFC 4271 §8).

use core::net::SocketAddr;

use inet::Instant;

use super::Speaker;
use crate::export::GroupKey;
use crate::output::{Ended, Event, Output};
use crate::peer::{PAUSE_MIN, Peer, jittered};
use crate::session::{Phase, Session, our_open};
use crate::settings::{ConnId, ConnectMode, Neighbor, NeighborId};
use crate::wire::header;
use crate::wire::notification::{Notification, cease, code};

impl Speaker {
    /// A further neighbour.
    pub(super) fn add(&mut self, now: Instant, neighbor: Neighbor) {
        let id = NeighborId(u32::try_from(self.peers.len()).expect("fewer than 2^32 neighbours"));
        self.addresses.insert(neighbor.address, id);
        self.peers.push(Peer::new(neighbor, now));
        self.set_origin(id);
        self.arm(id);
    }

    /// Deconfigures a neighbour.
    pub(super) fn remove(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        self.down(now, id, &Notification::cease(cease::DECONFIGURED), out);
        let peer = &mut self.peers[id.index()];
        peer.removed = true;
        let address = peer.settings.address;
        if self.addresses.get(&address) == Some(&id) {
            self.addresses.remove(&address);
        }
    }

    /// Replaces a neighbour's settings.
    pub(super) fn set_neighbor(
        &mut self,
        now: Instant,
        id: NeighborId,
        neighbor: Neighbor,
        out: &mut Vec<Output>,
    ) {
        let peer = &mut self.peers[id.index()];
        if peer.removed {
            return;
        }
        let old = core::mem::replace(&mut peer.settings, neighbor);
        if old.address != self.peers[id.index()].settings.address {
            self.addresses.remove(&old.address);
            self.addresses
                .insert(self.peers[id.index()].settings.address, id);
        }
        if session_settings(&old) != session_settings(&self.peers[id.index()].settings) {
            self.reset(now, id, cease::CONFIGURATION, out);
            return;
        }
        self.set_origin(id);
        self.import_all_again(id);
        if old.group != self.peers[id.index()].settings.group {
            self.tell_again(id);
        }
        if self.peers[id.index()].established().is_none() {
            return;
        }
        let key = GroupKey::of(
            &self.peers[id.index()].settings,
            self.settings.local_as,
            self.wire(id),
        );
        self.regroup(id, key, out);
    }

    /// Lets a session run and connects at once.
    pub(super) fn up(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        if peer.removed {
            return;
        }
        peer.enabled = true;
        peer.refreshed();
        if peer.sessions.is_empty() {
            self.start(now, id, out);
        }
        self.arm(id);
    }

    /// Ends all connections and stays down.
    pub(super) fn down(
        &mut self,
        now: Instant,
        id: NeighborId,
        reason: &Notification,
        out: &mut Vec<Output>,
    ) {
        self.end_all(now, id, reason, out);
        let peer = &mut self.peers[id.index()];
        peer.enabled = false;
        peer.start_at = None;
        self.arm(id);
    }

    /// Ends all connections and starts again.
    pub(super) fn reset(
        &mut self,
        now: Instant,
        id: NeighborId,
        subcode: u8,
        out: &mut Vec<Output>,
    ) {
        self.end_all(now, id, &Notification::cease(subcode), out);
        self.arm(id);
    }

    fn end_all(
        &mut self,
        now: Instant,
        id: NeighborId,
        reason: &Notification,
        out: &mut Vec<Output>,
    ) {
        while let Some(session) = self.peers[id.index()].sessions.first() {
            let conn = session.conn;
            self.end(now, conn, Ended::Sent(reason.clone()), out);
        }
    }

    /// Opens a connection, unless the neighbour has one or we only listen.
    fn start(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        peer.idle = false;
        peer.start_at = None;
        if peer.settings.connect == ConnectMode::Passive
            || !peer.enabled
            || !peer.sessions.is_empty()
        {
            return;
        }
        self.next_conn += 1;
        let conn = ConnId(self.next_conn);
        peer.sessions.push(Session::connecting(conn));
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
        remote: SocketAddr,
        out: &mut Vec<Output>,
    ) {
        let welcome = self
            .addresses
            .get(&remote.ip().to_canonical())
            .copied()
            .filter(|id| {
                let peer = &self.peers[id.index()];
                peer.enabled && !peer.idle && peer.settings.connect != ConnectMode::Active
            });
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
        if let Some(stale) = stale {
            self.end(
                now,
                stale,
                Ended::Sent(Notification::cease(cease::COLLISION)),
                out,
            );
            self.peers[id.index()].refreshed();
        }
        // Whoever calls again may have lost the first connection: a KEEPALIVE finds out.
        if let Some(established) = self.peers[id.index()].established() {
            out.push(Output::Send {
                conn: established.conn,
                bytes: header::keepalive().into(),
            });
        }
        self.conns.insert(conn, id);
        self.peers[id.index()]
            .sessions
            .push(Session::accepted(conn));
        self.say_open(now, id, conn, out);
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
            self.say_open(now, id, conn, out);
        }
    }

    fn say_open(&mut self, now: Instant, id: NeighborId, conn: ConnId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        let open = our_open(&self.settings, &peer.settings).encode();
        peer.counters.messages_out += 1;
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
        if let Ended::Sent(notification) = &reason
            && session.phase > Phase::Connecting
        {
            peer.counters.messages_out += 1;
            out.push(Output::Send {
                conn,
                bytes: notification.encode().into(),
            });
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
        if established {
            peer.since = now;
            self.leave(id);
            self.purge(id);
        }
        out.push(Output::Event(Event::Ended {
            neighbor: id,
            established,
            reason,
        }));
        self.arm(id);
    }

    /// Does everything that is due.
    pub(super) fn woken(&mut self, now: Instant, out: &mut Vec<Output>) {
        while let Some((at, id)) = self.timers.first().copied() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            self.peers[id.index()].armed = None;
            self.due(now, id, out);
            self.arm(id);
            debug_assert!(
                self.peers[id.index()].armed.is_none_or(|next| next > now),
                "a wake-up makes progress"
            );
        }
    }

    fn due(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        let expired: Vec<ConnId> = peer
            .sessions
            .iter()
            .filter(|s| s.hold_expired(now))
            .map(|s| s.conn)
            .collect();
        for conn in expired {
            let reason = Notification::new(code::HOLD_TIMER, 0, Vec::new());
            self.end(now, conn, Ended::Sent(reason), out);
        }
        let peer = &mut self.peers[id.index()];
        for session in &mut peer.sessions {
            if session.keepalive_due(now) {
                session.spoke(now, &mut self.rng);
                peer.counters.messages_out += 1;
                out.push(Output::Send {
                    conn: session.conn,
                    bytes: header::keepalive().into(),
                });
            }
        }
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
        } else {
            self.start(now, id, out);
        }
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

/// What a session was agreed on with: a change ends it.
fn session_settings(neighbor: &Neighbor) -> Neighbor {
    Neighbor {
        name: String::new(),
        group: crate::settings::Group(0),
        interior_cost: 0,
        prefix_limit: None,
        import: None,
        export: None,
        next_hop: crate::settings::NextHopRule::Standard,
        as_override: false,
        own_as_allowed: 0,
        start_enabled: true,
        ..neighbor.clone()
    }
}
