//! Which neighbours of a router BFD watches, and what the router does about what it finds.

use std::collections::BTreeMap;

use bfd::{Hops, SessionKey, Settings, Verdict};
use bgp::{Command, DownReason, Neighbor, NeighborId};
use design::plan::RouterConfig;
use inet::Asn;

/// The sessions that a configuration asks for.
pub fn bfd_sessions(config: &RouterConfig) -> BTreeMap<SessionKey, Settings> {
    let neighbors = (0..).map(NeighborId).zip(&config.settings.neighbors);
    let watched = neighbors.filter(|(_, neighbor)| neighbor.bfd);
    let session = |(id, neighbor): (NeighborId, &Neighbor)| {
        let timers = config.bfd_of(id);
        let settings = Settings {
            desired_min_tx: timers.min_tx,
            required_min_rx: timers.min_rx,
            detect_mult: timers.multiplier,
            ttl_min: neighbor
                .ttl_security
                .map_or(1, |hops| 255 - hops.saturating_sub(1)),
            ..Settings::default()
        };
        (bfd_key(neighbor, config.settings.local_as), settings)
    };
    watched.map(session).collect()
}

/// The session with a neighbour: one hop to external neighbours on the link, any number to all
/// others, as with BIRD.
pub fn bfd_key(neighbor: &Neighbor, local_as: Asn) -> SessionKey {
    let external = neighbor.remote_as != local_as;
    let on_link = match neighbor.ttl_security {
        Some(hops) => hops == 1,
        None => external && neighbor.ebgp_multihop_ttl == 1,
    };
    SessionKey {
        local: neighbor.local_address,
        remote: neighbor.address,
        hops: if on_link { Hops::Single } else { Hops::Multi },
    }
}

/// What the speaker is to be told. A neighbour that failed may come back at once: if only BFD has trouble, BGP need
/// not be down for ever. A pause before the next attempt ends when it is alive again.
pub fn on_verdict(neighbor: NeighborId, verdict: Verdict) -> Vec<Command> {
    match verdict {
        Verdict::Failed => vec![
            Command::Down(neighbor, DownReason::Link),
            Command::Up(neighbor),
        ],
        Verdict::Alive => vec![Command::Up(neighbor)],
        Verdict::Unknown => Vec::new(),
    }
}
