//! What has to be done for a running router to have the configuration that its file has now.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bgp::{Command, Neighbor, NeighborId, Settings};
use design::plan::RouterConfig;

/// Which number the speaker has for a neighbour, known by its address.
#[derive(Debug)]
pub(super) struct Neighbors {
    ids: BTreeMap<IpAddr, NeighborId>,
    /// How many the speaker has had, those that are gone included.
    count: u32,
}

/// Whether a running router can go from one configuration to the other.
pub(super) fn possible(old: &RouterConfig, new: &RouterConfig) -> Result<(), String> {
    if (&old.mrt, &old.bmp) != (&new.mrt, &new.bmp) {
        return Err("`mrt` or `bmp` has changed: restart the router".to_owned());
    }
    let alone = |config: &RouterConfig| Settings {
        neighbors: Vec::new(),
        ..config.settings.clone()
    };
    let (old, new) = (alone(old), alone(new));
    if old == new {
        return Ok(());
    }
    let what = if old.local_as != new.local_as {
        "`asn`"
    } else if old.router_id != new.router_id {
        "`router_id`"
    } else {
        "how routes are chosen"
    };
    Err(format!(
        "{what} has changed, which concerns all sessions: restart the router"
    ))
}

impl Neighbors {
    /// Those that a speaker begins with.
    pub(super) fn new(config: &RouterConfig) -> Self {
        let mut neighbors = Self {
            ids: BTreeMap::new(),
            count: 0,
        };
        for neighbor in &config.settings.neighbors {
            neighbors.add(neighbor.address);
        }
        neighbors
    }

    /// The number of the neighbour with this address.
    pub(super) fn id(&self, address: IpAddr) -> Option<NeighborId> {
        self.ids.get(&address).copied()
    }

    /// What the speaker is to be told, in order; an unchanged neighbour is not mentioned.
    pub(super) fn changes(&mut self, old: &RouterConfig, new: &RouterConfig) -> Vec<Command> {
        let mut commands = Vec::new();
        for neighbor in &old.settings.neighbors {
            let stays = |other: &Neighbor| other.address == neighbor.address;
            if !new.settings.neighbors.iter().any(stays)
                && let Some(id) = self.ids.remove(&neighbor.address)
            {
                commands.push(Command::RemoveNeighbor(id));
            }
        }
        let before: BTreeMap<IpAddr, &Neighbor> = old
            .settings
            .neighbors
            .iter()
            .map(|neighbor| (neighbor.address, neighbor))
            .collect();
        for neighbor in &new.settings.neighbors {
            match self.ids.get(&neighbor.address).copied() {
                None => {
                    self.add(neighbor.address);
                    commands.push(Command::AddNeighbor(Box::new(neighbor.clone())));
                }
                Some(id) => {
                    if before.get(&neighbor.address).copied() != Some(neighbor) {
                        commands.push(Command::SetNeighbor(id, Box::new(neighbor.clone())));
                    }
                }
            }
        }
        commands.extend(originations(old, new));
        commands
    }

    fn add(&mut self, address: IpAddr) {
        self.ids.insert(address, NeighborId(self.count));
        self.count += 1;
    }
}

/// Routes of its own that go, come or change.
fn originations(old: &RouterConfig, new: &RouterConfig) -> Vec<Command> {
    let before: BTreeMap<_, _> = old.originate.iter().map(|(net, how)| (net, how)).collect();
    let after: BTreeMap<_, _> = new.originate.iter().map(|(net, how)| (net, how)).collect();
    let gone = before.keys().filter(|net| !after.contains_key(*net));
    let come = after
        .iter()
        .filter(|(net, how)| before.get(*net) != Some(how));
    gone.map(|net| Command::Withdraw((**net).into()))
        .chain(come.map(|(net, how)| Command::Originate((**net).into(), (*how).clone())))
        .collect()
}
