//! A node's birth: parts from settings, and the first outputs.

use std::collections::VecDeque;
use std::sync::Arc;

use bgp::{NeighborId, Speaker};
use design::plan::{Liveness, NodeConfig};
use inet::{Instant, Prefix, Rng, hash};
use path::{MtuDiscovery, MtuSettings, Otherwise, PathId, Prober};
use tunnel::{Endpoint, Peer};

use super::carriers::Carriers;
use super::guard::Guard;
use super::names::Names;
use super::shortcuts::Shortcuts;
use super::tunnels::Tunnels;
use super::{LinkState, Node, Options, PathState, Scratch, Secrets, mtu};
use crate::fib::{Source, Target};
use crate::id::LinkId;
use crate::output::Output;
use crate::plane::icmp::IcmpBudget;
use crate::plane::label::Label;
use crate::plane::protect::{Receivers, Senders};
use crate::plane::sightings::Sightings;
use crate::plane::tables::{Facts, Tables};
use crate::plane::usage::Usage;
use crate::routing::{self, Routing};
use crate::settings::{ConfigErrors, Path, Settings, Shape};
use crate::timers::{Part, Timers};
use crate::view::Counters;
use crate::vrrp;

impl Node {
    /// A node from its configuration and keys. Its first wake-up is `now`.
    ///
    /// # Errors
    /// Names every field of the configuration that cannot work, with the reason.
    pub fn new(
        config: &NodeConfig,
        secrets: &Secrets,
        options: &Options,
        now: Instant,
    ) -> Result<Self, ConfigErrors> {
        let settings = Arc::new(Settings::new(config, secrets)?);
        let facts = Arc::new(Facts::new(settings.clone()));
        let chance = Rng::new(seed64(options)).named(&settings.name);
        let tables = Tables::new(facts.clone());
        let paths = paths(&tables, &chance, now);
        let routing = Routing::new(&settings);
        let seed = chance.named("bgp").next_u64();
        let mut timers = Timers::default();
        timers.set(Part::Start, Some(now));
        Ok(Self {
            tunnels: tunnels(&settings, options, &facts.peers, now),
            tables,
            paths,
            links: links(&settings),
            carriers: Carriers::new(&settings, now),
            speaker: Speaker::new(routing.settings.clone(), seed, now),
            routing,
            waiting: Default::default(),
            shortcuts: Shortcuts::default(),
            sightings: Sightings::new(),
            guard: Guard::new(&settings.budget),
            gateways: gateways(&settings),
            timers,
            held: (0..facts.egresses.len()).map(|_| None).collect(),
            names: Names::default(),
            exit: None,
            icmp: IcmpBudget::default(),
            senders: Senders::new(0),
            receivers: Receivers::default(),
            regulators: Default::default(),
            usage: Usage::new(settings.paths.len()),
            counters: Counters::default(),
            moves: VecDeque::new(),
            orders: None,
            scratch: Scratch::default(),
            settings,
        })
    }

