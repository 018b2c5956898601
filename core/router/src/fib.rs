//! The routes that a router wants in its kernel, made of interfaces, static routes and BGP's paths.
//!
//! It decides nothing about paths: it asks the speaker for the set in use and resolves next hops.

#[cfg(test)]
mod tests;

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use bgp::Speaker;
use inet::{FiveTuple, Net, Prefix, PrefixMap, hash};

/// An interface of the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// What is connected to it.
    pub connected: Prefix,
    /// Whether it is up.
    pub up: bool,
}

impl Interface {
    /// An interface that is up; `None` when the prefix length is none.
    pub fn new(name: &str, address: Ipv4Addr, prefix_len: u8) -> Option<Self> {
        Some(Self {
            name: name.to_owned(),
            address,
            connected: Prefix::around(address, prefix_len)?,
            up: true,
        })
    }
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NextHop {
    /// The neighbour's address on the link.
    pub address: Ipv4Addr,
    /// The interface that it is connected to.
    pub interface: String,
}

/// What a kernel is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Add a route in place of an earlier one of the same prefix.
    Add {
        /// The prefix.
        prefix: Prefix,
        /// Flows are shared between these, ordered by address; without any, packets are discarded.
        next_hops: Vec<NextHop>,
    },
    /// Remove a route.
    Remove {
        /// The prefix.
        prefix: Prefix,
    },
}

/// What a packet follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// The prefix of the route.
    pub prefix: Prefix,
    /// Where the route comes from, and where it leads.
    pub via: Via<'a>,
}

