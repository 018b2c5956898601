//! What the operator decided about a session.

use core::net::IpAddr;
use core::time::Duration;

use crate::{Auth, PORT_MULTIHOP, PORT_SINGLE_HOP};

/// Which session: there is one between two addresses, however many protocols use it (RFC 5882 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// Our end.
    pub local: IpAddr,
    /// The neighbour's end.
    pub remote: IpAddr,
    /// How far away it is.
    pub hops: Hops,
}

/// How far away the neighbour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hops {
    /// On the same link: RFC 5881.
    Single,
    /// Anywhere: RFC 5883.
    Multi,
}

impl Hops {
    /// The UDP port that packets go to.
    pub const fn port(self) -> u16 {
        match self {
            Self::Single => PORT_SINGLE_HOP,
            Self::Multi => PORT_MULTIHOP,
        }
    }
}

/// A session's settings. Intervals are rounded down to microseconds and kept within what the wire can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The shortest time between packets that we want to send once the session is up.
    pub desired_min_tx: Duration,
    /// The shortest time between packets that we are able to take; at least one microsecond.
    pub required_min_rx: Duration,
    /// How many of our packets in a row may be lost before the neighbour takes us for dead; at least 1.
    pub detect_mult: u8,
    /// Say nothing before the neighbour does (RFC 5880 §6.1).
    pub passive: bool,
    /// Multihop only: packets whose TTL has fallen below this come from too far away (RFC 5883 §5).
    pub ttl_min: u8,
    /// How packets are authenticated.
    pub auth: Option<Auth>,
}

impl Settings {
    /// The same interval in both directions, in the active role, without authentication.
    pub const fn new(interval: Duration, detect_mult: u8) -> Self {
        Self {
            desired_min_tx: interval,
            required_min_rx: interval,
            detect_mult,
            passive: false,
            ttl_min: 1,
            auth: None,
        }
    }

    /// The same with values that the wire can say.
    pub(crate) fn within_limits(mut self) -> Self {
        let limit = |interval: Duration| {
            let micros = interval.as_micros().clamp(1, u128::from(u32::MAX));
            Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
        };
        self.desired_min_tx = limit(self.desired_min_tx);
        self.required_min_rx = limit(self.required_min_rx);
        self.detect_mult = self.detect_mult.max(1);
        self
    }
}

impl Default for Settings {
    /// 300 ms × 3: a neighbour is missed within 900 ms.
    fn default() -> Self {
        Self::new(Duration::from_millis(300), 3)
    }
}
