//! Datagrams in: which are data of ours, and what lies in them.

use core::ops::Range;
use std::net::SocketAddrV4;

use inet::Instant;

use super::{Lanes, shard_of};
use crate::PeerId;
use crate::extension::LANE_BITS;
use crate::timers::REJECT_AFTER_MESSAGES;
use crate::wire::{DATA_HEADER, Message, TAG};

/// What a datagram turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A packet of this peer lies in this part of the datagram, its padding removed.
    Packet(PeerId, Range<usize>),
    /// A handshake or an echo by type and length: for [`Handshakes::on_message`](crate::Handshakes::on_message).
    Handshake,
    /// Data for a lane that this shard owns.
    Elsewhere(usize),
    /// A keepalive, or something refused and counted.
    Nothing,
}

impl Lanes {
    /// Takes a datagram that came to the locator's port, and opens data in place.
    pub fn open(&mut self, now: Instant, from: SocketAddrV4, datagram: &mut [u8]) -> Opened {
        match Message::read(datagram) {
            Some(Message::Data { receiver, counter }) => {
                let owner = shard_of(receiver, self.shards);
                if owner != self.shard {
                    return Opened::Elsewhere(owner);
                }
                self.open_data(now, from, (receiver, counter), datagram)
                    .unwrap_or(Opened::Nothing)
            }
            Some(
                Message::Initiation { .. }
                | Message::Response { .. }
                | Message::CookieReply { .. }
                | Message::EchoRequest { .. }
                | Message::EchoReply { .. },
            ) => Opened::Handshake,
            None => {
                self.counters.malformed += 1;
                Opened::Nothing
            }
        }
    }

    fn open_data(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        (receiver, counter): (u32, u64),
        datagram: &mut [u8],
    ) -> Option<Opened> {
        let Some((id, place, number)) = self.find(receiver) else {
            self.counters.unknown_index += 1;
            return None;
        };
        let counters = &mut self.counters;
        let remote = self.peers[id.0 as usize].as_mut()?;
        let pair = &mut remote.pairs[place];
        if !pair.is_young(now) || counter >= REJECT_AFTER_MESSAGES {
            counters.bad_packet += 1;
            return None;
        }
        let is_replay = pair
            .existing(number)
            .is_some_and(|lane| lane.is_replay(counter));
        if is_replay {
            counters.replayed_packet += 1;
            return None;
        }
        let sealed = &mut datagram[DATA_HEADER..];
        if !pair.lane(number).open(counter, sealed) {
            counters.bad_packet += 1;
            return None;
        }
        let is_first = !core::mem::replace(&mut pair.is_heard, true);
        let local_index = pair.local_index;
        let has_moved = remote.roams && remote.endpoint.replace(from) != Some(from);
        let activity = &mut remote.activity;
        activity.received = Some(now);
        activity.counters.rx_bytes += datagram.len() as u64;
        if is_first {
            activity.first_with = Some(local_index);
        }
        if has_moved {
            activity.from = Some(from);
        }
        let plain = &datagram[DATA_HEADER..datagram.len() - TAG];
        let inner = inner_len(plain);
        if !plain.is_empty() {
            activity.received_packet = Some(now);
            activity.counters.rx_packets += u64::from(inner.is_some());
            counters.bad_inner += u64::from(inner.is_none());
        }
        remote.settle(now, is_first || has_moved, &mut self.reports);
        Some(Opened::Packet(id, DATA_HEADER..DATA_HEADER + inner?))
    }

    /// The peer of a receiver index, where in its list the keys lie, and the lane. Datagrams of one tunnel come
    /// one after the other, so the last answer is kept.
    fn find(&mut self, receiver: u32) -> Option<(PeerId, usize, u8)> {
        let base = receiver & !LANE_BITS;
        let id = match self.last_found {
            Some((last, id)) if last == base => id,
            Some(_) | None => {
                let id = *self.table.get(&base)?;
                self.last_found = Some((base, id));
                id
            }
        };
        let pairs = &self.peers.get(id.0 as usize)?.as_ref()?.pairs;
        let (place, pair) = pairs
            .iter()
            .enumerate()
            .find(|(_, pair)| pair.local_index & !LANE_BITS == base)?;
        Some((id, place, pair.lane_of(receiver)?))
    }
}

/// The length that the inner IP header gives; the rest is padding. `None` when it is no IP packet.
fn inner_len(plain: &[u8]) -> Option<usize> {
    let be16 = |at: usize| {
        Some(usize::from(u16::from_be_bytes([
            *plain.get(at)?,
            *plain.get(at + 1)?,
        ])))
    };
    let (len, header) = match plain.first()? >> 4 {
        4 => (be16(2)?, 20),
        6 => (be16(4)? + 40, 40),
        _ => return None,
    };
    (header..=plain.len()).contains(&len).then_some(len)
}
