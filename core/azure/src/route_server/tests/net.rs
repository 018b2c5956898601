//! An instance and its NVAs, connected without delay.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bgp::{
    Action, Attributes, ConnId, Event, Neighbor, NeighborId, NextHopRule, Origination, Policy,
    Settings, Speaker, Term, Verdict,
};
use design::plan::{
    BgpPeerConfig, InterfaceConfig, Limits, PlatformChoices, RouteMaps, RouteServerConfig,
    RoutingPreference,
};
use inet::{Asn, Instant, Prefix};

use crate::route_server::{Command, Input, Output, PeerRefusal, RouteServer};

pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 4);

pub(super) struct Net {
    pub(super) server: RouteServer,
    pub(super) nvas: Vec<Speaker>,
    now: Instant,
    /// The other end of each connection, by node (0 is the instance) and name there.
    ends: BTreeMap<(usize, ConnId), (usize, ConnId)>,
    accepted: u64,
    silent: BTreeSet<usize>,
    queue: VecDeque<(usize, Owned)>,
    events: Vec<(usize, Event)>,
    /// What the fabric was told last.
    pub(super) fabric: BTreeMap<Prefix, Vec<Ipv4Addr>>,
    /// When maintenance began (false) and ended (true).
    pub(super) serving: Vec<bool>,
    /// What the server refused.
    pub(super) refused: Vec<PeerRefusal>,
}

/// An input that owns its bytes.
enum Owned {
    Wake,
    Accepted(ConnId, SocketAddrV4, SocketAddrV4),
    Connected(ConnId, SocketAddrV4),
    ConnectFailed(ConnId),
    Bytes(ConnId, Vec<u8>),
    Closed(ConnId),
    Nva(bgp::Command),
    Server(Command),
}

impl Net {
    pub(super) fn new(config: RouteServerConfig) -> Self {
        Self::with(config, |_| {})
    }

    /// With NVAs whose settings for the session are changed.
    pub(super) fn with(config: RouteServerConfig, change: impl Fn(&mut Neighbor)) -> Self {
        let peers = config.peers.iter().map(|peer| (peer.asn, peer.address));
        let gateways = config.gateways.iter();
        let all = peers.chain(gateways.map(|gateway| (config.asn, gateway.address)));
        let nvas = all.map(|(asn, address)| {
            let mut neighbor = Neighbor::new("rs", address, SERVER, config.asn);
            neighbor.hold_time = Duration::from_secs(180);
            neighbor.import = Some(Policy::accept_all());
            neighbor.export = Some(Policy::accept_all());
            neighbor.next_hop = NextHopRule::Unchanged;
            change(&mut neighbor);
            let mut settings = Settings::new(asn, address);
            settings.neighbors.push(neighbor);
            Speaker::new(settings, 2, Instant::ZERO)
        });
        Self {
            nvas: nvas.collect(),
            server: RouteServer::new(&config, 1, Instant::ZERO).expect("a good configuration"),
            now: Instant::ZERO,
            ends: BTreeMap::new(),
            accepted: 0,
            silent: BTreeSet::new(),
            queue: VecDeque::new(),
            events: Vec::new(),
            fabric: BTreeMap::new(),
            serving: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Until everybody is established.
    pub(super) fn settle(&mut self) {
        self.pass(Duration::from_secs(120));
        let speaker = self.server.speaker();
        assert!(
            speaker
                .neighbors()
                .all(|neighbor| neighbor.session.is_some())
        );
        self.events.clear();
    }

    /// Lets time pass, with everybody woken when they asked to be.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.drain();
            let wakes = self
                .nvas
                .iter()
                .map(Speaker::wake)
                .chain([self.server.wake()])
                .enumerate()
                .filter_map(|(index, at)| Some((at?, (index + 1) % (self.nvas.len() + 1))));
            let Some((at, node)) = wakes.filter(|(at, _)| *at <= until).min() else {
                break;
            };
            self.now = self.now.max(at);
            self.queue.push_back((node, Owned::Wake));
        }
        self.now = until;
    }

    pub(super) fn announce(&mut self, nva: usize, prefix: &str) {
        self.announce_with(nva, prefix, |_| {});
    }

    pub(super) fn announce_with(
        &mut self,
        nva: usize,
        text: &str,
        change: impl Fn(&mut Origination),
    ) {
        let mut route = Origination::default();
        change(&mut route);
        self.nva_command(nva, bgp::Command::Originate(prefix(text).into(), route));
    }

