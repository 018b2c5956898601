//! What our packets say (RFC 5880 §6.8.7).

use core::time::Duration;

use inet::Instant;

use super::{Poll, Session, TTL};
use crate::Output;
use crate::wire::Packet;

/// Packets leave after 75 to 100 % of the interval, so that sessions do not march in step; after at most 90 % where
/// one lost packet is enough to end the session.
const JITTER_PPM_MIN: u32 = 750_000;
const JITTER_PPM_MAX: u32 = 1_000_000;
const JITTER_PPM_MAX_ALONE: u32 = 900_000;

impl Session {
    /// Sends a packet; the next periodic one follows an interval later.
    pub(super) fn send(&mut self, now: Instant, out: &mut Vec<Output>) {
        let poll = self.poll != Poll::Idle;
        if self.poll == Poll::Due {
            self.poll = Poll::Sent;
        }
        let most = match self.settings.detect_mult {
            1 => JITTER_PPM_MAX_ALONE,
            _ => JITTER_PPM_MAX,
        };
        let spread = self.chance.below(u64::from(most - JITTER_PPM_MIN) + 1);
        self.sending.jitter_ppm = JITTER_PPM_MIN + u32::try_from(spread).unwrap_or(0);
        self.sending.last = Some(now);
        self.transmit(poll, false, out);
    }

    /// Answers a poll, whatever the timers say.
    pub(super) fn answer_poll(&mut self, out: &mut Vec<Output>) {
        self.transmit(false, true, out);
    }

    fn transmit(&mut self, poll: bool, is_final: bool, out: &mut Vec<Output>) {
        let packet = Packet {
            diagnostic: self.diagnostic,
            state: self.state,
            poll,
            is_final,
            control_plane_independent: false,
            authenticated: self.settings.auth.is_some(),
            demand: false,
            detect_mult: self.settings.detect_mult,
            my_discriminator: self.discriminator,
            your_discriminator: self.remote.discriminator,
            desired_min_tx: self.advertised_tx(),
            required_min_rx: self.settings.required_min_rx,
            required_min_echo_rx: Duration::ZERO,
        };
        let bytes = match &self.settings.auth {
            None => packet.encode(),
            Some(auth) => {
                let changes = self.sequence.content.replace(packet) != Some(packet);
                self.sequence.sent = auth.next_sequence(self.sequence.sent, changes);
                auth.sign(&packet, self.sequence.sent)
            }
        };
        self.counters.sent += 1;
        out.push(Output::Send {
            session: self.key,
            ttl: TTL,
            bytes,
        });
    }
}
