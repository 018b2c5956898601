//! How far a network stands: tunnels that work, BGP sessions that stand, and what is forwarded.
//!
//! A lab that comes up waits for all of it; one that walks from one network to another waits, in
//! between, for what both have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use design::plan::Plan;
use view::{Answer, DeviceKind, DeviceStatus, FABRIC, Query};

use crate::daemons;
use crate::state::State;

/// How long one answer may take.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// How much of something there is: what works, of how much.
pub(crate) type Count = (usize, usize);

/// A network at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Tunnel paths between our own nodes: what works, of how many.
    pub paths: Count,
    /// BGP sessions between our own daemons, counted at both ends: what stands, of how many.
    pub sessions: Count,
    tables: Vec<Option<Answer>>,
}

impl Standing {
    /// Whether every path works and every session stands.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.paths.0 == self.paths.1 && self.sessions.0 == self.sessions.1
    }
}

/// Where to look.
pub(crate) struct Look<'a> {
    pub(crate) state: &'a State,
    pub(crate) plan: &'a Plan,
    /// Another network from which, or to which, the lab is on its way: only what both have counts.
    pub(crate) other: Option<&'a Plan>,
}

impl Look<'_> {
    /// Everything at once.
    pub(crate) fn all(&self) -> Standing {
        Standing {
            paths: self.paths(),
            sessions: self.sessions(),
            tables: self.tables(),
        }
    }

    /// Working paths between our own nodes. Those to foreign devices come when they are started.
    pub(crate) fn paths(&self) -> Count {
        let mut wanted = paths(self.plan);
        if let Some(other) = self.other {
            let kept = paths(other);
            wanted.retain(|path| kept.contains(path));
        }
        let mut count = BTreeMap::new();
        for (node, ..) in wanted {
            *count.entry(node).or_insert(0) += 1;
        }
        self.sum(&count, |status| status.paths_up)
    }

    /// Established BGP sessions between our own daemons.
    pub(crate) fn sessions(&self) -> Count {
        let mut expected = own_sessions(self.plan);
        if let Some(other) = self.other {
            let kept = own_sessions(other);
            for (device, peers) in &mut expected {
                let known = kept.get(device);
                peers.retain(|peer| known.is_some_and(|known| known.contains(peer)));
            }
        }
        let count = expected
            .iter()
            .map(|(device, peers)| (device.as_str(), peers.len()));
        self.sum(&count.collect(), |status| status.sessions_up)
    }

    /// The forwarding tables of all nodes, routers and of the fabric.
    pub(crate) fn tables(&self) -> Vec<Option<Answer>> {
        let devices = daemons::devices(self.plan).filter(|(_, kind)| {
            matches!(kind, DeviceKind::Nva | DeviceKind::Cpe | DeviceKind::Router)
        });
        let devices = devices.map(|(device, _)| device).chain([FABRIC]);
        devices
            .map(|device| self.ask(device, &Query::Forwarding))
            .collect()
    }

    /// Adds up what devices have, of what they should have.
    fn sum(&self, expected: &BTreeMap<&str, usize>, has: impl Fn(&DeviceStatus) -> u32) -> Count {
        expected
            .iter()
            .fold((0, 0), |(done, total), (device, expected)| {
                let found = match self.ask(device, &Query::Status) {
                    Some(Answer::Status(status)) => has(&status) as usize,
                    _ => 0,
                };
                (done + found.min(*expected), total + expected)
            })
    }

    fn ask(&self, device: &str, query: &Query) -> Option<Answer> {
        driver::ask(&self.state.control_socket(device), query, ANSWER_PATIENCE).ok()
    }
}

/// Every path between our own nodes, at both ends: node, own locator, the other's locator.
fn paths(plan: &Plan) -> BTreeSet<(&str, &str, &str)> {
    let own: BTreeSet<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
    let links = plan.nodes.iter().flat_map(|node| {
        let links = node.links.iter();
        links.map(move |link| (node.name.as_str(), link))
    });
    links
        .filter(|(_, link)| own.contains(link.neighbor.as_str()))
        .flat_map(|(node, link)| {
            let paths = link.paths.iter();
            paths.map(move |path| (node, path.local.as_str(), path.remote.as_str()))
        })
        .collect()
}

/// The BGP sessions that each of our own daemons has with others of them.
fn own_sessions(plan: &Plan) -> BTreeMap<String, Vec<String>> {
    let own: BTreeSet<&str> = daemons::devices(plan).map(|(device, _)| device).collect();
    let mut sessions = view::expected_sessions(plan);
    sessions.retain(|device, _| own.contains(device.as_str()));
    for peers in sessions.values_mut() {
        peers.retain(|peer| own.contains(peer.as_str()));
    }
    sessions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_networks_only_what_both_have_counts() {
        let text = |sites: &str| {
            format!(
                "longhaul: 1\nname: small\noverlay: {{asn: 65010, summaries: [10.0.0.0/8]}}\nregions:\n  westeurope:\n    hub: {{address_space: 10.1.0.0/20}}\nsites:\n{sites}"
            )
        };
        let site = |name: &str, net: u8| {
            format!("  - {{name: {name}, city: Paris, lans: [10.200.{net}.0/24]}}\n")
        };
        let plan = |text: &str| {
            let (design, reports) = design::read("small.yaml", text, &design::NoFiles);
            let design = design.unwrap_or_else(|| panic!("{}", reports.render(false)));
            let plan = design::resolve(&design, &|_| String::new());
            plan.unwrap_or_else(|reports| panic!("{}", reports.render(false)))
        };
        let one = plan(&text(&site("paris", 1)));
        let two = plan(&text(&(site("paris", 1) + &site("lyon", 2))));
        let state = State::new(std::path::Path::new("/nonexistent"), "small");
        let total = |plan, other| {
            let look = Look {
                state: &state,
                plan,
                other,
            };
            (look.paths().1, look.sessions().1)
        };
        assert!(total(&two, None) > total(&one, None));
        assert_eq!(total(&two, Some(&one)), total(&one, None));
        assert_eq!(total(&one, Some(&two)), total(&one, None));
    }
}
