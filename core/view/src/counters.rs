//! What passed through nodes and what came to nothing, by reason.

use serde::{Deserialize, Serialize};

use crate::FormatVersion;

/// The counters of one or more nodes, ordered by device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The counters.
    pub counters: Vec<Counter>,
}

/// A counter of a node, since its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// The device that was asked.
    pub device: String,
    /// What is counted: `packets` that passed, what `protection` sent and made good, packets that were dropped
    /// (`drops`), or messages that came to nothing in `tunnels`.
    pub group: String,
    /// Which of them, or why.
    pub name: String,
    /// How many.
    pub value: u64,
}

impl Counters {
    /// Answers of several devices as one.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts = parts.into_iter().flat_map(|part| part.counters);
        let mut counters: Vec<Counter> = parts.collect();
        // Stable: the order within a device stays.
        counters.sort_by(|a, b| a.device.cmp(&b.device));
        Self {
            format_version: FormatVersion,
            counters,
        }
    }
}
