//! Packetization layer path MTU discovery for datagrams (RFC 8899): how long a packet may be to get through one path.
//!
//! ICMP is not relied on: a size is known to work because a STAMP request of that size was answered by one
//! of the same size, so what is found is the smaller of both directions. The design says how long
//! packets ought to be able to be, and that is what a path starts with; it is confirmed as soon as the path is up, and
//! again while it is. When the confirmations stop although the path is alive, something on the way swallows long packets: the
//! path falls back to a size that works everywhere and searches upwards from there.
//!
//! Sizes are those of the packets inside the tunnel, multiples of [`STEP`], so that the padding of the
//! tunnel's messages never adds to them.

use std::time::Duration;

use inet::Instant;

use crate::wire::{REPLY_LEN, Reply, Request, Timestamp};

/// What sizes are multiples of, except the largest: WireGuard pads to 16 octets.
pub const STEP: u16 = 16;

/// What the operator and the protocols around it decided about a path's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MtuSettings {
    /// The size that works on every path (RFC 8899 `BASE_PLPMTU`), octets.
    pub base: u16,
    /// The largest size that the design allows (`MAX_PLPMTU`), octets; not below `base`.
    pub cap: u16,
    /// STAMP session identifier: replies with another one are not ours.
    pub ssid: u16,
}

/// What a discovery is told.
#[derive(Clone, Copy, Debug)]
pub enum MtuInput<'a> {
    /// Time has passed.
    Wake,
    /// The path is up.
    Up,
    /// The path is down: what is lost now says nothing about sizes.
    Down,
    /// A STAMP reply with the discovery's session identifier came by this path: the UDP payload.
    Reply(&'a [u8]),
    /// The kernel or a router said that something was too long. It is not believed, but looked into.
    Suspect,
}

/// What a discovery asks for and announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MtuOutput {
    /// Send this STAMP request, a UDP payload, by this path, without fragmenting it anywhere.
    Probe(Vec<u8>),
    /// From now on packets of up to this many octets get through.
    Changed(u16),
}

/// The discovery of one path.
#[derive(Clone, Debug)]
pub struct MtuDiscovery {
    settings: MtuSettings,
    /// The size in use.
    size: u16,
    /// The smallest size that failed since the search began; above `cap` when none did.
    failed: u16,
    state: State,
    sequence: u32,
    /// When to look for more again (`PMTU_RAISE_TIMER`).
    raise_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The path is down.
    Off,
    /// A request is out.
    Probing {
        size: u16,
        sent: Instant,
        sequence: u32,
        /// How often this size was sent.
        tries: u32,
    },
    /// Everything is known; the size in use is confirmed again at this time.
    Resting(Instant),
}

impl MtuDiscovery {
    /// A discovery for a path that is down. Until something else is found the design is believed.
    pub fn new(settings: MtuSettings) -> Self {
        let cap = settings.cap.max(settings.base);
        Self {
            settings: MtuSettings { cap, ..settings },
            size: cap,
            failed: u16::MAX,
            state: State::Off,
            sequence: 0,
            raise_at: Instant::ZERO,
        }
    }

    /// The longest packet that gets through, octets.
    pub const fn size(&self) -> u16 {
        self.size
    }

    /// Whether the size in use is the last word for now: confirmed, and nothing longer works.
    pub const fn is_settled(&self) -> bool {
        matches!(self.state, State::Resting(_))
    }

