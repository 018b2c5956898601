//! What the fabric was told last of each prefix, so that it hears of changes only.

use core::net::{IpAddr, Ipv4Addr};

use bgp::Path;
use inet::{Prefix, PrefixMap};

/// Next hops by prefix, each list in order.
#[derive(Debug, Default)]
pub(super) struct NextHops(PrefixMap<Box<[Ipv4Addr]>>);

impl NextHops {
    /// Takes the next hops of a prefix; true when they changed.
    pub(super) fn set(&mut self, prefix: Prefix, next_hops: &[Ipv4Addr]) -> bool {
        if self.of(prefix) == next_hops {
            return false;
        }
        if next_hops.is_empty() {
            self.0.remove(prefix);
        } else {
            self.0.insert(prefix, next_hops.into());
        }
        true
    }

    pub(super) fn of(&self, prefix: Prefix) -> &[Ipv4Addr] {
        self.0.get(prefix).map_or(&[], |next_hops| next_hops)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Prefix, &[Ipv4Addr])> {
        self.0
            .iter()
            .map(|(prefix, next_hops)| (prefix, &**next_hops))
    }

    pub(super) fn prefixes(&self) -> Vec<Prefix> {
        self.iter().map(|(prefix, _)| prefix).collect()
    }
}

/// The next hops of learned paths, in order and each once.
pub(super) fn of_paths<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<Ipv4Addr> {
    let learned = paths.filter(|path| path.neighbor.is_some());
    let mut next_hops: Vec<Ipv4Addr> = learned
        .filter_map(|path| match path.attributes.next_hop {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
        .collect();
    next_hops.sort_unstable();
    next_hops.dedup();
    next_hops
}
