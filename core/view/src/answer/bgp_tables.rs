//! Sessions and routes of a BGP speaker.

use bgp::{NeighborView, Path, Speaker, State};
use inet::{Instant, Net, Prefix};

use crate::{DeviceKind, DeviceStatus, FormatVersion, Route, Routes, Session, Sessions};

pub(super) fn sessions(device: &str, speaker: &Speaker, now: Instant) -> Sessions {
    let sessions = speaker.neighbors().map(|neighbor| {
        let established = neighbor.state == State::Established;
        Session {
            device: device.to_owned(),
            neighbor: neighbor.settings.name.clone(),
            local_address: neighbor.settings.local_address,
            address: neighbor.settings.address,
            remote_as: neighbor.settings.remote_as.0,
            state: state(neighbor.state).to_owned(),
            uptime_ms: established.then(|| now.since(neighbor.since).as_millis() as u64),
            hold_time_ms: neighbor
                .session
                .as_ref()
                .map(|session| u64::from(session.hold_time_s) * 1000),
            received: u64::from(neighbor.received),
            sent: u64::from(neighbor.sent),
        }
    });
    Sessions::merge([Sessions {
        format_version: FormatVersion,
        sessions: sessions.collect(),
    }])
}

/// How many sessions are established, and of how many.
pub(super) fn session_count(speaker: &Speaker) -> (u32, u32) {
    let mut counts = (0, 0);
    for neighbor in speaker.neighbors() {
        counts.0 += u32::from(neighbor.state == State::Established);
        counts.1 += 1;
    }
    counts
}

pub(super) fn route_server_status(device: &str, speaker: &Speaker) -> DeviceStatus {
    status(device, DeviceKind::RouteServer, speaker)
}

pub(super) fn router_status(device: &str, speaker: &Speaker) -> DeviceStatus {
    status(device, DeviceKind::Router, speaker)
}

fn status(device: &str, kind: DeviceKind, speaker: &Speaker) -> DeviceStatus {
    let (sessions_up, sessions) = session_count(speaker);
    DeviceStatus {
        running: true,
        sessions_up,
        sessions,
        routes: speaker.counts().prefixes as u32,
        ..DeviceStatus::silent(device, kind)
    }
}

const fn state(state: State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Connect => "connect",
        State::Active => "active",
        State::OpenSent => "open-sent",
        State::OpenConfirm => "open-confirm",
        State::Established => "established",
    }
}

pub(super) fn routes(device: &str, speaker: &Speaker, only: Option<Prefix>) -> Routes {
    let nets = match only {
        Some(prefix) => vec![prefix.into()],
        None => speaker.loc_rib(),
    };
    let mut routes = Vec::new();
    for net in nets {
        let used = speaker.multipath(net);
        let paths = speaker.paths(net);
        let best = paths.iter().find(|path| path.best);
        for path in &paths {
            let is_used = used.iter().any(|other| other.neighbor == path.neighbor);
            routes.push(route(device, net, path, is_used, best, speaker));
        }
    }
    Routes::merge([Routes {
        format_version: FormatVersion,
        routes,
    }])
}

fn route(
    device: &str,
    net: Net,
    path: &Path,
    used: bool,
    best: Option<&Path>,
    speaker: &Speaker,
) -> Route {
    let neighbor = |path: &Path| path.neighbor.and_then(|id| speaker.neighbor(id));
    let why = match best {
        _ if path.best => "best".to_owned(),
        _ if used => "as good as the best: shares its flows".to_owned(),
        Some(best) => lost(path, neighbor(path), best, neighbor(best)),
        None => "not usable".to_owned(),
    };
    let attributes = &path.attributes;
    Route {
        device: device.to_owned(),
        prefix: net,
        best: path.best,
        used,
        why,
        neighbor: neighbor(path).map(|neighbor| neighbor.settings.name.clone()),
        next_hop: attributes.next_hop,
        as_path: attributes.as_path.to_string(),
        local_pref: attributes.local_pref,
        med: attributes.med,
        communities: attributes.communities.iter().map(community).collect(),
        ext_communities: attributes
            .ext_communities
            .iter()
            .map(ext_community)
            .collect(),
    }
}

/// Which step of the decision (RFC 4271 §9.1.2.2, RFC 4456 §9) a path lost to the best one.
fn lost(
    path: &Path,
    from: Option<NeighborView<'_>>,
    best: &Path,
    best_from: Option<NeighborView<'_>>,
) -> String {
    let preference = |path: &Path| path.attributes.local_pref.unwrap_or(100);
    let hops = |path: &Path| path.attributes.as_path.len();
    let origin = |path: &Path| path.attributes.origin.number();
    let med = |path: &Path| path.attributes.med.unwrap_or(0);
    let is_external = |path: &Path| !path.attributes.as_path.0.is_empty();
    let cost = |from: &Option<NeighborView<'_>>| {
        from.as_ref().map_or(0, |from| from.settings.interior_cost)
    };
    let (own_cost, best_cost) = (cost(&from), cost(&best_from));
    if preference(path) != preference(best) {
        format!("LOCAL_PREF {} under {}", preference(path), preference(best))
    } else if path.neighbor.is_some() != best.neighbor.is_some() {
        "the best one is the device's own".to_owned()
    } else if hops(path) != hops(best) {
        format!("AS_PATH of {} over {}", hops(path), hops(best))
    } else if origin(path) != origin(best) {
        "a worse ORIGIN".to_owned()
    } else if med(path) != med(best) {
        format!("MED {} over {}", med(path), med(best))
    } else if own_cost != best_cost {
        format!("interior cost {own_cost} over {best_cost}")
    } else if is_external(path) != is_external(best) {
        "internal, the best one is external".to_owned()
    } else {
        "a higher router ID, longer CLUSTER_LIST or higher address".to_owned()
    }
}

fn community(value: &u32) -> String {
    format!("{}:{}", value >> 16, value & 0xffff)
}

/// Site of Origin in words, others in hexadecimal.
fn ext_community(value: &u64) -> String {
    match value >> 48 {
        0x0003 => format!("soo:{}:{}", value >> 32 & 0xffff, value & 0xffff_ffff),
        _ => format!("{value:#018x}"),
    }
}
