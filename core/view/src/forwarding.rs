//! Forwarding tables: where each device sends what, and nothing else.
//!
//! Simulation and lab must agree on this byte for byte, so there is no time, counter or
//! identifier in it, and every list is sorted.

use inet::Prefix;
use serde::{Deserialize, Serialize};

use crate::FormatVersion;

/// The forwarding tables of a network, ordered by device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarding {
    /// Always 1.
    pub format_version: FormatVersion,
    /// A table for each node, and one for each network interface in a VNet.
    pub devices: Vec<DeviceForwarding>,
}

/// The forwarding table of a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceForwarding {
    /// A node's name; for what the platform does with the packets of an interface, `device/eth0`.
    pub device: String,
    /// Its routes, ordered by prefix.
    pub routes: Vec<ForwardingRoute>,
}

/// A prefix and the next hops that share its flows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForwardingRoute {
    /// The prefix.
    pub prefix: Prefix,
    /// Sorted names of neighbours, addresses of next hops, or `local`, `discard`, `internet`.
    pub next_hops: Vec<String>,
}

impl Forwarding {
    /// Answers of several devices as one.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut devices: Vec<DeviceForwarding> =
            parts.into_iter().flat_map(|part| part.devices).collect();
        for device in &mut devices {
            for route in &mut device.routes {
                route.next_hops.sort();
            }
            device.routes.sort();
        }
        devices.sort();
        Self {
            format_version: FormatVersion,
            devices,
        }
    }

    /// Where two networks differ, one line each: `device prefix: these next hops, those next hops`.
    /// Empty when they agree.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let flat = |side: &Self| -> std::collections::BTreeMap<(String, Option<Prefix>), String> {
            side.devices
                .iter()
                .flat_map(|device| {
                    let itself = ((device.device.clone(), None), "present".to_owned());
                    let routes = device.routes.iter().map(|route| {
                        let key = (device.device.clone(), Some(route.prefix));
                        (key, route.next_hops.join(" "))
                    });
                    core::iter::once(itself).chain(routes)
                })
                .collect()
        };
        let (left, right) = (flat(self), flat(other));
        let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
        keys.into_iter()
            .filter(|key| left.get(key) != right.get(key))
            .map(|key| {
                let side = |map: &std::collections::BTreeMap<_, String>| {
                    map.get(key)
                        .map_or_else(|| "absent".to_owned(), Clone::clone)
                };
                let place = key
                    .1
                    .map_or_else(String::new, |prefix| format!(" {prefix}"));
                format!("{}{place}: {}, {}", key.0, side(&left), side(&right))
            })
            .collect()
    }
}