    /// Announces with a community that the NVA's own export would stop at.
    pub(super) fn announce_tagged(&mut self, nva: usize, prefix: &str, community: u32) {
        let tag = Term {
            when: Vec::new(),
            then: vec![Action::AddCommunity(community)],
            verdict: Verdict::Accept,
        };
        let policy = Policy::new(vec![tag], Verdict::Reject);
        self.export_of(nva, policy.expect("one term"));
        self.announce(nva, prefix);
    }

    /// Gives an NVA another export policy.
    pub(super) fn export_of(&mut self, nva: usize, policy: Policy) {
        let view = self.nvas[nva]
            .neighbor(NeighborId(0))
            .expect("the instance");
        let mut neighbor = view.settings.clone();
        neighbor.export = Some(policy);
        let set = bgp::Command::SetNeighbor(NeighborId(0), Box::new(neighbor));
        self.nva_command(nva, set);
    }

    pub(super) fn withdraw(&mut self, nva: usize, text: &str) {
        self.nva_command(nva, bgp::Command::Withdraw(prefix(text).into()));
    }

    pub(super) fn resend(&mut self, nva: usize) {
        self.nva_command(nva, bgp::Command::Resend(NeighborId(0)));
    }

    pub(super) fn nva_command(&mut self, nva: usize, command: bgp::Command) {
        self.queue.push_back((nva + 1, Owned::Nva(command)));
        self.drain();
    }

    pub(super) fn command(&mut self, command: Command) {
        self.queue.push_back((0, Owned::Server(command)));
        self.drain();
    }

    /// Whatever an NVA sends is lost from now on, and nobody is told.
    pub(super) fn silence(&mut self, nva: usize) {
        self.silent.insert(nva + 1);
    }

    pub(super) fn told(&self, nva: usize) -> Vec<(Prefix, Attributes)> {
        let routes = self.nvas[nva].adj_in(NeighborId(0)).into_iter();
        routes
            .filter_map(|route| Some((route.net.v4()?, route.received)))
            .collect()
    }

    pub(super) fn programmed(&self, text: &str) -> Vec<Ipv4Addr> {
        let wanted = prefix(text);
        let found = self.server.programmed().find(|(known, _)| *known == wanted);
        found.map_or_else(Vec::new, |(_, hops)| hops.to_vec())
    }

    /// How often the instance lost an established session since all were settled.
    pub(super) fn ended(&self) -> usize {
        let ended = |(node, event): &&(usize, Event)| {
            *node == 0
                && matches!(
                    event,
                    Event::Ended {
                        established: true,
                        ..
                    }
                )
        };
        self.events.iter().filter(ended).count()
    }

    pub(super) fn nva_events(&self, nva: usize) -> Vec<&Event> {
        let events = self.events.iter();
        events
            .filter(|(node, _)| *node == nva + 1)
            .map(|(_, event)| event)
            .collect()
    }

    fn drain(&mut self) {
        while let Some((node, input)) = self.queue.pop_front() {
            if node == 0 {
                self.tell_server(input);
            } else {
                let mut out = Vec::new();
                let Some(input) = borrowed(&input) else {
                    continue;
                };
                self.nvas[node - 1].handle(self.now, input, &mut out);
                for output in out {
                    self.carry(node, output);
                }
            }
        }
    }

    fn tell_server(&mut self, input: Owned) {
        let mut out = Vec::new();
        match input {
            Owned::Wake => self.server.handle(self.now, Input::Wake, &mut out),
            Owned::Server(command) => {
                self.server
                    .handle(self.now, Input::Command(command), &mut out);
            }
            other => {
                if let Some(input) = borrowed(&other) {
                    self.server.handle(self.now, Input::Bgp(input), &mut out);
                }
            }
        }
        for output in out {
            match output {
                Output::Bgp(output) => self.carry(0, output),
                Output::Event(event) => self.events.push((0, event)),
                Output::Program { prefix, next_hops } => {
                    self.fabric.insert(prefix, next_hops);
                }
                Output::Serving(serving) => self.serving.push(serving),
                Output::Refused(refusal) => self.refused.push(refusal),
            }
        }
    }

