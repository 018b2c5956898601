//! A Route Server instance in the platform's shapes, and what management changes at it.

use azure::RouteServer;
use azure::route_server::{Command, PeerRefusal, Peering, PeeringRefusal, Peerings, RouteMapFault};
use bgp::{AsPath, NeighborId, State};
use design::plan::{BgpPeerConfig, MapPair};
use inet::{Asn, Instant};

use crate::Change;
use crate::platform::{
    AddressSpace, BgpConnection, BgpConnectionProperties, BgpPeerStatus, List, PeerRoute,
    PeerRoutes, PlatformError, RoutingConfiguration, SubResource, VirtualHub, VirtualHubProperties,
    VnetPeering, VnetPeeringProperties, hub_name, preference, preference_name, role,
};

/// What the platform says of everything that is as it was ordered.
const SUCCEEDED: &str = "Succeeded";
/// Characters of a name; the platform's limit.
const NAME_MAX: usize = 80;

pub(super) fn learned(server: &RouteServer, peer: &str) -> Result<PeerRoutes, PlatformError> {
    let (id, config) = find(server, peer)?;
    let local = server.config().interface.address;
    let routes = server.speaker().adj_in(id).into_iter();
    let routes = routes.filter_map(|route| {
        let attributes = route.accepted?;
        Some(PeerRoute {
            local_address: local.into(),
            network: route.net.to_string(),
            next_hop: Some(attributes.next_hop),
            source_peer: Some(config.address.into()),
            origin: "EBgp".to_owned(),
            as_path: as_path(&attributes.as_path),
            weight: 32_768,
        })
    });
    Ok(PeerRoutes {
        role: role(server.config().instance),
        routes: routes.collect(),
    })
}

pub(super) fn advertised(server: &RouteServer, peer: &str) -> Result<PeerRoutes, PlatformError> {
    let (id, _) = find(server, peer)?;
    let local = server.config().interface.address;
    let routes = server.speaker().adj_out(id).into_iter();
    let routes = routes.map(|route| PeerRoute {
        local_address: local.into(),
        network: route.net.to_string(),
        next_hop: Some(route.attributes.next_hop),
        source_peer: None,
        origin: "Igp".to_owned(),
        as_path: as_path(&route.attributes.as_path),
        weight: 0,
    });
    Ok(PeerRoutes {
        role: role(server.config().instance),
        routes: routes.collect(),
    })
}

/// AS numbers joined by `-`; a set is one member in braces.
pub(super) fn as_path(path: &AsPath) -> String {
    path.to_string().replace(' ', "-")
}

fn find<'a>(
    server: &'a RouteServer,
    name: &str,
) -> Result<(NeighborId, &'a BgpPeerConfig), PlatformError> {
    let found = server.peers().find(|(_, peer)| peer.name == name);
    found.ok_or_else(|| PlatformError::not_found("BGP connection", name))
}

pub(super) fn connections(server: &RouteServer) -> List<BgpConnection> {
    let hub = hub_name(server.config());
    let connections = server.peers().map(|(id, peer)| {
        let state = server.speaker().neighbor(id).map(|neighbor| neighbor.state);
        BgpConnection {
            id: format!("/virtualHubs/{hub}/bgpConnections/{}", peer.name),
            name: peer.name.clone(),
            kind: BgpConnection::KIND.to_owned(),
            properties: BgpConnectionProperties {
                peer_asn: peer.asn.0,
                peer_ip: peer.address,
                provisioning_state: SUCCEEDED.to_owned(),
                connection_state: connection_state(state).to_owned(),
                routing_configuration: routing_configuration(
                    &hub,
                    &server.config().route_maps.of(peer.address),
                ),
            },
        }
    });
    let mut value: Vec<_> = connections.collect();
    value.sort_by(|a, b| a.name.cmp(&b.name));
    List { value }
}

pub(super) const fn connection_state(state: Option<State>) -> &'static str {
    match state {
        Some(State::Established) => "Connected",
        Some(State::Connect | State::Active | State::OpenSent | State::OpenConfirm) => "Connecting",
        Some(State::Idle) | None => "NotConnected",
    }
}

