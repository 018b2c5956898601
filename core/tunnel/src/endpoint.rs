//! The endpoint: the only entry.

use std::net::SocketAddrV4;
use std::ops::Range;
use std::time::Duration;

use inet::Instant;

use crate::{Counters, Input, Output, PeerId, PeerView, PublicKey, Settings};

/// One locator's end of all its tunnels.
pub struct Endpoint {
    settings: Settings,
    public_key: PublicKey,
    counters: Counters,
}

impl Endpoint {
    /// An endpoint. `seed` must be secret and new for every run outside simulations: all ephemeral keys
    /// come from it. `unix_epoch_at_zero` is the wall clock's time since 1970 at [`Instant::ZERO`]; it must not go
    /// backwards from one run to the next, or peers refuse the handshakes as replayed.
    pub fn new(
        settings: Settings,
        _seed: [u8; 32],
        _unix_epoch_at_zero: Duration,
        _now: Instant,
    ) -> Self {
        let public_key = settings.private_key.public_key();
        Self {
            settings,
            public_key,
            counters: Counters::default(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, _now: Instant, _input: Input, _out: &mut Vec<Output>) {}

    /// Sends an inner packet to a peer. Without keys it is kept while a handshake runs, in a small queue
    /// that drops the oldest packet when full.
    pub fn seal(&mut self, _now: Instant, _peer: PeerId, _packet: &[u8], _out: &mut Vec<Output>) {}

    /// Takes a datagram that came to the locator's port. The result says whose inner packet now lies
    /// in which part of the buffer; handshakes, keepalives and rubbish have none.
    pub fn open(
        &mut self,
        _now: Instant,
        _from: SocketAddrV4,
        _datagram: &mut [u8],
        _out: &mut Vec<Output>,
    ) -> Option<(PeerId, Range<usize>)> {
        None
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        None
    }

    /// Whether packets to this peer go out at once. Probes are not worth sealing before.
    pub fn is_ready(&self, _now: Instant, _peer: PeerId) -> bool {
        false
    }

    /// Every peer as it is now, ordered by identifier.
    pub fn peers(&self, _now: Instant) -> impl Iterator<Item = PeerView<'_>> {
        std::iter::empty()
    }

    /// One peer as it is now.
    pub fn peer(&self, _now: Instant, _peer: PeerId) -> Option<PeerView<'_>> {
        None
    }

    /// What came to nothing, by reason.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The locator's name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The locator's public key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}
