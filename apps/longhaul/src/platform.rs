//! `show` of what the platform shows too: in its tables, and in its JSON to the letter.

use std::path::Path;

use design::plan::Plan;
use serde_json::json;
use view::platform::{
    BgpConnection, CircuitPeer, CircuitRoute, List, PeerRoute, PeerRoutes, PlatformError,
    RoutesByRole, hub_name, platform_table,
};
use view::{Answer, EffectiveRoutes, FABRIC, Query};

use crate::args::{Format, Show, What};
use crate::ask::{Network, ask_daemon};
use crate::output::{Ended, Failure, Outcome, note, result};

mod gateway;

/// The interface that is meant when only a device is named.
const FIRST: &str = "eth0";

/// Shows it of a network.
pub(crate) fn show(format: Format, options: &Show, network: &mut dyn Network) -> Outcome {
    match (options.what, options.device.as_deref()) {
        (What::EffectiveRoutes, Some(name)) => {
            let nic = nic(name);
            let known = network.plan().fabric.nics.iter();
            if !known
                .clone()
                .any(|it| it.device == nic.0 && it.interface == nic.1)
            {
                return Err(Failure::usage(format!(
                    "error: no network interface {name:?} in a virtual network"
                )));
            }
            let answer = network.ask(FABRIC, &effective_query(nic))?;
            effective_routes(format, answer)
        }
        (What::EffectiveRoutes, None) => all_effective_routes(format, network),
        (What::RouteTable | What::RouteTableSummary, name) => {
            let msee = msee(network.plan(), name)?;
            let answer = network.ask(&msee, &circuit_query(options.what))?;
            of_circuit(format, answer)
        }
        (what, Some(name)) if gateway::is_one(network.plan(), name) => {
            gateway::show(format, what, name, options.peer.as_deref(), network)
        }
        (what, server) => {
            let instances = instances(network.plan(), server)?;
            let query = query(what, options.peer.as_deref())?;
            let mut answers = Vec::new();
            for instance in &instances {
                match network.ask(instance, &query) {
                    Ok(answer) => answers.push(answer),
                    Err(error) if instances.len() > 1 => note(&format!("{error:#}")),
                    Err(error) => return Err(error.into()),
                }
            }
            let ended = if answers.len() < instances.len() {
                Ended::Findings
            } else {
                Ended::Clean
            };
            of_route_server(format, what, answers)?;
            Ok(ended)
        }
    }
}

/// Shows it of the daemon behind a control socket.
pub(crate) fn show_daemon(format: Format, options: &Show, control: &Path) -> Outcome {
    if options.what == What::EffectiveRoutes {
        let Some(name) = &options.device else {
            return Err(Failure::usage("error: which network interface?"));
        };
        return effective_routes(format, ask_daemon(control, &effective_query(nic(name)))?);
    }
    if matches!(options.what, What::RouteTable | What::RouteTableSummary) {
        return of_circuit(format, ask_daemon(control, &circuit_query(options.what))?);
    }
    let query = query(options.what, options.peer.as_deref())?;
    of_route_server(format, options.what, vec![ask_daemon(control, &query)?])
}

/// The MSEE that a name means; the only one without a name.
fn msee(plan: &Plan, name: Option<&str>) -> Result<String, Failure> {
    let all: Vec<&str> = plan.msees.iter().map(|msee| msee.name.as_str()).collect();
    match (name, all.as_slice()) {
        (Some(name), known) if known.contains(&name) => Ok(name.to_owned()),
        (_, []) => Err(Failure::usage("error: the design has no circuit")),
        (_, known) => Err(Failure::usage(format!(
            "error: which MSEE? There are: {}",
            known.join(" ")
        ))),
    }
}

const fn circuit_query(what: What) -> Query {
    match what {
        What::RouteTableSummary => Query::RouteTableSummary,
        _ => Query::RouteTable,
    }
}

fn of_circuit(format: Format, answer: Answer) -> Outcome {
    match answer {
        Answer::RouteTable(list) => result(format, &list, |list| {
            let rows: Vec<_> = list.value.iter().map(CircuitRoute::row).collect();
            table(&CircuitRoute::COLUMNS, &rows)
        }),
        Answer::RouteTableSummary(list) => result(format, &list, |list| {
            let rows: Vec<_> = list.value.iter().map(CircuitPeer::row).collect();
            table(&CircuitPeer::COLUMNS, &rows)
        }),
        other => Err(refused(other)),
    }
}

/// `nva1.westeurope` is its first interface, `nva1.westeurope:eth1` another.
fn nic(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or((name, FIRST))
}

fn effective_query((device, interface): (&str, &str)) -> Query {
    Query::EffectiveRoutes {
        device: device.to_owned(),
        interface: interface.to_owned(),
    }
}

