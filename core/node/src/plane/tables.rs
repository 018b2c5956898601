//! What a node knows when it decides about a packet, and the decisions.
//!
//! A packet is classified once, where it enters the overlay, by the first class that matches it; failing that by
//! the first that matches its reverse, so that replies are carried as requests are. Its class goes with it as a
//! [`Label`]; what comes without one is classified where it is relayed. Traffic of no class takes what [`path::Link`] says, as without any classes.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use design::plan::{LinkRole, SourceCheck};
use inet::packet::{self, Ipv4};
use inet::{FiveTuple, hash};
use path::PathId;
use tunnel::PeerId;

use super::change::{Kind, LinkPaths};
use super::egress::Egresses;
use super::label::Label;
use super::shortcuts::Shortcuts;
use super::sightings::Sighting;
use crate::classifier::DomainSet;
use crate::dns;
use crate::fib::{Fib, Target};
use crate::id::{ClassId, LinkId, LocatorId};
use crate::settings::{Path, Settings};
use crate::view::DropReason;

/// What never changes while a node runs, in the form that decisions need.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) settings: Arc<Settings>,
    /// Seed of the flow hash: the node's name, so that simulator and lab choose alike.
    pub(crate) flow_seed: u64,
    /// By [`LocatorId`], then by the endpoint's [`PeerId`].
    pub(crate) peers: Vec<Vec<PathId>>,
    /// By [`PathId`]: its number at its endpoint.
    pub(crate) peer_of: Vec<PeerId>,
    pub(crate) loopbacks: BTreeMap<Ipv4Addr, LinkId>,
    pub(crate) egresses: Egresses,
    /// Whether there is anything to tell of packets that pass.
    has_shortcuts: bool,
    /// By [`LinkId`]: whether it is between such neighbours that sightings are told: sites that make shortcuts.
    watched: Vec<bool>,
    /// Locators by whose interfaces classes may break out, in order of preference; none where no class does.
    pub(crate) exits: Vec<LocatorId>,
    /// By [`PathId`]: what it weighs beside equal ones.
    weights: Vec<u64>,
    /// By [`LinkId`]: the neighbour's name in the flow hash.
    hash_names: Vec<u64>,
}

/// What the table says about a packet, before a path is known.
pub(crate) enum Way {
    /// The kernel has it.
    Kernel,
    /// Into this neighbour's tunnels.
    Link(LinkId),
    /// Nowhere.
    Drop(DropReason),
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The kernel has it.
    Kernel,
    /// Into the tunnel of this path, as a packet of this class.
    Path(PathId, Option<ClassId>),
    /// The kernel has it, to let it out to the internet here.
    Breakout,
    /// Dropped.
    Drop(DropReason),
}

/// What a node knows when it decides about a packet.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    pub(crate) facts: Arc<Facts>,
    pub(crate) fib: Fib,
    /// By [`LinkId`].
    links: Vec<LinkPaths>,
    /// By [`PathId`]: octets of the longest packet inside.
    mtus: Vec<u16>,
    pub(crate) shortcuts: Shortcuts,
    /// Where there is parity.
    levels: BTreeMap<(PathId, ClassId), fec::Level>,
    /// Addresses that were resolved from domains of classes.
    names: BTreeMap<Ipv4Addr, DomainSet>,
}

/// What an answer of DNS says about domains of classes.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) domains: DomainSet,
    /// Addresses, and how long the answer counts for each.
    pub(crate) addresses: Vec<(Ipv4Addr, Duration)>,
}

