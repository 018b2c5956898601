//! Intervals and what follows from them (RFC 5880 §6.8.2 to §6.8.4).

use core::time::Duration;

use inet::Instant;

use super::{Held, Poll, SLOW, Session};
use crate::State;

impl Session {
    /// bfd.DesiredMinTxInterval: what our packets say we want.
    pub(crate) fn advertised_tx(&self) -> Duration {
        match self.state {
            State::Up => self.settings.desired_min_tx,
            State::AdminDown | State::Down | State::Init => self.settings.desired_min_tx.max(SLOW),
        }
    }

    /// The same as long as the neighbour may not know a longer one yet.
    pub(super) fn tx_in_force(&self) -> Duration {
        self.held.tx.unwrap_or(self.advertised_tx())
    }

    /// bfd.RequiredMinRxInterval as long as the neighbour may not know a shorter one yet.
    pub(super) fn rx_in_force(&self) -> Duration {
        self.held.rx.unwrap_or(self.settings.required_min_rx)
    }

    /// Between our packets, before jitter (§6.8.2).
    pub(crate) fn tx_interval(&self) -> Duration {
        self.tx_in_force().max(self.remote.required_min_rx)
    }

    /// After this long without a packet the neighbour is unknown (§6.8.4); zero while it is.
    pub(crate) fn detection_time(&self) -> Duration {
        let interval = self.rx_in_force().max(self.remote.desired_min_tx);
        interval * u32::from(self.remote.detect_mult)
    }

    /// When the neighbour is unknown unless it says something.
    pub(super) fn forget_at(&self) -> Option<Instant> {
        Some(self.remote.heard? + self.detection_time())
    }

    /// When the next periodic packet leaves (§6.8.7).
    pub(super) fn send_at(&self) -> Option<Instant> {
        let unwanted = self.remote.required_min_rx.is_zero()
            || (self.is_demanded() && self.poll == Poll::Idle);
        if unwanted || !self.may_send() {
            return None;
        }
        let Some(last) = self.sending.last else {
            return Some(Instant::ZERO);
        };
        let micros = u64::try_from(self.tx_interval().as_micros()).unwrap_or(u64::MAX);
        // At most 2³² µs × 10⁶.
        let nanos = micros * u64::from(self.sending.jitter_ppm) / 1_000;
        Some(last + Duration::from_nanos(nanos))
    }

    /// Demand mode is active on the neighbour's side (§6.6): it wants no periodic packets.
    fn is_demanded(&self) -> bool {
        self.remote.demand && self.state == State::Up && self.remote.state == State::Up
    }

    /// In the passive role we wait to be spoken to (§6.8.7).
    pub(super) const fn may_send(&self) -> bool {
        !self.settings.passive || self.remote.discriminator != 0
    }

    /// An interval that we advertise has changed: the neighbour is asked to confirm (§6.5, §6.8.3).
    pub(super) const fn poll(&mut self) {
        self.poll = match self.poll {
            Poll::Idle | Poll::Due => Poll::Due,
            Poll::Sent | Poll::SentAndDue => Poll::SentAndDue,
        };
    }

    /// The neighbour has confirmed what the poll bit came with.
    pub(super) fn end_poll(&mut self) {
        self.poll = match self.poll {
            // Not an answer to us.
            Poll::Idle | Poll::Due => return,
            Poll::SentAndDue => Poll::Due,
            Poll::Sent => {
                self.held = Held::default();
                Poll::Idle
            }
        };
    }
}
