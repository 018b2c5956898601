//! What the lanes report of a peer: confirmed keys, roaming, and the timers that follow from sending and receiving (paper §6).

use std::time::Duration;

use inet::Instant;

use super::{Remote, Shared};
use crate::Order;
use crate::change::{Activity, Kind};
use crate::session::Role;
use crate::timers::{JITTER, KEEPALIVE_TIMEOUT, REJECT_AFTER_TIME, REKEY_TIMEOUT};

impl Remote {
    /// Takes a report. A report of some length of time says when each thing happened last; of things
    /// that happened at the same time receiving comes first.
    pub(crate) fn on_activity(
        &mut self,
        now: Instant,
        activity: &Activity,
        shared: &mut Shared,
        out: &mut Vec<Order>,
    ) {
        self.counters.add(&activity.counters);
        if activity.sent < activity.received {
            self.on_sent(activity, shared);
            self.on_received(now, activity, shared, out);
        } else {
            self.on_received(now, activity, shared, out);
            self.on_sent(activity, shared);
        }
        let is_due = self.session.current().is_some_and(|pair| pair.is_due(now));
        if activity.used_up || activity.sent.is_some() && is_due {
            self.begin_call(now, shared, out);
        }
    }

    fn on_received(
        &mut self,
        now: Instant,
        activity: &Activity,
        shared: &mut Shared,
        out: &mut Vec<Order>,
    ) {
        let Some(received) = activity.received else {
            return;
        };
        let confirmed = activity
            .first_with
            .filter(|index| self.session.is_next(*index));
        if confirmed.is_some() {
            self.confirm(now, shared, out);
        }
        if let Some(from) = activity.from {
            self.roam(from, shared, out);
        }
        self.noted_receiving(received);
        self.go_up(now, out);
        if confirmed.is_some() {
            let (id, or_keepalive) = (self.id, false);
            shared.tell(Kind::Flush { id, or_keepalive }, out);
        }
        self.refresh_keys(now, shared, out);
        if let Some(received) = activity.received_packet {
            self.owe_keepalive(received);
        }
    }

    /// The initiator has used the keys that waited: they are the ones to send with, unless calls crossed.
    fn confirm(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Order>) {
        let precedence = self.precedence(shared);
        let unneeded = self.session.confirm(precedence);
        if let Some(current) = self.session.current() {
            shared.tell(Kind::Use(self.id, current.local_index), out);
        }
        self.forget(unneeded, shared, out);
        self.handshake_is_done(now, shared);
    }

    fn on_sent(&mut self, activity: &Activity, shared: &mut Shared) {
        if let Some(sent) = activity.sent {
            self.noted_sending(sent);
        }
        if let Some(sent) = activity.sent_packet
            && self.timers.silence.is_none()
        {
            let wait = KEEPALIVE_TIMEOUT + REKEY_TIMEOUT;
            let jitter = shared.jitter.below(JITTER.as_nanos() as u64);
            self.timers.silence = Some(sent + wait + Duration::from_nanos(jitter));
        }
    }

    /// Has an empty packet sent, or begins the handshake that has to come before.
    pub(crate) fn send_keepalive(
        &mut self,
        now: Instant,
        shared: &mut Shared,
        out: &mut Vec<Order>,
    ) {
        if self.is_ready(now) {
            shared.tell(Kind::Keepalive(self.id), out);
        } else {
            self.begin_call(now, shared, out);
        }
    }

    /// The initiator of the keys begins a new handshake also when it only receives, before they are too old.
    fn refresh_keys(&mut self, now: Instant, shared: &mut Shared, out: &mut Vec<Order>) {
        let last_minute = REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT;
        let is_due = self.session.current().is_some_and(|keypair| {
            keypair.role == Role::Initiator && keypair.age(now) >= last_minute
        });
        if is_due {
            self.begin_call(now, shared, out);
        }
    }

    fn owe_keepalive(&mut self, received: Instant) {
        match self.timers.keepalive {
            Some(_) => self.timers.keepalive_again = true,
            None => self.timers.keepalive = Some(received + KEEPALIVE_TIMEOUT),
        }
    }

    /// Something authentic went to the peer, and tells it that we are here.
    pub(super) fn noted_sending(&mut self, sent: Instant) {
        self.timers.keepalive = None;
        self.timers.keepalive_again = false;
        self.put_off_persistent(sent);
    }

    /// Something authentic came from the peer.
    pub(super) fn noted_receiving(&mut self, received: Instant) {
        self.timers.silence = None;
        self.last_received = Some(received);
        self.put_off_persistent(received);
    }

    fn put_off_persistent(&mut self, from: Instant) {
        self.timers.persistent = self.keepalive_interval().map(|interval| from + interval);
    }
}
