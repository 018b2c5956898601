//! Control packets as bytes (RFC 5880 §4.1).

use core::fmt;
use core::ops::Deref;
use core::time::Duration;

use crate::discard::Discard;

/// Length of the mandatory section.
pub const MANDATORY_LEN: usize = 24;
/// The shortest authentication section is type and length.
const AUTH_HEADER_LEN: usize = 2;
/// The longest packet: with a SHA1 digest.
pub const LEN_MAX: usize = MANDATORY_LEN + 28;
const VERSION: u8 = 1;

const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const CONTROL_PLANE_INDEPENDENT: u8 = 0x08;
const AUTHENTICATED: u8 = 0x04;
const DEMAND: u8 = 0x02;
const MULTIPOINT: u8 = 0x01;

/// The state of a session (RFC 5880 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Held down by an operator.
    AdminDown,
    /// The neighbour is not heard.
    Down,
    /// It is heard but does not hear us yet.
    Init,
    /// Both hear each other.
    Up,
}

impl State {
    const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::AdminDown,
            1 => Self::Down,
            2 => Self::Init,
            _ => Self::Up,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdminDown => "AdminDown",
            Self::Down => "Down",
            Self::Init => "Init",
            Self::Up => "Up",
        })
    }
}

/// Why a session last changed its state (RFC 5880 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Diagnostic(u8);

impl Diagnostic {
    /// No diagnostic.
    pub const NONE: Self = Self(0);
    /// No packet came for the detection time.
    pub const TIME_EXPIRED: Self = Self(1);
    /// The neighbour said that the session is down.
    pub const NEIGHBOR_DOWN: Self = Self(3);
    /// An operator holds the session down.
    pub const ADMIN_DOWN: Self = Self(7);

    /// From its number; five bits count.
    pub const fn new(number: u8) -> Self {
        Self(number & 0x1f)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "no diagnostic",
            1 => "control detection time expired",
            2 => "echo function failed",
            3 => "neighbor signaled session down",
            4 => "forwarding plane reset",
            5 => "path down",
            6 => "concatenated path down",
            7 => "administratively down",
            8 => "reverse concatenated path down",
            number => return write!(f, "diagnostic {number}"),
        })
    }
}

/// The mandatory section of a control packet. Version is 1, the multipoint bit clear.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the bits of the packet, each with a meaning of its own"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Why the sender last changed its state.
    pub diagnostic: Diagnostic,
    /// The sender's state.
    pub state: State,
    /// Answer at once with the final bit.
    pub poll: bool,
    /// The answer to a packet with the poll bit.
    pub is_final: bool,
    /// The sender's BFD does not share the fate of its control plane.
    pub control_plane_independent: bool,
    /// An authentication section follows.
    pub authenticated: bool,
    /// The sender wants no periodic packets.
    pub demand: bool,
    /// How many packets in a row may be missed.
    pub detect_mult: u8,
    /// The sender's name for the session.
    pub my_discriminator: u32,
    /// The receiver's name for the session, or zero.
    pub your_discriminator: u32,
    /// The shortest interval at which the sender wants to send.
    pub desired_min_tx: Duration,
    /// The shortest interval at which the sender can take packets; zero: it wants none.
    pub required_min_rx: Duration,
    /// The same for Echo packets; zero: it takes none.
    pub required_min_echo_rx: Duration,
}

impl Packet {
    /// Reads the mandatory section, and the authentication section as bytes if there is one.
    ///
    /// # Errors
    ///
    /// The first of the rules of RFC 5880 §6.8.6 that the packet breaks, as far as they need no session.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Discard> {
        // Without these there is no length field to check: the payload is shorter than any length allowed.
        let Some(mandatory) = bytes.first_chunk::<MANDATORY_LEN>() else {
            return Err(match bytes.first() {
                Some(first) if first >> 5 != VERSION => Discard::Version,
                _ => match bytes.get(3) {
                    Some(len) if usize::from(*len) >= MANDATORY_LEN => Discard::TooLong,
                    _ => Discard::TooShort,
                },
            });
        };
        let flags = mandatory[1];
        let authenticated = flags & AUTHENTICATED != 0;
        let len = usize::from(mandatory[3]);
        let len_min = MANDATORY_LEN + if authenticated { AUTH_HEADER_LEN } else { 0 };
        if mandatory[0] >> 5 != VERSION {
            return Err(Discard::Version);
        }
        if len < len_min {
            return Err(Discard::TooShort);
        }
        let Some(auth) = bytes.get(MANDATORY_LEN..len) else {
            return Err(Discard::TooLong);
        };
        if mandatory[2] == 0 {
            return Err(Discard::DetectMult);
        }
        if flags & MULTIPOINT != 0 {
            return Err(Discard::Multipoint);
        }
        let my_discriminator = be32(mandatory, 4);
        if my_discriminator == 0 {
            return Err(Discard::MyDiscriminator);
        }
        let packet = Self {
            diagnostic: Diagnostic::new(mandatory[0]),
            state: State::from_bits(flags >> 6),
            poll: flags & POLL != 0,
            is_final: flags & FINAL != 0,
            control_plane_independent: flags & CONTROL_PLANE_INDEPENDENT != 0,
            authenticated,
            demand: flags & DEMAND != 0,
            detect_mult: mandatory[2],
            my_discriminator,
            your_discriminator: be32(mandatory, 8),
            desired_min_tx: micros(be32(mandatory, 12)),
            required_min_rx: micros(be32(mandatory, 16)),
            required_min_echo_rx: micros(be32(mandatory, 20)),
        };
        Ok((packet, auth))
    }

    /// The packet, without an authentication section.
    pub fn encode(&self) -> Octets {
        self.encode_with(0)
    }

    /// The packet with room for `auth_len` octets of authentication, which are zero.
    pub(crate) fn encode_with(&self, auth_len: usize) -> Octets {
        let len = MANDATORY_LEN + auth_len;
        let mut octets = Octets {
            bytes: [0; LEN_MAX],
            len,
        };
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let bytes = &mut octets.bytes;
        bytes[0] = (VERSION << 5) | self.diagnostic.number();
        bytes[1] = ((self.state as u8) << 6)
            | bit(self.poll, POLL)
            | bit(self.is_final, FINAL)
            | bit(self.control_plane_independent, CONTROL_PLANE_INDEPENDENT)
            | bit(self.authenticated, AUTHENTICATED)
            | bit(self.demand, DEMAND);
        bytes[2] = self.detect_mult;
        bytes[3] = u8::try_from(len).expect("at most 52");
        bytes[4..8].copy_from_slice(&self.my_discriminator.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.your_discriminator.to_be_bytes());
        bytes[12..16].copy_from_slice(&as_micros(self.desired_min_tx));
        bytes[16..20].copy_from_slice(&as_micros(self.required_min_rx));
        bytes[20..24].copy_from_slice(&as_micros(self.required_min_echo_rx));
        octets
    }
}

/// A control packet's octets, without a heap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Octets {
    bytes: [u8; LEN_MAX],
    len: usize,
}

impl Octets {
    pub(crate) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

impl Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Without the authentication section, which may hold a password.
impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Packet::decode(self) {
            Ok((packet, _)) => packet.fmt(f),
            Err(discard) => discard.fmt(f),
        }
    }
}

fn be32(bytes: &[u8; MANDATORY_LEN], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

const fn micros(micros: u32) -> Duration {
    Duration::from_micros(micros as u64)
}

fn as_micros(interval: Duration) -> [u8; 4] {
    u32::try_from(interval.as_micros())
        .unwrap_or(u32::MAX)
        .to_be_bytes()
}

#[cfg(test)]
mod tests;
