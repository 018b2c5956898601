//! Metrics of what passed through a node, and of what came to nothing.

use view::Counter;

use super::{Counters, Sheet};

/// A group of counters: its name in answers, and name and help text of its metric.
const GROUPS: &[(&str, &str, &str)] = &[
    (
        "packets",
        "longhaul_node_packets",
        "Packets that passed, by where they came from or went",
    ),
    (
        "protection",
        "longhaul_node_protection_packets",
        "What protection against loss sent and made good",
    ),
    (
        "drops",
        "longhaul_node_drops",
        "Packets that were dropped, by reason",
    ),
    (
        "tunnels",
        "longhaul_node_tunnel_messages",
        "Messages that came to nothing in tunnels, by reason",
    ),
];

impl Sheet {
    /// What only a node has.
    pub(super) fn node_counters(&mut self, counters: &[Counter]) {
        for (group, name, help) in GROUPS {
            let family = Counters::default();
            self.registry.register(*name, *help, family.clone());
            for counter in counters.iter().filter(|counter| counter.group == *group) {
                let labels = vec![("reason", counter.name.clone())];
                family.get_or_create(&labels).inc_by(counter.value);
            }
        }
    }
}