/// Where a route comes from, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via<'a> {
    /// An interface's own prefix: out of this interface.
    Connected(&'a str),
    /// A static route.
    Static(Ways<'a>),
    /// BGP.
    Bgp(Ways<'a>),
}

/// The next hops of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways<'a> {
    /// All of them; none discards.
    pub next_hops: &'a [NextHop],
    /// Which one the flow takes.
    pub chosen: Option<usize>,
}

/// The seed of the hash by which a device's kernel shares flows between next hops
/// ([`FiveTuple::choose`] by their addresses): each device has its own.
pub fn flow_seed(device: &str) -> u64 {
    hash::bytes(0, device.as_bytes())
}

/// The routes that a router wants in its kernel.
#[derive(Clone, Debug, Default)]
pub struct Fib {
    interfaces: Vec<Interface>,
    /// Next hops by prefix; none discards.
    statics: BTreeMap<Prefix, Vec<Ipv4Addr>>,
    /// Next hops of the paths in use by prefix; never none.
    learned: BTreeMap<Prefix, Vec<Ipv4Addr>>,
    /// What the kernel was told.
    installed: PrefixMap<Vec<NextHop>>,
}

impl Fib {
    /// Without any route.
    pub fn new(interfaces: Vec<Interface>) -> Self {
        Self {
            interfaces,
            ..Self::default()
        }
    }

    /// Replaces all interfaces: addresses came or went, or an interface went up or down.
    pub fn set_interfaces(&mut self, interfaces: Vec<Interface>) -> Vec<Change> {
        self.interfaces = interfaces;
        self.resolve_all()
    }

    /// An interface went up or down.
    pub fn set_link(&mut self, interface: &str, up: bool) -> Vec<Change> {
        for own in &mut self.interfaces {
            if own.name == interface {
                own.up = up;
            }
        }
        self.resolve_all()
    }

    /// Replaces all static routes. One without next hops discards.
    pub fn set_statics(
        &mut self,
        statics: impl IntoIterator<Item = (Prefix, Vec<Ipv4Addr>)>,
    ) -> Vec<Change> {
        self.statics = statics.into_iter().collect();
        self.resolve_all()
    }

    /// The paths in use for a prefix have changed ([`bgp::Output::Changed`]).
    pub fn changed(&mut self, speaker: &Speaker, net: Net) -> Option<Change> {
        let Net::V4(prefix) = net else {
            return None;
        };
        let mut next_hops: Vec<Ipv4Addr> = Vec::new();
        for path in speaker.multipath(prefix) {
            if let IpAddr::V4(next_hop) = path.attributes.next_hop
                && !next_hop.is_unspecified()
            {
                next_hops.push(next_hop);
            }
        }
        if next_hops.is_empty() {
            self.learned.remove(&prefix);
        } else {
            self.learned.insert(prefix, next_hops);
        }
        self.resolve(prefix)
    }

    /// What the kernel has been told, in order of prefixes.
    pub fn routes(&self) -> impl Iterator<Item = (Prefix, &[NextHop])> {
        let routes = self.installed.iter();
        routes.map(|(prefix, next_hops)| (prefix, next_hops.as_slice()))
    }

    /// What the kernel has been told of a prefix: next hops, none discards; `None` without a route.
    pub fn route(&self, prefix: Prefix) -> Option<&[NextHop]> {
        self.installed.get(prefix).map(Vec::as_slice)
    }

    /// What a packet of a flow follows on the device of a name; `None` without a route. Of several next
    /// hops it is the one that a simulated kernel takes with [`flow_seed`]; a real one has a hash of its own.
    pub fn lookup(&self, device: &str, flow: FiveTuple) -> Option<Lookup<'_>> {
        let interfaces = self.interfaces.iter();
        let connected = interfaces
            .filter(|own| own.up && own.connected.contains(flow.destination))
            .max_by_key(|own| own.connected.len());
        let told = self.installed.longest_match(flow.destination);
        if let Some(own) = connected
            && told.is_none_or(|(prefix, _)| prefix.len() <= own.connected.len())
        {
            return Some(Lookup {
                prefix: own.connected,
                via: Via::Connected(&own.name),
            });
        }
        let (prefix, next_hops) = told?;
        let members = next_hops.iter().map(|hop| hop.address.to_bits().into());
        let ways = Ways {
            chosen: flow.choose(flow_seed(device), members),
            next_hops,
        };
        Some(Lookup {
            prefix,
            via: match self.statics.contains_key(&prefix) {
                true => Via::Static(ways),
                false => Via::Bgp(ways),
            },
        })
    }

    /// Its interfaces.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    fn resolve_all(&mut self) -> Vec<Change> {
        let known = self.statics.keys().chain(self.learned.keys()).copied();
        let installed = self.installed.iter().map(|(prefix, _)| prefix);
        let mut prefixes: Vec<Prefix> = known.chain(installed).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes
            .into_iter()
            .filter_map(|prefix| self.resolve(prefix))
            .collect()
    }

    /// What has to change for one prefix.
    fn resolve(&mut self, prefix: Prefix) -> Option<Change> {
        match self.wanted(prefix) {
            Some(next_hops) if self.installed.get(prefix) == Some(&next_hops) => None,
            Some(next_hops) => {
                self.installed.insert(prefix, next_hops.clone());
                Some(Change::Add { prefix, next_hops })
            }
            None => {
                self.installed.remove(prefix)?;
                Some(Change::Remove { prefix })
            }
        }
    }

    fn wanted(&self, prefix: Prefix) -> Option<Vec<NextHop>> {
        let up = |interface: &&Interface| interface.up;
        if self
            .interfaces
            .iter()
            .filter(up)
            .any(|interface| interface.connected == prefix)
        {
            return None;
        }
        let by_static = self.statics.get(&prefix).and_then(|next_hops| {
            let over_link = next_hops.iter().filter_map(|address| self.link(*address));
            let resolved: Vec<NextHop> = over_link.collect();
            (next_hops.is_empty() || !resolved.is_empty()).then_some(resolved)
        });
        let mut next_hops = by_static.or_else(|| {
            let learned = self.learned.get(&prefix)?;
            let resolved = learned.iter().flat_map(|address| self.reach(*address));
            let resolved: Vec<NextHop> = resolved.collect();
            (!resolved.is_empty()).then_some(resolved)
        })?;
        next_hops.sort_unstable();
        next_hops.dedup();
        Some(next_hops)
    }

    /// An address on a link that is up.
    fn link(&self, address: Ipv4Addr) -> Option<NextHop> {
        let connected = self.interfaces.iter().filter(|interface| {
            interface.up && interface.connected.contains(address) && interface.address != address
        });
        let interface = connected.max_by_key(|interface| interface.connected.len())?;
        Some(NextHop {
            address,
            interface: interface.name.clone(),
        })
    }

    /// How an address is reached: on a link, or over the longest static route.
    fn reach(&self, address: Ipv4Addr) -> Vec<NextHop> {
        if let Some(next_hop) = self.link(address) {
            return vec![next_hop];
        }
        let covering = self
            .statics
            .iter()
            .filter(|(prefix, _)| prefix.contains(address));
        let longest = covering.max_by_key(|(prefix, _)| prefix.len());
        let next_hops = longest.into_iter().flat_map(|(_, next_hops)| next_hops);
        next_hops
            .filter_map(|next_hop| self.link(*next_hop))
            .collect()
    }
}