impl Facts {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        let mut peers = vec![Vec::new(); settings.locators.len()];
        let mut peer_of = Vec::with_capacity(settings.paths.len());
        for (number, path) in settings.paths.iter().enumerate() {
            let members: &mut Vec<PathId> = &mut peers[path.locator.index()];
            peer_of.push(PeerId(members.len() as u32));
            members.push(PathId(number as u32));
        }
        let links = settings.links.iter().enumerate();
        let loopbacks = links.filter_map(|(at, link)| Some((link.loopback?, LinkId(at as u32))));
        let names = settings.links.iter();
        let names = names.map(|link| hash::bytes(0, link.neighbor.as_bytes()));
        let introduces = settings.shortcuts.slots > 0;
        let watched = settings.links.iter();
        let watched = watched.map(|link| introduces && link.shortcuts);
        let breaks_out =
            settings.region().is_none() && settings.classes.iter().any(|class| class.breakout);
        let locators = settings.locators.iter().enumerate();
        let exits = locators.filter(|(_, locator)| breaks_out && locator.internet);
        let exits = exits.map(|(number, _)| LocatorId(number as u16)).collect();
        Self {
            exits,
            flow_seed: hash::bytes(0, settings.name.as_bytes()),
            loopbacks: loopbacks.collect(),
            egresses: Egresses::new(&settings),
            hash_names: names.collect(),
            watched: watched.collect(),
            has_shortcuts: introduces,
            weights: settings
                .paths
                .iter()
                .map(|path| weight(&settings, path))
                .collect(),
            peers,
            peer_of,
            settings,
        }
    }

    pub(crate) fn link_of(&self, path: PathId) -> LinkId {
        self.settings.paths[path.0 as usize].link
    }

    /// What a path weighs beside equal ones, bits per second.
    pub(crate) fn weight_of(&self, path: PathId) -> u64 {
        self.weights[path.0 as usize]
    }

    pub(crate) fn locator_of(&self, path: PathId) -> LocatorId {
        self.settings.paths[path.0 as usize].locator
    }

    /// How many slots for shortcuts there are.
    fn slots(&self) -> usize {
        self.settings.links.len() - self.settings.shortcuts.first.index()
    }

    /// Whether a neighbour is a node of the overlay.
    pub(crate) fn is_overlay(&self, link: LinkId) -> bool {
        let known = self.settings.links[link.index()].loopback;
        known.is_some() || self.settings.shortcuts.is_slot(link)
    }

    /// Octets that are kept free behind packets on a path: labels go to nodes of the overlay.
    pub(crate) fn label_room(&self, path: PathId) -> usize {
        match self.is_overlay(self.link_of(path)) {
            true if !self.settings.classes.is_empty() => Label::ROOM,
            _ => 0,
        }
    }

    /// Octets of the longest probe that a path may take: a packet of full length, and its label.
    pub(crate) fn probe_max(&self, path: PathId) -> u16 {
        let device = usize::from(self.settings.mtu) + self.label_room(path);
        inner_mtu(device as u16, self.settings.paths[path.0 as usize].mtu)
    }
}

/// What a path takes, bits per second: the less of what the near and the far access take, as far as they are known.
fn weight(settings: &Settings, path: &Path) -> u64 {
    let up = settings.locators[path.locator.index()].up_bps;
    let known = [up, path.down_bps].into_iter().filter(|bps| *bps > 0);
    known.min().unwrap_or(path::WEIGHT_UNKNOWN)
}

/// What fits into a tunnel whose outer packets may have so many octets. WireGuard pads to 16 octets,
/// except where the device's MTU ends.
fn inner_mtu(device: u16, outer: Option<u16>) -> u16 {
    let around = (packet::UDP_HEADERS + tunnel::OVERHEAD) as u16;
    let room = outer.unwrap_or(ETHERNET).saturating_sub(around);
    if device <= room {
        device
    } else {
        room / 16 * 16
    }
}

/// What every underlay carries, unless the design says otherwise.
const ETHERNET: u16 = 1_500;

impl Tables {
    pub(crate) fn new(facts: Arc<Facts>) -> Self {
        let classes = vec![Vec::new(); facts.settings.classes.len()];
        let down = LinkPaths {
            usable: Vec::new(),
            classes,
            up: Vec::new(),
        };
        let settings = &facts.settings;
        let paths = (0..settings.paths.len()).map(|number| PathId(number as u32));
        let mtus = paths.map(|path| facts.probe_max(path) - facts.label_room(path) as u16);
        Self {
            links: vec![down; settings.links.len()],
            mtus: mtus.collect(),
            shortcuts: Shortcuts::new(settings.shortcuts.first, facts.slots()),
            names: BTreeMap::new(),
            levels: BTreeMap::new(),
            facts,
            fib: Fib::new(),
        }
    }

