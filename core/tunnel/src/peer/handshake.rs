//! A peer's handshakes: calling, calling again, answering, and what follows when one is finished.

use std::net::SocketAddrV4;
use std::time::Duration;

use inet::Instant;

use super::{Call, Remote, Shared};
use crate::change::{Install, Kind};
use crate::extension::{LANE_BITS, Offer, Secrets, Terms};
use crate::noise::Initiation;
use crate::session::{Keypair, Role};
use crate::tai64n::label;
use crate::timers::{GONE_ATTEMPTS, JITTER, REJECT_AFTER_TIME, REKEY_ATTEMPTS, REKEY_TIMEOUT};
use crate::wire::{initiation, response};
use crate::{Order, Suite};

impl Remote {
    /// Begins a handshake, unless one is running or the last one began only just now.
    pub(crate) fn begin_call(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Order>) {
        if self.timers.retry.is_none() {
            self.call_anew(now, shared, out);
        }
    }

    /// Begins a handshake, in place of one that may be running, unless the last initiation was sent only just now.
    pub(crate) fn call_anew(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Order>) {
        let spacing = self.first_retry();
        if self.last_call.is_none_or(|last| now.since(last) >= spacing) {
            self.attempts = 0;
            self.send_initiation(now, shared, out);
        }
    }

    /// The last initiation was not answered in time.
    pub(super) fn retry_call(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Order>) {
        let is_silent = self
            .last_received
            .is_none_or(|last| now.since(last) >= REKEY_TIMEOUT);
        if self.attempts >= GONE_ATTEMPTS && is_silent {
            self.go_down(out);
        }
        if self.attempts >= REKEY_ATTEMPTS && !self.settings.initiate {
            self.attempts = 0;
            self.drop_call(shared);
            shared.tell(Kind::DropHeld(self.id), out);
            return;
        }
        self.send_initiation(now, shared, out);
    }

    fn send_initiation(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Order>) {
        let Some(to) = self.endpoint else { return };
        self.drop_call(shared);
        let local_index = self.give_index(shared);
        let offer = self.settings.extended.then_some(shared.offer);
        let (noise, waiting) = shared.noise.initiate(
            &mut shared.entropy,
            &self.settings.public_key,
            self.preshared_key(),
            label(shared.unix_epoch_at_zero + now.since(Instant::ZERO)),
            offer,
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

    /// Answers an initiation that decrypts and is from this peer. `false` when it is not newer than what came
    /// before, or too soon.
    pub(crate) fn on_initiation(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        sender: u32,
        initiation: Initiation,
        shared: &mut Shared,
        out: &mut Vec<Order>,
    ) -> bool {
        if initiation.timestamp <= self.newest_timestamp {
            shared.counters.replayed_handshake += 1;
            return false;
        }
        if self
            .last_called
            .is_some_and(|last| now.since(last) < CALLED_SPACING)
        {
            shared.counters.rate_limited += 1;
            return false;
        }
        self.newest_timestamp = initiation.timestamp;
        self.last_called = Some(now);
        let terms = self.terms_for(&initiation, sender, shared);
        let (noise, terms, secrets) = initiation.respond(self.preshared_key(), terms);
        let local_index = self.give_index(shared);
        let keypair = Keypair {
            local_index,
            created: now,
            role: Role::Responder,
            terms,
        };
        self.install(keypair, sender, secrets, shared, out);
        let unneeded = self.session.begin_as_responder(keypair);
        self.forget(unneeded, shared, out);
        self.keys_are_new(now);
        let mut message = response(local_index, sender, &noise);
        self.stamp(now, &mut message, shared);
        self.roam(from, shared, out);
        self.noted_sending(now);
        self.send(from, message, out);
        true
    }

    /// Takes the response to our initiation. `false` when it does not decrypt.
    pub(crate) fn on_response(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        indices: (u32, u32),
        noise: &[u8],
        shared: &mut Shared,
        out: &mut Vec<Order>,
    ) -> bool {
        let (sender, receiver) = indices;
        let Some(call) = self
            .call
            .as_mut()
            .filter(|call| call.local_index == receiver)
        else {
            return false;
        };
        let Some((terms, secrets)) = call.waiting.finish(noise) else {
            return false;
        };
        if terms.lanes > 1 && sender & LANE_BITS != 0 {
            return false;
        }
        // The index goes on to name the key pair.
        self.call = None;
        let keypair = Keypair {
            local_index: receiver,
            created: now,
            role: Role::Initiator,
            terms,
        };
        self.install(keypair, sender, secrets, shared, out);
        shared.tell(Kind::Use(self.id, receiver), out);
        let unneeded = self.session.begin_as_initiator(keypair);
        self.forget(unneeded, shared, out);
        self.keys_are_new(now);
        self.roam(from, shared, out);
        self.noted_receiving(now);
        self.handshake_is_done(now, shared);
        self.go_up(now, out);
        // The responder must not send before it has heard that we have the keys.
        let or_keepalive = true;
        let id = self.id;
        shared.tell(Kind::Flush { id, or_keepalive }, out);
        true
    }

    /// What to agree upon with the sender of an initiation; `None` for plain WireGuard.
    fn terms_for(&self, initiation: &Initiation, sender: u32, shared: &Shared) -> Option<Terms> {
        let theirs = Offer::read(&initiation.timestamp)?;
        let is_fit = self.settings.extended && sender & LANE_BITS == 0;
        is_fit.then(|| shared.offer.answer(theirs))
    }

    /// Gives the keys of a handshake to the lanes.
    fn install(
        &self,
        keypair: Keypair,
        remote_index: u32,
        secrets: Secrets,
        shared: &Shared,
        out: &mut Vec<Order>,
    ) {
        let install = Install {
            id: self.id,
            local_index: keypair.local_index,
            remote_index,
            created: keypair.created,
            terms: keypair.terms,
            secrets,
        };
        shared.tell(Kind::Install(Box::new(install)), out);
    }

    fn give_index(&self, shared: &mut Shared) -> u32 {
        let lane = self.plain_lane().unwrap_or(0);
        shared.indices.give(&mut shared.entropy, self.id, lane)
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
