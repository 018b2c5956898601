//! Status, tunnels, forwarding and single steps of a node.

use design::plan::{LinkRole, NodeConfig, NodeRole};
use inet::{FiveTuple, Instant, Prefix};
use node::{
    ChoiceReason, ClassView, Decision, DropReason, Explanation, NextHop, Node, ShortcutView, Source,
};

use super::{bgp_tables, paths};
use crate::{
    DeviceForwarding, DeviceKind, DeviceStatus, Flow, FormatVersion, Forwarding, ForwardingRoute,
    PathClass, Step, Tunnel, TunnelPath, Tunnels,
};

pub(super) fn status(node: &Node, config: &NodeConfig, now: Instant) -> DeviceStatus {
    let kind = match config.role {
        NodeRole::Nva { .. } => DeviceKind::Nva,
        NodeRole::Cpe { .. } => DeviceKind::Cpe,
    };
    let mut links = node.links(now);
    // Shortcuts come and go: a network without them is whole.
    links.retain(|link| link.shortcut.is_none());
    let paths = || links.iter().flat_map(|link| &link.paths);
    let (sessions_up, sessions) = bgp_tables::session_count(node.speaker());
    DeviceStatus {
        device: config.name.clone(),
        kind,
        running: true,
        sessions_up,
        sessions,
        tunnels_up: links.iter().filter(|link| link.up).count() as u32,
        tunnels: links.len() as u32,
        paths_up: paths().filter(|path| path.up).count() as u32,
        paths: paths().count() as u32,
        routes: node.forwarding().len() as u32,
    }
}

pub(super) fn tunnels(node: &Node, device: &str, now: Instant) -> Tunnels {
    let micros = |duration: core::time::Duration| duration.as_micros() as u64;
    let tunnels = node.links(now).into_iter().map(|link| {
        let used = link.paths.iter().map(|path| paths::is_used(&link, path));
        let used: Vec<bool> = used.collect();
        let paths = link
            .paths
            .into_iter()
            .zip(used)
            .map(|(path, used)| TunnelPath {
                endpoint: path.endpoint,
                carrier: path.carrier.name().to_owned(),
                up: path.up,
                used,
                preference: path.preference,
                cipher: path.aead.map(|aead| aead.name().to_owned()),
                lanes: path.lanes,
                mtu: path.mtu,
                handshakes: path.tunnel.handshakes_done,
                rtt_us: path.probe.and_then(|probe| Some(micros(probe.rtt?.avg))),
                jitter_us: path.probe.and_then(|probe| Some(micros(probe.rtt?.jitter))),
                loss_ppm: path.probe.map(|probe| probe.loss_ppm),
                classes: path.classes.into_iter().map(class).collect(),
                local: path.local,
                remote: path.remote,
            });
        Tunnel {
            device: device.to_owned(),
            neighbor: link.neighbor,
            role: match link.shortcut {
                Some(_) => "shortcut".to_owned(),
                None => role(link.role).to_owned(),
            },
            up: link.up,
            paths: paths.collect(),
        }
    });
    Tunnels::merge([Tunnels {
        format_version: FormatVersion,
        tunnels: tunnels.collect(),
    }])
}

fn class(class: ClassView) -> PathClass {
    PathClass {
        name: class.name,
        standing: paths::word(class.account.standing).to_owned(),
        carries: class.carries,
    }
}

const fn role(role: LinkRole) -> &'static str {
    match role {
        LinkRole::Hub => "hub",
        LinkRole::Twin => "twin",
        LinkRole::HomeSite => "home-site",
        LinkRole::BackupSite => "backup-site",
        LinkRole::HomeHub => "home-hub",
        LinkRole::BackupHub => "backup-hub",
    }
}

pub(super) fn forwarding(node: &Node, device: &str) -> Forwarding {
    let routes = node.forwarding().into_iter().map(|entry| ForwardingRoute {
        prefix: entry.prefix,
        next_hops: match entry.next_hop {
            NextHop::Neighbors(names) => names,
            NextHop::Router(name) => vec![name],
            NextHop::Kernel => vec!["local".to_owned()],
            NextHop::Platform => vec!["platform".to_owned()],
            NextHop::Unreachable => vec!["discard".to_owned()],
            NextHop::Exit => vec!["breakout".to_owned()],
        },
    });
    Forwarding::merge([Forwarding {
        format_version: FormatVersion,
        devices: vec![DeviceForwarding {
            device: device.to_owned(),
            routes: routes.collect(),
        }],
    }])
}

