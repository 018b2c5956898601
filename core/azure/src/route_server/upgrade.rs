//! The upgrade that the first use of route maps brings: it takes a while, and peers in VNets that
//! do not use the Route Server as remote gateway do not survive it.

use core::time::Duration;

use design::plan::{RouteMaps, RouteServerConfig};
use inet::Instant;

use super::{Output, PeerRefusal, RouteServer, maps, refusal};

/// Whether route maps can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// Not yet: nobody asked for any.
    Never,
    /// Under way; the maps hold when it is done.
    UnderWay(Instant, RouteMaps),
    /// Done.
    Done,
}

impl Upgrade {
    /// A configuration that has maps comes after the upgrade.
    pub(super) fn of(config: &RouteServerConfig) -> Self {
        if config.route_maps.is_empty() {
            Self::Never
        } else {
            Self::Done
        }
    }

    /// When it is done, while it is under way.
    pub(super) const fn ready(&self) -> Option<Instant> {
        match self {
            Self::UnderWay(at, _) => Some(*at),
            Self::Never | Self::Done => None,
        }
    }
}

impl RouteServer {
    /// The maps in force, or those that hold once the upgrade is done.
    pub const fn wanted_maps(&self) -> &RouteMaps {
        match &self.upgrade {
            Upgrade::UnderWay(_, maps) => maps,
            Upgrade::Never | Upgrade::Done => &self.config.route_maps,
        }
    }

    /// When the upgrade is done, while it is under way.
    pub const fn upgraded_at(&self) -> Option<Instant> {
        self.upgrade.ready()
    }

    pub(super) fn set_route_maps(
        &mut self,
        now: Instant,
        maps: RouteMaps,
        said: &mut Vec<bgp::Output>,
    ) -> Result<(), PeerRefusal> {
        maps::check(&self.config, &maps).map_err(PeerRefusal::RouteMap)?;
        match &mut self.upgrade {
            Upgrade::Never if maps.is_empty() => {}
            Upgrade::Never => {
                let takes = u64::from(self.config.choices.route_map_upgrade_s);
                self.upgrade = Upgrade::UnderWay(now + Duration::from_secs(takes), maps);
            }
            Upgrade::UnderWay(_, wanted) => *wanted = maps,
            Upgrade::Done => {
                self.config.route_maps = maps;
                self.update_members(now, said);
            }
        }
        Ok(())
    }

    /// Puts the maps into force when the upgrade is done.
    pub(super) fn finish_upgrade(
        &mut self,
        now: Instant,
        said: &mut Vec<bgp::Output>,
        out: &mut Vec<Output>,
    ) {
        if self.upgrade.ready().is_none_or(|at| at > now) {
            return;
        }
        if let Upgrade::UnderWay(_, maps) = core::mem::replace(&mut self.upgrade, Upgrade::Done) {
            self.config.route_maps = maps;
        }
        let refusals = self.let_misplaced_peers_go(now, said);
        out.extend(refusals.into_iter().map(Output::Refused));
        self.update_members(now, said);
    }

    /// Peers that could not be made now go; says why.
    pub(super) fn let_misplaced_peers_go(
        &mut self,
        now: Instant,
        said: &mut Vec<bgp::Output>,
    ) -> Vec<PeerRefusal> {
        let mut refusals = Vec::new();
        for peer in core::mem::take(&mut self.config.peers) {
            match refusal::check(&self.config, &self.config.peers, &peer) {
                Ok(()) => self.config.peers.push(peer),
                Err(refusal) => {
                    self.remove(now, peer.address, false, said);
                    refusals.push(refusal);
                }
            }
        }
        refusals
    }
}
