//! What `up` tells while it works.

use serde::{Deserialize, Serialize};

/// A stage of bringing a lab up, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A network namespace for each device and host.
    Namespaces,
    /// The fabric answers.
    Fabric,
    /// The Route Server instances answer.
    RouteServers,
    /// Paths between nodes work.
    Tunnels,
    /// BGP sessions are established.
    Bgp,
    /// Every host has reached every other one.
    Verification,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 6] = [
        Self::Namespaces,
        Self::Fabric,
        Self::RouteServers,
        Self::Tunnels,
        Self::Bgp,
        Self::Verification,
    ];

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Fabric => "fabric",
            Self::RouteServers => "Route Servers",
            Self::Tunnels => "tunnels",
            Self::Bgp => "BGP",
            Self::Verification => "verification",
        }
    }
}

/// Someone who wants to know how far `up` is.
pub trait Progress {
    /// `done` of `total` parts of a stage are done. Stages come in order; the last call of a stage
    /// has both equal, unless `up` fails.
    fn advance(&mut self, stage: Stage, done: usize, total: usize);
}

impl<F: FnMut(Stage, usize, usize)> Progress for F {
    fn advance(&mut self, stage: Stage, done: usize, total: usize) {
        self(stage, done, total);
    }
}