    /// The first wake-up: what is known without anybody else.
    pub(super) fn start(&mut self, now: Instant, out: &mut Vec<Output>) {
        let own = self.settings.interfaces.iter().map(|own| own.address);
        let own: Vec<_> = own.chain([self.settings.loopback]).collect();
        for address in own {
            self.route(
                Prefix::host(address),
                Source::Connected,
                Some(Target::Kernel),
                out,
            );
        }
        for index in 0..self.settings.lans.len() {
            let prefix = self.settings.lans[index].prefix;
            self.route(prefix, Source::Connected, Some(Target::Kernel), out);
        }
        // BGP of its own that the platform carries: a summary must not take it to the overlay device.
        let servers = self.settings.route_servers.iter().map(|peer| peer.address);
        let plain = self.settings.links.iter();
        let plain = plain.filter_map(|link| Some(link.plain.as_ref()?.remote));
        let by_platform: Vec<_> = servers.chain(plain).collect();
        for address in by_platform {
            self.route(
                Prefix::host(address),
                Source::Connected,
                Some(Target::Platform),
                out,
            );
        }
        let facts = self.tables.facts.clone();
        for (&loopback, &link) in &facts.loopbacks {
            let target = Target::Links(vec![link]);
            self.route(Prefix::host(loopback), Source::Link, Some(target), out);
        }
        for index in 0..self.settings.summaries.len() {
            let prefix = self.settings.summaries[index];
            self.route(prefix, Source::Summary, Some(Target::Unreachable), out);
        }
        self.start_breakout(out);
        let commands: Vec<_> = routing::originations(&self.settings).collect();
        for command in commands {
            self.speak(now, bgp::Input::Command(command), out);
        }
        self.speak(now, bgp::Input::Wake, out);
        self.start_gateways(now, out);
        self.start_callers();
        for index in 0..self.tunnels.len() {
            let part = Part::Locator(crate::LocatorId(index as u16));
            self.timers.set(part, self.tunnels[index].wake());
        }
        for (index, path) in self.paths.iter().enumerate() {
            if let Some(prober) = &path.prober {
                let part = Part::Path(PathId(index as u32));
                self.timers.set(part, prober.wake());
            }
        }
    }

    /// The BGP neighbour at the other end of a link.
    pub(super) fn neighbor_of(&self, link: LinkId) -> Option<NeighborId> {
        self.routing.neighbors[link.index()]
    }
}

fn seed64(options: &Options) -> u64 {
    hash::bytes(0, &options.seed)
}

fn paths(tables: &Tables, chance: &Rng, now: Instant) -> Vec<PathState> {
    let (facts, settings) = (&tables.facts, &tables.facts.settings);
    let (shapes, _) = shapes(settings);
    let mut paths = Vec::with_capacity(settings.paths.len());
    for (number, path) in settings.paths.iter().enumerate() {
        let seed = chance.named(&path.remote).next_u64();
        let prober = match path.liveness {
            Liveness::Probe if !settings.shortcuts.is_slot(path.link) => {
                Some(prober(settings, number, seed, now))
            }
            Liveness::Probe | Liveness::Handshake => None,
        };
        let cap = facts.probe_max(PathId(number as u32));
        let mtu = (path.liveness == Liveness::Probe).then(|| {
            MtuDiscovery::new(MtuSettings {
                base: mtu::BASE.min(cap),
                cap,
                ssid: number as u16 | mtu::SESSIONS,
            })
        });
        paths.push(PathState {
            peer: facts.peer_of[number],
            prober,
            mtu,
            shapes: shapes.clone(),
            judged: Instant::ZERO,
        });
    }
    paths
}

/// The prober of a path.
pub(super) fn prober(settings: &Settings, number: usize, seed: u64, now: Instant) -> Prober {
    let mut probing = path::Settings::new(number as u16);
    probing.interval = settings.probe_interval;
    probing.idle_interval = settings.probe_idle_interval;
    probing.shapes = shapes(settings).0.len() as u8;
    probing.dead_after = settings.probe_dead_after;
    Prober::new(probing, seed, now)
}

fn tunnels(
    settings: &Settings,
    options: &Options,
    peers: &[Vec<PathId>],
    now: Instant,
) -> Vec<Tunnels> {
    let locators = settings.locators.iter().zip(peers).enumerate();
    locators
        .map(|(number, (locator, peers))| {
            let mut tunnel = tunnel::Settings::new(&locator.name, locator.private_key.clone());
            tunnel.suite = options.suite;
            tunnel.mtu = settings.mtu;
            if !settings.classes.is_empty() {
                tunnel.mtu = tunnel.mtu.saturating_add(Label::ROOM as u16);
            }
            tunnel.shards = settings.forwarding.threads;
            tunnel.aes = options.aes && settings.forwarding.aes;
            // A whole region's sites may call at once after an outage.
            let rate = peers.len().saturating_mul(2);
            let rate = u32::try_from(rate).unwrap_or(u32::MAX);
            tunnel.handshake_rate = tunnel.handshake_rate.max(rate);
            tunnel.peers = peers
                .iter()
                .map(|path| &settings.paths[super::index(*path)])
                // Slots have nobody to call yet, and come last.
                .filter(|path| !settings.shortcuts.is_slot(path.link))
                .map(|path| peer(settings, path))
                .collect();
            let seed = seed_of(options, number);
            let endpoint = Endpoint::new(tunnel, seed, options.epoch, now);
            Tunnels::Whole(Box::new(endpoint))
        })
        .collect()
}

