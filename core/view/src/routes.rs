//! BGP routes, with the reason for each choice.

use core::net::IpAddr;

use inet::Net;
use serde::{Deserialize, Serialize};

use crate::FormatVersion;

/// The BGP routes of one or more devices, ordered by device, prefix, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routes {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The routes.
    pub routes: Vec<Route>,
}

/// A candidate for a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The device that was asked.
    pub device: String,
    /// The prefix.
    pub prefix: Net,
    /// Whether it is the one that is announced to others.
    pub best: bool,
    /// Whether traffic uses it: the best one and those as good.
    pub used: bool,
    /// Why it is used, or which step of the decision it lost.
    pub why: String,
    /// The neighbour it was learned from; `None` is the device itself.
    pub neighbor: Option<String>,
    /// `NEXT_HOP`.
    pub next_hop: IpAddr,
    /// `AS_PATH`, as operators write it.
    pub as_path: String,
    /// `LOCAL_PREF`.
    pub local_pref: Option<u32>,
    /// `MULTI_EXIT_DISC`.
    pub med: Option<u32>,
    /// Communities, as `64512:100`.
    pub communities: Vec<String>,
    /// Extended communities, as `soo:65010:257`, or hexadecimal.
    pub ext_communities: Vec<String>,
}

impl Routes {
    /// Answers of several devices as one.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut routes: Vec<Route> = parts.into_iter().flat_map(|part| part.routes).collect();
        routes.sort_by(|a, b| {
            let key = |r: &Route| (r.prefix, !r.best, !r.used);
            a.device
                .cmp(&b.device)
                .then(key(a).cmp(&key(b)))
                .then(a.neighbor.cmp(&b.neighbor))
        });
        Self {
            format_version: FormatVersion,
            routes,
        }
    }
}