/// What the kernel and the node together do with a packet.
pub(super) fn step(node: &Node, config: &NodeConfig, now: Instant, flow: Flow) -> Step {
    if is_own(node, config, flow) {
        return Step::Local {
            reason: "its own address".to_owned(),
        };
    }
    let said = node.explain_marked(now, FiveTuple::from(flow), flow.dscp);
    let overlay_length = said.matched.map_or(0, |(prefix, _)| prefix.len());
    if let Some((name, prefix)) = connected(config, flow)
        && prefix.len() >= overlay_length
    {
        return Step::Interface {
            interface: name,
            reason: format!("{prefix} is connected"),
            alternatives: Vec::new(),
        };
    }
    decided(&said, config, now)
}

/// What the node decided, as a step.
fn decided(said: &Explanation, config: &NodeConfig, now: Instant) -> Step {
    match &said.decision {
        Decision::Kernel | Decision::Platform | Decision::Drop(DropReason::NoRoute) => {
            let reason = match said.matched {
                Some((prefix, source)) => format!("{prefix} {}", origin(source)),
                None => "default route".to_owned(),
            };
            match default_interface(config) {
                Some(interface) => Step::Interface {
                    interface,
                    reason,
                    alternatives: Vec::new(),
                },
                None => Step::Drop {
                    reason: "no route".to_owned(),
                },
            }
        }
        Decision::Router { name, interface } => Step::Interface {
            interface: interface.clone(),
            reason: match said.matched {
                Some((prefix, source)) => format!("{prefix} {} from {name}", origin(source)),
                None => format!("to {name}"),
            },
            alternatives: Vec::new(),
        },
        Decision::Breakout { interface } => Step::Interface {
            interface: interface.clone(),
            reason: match &said.class {
                Some(class) => format!("{class} breaks out here"),
                None => "it breaks out here".to_owned(),
            },
            alternatives: Vec::new(),
        },
        Decision::Drop(reason) => Step::Drop {
            reason: drop_reason(*reason, said),
        },
        Decision::Tunnel {
            neighbor,
            path,
            outer,
            ..
        } => {
            let (local, remote) = said
                .paths
                .iter()
                .find(|choice| choice.path == *path)
                .map(|choice| (choice.local.clone(), choice.remote.clone()))
                .unwrap_or_default();
            let locator = config.locators.iter().find(|own| own.name == local);
            Step::Tunnel {
                neighbor: neighbor.clone(),
                underlay: locator.map_or_else(String::new, |own| own.underlay.clone()),
                interface: locator.map_or_else(String::new, |own| own.interface.clone()),
                outer: (*outer).into(),
                reason: tunnel_reason(said, now),
                alternatives: alternatives(said),
                local,
                remote,
            }
        }
    }
}

/// Whether a packet is for an address of the node itself.
fn is_own(node: &Node, config: &NodeConfig, flow: Flow) -> bool {
    config.loopback == flow.destination
        || config
            .interfaces
            .iter()
            .any(|interface| interface.address == flow.destination)
        || node
            .gateways()
            .any(|(_, gateway)| gateway.active && gateway.virtual_address == flow.destination)
}

/// The interface whose connected prefix holds the flow's destination.
fn connected(config: &NodeConfig, flow: Flow) -> Option<(String, Prefix)> {
    let prefixes = config.interfaces.iter().filter_map(|interface| {
        let prefix = Prefix::around(interface.address, interface.prefix_len)?;
        let matches = prefix.contains(flow.destination);
        matches.then(|| (interface.name.clone(), prefix))
    });
    prefixes.max_by_key(|(_, prefix)| prefix.len())
}

fn default_interface(config: &NodeConfig) -> Option<String> {
    let interfaces = config.interfaces.iter();
    interfaces
        .filter_map(|interface| Some((interface.default_route_metric?, &interface.name)))
        .min()
        .map(|(_, name)| name.clone())
}

