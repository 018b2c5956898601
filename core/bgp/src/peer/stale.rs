//! What a neighbour's stale routes wait for (RFC 4724, RFC 7313, RFC 9494).

use inet::Instant;

/// Why routes of a family are kept that the neighbour may not have any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stale {
    /// There are none.
    #[default]
    None,
    /// The neighbour is away; its routes stay until then (RFC 4724 §4.2).
    Away(Instant),
    /// It has been away too long; its routes stay as the least preferred ones (RFC 9494 §4.3).
    LongLived(Instant),
    /// It is back, and its End-of-RIB is awaited at most until then.
    Returning(Instant),
    /// It tells its routes again, and the end of that is awaited at most until then (RFC 7313 §4).
    Refreshing(Instant),
}

impl Stale {
    /// When the waiting ends.
    pub const fn until(self) -> Option<Instant> {
        match self {
            Self::None => None,
            Self::Away(at) | Self::LongLived(at) | Self::Returning(at) | Self::Refreshing(at) => {
                Some(at)
            }
        }
    }

    /// Whether the neighbour is away.
    pub const fn is_away(self) -> bool {
        matches!(self, Self::Away(_) | Self::LongLived(_))
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Away(_) => "neighbour restarting",
            Self::LongLived(_) => "neighbour long gone",
            Self::Returning(_) => "awaiting End-of-RIB",
            Self::Refreshing(_) => "awaiting end of refresh",
        }
    }
}
