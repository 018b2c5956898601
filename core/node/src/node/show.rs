//! What a node shows: its tables and states by name, and what it would do with a packet and why.

use bgp::Speaker;
use inet::{FiveTuple, Instant, packet};
use path::{PathId, Prober, Standing};

use super::tunnels::Tunnels;
use super::{Node, index};
use crate::fib::Target;
use crate::id::{ClassId, LanId, LinkId, LocatorId, RouterId};
use crate::plane::tables::Way;
use crate::view::{
    ChoiceReason, ClassView, Counters, Decision, DropReason, Explanation, ForwardingEntry,
    GatewayView, LinkView, NeighborChoice, NextHop, PathChoice, PathView, ShortcutView,
};
use crate::vrrp;

impl Node {
    /// The device's name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The forwarding table, ordered by prefix.
    pub fn forwarding(&self) -> Vec<ForwardingEntry> {
        let entries = self.tables.fib.iter();
        entries
            .map(|(prefix, source, target)| ForwardingEntry {
                prefix,
                next_hop: self.next_hop(target),
                source,
            })
            .collect()
    }

    /// How often the forwarding table changed since the start: equal numbers mean an equal table.
    pub const fn forwarding_changes(&self) -> u64 {
        self.tables.fib.changes()
    }

    /// Every link with its paths, in the order of the configuration.
    pub fn links(&self, now: Instant) -> Vec<LinkView> {
        let links = self.settings.links.iter().enumerate();
        links
            .filter(|(number, _)| !self.is_free_slot(LinkId(*number as u32)))
            .map(|(number, link)| LinkView {
                id: LinkId(number as u32),
                neighbor: self.neighbor_name(LinkId(number as u32)),
                role: link.role,
                loopback: self.tables.neighbor(LinkId(number as u32)),
                shortcut: self.shortcut_view(LinkId(number as u32)),
                up: self.is_link_up(LinkId(number as u32)),
                paths: (link.first_path..link.first_path + link.path_count)
                    .map(|path| self.path(now, PathId(path)))
                    .collect(),
            })
            .collect()
    }

    /// The BGP speaker, to read.
    pub const fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    /// What passed and what was dropped.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What came to nothing at a locator before any packet was seen.
    pub fn tunnel_counters(&self, locator: LocatorId) -> Option<tunnel::Counters> {
        self.tunnels.get(locator.index()).map(Tunnels::counters)
    }

    /// What came to nothing at all locators.
    pub fn all_tunnel_counters(&self) -> tunnel::Counters {
        let mut all = tunnel::Counters::default();
        for tunnels in &self.tunnels {
            all.add(&tunnels.counters());
        }
        all
    }

    /// The virtual routers on the LANs.
    pub fn gateways(&self) -> impl Iterator<Item = (LanId, GatewayView)> {
        let lans = self.settings.lans.iter().zip(&self.gateways).enumerate();
        lans.filter_map(|(number, (lan, router))| {
            let router = router.as_ref()?;
            let view = GatewayView {
                interface: lan.interface.clone(),
                virtual_address: router.settings().virtual_address,
                priority: router.priority(),
                active: matches!(router.state(), vrrp::State::Active { .. }),
            };
            Some((LanId(number as u16), view))
        })
    }

    /// What this node would do with a packet of a flow without a code point, and why.
    pub fn explain(&self, now: Instant, flow: FiveTuple) -> Explanation {
        self.explain_marked(now, flow, 0)
    }

    /// Key pairs that are held for all tunnels, while the node forwards by itself.
    pub fn key_pairs(&self) -> usize {
        self.tunnels.iter().map(Tunnels::key_pairs).sum()
    }

    /// What this node would do with a packet of a flow with a code point, and why.
    pub fn explain_marked(&self, now: Instant, flow: FiveTuple, dscp: u8) -> Explanation {
        let class = self.tables.classify(flow, dscp);
        let matched = self.tables.fib.longest_match(flow.destination);
        let mut explanation = Explanation {
            flow,
            matched: matched.map(|(prefix, source, _)| (prefix, source)),
            class: class.map(|class| self.settings.classes[class.index()].name.clone()),
            decision: Decision::Kernel,
            neighbors: Vec::new(),
            shortcut: None,
            paths: Vec::new(),
        };
        if let Some((.., Target::Links(links))) = matched {
            explanation.neighbors = self.neighbor_choices(links, flow);
        }
        if self.tables.breaks_out(flow, || class)
            && let Some(exit) = self.exit()
        {
            let interface = self.settings.interfaces[exit.index()].name.clone();
            explanation.decision = Decision::Breakout { interface };
            return explanation;
        }
        explanation.decision = match (self.tables.way(flow), matched) {
            (Way::Kernel, Some((.., Target::Platform | Target::Plain(_)))) => Decision::Platform,
            (Way::Kernel, Some((.., Target::Router { router, .. }))) => self.by_router(*router),
            (Way::Kernel, _) => Decision::Kernel,
            (Way::Drop(reason), _) => Decision::Drop(reason),
            (Way::Link(link), _) => {
                let shortcut = self.tables.shortcut(flow, class);
                let link = shortcut.map_or(link, |(slot, _)| slot);
                if shortcut.is_some() {
                    explanation.neighbors = self.by_shortcut(link, &explanation.neighbors);
                    explanation.shortcut = self.shortcut_view(link);
                }
                explanation.paths = self.path_choices(link, flow, class);
                match self.tables.path_in(link, flow, class) {
                    Ok(path) => self.outer(now, link, path),
                    Err(reason) => Decision::Drop(reason),
                }
            }
        };
        explanation
    }

