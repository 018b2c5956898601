//! The product's routing policy: who is told what, and who is believed how much.
//!
//! Everything follows from what a neighbour is to this node.
//!
//! | neighbour   | is told                                        | is believed with             |
//! |-------------|------------------------------------------------|------------------------------|
//! | home site   | the summaries; everything when there are none  | its own preference, cost 0   |
//! | backup site | the same                                       | the same                     |
//! | hub         | sites and own VNets (iBGP keeps other hubs' routes back) | cost 10            |
//! | twin        | the same                                       | cost 20                      |
//! | Route Server| what this node can deliver by its own tunnels, and the summaries | VNets of the own region |
//! | home hub    | the LANs, `LOCAL_PREF` 200                     | `LOCAL_PREF` 200             |
//! | backup hub  | the LANs, `LOCAL_PREF` 100                     | `LOCAL_PREF` 100, cost 10    |
//!
//! A site's routes thus lead to its home region while that has a tunnel to it, wherever the traffic
//! comes from, and to the backup region otherwise. What a hub can reach only through its twin it
//! keeps from Route Server, because the twin announces it and is one hop closer.
//!
//! The summaries go to Route Server as well: the platform routes nothing between two spokes of one hub,
//! and takes no route that equals a VNet's address space, so a shorter one must lead a spoke's packets to
//! the NVAs. A site's own, longer route still wins wherever there is one; what only the summary covers is
//! answered as unreachable.
//!
//! Since `as-override` disables BGP's own loop check between regions, every route carries where
//! it entered the overlay as a Site-of-Origin extended community (RFC 4360 §5): region and [`Kind`].

#[cfg(test)]
mod tests;

use core::time::Duration;

use bgp::{Action, Command, ConnectMode, Group, Match, Neighbor, NeighborId, NextHopRule};
use bgp::{Origination, Policy, PrefixSet, Term, Verdict};
use design::plan::{BgpPeerConfig, LinkRole};
use inet::{Asn, Prefix};

use crate::id::LinkId;
use crate::settings::{Link, Settings};

/// Where a route entered the overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// From a site.
    Site = 1,
    /// From a virtual network, by Route Server.
    Vnet = 2,
    /// From an ExpressRoute circuit.
    ExpressRoute = 3,
}

/// The Site-of-Origin extended community of a region and kind: type 0x00, subtype 0x03, the
/// overlay's AS, then the region's number and the kind (RFC 4360 §5).
pub fn origin_community(overlay: Asn, region: u16, kind: Kind) -> u64 {
    ORIGIN_TYPE
        | u64::from(overlay.0 & 0xffff) << 32
        | u64::from(region) << 8
        | u64::from(kind as u8)
}

/// Whom a BGP neighbour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learned {
    /// The node at the other end of a link: packets go into its tunnels.
    Link(LinkId),
    /// Route Server: packets go to the platform.
    RouteServer,
}

/// The BGP side of a node.
#[derive(Clone, Debug)]
pub(crate) struct Routing {
    pub(crate) settings: bgp::Settings,
    /// By [`NeighborId`].
    pub(crate) learned: Vec<Learned>,
    /// By [`LinkId`]; plain WireGuard peers have none.
    pub(crate) neighbors: Vec<Option<NeighborId>>,
}

impl Routing {
    /// Makes a speaker's settings from a node's: links with a loopback first, then Route Servers.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut speaker = bgp::Settings::new(settings.asn, settings.loopback);
        speaker.cluster_id = Some(settings.loopback);
        speaker.multipath_max = MULTIPATH_MAX;
        let mut learned = Vec::new();
        let mut neighbors = Vec::new();
        for (index, link) in settings.links.iter().enumerate() {
            let neighbor = internal(settings, link);
            neighbors.push(
                neighbor
                    .is_some()
                    .then_some(NeighborId(learned.len() as u32)),
            );
            if let Some(neighbor) = neighbor {
                speaker.neighbors.push(neighbor);
                learned.push(Learned::Link(LinkId(index as u32)));
            }
        }
        for peer in &settings.route_servers {
            speaker.neighbors.push(route_server(settings, peer));
            learned.push(Learned::RouteServer);
        }
        Self {
            settings: speaker,
            learned,
            neighbors,
        }
    }
}

