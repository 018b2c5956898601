//! What each team does between two designs, found by comparing the devices of both.

use core::fmt;
use std::collections::BTreeMap;

use design::plan::{LinkConfig, NodeConfig, NodeRole, Plan, RouterDevice};
use serde::Serialize;

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Team {
    /// Virtual networks, Route Server, gateways, circuits' connections.
    Azure,
    /// The SD-WAN: hubs, CPEs and their tunnels.
    SdWan,
    /// Customer and provider edges: links, BGP sessions, filters.
    Network,
}

impl fmt::Display for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Azure => "Azure",
            Self::SdWan => "SD-WAN",
            Self::Network => "network",
        })
    }
}

/// One thing to do on one device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Task {
    /// Who.
    pub team: Team,
    /// Where.
    pub device: String,
    /// What.
    pub says: String,
}

/// More lines of a router's file than this are counted, not shown.
const LINES_MAX: usize = 40;

/// What is to be done to come from one Plan to the other.
pub fn work(before: &Plan, after: &Plan) -> Vec<Task> {
    let mut tasks = Tasks::default();
    platform(before, after, &mut tasks);
    nodes(before, after, &mut tasks);
    routers(before, after, &mut tasks);
    tasks.0.sort();
    tasks.0.dedup();
    tasks.0
}

#[derive(Default)]
struct Tasks(Vec<Task>);

impl Tasks {
    fn add(&mut self, team: Team, device: &str, says: impl Into<String>) {
        self.0.push(Task {
            team,
            device: device.to_owned(),
            says: says.into(),
        });
    }
}

/// Values by name in both Plans.
fn paired<'a, T>(
    before: &'a [T],
    after: &'a [T],
    name: impl Fn(&T) -> &str,
) -> BTreeMap<String, (Option<&'a T>, Option<&'a T>)> {
    let mut all: BTreeMap<String, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for one in before {
        all.entry(name(one).to_owned()).or_default().0 = Some(one);
    }
    for one in after {
        all.entry(name(one).to_owned()).or_default().1 = Some(one);
    }
    all
}

fn platform(before: &Plan, after: &Plan, tasks: &mut Tasks) {
    let vnets = paired(&before.fabric.vnets, &after.fabric.vnets, |vnet| &vnet.name);
    for (name, pair) in vnets {
        match pair {
            (None, Some(vnet)) => tasks.add(
                Team::Azure,
                &name,
                format!("create the virtual network {}", words(&vnet.address_space)),
            ),
            (Some(_), None) => tasks.add(Team::Azure, &name, "delete the virtual network"),
            (Some(a), Some(b)) => {
                for subnet in b
                    .subnets
                    .iter()
                    .filter(|subnet| !a.subnets.iter().any(|old| old.name == subnet.name))
                {
                    tasks.add(
                        Team::Azure,
                        &name,
                        format!("add the subnet {} {}", subnet.name, subnet.prefix),
                    );
                }
                for subnet in a
                    .subnets
                    .iter()
                    .filter(|subnet| !b.subnets.iter().any(|new| new.name == subnet.name))
                {
                    tasks.add(
                        Team::Azure,
                        &name,
                        format!("remove the subnet {}", subnet.name),
                    );
                }
                if a.peerings != b.peerings {
                    tasks.add(Team::Azure, &name, "change the flags of its peerings");
                }
            }
            (None, None) => {}
        }
    }
    let servers = paired(&before.route_servers, &after.route_servers, |server| {
        &server.name
    });
    for (name, pair) in servers {
        match pair {
            (None, Some(_)) => tasks.add(Team::Azure, &name, "create the Route Server"),
            (Some(_), None) => tasks.add(Team::Azure, &name, "delete the Route Server"),
            (Some(a), Some(b)) => {
                if a.branch_to_branch != b.branch_to_branch {
                    let says = format!("branch-to-branch {}", on(b.branch_to_branch));
                    tasks.add(Team::Azure, &name, says);
                }
                let mut rest = a.clone();
                rest.branch_to_branch = b.branch_to_branch;
                if rest != *b {
                    tasks.add(Team::Azure, &name, "change its peers or settings");
                }
            }
            (None, None) => {}
        }
    }
    express_route(before, after, tasks);
}