    /// Takes a change. What is equal already changes nothing.
    pub(crate) fn apply(&mut self, change: &Kind) {
        match change {
            Kind::Route {
                prefix,
                source,
                target,
            } => {
                self.fib.set(*prefix, *source, target.clone());
            }
            Kind::Link { link, paths } => self.links[link.index()].clone_from(paths),
            Kind::Name { address, domains } if domains.is_empty() => {
                self.names.remove(address);
            }
            Kind::Name { address, domains } => {
                self.names.insert(*address, *domains);
            }
            Kind::Mtu { path, octets } => self.mtus[path.0 as usize] = *octets,
            Kind::Slot { link, partner } => self.shortcuts.set(*link, partner.clone()),
            Kind::Protect { path, class, level } if level.is_off() => {
                self.levels.remove(&(*path, *class));
            }
            Kind::Protect { path, class, level } => {
                self.levels.insert((*path, *class), *level);
            }
            Kind::Tunnel { .. } | Kind::Send { .. } => {}
        }
    }

    /// The paths to a neighbour that take packets.
    pub(crate) fn link(&self, link: LinkId) -> &LinkPaths {
        &self.links[link.index()]
    }

    /// Octets of the longest packet that a path takes.
    pub(crate) fn mtu(&self, path: PathId) -> usize {
        usize::from(self.mtus[path.0 as usize])
    }

    /// How much parity a class gets on a path.
    pub(crate) fn level(&self, path: PathId, class: ClassId) -> fec::Level {
        let level = self.levels.get(&(path, class));
        level.copied().unwrap_or(fec::Level::OFF)
    }

    /// What becomes of a packet of the kernel.
    pub(crate) fn outbound(&self, packet: &Ipv4<'_>) -> Verdict {
        let flow = packet.flow();
        if self.breaks_out(flow, || self.class_of(packet, flow)) {
            return Verdict::Breakout;
        }
        match self.way(flow) {
            Way::Kernel => Verdict::Drop(DropReason::NotForOverlay),
            Way::Drop(reason) => Verdict::Drop(reason),
            Way::Link(link) => {
                let class = self.class_of(packet, flow);
                match self.shortcut(flow, class) {
                    Some((_, path)) => Verdict::Path(path, class),
                    None => self.by_path(link, flow, class),
                }
            }
        }
    }

    /// The shortcut that takes a flow in place of a hub.
    pub(crate) fn shortcut(
        &self,
        flow: FiveTuple,
        class: Option<ClassId>,
    ) -> Option<(LinkId, PathId)> {
        let (prefix, ..) = self.fib.longest_match(flow.destination)?;
        let slots = self.shortcuts.towards(flow.destination, prefix.len());
        let mut slots = slots.iter();
        slots.find_map(|slot| Some((*slot, self.path_in(*slot, flow, class).ok()?)))
    }

    /// The loopback of a neighbour in the overlay, if it is known who that is.
    pub(crate) fn neighbor(&self, link: LinkId) -> Option<Ipv4Addr> {
        let partner = || self.shortcuts.partner(link).map(|partner| partner.loopback);
        self.facts.settings.links[link.index()]
            .loopback
            .or_else(partner)
    }

    /// What of a packet that came and goes by these paths is worth telling; `None` is the kernel.
    pub(crate) fn sighting(&self, from: Option<PathId>, to: Option<PathId>) -> Option<Sighting> {
        if !self.facts.has_shortcuts {
            return None;
        }
        let link = |path: Option<PathId>| path.map(|path| self.facts.link_of(path));
        let (from, to) = (link(from), link(to));
        let is_watched = |link: LinkId| self.facts.watched[link.index()];
        let is_news = match (from, to) {
            (Some(from), Some(to)) => is_watched(from) && is_watched(to),
            (Some(link), None) | (None, Some(link)) => self.facts.settings.shortcuts.is_slot(link),
            (None, None) => false,
        };
        is_news.then_some(Sighting { from, to })
    }

    /// What becomes of a packet that came out of a path's tunnel with a label.
    pub(crate) fn inbound(&self, came_by: PathId, packet: &Ipv4<'_>, label: Label) -> Verdict {
        let flow = packet.flow();
        if !self.accepts_source(came_by, packet) {
            return Verdict::Drop(DropReason::SourceNotAllowed);
        }
        match self.way(flow) {
            Way::Kernel => Verdict::Kernel,
            Way::Drop(reason) => Verdict::Drop(reason),
            Way::Link(link) if link == self.facts.link_of(came_by) => {
                Verdict::Drop(DropReason::Returning)
            }
            Way::Link(_) if self.is_slot(came_by) => Verdict::Drop(DropReason::Returning),
            Way::Link(_) if packet.ttl() <= 1 => Verdict::Drop(DropReason::TtlExpired),
            Way::Link(link) => {
                let class = label.class.or_else(|| self.class_of(packet, flow));
                self.by_path(link, flow, class)
            }
        }
    }

