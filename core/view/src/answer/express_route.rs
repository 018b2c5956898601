//! What a gateway's instance and an MSEE answer, in the platform's shapes where it has them.

use core::net::{IpAddr, Ipv4Addr};

use azure::express_route::gateway::GatewayMember;
use azure::express_route::msee::MseeMember;
use azure::express_route::{Gateway, Msee};
use bgp::{Attributes, NeighborId, Origin, Speaker, State};
use inet::{Instant, Net};

use super::route_server::{as_path, connection_state};
use super::{bgp_tables, refused, speaker_measures};
use crate::platform::{
    BgpPeerStatus, CircuitPeer, CircuitRoute, List, PeerRoute, PeerRoutes, gateway_role,
};
use crate::{Answer, CustomerMeasures, DeviceKind, ExpressRouteMeasures, Measures, Query};

/// What the platform weighs a route of an MSEE with, and one of Route Server or of its own.
const WEIGHT_MSEE: u32 = 32_769;
const WEIGHT_ROUTE_SERVER: u32 = 32_768;

/// What a gateway's instance answers. [`Query::Reload`] and [`Query::Stop`] are its shell's business.
pub fn gateway_answer(gateway: &Gateway, now: Instant, query: &Query) -> Answer {
    let speaker = gateway.speaker();
    let name = &gateway.config().name;
    match query {
        Query::Status => Answer::Status(bgp_tables::status(name, DeviceKind::Gateway, speaker)),
        Query::Sessions => Answer::Sessions(bgp_tables::sessions(name, speaker, now)),
        Query::Routes { prefix } => Answer::Routes(bgp_tables::routes(name, speaker, *prefix)),
        Query::LearnedRoutes { peer } => Answer::PeerRoutes(learned(gateway, peer)),
        Query::AdvertisedRoutes { peer } => Answer::PeerRoutes(advertised(gateway, peer)),
        Query::PeerStatus => Answer::PeerStatus(peer_status(gateway, now)),
        Query::Configuration => Answer::Configuration {
            yaml: gateway.config().to_yaml(),
        },
        Query::Measures => Answer::Measures(Box::new(gateway_measures(gateway, now))),
        _ => refused("a gateway"),
    }
}

/// What an MSEE answers. [`Query::Reload`] and [`Query::Stop`] are its shell's business.
pub fn msee_answer(msee: &Msee, now: Instant, query: &Query) -> Answer {
    let speaker = msee.speaker();
    let name = &msee.config().name;
    match query {
        Query::Status => Answer::Status(bgp_tables::status(name, DeviceKind::Msee, speaker)),
        Query::Sessions => Answer::Sessions(bgp_tables::sessions(name, speaker, now)),
        Query::Routes { prefix } => Answer::Routes(bgp_tables::routes(name, speaker, *prefix)),
        Query::RouteTable => Answer::RouteTable(route_table(speaker)),
        Query::RouteTableSummary => Answer::RouteTableSummary(summary(speaker, now)),
        Query::Configuration => Answer::Configuration {
            yaml: msee.config().to_yaml(),
        },
        Query::Measures => Answer::Measures(Box::new(msee_measures(msee, now))),
        _ => refused("an MSEE"),
    }
}

/// The members that a name or an address means; none is no error (section 3.4 of the facts).
fn members<'a>(
    gateway: &'a Gateway,
    peer: &'a str,
) -> impl Iterator<Item = (NeighborId, &'a GatewayMember)> {
    gateway.members().filter(move |(_, member)| {
        let config = member.peer();
        config.name == peer || peer.parse() == Ok(config.address)
    })
}

/// What a peer told; of the instance itself what it has without being told.
fn learned(gateway: &Gateway, peer: &str) -> PeerRoutes {
    let config = gateway.config();
    let local = config.interface.address;
    let itself = config.name == peer || peer.parse() == Ok(local);
    let own = config.announced.iter().filter(|_| itself);
    let own = own.map(|prefix| PeerRoute {
        local_address: local.into(),
        network: prefix.to_string(),
        next_hop: None,
        source_peer: Some(local.into()),
        origin: "Network".to_owned(),
        as_path: String::new(),
        weight: WEIGHT_ROUTE_SERVER,
    });
    let routes = members(gateway, peer).flat_map(|(id, member)| {
        let (origin, weight) = match member {
            GatewayMember::Msee { .. } => ("EBgp", WEIGHT_MSEE),
            GatewayMember::RouteServer(_) => ("IBgp", WEIGHT_ROUTE_SERVER),
        };
        let held = gateway.speaker().adj_in(id).into_iter();
        held.filter_map(move |route| {
            let attributes = route.accepted?;
            Some(PeerRoute {
                local_address: local.into(),
                network: route.net.to_string(),
                next_hop: Some(attributes.next_hop),
                source_peer: Some(member.peer().address.into()),
                origin: origin.to_owned(),
                as_path: as_path(&attributes.as_path),
                weight,
            })
        })
    });
    PeerRoutes {
        role: gateway_role(gateway.config().instance),
        routes: own.chain(routes).collect(),
    }
}

