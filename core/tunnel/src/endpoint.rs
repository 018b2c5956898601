//! The endpoint: the only entry. It finds the peer that something belongs to; what then happens is in [`crate::peer`].

mod receive;

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::ops::Range;
use std::time::Duration;

use inet::{Instant, Rng, hash};

use crate::entropy::Entropy;
use crate::load::Load;
use crate::mac::Check;
use crate::noise::Noise;
use crate::peer::{Remote, Shared};
use crate::session::Indices;
use crate::timers::Schedule;
use crate::wire::Message;
use crate::{Counters, Input, Output, Peer, PeerId, PeerView, PublicKey, Settings};

/// One locator's end of all its tunnels.
pub struct Endpoint {
    name: String,
    shared: Shared,
    /// By identifier. Removed peers leave a gap.
    peers: Vec<Option<Box<Remote>>>,
    by_key: BTreeMap<PublicKey, PeerId>,
    schedule: Schedule,
    check: Check,
    load: Load,
}

impl Endpoint {
    /// An endpoint. Outside simulations `seed` must be secret and new for every run: all ephemeral keys
    /// come from it, mixed with name and key. `unix_epoch_at_zero` is the wall clock's time since 1970 at
    /// [`Instant::ZERO`]; it must not go backwards from one run to the next, or peers refuse the handshakes as replayed.
    /// Peers that are to be called are called at the first [`Input::Wake`], which is due at once.
    pub fn new(
        settings: Settings,
        seed: [u8; 32],
        unix_epoch_at_zero: Duration,
        now: Instant,
    ) -> Self {
        let Settings {
            name,
            private_key,
            suite,
            peers,
            mtu,
            handshake_rate,
        } = settings;
        let public_key = private_key.public_key();
        let mut entropy = Entropy::new(&seed, &[b"endpoint", name.as_bytes(), &public_key.0]);
        let table_seed = u64::from(entropy.take_u32()) << 32 | u64::from(entropy.take_u32());
        let mut endpoint = Self {
            shared: Shared {
                suite,
                noise: Noise::new(suite, private_key, public_key),
                public_key,
                entropy,
                jitter: Rng::new(hash::mix(table_seed)),
                indices: Indices::new(table_seed),
                counters: Counters::default(),
                mtu: usize::from(mtu),
                unix_epoch_at_zero,
            },
            name,
            peers: Vec::with_capacity(peers.len()),
            by_key: BTreeMap::new(),
            schedule: Schedule::default(),
            check: Check::new(&public_key),
            load: Load::new(handshake_rate, table_seed),
        };
        for (index, peer) in (0..).zip(peers) {
            endpoint.set_peer(now, PeerId(index), peer);
        }
        endpoint
    }

    /// Takes one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Wake => {}
            Input::SetPeer(id, peer) => self.set_peer(now, id, peer),
            Input::RemovePeer(id) => self.remove_peer(id),
            Input::Rehandshake(id) => {
                self.with(id, |remote, shared| remote.call_anew(now, shared, out));
            }
        }
        while let Some(id) = self.schedule.due(now) {
            if let Some(remote) = peer_mut(&mut self.peers, id) {
                self.schedule.remove(id, &mut remote.entered);
            }
            self.with(id, |remote, shared| remote.look(now, shared, out));
        }
    }

    /// Sends an inner packet to a peer. Without keys it is kept while a handshake runs, in a small queue
    /// that drops the oldest packet when full.
    pub fn seal(&mut self, now: Instant, peer: PeerId, packet: &[u8], out: &mut Vec<Output>) {
        if packet.is_empty() || packet.len() > PACKET_MAX {
            self.shared.counters.bad_inner += 1;
            return;
        }
        let known = self.with(peer, |remote, shared| {
            remote.send_packet(now, packet, shared, out)
        });
        if known.is_none() {
            self.shared.counters.unreachable += 1;
        }
    }

    /// Takes a datagram that came to the locator's port. The result says whose inner packet now lies
    /// in which part of the buffer, its padding removed; handshakes, keepalives and rubbish have none.
    pub fn open(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        datagram: &mut [u8],
        out: &mut Vec<Output>,
    ) -> Option<(PeerId, Range<usize>)> {
        match Message::read(datagram) {
            Some(Message::Data { receiver, counter }) => {
                return self.on_data(now, from, (receiver, counter), datagram, out);
            }
            Some(Message::Initiation { sender }) => {
                self.on_initiation(now, from, sender, datagram, out);
            }
            Some(Message::Response { sender, receiver }) => {
                self.on_response(now, from, (sender, receiver), datagram, out);
            }
            Some(Message::CookieReply { receiver }) => self.on_cookie(now, receiver, datagram),
            None => self.shared.counters.malformed += 1,
        }
        None
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

    /// What came to nothing, by reason.
    pub const fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// The locator's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The locator's public key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.shared.public_key
    }

    fn set_peer(&mut self, now: Instant, id: PeerId, peer: Peer) {
        if id.0 >= PEERS_MAX {
            return;
        }
        let same = self
            .remote(id)
            .is_some_and(|old| old.settings.public_key == peer.public_key);
        if same {
            self.with(id, |remote, _| remote.change(peer, now));
            return;
        }
        self.remove_peer(id);
        let place = id.0 as usize;
        if self.peers.len() <= place {
            self.peers.resize_with(place + 1, || None);
        }
        self.by_key.insert(peer.public_key, id);
        self.peers[place] = Some(Box::new(Remote::new(id, peer, now)));
        self.with(id, |_, _| ());
    }

    fn remove_peer(&mut self, id: PeerId) {
        let Some(mut remote) = self.peers.get_mut(id.0 as usize).and_then(Option::take) else {
            return;
        };
        remote.clear(&mut self.shared);
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
/// The longest packet that fits a UDP datagram with all that is around it.
const PACKET_MAX: usize = 65_535 - 20 - 8 - crate::OVERHEAD;