const fn origin(source: Source) -> &'static str {
    match source {
        Source::Connected => "is connected",
        Source::Link => "belongs to a neighbour",
        Source::Bgp => "by BGP",
        Source::Aggregate => "is an aggregate",
        Source::Summary => "is a summary",
        Source::Breakout => "is for classes that break out",
    }
}

fn tunnel_reason(said: &Explanation, now: Instant) -> String {
    let route = match said.matched {
        Some((prefix, source)) => format!("{prefix} {}", origin(source)),
        None => "no route".to_owned(),
    };
    let neighbor = said
        .neighbors
        .iter()
        .find_map(|choice| match choice.reason {
            ChoiceReason::Hash => Some("the flow's hash chose the neighbour"),
            ChoiceReason::Only => Some("the only neighbour"),
            _ => None,
        });
    let path = said.paths.iter().find_map(|choice| match choice.reason {
        ChoiceReason::Hash => Some("the flow's hash chose the path"),
        ChoiceReason::Only => Some("the only path preferred"),
        _ => None,
    });
    let class = said.class.as_ref().map(|class| format!("class {class}"));
    let judged = said.paths.iter().filter_map(|choice| {
        let told = choice.account.as_ref().map(|one| paths::account(now, one));
        let why = match choice.reason {
            ChoiceReason::BreaksSla => "does not keep what the class asks",
            ChoiceReason::Held => "is not trusted again yet",
            ChoiceReason::MovedOften => "waits, since the class has moved of late",
            ChoiceReason::Down => "is down",
            ChoiceReason::LessPreferred => "is less preferred",
            ChoiceReason::Hash | ChoiceReason::Only if told.is_some() => "carries it",
            ChoiceReason::Shortcut
            | ChoiceReason::Hash
            | ChoiceReason::Only
            | ChoiceReason::OtherByHash => return None,
        };
        let told = told.filter(|_| choice.reason != ChoiceReason::Down);
        let told = told.map(|told| format!(" ({told})")).unwrap_or_default();
        Some(format!("{} {why}{told}", choice.local))
    });
    let reasons = [neighbor, path].into_iter().flatten().map(str::to_owned);
    let shortcut = said.shortcut.as_ref().map(by_shortcut);
    let texts = core::iter::once(route)
        .chain(class)
        .chain(shortcut)
        .chain(reasons);
    texts.chain(judged).collect::<Vec<_>>().join("; ")
}

/// Why a shortcut takes a flow: what was measured, and the rule.
fn by_shortcut(shortcut: &ShortcutView) -> String {
    let Some(compared) = shortcut.compared else {
        return "a shortcut".to_owned();
    };
    let millis = |rtt: core::time::Duration| rtt.as_secs_f64() * 1_000.0;
    format!(
        "a shortcut: {:.1} ms against {:.1} ms by the relay, margin {} %",
        millis(compared.direct),
        millis(compared.relay),
        compared.margin_percent
    )
}

fn alternatives(said: &Explanation) -> Vec<String> {
    let is_other = |reason| reason == ChoiceReason::OtherByHash;
    let neighbors = said
        .neighbors
        .iter()
        .filter(|choice| is_other(choice.reason))
        .map(|choice| choice.neighbor.clone());
    let paths = said
        .paths
        .iter()
        .filter(|choice| is_other(choice.reason))
        .map(|choice| format!("{} to {}", choice.local, choice.remote));
    neighbors.chain(paths).collect()
}

fn drop_reason(reason: DropReason, said: &Explanation) -> String {
    let prefix = said.matched.map(|(prefix, _)| prefix);
    match (reason, prefix) {
        (DropReason::Unreachable, Some(prefix)) => {
            format!("only the summary {prefix} matches: nothing of it is behind this address")
        }
        (DropReason::LinkDown, Some(prefix)) => {
            format!("every link towards {prefix} is down")
        }
        (DropReason::NoPathForClass, _) => {
            let class = said.class.as_deref().unwrap_or_default();
            format!("no path keeps what class {class} asks")
        }
        (DropReason::NoSession, _) => "the tunnel has no session".to_owned(),
        (reason, _) => format!("{reason:?}"),
    }
}
