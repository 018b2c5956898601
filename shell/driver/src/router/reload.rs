//! What has to be done for a running router to have the configuration that its file has now.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bgp::{Command, Neighbor, NeighborId, Settings, Speaker};
use design::plan::RouterConfig;

/// Which number the speaker has for a neighbour, known by its address.
#[derive(Debug)]
pub(super) struct Neighbors(BTreeMap<IpAddr, NeighborId>);

impl Neighbors {
    /// Those that a speaker has.
    pub(super) fn of(speaker: &Speaker) -> Self {
        let neighbors = speaker.neighbors();
        Self(
            neighbors
                .map(|view| (view.settings.address, view.id))
                .collect(),
        )
    }

    /// The number of the neighbour with this address.
    pub(super) fn id(&self, address: IpAddr) -> Option<NeighborId> {
        self.0.get(&address).copied()
    }

    /// What the speaker is to be told, in order; an unchanged neighbour is not mentioned.
    pub(super) fn changes(&self, old: &RouterConfig, new: &RouterConfig) -> Vec<Command> {
        let (before, after) = (by_address(old), by_address(new));
        let gone = before
            .keys()
            .filter(|address| !after.contains_key(*address));
        let mut commands: Vec<Command> = gone
            .filter_map(|address| self.id(*address).map(Command::RemoveNeighbor))
            .collect();
        let settings = alone(new);
        if alone(old) != settings {
            commands.push(Command::SetSettings(Box::new(settings)));
        }
        for neighbor in &new.settings.neighbors {
            let was = before.get(&neighbor.address);
            if was == Some(&neighbor) {
                continue;
            }
            let settings = Box::new(neighbor.clone());
            commands.push(match was.and_then(|was| self.id(was.address)) {
                Some(id) => Command::SetNeighbor(id, settings),
                None => Command::AddNeighbor(settings),
            });
        }
        commands.extend(originations(old, new));
        commands
    }
}

fn by_address(config: &RouterConfig) -> BTreeMap<IpAddr, &Neighbor> {
    let neighbors = config.settings.neighbors.iter();
    neighbors
        .map(|neighbor| (neighbor.address, neighbor))
        .collect()
}

/// The settings of the speaker itself.
fn alone(config: &RouterConfig) -> Settings {
    Settings {
        neighbors: Vec::new(),
        ..config.settings.clone()
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
    gone.map(|net| Command::Withdraw(**net))
        .chain(come.map(|(net, how)| Command::Originate(**net, (*how).clone())))
        .collect()
}
