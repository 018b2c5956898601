//! Everything that an endpoint can ask for or announce.

use crate::{Diagnostic, Octets, SessionKey, State};

/// One thing to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a datagram to [`crate::Hops::port`] of `session.remote` from `session.local`, always from the same source
    /// port for one session, [`crate::SOURCE_PORT_MIN`] or above and of no other session (RFC 5881 §4).
    Send {
        /// Between which addresses.
        session: SessionKey,
        /// The time to live to send with.
        ttl: u8,
        /// The UDP payload.
        bytes: Octets,
    },
    /// The state machine moved.
    State {
        /// Which session.
        session: SessionKey,
        /// Where to.
        state: State,
        /// Why: ours, or the neighbour's if it is the one that moved first.
        diagnostic: Diagnostic,
    },
    /// What the protocols that use the session should think of the neighbour now.
    Client {
        /// Which session.
        session: SessionKey,
        /// What to think.
        verdict: Verdict,
    },
    /// The session is gone: its socket can be closed.
    Removed {
        /// Which session.
        session: SessionKey,
    },
    /// There are [`crate::SESSIONS_MAX`] sessions already.
    Refused {
        /// Which session was not made.
        session: SessionKey,
    },
}

/// What a protocol that uses a session should think of the neighbour (RFC 5882 §3, §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It can be reached.
    Alive,
    /// It could be reached and no longer can: act as if the protocol's own detection had found it.
    Failed,
    /// Nobody watches: an operator, here or there, holds the session down. No reason to act (RFC 5882 §4.2).
    Unknown,
}
