//! Sessions and routes of a BGP speaker.

use bgp::{Candidate, Explanation, Fate, NeighborId, Refusal, Speaker, State, Step};
use inet::{Instant, Prefix};

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

pub(super) fn status(device: &str, kind: DeviceKind, speaker: &Speaker) -> DeviceStatus {
    let (sessions_up, sessions) = session_count(speaker);
    DeviceStatus {
        running: true,
        sessions_up,
        sessions,
        routes: speaker.counts().prefixes as u32,
        ..DeviceStatus::silent(device, kind)
    }
}

pub(super) const fn state(state: State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Connect => "connect",
        State::Active => "active",
        State::OpenSent => "open-sent",
        State::OpenConfirm => "open-confirm",
        State::Established => "established",
    }
}

/// The routes in use; those of one prefix with every path to it, refused ones too.
pub(super) fn routes(device: &str, speaker: &Speaker, only: Option<Prefix>) -> Routes {
    let nets = match only {
        Some(prefix) => vec![prefix.into()],
        None => speaker.loc_rib(),
    };
    let mut routes = Vec::new();
    for net in nets {
        let said = speaker.explain(net);
        let shown = said
            .candidates
            .iter()
            .filter(|candidate| only.is_some() || !matches!(candidate.fate, Fate::Refused(_)));
        routes.extend(shown.map(|candidate| route(device, &said, candidate, speaker)));
    }
    Routes::merge([Routes {
        format_version: FormatVersion,
        routes,
    }])
}

fn route(device: &str, said: &Explanation, path: &Candidate, speaker: &Speaker) -> Route {
    let why = match path.fate {
        Fate::Best => "best".to_owned(),
        Fate::Used => "as good as the best: shares its flows".to_owned(),
        Fate::Lost { step, to } => lost(said, path, step, to, speaker),
        Fate::Refused(refusal) => refused(refusal).to_owned(),
    };
    let attributes = &path.attributes;
    Route {
        device: device.to_owned(),
        prefix: said.net,
        best: path.fate == Fate::Best,
        used: matches!(path.fate, Fate::Best | Fate::Used),
        why,
        neighbor: name(path.neighbor, speaker),
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

fn name(neighbor: Option<NeighborId>, speaker: &Speaker) -> Option<String> {
    let neighbor = speaker.neighbor(neighbor?)?;
    Some(neighbor.settings.name.clone())
}

/// At which step of the decision (RFC 4271 §9.1.2.2, RFC 4456 §9) a path lost, and to which.
fn lost(
    said: &Explanation,
    path: &Candidate,
    step: Step,
    to: Option<NeighborId>,
    speaker: &Speaker,
) -> String {
    let winner = said
        .candidates
        .iter()
        .find(|other| other.neighbor == to && !matches!(other.fate, Fate::Refused(_)))
        .unwrap_or(path);
    let preference = |path: &Candidate| path.attributes.local_pref.unwrap_or(100);
    let hops = |path: &Candidate| path.attributes.as_path.len();
    let med = |path: &Candidate| path.attributes.med.unwrap_or(0);
    let cost = |path: &Candidate| {
        let neighbor = path.neighbor.and_then(|id| speaker.neighbor(id));
        neighbor.map_or(0, |neighbor| neighbor.settings.interior_cost)
    };
    let words = match step {
        Step::Own => "the best one is the device's own".to_owned(),
        Step::Stale => "long-lived stale: the last choice".to_owned(),
        Step::LocalPref => format!(
            "LOCAL_PREF {} under {}",
            preference(path),
            preference(winner)
        ),
        Step::AsPathLength => format!("AS_PATH of {} over {}", hops(path), hops(winner)),
        Step::Origin => "a worse ORIGIN".to_owned(),
        Step::Med => format!("MED {} over {}", med(path), med(winner)),
        Step::External => "internal, the best one is external".to_owned(),
        Step::InteriorCost => format!("interior cost {} over {}", cost(path), cost(winner)),
        Step::RouterId => "a higher router ID".to_owned(),
        Step::ClusterList => "a longer CLUSTER_LIST".to_owned(),
        Step::Address => "a higher address".to_owned(),
        Step::PathId => "a higher path identifier".to_owned(),
    };
    match name(to, speaker) {
        Some(other) if winner.fate != Fate::Best => format!("{words}, against {other}"),
        _ => words,
    }
}

const fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::AsLoop => "refused: our AS is in AS_PATH",
        Refusal::ReflectionLoop => "refused: we are in ORIGINATOR_ID or CLUSTER_LIST",
        Refusal::NoPolicy => "refused: the neighbour has no import policy (RFC 8212)",
        Refusal::Policy => "refused by the import policy",
        Refusal::RouteLeak => "refused: OTC says that it leaked (RFC 9234)",
        Refusal::Aggregated => "counts under a shorter prefix",
        Refusal::TooManyPrefixes => "refused: as many prefixes as there may be",
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

#[cfg(test)]
mod tests;
