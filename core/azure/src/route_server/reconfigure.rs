//! From the configuration in force to another one, in commands: what did not change is not touched.

use core::fmt;

use design::plan::{BgpPeerConfig, RouteServerConfig};

use super::{Command, PeerRefusal, RouteServer, maps, refusal};

/// Why a configuration cannot take the place of the one in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A field that stays as it is for as long as the instance runs.
    Fixed {
        /// The field.
        field: &'static str,
    },
    /// A peer that is not taken.
    Peer {
        /// Its place in the list of peers.
        index: usize,
        /// Why.
        refusal: PeerRefusal,
    },
    /// A gateway that is not taken.
    Gateway {
        /// Its place in the list of gateways.
        index: usize,
        /// Why.
        refusal: PeerRefusal,
    },
    /// Route maps that cannot be.
    RouteMaps(PeerRefusal),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed { field } => write!(
                f,
                "{field} cannot change while the instance runs; start it anew"
            ),
            Self::Peer { refusal, .. }
            | Self::Gateway { refusal, .. }
            | Self::RouteMaps(refusal) => refusal.fmt(f),
        }
    }
}

impl core::error::Error for Obstacle {}

impl RouteServer {
    /// The commands that make `next` the configuration in force, in the order in which they are to
    /// be given; or everything that stands against it, and then none of it is to be done. Given
    /// one after the other, they are not refused.
    pub fn changes_to(&self, next: &RouteServerConfig) -> Result<Vec<Command>, Vec<Obstacle>> {
        let obstacles = obstacles(&self.config, next);
        if obstacles.is_empty() {
            let mut wanted = self.config.clone();
            wanted.route_maps = self.wanted_maps().clone();
            Ok(commands(&wanted, next))
        } else {
            Err(obstacles)
        }
    }
}

fn obstacles(old: &RouteServerConfig, next: &RouteServerConfig) -> Vec<Obstacle> {
    let fixed = [
        ("name", old.name == next.name),
        ("region", old.region == next.region),
        ("vnet", old.vnet == next.vnet),
        ("instance", old.instance == next.instance),
        ("twin", old.twin == next.twin),
        ("interface", old.interface == next.interface),
        ("subnet", old.subnet == next.subnet),
        ("asn", old.asn == next.asn),
        ("hold_time_s", old.hold_time_s == next.hold_time_s),
        ("own_space", old.own_space == next.own_space),
    ];
    let changed = fixed.into_iter().filter(|(_, same)| !same);
    let fixed = changed.map(|(field, _)| Obstacle::Fixed { field });
    let peers = next.peers.iter().enumerate().filter_map(|(index, peer)| {
        let refusal = refusal::check(next, &next.peers[..index], peer).err()?;
        Some(Obstacle::Peer { index, refusal })
    });
    let gateways = next.gateways.iter().enumerate();
    let gateways = gateways.filter_map(|(index, gateway)| {
        let refusal = refusal::check_gateway(next, &next.gateways[..index], gateway).err()?;
        Some(Obstacle::Gateway { index, refusal })
    });
    let maps = maps::check(next, &next.route_maps).err();
    let maps = maps.map(|fault| Obstacle::RouteMaps(PeerRefusal::RouteMap(fault)));
    fixed.chain(peers).chain(gateways).chain(maps).collect()
}

/// Settings come before the peers that they are for, and peers go before others take their places.
fn commands(old: &RouteServerConfig, next: &RouteServerConfig) -> Vec<Command> {
    let mut commands = Vec::new();
    if (old.routes_per_peer, old.limits) != (next.routes_per_peer, next.limits) {
        commands.push(Command::Limits {
            routes_per_peer: next.routes_per_peer,
            limits: next.limits,
        });
    }
    if old.choices != next.choices {
        commands.push(Command::Choices(next.choices));
    }
    if old.routing_preference != next.routing_preference {
        commands.push(Command::RoutingPreference(next.routing_preference));
    }
    if old.branch_to_branch != next.branch_to_branch {
        commands.push(Command::BranchToBranch(next.branch_to_branch));
    }
    if (&old.announced, &old.vnet_space) != (&next.announced, &next.vnet_space) {
        commands.push(Command::Vnets {
            announced: next.announced.clone(),
            space: next.vnet_space.clone(),
        });
    }
    if old.route_maps != next.route_maps {
        commands.push(Command::RouteMaps(next.route_maps.clone()));
    }
    let has = |peers: &[BgpPeerConfig], peer: &BgpPeerConfig| {
        peers.iter().any(|other| other.address == peer.address)
    };
    let gone = old.peers.iter().filter(|peer| !has(&next.peers, peer));
    commands.extend(gone.map(|peer| Command::RemovePeer(peer.address)));
    let gone = old.gateways.iter();
    let gone = gone.filter(|gateway| !next.gateways.contains(gateway));
    commands.extend(gone.map(|gateway| Command::RemoveGateway(gateway.address)));
    let new = next.peers.iter().filter(|peer| !old.peers.contains(peer));
    commands.extend(new.cloned().map(|peer| {
        if has(&old.peers, &peer) {
            let maps = Some(next.route_maps.of(peer.address));
            Command::PutPeer { peer, maps }
        } else {
            Command::AddPeer(peer)
        }
    }));
    let new = next.gateways.iter();
    let new = new.filter(|gateway| !old.gateways.contains(gateway));
    commands.extend(new.cloned().map(Command::AddGateway));
    commands
}