    fn carry(&mut self, node: usize, output: bgp::Output) {
        match output {
            bgp::Output::Connect {
                conn,
                local: IpAddr::V4(local),
                remote: SocketAddr::V4(remote),
                ..
            } => self.connect(node, conn, local, remote),
            bgp::Output::Send { conn, bytes } if !self.silent.contains(&node) => {
                if let Some((other, end)) = self.ends.get(&(node, conn)) {
                    self.queue
                        .push_back((*other, Owned::Bytes(*end, bytes.to_vec())));
                }
            }
            bgp::Output::Close { conn } => {
                if let Some((other, end)) = self.ends.remove(&(node, conn)) {
                    self.ends.remove(&(other, end));
                    self.queue.push_back((other, Owned::Closed(end)));
                }
            }
            bgp::Output::Event(event) => self.events.push((node, event)),
            bgp::Output::Connect { .. }
            | bgp::Output::Send { .. }
            | bgp::Output::Changed { .. }
            | bgp::Output::Message { .. } => {}
        }
    }

    fn connect(&mut self, node: usize, conn: ConnId, local: Ipv4Addr, remote: SocketAddrV4) {
        let peers = self.nvas.iter().map(|nva| nva.settings().router_id);
        let mut addresses = core::iter::once(SERVER).chain(peers);
        let other = addresses.position(|address| address == *remote.ip());
        let Some(other) = other.filter(|_| !self.silent.contains(&node)) else {
            self.queue.push_back((node, Owned::ConnectFailed(conn)));
            return;
        };
        let local = SocketAddrV4::new(local, 40_000);
        let end = ConnId::accepted(self.accepted);
        self.accepted += 1;
        self.ends.insert((node, conn), (other, end));
        self.ends.insert((other, end), (node, conn));
        self.queue
            .push_back((other, Owned::Accepted(end, remote, local)));
        self.queue.push_back((node, Owned::Connected(conn, local)));
    }
}

fn borrowed(input: &Owned) -> Option<bgp::Input<'_>> {
    Some(match input {
        Owned::Wake => bgp::Input::Wake,
        Owned::Accepted(conn, local, remote) => bgp::Input::Accepted {
            conn: *conn,
            local: (*local).into(),
            remote: (*remote).into(),
        },
        Owned::Connected(conn, local) => bgp::Input::Connected {
            conn: *conn,
            local: (*local).into(),
        },
        Owned::ConnectFailed(conn) => bgp::Input::ConnectFailed { conn: *conn },
        Owned::Bytes(conn, bytes) => bgp::Input::Bytes { conn: *conn, bytes },
        Owned::Closed(conn) => bgp::Input::Closed { conn: *conn },
        Owned::Nva(command) => bgp::Input::Command(command.clone()),
        Owned::Server(_) => return None,
    })
}

pub(super) fn ip(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

pub(super) fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}

/// The address of the n-th NVA.
pub(super) const fn nva(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 1, 4 + index)
}

pub(super) fn nvas(asns: &[u32]) -> Vec<BgpPeerConfig> {
    (0..)
        .zip(asns)
        .map(|(index, asn)| BgpPeerConfig {
            name: format!("nva{index}"),
            address: nva(index),
            asn: Asn(*asn),
        })
        .collect()
}

pub(super) fn config(peers: &[BgpPeerConfig]) -> RouteServerConfig {
    RouteServerConfig {
        name: "rs0.west".to_owned(),
        region: "west".to_owned(),
        vnet: "hub-west".to_owned(),
        instance: 0,
        twin: "rs1.west".to_owned(),
        interface: InterfaceConfig {
            name: "eth0".to_owned(),
            address: SERVER,
            prefix_len: 24,
            default_route_metric: Some(0),
        },
        subnet: prefix("10.1.2.0/24"),
        asn: Asn(65_515),
        peers: peers.to_vec(),
        announced: ["10.1.0.0/16", "10.2.0.0/16"].map(prefix).into(),
        vnet_space: ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]
            .map(prefix)
            .into(),
        branch_to_branch: false,
        routing_preference: RoutingPreference::default(),
        hold_time_s: 180,
        routes_per_peer: 4_000,
        own_space: vec![prefix("10.1.0.0/16")],
        gateways: Vec::new(),
        route_maps: RouteMaps::default(),
        limits: Limits::default(),
        choices: PlatformChoices::default(),
    }
}