/// What a node announces from its start: a CPE its LANs, an NVA its summaries.
pub(crate) fn originations(settings: &Settings) -> impl Iterator<Item = Command> {
    let lans = settings.lans.iter().map(|lan| lan.prefix);
    lans.chain(settings.summaries.iter().copied())
        .map(|prefix| Command::Originate(prefix.into(), Origination::default()))
}

/// The announcement of a prefix behind a plain WireGuard peer: a site's route, as the peer's own
/// BGP would have said it.
pub(crate) fn static_route(settings: &Settings, role: LinkRole, prefix: Prefix) -> Command {
    let origination = Origination {
        local_pref: Some(match role {
            LinkRole::BackupSite | LinkRole::BackupHub => BACKUP,
            LinkRole::HomeSite | LinkRole::HomeHub | LinkRole::Hub | LinkRole::Twin => HOME,
        }),
        ext_communities: origin(settings, Kind::Site).into_iter().collect(),
        ..Origination::default()
    };
    Command::Originate(prefix.into(), origination)
}

/// The session over a link.
fn internal(settings: &Settings, link: &Link) -> Option<Neighbor> {
    let loopback = link.loopback?;
    let mut neighbor = Neighbor::new(&link.neighbor, settings.loopback, loopback, settings.asn);
    neighbor.group = group(link.role);
    neighbor.start_enabled = false;
    neighbor.hold_time = OVERLAY_HOLD;
    neighbor.connect_retry = OVERLAY_RETRY;
    neighbor.next_hop = NextHopRule::Ourselves;
    neighbor.route_reflector_client = is_site(link.role);
    neighbor.interior_cost = interior_cost(link.role);
    let listens = match link.role {
        LinkRole::HomeSite | LinkRole::BackupSite => true,
        LinkRole::HomeHub | LinkRole::BackupHub => false,
        LinkRole::Hub | LinkRole::Twin => settings.loopback > loopback,
    };
    if listens {
        neighbor.connect = ConnectMode::Passive;
    }
    neighbor.import = Some(import(settings, link.role));
    neighbor.export = Some(export(settings, link.role));
    Some(neighbor)
}

const fn is_site(role: LinkRole) -> bool {
    matches!(role, LinkRole::HomeSite | LinkRole::BackupSite)
}

const fn interior_cost(role: LinkRole) -> u32 {
    match role {
        LinkRole::HomeSite | LinkRole::BackupSite | LinkRole::HomeHub => 0,
        LinkRole::Hub | LinkRole::BackupHub => 10,
        LinkRole::Twin => 20,
    }
}

const fn group(role: LinkRole) -> Group {
    match role {
        LinkRole::HomeSite => HOME_SITE,
        LinkRole::BackupSite => BACKUP_SITE,
        LinkRole::Hub => HUB,
        LinkRole::Twin => TWIN,
        LinkRole::HomeHub => HOME_HUB,
        LinkRole::BackupHub => BACKUP_HUB,
    }
}

/// What is believed of a neighbour in the overlay.
fn import(settings: &Settings, role: LinkRole) -> Policy {
    match role {
        LinkRole::HomeSite | LinkRole::BackupSite => accept_with(tag(settings, Kind::Site)),
        LinkRole::HomeHub => accept_with(vec![Action::LocalPref(HOME)]),
        LinkRole::BackupHub => accept_with(vec![Action::LocalPref(BACKUP)]),
        LinkRole::Hub | LinkRole::Twin => Policy::accept_all(),
    }
}

/// What a neighbour in the overlay is told.
fn export(settings: &Settings, role: LinkRole) -> Policy {
    match role {
        LinkRole::HomeSite | LinkRole::BackupSite if settings.summaries.is_empty() => {
            Policy::accept_all()
        }
        LinkRole::HomeSite | LinkRole::BackupSite => policy(vec![accept(
            vec![Match::Local, summary(settings)],
            Vec::new(),
        )]),
        LinkRole::Hub | LinkRole::Twin => policy(vec![
            reject(vec![Match::Local, summary(settings)]),
            accept(Vec::new(), Vec::new()),
        ]),
        LinkRole::HomeHub => policy(vec![accept(
            vec![Match::Local],
            vec![Action::LocalPref(HOME)],
        )]),
        LinkRole::BackupHub => policy(vec![accept(
            vec![Match::Local],
            vec![Action::LocalPref(BACKUP)],
        )]),
    }
}

