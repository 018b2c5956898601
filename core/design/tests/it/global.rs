//! The example design resolves into the network that it describes.

use std::collections::BTreeMap;

use design::plan::{LinkRole, NodeConfig, Plan};
use design::{EXAMPLE_GLOBAL, NoFiles};

fn plan() -> Plan {
    let (design, reports) = design::read("global.yaml", EXAMPLE_GLOBAL, &NoFiles);
    assert!(reports.is_empty(), "{}", reports.render(false));
    let design = design.expect("a design without findings");
    design::resolve(&design, &|name| name.to_owned())
        .unwrap_or_else(|reports| panic!("{}", reports.render(false)))
}

fn roles(node: &NodeConfig) -> BTreeMap<LinkRole, usize> {
    let mut roles = BTreeMap::new();
    for link in &node.links {
        *roles.entry(link.role).or_default() += 1;
    }
    roles
}

#[test]
fn every_device_of_the_example_is_there() {
    let plan = plan();
    let names: Vec<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "nva1.westeurope",
            "nva2.westeurope",
            "nva1.eastus",
            "nva2.eastus",
            "nva1.southeastasia",
            "nva2.southeastasia",
            "cpe1.paris",
            "cpe1.london",
            "cpe1.newyork",
            "cpe2.newyork",
            "cpe1.chicago",
            "cpe1.singapore",
            "cpe1.tokyo",
        ]
    );
    assert_eq!(plan.route_servers.len(), 6);
    assert_eq!(plan.hosts.len(), 12);
}

#[test]
fn hubs_are_meshed_and_sites_have_every_nva_of_home_and_backup() {
    let plan = plan();
    let node = |name: &str| {
        plan.nodes
            .iter()
            .find(|node| node.name == name)
            .expect("a node")
    };
    let nva = roles(node("nva1.westeurope"));
    assert_eq!((nva[&LinkRole::Hub], nva[&LinkRole::Twin]), (4, 1));
    for cpe in plan
        .nodes
        .iter()
        .filter(|node| node.name.starts_with("cpe"))
    {
        let roles = roles(cpe);
        assert_eq!(
            (roles[&LinkRole::HomeHub], roles[&LinkRole::BackupHub]),
            (2, 2),
            "{}",
            cpe.name
        );
    }
    let london = &node("cpe1.london").links[0];
    let order: Vec<_> = london
        .paths
        .iter()
        .map(|path| (path.local.as_str(), path.preference))
        .collect();
    assert_eq!(
        order,
        [("cpe1.london/mpls", 0), ("cpe1.london/internet", 1)]
    );
}

#[test]
fn both_ends_of_a_path_agree_and_one_of_them_starts() {
    let plan = plan();
    let mut paths = BTreeMap::new();
    for path in plan
        .nodes
        .iter()
        .flat_map(|node| &node.links)
        .flat_map(|link| &link.paths)
    {
        let replaced = paths.insert((path.local.clone(), path.remote.clone()), path);
        assert!(
            replaced.is_none(),
            "{} > {} is there twice",
            path.local,
            path.remote
        );
    }
    for ((local, remote), path) in &paths {
        let back = paths[&(remote.clone(), local.clone())];
        assert_eq!(path.preference, back.preference);
        assert!(path.initiate ^ back.initiate, "{local} > {remote}");
        assert!(!path.initiate || path.endpoint.is_some());
        assert_eq!(&path.public_key, remote);
    }
    let nat = &paths[&(
        "nva1.eastus/azure".to_owned(),
        "cpe1.chicago/internet".to_owned(),
    )];
    assert_eq!(nat.endpoint, None);
}

#[test]
fn home_and_backup_are_the_closest_regions_unless_named() {
    let plan = plan();
    let regions: Vec<_> = plan
        .sites
        .iter()
        .map(|site| {
            (
                site.name.as_str(),
                site.home.as_str(),
                site.backup.as_deref().unwrap_or("-"),
            )
        })
        .collect();
    assert_eq!(
        regions,
        [
            ("paris", "westeurope", "eastus"),
            ("london", "westeurope", "eastus"),
            ("newyork", "eastus", "westeurope"),
            ("chicago", "eastus", "westeurope"),
            ("singapore", "southeastasia", "westeurope"),
            ("tokyo", "southeastasia", "eastus"),
        ]
    );
}

#[test]
fn addresses_are_given_out_once() {
    let plan = plan();
    let nics = plan
        .fabric
        .nics
        .iter()
        .flat_map(|nic| [Some(nic.address), nic.public_address]);
    let links = plan
        .fabric
        .attachments
        .iter()
        .flat_map(|at| [Some(at.address), at.nat.map(|nat| nat.public_address)]);
    let ports = plan
        .fabric
        .lans
        .iter()
        .flat_map(|lan| &lan.ports)
        .map(|port| Some(port.address));
    let loopbacks = plan.nodes.iter().map(|node| Some(node.loopback));
    let mut all: Vec<_> = nics
        .chain(links)
        .chain(ports)
        .chain(loopbacks)
        .flatten()
        .collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}
