//! What has to be done for a running router to have the configuration that its file has now.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bgp::{Command, Neighbor, NeighborId, Policy, Settings, Speaker};
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

    /// What the speaker is to be told when all neighbours have their numbers: the file numbers
    /// them by their order, and a policy that names one is to mean the speaker's.
    pub(super) fn policies(&self, speaker: &Speaker, new: &RouterConfig) -> Vec<Command> {
        let number = |place: NeighborId| {
            let neighbor = new.settings.neighbors.get(place.index());
            neighbor
                .and_then(|neighbor| self.id(neighbor.address))
                .unwrap_or(place)
        };
        let change = |neighbor: &Neighbor| {
            let id = self.id(neighbor.address)?;
            let renumbered = |policy: &Option<Policy>| {
                let policy = policy.as_ref()?;
                Some(policy.renumbered(&number))
            };
            let settings = Neighbor {
                import: renumbered(&neighbor.import),
                export: renumbered(&neighbor.export),
                ..neighbor.clone()
            };
            let same = *speaker.neighbor(id)?.settings == settings;
            (!same).then(|| Command::SetNeighbor(id, Box::new(settings)))
        };
        new.settings.neighbors.iter().filter_map(change).collect()
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

#[cfg(test)]
mod tests {
    use bgp::Input;
    use inet::Instant;

    use super::*;

    fn config(neighbors: &str) -> RouterConfig {
        let text = format!(
            "router: 1\nname: r\nasn: 65000\nrouter_id: 192.0.2.1\nlisten: [192.0.2.1:179]
policies: 'policy p {{ if from neighbor a {{ reject }} accept }}'
neighbors:\n{neighbors}"
        );
        let (config, reports) = design::read_router("router.yaml", &text);
        config.unwrap_or_else(|| panic!("{}", reports.render(false)))
    }

    #[test]
    fn a_policy_means_the_same_neighbour_wherever_that_stands_in_the_file() {
        let a = "  a: {address: 192.0.2.2, asn: 65001, export: p}\n";
        let b = "  b: {address: 192.0.2.3, asn: 65002, export: p}\n";
        let c = "  c: {address: 192.0.2.4, asn: 65003, export: p}\n";
        let old = config(&format!("{a}{b}"));
        let new = config(&format!("{c}{b}{a}"));
        let now = Instant::ZERO;
        let mut speaker = Speaker::new(old.settings.clone(), 1, now);
        let tell = |speaker: &mut Speaker, commands: Vec<Command>| {
            for command in commands {
                speaker.handle(now, Input::Command(command), &mut Vec::new());
            }
        };
        let commands = Neighbors::of(&speaker).changes(&old, &new);
        tell(&mut speaker, commands);
        let commands = Neighbors::of(&speaker).policies(&speaker, &new);
        tell(&mut speaker, commands);
        for neighbor in speaker.neighbors() {
            let export = format!("{:?}", neighbor.settings.export);
            assert!(export.contains("From(NeighborId(0))"), "{export}");
        }
        let again = Neighbors::of(&speaker);
        assert!(again.policies(&speaker, &new).is_empty());
    }
}
