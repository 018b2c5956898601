//! The devices that a failure takes away, and what that takes.

use design::plan::{HostPlace, NodeRole, Plan};

use super::{Action, TargetError};
use crate::Fault;

/// What lets several devices fail or heal.
pub(super) fn devices_actions<'a>(
    plan: &Plan,
    names: impl Iterator<Item = &'a str>,
    up: bool,
) -> Result<Vec<Action>, TargetError> {
    let mut actions = Vec::new();
    for name in names {
        actions.extend(device_actions(plan, name, up)?);
    }
    Ok(actions)
}

pub(super) fn device_actions(
    plan: &Plan,
    name: &str,
    up: bool,
) -> Result<Vec<Action>, TargetError> {
    let router = plan.routers.iter().find(|router| router.name == name);
    let runs = plan.nodes.iter().any(|node| node.name == name)
        || plan.route_servers.iter().any(|rs| rs.name == name)
        || plan.gateways.iter().any(|gateway| gateway.name == name)
        || plan.msees.iter().any(|msee| msee.name == name)
        || router.is_some_and(|router| !router.foreign);
    // Software of other make is cut off and runs on.
    let stands = plan.hosts.iter().any(|host| host.name == name)
        || plan.foreign.iter().any(|foreign| foreign.name == name)
        || router.is_some();
    if !runs && !stands {
        return Err(TargetError::Unknown {
            kind: "device",
            name: name.to_owned(),
        });
    }
    let mut actions = vec![Action::Fault {
        fault: Fault::Device {
            name: name.to_owned(),
        },
        up,
    }];
    if runs {
        let device = name.to_owned();
        actions.push(if up {
            Action::Start { device }
        } else {
            Action::Kill { device }
        });
    }
    Ok(actions)
}

pub(super) fn region_devices<'a>(plan: &'a Plan, region: &'a str) -> impl Iterator<Item = &'a str> {
    let nodes = plan.nodes.iter().filter_map(move |node| match &node.role {
        NodeRole::Nva { region: own, .. } if own == region => Some(node.name.as_str()),
        _ => None,
    });
    let servers = plan
        .route_servers
        .iter()
        .filter(move |rs| rs.region == region);
    let gateways = plan.gateways.iter().filter(move |gw| gw.region == region);
    let hosts = plan.hosts.iter().filter(move |host| match &host.place {
        HostPlace::Vnet { vnet } => plan
            .fabric
            .vnets
            .iter()
            .any(|net| net.name == *vnet && net.region == region),
        HostPlace::Site { .. } => false,
    });
    nodes
        .chain(servers.map(|rs| rs.name.as_str()))
        .chain(gateways.map(|gateway| gateway.name.as_str()))
        .chain(hosts.map(|host| host.name.as_str()))
}
