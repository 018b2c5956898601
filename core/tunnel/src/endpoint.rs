//! The endpoint: the control half and the lanes of all its shards in one value, for the simulator, for tests, and as the
//! place from which the parts are taken.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::ops::Range;
use std::time::Duration;

use inet::{Instant, hash};

use crate::lanes::shard_of;
use crate::wire::Message;
use crate::{
    Counters, Handshakes, Input, Lanes, Opened, Order, Output, PeerId, PeerView, PublicKey,
    Settings, Unready,
};

/// One locator's end of all its tunnels. What the halves tell each other is passed on at once and in order.
pub struct Endpoint {
    handshakes: Handshakes,
    /// By shard.
    lanes: Vec<Lanes>,
    /// Kept for its memory.
    orders: Vec<Order>,
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
        let mtu = usize::from(settings.mtu);
        let table_seed = hash::bytes(0, &settings.private_key.public_key().0);
        let mut orders = Vec::new();
        let handshakes = Handshakes::new(settings, seed, unix_epoch_at_zero, now, &mut orders);
        let shards = handshakes.shards();
        let lanes = (0..shards).map(|shard| Lanes::new(shard, shards, mtu, table_seed));
        let mut endpoint = Self {
            lanes: lanes.collect(),
            handshakes,
            orders,
        };
        endpoint.settle(now, &mut Vec::new());
        endpoint
    }

    /// The parts, to be driven by threads of their own: one set of lanes a shard, in order. Lanes then report
    /// activity coarsely.
    pub fn split(self) -> (Handshakes, Vec<Lanes>) {
        let mut lanes = self.lanes;
        for lanes in &mut lanes {
            lanes.report_every(REPORT_SPACING);
        }
        (self.handshakes, lanes)
    }

    /// Takes one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        self.handshakes.handle(now, input, &mut self.orders);
        self.settle(now, out);
    }

    /// Sends an inner packet to a peer. Without keys it is kept while a handshake runs, in a small queue
    /// that drops the oldest packet when full.
    pub fn seal(&mut self, now: Instant, peer: PeerId, packet: &[u8], out: &mut Vec<Output>) {
        if packet.is_empty() || packet.len() > PACKET_MAX {
            self.lanes[0].count_bad_inner();
            return;
        }
        let flow = hash::bytes(0, &packet[..packet.len().min(FLOW_OCTETS)]);
        let first = flow as usize % self.lanes.len();
        let sent = self.lanes[first].send(now, peer, packet, flow, out);
        if let Err(Unready::Elsewhere(owner)) = sent {
            let again = self.lanes[owner].send(now, peer, packet, flow, out);
            debug_assert!(!matches!(again, Err(Unready::Elsewhere(_))));
        }
        self.settle(now, out);
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
        let shard = match Message::read(datagram) {
            Some(Message::Data { receiver, .. }) => shard_of(receiver, self.lanes.len()),
            _ => 0,
        };
        let opened = self.lanes[shard].open(now, from, datagram);
        if opened == Opened::Handshake {
            self.handshakes
                .on_message(now, from, datagram, &mut self.orders);
        }
        self.settle(now, out);
        match opened {
            Opened::Packet(peer, range) => Some((peer, range)),
            Opened::Handshake | Opened::Elsewhere(_) | Opened::Nothing => None,
        }
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        self.handshakes.wake()
    }

    /// Whether packets to this peer go out at once. Probes are not worth sealing before.
    pub fn is_ready(&self, now: Instant, peer: PeerId) -> bool {
        self.handshakes.is_ready(now, peer)
    }

    /// Every peer as it is now, ordered by identifier.
    pub fn peers(&self, now: Instant) -> impl Iterator<Item = PeerView<'_>> {
        self.handshakes.peers(now)
    }

    /// One peer as it is now.
    pub fn peer(&self, now: Instant, peer: PeerId) -> Option<PeerView<'_>> {
        self.handshakes.peer(now, peer)
    }

    /// Key pairs that are held for all peers: at most three for each, and none that may not be used any more.
    pub fn key_pairs(&self) -> usize {
        self.lanes.iter().map(Lanes::key_pairs).sum()
    }

    /// What came to nothing, by reason.
    pub fn counters(&self) -> Counters {
        let mut sum = *self.handshakes.counters();
        for lanes in &self.lanes {
            sum.add(lanes.counters());
        }
        sum
    }

    /// The locator's name.
    pub fn name(&self) -> &str {
        self.handshakes.name()
    }

    /// The locator's public key.
    pub const fn public_key(&self) -> &PublicKey {
        self.handshakes.public_key()
    }

    /// Passes orders and notices on until there are none. Orders that follow from a change come after those
    /// that were given with it.
    fn settle(&mut self, now: Instant, out: &mut Vec<Output>) {
        for lanes in &mut self.lanes {
            for notice in lanes.notices() {
                self.handshakes.on_notice(now, notice, &mut self.orders);
            }
        }
        if self.orders.is_empty() {
            return;
        }
        let mut waiting: VecDeque<Order> = self.orders.drain(..).collect();
        while let Some(order) = waiting.pop_front() {
            match order {
                Order::Output(output) => out.push(output),
                Order::Change { shard, change } => {
                    self.lanes[shard].apply(now, change, out);
                    for notice in self.lanes[shard].notices() {
                        self.handshakes.on_notice(now, notice, &mut self.orders);
                    }
                    waiting.extend(self.orders.drain(..));
                }
            }
        }
    }
}

/// The longest packet that fits a UDP datagram with all that is around it.
const PACKET_MAX: usize = 65_535 - 20 - 8 - crate::OVERHEAD;
/// Octets of a packet that choose its lane: enough for the headers that name a flow.
const FLOW_OCTETS: usize = 40;
/// What a lane has to tell of a busy peer is told this often. WireGuard's timers are of ten seconds and more.
const REPORT_SPACING: Duration = Duration::from_millis(250);