pub(super) fn peer_status(server: &RouteServer, now: Instant) -> List<BgpPeerStatus> {
    let local = server.config().interface.address;
    let states = server.peers().filter_map(|(id, peer)| {
        let neighbor = server.speaker().neighbor(id)?;
        let is_up = neighbor.state == State::Established;
        Some(BgpPeerStatus {
            asn: peer.asn.0,
            connected_duration: is_up.then(|| BgpPeerStatus::duration(now.since(neighbor.since))),
            local_address: local,
            messages_received: neighbor.counters.messages_in,
            messages_sent: neighbor.counters.messages_out,
            neighbor: peer.address,
            routes_received: u64::from(neighbor.received),
            state: connection_state(Some(neighbor.state)).to_owned(),
        })
    });
    let mut value: Vec<_> = states.collect();
    value.sort_by_key(|status| status.neighbor);
    List { value }
}

pub(super) fn hub(server: &RouteServer) -> VirtualHub {
    let config = server.config();
    let name = hub_name(config);
    VirtualHub {
        id: format!("/virtualHubs/{name}"),
        name,
        kind: VirtualHub::KIND.to_owned(),
        location: config.region.clone(),
        properties: VirtualHubProperties {
            sku: "Standard".to_owned(),
            virtual_router_asn: config.asn.0,
            virtual_router_ips: vec![config.interface.address],
            allow_branch_to_branch_traffic: Some(config.branch_to_branch),
            hub_routing_preference: Some(preference_name(config.routing_preference).to_owned()),
            virtual_router_auto_scale_configuration: None,
            provisioning_state: SUCCEEDED.to_owned(),
            routing_state: "Provisioned".to_owned(),
        },
    }
}

/// The commands that a change comes to at an instance; none when it is so already. At the instance
/// nothing is changed yet, and an error says that nothing is to be.
pub fn route_server_commands(
    server: &RouteServer,
    peerings: &mut Peerings,
    change: &Change,
) -> Result<Vec<Command>, PlatformError> {
    match change {
        Change::PutVnetPeering { name, properties } => {
            put_peering(server, peerings, name, properties)
        }
        Change::RemoveVnetPeering { name } => match peerings.remove(server.config(), name) {
            Some(command) => Ok(vec![command]),
            None => Err(PlatformError::not_found("VNet peering", name)),
        },
        Change::PutConnection { name, properties } => put_connection(server, name, properties),
        Change::RemoveConnection { name } => {
            let (_, peer) = find(server, name)?;
            Ok(vec![Command::RemovePeer(peer.address)])
        }
        Change::Hub {
            branch_to_branch,
            routing_preference,
        } => hub_commands(server, *branch_to_branch, routing_preference.as_deref()),
        Change::Maintenance { active } => Ok(vec![Command::Maintenance(*active)]),
    }
}

/// Why a peer is not taken, as the platform says it.
pub fn peer_refused(refusal: &PeerRefusal) -> PlatformError {
    let code = match refusal {
        PeerRefusal::TooMany(_) => "Conflict",
        PeerRefusal::RouteMap(RouteMapFault::Spoke(_)) => {
            "HubBgpConnectionFromSpokeVnetCannotReferenceRouteMap"
        }
        _ => "InvalidPeer",
    };
    PlatformError::new(code, refusal.to_string())
}

fn put_connection(
    server: &RouteServer,
    name: &str,
    properties: &BgpConnectionProperties,
) -> Result<Vec<Command>, PlatformError> {
    check_name(name)?;
    let peer = BgpPeerConfig {
        name: name.to_owned(),
        address: properties.peer_ip,
        asn: Asn(properties.peer_asn),
    };
    let mut others = server.peers().filter(|(_, other)| other.name != name);
    if others.any(|(_, other)| other.address == peer.address) {
        return Err(peer_refused(&PeerRefusal::Address(peer.address)));
    }
    let maps = properties.routing_configuration.as_ref().map(map_pair);
    let old = find(server, name).ok().map(|(_, old)| old.clone());
    let attached = server.wanted_maps().of(peer.address);
    if old.as_ref() == Some(&peer) && attached == maps.clone().unwrap_or_default() {
        return Ok(Vec::new());
    }
    let moved = old.filter(|old| old.address != peer.address);
    let mut commands = vec![Command::PutPeer { peer, maps }];
    commands.extend(moved.map(|old| Command::RemovePeer(old.address)));
    Ok(commands)
}

