//! The addresses between which a tunnel path runs, as they are on the wire.

use core::net::Ipv4Addr;

use design::plan::{NodeConfig, PathConfig, Plan};

/// The pairs of addresses on the wire of all paths between two locators or devices.
pub(super) fn path_addresses<'a>(
    plan: &'a Plan,
    a: &'a str,
    b: &'a str,
) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
    plan.nodes
        .iter()
        .filter(move |node| device_of(a) == node.name)
        .flat_map(|node| node.links.iter())
        .flat_map(|link| link.paths.iter())
        .filter(move |path| is_side(&path.local, a) && is_side(&path.remote, b))
        .filter_map(|path| {
            Some((
                wire_address(plan, path, false)?,
                wire_address(plan, path, true)?,
            ))
        })
}

/// The device part of a locator's name, `cpe1.paris/internet`, or of a device's name.
fn device_of(side: &str) -> &str {
    side.split_once('/').map_or(side, |(device, _)| device)
}

fn is_side(locator: &str, side: &str) -> bool {
    locator == side || (!side.contains('/') && device_of(locator) == side)
}

/// The address under which one end of a path is seen by the other.
fn wire_address(plan: &Plan, path: &PathConfig, remote: bool) -> Option<Ipv4Addr> {
    if remote && let Some(endpoint) = path.endpoint {
        return Some(*endpoint.ip());
    }
    let (own, other) = if remote {
        (&path.remote, &path.local)
    } else {
        (&path.local, &path.remote)
    };
    let node = |name: &str| plan.nodes.iter().find(|node| node.name == name);
    let seen = node(device_of(other)).and_then(|node| {
        let mut paths = node.links.iter().flat_map(|link| &link.paths);
        paths
            .find(|path| path.local == *other && path.remote == *own)?
            .endpoint
    });
    seen.map(|endpoint| *endpoint.ip())
        .or_else(|| underlay_address(plan, node(device_of(own))?, own))
}

/// The address of a locator without a known endpoint: its NAT's, or its own.
fn underlay_address(plan: &Plan, node: &NodeConfig, locator: &str) -> Option<Ipv4Addr> {
    let locator = node.locators.iter().find(|own| own.name == locator)?;
    let attachment = plan
        .fabric
        .attachments
        .iter()
        .find(|link| link.device == node.name && link.interface == locator.interface)?;
    Some(
        attachment
            .nat
            .map_or(attachment.address, |nat| nat.public_address),
    )
}
