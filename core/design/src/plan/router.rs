//! A plain BGP router: what `longhaul router` is told, every value decided.
//!
//! Unlike the other devices' files this one is written by people, so it is read by
//! [`read_router`](crate::read_router), with reports. Secrets do not stand in it: a neighbour names
//! a file, which the daemon reads when it is private to its owner.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use bgp::{AoAlgorithm, Auth, NeighborId, Origination, Secret, Settings};
use inet::Net;

/// A router's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterConfig {
    /// Its name, for people.
    pub name: String,
    /// Its speaker with all neighbours and their policies; without secrets.
    pub settings: Settings,
    /// Routes of its own, in the order of the file.
    pub originate: Vec<(Net, Origination)>,
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Path of the control socket, which `longhaul show --control` asks.
    pub control: Option<String>,
    /// For neighbours whose TCP segments are signed: with what. The daemon reads the files and puts
    /// [`AuthConfig::with`] into the settings.
    pub auth: Vec<(NeighborId, AuthConfig)>,
    /// Whether what it has chosen goes into the kernel of its network namespace.
    pub kernel: bool,
    /// Routes that stand in its table without being learned; they are told to nobody unless
    /// `originate` has them too.
    pub static_routes: Vec<StaticRoute>,
    /// Timers of BFD, for neighbours with `bfd`.
    pub bfd: BfdConfig,
    /// Timers of neighbours that have their own; [`RouterConfig::bfd_of`] knows for all.
    pub bfd_of_neighbor: Vec<(NeighborId, BfdConfig)>,
    /// Where MRT files go (RFC 6396).
    pub mrt: Option<MrtConfig>,
    /// BMP stations (RFC 7854).
    pub bmp: Vec<BmpConfig>,
}

impl RouterConfig {
    /// The neighbour of a name.
    pub fn neighbor(&self, name: &str) -> Option<NeighborId> {
        let place = self
            .settings
            .neighbors
            .iter()
            .position(|neighbor| neighbor.name == name)?;
        u32::try_from(place).ok().map(NeighborId)
    }

    /// The timers of BFD for a neighbour.
    pub fn bfd_of(&self, neighbor: NeighborId) -> BfdConfig {
        let own = self.bfd_of_neighbor.iter().find(|(id, _)| *id == neighbor);
        own.map_or(self.bfd, |(_, timers)| *timers)
    }
}

/// A route that is not learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticRoute {
    /// Where to.
    pub prefix: Net,
    /// By whom; `None` discards, which keeps an aggregate from looping.
    pub next_hop: Option<IpAddr>,
}

/// How a neighbour's TCP segments are signed, with the key still in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthConfig {
    /// Path of the file with the key; refused unless only its owner can read it.
    pub file: String,
    /// What is done with the key.
    pub kind: AuthKind,
}

impl AuthConfig {
    /// With the key out of the file.
    pub fn with(&self, key: Secret) -> Auth {
        match self.kind {
            AuthKind::Md5 => Auth::Md5(key),
            AuthKind::Ao {
                algorithm,
                send_id,
                receive_id,
            } => Auth::Ao {
                algorithm,
                send_id,
                receive_id,
                key,
            },
        }
    }
}

/// What is done with the key of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthKind {
    /// TCP MD5 signatures (RFC 2385).
    Md5,
    /// TCP-AO (RFC 5925).
    Ao {
        /// The MAC.
        algorithm: AoAlgorithm,
        /// The key's ID in what we send.
        send_id: u8,
        /// The key's ID in what we receive.
        receive_id: u8,
    },
}

/// Timers of BFD (RFC 5880).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BfdConfig {
    /// How often we would send.
    pub min_tx: Duration,
    /// How often we would receive.
    pub min_rx: Duration,
    /// How many packets in a row may be lost.
    pub multiplier: u8,
}

impl BfdConfig {
    /// What a file that says nothing means: 300 ms and three packets, as ExpressRoute has it.
    pub const DEFAULT: Self = Self {
        min_tx: Duration::from_millis(300),
        min_rx: Duration::from_millis(300),
        multiplier: 3,
    };
}

/// MRT files (RFC 6396).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MrtConfig {
    /// The directory they are written to.
    pub directory: String,
    /// Whether messages are written as they come and go.
    pub messages: bool,
    /// How often the whole table is written; never when `None`.
    pub table_every: Option<Duration>,
    /// After how long a new file is begun.
    pub rotate_every: Duration,
}

/// A BMP station (RFC 7854).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BmpConfig {
    /// Where it listens.
    pub address: SocketAddr,
    /// How often statistics are sent.
    pub statistics_every: Duration,
}
