//! The sessions: one for each neighbour with BGP, with its timers, its class and its policies.

use core::time::Duration;
use std::collections::BTreeSet;

use bgp::{ConnectMode, Group, Neighbor, NextHopRule, Pace};
use design::plan::{BgpPeerConfig, BudgetConfig, LinkRole};

use super::policy;
use crate::budget::Told;
use crate::settings::{Link, Router, Settings};

/// The session over a link; none with a plain WireGuard peer.
pub(super) fn internal(settings: &Settings, link: &Link) -> Option<Neighbor> {
    let (local, remote) = match &link.plain {
        Some(plain) => (plain.local, plain.remote),
        None => (settings.loopback, link.loopback?),
    };
    let mut neighbor = Neighbor::new(&link.neighbor, local, remote, settings.asn);
    neighbor.group = group(link.role);
    // The others wait until probes have found that their link is up.
    neighbor.start_enabled = link.plain.is_some();
    neighbor.hold_time = OVERLAY_HOLD;
    neighbor.connect_retry = OVERLAY_RETRY;
    neighbor.next_hop = NextHopRule::Ourselves;
    neighbor.route_reflector_client = is_client(link.role);
    neighbor.interior_cost = interior_cost(link.role);
    let listens = match link.role {
        LinkRole::HomeSite | LinkRole::BackupSite => true,
        LinkRole::HomeHub | LinkRole::BackupHub => false,
        LinkRole::Hub | LinkRole::Twin => local > remote,
    };
    if listens {
        neighbor.connect = ConnectMode::Passive;
    }
    neighbor.import = Some(policy::import(settings, link));
    neighbor.export = Some(policy::export(settings, link.role, &BTreeSet::new()));
    Some(neighbor)
}

/// The session with a router of the site.
pub(super) fn router(settings: &Settings, router: &Router) -> Neighbor {
    let mut neighbor = Neighbor::new(&router.name, router.local, router.address, router.asn);
    neighbor.group = ROUTER;
    neighbor.hold_time = ROUTER_HOLD;
    neighbor.connect_retry = ROUTER_RETRY;
    neighbor.import = Some(policy::import_router(router));
    neighbor.export = Some(policy::export_router(settings));
    neighbor
}

/// The session with one instance of a Route Server.
pub(super) fn route_server(settings: &Settings, peer: &BgpPeerConfig) -> Neighbor {
    let local = settings.underlay_address.unwrap_or(settings.loopback);
    let mut neighbor = Neighbor::new(&peer.name, local, peer.address, peer.asn);
    neighbor.group = ROUTE_SERVER;
    neighbor.hold_time = PLATFORM_HOLD;
    neighbor.connect_retry = PLATFORM_RETRY;
    neighbor.as_override = true;
    neighbor.import = Some(policy::import_route_server(settings));
    neighbor.pace = pace(&settings.budget);
    neighbor.export = Some(policy::to_route_server(settings, &Told::default()));
    neighbor
}

/// Twice the gap, so that what the network holds up does not join two bursts.
fn pace(budget: &BudgetConfig) -> Option<Pace> {
    (budget.routes_per_peer > 0).then(|| Pace {
        max: budget.routes_per_peer,
        gap: Duration::from_millis(u64::from(budget.burst_gap_ms)) * 2,
    })
}

/// Sites are told everything through us; a twin is told what other hubs told us, for when its own
/// tunnel to one of them fails.
const fn is_client(role: LinkRole) -> bool {
    matches!(
        role,
        LinkRole::HomeSite | LinkRole::BackupSite | LinkRole::Twin
    )
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

pub(super) const HOME_SITE: Group = Group(1);
pub(super) const BACKUP_SITE: Group = Group(2);
pub(super) const HUB: Group = Group(3);
pub(super) const TWIN: Group = Group(4);
pub(super) const HOME_HUB: Group = Group(5);
pub(super) const BACKUP_HUB: Group = Group(6);
pub(super) const ROUTE_SERVER: Group = Group(7);
pub(super) const ROUTER: Group = Group(8);

/// Links are watched by probes; the hold time only catches a BGP process that hangs.
const OVERLAY_HOLD: Duration = Duration::from_secs(30);
/// A session is wanted only while its link is up, so a failed attempt is worth repeating soon.
const OVERLAY_RETRY: Duration = Duration::from_secs(2);
/// What the platform offers; a smaller offer would be taken but changes nothing that probes do not.
const PLATFORM_HOLD: Duration = Duration::from_secs(180);
/// Short beside the seconds a Route Server instance takes to start.
const PLATFORM_RETRY: Duration = Duration::from_secs(5);
/// Nothing else watches the link to a router: three KEEPALIVEs, three seconds apart, may be lost.
const ROUTER_HOLD: Duration = Duration::from_secs(9);
/// A router that was restarted is back at once.
const ROUTER_RETRY: Duration = Duration::from_secs(2);