fn express_route(before: &Plan, after: &Plan, tasks: &mut Tasks) {
    for (name, pair) in paired(&before.gateways, &after.gateways, |gateway| &gateway.name) {
        match pair {
            (None, Some(gateway)) => {
                let says = format!("create the ExpressRoute gateway in {}", gateway.vnet);
                tasks.add(Team::Azure, &name, says);
            }
            (Some(_), None) => tasks.add(Team::Azure, &name, "delete the ExpressRoute gateway"),
            (Some(a), Some(b)) if a.connections != b.connections => {
                let circuits = b
                    .connections
                    .iter()
                    .map(|connection| connection.circuit.as_str());
                let circuits = circuits.collect::<Vec<_>>().join(", ");
                let circuits = if circuits.is_empty() {
                    "none".to_owned()
                } else {
                    circuits
                };
                tasks.add(Team::Azure, &name, format!("connections: {circuits}"));
            }
            (Some(a), Some(b)) if a != b => tasks.add(Team::Azure, &name, "change its settings"),
            _ => {}
        }
    }
    for (name, pair) in paired(&before.msees, &after.msees, |msee| &msee.name) {
        match pair {
            (None, Some(msee)) => tasks.add(
                Team::Azure,
                &name,
                format!("order circuit {} and its peerings", msee.circuit),
            ),
            (Some(msee), None) => tasks.add(
                Team::Azure,
                &name,
                format!(
                    "delete circuit {} and end it with the provider",
                    msee.circuit
                ),
            ),
            (Some(a), Some(b)) if a != b => {
                tasks.add(Team::Azure, &name, "change its peerings or connections")
            }
            _ => {}
        }
    }
}

fn nodes(before: &Plan, after: &Plan, tasks: &mut Tasks) {
    for (name, pair) in paired(&before.nodes, &after.nodes, |node| &node.name) {
        match pair {
            (None, Some(node)) => {
                let place = match node.role {
                    NodeRole::Nva { .. } => "deploy the NVA",
                    NodeRole::Cpe { .. } => "install the CPE",
                };
                tasks.add(
                    Team::SdWan,
                    &name,
                    format!("{place}, loopback {}", node.loopback),
                );
                links(&name, &[], &node.links, tasks);
                neighbors(&name, None, node, tasks);
            }
            (Some(_), None) => tasks.add(Team::SdWan, &name, "take it out of service"),
            (Some(a), Some(b)) if a != b => {
                links(&name, &a.links, &b.links, tasks);
                neighbors(&name, Some(a), b, tasks);
                if a.loopback != b.loopback {
                    tasks.add(
                        Team::SdWan,
                        &name,
                        format!(
                            "renumber the loopback from {} to {}",
                            a.loopback, b.loopback
                        ),
                    );
                }
                for interface in &b.interfaces {
                    let old = a.interfaces.iter().find(|old| old.name == interface.name);
                    if let Some(old) = old.filter(|old| old.address != interface.address) {
                        let says = format!(
                            "renumber {} from {} to {}",
                            interface.name, old.address, interface.address
                        );
                        tasks.add(Team::SdWan, &name, says);
                    }
                }
                if a.prepend != b.prepend {
                    tasks.add(
                        Team::SdWan,
                        &name,
                        format!("prepend its AS {} times towards Route Server", b.prepend),
                    );
                }
                if a.summaries != b.summaries {
                    tasks.add(
                        Team::SdWan,
                        &name,
                        format!("announce to sites {}", words(&b.summaries)),
                    );
                }
                if a.route_servers != b.route_servers {
                    let peers = b.route_servers.iter().map(|peer| peer.name.as_str());
                    tasks.add(Team::SdWan, &name, format!("BGP with {}", list(peers)));
                }
                if a.lans != b.lans {
                    let lans: Vec<_> = b.lans.iter().map(|lan| lan.prefix).collect();
                    tasks.add(
                        Team::SdWan,
                        &name,
                        format!("gateway of LANs: {}", words(&lans)),
                    );
                }
            }
            _ => {}
        }
    }
}

