//! A peer's handshakes: calling, calling again, answering, and what follows when one is finished.

use std::net::SocketAddrV4;
use std::time::Duration;

use inet::Instant;

use super::{Call, Remote, Shared};
use crate::noise::Initiation;
use crate::session::{Keypair, Role};
use crate::tai64n::label;
use crate::timers::{GONE_ATTEMPTS, JITTER, REJECT_AFTER_TIME, REKEY_ATTEMPTS, REKEY_TIMEOUT};
use crate::wire::{initiation, response};
use crate::{Output, Suite};

impl Remote {
    /// Begins a handshake, unless one is running or the last one began only just now.
    pub(crate) fn begin_call(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Output>) {
        if self.timers.retry.is_none() {
            self.call_anew(now, shared, out);
        }
    }

    /// Begins a handshake, in place of one that may be running, unless the last initiation was sent only just now.
    pub(crate) fn call_anew(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Output>) {
        let spacing = self.first_retry();
        if self.last_call.is_none_or(|last| now.since(last) >= spacing) {
            self.attempts = 0;
            self.send_initiation(now, shared, out);
        }
    }

    /// The last initiation was not answered in time.
    pub(super) fn retry_call(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Output>) {
        let is_silent = self
            .last_received
            .is_none_or(|last| now.since(last) >= REKEY_TIMEOUT);
        if self.attempts >= GONE_ATTEMPTS && is_silent {
            self.go_down(out);
        }
        if self.attempts >= REKEY_ATTEMPTS && !self.settings.initiate {
            self.attempts = 0;
            self.drop_call(shared);
            self.drop_queue();
            return;
        }
        self.send_initiation(now, shared, out);
    }

    fn send_initiation(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Output>) {
        let Some(to) = self.endpoint else { return };
        self.drop_call(shared);
        let local_index = shared.indices.give(&mut shared.entropy, self.id);
        let (noise, waiting) = shared.noise.initiate(
            &mut shared.entropy,
            &self.settings.public_key,
            self.preshared_key(),
            label(shared.unix_epoch_at_zero + now.since(Instant::ZERO)),
        );
        self.call = Some(Call {
            local_index,
            waiting,
        });
        let mut message = initiation(local_index, &noise);
        self.stamp(now, &mut message, shared);
        self.counters.handshakes_sent += 1;
        self.timers.retry = Some(now + self.retry_delay(shared));
        self.attempts = self.attempts.saturating_add(1);
        self.last_call = Some(now);
        self.noted_sending(now);
        self.send(to, message, out);
    }

    /// Doubles from the first retry up to WireGuard's timeout, with jitter.
    fn retry_delay(&self, shared: &mut Shared) -> Duration {
        let doubled = self.first_retry() * (1 << self.attempts.min(8));
        let jitter = shared.jitter.below(JITTER.as_nanos() as u64);
        doubled.min(REKEY_TIMEOUT) + Duration::from_nanos(jitter)
    }

    fn first_retry(&self) -> Duration {
        self.settings
            .first_retry
            .clamp(FIRST_RETRY_MIN, REKEY_TIMEOUT)
    }

    /// Answers an initiation that decrypts and is from this peer.
    pub(crate) fn on_initiation(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        sender: u32,
        initiation: Initiation,
        shared: &mut Shared,
        out: &mut Vec<Output>,
    ) {
        if initiation.timestamp <= self.newest_timestamp {
            shared.counters.replayed_handshake += 1;
            return;
        }
        if self
            .last_called
            .is_some_and(|last| now.since(last) < CALLED_SPACING)
        {
            shared.counters.rate_limited += 1;
            return;
        }
        self.newest_timestamp = initiation.timestamp;
        self.last_called = Some(now);
        let (noise, keys) = initiation.respond(self.preshared_key());
        let local_index = shared.indices.give(&mut shared.entropy, self.id);
        let keypair = Keypair::new(local_index, sender, Role::Responder, keys, now);
        self.session
            .begin_as_responder(keypair, &mut shared.indices);
        self.keys_are_new(now);
        let mut message = response(local_index, sender, &noise);
        self.stamp(now, &mut message, shared);
        self.roam(from, out);
        self.noted_sending(now);
        self.send(from, message, out);
    }

    /// Takes the response to our initiation. `false` when it does not decrypt.
    pub(crate) fn on_response(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        indices: (u32, u32),
        noise: &[u8],
        shared: &mut Shared,
        out: &mut Vec<Output>,
    ) -> bool {
        let (sender, receiver) = indices;
        let Some(call) = self
            .call
            .as_mut()
            .filter(|call| call.local_index == receiver)
        else {
            return false;
        };
        let Some(keys) = call.waiting.finish(noise) else {
            return false;
        };
        // The index goes on to name the key pair.
        self.call = None;
        let keypair = Keypair::new(receiver, sender, Role::Initiator, keys, now);
        self.session
            .begin_as_initiator(keypair, &mut shared.indices);
        self.keys_are_new(now);
        self.roam(from, out);
        self.noted_receiving(now);
        self.handshake_is_done(now, shared);
        self.go_up(now, out);
        if self.queue.is_empty() {
            // The responder must not send before it has heard that we have the keys.
            self.send_keepalive(now, shared, out);
        }
        self.flush(now, shared, out);
        true
    }

    /// The current keys are known to both sides.
    pub(super) fn handshake_is_done(&mut self, now: Instant, shared: &mut Shared) {
        self.drop_call(shared);
        self.timers.retry = None;
        self.attempts = 0;
        self.last_handshake = Some(now);
        self.counters.handshakes_done += 1;
        let created = self.session.current().map(|keypair| keypair.created);
        self.timers.expiry = created.map(|created| created + REJECT_AFTER_TIME);
    }

    pub(super) fn drop_call(&mut self, shared: &mut Shared) {
        if let Some(call) = self.call.take() {
            shared.indices.take_back(call.local_index);
        }
    }

    pub(crate) fn is_calling(&self, index: u32) -> bool {
        self.call
            .as_ref()
            .is_some_and(|call| call.local_index == index)
    }

    fn stamp(&mut self, now: Instant, message: &mut [u8], shared: &Shared) {
        if shared.suite != Suite::Null {
            self.stamp.write(now, message);
        }
    }

    fn preshared_key(&self) -> &[u8; 32] {
        self.settings.preshared_key.as_deref().unwrap_or(&[0; 32])
    }
}

/// Below this the timestamp, which is rounded, might not rise from one initiation to the next.
const FIRST_RETRY_MIN: Duration = Duration::from_millis(50);
/// Initiations that one peer may have answered: fifty a second, as in the kernel's implementation.
const CALLED_SPACING: Duration = Duration::from_millis(20);
