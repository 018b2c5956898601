//! What a packet that belongs to the session does to it (RFC 5880 §6.8.6, from the authentication on).

use inet::Instant;

use super::{Hops, Remote, Session};
use crate::discard::Discard;
use crate::wire::Packet;
use crate::{Diagnostic, Output, State, Verdict};

impl Session {
    pub(super) fn receive(
        &mut self,
        now: Instant,
        packet: &Packet,
        bytes: &[u8],
        ttl: u8,
        out: &mut Vec<Output>,
    ) -> Result<(), Discard> {
        let ttl_min = match self.key.hops {
            Hops::Single => 255,
            Hops::Multi => self.settings.ttl_min,
        };
        if ttl < ttl_min {
            return Err(Discard::Ttl);
        }
        let sequence = self.authenticate(packet, bytes)?;
        self.learn(now, packet);
        if let Some(sequence) = sequence {
            let until = now + self.detection_time() * 2;
            self.sequence.received = Some((sequence, until));
        }
        if packet.is_final {
            self.end_poll();
        }
        self.on_state(now, packet.state, out)?;
        if packet.poll {
            self.answer_poll(out);
        }
        Ok(())
    }

    fn authenticate(&self, packet: &Packet, bytes: &[u8]) -> Result<Option<u32>, Discard> {
        match &self.settings.auth {
            None if packet.authenticated => Err(Discard::UnexpectedAuth),
            None => Ok(None),
            Some(_) if !packet.authenticated => Err(Discard::MissingAuth),
            Some(auth) => {
                let last = self.sequence.received.map(|(sequence, _)| sequence);
                auth.verify(packet, bytes, last)
            }
        }
    }

    fn learn(&mut self, now: Instant, packet: &Packet) {
        self.remote = Remote {
            discriminator: packet.my_discriminator,
            state: packet.state,
            diagnostic: packet.diagnostic,
            demand: packet.demand,
            detect_mult: packet.detect_mult,
            desired_min_tx: packet.desired_min_tx,
            required_min_rx: packet.required_min_rx,
            heard: Some(now),
        };
    }

    /// RFC 5880 §6.2 and the pseudo-code of §6.8.6.
    fn on_state(
        &mut self,
        now: Instant,
        theirs: State,
        out: &mut Vec<Output>,
    ) -> Result<(), Discard> {
        let down = Diagnostic::NEIGHBOR_DOWN;
        let why = self.diagnostic;
        let (state, diagnostic, verdict) = match (self.state, theirs) {
            (State::AdminDown, _) => return Err(Discard::AdminDown),
            (State::Init | State::Up, State::AdminDown) => (State::Down, down, Verdict::Unknown),
            (State::Up, State::Down) => (State::Down, down, Verdict::Failed),
            (State::Down, State::Down) => (State::Init, why, Verdict::Unknown),
            (State::Down, State::Init) | (State::Init, State::Init | State::Up) => {
                (State::Up, Diagnostic::NONE, Verdict::Alive)
            }
            (State::Down, State::AdminDown | State::Up)
            | (State::Init, State::Down)
            | (State::Up, State::Init | State::Up) => return Ok(()),
        };
        self.enter(now, state, diagnostic, verdict, out);
        Ok(())
    }
}
