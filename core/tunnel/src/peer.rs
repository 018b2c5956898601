//! One peer of an endpoint: its keys, timers, queue and counters, and what happens when a timer runs out.

mod handshake;
mod transport;

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::Duration;

use inet::{Instant, Rng};

use crate::entropy::Entropy;
use crate::mac::Stamp;
use crate::noise::{Noise, Waiting};
use crate::session::{Indices, Precedence, Session};
use crate::tai64n::Tai64n;
use crate::timers::{KEEPALIVE_MIN, KEEPALIVE_TIMEOUT, REJECT_AFTER_TIME, Timers, take_due};
use crate::{
    Counters, Event, Output, Peer, PeerCounters, PeerId, PeerView, PublicKey, SessionState, Suite,
};

/// What all peers of an endpoint share.
pub(crate) struct Shared {
    pub(crate) suite: Suite,
    pub(crate) public_key: PublicKey,
    pub(crate) noise: Noise,
    pub(crate) entropy: Entropy,
    /// For timers, where chance need not be secret.
    pub(crate) jitter: Rng,
    pub(crate) indices: Indices,
    pub(crate) counters: Counters,
    pub(crate) mtu: usize,
    pub(crate) unix_epoch_at_zero: Duration,
}

/// One peer.
pub(crate) struct Remote {
    pub(crate) id: PeerId,
    pub(crate) settings: Peer,
    pub(crate) endpoint: Option<SocketAddrV4>,
    pub(crate) stamp: Stamp,
    session: Session,
    call: Option<Call>,
    /// Initiations sent in a row without an answer.
    attempts: u32,
    last_call: Option<Instant>,
    /// The greatest timestamp seen in its initiations.
    newest_timestamp: Tai64n,
    last_called: Option<Instant>,
    timers: Timers,
    /// The entry in the endpoint's schedule.
    pub(crate) entered: Option<Instant>,
    queue: VecDeque<Vec<u8>>,
    is_up: bool,
    last_handshake: Option<Instant>,
    last_received: Option<Instant>,
    counters: PeerCounters,
}

/// An initiation that waits for its response.
struct Call {
    local_index: u32,
    waiting: Waiting,
}

impl Remote {
    /// A peer; one that is to be called is called at its first look.
    pub(crate) fn new(id: PeerId, settings: Peer, now: Instant) -> Self {
        let mut remote = Self {
            id,
            endpoint: settings.endpoint,
            stamp: Stamp::new(&settings.public_key),
            settings,
            session: Session::default(),
            call: None,
            attempts: 0,
            last_call: None,
            newest_timestamp: [0; 12],
            last_called: None,
            timers: Timers::default(),
            entered: None,
            queue: VecDeque::new(),
            is_up: false,
            last_handshake: None,
            last_received: None,
            counters: PeerCounters::default(),
        };
        remote.settle(now);
        remote
    }

    /// Takes new settings for the same key.
    pub(crate) fn change(&mut self, settings: Peer, now: Instant) {
        if settings.endpoint.is_some() && settings.endpoint != self.settings.endpoint {
            self.endpoint = settings.endpoint;
        }
        self.settings = settings;
        self.settle(now);
    }

    /// Timers that follow from settings alone.
    fn settle(&mut self, now: Instant) {
        self.timers.persistent = self.keepalive_interval().map(|interval| now + interval);
        if self.settings.initiate && !self.is_ready(now) && self.timers.retry.is_none() {
            self.timers.retry = Some(now);
        }
    }

    /// Forgets keys and indices, before the peer goes.
    pub(crate) fn clear(&mut self, shared: &mut Shared) {
        self.session.clear(&mut shared.indices);
        self.drop_call(shared);
    }

    /// When to look at the peer.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Whether packets go out at once.
    pub(crate) fn is_ready(&self, now: Instant) -> bool {
        self.session
            .current()
            .is_some_and(|keypair| keypair.is_usable(now))
    }

    /// Does what the timers ask for. Afterwards none of them lies in the past.
    pub(crate) fn look(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Output>) {
        if take_due(&mut self.timers.erase, now) {
            self.session.clear(&mut shared.indices);
            self.drop_queue();
        }
        if take_due(&mut self.timers.expiry, now) {
            self.go_down(out);
            if self.settings.initiate {
                self.begin_call(now, shared, out);
            }
        }
        if take_due(&mut self.timers.retry, now) {
            self.retry_call(now, shared, out);
        }
        if take_due(&mut self.timers.silence, now) {
            self.begin_call(now, shared, out);
        }
        if take_due(&mut self.timers.keepalive, now) {
            self.send_keepalive(now, shared, out);
            if core::mem::take(&mut self.timers.keepalive_again) {
                self.timers.keepalive = Some(now + KEEPALIVE_TIMEOUT);
            }
        }
        if take_due(&mut self.timers.persistent, now) {
            self.timers.persistent = self.keepalive_interval().map(|interval| now + interval);
            self.send_keepalive(now, shared, out);
        }
    }

    pub(crate) fn view(&self, now: Instant) -> PeerView<'_> {
        PeerView {
            id: self.id,
            public_key: &self.settings.public_key,
            endpoint: self.endpoint,
            state: match (self.is_ready(now), &self.call) {
                (true, _) => SessionState::Established,
                (false, Some(_)) => SessionState::Handshaking,
                (false, None) => SessionState::Idle,
            },
            is_up: self.is_up,
            last_handshake: self.last_handshake,
            key_age: self.session.current().map(|keypair| keypair.age(now)),
            last_received: self.last_received,
            counters: &self.counters,
        }
    }

    fn keepalive_interval(&self) -> Option<Duration> {
        self.settings
            .keepalive
            .map(|interval| interval.max(KEEPALIVE_MIN))
    }

    /// Which key pair both sides use after crossed handshakes: that of the lower public key.
    fn precedence(&self, shared: &Shared) -> Precedence {
        match shared.public_key < self.settings.public_key {
            true => Precedence::Ours,
            false => Precedence::Theirs,
        }
    }

    /// New keys: they expire, and are wiped when nothing follows them.
    fn keys_are_new(&mut self, now: Instant) {
        self.timers.erase = Some(now + REJECT_AFTER_TIME * 3);
    }

    fn go_up(&mut self, now: Instant, out: &mut Vec<Output>) {
        if !self.is_up && self.is_ready(now) {
            self.is_up = true;
            out.push(Output::Event(Event::SessionUp(self.id)));
        }
    }

    fn go_down(&mut self, out: &mut Vec<Output>) {
        if core::mem::take(&mut self.is_up) {
            out.push(Output::Event(Event::SessionDown(self.id)));
        }
    }

    /// Something authentic came from this address: that is where the peer is.
    fn roam(&mut self, from: SocketAddrV4, out: &mut Vec<Output>) {
        if self.endpoint.replace(from) != Some(from) {
            out.push(Output::Event(Event::Roamed(self.id, from)));
        }
    }

    fn send(&mut self, to: SocketAddrV4, bytes: Vec<u8>, out: &mut Vec<Output>) {
        self.counters.tx_bytes += bytes.len() as u64;
        out.push(Output::Datagram { to, bytes });
    }

    fn drop_queue(&mut self) {
        self.counters.queue_drops += self.queue.len() as u64;
        self.queue.clear();
    }
}
