//! The data half of an endpoint on one shard: seals, opens, counts, and knows nothing of handshakes.
//!
//! What it knows it is told by [`Change`]s; what it sees it tells in [`Notice`]s. Sealing and opening allocate
//! nothing once a lane is in use.

mod open;
mod pair;
mod peer;
mod seal;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::Duration;

use hashbrown::HashMap;
use inet::Instant;
use inet::hash::Seeded;

use crate::change::{Install, Kind};
use crate::extension::LANE_BITS;
use crate::wire::{DATA_HEADER, TAG};
use crate::{Change, Counters, Notice, Output, PeerId};

pub use open::Opened;
use pair::Pair;
use peer::{Remote, Reports};
pub use seal::{Sealer, Unready};

/// The data half of an endpoint on one shard.
pub struct Lanes {
    shard: usize,
    shards: usize,
    mtu: usize,
    /// By identifier.
    peers: Vec<Option<Box<Remote>>>,
    /// Peers by index without the bits of the lane. Only looked up, never iterated: its order shows nowhere.
    table: HashMap<u32, PeerId, Seeded>,
    /// The last hit in the table.
    last_found: Option<(u32, PeerId)>,
    reports: Reports,
    counters: Counters,
}

/// The shard that owns the lane of a receiver index.
pub const fn shard_of(receiver_index: u32, shards: usize) -> usize {
    (receiver_index & LANE_BITS) as usize % shards
}

impl Lanes {
    pub(crate) fn new(shard: usize, shards: usize, mtu: usize, table_seed: u64) -> Self {
        Self {
            shard,
            shards,
            mtu,
            peers: Vec::new(),
            table: HashMap::with_hasher(Seeded(table_seed)),
            last_found: None,
            reports: Reports {
                notices: Vec::new(),
                spacing: Duration::ZERO,
                late: VecDeque::new(),
            },
            counters: Counters::default(),
        }
    }

    /// Reports activity of a peer at most so often; the first one after a quiet time at once.
    pub(crate) fn report_every(&mut self, spacing: Duration) {
        self.reports.spacing = spacing;
    }

    /// Takes a change. What has to be sent for it, which is rarely anything, is in `out`.
    pub fn apply(&mut self, now: Instant, change: Change, out: &mut Vec<Output>) {
        match change.0 {
            Kind::Peer {
                id,
                endpoint,
                roams,
                plain_lane,
            } => self.set_peer(id, (endpoint, roams), plain_lane),
            Kind::Gone(id) => self.remove_peer(id),
            Kind::Moved(id, to) => {
                if let Some(remote) = self.remote_mut(id) {
                    remote.endpoint = Some(to);
                }
            }
            Kind::Install(install) => self.install(*install),
            Kind::Use(id, index) => {
                if let Some(remote) = self.remote_mut(id) {
                    remote.sending = Some(index);
                }
            }
            Kind::Forget(id, index) => self.forget(id, index),
            Kind::Flush { id, or_keepalive } => self.flush(now, id, or_keepalive, out),
            Kind::Keepalive(id) => self.send_keepalive(now, id, out),
            Kind::DropHeld(id) => {
                if let Some(Some(remote)) = self.peers.get_mut(id.0 as usize) {
                    remote.drop_held();
                    remote.settle(now, false, &mut self.reports);
                }
            }
        }
    }

    /// Keeps a packet until there are keys, and asks for a handshake.
    pub fn hold(&mut self, now: Instant, peer: PeerId, packet: &[u8]) {
        let Some(Some(remote)) = self.peers.get_mut(peer.0 as usize) else {
            return;
        };
        if remote.held.len() == HELD_MAX {
            remote.held.pop_front();
            remote.activity.counters.queue_drops += 1;
            remote.settle(now, false, &mut self.reports);
        }
        remote.held.push_back(packet.to_vec());
        self.reports.want(peer);
    }