fn links(device: &str, before: &[LinkConfig], after: &[LinkConfig], tasks: &mut Tasks) {
    for (neighbor, pair) in paired(before, after, |link| &link.neighbor) {
        let underlays = |link: &LinkConfig| {
            let names = link.paths.iter().map(|path| {
                path.local
                    .rsplit_once('/')
                    .map_or(path.local.as_str(), |(_, name)| name)
            });
            list(names)
        };
        match pair {
            (None, Some(link)) => tasks.add(
                Team::SdWan,
                device,
                format!("tunnels to {neighbor} over {}, BGP inside", underlays(link)),
            ),
            (Some(_), None) => tasks.add(
                Team::SdWan,
                device,
                format!("remove the tunnels to {neighbor}"),
            ),
            (Some(a), Some(b)) if a != b => tasks.add(
                Team::SdWan,
                device,
                format!("change the tunnels to {neighbor}: over {}", underlays(b)),
            ),
            _ => {}
        }
    }
}

fn neighbors(device: &str, before: Option<&NodeConfig>, after: &NodeConfig, tasks: &mut Tasks) {
    let old = before.map(|node| &node.neighbors[..]).unwrap_or_default();
    for (name, pair) in paired(old, &after.neighbors, |neighbor| &neighbor.name) {
        match pair {
            (None, Some(router)) => {
                let accept = router
                    .accept
                    .as_ref()
                    .map_or_else(|| "everything".to_owned(), |list| words(list));
                let says = format!(
                    "BGP with {name} ({}, {}) over {}, accept {accept}",
                    router.address, router.asn, router.interface
                );
                tasks.add(Team::SdWan, device, says);
            }
            (Some(_), None) => tasks.add(Team::SdWan, device, format!("remove BGP with {name}")),
            (Some(a), Some(b)) if a != b => {
                tasks.add(Team::SdWan, device, format!("change BGP with {name}"))
            }
            _ => {}
        }
    }
}

fn routers(before: &Plan, after: &Plan, tasks: &mut Tasks) {
    for (name, pair) in paired(&before.routers, &after.routers, |router| &router.name) {
        match pair {
            (None, Some(router)) => {
                tasks.add(Team::Network, &name, "install the router; its file follows");
                file(&name, "", &router.config, tasks);
            }
            (Some(_), None) => tasks.add(Team::Network, &name, "take it out of service"),
            (Some(a), Some(b)) => {
                interfaces(a, b, tasks);
                file(&name, &a.config, &b.config, tasks);
            }
            (None, None) => {}
        }
    }
}

fn interfaces(before: &RouterDevice, after: &RouterDevice, tasks: &mut Tasks) {
    let name = &before.name;
    for (interface, pair) in paired(&before.interfaces, &after.interfaces, |one| &one.name) {
        match pair {
            (None, Some(new)) => tasks.add(
                Team::Network,
                name,
                format!(
                    "interface {interface} with {}/{}",
                    new.address, new.prefix_len
                ),
            ),
            (Some(_), None) => {
                tasks.add(Team::Network, name, format!("remove interface {interface}"))
            }
            (Some(a), Some(b)) if a != b => tasks.add(
                Team::Network,
                name,
                format!("renumber {interface} from {} to {}", a.address, b.address),
            ),
            _ => {}
        }
    }
}

/// Lines of a router's file that come and go.
fn file(device: &str, before: &str, after: &str, tasks: &mut Tasks) {
    let changes = lines(before, after);
    if changes.is_empty() {
        return;
    }
    let mut says = "its file changes:".to_owned();
    for line in changes.iter().take(LINES_MAX) {
        says.push_str("\n    ");
        says.push_str(line);
    }
    if changes.len() > LINES_MAX {
        says.push_str(&format!(
            "\n    and {} more lines",
            changes.len() - LINES_MAX
        ));
    }
    tasks.add(Team::Network, device, says);
}

/// The lines that differ, with a sign, by longest common subsequence.
fn lines(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            common[i][j] = if a == b {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut changes = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            changes.push(format!("- {}", old[i]));
            i += 1;
        } else {
            changes.push(format!("+ {}", new[j]));
            j += 1;
        }
    }
    changes
}

fn words(prefixes: &[inet::Prefix]) -> String {
    let words: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
    list(words.iter().map(String::as_str))
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = Vec::new();
    for word in words {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    if all.is_empty() {
        "nothing".to_owned()
    } else {
        all.join(", ")
    }
}

const fn on(flag: bool) -> &'static str {
    if flag { "on" } else { "off" }
}

#[cfg(test)]
mod tests;
