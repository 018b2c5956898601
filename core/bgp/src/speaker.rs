//! The speaker: the only entry.

mod aggregates;
mod connections;
mod dynamic;
mod import;
mod limits;
mod messages;
mod operator;
mod recorded;
mod restart;
mod routes;
mod tables;
mod tap;
mod telling;
mod timers;
mod updates;
mod work;

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use inet::{Instant, Rng};

use crate::bits::Bits;
use crate::decision::Origin;
use crate::export::UpdateGroup;
use crate::input::{Command, DownReason, Input};
use crate::interner::Interner;
use crate::output::{Ended, Output};
use crate::peer::Peer;
use crate::rib::{PrefixId, Rib, SourceId};
use crate::settings::{ConnId, NeighborId, Settings};
use crate::view::{NeighborView, SessionView, State};
use crate::wire::notification::{Notification, cease};
use routes::Touched;
use work::Job;

pub(crate) use work::Marker;

/// A BGP-4 speaker.
#[derive(Debug)]
pub struct Speaker {
    settings: Settings,
    rng: Rng,
    peers: Vec<Peer>,
    addresses: BTreeMap<IpAddr, NeighborId>,
    conns: BTreeMap<ConnId, NeighborId>,
    next_conn: u64,
    /// Accepted connections that are not established.
    half_open: BTreeSet<ConnId>,
    /// We have restarted, and tell nothing before this or before all neighbours have told us
    /// everything (RFC 4724 §4.1).
    deferred_until: Option<Instant>,
    /// INVARIANT: one entry for each peer with a deadline, the one in `Peer::armed`.
    timers: BTreeSet<(Instant, NeighborId)>,
    interner: Interner,
    rib: Rib,
    groups: Vec<Option<UpdateGroup>>,
    /// What the decision needs of the neighbours.
    origins: Vec<Origin>,
    dirty: Vec<Touched>,
    aggregates: aggregates::Aggregates,
    /// Prefixes that groups make of others; they keep their numbers.
    pinned: BTreeSet<PrefixId>,
    /// Long jobs, the first one in progress.
    jobs: VecDeque<Job>,
    /// Members that are still to be told something.
    lagging: BTreeSet<NeighborId>,
    /// Whose turn it is among them.
    turn: NeighborId,
    /// Prefixes without paths whose numbers wait until no member lags.
    dead: Bits,
    /// How many prefixes have a path in use.
    used: usize,
    /// How many paths there are.
    paths: usize,
    /// Something began in this call that a slice may finish at once.
    busy: bool,
    /// The time of the last call.
    now: Instant,
    /// Connections that ended in this call, while messages are shown.
    ended: Vec<(ConnId, NeighborId)>,
}

impl Speaker {
    /// A speaker; neighbours that start enabled connect at the first wake.
    pub fn new(mut settings: Settings, seed: u64, now: Instant) -> Self {
        let mut rng = Rng::new(seed);
        let neighbors = core::mem::take(&mut settings.neighbors);
        let mut speaker = Self {
            settings,
            peers: Vec::new(),
            addresses: BTreeMap::new(),
            conns: BTreeMap::new(),
            next_conn: 0,
            half_open: BTreeSet::new(),
            deferred_until: None,
            timers: BTreeSet::new(),
            interner: Interner::new(rng.next_u64()),
            rib: Rib::new(rng.next_u64()),
            groups: Vec::new(),
            origins: Vec::new(),
            dirty: Vec::new(),
            aggregates: aggregates::Aggregates::default(),
            pinned: BTreeSet::new(),
            jobs: VecDeque::new(),
            lagging: BTreeSet::new(),
            turn: NeighborId(0),
            dead: Bits::default(),
            used: 0,
            paths: 0,
            busy: false,
            now,
            ended: Vec::new(),
            rng,
        };
        let patience = speaker.settings.restarting;
        speaker.deferred_until = patience.map(|patience| now + patience);
        for neighbor in neighbors {
            speaker.add(now, neighbor);
        }
        speaker
    }