/// A seed for each endpoint: all endpoints draw from streams of their own.
fn seed_of(options: &Options, locator: usize) -> [u8; 32] {
    let mut seed = options.seed;
    for (octet, number) in seed.iter_mut().zip((locator as u64).to_le_bytes()) {
        *octet ^= number;
    }
    seed
}

fn peer(settings: &Settings, path: &Path) -> Peer {
    let mut peer = Peer::new(path.public_key);
    // Only nodes of the overlay have loopbacks.
    peer.extended = settings.links[path.link.index()].loopback.is_some();
    peer.endpoint = path.endpoint;
    // Who decides between UDP and TLS is not led back by packets that were under way.
    peer.roams = path.tls.is_none();
    peer.initiate = path.initiate;
    peer.keepalive = path.keepalive;
    peer
}

fn links(settings: &Settings) -> Vec<LinkState> {
    let (_, shape_of) = shapes(settings);
    settings
        .links
        .iter()
        .map(|link| {
            let ids = link.first_path..link.first_path + link.path_count;
            let path = |id: u32| &settings.paths[id as usize];
            let paths = ids.clone().map(|id| (PathId(id), path(id).preference));
            let is_slot = ids
                .clone()
                .any(|id| settings.shortcuts.is_slot(path(id).link));
            let classes = settings.classes.iter().map(|class| {
                let group = |path: &Path| class.group(&path.underlay, path.preference);
                // A shortcut takes a class where the relay would not do better.
                let takes = |id: &u32| !is_slot || class.is_first_choice(&path(*id).underlay);
                let paths = ids
                    .clone()
                    .filter(takes)
                    .map(|id| (PathId(id), group(path(id))));
                let otherwise = if is_slot {
                    Otherwise::Drop
                } else {
                    class.paths.otherwise
                };
                let settings = path::ClassSettings {
                    otherwise,
                    ..class.paths
                };
                path::ClassPaths::new(settings, paths)
            });
            LinkState {
                paths: path::Link::new(paths),
                classes: classes.collect(),
                shapes: shape_of.clone(),
                waiting: None,
            }
        })
        .collect()
}

/// The shapes that probes of every path take turns in, and by class the number of the one that it is judged by: classes that
/// ask for nothing need none, and those beyond [`SHAPES_MAX`] make do with the first.
fn shapes(settings: &Settings) -> (Vec<Shape>, Vec<u8>) {
    let mut shapes: Vec<Shape> = Vec::new();
    let mut of_class = Vec::with_capacity(settings.classes.len());
    for class in &settings.classes {
        let asks = class.paths.sla != path::Sla::default();
        let known = shapes.iter().position(|shape| *shape == class.shape);
        let place = match known {
            Some(place) => place,
            None if asks && shapes.len() < SHAPES_MAX => {
                shapes.push(class.shape);
                shapes.len() - 1
            }
            None => 0,
        };
        of_class.push(place as u8);
    }
    if shapes.is_empty() {
        shapes.push(Shape::default());
    }
    (shapes, of_class)
}

/// More shapes would leave each too few probes to judge a path within ten seconds.
const SHAPES_MAX: usize = 4;

fn gateways(settings: &Settings) -> Vec<Option<vrrp::Router>> {
    let lans = settings.lans.iter();
    lans.map(|lan| lan.vrrp.map(vrrp::Router::new)).collect()
}