    fn next_hop(&self, target: &Target) -> NextHop {
        match target {
            Target::Links(links) | Target::Plain(links) => {
                let mut names: Vec<String> =
                    links.iter().map(|link| self.neighbor_name(*link)).collect();
                names.sort_unstable();
                NextHop::Neighbors(names)
            }
            Target::Router { router, .. } => {
                NextHop::Router(self.settings.routers[router.index()].name.clone())
            }
            Target::Kernel => NextHop::Kernel,
            Target::Platform => NextHop::Platform,
            Target::Unreachable => NextHop::Unreachable,
            Target::Exit => NextHop::Exit,
        }
    }

    fn by_router(&self, router: RouterId) -> Decision {
        let router = &self.settings.routers[router.index()];
        Decision::Router {
            name: router.name.clone(),
            interface: self.settings.interfaces[router.interface.index()]
                .name
                .clone(),
        }
    }

    fn is_link_up(&self, link: LinkId) -> bool {
        let neighbor = self.neighbor_of(link);
        match self.settings.links[link.index()].plain {
            Some(_) => neighbor.is_some_and(|id| self.speaker.is_established(id)),
            None => self.links[link.index()].paths.is_up(),
        }
    }

    fn neighbor_name(&self, link: LinkId) -> String {
        match self.tables.shortcuts.partner(link) {
            Some(partner) => partner.name.clone(),
            None => self.settings.links[link.index()].neighbor.clone(),
        }
    }

    fn is_free_slot(&self, link: LinkId) -> bool {
        let is_slot = self.settings.shortcuts.is_slot(link);
        is_slot && self.tables.shortcuts.partner(link).is_none()
    }

    fn shortcut_view(&self, link: LinkId) -> Option<ShortcutView> {
        let partner = self.tables.shortcuts.partner(link)?;
        Some(ShortcutView {
            prefixes: partner.prefixes.clone(),
            carries: partner.carries,
            compared: self.compared(link),
        })
    }

    fn locator_name(&self, path: PathId) -> String {
        let locator = self.locator_of(path);
        self.settings.locators[locator.index()].name.clone()
    }

    fn path(&self, now: Instant, id: PathId) -> PathView {
        let (settings, state) = (&self.settings.paths[index(id)], &self.paths[index(id)]);
        let locator = settings.locator;
        let peer = self.tunnels[locator.index()].peer(now, state.peer);
        PathView {
            id,
            locator,
            local: self.locator_name(id),
            remote: settings.remote.clone(),
            endpoint: peer
                .as_ref()
                .and_then(|peer| self.reached_at(id, peer.endpoint?)),
            preference: settings.preference,
            up: self.is_path_up(id),
            carrier: self.carriers.way(id),
            held_until: self.links[settings.link.index()].paths.held_until(id),
            weight: self.tables.facts.weight_of(id),
            classes: self.classes_of(id),
            probe: state
                .prober
                .as_ref()
                .map(|prober: &Prober| prober.statistics(now)),
            session: peer
                .as_ref()
                .map_or(tunnel::SessionState::Idle, |peer| peer.state),
            handshake_age: peer
                .as_ref()
                .and_then(|peer| Some(now.since(peer.last_handshake?))),
            aead: peer.as_ref().and_then(|peer| peer.aead),
            lanes: peer.as_ref().and_then(|peer| peer.lanes),
            mtu: self.tables.mtu(id) as u16,
            tunnel: peer.map(|peer| peer.counters).unwrap_or_default(),
        }
    }

    pub(super) fn is_path_up(&self, path: PathId) -> bool {
        let link = &self.links[self.link_of(path).index()];
        link.paths.paths().any(|(id, _, up)| id == path && up)
    }