/// The instances that a name means.
fn instances(plan: &Plan, name: Option<&str>) -> Result<Vec<String>, Failure> {
    let all = || plan.route_servers.iter();
    let mut hubs: Vec<String> = all().map(hub_name).collect();
    hubs.dedup();
    let Some(name) = name.or(match hubs.as_slice() {
        [only] => Some(only),
        _ => None,
    }) else {
        return Err(Failure::usage(format!(
            "error: which Route Server? There are: {}",
            hubs.join(" ")
        )));
    };
    let found: Vec<String> = all()
        .filter(|instance| instance.name == name || hub_name(instance) == name)
        .map(|instance| instance.name.clone())
        .collect();
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "error: {name:?} is no Route Server; there are: {}",
            hubs.join(" ")
        )));
    }
    Ok(found)
}

fn query(what: What, peer: Option<&str>) -> Result<Query, Failure> {
    if what == What::Peerings {
        return Ok(Query::Connections);
    }
    let Some(peer) = peer.map(str::to_owned) else {
        return Err(Failure::usage(
            "error: which Route Server and which peer? As in: \
             longhaul show learned-routes rs0.westeurope nva1.westeurope",
        ));
    };
    Ok(match what {
        What::AdvertisedRoutes => Query::AdvertisedRoutes { peer },
        _ => Query::LearnedRoutes { peer },
    })
}

fn of_route_server(format: Format, what: What, answers: Vec<Answer>) -> Outcome {
    let mut connections = Vec::new();
    let mut routes = Vec::new();
    for answer in answers {
        match answer {
            Answer::Connections(part) => connections.push(part.value),
            Answer::PeerRoutes(part) => routes.push(part),
            other => return Err(refused(other)),
        }
    }
    if what == What::Peerings {
        let value = BgpConnection::merge(connections);
        return result(format, &List { value }, |list| {
            let rows: Vec<_> = list.value.iter().map(BgpConnection::row).collect();
            table(&BgpConnection::COLUMNS, &rows)
        });
    }
    let heads: &[&str] = match what {
        What::AdvertisedRoutes => &PeerRoutes::ADVERTISED,
        _ => &PeerRoutes::LEARNED,
    };
    result(format, &RoutesByRole::merge(routes), |roles| {
        routes_text(heads, roles)
    })
}

/// The platform shows one instance at a time; two have the instance above their tables.
fn routes_text(heads: &[&str], roles: &RoutesByRole) -> String {
    let parts = roles.0.iter().map(|(role, routes)| {
        let rows: Vec<_> = routes.iter().map(PeerRoute::row).collect();
        let table = table(heads, &rows);
        match roles.0.len() {
            1 => table,
            _ => format!("{role}\n{table}"),
        }
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn effective_routes(format: Format, answer: Answer) -> Outcome {
    match answer {
        Answer::EffectiveRoutes(routes) => {
            let value = &routes.value;
            result(format, &json!({ "value": value }), |_| {
                effective_table(&routes)
            })
        }
        other => Err(refused(other)),
    }
}

/// Every network interface, each under its name.
fn all_effective_routes(format: Format, network: &mut dyn Network) -> Outcome {
    let nics = network.plan().fabric.nics.iter();
    let names: Vec<_> = nics
        .map(|nic| (nic.device.clone(), nic.interface.clone()))
        .collect();
    let mut tables: Vec<EffectiveRoutes> = Vec::new();
    for (device, interface) in &names {
        match network.ask(FABRIC, &effective_query((device, interface)))? {
            Answer::EffectiveRoutes(table) => tables.push(table),
            Answer::Refused { reason } => note(&reason),
            Answer::Unable(error) => note(&format!("{device} {interface}: {error}")),
            _ => return Err(anyhow::anyhow!("the fabric answered another question").into()),
        }
    }
    let answer = json!({ "format_version": 1, "interfaces": tables });
    result(format, &answer, |_| {
        let parts = tables.iter().map(|table| {
            format!(
                "{} {}\n{}",
                table.device,
                table.interface,
                effective_table(table)
            )
        });
        parts.collect::<Vec<_>>().join("\n")
    })
}

fn effective_table(routes: &EffectiveRoutes) -> String {
    let rows: Vec<Vec<String>> = routes.rows().map(Vec::from).collect();
    table(&EffectiveRoutes::COLUMNS, &rows)
}

fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    platform_table(heads, rows.iter().map(Vec::as_slice))
}

/// What was named is not there: the user's. Anything else is the world's.
fn refused(answer: Answer) -> Failure {
    match answer {
        Answer::Unable(PlatformError { code, message }) => {
            Failure::usage(format!("error: ({code}) {message}"))
        }
        Answer::Refused { reason } => Failure::usage(format!("error: {reason}")),
        _ => Failure::Runtime(anyhow::anyhow!("an answer to another question came")),
    }
}