fn advertised(gateway: &Gateway, peer: &str) -> PeerRoutes {
    let local = gateway.config().interface.address;
    let routes = members(gateway, peer).flat_map(|(id, _)| {
        let told = gateway.speaker().adj_out(id).into_iter();
        told.map(|route| PeerRoute {
            local_address: local.into(),
            network: route.net.to_string(),
            next_hop: Some(route.attributes.next_hop),
            source_peer: None,
            origin: "Igp".to_owned(),
            as_path: as_path(&route.attributes.as_path),
            weight: 0,
        })
    });
    PeerRoutes {
        role: gateway_role(gateway.config().instance),
        routes: routes.collect(),
    }
}

fn peer_status(gateway: &Gateway, now: Instant) -> List<BgpPeerStatus> {
    let local = gateway.config().interface.address;
    let states = gateway.members().filter_map(|(id, member)| {
        let neighbor = gateway.speaker().neighbor(id)?;
        let is_up = neighbor.state == State::Established;
        Some(BgpPeerStatus {
            asn: member.peer().asn.0,
            connected_duration: is_up.then(|| BgpPeerStatus::duration(now.since(neighbor.since))),
            local_address: local,
            messages_received: neighbor.counters.messages_in,
            messages_sent: neighbor.counters.messages_out,
            neighbor: member.peer().address,
            routes_received: u64::from(neighbor.received),
            state: connection_state(Some(neighbor.state)).to_owned(),
        })
    });
    let mut value: Vec<_> = states.collect();
    value.sort_by_key(|status| status.neighbor);
    List { value }
}

/// Every acceptable path to each prefix, the best one marked.
fn route_table(speaker: &Speaker) -> List<CircuitRoute> {
    let prefixes = speaker.loc_rib().into_iter().filter_map(Net::v4);
    let routes = prefixes.flat_map(|prefix| {
        let paths = speaker.paths(prefix).into_iter();
        paths.map(move |path| {
            let mark = if path.best { "*" } else { "" };
            let attributes = &path.attributes;
            CircuitRoute {
                loc_prf: attributes
                    .local_pref
                    .unwrap_or(Attributes::LOCAL_PREF)
                    .to_string(),
                network: prefix.to_string(),
                next_hop: format!("{}{mark}", attributes.next_hop),
                path: circuit_path(attributes),
                weight: 0,
            }
        })
    });
    List {
        value: routes.collect(),
    }
}

/// AS_PATH and ORIGIN as a router prints them.
fn circuit_path(attributes: &Attributes) -> String {
    let origin = match attributes.origin {
        Origin::Igp => "I",
        Origin::Egp => "E",
        Origin::Incomplete => "?",
    };
    let path = attributes.as_path.to_string();
    format!("{path} {origin}").trim_start().to_owned()
}

fn summary(speaker: &Speaker, now: Instant) -> List<CircuitPeer> {
    let peers = speaker.neighbors().map(|neighbor| {
        let address = match neighbor.settings.address {
            IpAddr::V4(address) => address,
            IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
        };
        CircuitPeer {
            asn: neighbor.settings.remote_as.0,
            neighbor: address,
            state_pfx_rcd: match neighbor.state {
                State::Established => neighbor.received.to_string(),
                other => bgp_tables::state(other).to_owned(),
            },
            up_down: CircuitPeer::up_down(now.since(neighbor.since)),
            v: 4,
        }
    });
    let mut value: Vec<_> = peers.collect();
    value.sort_by_key(|peer| peer.neighbor);
    List { value }
}

fn gateway_measures(gateway: &Gateway, now: Instant) -> Measures {
    let config = gateway.config();
    let speaker = gateway.speaker();
    let status = bgp_tables::status(&config.name, DeviceKind::Gateway, speaker);
    let limits = config.limits;
    Measures {
        express_route: Some(ExpressRouteMeasures::Gateway {
            instance: config.instance,
            routes_changed: gateway.routes_changed(),
            sessions_shed: gateway.sessions_shed(),
            learned: gateway.learned_from_circuits(),
            learned_max: limits.learned,
            announced_max: limits.announced,
            serving: gateway.is_serving(),
        }),
        ..speaker_measures(status, speaker, now)
    }
}

fn msee_measures(msee: &Msee, now: Instant) -> Measures {
    let config = msee.config();
    let speaker = msee.speaker();
    let status = bgp_tables::status(&config.name, DeviceKind::Msee, speaker);
    let customers = msee.members().filter_map(|(_, member)| {
        let peering = match member {
            MseeMember::Private(_) => "Private",
            MseeMember::Microsoft(_) => "Microsoft",
            MseeMember::Gateway { .. } | MseeMember::GlobalReach(_) => return None,
        };
        Some(CustomerMeasures {
            address: member.peer().address.into(),
            peering: peering.to_owned(),
        })
    });
    Measures {
        express_route: Some(ExpressRouteMeasures::Msee {
            circuit: config.circuit.clone(),
            primary: config.primary,
            customers: customers.collect(),
            serving: msee.is_serving(),
        }),
        ..speaker_measures(status, speaker, now)
    }
}