    /// Seals one packet into a datagram of its own, or holds it.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        peer: PeerId,
        packet: &[u8],
        flow: u64,
        out: &mut Vec<Output>,
    ) -> Result<(), Unready> {
        let unready = match self.sealer(now, peer, flow) {
            Ok(mut sealer) => {
                let mut bytes = vec![0; sealer.sealed_len(packet.len())];
                bytes[DATA_HEADER..DATA_HEADER + packet.len()].copy_from_slice(packet);
                sealer.seal(&mut bytes, packet.len());
                let to = sealer.to();
                out.push(Output::Datagram { to, bytes });
                return Ok(());
            }
            Err(unready) => unready,
        };
        if unready == Unready::NoKeys {
            self.hold(now, peer, packet);
            return Ok(());
        }
        Err(unready)
    }

    /// What was noticed since the last call, in order: for [`Handshakes::on_notice`](crate::Handshakes::on_notice).
    pub fn notices(&mut self) -> impl Iterator<Item = Notice> + '_ {
        self.reports.notices.drain(..)
    }

    /// When [`Lanes::tick`] has something to do.
    pub fn wake(&self) -> Option<Instant> {
        self.reports.late.front().map(|(due, _)| *due)
    }

    /// Reports activity that was put off.
    pub fn tick(&mut self, now: Instant) {
        while let Some((_, id)) = self.reports.late.pop_front_if(|(due, _)| *due <= now) {
            if let Some(Some(remote)) = self.peers.get_mut(id.0 as usize) {
                remote.settle_late(now, &mut self.reports);
            }
        }
    }

    /// Whether packets to this peer go out at once, from here or from another shard.
    pub fn is_ready(&self, now: Instant, peer: PeerId) -> bool {
        self.remote(peer).is_some_and(|remote| {
            let mut pairs = remote.pairs.iter();
            pairs.any(|pair| Some(pair.local_index) == remote.sending && pair.is_young(now))
        })
    }

    /// Where a peer's packets go.
    pub fn endpoint(&self, peer: PeerId) -> Option<SocketAddrV4> {
        self.remote(peer)?.endpoint
    }

    /// What came to nothing on this shard, by reason.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) const fn count_bad_inner(&mut self) {
        self.counters.bad_inner += 1;
    }

    /// Key pairs that are held.
    pub(crate) fn key_pairs(&self) -> usize {
        self.peers
            .iter()
            .flatten()
            .map(|peer| peer.pairs.len())
            .sum()
    }

    fn set_peer(
        &mut self,
        id: PeerId,
        endpoint: (Option<SocketAddrV4>, bool),
        plain_lane: Option<u8>,
    ) {
        self.remove_peer(id);
        let place = id.0 as usize;
        if self.peers.len() <= place {
            self.peers.resize_with(place + 1, || None);
        }
        self.peers[place] = Some(Box::new(Remote::new(id, endpoint, plain_lane)));
    }

    fn remove_peer(&mut self, id: PeerId) {
        let Some(remote) = self.peers.get_mut(id.0 as usize).and_then(Option::take) else {
            return;
        };
        for pair in &remote.pairs {
            self.table.remove(&(pair.local_index & !LANE_BITS));
        }
        self.last_found = None;
    }

    fn install(&mut self, install: Install) {
        let Some(Some(remote)) = self.peers.get_mut(install.id.0 as usize) else {
            return;
        };
        self.table
            .insert(install.local_index & !LANE_BITS, install.id);
        remote.pairs.push(Pair::new(install));
    }

    fn forget(&mut self, id: PeerId, index: u32) {
        let Some(remote) = self.remote_mut(id) else {
            return;
        };
        remote.pairs.retain(|pair| pair.local_index != index);
        remote.sending.take_if(|sending| *sending == index);
        self.table.remove(&(index & !LANE_BITS));
        self.last_found = None;
    }

    fn flush(&mut self, now: Instant, id: PeerId, or_keepalive: bool, out: &mut Vec<Output>) {
        let Some(remote) = self.remote_mut(id) else {
            return;
        };
        let held = core::mem::take(&mut remote.held);
        if held.is_empty() && or_keepalive {
            self.send_keepalive(now, id, out);
        }
        for packet in held {
            if self.send(now, id, &packet, 0, out).is_err()
                && let Some(remote) = self.remote_mut(id)
            {
                remote.activity.counters.queue_drops += 1;
            }
        }
    }

    /// Sends an empty packet, if the first lane is ours.
    fn send_keepalive(&mut self, now: Instant, id: PeerId, out: &mut Vec<Output>) {
        let (shard, shards) = (self.shard, self.shards);
        let is_ours = self
            .remote_mut(id)
            .and_then(|remote| remote.usable(now))
            .is_some_and(|pair| pair.first_shard(shards) == shard);
        if !is_ours {
            return;
        }
        if let Ok(mut sealer) = self.sealer(now, id, 0) {
            let mut bytes = vec![0; DATA_HEADER + TAG];
            sealer.seal(&mut bytes, 0);
            let to = sealer.to();
            out.push(Output::Datagram { to, bytes });
        }
    }

    fn remote(&self, id: PeerId) -> Option<&Remote> {
        self.peers.get(id.0 as usize)?.as_deref()
    }

    fn remote_mut(&mut self, id: PeerId) -> Option<&mut Remote> {
        self.peers.get_mut(id.0 as usize)?.as_deref_mut()
    }
}

/// Packets kept while a handshake runs; the oldest goes when another comes. Enough for a connection's first
/// packets; more would be stale when the keys are there.
const HELD_MAX: usize = 16;