fn map_pair(routing: &RoutingConfiguration) -> MapPair {
    let name = |map: &Option<SubResource>| map.as_ref().map(|map| map.name().to_owned());
    MapPair {
        inbound: name(&routing.inbound_route_map),
        outbound: name(&routing.outbound_route_map),
    }
}

/// The route maps of a peer; `None` without any.
fn routing_configuration(hub: &str, maps: &MapPair) -> Option<RoutingConfiguration> {
    let map = |name: &Option<String>| {
        name.as_ref().map(|name| SubResource {
            id: format!("/virtualHubs/{hub}/routeMaps/{name}"),
        })
    };
    (*maps != MapPair::default()).then(|| RoutingConfiguration {
        inbound_route_map: map(&maps.inbound),
        outbound_route_map: map(&maps.outbound),
    })
}

fn put_peering(
    server: &RouteServer,
    peerings: &mut Peerings,
    name: &str,
    properties: &VnetPeeringProperties,
) -> Result<Vec<Command>, PlatformError> {
    check_name(name)?;
    let wanted = Peering {
        name: name.to_owned(),
        space: properties.remote_address_space.address_prefixes.clone(),
        gateway_transit: properties.allow_gateway_transit,
    };
    if peerings.list(server.config()).contains(&wanted) {
        return Ok(Vec::new());
    }
    let command = peerings.put(server.config(), wanted).map_err(|refusal| {
        let code = match refusal {
            PeeringRefusal::Empty => "InvalidRequestFormat",
            PeeringRefusal::Overlap { .. } => "VnetAddressSpacesOverlap",
            PeeringRefusal::TooMany(_) => "Conflict",
        };
        PlatformError::new(code, refusal.to_string())
    })?;
    Ok(vec![command])
}

/// The VNets that are peered with that of an instance.
pub fn vnet_peerings(server: &RouteServer, peerings: &Peerings) -> List<VnetPeering> {
    let config = server.config();
    let all = peerings.list(config).into_iter();
    let value = all.map(|peering| VnetPeering {
        id: format!(
            "/virtualNetworks/{}/virtualNetworkPeerings/{}",
            config.vnet, peering.name
        ),
        name: peering.name,
        kind: VnetPeering::KIND.to_owned(),
        properties: VnetPeeringProperties {
            remote_address_space: AddressSpace {
                address_prefixes: peering.space,
            },
            allow_gateway_transit: peering.gateway_transit,
            peering_state: "Connected".to_owned(),
            provisioning_state: SUCCEEDED.to_owned(),
        },
    });
    List {
        value: value.collect(),
    }
}

fn hub_commands(
    server: &RouteServer,
    branch_to_branch: Option<bool>,
    routing_preference: Option<&str>,
) -> Result<Vec<Command>, PlatformError> {
    let config = server.config();
    let mut commands = Vec::new();
    if let Some(wanted) = routing_preference {
        let wanted = preference(wanted).ok_or_else(|| {
            PlatformError::bad_request(format!(
                "hubRoutingPreference is ExpressRoute, VpnGateway or ASPath, not {wanted:?}"
            ))
        })?;
        if wanted != config.routing_preference {
            commands.push(Command::RoutingPreference(wanted));
        }
    }
    if let Some(on) = branch_to_branch
        && on != config.branch_to_branch
    {
        commands.push(Command::BranchToBranch(on));
    }
    Ok(commands)
}

/// Names as the platform has them: they are parts of addresses.
fn check_name(name: &str) -> Result<(), PlatformError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(fits) {
        return Err(PlatformError::new(
            "InvalidResourceName",
            format!("a name has 1 to {NAME_MAX} letters, digits, dots, hyphens and underscores"),
        ));
    }
    Ok(())
}
