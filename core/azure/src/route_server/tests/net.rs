//! An instance and its NVAs, by number.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;

use bgp::{
    Action, Attributes, Event, Neighbor, NeighborId, NextHopRule, Origination, Policy, Settings,
    Speaker, Term, Verdict,
};
use design::plan::{
    BgpPeerConfig, InterfaceConfig, Limits, PlatformChoices, RouteMaps, RouteServerConfig,
    RoutingPreference,
};
use inet::{Asn, Instant, Prefix};

use crate::net::{self, Device, Router};
pub(super) use crate::net::{ip, prefix};
use crate::route_server::{Command, PeerRefusal, RouteServer};

pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 4);

/// The instance's name among the devices.
const NAME: &str = "server";

pub(super) struct Net {
    net: net::Net,
}

/// The name of an NVA, or of a gateway after them, among the devices.
fn name(index: usize) -> String {
    format!("nva{index}")
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
        let nvas = all.enumerate().map(|(index, (asn, address))| {
            let mut neighbor = Neighbor::new("rs", address, SERVER, config.asn);
            neighbor.hold_time = Duration::from_secs(180);
            neighbor.import = Some(Policy::accept_all());
            neighbor.export = Some(Policy::accept_all());
            neighbor.next_hop = NextHopRule::Unchanged;
            change(&mut neighbor);
            let mut settings = Settings::new(asn, address);
            settings.neighbors.push(neighbor);
            let router = Router {
                speaker: Speaker::new(settings, 2, Instant::ZERO),
                bfd: bfd::Endpoint::new(2),
            };
            (name(index), vec![address], Device::Router(router))
        });
        let server = RouteServer::new(&config, 1, Instant::ZERO).expect("a good configuration");
        let server = (NAME.to_owned(), vec![SERVER], Device::Server(server));
        Self {
            net: net::Net::new(nvas.chain([server]).collect()),
        }
    }

    pub(super) fn server(&self) -> &RouteServer {
        match &self.net.devices[NAME] {
            Device::Server(server) => server,
            Device::Gateway(_) | Device::Msee(_) | Device::Router(_) => unreachable!(),
        }
    }

    pub(super) fn nva(&self, index: usize) -> &Speaker {
        self.net.devices[&name(index)].speaker()
    }

    /// What the fabric was told last.
    pub(super) fn fabric(&self) -> BTreeMap<Prefix, Vec<Ipv4Addr>> {
        self.net.nics_of(NAME)
    }

    /// When maintenance began (false) and ended (true).
    pub(super) fn serving(&self) -> Vec<bool> {
        self.net.serving.iter().map(|(_, on)| *on).collect()
    }

    /// What the server refused.
    pub(super) fn refused(&self) -> &[PeerRefusal] {
        &self.net.refused
    }

    /// Until everybody is established.
    pub(super) fn settle(&mut self) {
        self.net.settle();
    }

    /// Lets time pass, with everybody woken when they asked to be.
    pub(super) fn pass(&mut self, time: Duration) {
        self.net.pass(time);
    }

    pub(super) fn announce(&mut self, nva: usize, prefix: &str) {
        self.net.announce(&name(nva), prefix);
    }

    pub(super) fn announce_with(
        &mut self,
        nva: usize,
        text: &str,
        change: impl Fn(&mut Origination),
    ) {
        self.net.announce_with(&name(nva), text, change);
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
        let view = self.nva(nva).neighbor(NeighborId(0)).expect("the instance");
        let mut neighbor = view.settings.clone();
        neighbor.export = Some(policy);
        let set = bgp::Command::SetNeighbor(NeighborId(0), Box::new(neighbor));
        self.nva_command(nva, set);
    }

    pub(super) fn withdraw(&mut self, nva: usize, text: &str) {
        self.net.withdraw(&name(nva), text);
    }

    pub(super) fn resend(&mut self, nva: usize) {
        self.nva_command(nva, bgp::Command::Resend(NeighborId(0)));
    }

    pub(super) fn nva_command(&mut self, nva: usize, command: bgp::Command) {
        self.net.bgp(&name(nva), command);
    }

    pub(super) fn command(&mut self, command: Command) {
        self.net.server(NAME, command);
    }

    /// Whatever an NVA sends is lost from now on, and nobody is told.
    pub(super) fn silence(&mut self, nva: usize) {
        self.net.silence(&name(nva));
    }

    pub(super) fn told(&self, nva: usize) -> Vec<(Prefix, Attributes)> {
        let routes = self.nva(nva).adj_in(NeighborId(0)).into_iter();
        routes
            .filter_map(|route| Some((route.net.v4()?, route.received)))
            .collect()
    }

    pub(super) fn programmed(&self, text: &str) -> Vec<Ipv4Addr> {
        let wanted = prefix(text);
        let mut programmed = self.server().programmed();
        let found = programmed.find(|(known, _)| *known == wanted);
        found.map_or_else(Vec::new, |(_, hops)| hops.to_vec())
    }

    /// How often the instance lost an established session since all were settled.
    pub(super) fn ended(&self) -> usize {
        let events = self.net.events_of(NAME).into_iter();
        let ended = |event: &&Event| {
            matches!(
                event,
                Event::Ended {
                    established: true,
                    ..
                }
            )
        };
        events.filter(ended).count()
    }

    pub(super) fn nva_events(&self, nva: usize) -> Vec<&Event> {
        self.net.events_of(&name(nva))
    }
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
