//! The product's routing policy: who is told what, and who is believed how much.
//!
//! Everything follows from what a neighbour is to this node.
//!
//! | neighbour   | is told                                        | is believed with             |
//! |-------------|------------------------------------------------|------------------------------|
//! | home site   | the summaries; everything when there are none  | its own preference, cost 0   |
//! | backup site | the same                                       | the same                     |
//! | hub         | sites and own VNets (iBGP keeps other hubs' routes back) | cost 10            |
//! | twin        | the same, and what other hubs told             | cost 20                      |
//! | Route Server| what this node can deliver by its own tunnels, and the summaries | VNets of the own region |
//! | home hub    | the LANs and the routers' routes, `LOCAL_PREF` 200 | `LOCAL_PREF` 200         |
//! | backup hub  | the same, `LOCAL_PREF` 100                     | `LOCAL_PREF` 100, cost 10    |
//! | site router | what the hubs told, and the LANs               | the prefixes it may bring, `LOCAL_PREF` 300 |
//!
//! A site is believed only what its design says is its own; whatever else it announces is refused, counted, and
//! shown as refused among what was received.
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
//! A site's router brings nothing but the prefixes that are its site's, so that a site does not become
//! a way between two networks by accident; what the overlay told it comes back with the overlay's AS
//! in AS_PATH and is refused by BGP itself. A CPE without any hub has nothing of the overlay to tell,
//! so its router turns to another CPE or network in the same moment.
//!
//! Since `as-override` disables BGP's own loop check between regions, every route carries where
//! it entered the overlay as a Site-of-Origin extended community (RFC 4360 §5): [`Kind`] and the number
//! of the region or, for what came over ExpressRoute, of each circuit that it may have come by. It is
//! not told to a Route Server whose region or circuits are among them.

mod neighbors;
pub(crate) mod policy;
#[cfg(test)]
mod tests;

use core::net::Ipv4Addr;

use bgp::{Command, NeighborId, Origination};
use design::plan::LinkRole;
use inet::{Asn, Prefix};

use crate::id::{LinkId, RouterId};
use crate::introduction::Introduction;
use crate::settings::Settings;

/// Where a route entered the overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// From a site.
    Site = 1,
    /// From a virtual network, by Route Server.
    Vnet = 2,
    /// From an ExpressRoute circuit, by Route Server; the number is the circuit's.
    ExpressRoute = 3,
    /// Made by an NVA for its own Route Server and nobody else.
    RouteServerOnly = 4,
    /// Made by a hub that introduces a site, for sites that are to make a shortcut to it, and nobody else.
    Introduction = 5,
}

/// The Site-of-Origin extended community of a region (or circuit) and kind: type 0x00, subtype 0x03,
/// the overlay's AS, then the number and the kind (RFC 4360 §5).
pub fn origin_community(overlay: Asn, number: u16, kind: Kind) -> u64 {
    ORIGIN_TYPE
        | u64::from(overlay.0 & 0xffff) << 32
        | u64::from(number) << 8
        | u64::from(kind as u8)
}

/// Whom a BGP neighbour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learned {
    /// The node at the other end of a link: packets go into its tunnels.
    Link(LinkId),
    /// The node at the other end of a link without tunnels: packets go to the underlay as they are.
    Plain(LinkId),
    /// A router at the site: packets go to it.
    Router(RouterId),
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
    /// Makes a speaker's settings from a node's: links with BGP first, then routers of the site,
    /// then Route Servers.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut speaker = bgp::Settings::new(settings.asn, settings.loopback);
        speaker.cluster_id = Some(settings.loopback);
        speaker.multipath_max = MULTIPATH_MAX;
        let mut learned = Vec::new();
        let mut neighbors = Vec::new();
        for (index, link) in settings.links.iter().enumerate() {
            let id = LinkId(index as u32);
            let neighbor = neighbors::internal(settings, link);
            neighbors.push(
                neighbor
                    .is_some()
                    .then_some(NeighborId(learned.len() as u32)),
            );
            if let Some(neighbor) = neighbor {
                speaker.neighbors.push(neighbor);
                learned.push(match link.plain {
                    Some(_) => Learned::Plain(id),
                    None => Learned::Link(id),
                });
            }
        }
        for (index, router) in settings.routers.iter().enumerate() {
            speaker.neighbors.push(neighbors::router(settings, router));
            learned.push(Learned::Router(RouterId(index as u16)));
        }
        for peer in &settings.route_servers {
            speaker
                .neighbors
                .push(neighbors::route_server(settings, peer));
            learned.push(Learned::RouteServer);
        }
        Self {
            settings: speaker,
            learned,
            neighbors,
        }
    }
}

/// What a node announces from its start: a CPE its LANs, an NVA its summaries and what it brings up
/// for Route Server of its own accord.
pub(crate) fn originations(settings: &Settings) -> impl Iterator<Item = Command> {
    let lans = settings.lans.iter().map(|lan| lan.prefix);
    let everybody = lans
        .chain(settings.summaries.iter().copied())
        .map(|prefix| Command::Originate(prefix.into(), Origination::default()));
    let route_server = settings.originate.iter();
    let summaries = &settings.summaries;
    let route_server = route_server
        .filter(|prefix| !summaries.contains(prefix))
        .map(|prefix| for_route_server(settings, *prefix));
    everybody.chain(route_server)
}

/// The announcement of a prefix that nobody but Route Server is told.
pub(crate) fn for_route_server(settings: &Settings, prefix: Prefix) -> Command {
    let origination = Origination {
        ext_communities: policy::origin(settings, Kind::RouteServerOnly)
            .into_iter()
            .collect(),
        ..Origination::default()
    };
    Command::Originate(prefix.into(), origination)
}

/// The introduction of a site to others, as the announcement of its loopback.
pub(crate) fn introduce(
    settings: &Settings,
    loopback: Ipv4Addr,
    introduction: &Introduction,
) -> Command {
    let origination = Origination {
        ext_communities: policy::origin(settings, Kind::Introduction)
            .into_iter()
            .collect(),
        tunnels: introduction.tunnels(),
        ..Origination::default()
    };
    Command::Originate(Prefix::host(loopback).into(), origination)
}

/// The announcement of a prefix behind a plain WireGuard peer: a site's route, as the peer's own
/// BGP would have said it.
pub(crate) fn static_route(settings: &Settings, role: LinkRole, prefix: Prefix) -> Command {
    let origination = Origination {
        local_pref: Some(match role {
            LinkRole::BackupSite | LinkRole::BackupHub => BACKUP,
            LinkRole::HomeSite | LinkRole::HomeHub | LinkRole::Hub | LinkRole::Twin => HOME,
        }),
        ext_communities: policy::origin(settings, Kind::Site).into_iter().collect(),
        ..Origination::default()
    };
    Command::Originate(prefix.into(), origination)
}

/// `LOCAL_PREF` between a site and its home region.
const HOME: u32 = 200;
/// `LOCAL_PREF` between a site and its backup region.
const BACKUP: u32 = 100;
/// Two-octet-AS-specific Route Origin (RFC 4360 §5).
const ORIGIN_TYPE: u64 = 0x0003 << 48;
/// As many NVAs as Route Server takes peers.
const MULTIPATH_MAX: u8 = 8;
