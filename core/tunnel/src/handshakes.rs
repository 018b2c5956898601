//! The control half of an endpoint: finds the peer that a handshake, a notice or a timer belongs to. What then happens is
//! in [`crate::peer`].

mod echo;
mod receive;

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

use inet::{Instant, Rng, hash};

use crate::change::Kind;
use crate::entropy::Entropy;
use crate::extension::{LANES_MAX, Offer};
use crate::load::Load;
use crate::mac::Check;
use crate::noise::Noise;
use crate::peer::{Remote, Shared};
use crate::session::Indices;
use crate::timers::Schedule;
use crate::wire::Message;
use crate::{Counters, Input, Notice, Order, Peer, PeerId, PeerView, PublicKey, Settings};

use echo::Asked;

/// The control half of an endpoint: handshakes, timers, and which keys live. It seals and opens nothing itself.
pub struct Handshakes {
    name: String,
    shared: Shared,
    /// By identifier. Removed peers leave a gap.
    peers: Vec<Option<Box<Remote>>>,
    by_key: BTreeMap<PublicKey, PeerId>,
    schedule: Schedule,
    check: Check,
    load: Load,
    /// At most one for each peer.
    echoes: Vec<Asked>,
}

impl Handshakes {
    /// See [`Endpoint::new`](crate::Endpoint::new).
    pub(crate) fn new(
        settings: Settings,
        seed: [u8; 32],
        unix_epoch_at_zero: Duration,
        now: Instant,
        out: &mut Vec<Order>,
    ) -> Self {
        let Settings {
            name,
            private_key,
            suite,
            peers,
            mtu: _,
            handshake_rate,
            shards,
            aes,
        } = settings;
        let public_key = private_key.public_key();
        let mut entropy = Entropy::new(&seed, &[b"endpoint", name.as_bytes(), &public_key.0]);
        let table_seed = u64::from(entropy.take_u32()) << 32 | u64::from(entropy.take_u32());
        let shards = shards.clamp(1, LANES_MAX);
        let mut handshakes = Self {
            shared: Shared {
                suite,
                noise: Noise::new(suite, private_key, public_key),
                public_key,
                entropy,
                jitter: Rng::new(hash::mix(table_seed)),
                indices: Indices::new(table_seed),
                counters: Counters::default(),
                offer: Offer { aes, shards },
                unix_epoch_at_zero,
            },
            name,
            peers: Vec::with_capacity(peers.len()),
            by_key: BTreeMap::new(),
            schedule: Schedule::default(),
            check: Check::new(&public_key),
            load: Load::new(handshake_rate, table_seed),
            echoes: Vec::new(),
        };
        for (index, peer) in (0..).zip(peers) {
            handshakes.set_peer(now, PeerId(index), peer, out);
        }
        handshakes
    }