    /// What lies behind a packet that came out of a path's tunnel.
    pub(crate) fn label_behind(&self, came_by: PathId, behind: &[u8]) -> Label {
        match self.facts.label_room(came_by) {
            0 => Label::default(),
            _ => Label::read(behind, self.facts.settings.classes.len()),
        }
    }

    /// What a packet of a class is given on its way by a path.
    pub(crate) fn label(&self, path: PathId, class: Option<ClassId>) -> Label {
        match self.facts.label_room(path) {
            0 => Label::default(),
            _ => Label::of(class),
        }
    }

    /// Where an ICMP error about a packet goes: to where that came from.
    pub(crate) fn back(&self, error: &Ipv4<'_>, came_by: Option<PathId>) -> Verdict {
        let flow = error.flow();
        let way = came_by.map_or(Way::Kernel, |_| self.way(flow));
        match way {
            Way::Kernel => Verdict::Kernel,
            Way::Drop(reason) => Verdict::Drop(reason),
            Way::Link(link) => self
                .path_in(link, flow, None)
                .map_or_else(Verdict::Drop, |path| Verdict::Path(path, None)),
        }
    }

    fn by_path(&self, link: LinkId, flow: FiveTuple, class: Option<ClassId>) -> Verdict {
        match self.path_in(link, flow, class) {
            Ok(path) => Verdict::Path(path, class),
            Err(reason) => Verdict::Drop(reason),
        }
    }

    /// Whether a packet may come from its source by this path (RFC 3704, RFC 8704).
    ///
    /// A plain WireGuard peer may only use addresses behind it, whatever is checked otherwise. Strictly, a site
    /// may use what its design lets it announce, and a hub whatever leads somewhere: it carries for others, and
    /// routes there and back may differ. What routers on the way say by ICMP comes from addresses that nobody announces.
    fn accepts_source(&self, path: PathId, packet: &Ipv4<'_>) -> bool {
        let (id, source) = (self.facts.link_of(path), packet.source());
        let link = &self.facts.settings.links[id.index()];
        let within = |prefixes: &[inet::Prefix]| prefixes.iter().any(|one| one.contains(source));
        if let Some(partner) = self.shortcuts.partner(id) {
            return source == partner.loopback || within(&partner.prefixes);
        }
        let Some(loopback) = link.loopback else {
            return within(&link.static_routes);
        };
        let has_route = |with_default: bool| match self.fib.longest_match(source) {
            None | Some((.., Target::Unreachable | Target::Exit)) => false,
            Some((prefix, ..)) => with_default || prefix.len() > 0,
        };
        let is_site = matches!(link.role, LinkRole::HomeSite | LinkRole::BackupSite);
        match self.facts.settings.forwarding.source_check {
            SourceCheck::Off => true,
            _ if source == loopback => true,
            SourceCheck::Strict if is_site => match &link.accept {
                Some(accept) => within(accept),
                None => self.leads_to(id, source),
            },
            SourceCheck::Strict => has_route(true) || packet.is_icmp_error(),
            SourceCheck::Loose => has_route(false) || packet.is_icmp_error(),
        }
    }

    fn is_slot(&self, path: PathId) -> bool {
        let link = self.facts.link_of(path);
        self.facts.settings.shortcuts.is_slot(link)
    }

    fn leads_to(&self, link: LinkId, address: Ipv4Addr) -> bool {
        match self.fib.longest_match(address) {
            Some((.., Target::Links(links))) => links.contains(&link),
            _ => false,
        }
    }

    /// Whether a flow of the kernel leaves to the internet here: its class asks for it, and nothing but a
    /// default route leads to where it goes.
    pub(crate) fn breaks_out(
        &self,
        flow: FiveTuple,
        class: impl FnOnce() -> Option<ClassId>,
    ) -> bool {
        if self.facts.exits.is_empty() {
            return false;
        }
        let matched = self.fib.longest_match(flow.destination);
        let outside = matched.is_none_or(|(prefix, ..)| prefix.len() == 0);
        let classes = &self.facts.settings.classes;
        outside && class().is_some_and(|class| classes[class.index()].breakout)
    }

