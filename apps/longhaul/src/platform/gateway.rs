//! `show` of an ExpressRoute gateway: its peers, and what they told and were told.

use design::plan::{ErGatewayConfig, Plan};
use view::platform::{BgpPeerStatus, List, PeerRoutes, RoutesByRole};
use view::{Answer, Query};

use super::{refused, routes_text, table};
use crate::args::{Format, What};
use crate::ask::Network;
use crate::output::{Ended, Outcome, note, result};

/// Whether a name is that of a gateway, or of an instance of one.
pub(super) fn is_one(plan: &Plan, name: &str) -> bool {
    instances(plan, name).next().is_some()
}

/// `ergw.westeurope` is both instances, `ergw0.westeurope` one of them.
fn instances<'a>(plan: &'a Plan, name: &'a str) -> impl Iterator<Item = &'a ErGatewayConfig> {
    plan.gateways.iter().filter(move |gateway| {
        let head = format!("ergw{}.", gateway.instance);
        let rest = gateway.name.strip_prefix(&head);
        gateway.name == name || rest.is_some_and(|rest| name.strip_prefix("ergw.") == Some(rest))
    })
}

/// Shows it; an instance that is down is left out and noted when there is another one.
pub(super) fn show(
    format: Format,
    what: What,
    name: &str,
    peer: Option<&str>,
    network: &mut dyn Network,
) -> Outcome {
    let gateways: Vec<ErGatewayConfig> = instances(network.plan(), name).cloned().collect();
    let mut answers = Vec::new();
    for gateway in &gateways {
        match ask(what, gateway, peer, network) {
            Ok(answer) => answers.push(answer),
            Err(error) if gateways.len() > 1 => note(&format!("{error:#}")),
            Err(error) => return Err(error.into()),
        }
    }
    let ended = if answers.len() < gateways.len() {
        Ended::Findings
    } else {
        Ended::Clean
    };
    if what == What::Peerings {
        peerings(format, answers)?;
    } else {
        routes(format, what, answers)?;
    }
    Ok(ended)
}

/// The answers of one instance: one for each peer that is asked about.
fn ask(
    what: What,
    gateway: &ErGatewayConfig,
    peer: Option<&str>,
    network: &mut dyn Network,
) -> anyhow::Result<Vec<Answer>> {
    let query = |peer: &str| {
        let peer = peer.to_owned();
        match what {
            What::AdvertisedRoutes => Query::AdvertisedRoutes { peer },
            _ => Query::LearnedRoutes { peer },
        }
    };
    let queries = match (what, peer) {
        (What::Peerings, _) => vec![Query::PeerStatus],
        (_, Some(peer)) => vec![query(peer)],
        (_, None) => {
            let msees = gateway.connections.iter().flat_map(|it| &it.msees);
            let peers = gateway.route_servers.iter().chain(msees);
            let own = Some(gateway.interface.address).filter(|_| what == What::LearnedRoutes);
            let addresses = own.into_iter().chain(peers.map(|peer| peer.address));
            addresses.map(|one| query(&one.to_string())).collect()
        }
    };
    let mut answers = Vec::new();
    for query in queries {
        answers.push(network.ask(&gateway.name, &query)?);
    }
    Ok(answers)
}

fn peerings(format: Format, answers: Vec<Vec<Answer>>) -> Outcome {
    let mut value = Vec::new();
    for answer in answers.into_iter().flatten() {
        match answer {
            Answer::PeerStatus(part) => value.extend(part.value),
            other => return Err(refused(other)),
        }
    }
    result(format, &List { value }, |list| {
        let rows: Vec<_> = list.value.iter().map(BgpPeerStatus::row).collect();
        table(&BgpPeerStatus::COLUMNS, &rows)
    })
}

fn routes(format: Format, what: What, answers: Vec<Vec<Answer>>) -> Outcome {
    let mut parts = Vec::new();
    for instance in answers {
        let mut all = PeerRoutes::default();
        for answer in instance {
            match answer {
                Answer::PeerRoutes(part) => {
                    all.role = part.role;
                    all.routes.extend(part.routes);
                }
                other => return Err(refused(other)),
            }
        }
        parts.push(all);
    }
    let heads: &[&str] = match what {
        What::AdvertisedRoutes => &PeerRoutes::ADVERTISED,
        _ => &PeerRoutes::LEARNED,
    };
    result(format, &RoutesByRole::merge(parts), |roles| {
        routes_text(heads, roles)
    })
}
