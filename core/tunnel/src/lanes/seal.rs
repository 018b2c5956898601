//! Packets out: a batch is sealed in place, after one look for peer and keys.

use std::net::SocketAddrV4;

use inet::Instant;

use super::Lanes;
use super::pair::Lane;
use super::peer::{Remote, Reports};
use crate::wire::{DATA_HEADER, TAG, data_header};
use crate::{Notice, PeerId};

/// Why nothing can be sealed for a peer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unready {
    /// There are no keys, or they are too old; a handshake was asked for. [`Lanes::hold`] keeps a packet until then.
    NoKeys,
    /// Another shard owns the peer's only lane.
    Elsewhere(usize),
    /// There is no such peer, or nobody knows its address.
    Unreachable,
}

/// Seals packets of one flow for one peer. What it sealed is counted when it is dropped.
pub struct Sealer<'a> {
    remote: &'a mut Remote,
    /// Where in the peer's list the keys lie, and the number of the lane.
    place: (usize, u8),
    reports: &'a mut Reports,
    mtu: usize,
    now: Instant,
    to: SocketAddrV4,
    packets: u64,
    bytes: u64,
    has_packet: bool,
}

impl Lanes {
    /// Gets ready to seal packets of a flow for a peer. Packets of one flow hash take one lane, and so keep their order.
    ///
    /// # Errors
    /// When nothing can be sealed here and now.
    pub fn sealer(&mut self, now: Instant, peer: PeerId, flow: u64) -> Result<Sealer<'_>, Unready> {
        let (shard, shards, mtu) = (self.shard, self.shards, self.mtu);
        let Some(Some(remote)) = self.peers.get_mut(peer.0 as usize) else {
            self.counters.unreachable += 1;
            return Err(Unready::Unreachable);
        };
        let Some(to) = remote.endpoint else {
            self.counters.unreachable += 1;
            return Err(Unready::Unreachable);
        };
        let plain_shard = remote.plain_lane.map(|lane| usize::from(lane) % shards);
        let Some(pair) = remote.usable(now) else {
            if let Some(owner) = plain_shard.filter(|owner| *owner != shard) {
                return Err(Unready::Elsewhere(owner));
            }
            self.reports.want(peer);
            return Err(Unready::NoKeys);
        };
        let Some(number) = pair.lane_for(flow, shard, shards) else {
            return Err(Unready::Elsewhere(pair.first_shard(shards)));
        };
        if !pair.lane(number).may_seal() {
            self.reports.want(peer);
            return Err(Unready::NoKeys);
        }
        let index = pair.local_index;
        let place = remote
            .pairs
            .iter()
            .position(|pair| pair.local_index == index)
            .expect("it was just found");
        Ok(Sealer {
            remote,
            place: (place, number),
            reports: &mut self.reports,
            mtu,
            now,
            to,
            packets: 0,
            bytes: 0,
            has_packet: false,
        })
    }
}

impl Sealer<'_> {
    /// Where the datagrams go.
    pub const fn to(&self) -> SocketAddrV4 {
        self.to
    }

    /// Octets of the datagram that a packet of `len` octets becomes: header, padding to 16 octets but not beyond the
    /// MTU (paper §5.4.6), tag.
    pub fn sealed_len(&self, len: usize) -> usize {
        DATA_HEADER + padded(len, self.mtu) + TAG
    }

    /// Seals the packet that lies in `slot[16..16 + len]`. Header, padding and tag are written around it, and
    /// the datagram is `slot[..n]` for the `n` returned, which is [`Sealer::sealed_len`]. No octets make a keepalive.
    ///
    /// # Panics
    /// When the slot is shorter than the datagram.
    pub fn seal(&mut self, slot: &mut [u8], len: usize) -> usize {
        let total = self.sealed_len(len);
        let (header, body) = slot[..total].split_at_mut(DATA_HEADER);
        let (body, tag) = body.split_at_mut(total - DATA_HEADER - TAG);
        body[len..].fill(0);
        let lane = self.lane();
        let (counter, sealed) = lane.seal(body);
        header.copy_from_slice(&data_header(lane.remote_index, counter));
        tag.copy_from_slice(&sealed);
        self.bytes += total as u64;
        self.packets += u64::from(len > 0);
        self.has_packet |= len > 0;
        total
    }

    fn lane(&mut self) -> &mut Lane {
        let (place, number) = self.place;
        self.remote.pairs[place].lane(number)
    }
}

impl Drop for Sealer<'_> {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let (place, number) = self.place;
        let pair = &mut self.remote.pairs[place];
        let is_used_up = !pair.is_used_up && pair.lane(number).is_used_up();
        pair.is_used_up |= is_used_up;
        let activity = &mut self.remote.activity;
        activity.sent = Some(self.now);
        if self.has_packet {
            activity.sent_packet = Some(self.now);
        }
        activity.used_up |= is_used_up;
        activity.counters.tx_packets += self.packets;
        activity.counters.tx_bytes += self.bytes;
        self.remote.settle(self.now, is_used_up, self.reports);
    }
}

impl Reports {
    /// Asks for a handshake; once a batch is enough.
    pub(super) fn want(&mut self, peer: PeerId) {
        let notice = Notice::Wanted(peer);
        if self.notices.last() != Some(&notice) {
            self.notices.push(notice);
        }
    }
}

/// Padded to 16 octets, but never beyond the MTU (paper §5.4.6).
fn padded(len: usize, mtu: usize) -> usize {
    len.next_multiple_of(16).min(mtu.max(len))
}