    /// Where the table sends a flow.
    pub(crate) fn way(&self, flow: FiveTuple) -> Way {
        match self.fib.longest_match(flow.destination) {
            None | Some((.., Target::Exit)) => Way::Drop(DropReason::NoRoute),
            Some((.., Target::Unreachable)) => Way::Drop(DropReason::Unreachable),
            Some((
                ..,
                Target::Kernel | Target::Platform | Target::Plain(_) | Target::Router { .. },
            )) => Way::Kernel,
            Some((.., Target::Links(links))) => self
                .choose(links, flow)
                .map_or(Way::Drop(DropReason::LinkDown), Way::Link),
        }
    }

    /// Which of several neighbours takes a flow: those whose link is up share by hash.
    pub(crate) fn choose(&self, links: &[LinkId], flow: FiveTuple) -> Option<LinkId> {
        if let [only] = links {
            return self.link(*only).is_up().then_some(*only);
        }
        let up = links.iter().copied();
        let mut up = up.filter(|link| self.link(*link).is_up());
        let names = up.clone().map(|link| self.facts.hash_names[link.index()]);
        up.nth(flow.choose(self.facts.flow_seed, names)?)
    }

    /// The class of a packet. The overlay's own, such as BGP between loopbacks, has none: no class
    /// may take a link down.
    pub(crate) fn class_of(&self, packet: &Ipv4<'_>, flow: FiveTuple) -> Option<ClassId> {
        if self.facts.settings.classes.is_empty() || self.is_own(flow) {
            return None;
        }
        self.classify(flow, packet.dscp())
    }

    /// Whether a packet for the kernel is an answer of DNS that classes may learn from: one for a host of a site.
    pub(crate) fn is_answer(&self, packet: &Ipv4<'_>) -> bool {
        let settings = &self.facts.settings;
        packet.protocol() == packet::UDP
            && settings.classifier.has_domains()
            && settings.region().is_none()
            && packet.flow().source_port == dns::PORT
    }

    /// What classes learn from a packet for the kernel.
    pub(crate) fn heard(&self, packet: &Ipv4<'_>) -> Option<Heard> {
        let answer = packet.udp_payload().filter(|_| self.is_answer(packet))?;
        let answer = dns::answer(answer)?;
        let names = answer.names.iter();
        let domains = names.fold(DomainSet::NONE, |all, name| {
            all.with(self.facts.settings.classifier.domains_of(name))
        });
        let addresses = answer.addresses;
        (!domains.is_empty()).then_some(Heard { domains, addresses })
    }

    /// Whether a flow is the overlay's own: between the loopbacks of neighbours.
    pub(crate) fn is_own(&self, flow: FiveTuple) -> bool {
        let is_own = |address| {
            address == self.facts.settings.loopback || self.facts.loopbacks.contains_key(&address)
        };
        is_own(flow.source) && is_own(flow.destination)
    }

    /// The class of a flow with a code point.
    pub(crate) fn classify(&self, flow: FiveTuple, dscp: u8) -> Option<ClassId> {
        let classifier = &self.facts.settings.classifier;
        let names = |address| self.names.get(&address).copied().unwrap_or_default();
        classifier.classify(flow, dscp, names)
    }

    /// Which path to a neighbour takes a flow of a class.
    pub(crate) fn path_in(
        &self,
        link: LinkId,
        flow: FiveTuple,
        class: Option<ClassId>,
    ) -> Result<PathId, DropReason> {
        let link = self.link(link);
        let hash = flow.hash(self.facts.flow_seed);
        let (paths, reason) = match class {
            Some(class) if link.is_up() => {
                (&link.classes[class.index()], DropReason::NoPathForClass)
            }
            _ => (&link.usable, DropReason::LinkDown),
        };
        if let [only] = paths.as_slice() {
            return Ok(*only);
        }
        let weighed = paths
            .iter()
            .map(|path| (*path, self.facts.weight_of(*path)));
        path::share(weighed, hash).ok_or(reason)
    }
}