    /// Takes one input; everything that follows from it is appended to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        let begun = out.len();
        self.now = now;
        let is_wake = matches!(input, Input::Wake);
        match input {
            Input::Wake => self.busy = true,
            Input::Accepted {
                conn,
                local,
                remote,
            } => self.accepted(now, conn, local, remote, out),
            Input::Connected { conn, .. } => self.connected(now, conn, out),
            Input::ConnectFailed { conn } => self.lost(now, conn, Ended::ConnectFailed, out),
            Input::Bytes { conn, bytes } => self.bytes(now, conn, bytes, out),
            Input::Closed { conn } => self.lost(now, conn, Ended::Closed, out),
            Input::Blocked { conn } => {
                self.stalled(now, conn);
                self.blocked(conn);
            }
            Input::Writable { conn } => {
                self.flows(conn);
                self.writable(conn);
            }
            Input::Command(command) => self.command(now, command, out),
        }
        self.woken(now, is_wake, out);
        self.resume_if_full(out);
        self.settle(out);
        if core::mem::take(&mut self.busy) {
            self.work(out);
        }
        self.bury_dead();
        self.drop_laggards(now, out);
        if self.settings.tap {
            self.show_sent(begun, out);
        }
    }

    /// When to come back with [`Input::Wake`]. Before the first `handle` it may be in the past.
    pub fn wake(&self) -> Option<Instant> {
        let due = self.timers.first().map(|(at, _)| *at);
        let due = due.into_iter().chain(self.deferred_until).min();
        if self.has_work() {
            return Some(due.map_or(self.now, |due| due.min(self.now)));
        }
        due
    }

    fn command(&mut self, now: Instant, command: Command, out: &mut Vec<Output>) {
        let known = |id: NeighborId| id.index() < self.peers.len();
        match command {
            Command::Up(id) if known(id) => self.up(now, id, out),
            Command::Down(id, reason) if known(id) => {
                let subcode = match reason {
                    DownReason::Admin => cease::SHUTDOWN,
                    DownReason::Link => cease::BFD_DOWN,
                };
                self.down(now, id, &Notification::cease(subcode), out);
            }
            Command::Shutdown { neighbor, text } if known(neighbor) => {
                self.down(now, neighbor, &Notification::shutdown(&text), out);
            }
            Command::Reset(id) if known(id) => self.reset(now, id, cease::RESET, out),
            Command::ResetSaying { neighbor, text } if known(neighbor) => {
                let reason = Notification::saying(cease::RESET, &text);
                self.restart(now, neighbor, &reason, out);
            }
            Command::GracefulShutdown { neighbor, on } => self.drain(neighbor, on, out),
            Command::BfdDown(id) if known(id) => self.bfd_down(now, id, out),
            Command::BfdUp(id) if known(id) => self.bfd_up(now, id, out),
            Command::Originate(net, origination) => self.originate(net, &origination),
            Command::Withdraw(net) => self.forget(SourceId::LOCAL, net, 0),
            Command::Refresh(id) if known(id) => self.ask_refresh(id, out),
            Command::Resend(id) if known(id) => self.tell_all_again(id, [true; 2]),
            Command::AddNeighbor(neighbor) => self.add(now, *neighbor),
            Command::RemoveNeighbor(id) if known(id) => self.remove(now, id, out),
            Command::SetNeighbor(id, neighbor) if known(id) => {
                self.set_neighbor(now, id, *neighbor, out);
            }
            Command::SetSettings(settings) => self.set_settings(now, *settings, out),
            Command::Up(_)
            | Command::Down(..)
            | Command::Shutdown { .. }
            | Command::Reset(_)
            | Command::ResetSaying { .. }
            | Command::BfdDown(_)
            | Command::BfdUp(_)
            | Command::Refresh(_)
            | Command::Resend(_)
            | Command::RemoveNeighbor(_)
            | Command::SetNeighbor(..) => {}
        }
    }

    /// The settings in force, without the neighbours; those are in [`Self::neighbors`].
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All neighbours, in order of their IDs.
    pub fn neighbors(&self) -> impl Iterator<Item = NeighborView<'_>> {
        (0..)
            .map(NeighborId)
            .map_while(|id| self.peers.get(id.index()).map(|peer| (id, peer)))
            .filter(|(_, peer)| !peer.removed)
            .map(|(id, peer)| self.neighbor_view(id, peer))
    }

    /// One neighbour; `None` when there is none of this ID.
    pub fn neighbor(&self, id: NeighborId) -> Option<NeighborView<'_>> {
        let peer = self.peers.get(id.index()).filter(|peer| !peer.removed)?;
        Some(self.neighbor_view(id, peer))
    }

    fn neighbor_view<'a>(&self, id: NeighborId, peer: &'a Peer) -> NeighborView<'a> {
        let session = peer.established().and_then(|session| {
            let open = session.open.as_ref()?;
            Some(SessionView {
                conn: session.conn,
                negotiated: session.negotiated.as_ref()?,
                router_id: open.router_id,
                remote_as: peer.settings.remote_as,
                hold_time_s: u16::try_from(session.hold_time().as_secs()).unwrap_or(u16::MAX),
                capabilities: &open.capabilities,
            })
        });
        NeighborView {
            id,
            settings: &peer.settings,
            state: peer.state(),
            since: peer.since,
            enabled: peer.enabled,
            counters: peer.counters,
            received: peer.routes,
            accepted: peer.accepted,
            sent: self.sent(id),
            last_end: peer.last_end.as_ref(),
            last_sent: peer.last_sent.as_ref(),
            last_received: peer.last_received.as_ref(),
            dynamic: peer.dynamic.is_some(),
            stale: peer.stale,
            graceful_shutdown: peer.graceful_shutdown,
            session,
        }
    }

    /// Whether a neighbour's session is established.
    pub fn is_established(&self, id: NeighborId) -> bool {
        self.peers
            .get(id.index())
            .is_some_and(|peer| peer.state() == State::Established)
    }
}
