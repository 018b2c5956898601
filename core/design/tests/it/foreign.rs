//! Devices of other make have a place in the network.

use design::NoFiles;
use design::plan::{LinkRole, Liveness, Plan};

const INTEROP: &str = include_str!("../../../../examples/interop.yaml");

fn plan(text: &str) -> Plan {
    let (design, reports) = design::read("interop.yaml", text, &NoFiles);
    let design = design.unwrap_or_else(|| panic!("{}", reports.render(false)));
    let reports = design::check(&design);
    assert!(reports.is_empty(), "{}", reports.render(false));
    design::resolve(&design, &|name| name.to_owned()).expect("a plan")
}

#[test]
fn routers_of_other_make_have_a_nic_and_peer_with_both_instances() {
    let plan = plan(INTEROP);
    for server in &plan.route_servers {
        let peers: Vec<_> = server
            .peers
            .iter()
            .map(|peer| (peer.name.as_str(), peer.asn.0))
            .collect();
        assert_eq!(
            peers,
            [
                ("nva1.westeurope", 65010),
                ("nva2.westeurope", 65010),
                ("bird1.westeurope", 65020),
                ("frr1.westeurope", 65030),
            ]
        );
    }
    let nic = plan
        .fabric
        .nics
        .iter()
        .find(|nic| nic.device == "bird1.westeurope")
        .expect("a NIC");
    assert!(nic.ip_forwarding);
    assert_eq!(nic.subnet, "nva");
}

#[test]
fn a_plain_wireguard_site_has_one_link_with_static_routes() {
    let plan = plan(INTEROP);
    assert!(plan.nodes.iter().all(|node| node.name != "cpe1.lyon"));
    let links: Vec<_> = plan
        .nodes
        .iter()
        .flat_map(|node| {
            node.links
                .iter()
                .map(move |link| (node.name.as_str(), link))
        })
        .filter(|(_, link)| link.neighbor == "cpe1.lyon")
        .collect();
    let [(nva, link)] = links[..] else {
        panic!("{links:?}")
    };
    assert_eq!(
        (nva, link.role, link.loopback),
        ("nva1.westeurope", LinkRole::HomeSite, None)
    );
    assert_eq!(
        link.static_routes,
        ["10.200.2.0/24".parse().expect("a prefix")]
    );
    assert_eq!(link.paths[0].liveness, Liveness::Handshake);
    assert_eq!(link.paths[0].public_key, "cpe1.lyon/internet");
    let device = plan
        .foreign
        .iter()
        .find(|device| device.name == "cpe1.lyon")
        .expect("a device");
    assert!(device.ip_forward);
    assert_eq!(device.interfaces.len(), 2);
}

#[test]
fn a_given_public_key_is_taken_as_it_is() {
    let key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
    let text = INTEROP.replace("{nva: nva1}", &format!("{{nva: nva2, public_key: {key}}}"));
    let plan = plan(&text);
    let links = plan.nodes.iter().flat_map(|node| &node.links);
    let link = links
        .into_iter()
        .find(|link| link.neighbor == "cpe1.lyon")
        .expect("a link");
    assert_eq!(link.paths[0].public_key, key);
}
