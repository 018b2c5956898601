//! The forwarding table: where packets to a prefix go, and which source says so.
//!
//! Several sources may know a prefix (a LAN, a link, a static route, BGP, a summary). The one
//! with the best [`Source`] rules; the others wait. Every change says what the kernel must learn:
//! prefixes that the overlay carries point at the overlay device, prefixes that the platform
//! carries keep pointing at the underlay even when a summary covers them.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use inet::{Prefix, PrefixMap};

use crate::id::{InterfaceId, LinkId, RouterId};

/// Who knows a prefix, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// An own address or LAN.
    Connected,
    /// A neighbour's loopback, or the prefixes behind a plain WireGuard peer.
    Link,
    /// BGP.
    Bgp,
    /// An aggregate that stands for routes over the budget: the rest of it is unreachable.
    Aggregate,
    /// A summary that this node announces: what no longer prefix catches is unreachable.
    Summary,
    /// Classes that break out: the rest is unreachable.
    Breakout,
}

/// Where packets go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Into tunnels: one of these links by flow hash; sorted, never empty.
    Links(Vec<LinkId>),
    /// To these neighbours without tunnels, by the underlay; sorted, never empty.
    Plain(Vec<LinkId>),
    /// To a router of the site.
    Router {
        /// Which one.
        router: RouterId,
        /// The interface towards it.
        interface: InterfaceId,
        /// Its address.
        address: Ipv4Addr,
    },
    /// To the node's own kernel, which has a better route of its own (a LAN, an own address).
    Kernel,
    /// To the node's own kernel, which hands it to the platform through the underlay interface.
    Platform,
    /// Nowhere; the sender is told.
    Unreachable,
    /// To the internet at the site, if its class breaks out.
    Exit,
}

impl Target {
    /// Where the kernel must send packets of this prefix, if the kernel must be told. A default
    /// that leads nowhere stays inside the node: the kernel's own default is the underlay's.
    fn kernel_route(&self, prefix: Prefix) -> Option<RouteVia> {
        match self {
            Self::Unreachable if prefix == Prefix::DEFAULT => None,
            Self::Links(_) | Self::Unreachable => Some(RouteVia::Overlay),
            Self::Platform | Self::Plain(_) => Some(RouteVia::Underlay),
            Self::Router {
                interface, address, ..
            } => Some(RouteVia::Router {
                interface: *interface,
                address: *address,
            }),
            // Only what comes from LANs has its default in the overlay device.
            Self::Kernel | Self::Exit => None,
        }
    }
}

/// The device of a kernel route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteVia {
    /// The overlay device.
    Overlay,
    /// The interface with the default route of the lowest metric, through that route's gateway.
    Underlay,
    /// An interface of the node's, through the router at the other end of it.
    Router {
        /// The interface.
        interface: InterfaceId,
        /// The router's address.
        address: Ipv4Addr,
    },
}

/// A change of a kernel route that a change of the table asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KernelRoute {
    /// The prefix.
    pub(crate) prefix: Prefix,
    /// `Some`: add, or replace what was there. `None`: remove.
    pub(crate) via: Option<RouteVia>,
}

/// The forwarding table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fib {
    prefixes: PrefixMap<BTreeMap<Source, Target>>,
    changes: u64,
}

impl Fib {
    /// An empty table.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Sets or (with `None`) removes what a source knows. Gives what the kernel must be told.
    pub(crate) fn set(
        &mut self,
        prefix: Prefix,
        source: Source,
        target: Option<Target>,
    ) -> Option<KernelRoute> {
        let before = self.kernel_route(prefix);
        match target {
            Some(target) => {
                if let Some(known) = self.prefixes.get_mut(prefix) {
                    if known.get(&source) == Some(&target) {
                        return None;
                    }
                    known.insert(source, target);
                } else {
                    self.prefixes
                        .insert(prefix, BTreeMap::from([(source, target)]));
                }
            }
            None => {
                let known = self.prefixes.get_mut(prefix)?;
                known.remove(&source)?;
                if known.is_empty() {
                    self.prefixes.remove(prefix);
                }
            }
        }
        self.changes += 1;
        let via = self.kernel_route(prefix);
        (via != before).then_some(KernelRoute { prefix, via })
    }

    /// How often anything changed.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    /// The longest match with its ruling source.
    pub(crate) fn longest_match(&self, address: Ipv4Addr) -> Option<(Prefix, Source, &Target)> {
        let (prefix, known) = self.prefixes.longest_match(address)?;
        let (source, target) = known.first_key_value()?;
        Some((prefix, *source, target))
    }

    /// Every prefix with its ruling source, ordered by prefix.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Prefix, Source, &Target)> {
        self.prefixes.iter().filter_map(|(prefix, known)| {
            let (source, target) = known.first_key_value()?;
            Some((prefix, *source, target))
        })
    }

    fn kernel_route(&self, prefix: Prefix) -> Option<RouteVia> {
        self.prefixes
            .get(prefix)?
            .first_key_value()?
            .1
            .kernel_route(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().expect("a prefix")
    }

    fn links(ids: &[u32]) -> Option<Target> {
        Some(Target::Links(ids.iter().copied().map(LinkId).collect()))
    }

    #[test]
    fn the_kernel_hears_of_overlay_prefixes_once() {
        let (mut fib, lan) = (Fib::new(), prefix("10.1.0.0/24"));
        let added = KernelRoute {
            prefix: lan,
            via: Some(RouteVia::Overlay),
        };
        assert_eq!(fib.set(lan, Source::Bgp, links(&[1])), Some(added));
        assert_eq!(fib.set(lan, Source::Bgp, links(&[1, 2])), None);
        let removed = KernelRoute {
            prefix: lan,
            via: None,
        };
        assert_eq!(fib.set(lan, Source::Bgp, None), Some(removed));
        assert_eq!(fib.set(lan, Source::Bgp, None), None);
    }

    #[test]
    fn a_better_source_rules_and_the_other_waits() {
        let (mut fib, lan) = (Fib::new(), prefix("10.1.0.0/24"));
        fib.set(lan, Source::Bgp, links(&[1]));
        let change = fib.set(lan, Source::Connected, Some(Target::Kernel));
        assert_eq!(change.map(|change| change.via), Some(None));
        let change = fib.set(lan, Source::Connected, None);
        assert_eq!(
            change.map(|change| change.via),
            Some(Some(RouteVia::Overlay))
        );
    }

    #[test]
    fn platform_prefixes_keep_the_underlay_inside_a_summary() {
        let mut fib = Fib::new();
        fib.set(
            prefix("10.0.0.0/8"),
            Source::Summary,
            Some(Target::Unreachable),
        );
        let change = fib.set(prefix("10.2.0.0/16"), Source::Bgp, Some(Target::Platform));
        assert_eq!(
            change.map(|change| change.via),
            Some(Some(RouteVia::Underlay))
        );
        let found = fib.longest_match(Ipv4Addr::new(10, 9, 0, 1));
        assert_eq!(
            found,
            Some((prefix("10.0.0.0/8"), Source::Summary, &Target::Unreachable))
        );
    }
}
