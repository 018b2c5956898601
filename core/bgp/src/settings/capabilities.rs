//! What a session may have beyond RFC 4271: families, several paths, restarts, roles.

use core::time::Duration;

/// The address families of a session (RFC 4760).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    /// IPv4 unicast.
    pub ipv4: bool,
    /// IPv6 unicast.
    pub ipv6: bool,
}

impl Families {
    /// Neither.
    pub const NONE: Self = Self {
        ipv4: false,
        ipv6: false,
    };
    /// IPv4 unicast only.
    pub const IPV4: Self = Self {
        ipv4: true,
        ipv6: false,
    };
    /// IPv6 unicast only.
    pub const IPV6: Self = Self {
        ipv4: false,
        ipv6: true,
    };
    /// Both.
    pub const BOTH: Self = Self {
        ipv4: true,
        ipv6: true,
    };
}

/// Several paths for each prefix of one family (RFC 7911).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddPath {
    /// Whether we take several paths.
    pub receive: bool,
    /// How many paths we tell at the most; `None` is the best one only, without the extension.
    pub send: Option<u8>,
}

/// [`AddPath`] for each family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddPaths {
    /// IPv4 unicast.
    pub ipv4: AddPath,
    /// IPv6 unicast.
    pub ipv6: AddPath,
}

/// What we are to an external neighbour (RFC 9234 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// We sell it transit.
    Provider,
    /// We are a route server.
    RouteServer,
    /// It is a route server.
    RouteServerClient,
    /// It sells us transit.
    Customer,
    /// Lateral peers.
    Peer,
}

impl Role {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Provider => 0,
            Self::RouteServer => 1,
            Self::RouteServerClient => 2,
            Self::Customer => 3,
            Self::Peer => 4,
        }
    }

    /// From the number on the wire.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Provider,
            1 => Self::RouteServer,
            2 => Self::RouteServerClient,
            3 => Self::Customer,
            4 => Self::Peer,
            _ => return None,
        })
    }

    /// What the other side must be (RFC 9234 §4.2, table 2).
    pub const fn counterpart(self) -> Self {
        match self {
            Self::Provider => Self::Customer,
            Self::RouteServer => Self::RouteServerClient,
            Self::RouteServerClient => Self::RouteServer,
            Self::Customer => Self::Provider,
            Self::Peer => Self::Peer,
        }
    }
}

/// Graceful restart (RFC 4724), with RFC 8538's NOTIFICATIONs and RFC 9494's long-lived stale
/// routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulRestart {
    /// How long the neighbour is to keep our routes while we are away; at most 4,095 s.
    pub restart_time: Duration,
    /// How long its routes are kept as stale once it is back, at the most, when it does not say
    /// End-of-RIB.
    pub stale_time: Duration,
    /// Whether our forwarding survives a restart of ours, so that the neighbour is to keep our
    /// routes. Without it we only help neighbours that restart.
    pub forwarding: bool,
    /// Whether routes also survive NOTIFICATIONs and expired hold timers (RFC 8538).
    pub notification: bool,
    /// How long its routes are kept beyond the restart time, as the least preferred ones
    /// (RFC 9494); at most 2²⁴ − 1 s. `None` offers no long-lived graceful restart.
    pub long_lived: Option<Duration>,
}

impl GracefulRestart {
    /// Helps restarting neighbours with the usual times: 120 s to come back, 360 s to be complete.
    pub const HELPER: Self = Self {
        restart_time: Duration::from_secs(120),
        stale_time: Duration::from_secs(360),
        forwarding: false,
        notification: true,
        long_lived: None,
    };
}
