//! A core answers a query: the conversions from the cores' views to what an operator sees.
//!
//! The daemons of the lab and the simulator both answer through these functions, so that an
//! answer depends on the core's state and on nothing else.

mod bgp_tables;
mod budget;
mod counters;
mod express_route;
mod fabric;
mod measures;
mod node_tables;
mod paths;
mod route_server;
mod router_tables;

use azure::{Fabric, RouteServer};
use design::plan::NodeConfig;
use inet::Instant;
use node::Node;

pub use express_route::{gateway_answer, msee_answer};
pub use fabric::fabric_fault;
pub use measures::speaker_measures;
pub use route_server::{peer_refused, route_server_commands, vnet_peerings};

use crate::platform::PlatformError;
use crate::{Answer, Query};

/// What a node answers. Its configuration tells which addresses and interfaces its kernel has.
/// [`Query::Fault`] and [`Query::Stop`] are its shell's business and refused here.
pub fn node_answer(node: &Node, config: &NodeConfig, now: Instant, query: &Query) -> Answer {
    let speaker = node.speaker();
    match query {
        Query::Status => Answer::Status(node_tables::status(node, config, now)),
        Query::Sessions => Answer::Sessions(bgp_tables::sessions(&config.name, speaker, now)),
        Query::Routes { prefix } => {
            Answer::Routes(bgp_tables::routes(&config.name, speaker, *prefix))
        }
        Query::Tunnels => Answer::Tunnels(node_tables::tunnels(node, &config.name, now)),
        Query::Paths => Answer::Paths(paths::paths(node, config, now)),
        Query::Budget => Answer::Budgets(budget::budgets(node, &config.name)),
        Query::Counters => Answer::Counters(counters::counters(node, &config.name)),
        Query::Forwarding => Answer::Forwarding(node_tables::forwarding(node, &config.name)),
        Query::Step { flow } => Answer::Step(node_tables::step(node, config, now, *flow)),
        Query::Measures => Answer::Measures(Box::new(measures::node(node, config, now))),
        _ => refused("a node"),
    }
}

/// What an instance of a Route Server answers. [`Query::Change`] is for
/// [`route_server_commands`], [`Query::Reload`] and [`Query::Stop`] are its shell's business.
pub fn route_server_answer(
    server: &RouteServer,
    name: &str,
    now: Instant,
    query: &Query,
) -> Answer {
    let speaker = server.speaker();
    match query {
        Query::Status => Answer::Status(bgp_tables::route_server_status(name, speaker)),
        Query::Sessions => Answer::Sessions(bgp_tables::sessions(name, speaker, now)),
        Query::Routes { prefix } => Answer::Routes(bgp_tables::routes(name, speaker, *prefix)),
        Query::LearnedRoutes { peer } => {
            or_unable(route_server::learned(server, peer), Answer::PeerRoutes)
        }
        Query::AdvertisedRoutes { peer } => {
            or_unable(route_server::advertised(server, peer), Answer::PeerRoutes)
        }
        Query::Hub => Answer::Hub(route_server::hub(server)),
        Query::Connections => Answer::Connections(route_server::connections(server)),
        Query::PeerStatus => Answer::PeerStatus(route_server::peer_status(server, now)),
        Query::Configuration => Answer::Configuration {
            yaml: server.config().to_yaml(),
        },
        Query::Measures => Answer::Measures(Box::new(measures::route_server(server, now))),
        _ => refused("a Route Server"),
    }
}

fn or_unable<T>(said: Result<T, PlatformError>, answer: impl FnOnce(T) -> Answer) -> Answer {
    said.map_or_else(Answer::Unable, answer)
}

/// What a plain router answers; about forwarding only where it has a table of routes.
pub fn router_answer(
    speaker: &bgp::Speaker,
    fib: Option<&router::Fib>,
    name: &str,
    now: Instant,
    query: &Query,
) -> Answer {
    match (query, fib) {
        (Query::Forwarding, Some(fib)) => Answer::Forwarding(router_tables::forwarding(fib, name)),
        (Query::Step { flow }, Some(fib)) => Answer::Step(router_tables::step(fib, name, *flow)),
        _ => speaker_answer(speaker, name, now, query),
    }
}

/// What the speaker of a router answers.
fn speaker_answer(speaker: &bgp::Speaker, name: &str, now: Instant, query: &Query) -> Answer {
    match query {
        Query::Status => Answer::Status(bgp_tables::router_status(name, speaker)),
        Query::Sessions => Answer::Sessions(bgp_tables::sessions(name, speaker, now)),
        Query::Routes { prefix } => Answer::Routes(bgp_tables::routes(name, speaker, *prefix)),
        Query::Measures => Answer::Measures(Box::new(speaker_measures(
            bgp_tables::router_status(name, speaker),
            speaker,
            now,
        ))),
        _ => refused("a router"),
    }
}

/// What the fabric answers. A [`Query::Fault`] is to be given to it as an input: see
/// [`fabric_fault`].
pub fn fabric_answer(fabric: &Fabric, now: Instant, query: &Query) -> Answer {
    match query {
        Query::Forwarding => Answer::Forwarding(fabric::forwarding(fabric)),
        Query::Vms { instance } => match fabric.instance(instance).and_then(|id| fabric.vms(id)) {
            Some((vms, most)) => Answer::Vms { vms, most },
            None => Answer::Unable(PlatformError::not_found("Route Server", instance)),
        },
        Query::EffectiveRoutes { device, .. } if fabric.is_running(device) == Some(false) => {
            Answer::Unable(PlatformError::new(
                "NicMustBeAttachedToRunningVmToGetEffectiveRoutes",
                format!(
                    "{device} does not run, and only a running VM's network interface has effective routes"
                ),
            ))
        }
        Query::EffectiveRoutes { device, interface } => {
            match fabric::effective_routes(fabric, device, interface) {
                Some(routes) => Answer::EffectiveRoutes(routes),
                None => Answer::Refused {
                    reason: format!("{device} has no interface {interface} in a virtual network"),
                },
            }
        }
        Query::Passage {
            device,
            interface,
            flow,
        } => match fabric.port(device, interface) {
            Some(port) => Answer::Passage(fabric::passage(fabric, now, port, *flow)),
            None => Answer::Refused {
                reason: format!("{device} has no interface {interface}"),
            },
        },
        _ => refused("the fabric"),
    }
}

fn refused(who: &str) -> Answer {
    Answer::Refused {
        reason: format!("{who} has no answer to this"),
    }
}
