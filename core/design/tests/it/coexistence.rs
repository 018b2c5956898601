//! Sites on MPLS and ExpressRoute beside those on SD-WAN: the devices that a design makes of them.

use design::NoFiles;
use design::plan::{ForwarderKind, Plan, RouterConfig, RouterPlace};

/// An SD-WAN site, a site on MPLS only, and one on both; the provider is on a circuit.
const COEXISTENCE: &str = include_str!("coexistence.yaml");

fn plan(text: &str) -> Plan {
    let (design, reports) = design::read("coexistence.yaml", text, &NoFiles);
    let design = design.unwrap_or_else(|| panic!("{}", reports.render(false)));
    let reports = design::check(&design);
    assert!(reports.is_empty(), "{}", reports.render(false));
    design::resolve(&design, &|name| name.to_owned())
        .unwrap_or_else(|reports| panic!("{}", reports.render(false)))
}

fn config(plan: &Plan, name: &str) -> RouterConfig {
    let device = plan.routers.iter().find(|router| router.name == name);
    let text = &device.expect("a router").config;
    let (config, reports) = design::read_router(name, text);
    config.unwrap_or_else(|| panic!("{}\n{text}", reports.render(false)))
}

#[test]
fn every_router_runs_a_file_that_is_valid() {
    let plan = plan(COEXISTENCE);
    let names: Vec<&str> = plan.routers.iter().map(|router| &router.name[..]).collect();
    assert_eq!(
        names,
        ["pe-ams.mpls", "pe-lon.mpls", "core.lyon", "core.paris"]
    );
    for name in names {
        assert!(config(&plan, name).kernel);
    }
    let lyon = config(&plan, "core.lyon");
    assert_eq!(lyon.originate[0].0.to_string(), "10.200.2.0/24");
    let provider = &plan.routers[0];
    let place = RouterPlace::Provider {
        network: "mpls".to_owned(),
    };
    assert_eq!(provider.place, place);
}

#[test]
fn a_site_without_cpe_has_its_router_as_gateway_and_no_region() {
    let plan = plan(COEXISTENCE);
    assert!(plan.nodes.iter().all(|node| node.name != "cpe1.lyon"));
    let site = plan.sites.iter().find(|site| site.name == "lyon");
    let site = site.expect("a site");
    assert!(site.cpes.is_empty() && site.home.is_empty());
    let lan = plan.fabric.lans.iter().find(|lan| lan.site == "lyon");
    let port = &lan.expect("a LAN").ports[0];
    assert_eq!(
        (&port.device[..], &port.interface[..]),
        ("core.lyon", "lan0")
    );
}

#[test]
fn a_cpe_beside_a_router_learns_the_lan_by_bgp() {
    let plan = plan(COEXISTENCE);
    let cpe = plan.nodes.iter().find(|node| node.name == "cpe1.paris");
    let cpe = cpe.expect("a CPE");
    assert!(cpe.lans.is_empty());
    let neighbor = &cpe.neighbors[0];
    assert_eq!((&neighbor.name[..], neighbor.asn.0), ("core.paris", 65_050));
    let lan = "10.200.1.0/24".parse().expect("a prefix");
    assert_eq!(neighbor.accept, Some(vec![lan]));
    let router = config(&plan, "core.paris");
    let there = router.settings.neighbors.iter().find(|n| n.name == "cpe1");
    let there = there.expect("a neighbour");
    let rtr = cpe.interfaces.iter().find(|port| port.name == "rtr0");
    assert_eq!(there.address, rtr.expect("a port").address);
    assert_eq!(there.local_address, neighbor.address);
}

#[test]
fn azure_3_3_gateways_and_msees_stand_where_they_were_captured() {
    let plan = plan(COEXISTENCE);
    let at = |device: &str| {
        let nic = plan.fabric.nics.iter().find(|nic| nic.device == device);
        nic.expect("a NIC").address.octets()[3]
    };
    let base = 128;
    assert_eq!(
        [
            "msee0.ams",
            "msee1.ams",
            "ergw0.westeurope",
            "ergw1.westeurope"
        ]
        .map(at),
        [base + 4, base + 5, base + 12, base + 13]
    );
    let gateway = &plan.gateways[0];
    let msees: Vec<u8> = gateway.connections[0]
        .msees
        .iter()
        .map(|msee| msee.address.octets()[3])
        .collect();
    assert_eq!(msees, [base + 4, base + 5]);
    assert!(gateway.branch_to_branch);
    for server in &plan.route_servers {
        assert_eq!(server.gateways.len(), 2);
    }
    let nva = &plan.nodes[0];
    assert_eq!(nva.domains, [1]);
}

#[test]
fn azure_3_1_a_circuits_links_have_two_usable_addresses_the_first_the_customers() {
    let plan = plan(COEXISTENCE);
    let edges: Vec<_> = plan
        .msees
        .iter()
        .map(|msee| {
            let edge = &msee.private_peering.as_ref().expect("a peering").edge;
            (
                edge.peer.address.to_string(),
                msee.interfaces[0].address.to_string(),
            )
        })
        .collect();
    let text = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        edges,
        [
            text("172.29.0.1", "172.29.0.2"),
            text("172.29.0.5", "172.29.0.6")
        ]
    );
    let provider = config(&plan, "pe-ams.mpls");
    let link = provider.settings.neighbors.iter().find(|n| n.name == "er1");
    let link = link.expect("the secondary link");
    assert!(link.bfd);
    assert_eq!(link.remote_as.0, 12_076);
    let msees = plan.fabric.forwarders.iter().filter(|forwarder| {
        matches!(
            forwarder.kind,
            ForwarderKind::Msee {
                microsoft: false,
                ..
            }
        )
    });
    assert_eq!(msees.count(), 2);
}

#[test]
fn a_link_keeps_its_addresses_when_others_come_and_go() {
    let all = plan(COEXISTENCE);
    let text = COEXISTENCE.replace(
        "      core: {asn: 65101, networks: [mpls]}",
        "      core: {asn: 65101}",
    );
    let fewer = plan(&text);
    assert_eq!(fewer.fabric.wires.len() + 1, all.fabric.wires.len());
    let address = |plan: &Plan, device: &str| {
        let mut ends = plan.fabric.wires.iter().map(|wire| &wire.b);
        ends.find(|end| end.device == device)
            .expect("a link")
            .address
    };
    for device in ["cpe1.paris", "msee1.ams"] {
        assert_eq!(address(&all, device), address(&fewer, device));
    }
}
