//! Paths and what they carry: how each stands with each class, by which measurement and which rule, and the last moves.

use serde::{Deserialize, Serialize};

use crate::FormatVersion;

/// The paths of one or more nodes, ordered by device and neighbour, and the moves, ordered by device and time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The paths, once for each class and once for what is of no class.
    pub paths: Vec<PathStanding>,
    /// The last moves of traffic from path to path.
    pub moves: Vec<PathMove>,
}

/// How a path stands with a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStanding {
    /// The device that was asked.
    pub device: String,
    /// The neighbour.
    pub neighbor: String,
    /// The underlay of the site's end, or the other side's locator.
    pub path: String,
    /// The class; `None` for what is of no class.
    pub class: Option<String>,
    /// Whether it carries the class.
    pub carries: bool,
    /// `down`; `keeps` what the class asks, is `held` because it does so again but not for long enough, or `breaks` it.
    pub standing: String,
    /// Which measurement and which rule say so.
    pub because: String,
}

/// A move of a class, or of what is of no class, to other paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathMove {
    /// The device that was asked.
    pub device: String,
    /// Milliseconds since then.
    pub ago_ms: u64,
    /// The neighbour.
    pub neighbor: String,
    /// The class; `None` for what is of no class.
    pub class: Option<String>,
    /// The paths that carried it.
    pub from: Vec<String>,
    /// The paths that carry it since then.
    pub to: Vec<String>,
    /// What kind of reason: `appeared`, `down`, `up`, `rtt`, `jitter`, `loss`, `degraded`, `kept`, `better`.
    pub cause: String,
    /// The reason in words, with the measurement and the rule.
    pub because: String,
}

impl Paths {
    /// Answers of several devices as one.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.paths.extend(part.paths);
            all.moves.extend(part.moves);
        }
        // Stable: the order within a device stays.
        all.paths
            .sort_by(|a, b| (&a.device, &a.neighbor).cmp(&(&b.device, &b.neighbor)));
        all.moves.sort_by(|a, b| a.device.cmp(&b.device));
        all
    }
}
