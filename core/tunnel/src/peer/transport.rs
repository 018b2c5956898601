//! A peer's packets: sealing, queueing while a handshake runs, opening, keepalives.

use std::net::SocketAddrV4;
use std::ops::Range;

use inet::Instant;

use super::{Remote, Shared};
use crate::session::Role;
use crate::timers::{
    JITTER, KEEPALIVE_TIMEOUT, REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME, REKEY_TIMEOUT,
};
use crate::wire::{DATA_HEADER, TAG, data};
use crate::{Counters, Output};

impl Remote {
    /// Sends a packet, or keeps it and begins a handshake.
    pub(crate) fn send_packet(
        &mut self,
        now: Instant,
        packet: &[u8],
        shared: &mut Shared,
        out: &mut Vec<Output>,
    ) {
        if self.is_ready(now) && self.endpoint.is_some() {
            self.seal(now, packet, shared, out);
        } else if self.endpoint.is_some() {
            if self.queue.len() == QUEUE_MAX {
                self.queue.pop_front();
                self.counters.queue_drops += 1;
            }
            self.queue.push_back(packet.to_vec());
            self.begin_call(now, shared, out);
        } else {
            shared.counters.unreachable += 1;
        }
    }

    /// Sends an empty packet, or begins the handshake that has to come before.
    pub(crate) fn send_keepalive(
        &mut self,
        now: Instant,
        shared: &mut Shared,
        out: &mut Vec<Output>,
    ) {
        if self.is_ready(now) {
            self.seal(now, &[], shared, out);
        } else {
            self.begin_call(now, shared, out);
        }
    }

    /// Sends what waited for keys.
    pub(super) fn flush(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Output>) {
        for packet in core::mem::take(&mut self.queue) {
            self.send_packet(now, &packet, shared, out);
        }
    }

    fn seal(&mut self, now: Instant, packet: &[u8], shared: &mut Shared, out: &mut Vec<Output>) {
        let (Some(keypair), Some(to)) = (self.session.usable(now), self.endpoint) else {
            return;
        };
        let counter = keypair.counter;
        keypair.counter += 1;
        let padded = padded(packet.len(), shared.mtu);
        let mut bytes = data(keypair.remote_index, counter, packet, padded);
        let tag = keypair.send.seal(counter, &mut bytes[DATA_HEADER..]);
        bytes.extend_from_slice(&tag);
        let is_due = keypair.is_due(now);
        self.noted_sending(now);
        if !packet.is_empty() {
            self.counters.tx_packets += 1;
            if self.timers.silence.is_none() {
                let wait = KEEPALIVE_TIMEOUT + REKEY_TIMEOUT;
                let jitter = shared.jitter.below(JITTER.as_nanos() as u64);
                self.timers.silence = Some(now + wait + std::time::Duration::from_nanos(jitter));
            }
        }
        self.send(to, bytes, out);
        if is_due {
            self.begin_call(now, shared, out);
        }
    }

    /// Opens a data message in place; gives where in it the inner packet lies.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        header: (u32, u64),
        datagram: &mut [u8],
        shared: &mut Shared,
        out: &mut Vec<Output>,
    ) -> Option<Range<usize>> {
        self.decrypt(now, header, datagram, &mut shared.counters)?;
        let (index, _) = header;
        self.counters.rx_bytes += datagram.len() as u64;
        if self.session.is_next(index) {
            let precedence = self.precedence(shared);
            self.session.confirm(precedence, &mut shared.indices);
            self.handshake_is_done(now, shared);
        }
        self.roam(from, out);
        self.noted_receiving(now);
        self.go_up(now, out);
        self.flush(now, shared, out);
        self.refresh_keys(now, shared, out);
        let plain = &datagram[DATA_HEADER..datagram.len() - TAG];
        if plain.is_empty() {
            return None;
        }
        self.owe_keepalive(now);
        let Some(len) = inner_len(plain) else {
            shared.counters.bad_inner += 1;
            return None;
        };
        self.counters.rx_packets += 1;
        Some(DATA_HEADER..DATA_HEADER + len)
    }

    fn decrypt(
        &mut self,
        now: Instant,
        (index, counter): (u32, u64),
        datagram: &mut [u8],
        counters: &mut Counters,
    ) -> Option<()> {
        let Some(keypair) = self.session.find(index) else {
            counters.unknown_index += 1;
            return None;
        };
        if keypair.age(now) >= REJECT_AFTER_TIME || counter >= REJECT_AFTER_MESSAGES {
            counters.bad_packet += 1;
            return None;
        }
        if !keypair.window.is_new(counter) {
            counters.replayed_packet += 1;
            return None;
        }
        if !keypair.receive.open(counter, &mut datagram[DATA_HEADER..])
            || !keypair.window.accept(counter)
        {
            counters.bad_packet += 1;
            return None;
        }
        Some(())
    }

    /// The initiator of the keys begins a new handshake also when it only receives, before they are too old.
    fn refresh_keys(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Output>) {
        let last_minute = REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT;
        let is_due = self.session.current().is_some_and(|keypair| {
            keypair.role == Role::Initiator && keypair.age(now) >= last_minute
        });
        if is_due {
            self.begin_call(now, shared, out);
        }
    }

    fn owe_keepalive(&mut self, now: Instant) {
        match self.timers.keepalive {
            Some(_) => self.timers.keepalive_again = true,
            None => self.timers.keepalive = Some(now + KEEPALIVE_TIMEOUT),
        }
    }

    /// Something authentic goes to the peer, and tells it that we are here.
    pub(super) fn noted_sending(&mut self, now: Instant) {
        self.timers.keepalive = None;
        self.timers.keepalive_again = false;
        self.put_off_persistent(now);
    }

    /// Something authentic came from the peer.
    pub(super) fn noted_receiving(&mut self, now: Instant) {
        self.timers.silence = None;
        self.last_received = Some(now);
        self.put_off_persistent(now);
    }

    fn put_off_persistent(&mut self, now: Instant) {
        self.timers.persistent = self.keepalive_interval().map(|interval| now + interval);
    }
}

/// Padded to 16 octets, but never beyond the MTU (paper §5.4.6).
fn padded(len: usize, mtu: usize) -> usize {
    len.next_multiple_of(16).min(mtu.max(len))
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

/// Packets kept while a handshake runs; the oldest goes when another comes. Enough for a connection's first
/// packets; more would be stale when the keys are there.
const QUEUE_MAX: usize = 16;
