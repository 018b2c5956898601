//! What an operator can see of a session.

use core::time::Duration;

use inet::Instant;

use crate::discard::Discards;
use crate::session::Session;
use crate::{Diagnostic, SessionKey, State};

/// A session as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Which one.
    pub session: SessionKey,
    /// Our state.
    pub state: State,
    /// Why it last changed.
    pub diagnostic: Diagnostic,
    /// When it last changed.
    pub changed: Option<Instant>,
    /// The neighbour's state, as last heard.
    pub remote_state: State,
    /// Why that last changed.
    pub remote_diagnostic: Diagnostic,
    /// Our name for the session.
    pub discriminator: u32,
    /// The neighbour's; zero while it is not heard.
    pub remote_discriminator: u32,
    /// Between our packets, before jitter.
    pub tx_interval: Duration,
    /// After this long without a packet the neighbour is dead; zero while it is not heard.
    pub detection_time: Duration,
    /// Packets sent.
    pub sent: u64,
    /// Packets taken.
    pub received: u64,
    /// How often it came up.
    pub ups: u64,
    /// How often it failed.
    pub failures: u64,
    /// Packets that belonged to it and were not taken.
    pub discards: Discards,
}

impl SessionView {
    pub(crate) fn of(session: &Session) -> Self {
        let counters = &session.counters;
        Self {
            session: session.key,
            state: session.state,
            diagnostic: session.diagnostic,
            changed: counters.changed,
            remote_state: session.remote.state,
            remote_diagnostic: session.remote.diagnostic,
            discriminator: session.discriminator,
            remote_discriminator: session.remote.discriminator,
            tx_interval: session.tx_interval(),
            detection_time: session.detection_time(),
            sent: counters.sent,
            received: counters.received,
            ups: counters.ups,
            failures: counters.failures,
            discards: counters.discards,
        }
    }
}
