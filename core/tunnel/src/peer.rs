//! One peer of the control half: its handshakes, timers and counters, and what happens when a timer runs out.

mod activity;
mod handshake;

use std::net::SocketAddrV4;
use std::time::Duration;

use inet::{Instant, Rng};

use crate::change::Kind;
use crate::entropy::Entropy;
use crate::extension::{LANE_BITS, Offer};
use crate::mac::Stamp;
use crate::noise::{Noise, Waiting};
use crate::session::{Indices, Keypair, Precedence, Session};
use crate::tai64n::Tai64n;
use crate::timers::{KEEPALIVE_MIN, KEEPALIVE_TIMEOUT, REJECT_AFTER_TIME, Timers, take_due};
use crate::{
    Change, Counters, Event, Order, Output, Peer, PeerCounters, PeerId, PeerView, PublicKey,
    SessionState, Suite,
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
    /// What is offered to, and accepted from, peers that have the extension.
    pub(crate) offer: Offer,
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
            is_up: false,
            last_handshake: None,
            last_received: None,
            counters: PeerCounters::default(),
        };
        remote.settle(now);
        remote
    }

    /// Takes new settings for the same key.
    pub(crate) fn change(
        &mut self,
        settings: Peer,
        now: Instant,
        shared: &Shared,
        out: &mut Vec<Order>,
    ) {
        if let Some(to) = settings.endpoint
            && settings.endpoint != self.settings.endpoint
        {
            self.endpoint = Some(to);
            shared.tell(Kind::Moved(self.id, to), out);
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
    pub(crate) fn clear(&mut self, shared: &mut Shared, out: &mut Vec<Order>) {
        for keypair in self.session.clear() {
            self.forget(Some(keypair), shared, out);
        }
        self.drop_call(shared);
    }

    /// The lane that the peer has without the extension; `None` when it may have several.
    pub(crate) fn plain_lane(&self) -> Option<u8> {
        let lane = (self.id.0 & LANE_BITS) as u8;
        (!self.settings.extended).then_some(lane)
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
    pub(crate) fn look(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Order>) {
        if take_due(&mut self.timers.erase, now) {
            for keypair in self.session.clear() {
                self.forget(Some(keypair), shared, out);
            }
            shared.tell(Kind::DropHeld(self.id), out);
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
            aead: self.session.current().map(|keypair| keypair.terms.aead),
            lanes: self.session.current().map(|keypair| keypair.terms.lanes),
            last_received: self.last_received,
            counters: self.counters,
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

    /// The keys of a pair are needed no more.
    fn forget(&self, keypair: Option<Keypair>, shared: &mut Shared, out: &mut Vec<Order>) {
        if let Some(keypair) = keypair {
            shared.indices.take_back(keypair.local_index);
            shared.tell(Kind::Forget(self.id, keypair.local_index), out);
        }
    }

    fn go_up(&mut self, now: Instant, out: &mut Vec<Order>) {
        if !self.is_up && self.is_ready(now) {
            self.is_up = true;
            out.push(Order::Output(Output::Event(Event::SessionUp(self.id))));
        }
    }

    fn go_down(&mut self, out: &mut Vec<Order>) {
        if core::mem::take(&mut self.is_up) {
            out.push(Order::Output(Output::Event(Event::SessionDown(self.id))));
        }
    }

    /// The peer is to be reached there from now on. It may be called again at once.
    pub(crate) fn move_to(&mut self, to: SocketAddrV4, shared: &Shared, out: &mut Vec<Order>) {
        self.endpoint = Some(to);
        self.last_call = None;
        shared.tell(Kind::Moved(self.id, to), out);
    }

    /// Something authentic came from this address: that is where the peer is.
    fn roam(&mut self, from: SocketAddrV4, shared: &Shared, out: &mut Vec<Order>) {
        if self.settings.roams && self.endpoint.replace(from) != Some(from) {
            shared.tell(Kind::Moved(self.id, from), out);
            out.push(Order::Output(Output::Event(Event::Roamed(self.id, from))));
        }
    }

    fn send(&mut self, to: SocketAddrV4, bytes: Vec<u8>, out: &mut Vec<Order>) {
        self.counters.tx_bytes += bytes.len() as u64;
        out.push(Order::Output(Output::Datagram { to, bytes }));
    }
}

impl Shared {
    /// Tells the lanes of every shard.
    pub(crate) fn tell(&self, kind: Kind, out: &mut Vec<Order>) {
        for shard in 1..usize::from(self.offer.shards) {
            let change = Change(kind.clone());
            out.push(Order::Change { shard, change });
        }
        let change = Change(kind);
        out.push(Order::Change { shard: 0, change });
    }
}