/// The session with one instance of a Route Server.
fn route_server(settings: &Settings, peer: &BgpPeerConfig) -> Neighbor {
    let local = settings.underlay_address.unwrap_or(settings.loopback);
    let mut neighbor = Neighbor::new(&peer.name, local, peer.address, peer.asn);
    neighbor.group = ROUTE_SERVER;
    neighbor.hold_time = PLATFORM_HOLD;
    neighbor.connect_retry = PLATFORM_RETRY;
    neighbor.as_override = true;
    neighbor.import = Some(accept_with(tag(settings, Kind::Vnet)));
    neighbor.export = Some(to_route_server(settings));
    neighbor
}

/// Forwarding-true: of single routes exactly those that this node can deliver by its own tunnels, and
/// never back to the region and kind they came from; besides them the summaries, for its spokes.
fn to_route_server(settings: &Settings) -> Policy {
    let mut terms = vec![
        reject(vec![Match::FromGroup(TWIN)]),
        reject(vec![Match::FromGroup(ROUTE_SERVER)]),
    ];
    terms.extend(origin(settings, Kind::Vnet).map(|value| {
        reject(vec![Match::ExtCommunity {
            value,
            mask: u64::MAX,
        }])
    }));
    let prepend = match settings.prepend {
        0 => Vec::new(),
        times => vec![Action::Prepend { times }],
    };
    terms.push(accept(Vec::new(), prepend));
    policy(terms)
}

fn origin(settings: &Settings, kind: Kind) -> Option<u64> {
    let region = settings.region()?;
    Some(origin_community(settings.asn, region, kind))
}

/// Puts the own region and a kind in place of whatever origin a route came with.
fn tag(settings: &Settings, kind: Kind) -> Vec<Action> {
    let strip = Action::RemoveExtCommunity {
        value: ORIGIN_TYPE,
        mask: TYPE_MASK,
    };
    let add = origin(settings, kind).map(Action::AddExtCommunity);
    core::iter::once(strip).chain(add).collect()
}

fn summary(settings: &Settings) -> Match {
    Match::PrefixIn(PrefixSet::exact(settings.summaries.iter().copied()))
}

fn accept_with(then: Vec<Action>) -> Policy {
    policy(vec![accept(Vec::new(), then)])
}

const fn accept(when: Vec<Match>, then: Vec<Action>) -> Term {
    Term {
        when,
        then,
        verdict: Verdict::Accept,
    }
}

const fn reject(when: Vec<Match>) -> Term {
    Term {
        when,
        then: Vec::new(),
        verdict: Verdict::Reject,
    }
}

/// A policy that refuses what no term accepts.
fn policy(terms: Vec<Term>) -> Policy {
    Policy::new(terms, Verdict::Reject).expect("each policy here has a handful of terms")
}

/// `LOCAL_PREF` between a site and its home region.
const HOME: u32 = 200;
/// `LOCAL_PREF` between a site and its backup region.
const BACKUP: u32 = 100;

const HOME_SITE: Group = Group(1);
const BACKUP_SITE: Group = Group(2);
const HUB: Group = Group(3);
const TWIN: Group = Group(4);
const HOME_HUB: Group = Group(5);
const BACKUP_HUB: Group = Group(6);
const ROUTE_SERVER: Group = Group(7);

/// Two-octet-AS-specific Route Origin (RFC 4360 §5).
const ORIGIN_TYPE: u64 = 0x0003 << 48;
const TYPE_MASK: u64 = 0xffff << 48;
/// As many NVAs as Route Server takes peers.
const MULTIPATH_MAX: u8 = 8;
/// Links are watched by probes; the hold time only catches a BGP process that hangs.
const OVERLAY_HOLD: Duration = Duration::from_secs(30);
/// A session is wanted only while its link is up, so a failed attempt is worth repeating soon.
const OVERLAY_RETRY: Duration = Duration::from_secs(2);
/// What the platform offers; a smaller offer would be taken but changes nothing that probes do not.
const PLATFORM_HOLD: Duration = Duration::from_secs(180);
/// Short beside the seconds a Route Server instance takes to start.
const PLATFORM_RETRY: Duration = Duration::from_secs(5);
