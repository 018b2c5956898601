//! VNet peerings by name, over the address space that an instance knows.
//!
//! A configuration has address space only. A peering that management makes has a name; address
//! space that came with the configuration is a peering under its prefix, `10.31.0.0-16`.

use core::fmt;
use std::collections::BTreeMap;

use design::plan::RouteServerConfig;
use inet::Prefix;

use super::Command;

/// The peerings that have names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peerings {
    named: BTreeMap<String, Vec<Prefix>>,
}

/// A peering of the Route Server's VNet with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    /// Its name.
    pub name: String,
    /// The other VNet's address space.
    pub space: Vec<Prefix>,
    /// Whether the other VNet uses the Route Server, so that its address space is announced.
    pub gateway_transit: bool,
}

/// Why a peering is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeeringRefusal {
    /// It has no address space.
    Empty,
    /// Address space of two VNets that are peered cannot overlap.
    Overlap {
        /// A prefix of the new one.
        prefix: Prefix,
        /// What is there already.
        other: Prefix,
    },
    /// There are as many VNets as the platform takes.
    TooMany(u32),
}

impl fmt::Display for PeeringRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the other VNet has no address space"),
            Self::Overlap { prefix, other } => {
                write!(f, "{prefix} overlaps {other}, which is there already")
            }
            Self::TooMany(most) => write!(f, "a Route Server serves at most {most} VNets"),
        }
    }
}

impl core::error::Error for PeeringRefusal {}

impl Peerings {
    /// All peerings, ordered by name.
    pub fn list(&self, config: &RouteServerConfig) -> Vec<Peering> {
        let transit = |space: &[Prefix]| space.iter().any(|it| config.announced.contains(it));
        let mut all: Vec<Peering> = self
            .named
            .iter()
            .map(|(name, space)| Peering {
                name: name.clone(),
                space: space.clone(),
                gateway_transit: transit(space),
            })
            .collect();
        let unnamed = config.vnet_space.iter().filter(|prefix| {
            !is_own(config, **prefix) && !self.named.values().flatten().any(|it| it == *prefix)
        });
        all.extend(unnamed.map(|prefix| Peering {
            name: prefix.to_string().replace('/', "-"),
            space: vec![*prefix],
            gateway_transit: transit(&[*prefix]),
        }));
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Makes a peering or replaces the one of this name: the command that does it.
    pub fn put(
        &mut self,
        config: &RouteServerConfig,
        peering: Peering,
    ) -> Result<Command, PeeringRefusal> {
        let all = self.list(config);
        let (same, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|other| other.name == peering.name);
        let vnets = config.limits.vnets;
        if vnets > 0 && others.len() + 2 > vnets as usize {
            return Err(PeeringRefusal::TooMany(vnets));
        }
        if peering.space.is_empty() {
            return Err(PeeringRefusal::Empty);
        }
        let old: Vec<Prefix> = same.into_iter().flat_map(|peering| peering.space).collect();
        let kept = config.vnet_space.iter().filter(|it| !old.contains(it));
        for prefix in &peering.space {
            let overlaps = |other: &&Prefix| other.covers(*prefix) || prefix.covers(**other);
            if let Some(other) = kept.clone().find(overlaps) {
                let (prefix, other) = (*prefix, *other);
                return Err(PeeringRefusal::Overlap { prefix, other });
            }
        }
        let announced: &[Prefix] = if peering.gateway_transit {
            &peering.space
        } else {
            &[]
        };
        let command = vnets_command(config, &old, announced, &peering.space);
        self.named.insert(peering.name, peering.space);
        Ok(command)
    }

    /// Ends a peering: the command that does it; `None` when there is no such.
    pub fn remove(&mut self, config: &RouteServerConfig, name: &str) -> Option<Command> {
        let mut all = self.list(config).into_iter();
        let peering = all.find(|peering| peering.name == name)?;
        self.named.remove(name);
        Some(vnets_command(config, &peering.space, &[], &[]))
    }
}

/// Address space of the Route Server's own VNet.
fn is_own(config: &RouteServerConfig, prefix: Prefix) -> bool {
    config.own_space.contains(&prefix) || prefix.covers(config.subnet)
}

fn vnets_command(
    config: &RouteServerConfig,
    without: &[Prefix],
    announced: &[Prefix],
    space: &[Prefix],
) -> Command {
    let with = |old: &[Prefix], new: &[Prefix]| -> Vec<Prefix> {
        let kept = old.iter().filter(|prefix| !without.contains(prefix));
        kept.chain(new).copied().collect()
    };
    Command::Vnets {
        announced: with(&config.announced, announced),
        space: with(&config.vnet_space, space),
    }
}
