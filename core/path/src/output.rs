//! What a prober asks for and announces.

use inet::Instant;

/// One thing to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this STAMP request by this path and no other.
    Probe {
        /// Which shape it is to have, from 0 to below [`crate::Settings::shapes`].
        shape: u8,
        /// The UDP payload. Octets may follow; the reply is as long.
        payload: Vec<u8>,
    },
    /// The path changed.
    Event(Event),
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Replies come.
    Up,
    /// No reply came for [`crate::Settings::dead_after`].
    Down {
        /// When the last one came.
        last_reply: Instant,
    },
}