    /// Takes one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Order>) {
        match input {
            Input::Wake => {}
            Input::SetPeer(id, peer) => self.set_peer(now, id, peer, out),
            Input::RemovePeer(id) => self.remove_peer(id, out),
            Input::Rehandshake(id) => {
                self.with(id, |remote, shared| remote.call_anew(now, shared, out));
            }
            Input::Move(id, to) => {
                self.with(id, |remote, shared| remote.move_to(to, shared, out));
            }
            Input::Echo(id, of) => self.ask_echo(id, of, out),
        }
        while let Some(id) = self.schedule.due(now) {
            if let Some(remote) = peer_mut(&mut self.peers, id) {
                self.schedule.remove(id, &mut remote.entered);
            }
            self.with(id, |remote, shared| remote.look(now, shared, out));
        }
    }

    /// Takes a datagram that is no data: [`Opened::Handshake`](crate::Opened::Handshake).
    pub fn on_message(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        datagram: &[u8],
        out: &mut Vec<Order>,
    ) {
        match Message::read(datagram) {
            Some(Message::Initiation { sender }) => {
                self.on_initiation(now, from, sender, datagram, out);
            }
            Some(Message::Response { sender, receiver }) => {
                self.on_response(now, from, (sender, receiver), datagram, out);
            }
            Some(Message::CookieReply { receiver }) => self.on_cookie(now, receiver, datagram),
            Some(Message::EchoRequest { nonce }) => {
                self.on_echo_request(from, nonce, datagram, out);
            }
            Some(Message::EchoReply { nonce }) => {
                self.on_echo_reply(from, nonce, datagram, out);
            }
            Some(Message::Data { .. }) | None => self.shared.counters.malformed += 1,
        }
    }

    /// Takes what the lanes of a shard noticed.
    pub fn on_notice(&mut self, now: Instant, notice: Notice, out: &mut Vec<Order>) {
        match notice {
            Notice::Wanted(id) => {
                self.with(id, |remote, shared| remote.begin_call(now, shared, out));
            }
            Notice::Activity(activity) => {
                self.with(activity.peer, |remote, shared| {
                    remote.on_activity(now, &activity, shared, out);
                });
            }
        }
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        self.schedule.next()
    }

    /// Whether packets to this peer go out at once. Probes are not worth sealing before.
    pub fn is_ready(&self, now: Instant, peer: PeerId) -> bool {
        self.remote(peer).is_some_and(|remote| remote.is_ready(now))
    }

    /// Every peer as it is now, ordered by identifier.
    pub fn peers(&self, now: Instant) -> impl Iterator<Item = PeerView<'_>> {
        self.peers
            .iter()
            .flatten()
            .map(move |remote| remote.view(now))
    }

    /// One peer as it is now.
    pub fn peer(&self, now: Instant, peer: PeerId) -> Option<PeerView<'_>> {
        self.remote(peer).map(|remote| remote.view(now))
    }

    /// Handshakes that came to nothing, by reason.
    pub const fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// How many shards it has lanes for.
    pub(crate) fn shards(&self) -> usize {
        usize::from(self.shared.offer.shards)
    }

    /// The locator's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The locator's public key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.shared.public_key
    }

    fn set_peer(&mut self, now: Instant, id: PeerId, peer: Peer, out: &mut Vec<Order>) {
        if id.0 >= PEERS_MAX {
            return;
        }
        let is_same = self.remote(id).is_some_and(|old| {
            let old = &old.settings;
            let is_alike = old.extended == peer.extended && old.roams == peer.roams;
            old.public_key == peer.public_key && is_alike
        });
        if is_same {
            self.with(id, |remote, shared| remote.change(peer, now, shared, out));
            return;
        }
        self.remove_peer(id, out);
        let place = id.0 as usize;
        if self.peers.len() <= place {
            self.peers.resize_with(place + 1, || None);
        }
        self.by_key.insert(peer.public_key, id);
        let remote = Remote::new(id, peer, now);
        let (endpoint, plain_lane) = (remote.endpoint, remote.plain_lane());
        let peer = Kind::Peer {
            id,
            endpoint,
            roams: remote.settings.roams,
            plain_lane,
        };
        self.shared.tell(peer, out);
        self.peers[place] = Some(Box::new(remote));
        self.with(id, |_, _| ());
    }

    fn remove_peer(&mut self, id: PeerId, out: &mut Vec<Order>) {
        let Some(mut remote) = self.peers.get_mut(id.0 as usize).and_then(Option::take) else {
            return;
        };
        self.echoes.retain(|asked| asked.peer != id);
        remote.clear(&mut self.shared, out);
        self.shared.tell(Kind::Gone(id), out);
        self.schedule.remove(id, &mut remote.entered);
        if self.by_key.get(&remote.settings.public_key) == Some(&id) {
            self.by_key.remove(&remote.settings.public_key);
        }
    }

    fn remote(&self, id: PeerId) -> Option<&Remote> {
        self.peers.get(id.0 as usize)?.as_deref()
    }

    /// Does something with a peer and sees to it that its timers are heard. `None` when there is no such peer.
    fn with<R>(
        &mut self,
        id: PeerId,
        act: impl FnOnce(&mut Remote, &mut Shared) -> R,
    ) -> Option<R> {
        let remote = peer_mut(&mut self.peers, id)?;
        let result = act(remote, &mut self.shared);
        let due = remote.wake();
        self.schedule.enter(id, &mut remote.entered, due);
        Some(result)
    }
}

fn peer_mut(peers: &mut [Option<Box<Remote>>], id: PeerId) -> Option<&mut Remote> {
    peers.get_mut(id.0 as usize)?.as_deref_mut()
}

/// Peers of one endpoint, and so the size of its table; a greater identifier is a mistake of the caller.
const PEERS_MAX: u32 = 1 << 20;
