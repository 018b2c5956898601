//! What devices are given, by name: addresses, links, paths.

use super::{Everything, list};
use crate::plan::{InterfaceConfig, LinkConfig, NodeConfig, NodeRole, PathConfig, Plan};

/// Adds what every device is given.
pub(super) fn plan(plan: &Plan, all: &mut Everything) {
    for node in &plan.nodes {
        self::node(node, all);
    }
    for server in &plan.route_servers {
        let path = |field: &str| format!("route_servers.{}.{field}", server.name);
        let how = "the first two assignable addresses of RouteServerSubnet";
        all.derived(path("address"), how, server.interface.address);
        let peers = server.peers.iter().map(|peer| &peer.name);
        all.derived(
            path("peers"),
            "the region's NVAs, and routers of other make that peer",
            list(peers),
        );
        let how = "address space of the hub and of spokes that use its gateway";
        all.derived(path("announced"), how, list(&server.announced));
    }
    for host in &plan.hosts {
        let how = "the next assignable address of its subnet or LAN";
        all.derived(
            format!("hosts.{}.address", host.name),
            how,
            host.interface.address,
        );
    }
    for device in &plan.foreign {
        let place = format!("foreign.{}", device.name);
        interfaces(&place, &device.interfaces, all);
    }
    for nic in &plan.fabric.nics {
        if let Some(address) = nic.public_address {
            let how = "regions' nvas.public_addresses, or the next of overlay.addresses.nva_public";
            all.derived(format!("nodes.{}.public_address", nic.device), how, address);
        }
    }
    for attachment in &plan.fabric.attachments {
        if let Some(nat) = &attachment.nat {
            let how = "the next address of the underlay; the CPE itself is behind it";
            let path = format!(
                "nodes.{}.interfaces.{}.nat_address",
                attachment.device, attachment.interface
            );
            all.derived(path, how, nat.public_address);
        }
    }
}

fn node(node: &NodeConfig, all: &mut Everything) {
    let place = format!("nodes.{}", node.name);
    let how = match node.role {
        NodeRole::Nva { .. } => {
            "overlay.loopbacks, lower half: a block for each region, one address for each NVA"
        }
        NodeRole::Cpe { .. } => {
            "overlay.loopbacks, upper half: one address for each CPE, in the order of the sites"
        }
    };
    all.derived(format!("{place}.loopback"), how, node.loopback);
    all.derived(
        format!("{place}.asn"),
        "overlay.asn: all nodes are in one AS",
        node.asn,
    );
    all.derived(
        format!("{place}.prepend"),
        "0, or 2 for the passive NVAs of nvas.mode active-passive",
        node.prepend,
    );
    interfaces(&place, &node.interfaces, all);
    for lan in &node.lans {
        if let Some(vrrp) = &lan.vrrp {
            let path = |field: &str| format!("{place}.lans.{}.vrrp.{field}", lan.interface);
            all.derived(
                path("virtual_address"),
                "the LAN's gateway: the site has several CPEs",
                vrrp.virtual_address,
            );
            all.derived(
                path("priority"),
                "200, and 50 less for each further CPE of the site",
                vrrp.priority,
            );
        }
    }
    for link in &node.links {
        self::link(&place, link, all);
    }
}

fn interfaces(place: &str, interfaces: &[InterfaceConfig], all: &mut Everything) {
    for interface in interfaces {
        let how = match &interface.name[..3] {
            "eth" => "the next assignable address of its subnet",
            "wan" => {
                "the site's underlays.addresses, or the next address of the underlay (behind NAT: of overlay.addresses.behind_nat)"
            }
            "rtr" => "a /31 of overlay.addresses.links, by the hash of the link's name",
            _ => "the LAN's gateway address, or the next one when several CPEs share it",
        };
        let path = format!("{place}.interfaces.{}.address", interface.name);
        all.derived(
            path,
            how,
            format_args!("{}/{}", interface.address, interface.prefix_len),
        );
    }
}

fn link(place: &str, link: &LinkConfig, all: &mut Everything) {
    use crate::plan::LinkRole::{BackupHub, BackupSite, HomeHub, HomeSite, Hub, Twin};
    let (role, how) = match link.role {
        Hub => ("hub", "NVAs of all regions are meshed"),
        Twin => ("twin", "NVAs of a region are linked"),
        HomeSite => ("home-site", "this region is the site's home"),
        BackupSite => ("backup-site", "this region is the site's backup"),
        HomeHub => ("home-hub", "every NVA of the home region"),
        BackupHub => ("backup-hub", "every NVA of the backup region"),
    };
    all.derived(format!("{place}.links.{}.role", link.neighbor), how, role);
    for PathConfig {
        local,
        remote,
        endpoint,
        preference,
        ..
    } in &link.paths
    {
        let path = |field: &str| {
            format!(
                "{place}.links.{}.paths.{local}>{remote}.{field}",
                link.neighbor
            )
        };
        all.derived(
            path("preference"),
            "position among the site's underlays; one path between NVAs",
            preference,
        );
        let shown = endpoint.map_or("none".to_owned(), |endpoint| endpoint.to_string());
        let how = "public address and overlay.port of the other side; none when it is behind NAT and comes to us";
        all.derived(path("endpoint"), how, shown);
    }
}
