//! The counters of a node.

use node::Node;

use crate::{Counter, Counters, FormatVersion};

pub(super) fn counters(node: &Node, device: &str) -> Counters {
    Counters {
        format_version: FormatVersion,
        counters: list(node, device),
    }
}

/// Packets that passed, in any case; protection, drops by reason and tunnels' troubles where there were any.
pub(super) fn list(node: &Node, device: &str) -> Vec<Counter> {
    let counters = node.counters();
    let packets = [
        ("from-kernel", counters.from_kernel),
        ("to-kernel", counters.to_kernel),
        ("to-tunnels", counters.to_tunnels),
        ("from-tunnels", counters.from_tunnels),
        ("relayed", counters.relayed),
        ("icmp-errors", counters.icmp_errors),
    ];
    let packets = packets.map(|(name, value)| ("packets", name, value));
    let protection = [
        ("copies", counters.copies),
        ("parity", counters.parity),
        ("recovered", counters.recovered),
        ("duplicates", counters.duplicates),
    ];
    let protection = protection.into_iter();
    let protection = protection.map(|(name, value)| ("protection", name, value));
    let drops = counters.drops.iter();
    let drops = drops.map(|(reason, count)| ("drops", reason.name(), *count));
    let tunnels = node.all_tunnel_counters().named();
    let tunnels = tunnels.map(|(name, value)| ("tunnels", name, value));
    let seen = protection.chain(drops).chain(tunnels);
    let seen = seen.filter(|(.., value)| *value > 0);
    packets
        .into_iter()
        .chain(seen)
        .map(|(group, name, value)| Counter {
            device: device.to_owned(),
            group: group.to_owned(),
            name: name.to_owned(),
            value,
        })
        .collect()
}