    /// Takes one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, now: Instant, input: MtuInput<'_>, out: &mut Vec<MtuOutput>) {
        match (input, self.state) {
            (MtuInput::Up, State::Off) | (MtuInput::Suspect, State::Resting(_)) => {
                self.probe(now, self.size, 1, out);
            }
            (MtuInput::Down, _) => self.state = State::Off,
            (MtuInput::Reply(bytes), _) => self.on_reply(now, bytes, out),
            (MtuInput::Wake | MtuInput::Up | MtuInput::Suspect, _) => {}
        }
        match self.state {
            State::Probing {
                size, sent, tries, ..
            } if now.since(sent) >= PROBE_TIMER => self.on_lost(now, size, tries, out),
            State::Resting(until) if until <= now => self.probe(now, self.size, 1, out),
            State::Off | State::Probing { .. } | State::Resting(_) => {}
        }
    }

    /// When to come back with [`MtuInput::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        match self.state {
            State::Off => None,
            State::Probing { sent, .. } => Some(sent + PROBE_TIMER),
            State::Resting(until) => Some(until),
        }
    }

    fn on_reply(&mut self, now: Instant, bytes: &[u8], out: &mut Vec<MtuOutput>) {
        let State::Probing {
            size,
            sent,
            sequence,
            ..
        } = self.state
        else {
            return;
        };
        let expected = Request {
            sequence,
            sent: Timestamp::at(sent),
            ssid: self.settings.ssid,
        };
        let is_ours = Reply::decode(bytes).is_some_and(|reply| reply.request == expected);
        if !is_ours || bytes.len() != usize::from(size - HEADERS) {
            return;
        }
        if size > self.size {
            self.change(size, out);
        }
        if self.raise_at <= now && self.failed <= self.settings.cap {
            self.failed = u16::MAX;
        }
        self.search(now, out);
    }

    fn on_lost(&mut self, now: Instant, size: u16, tries: u32, out: &mut Vec<MtuOutput>) {
        let is_confirmation = size == self.size;
        let tries_max = if is_confirmation {
            MAX_CONFIRMATIONS
        } else {
            MAX_PROBES
        };
        if tries < tries_max {
            self.probe(now, size, tries + 1, out);
        } else if is_confirmation && size > self.settings.base {
            self.has_failed(now, size);
            self.change(self.settings.base, out);
            self.probe(now, self.settings.base, 1, out);
        } else if is_confirmation {
            self.rest(now);
        } else {
            self.has_failed(now, size);
            self.search(now, out);
        }
    }

    /// Tries the next size between what works and what failed; the largest first, since the design is right as a rule.
    fn search(&mut self, now: Instant, out: &mut Vec<MtuOutput>) {
        let next = if self.failed > self.settings.cap {
            self.settings.cap
        } else {
            self.size + (self.failed - self.size) / 2 / STEP * STEP
        };
        if next > self.size {
            self.probe(now, next, 1, out);
        } else {
            self.rest(now);
        }
    }

    /// Notes a size that does not get through, and when to forget that.
    fn has_failed(&mut self, now: Instant, size: u16) {
        if self.failed > self.settings.cap {
            self.raise_at = now + RAISE_TIMER;
        }
        self.failed = size;
    }

    fn rest(&mut self, now: Instant) {
        self.state = State::Resting(now + CONFIRMATION_TIMER);
    }

    fn change(&mut self, size: u16, out: &mut Vec<MtuOutput>) {
        self.size = size;
        out.push(MtuOutput::Changed(size));
    }

    fn probe(&mut self, now: Instant, size: u16, tries: u32, out: &mut Vec<MtuOutput>) {
        self.sequence = self.sequence.wrapping_add(1);
        let request = Request {
            sequence: self.sequence,
            sent: Timestamp::at(now),
            ssid: self.settings.ssid,
        };
        let mut bytes = request.encode();
        bytes.resize(usize::from(size - HEADERS).max(REPLY_LEN + 1), 0);
        out.push(MtuOutput::Probe(bytes));
        self.state = State::Probing {
            size,
            sent: now,
            sequence: self.sequence,
            tries,
        };
    }
}

/// IPv4 and UDP headers inside the tunnel, octets.
const HEADERS: u16 = 28;
/// How long an answer may take (RFC 8899 §5.1.1: not less than a second, more than the round-trip time).
const PROBE_TIMER: Duration = Duration::from_secs(1);
/// Requests of one size that are lost before it counts as too long (RFC 8899 §5.1.2).
const MAX_PROBES: u32 = 3;
/// The same for the size in use: to leave it costs more, and single losses happen on every path.
const MAX_CONFIRMATIONS: u32 = 5;
/// How often the size in use is confirmed.
const CONFIRMATION_TIMER: Duration = Duration::from_secs(30);
/// How often something longer is tried (RFC 8899 §5.1.1: ten minutes).
const RAISE_TIMER: Duration = Duration::from_secs(600);
