//! Which BGP sessions a Plan asks of each device.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use design::plan::{InterfaceConfig, NodeConfig, Plan, RouterDevice};

/// The BGP sessions of every device that has a speaker: names of the devices at their other ends,
/// one for each session.
pub fn expected_sessions(plan: &Plan) -> BTreeMap<String, Vec<String>> {
    let owners = owners(plan);
    let names = |peers: &[design::plan::BgpPeerConfig]| -> Vec<String> {
        peers.iter().map(|peer| peer.name.clone()).collect()
    };
    let nodes = plan
        .nodes
        .iter()
        .map(|node| (node.name.clone(), of_node(node)));
    let servers = plan.route_servers.iter().map(|server| {
        let gateways = server.gateways.iter().map(|gateway| &gateway.name);
        let peers = server.peers.iter().map(|peer| &peer.name);
        (
            server.name.clone(),
            peers.chain(gateways).cloned().collect(),
        )
    });
    let gateways = plan.gateways.iter().map(|gateway| {
        let msees = gateway.connections.iter().flat_map(|it| names(&it.msees));
        let servers = names(&gateway.route_servers);
        (
            gateway.name.clone(),
            servers.into_iter().chain(msees).collect(),
        )
    });
    let msees = plan.msees.iter().map(|msee| {
        let private = msee.private_peering.iter().map(|it| &it.edge);
        let microsoft = msee.microsoft_peering.iter().map(|it| &it.edge);
        let edges = private.chain(microsoft).map(|edge| edge.peer.name.clone());
        let gateways = msee.connections.iter().flat_map(|it| names(&it.gateways));
        let reached = names(&msee.global_reach);
        (
            msee.name.clone(),
            edges.chain(gateways).chain(reached).collect(),
        )
    });
    let routers = plan
        .routers
        .iter()
        .map(|router| (router.name.clone(), of_router(router, &owners)));
    nodes
        .chain(servers)
        .chain(gateways)
        .chain(msees)
        .chain(routers)
        .collect()
}

fn of_node(node: &NodeConfig) -> Vec<String> {
    let speaking = node.links.iter().filter(|link| link.loopback.is_some());
    let links = speaking.map(|link| &link.neighbor);
    let servers = node.route_servers.iter().map(|server| &server.name);
    let neighbors = node.neighbors.iter().map(|neighbor| &neighbor.name);
    links.chain(servers).chain(neighbors).cloned().collect()
}

/// A router's file names its neighbours as it likes: what counts is whose address it is.
fn of_router(router: &RouterDevice, owners: &BTreeMap<Ipv4Addr, &str>) -> Vec<String> {
    let (config, _) = design::read_router(&router.name, &router.config);
    let neighbors = config.map_or_else(Vec::new, |config| config.settings.neighbors);
    let name = |neighbor: &bgp::Neighbor| {
        let owner = match neighbor.address {
            IpAddr::V4(address) => owners.get(&address).copied(),
            IpAddr::V6(_) => None,
        };
        owner.map_or_else(|| neighbor.name.clone(), str::to_owned)
    };
    neighbors.iter().map(name).collect()
}

/// Whose an address is.
fn owners(plan: &Plan) -> BTreeMap<Ipv4Addr, &str> {
    fn of<'a>(
        name: &'a str,
        interfaces: &'a [InterfaceConfig],
    ) -> impl Iterator<Item = (Ipv4Addr, &'a str)> {
        interfaces.iter().map(move |it| (it.address, name))
    }
    let nodes = plan.nodes.iter();
    let routers = plan.routers.iter();
    let msees = plan.msees.iter();
    let foreign = plan.foreign.iter();
    nodes
        .flat_map(|it| of(&it.name, &it.interfaces))
        .chain(routers.flat_map(|it| of(&it.name, &it.interfaces)))
        .chain(msees.flat_map(|it| of(&it.name, &it.interfaces)))
        .chain(foreign.flat_map(|it| of(&it.name, &it.interfaces)))
        .collect()
}