    fn neighbor_choices(&self, links: &[LinkId], flow: FiveTuple) -> Vec<NeighborChoice> {
        let chosen = self.tables.choose(links, flow);
        let is_up = |link: &LinkId| self.links[link.index()].paths.is_up();
        let up = links.iter().filter(|link| is_up(link)).count();
        let mut choices: Vec<NeighborChoice> = links
            .iter()
            .map(|link| NeighborChoice {
                neighbor: self.neighbor_name(*link),
                reason: match (is_up(link), chosen == Some(*link)) {
                    (false, _) => ChoiceReason::Down,
                    (true, true) if up == 1 => ChoiceReason::Only,
                    (true, true) => ChoiceReason::Hash,
                    (true, false) => ChoiceReason::OtherByHash,
                },
            })
            .collect();
        choices.sort_unstable_by(|a, b| a.neighbor.cmp(&b.neighbor));
        choices
    }

    /// What the table offers, with a shortcut before all of it.
    fn by_shortcut(&self, slot: LinkId, offered: &[NeighborChoice]) -> Vec<NeighborChoice> {
        let shortcut = NeighborChoice {
            neighbor: self.neighbor_name(slot),
            reason: ChoiceReason::Shortcut,
        };
        let offered = offered.iter().cloned().map(|choice| NeighborChoice {
            reason: match choice.reason {
                ChoiceReason::Down => ChoiceReason::Down,
                _ => ChoiceReason::LessPreferred,
            },
            ..choice
        });
        core::iter::once(shortcut).chain(offered).collect()
    }

    fn path_choices(
        &self,
        link: LinkId,
        flow: FiveTuple,
        class: Option<ClassId>,
    ) -> Vec<PathChoice> {
        let state = &self.links[link.index()];
        let class_paths = class.map(|class| &state.classes[class.index()]);
        let usable: Vec<PathId> = match class_paths {
            Some(class) => class.carrying().to_vec(),
            None => state.paths.usable().collect(),
        };
        let chosen = self.tables.path_in(link, flow, class).ok();
        let account = |path| class_paths.and_then(|class| class.account(path));
        let rank = |account: &path::Account| (account.standing, account.group);
        let worst_used = usable
            .iter()
            .filter_map(|path| account(*path))
            .map(|account| rank(&account))
            .max();
        let refused = |path| match account(path) {
            Some(account) if Some(rank(&account)) < worst_used => ChoiceReason::MovedOften,
            Some(account) => match account.standing {
                Standing::Held => ChoiceReason::Held,
                Standing::Breaks(_) => ChoiceReason::BreaksSla,
                Standing::Keeps => ChoiceReason::LessPreferred,
            },
            None if state.paths.held_until(path).is_some() => ChoiceReason::Held,
            None => ChoiceReason::LessPreferred,
        };
        state
            .paths
            .paths()
            .map(|(path, _, up)| PathChoice {
                path,
                local: self.locator_name(path),
                remote: self.settings.paths[index(path)].remote.clone(),
                reason: match (up, usable.contains(&path), chosen == Some(path)) {
                    (false, ..) => ChoiceReason::Down,
                    (true, false, _) => refused(path),
                    (true, true, true) if usable.len() == 1 => ChoiceReason::Only,
                    (true, true, true) => ChoiceReason::Hash,
                    (true, true, false) => ChoiceReason::OtherByHash,
                },
                account: account(path),
                held_until: state.paths.held_until(path),
                weight: self.tables.facts.weight_of(path),
            })
            .collect()
    }

    fn classes_of(&self, path: PathId) -> Vec<ClassView> {
        let link = &self.links[self.link_of(path).index()];
        let classes = self.settings.classes.iter().zip(&link.classes);
        classes
            .filter_map(|(class, paths)| {
                Some(ClassView {
                    name: class.name.clone(),
                    account: paths.account(path)?,
                    carries: paths.carrying().contains(&path),
                })
            })
            .collect()
    }

    fn outer(&self, now: Instant, link: LinkId, path: PathId) -> Decision {
        let locator = self.locator_of(path);
        let own = &self.settings.locators[locator.index()];
        let peer = self.paths[index(path)].peer;
        let peer = self.tunnels[locator.index()].peer(now, peer);
        let remote = peer.and_then(|peer| self.reached_at(path, peer.endpoint?));
        let Some(remote) = remote else {
            return Decision::Drop(DropReason::NoSession);
        };
        let (protocol, source_port) = match self.carriers.way(path) {
            carrier::Way::Udp => (packet::UDP, own.port),
            carrier::Way::Tls => (packet::TCP, own.tls_port.unwrap_or(own.port)),
        };
        Decision::Tunnel {
            neighbor: self.neighbor_name(link),
            path,
            locator,
            outer: FiveTuple {
                source: own.address,
                destination: *remote.ip(),
                protocol,
                source_port,
                destination_port: remote.port(),
            },
        }
    }
}
