//! Numbers of a speaker for monitoring.

use azure::RouteServer;
use bgp::{Speaker, State};
use design::plan::NodeConfig;
use inet::Instant;
use node::Node;

use super::{bgp_tables, budget, counters, node_tables};
use crate::{DeviceStatus, Measures, RouteServerMeasures, SessionMeasures, TunnelMeasures};

/// The numbers of a BGP speaker and what surrounds it.
pub fn speaker_measures(status: DeviceStatus, speaker: &Speaker, now: Instant) -> Measures {
    let sessions = speaker.neighbors().map(|neighbor| {
        let counters = neighbor.counters;
        SessionMeasures {
            neighbor: neighbor.settings.name.clone(),
            address: neighbor.settings.address,
            remote_as: neighbor.settings.remote_as.0,
            established: neighbor.state == State::Established,
            since_ms: now.since(neighbor.since).as_millis() as u64,
            received: u64::from(neighbor.received),
            accepted: u64::from(neighbor.accepted),
            advertised: u64::from(neighbor.sent),
            prefixes_max: neighbor
                .settings
                .prefix_limit
                .as_ref()
                .map(|limit| u64::from(limit.max)),
            established_count: u64::from(counters.established),
            updates_in: counters.updates_in,
            updates_out: counters.updates_out,
            messages_in: counters.messages_in,
            messages_out: counters.messages_out,
            faults: u64::from(counters.faults),
        }
    });
    Measures {
        status,
        prefixes: speaker.counts().prefixes as u64,
        sessions: sessions.collect(),
        tunnels: Vec::new(),
        route_server: None,
        express_route: None,
        budget: None,
        counters: Vec::new(),
    }
}

pub(super) fn node(node: &Node, config: &NodeConfig, now: Instant) -> Measures {
    let status = node_tables::status(node, config, now);
    let tunnels = node_tables::tunnels(node, &config.name, now).tunnels;
    let paths = tunnels.into_iter().flat_map(|tunnel| {
        let neighbor = tunnel.neighbor;
        tunnel.paths.into_iter().map(move |path| TunnelMeasures {
            neighbor: neighbor.clone(),
            local: path.local,
            remote: path.remote,
            up: path.up,
            over_tls: path.carrier == node::Way::Tls.name(),
            rtt_us: path.rtt_us,
            loss_ppm: path.loss_ppm,
        })
    });
    Measures {
        tunnels: paths.collect(),
        budget: budget::measures(node),
        counters: counters::list(node, &config.name),
        ..speaker_measures(status, node.speaker(), now)
    }
}

pub(super) fn route_server(server: &RouteServer, now: Instant) -> Measures {
    let config = server.config();
    let status = bgp_tables::route_server_status(&config.name, server.speaker());
    Measures {
        route_server: Some(RouteServerMeasures {
            instance: config.instance,
            peers_max: u64::from(config.limits.peers),
            programmed: server.programmed().count() as u64,
            prefixes: server.prefixes() as u64,
            prefixes_max: match config.limits.routes_total {
                0 => None,
                most => Some(u64::from(most)),
            },
            serving: server.is_serving(),
            units: units(config.limits.vms),
            programming: None,
        }),
        ..speaker_measures(status, server.speaker(), now)
    }
}

/// Two units serve 4,000 VMs, each further one 1,000 more.
fn units(vms: u32) -> u64 {
    2 + u64::from(vms.saturating_sub(4_000).div_ceil(1_000))
}
