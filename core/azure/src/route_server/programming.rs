//! From the paths in use to what the NICs are to have.

use core::net::{IpAddr, Ipv4Addr};

use bgp::Path;
use inet::Prefix;

use super::member::Class;
use super::{Output, RouteServer};

/// What the fabric was told of a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Programmed {
    pub(crate) next_hops: Box<[Ipv4Addr]>,
    /// Whether it was ExpressRoute's.
    pub(crate) express_route: bool,
}

impl RouteServer {
    /// Tells the fabric where a prefix goes, when that changed. What is equal to or inside VNet
    /// address space is known and never programmed.
    pub(crate) fn program(&mut self, prefix: Prefix, out: &mut Vec<Output>) {
        let paths = self.speaker().multipath(prefix);
        let space = &self.config.vnet_space;
        let new = if space.iter().any(|space| space.covers(prefix)) {
            if paths.is_empty() {
                self.covered.remove(&prefix);
            } else {
                self.covered.insert(prefix);
            }
            None
        } else {
            self.covered.remove(&prefix);
            self.programmable(&paths)
        };
        let old = self.programmed.get(prefix);
        if old == new.as_ref() {
            return;
        }
        let had = old.is_some_and(|old| old.express_route);
        let has = new.as_ref().is_some_and(|new| new.express_route);
        let next_hops = new
            .as_ref()
            .map_or(Vec::new(), |new| new.next_hops.to_vec());
        let changed = old.map_or(&[][..], |old| &old.next_hops) != next_hops;
        self.stick(prefix, had && !has && new.is_some(), has);
        match new {
            Some(new) => {
                self.programmed.insert(prefix, new);
            }
            None => {
                self.programmed.remove(prefix);
            }
        }
        if changed && self.is_serving() {
            out.push(Output::Program { prefix, next_hops });
        }
    }

    /// The next hops of the paths in use, in order; `None` when nobody but ourselves has a path.
    fn programmable(&self, paths: &[Path]) -> Option<Programmed> {
        let mut next_hops = Vec::with_capacity(paths.len());
        let mut express_route = false;
        for path in paths {
            let Some(member) = path.neighbor.and_then(|id| self.member(id)) else {
                continue;
            };
            if member.class() == Class::ExpressRoute {
                if express_route && !self.config.choices.expressroute_multipath {
                    continue;
                }
                express_route = true;
            }
            if let IpAddr::V4(next_hop) = path.attributes.next_hop {
                next_hops.push(next_hop);
            }
        }
        next_hops.sort_unstable();
        next_hops.dedup();
        (!next_hops.is_empty()).then(|| Programmed {
            next_hops: next_hops.into(),
            express_route,
        })
    }

    /// Keeps which prefixes stay with the backup when ExpressRoute is back.
    fn stick(&mut self, prefix: Prefix, lost: bool, won: bool) {
        if !self.config.choices.sticky_failback {
            return;
        }
        let changed = if lost {
            self.stuck.insert(prefix)
        } else {
            won && self.stuck.remove(&prefix)
        };
        self.stuck_changed |= changed;
    }
}
