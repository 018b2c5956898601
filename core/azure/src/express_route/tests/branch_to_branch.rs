//! Who hears of whom: the table of section 1.9, over two Route Servers, two gateways, the MSEEs of a
//! circuit, NVAs and the customer's router.

use super::world::{World, gateway, hub, msee, nva};
use crate::net::{Net, ip};

const SITE: &str = "172.20.1.0/24";
const PREMISES: &str = "192.168.0.0/16";
const VNET: &str = "10.1.0.0/16";

fn one_hub(branch_to_branch: bool) -> Net {
    let mut hub = hub(1);
    hub.branch_to_branch = branch_to_branch;
    let mut net = World::new(&[hub]).start();
    net.announce("nva0.1", SITE);
    net.announce("ce.0", PREMISES);
    net
}

/// Listener, prefix, and whether it is heard without and with branch-to-branch.
const TABLE: [(&str, &str, bool, bool); 12] = [
    ("nva1.1", SITE, false, true),
    ("gw0.1", SITE, false, true),
    ("gw1.1", SITE, false, true),
    ("msee0.0", SITE, false, true),
    ("msee1.0", SITE, false, true),
    ("ce.0", SITE, false, true),
    ("nva0.1", PREMISES, false, true),
    ("nva1.1", PREMISES, false, true),
    ("gw0.1", PREMISES, true, true),
    ("rs1.1", PREMISES, true, true),
    ("nva0.1", VNET, true, true),
    ("ce.0", VNET, true, true),
];

#[test]
fn azure_1_9_branch_to_branch_gates_every_direction() {
    for on in [false, true] {
        let net = one_hub(on);
        for (listener, prefix, without, with) in TABLE {
            let heard = if on { with } else { without };
            let says = format!("{prefix} at {listener} with branch-to-branch {on}");
            assert_eq!(net.knows(listener, prefix), heard, "{says}");
        }
    }
}

#[test]
fn azure_1_9_nva_routes_and_premises_are_programmed_with_and_without_it() {
    for on in [false, true] {
        let net = one_hub(on);
        for server in ["rs0.1", "rs1.1"] {
            assert_eq!(net.nics(server, SITE), [nva(1, 0)]);
            assert_eq!(net.nics(server, PREMISES).len(), 1);
        }
    }
}

#[test]
fn azure_1_8_and_3_3_as_paths_are_those_of_the_captures() {
    let net = one_hub(true);
    let path = |device, by, prefix| net.path(device, by, prefix).expect("told");
    assert_eq!(path("msee0.0", "gw0.1", VNET), "65515");
    assert_eq!(path("msee0.0", "gw0.1", SITE), "65515 65011");
    assert_eq!(path("gw0.1", "msee0.0", PREMISES), "12076 65020");
    assert_eq!(path("nva0.1", "rs0.1", PREMISES), "65515 12076 65020");
    assert_eq!(path("nva1.1", "rs0.1", SITE), "65515 65011");
    assert_eq!(path("gw0.1", "rs0.1", SITE), "65011");
    assert_eq!(path("ce.0", "msee0.0", VNET), "12076");
    assert_eq!(path("ce.0", "msee0.0", SITE), "12076");
}

#[test]
fn azure_1_9_a_default_route_of_an_nva_leaks_to_the_customer() {
    let mut net = one_hub(true);
    net.announce("nva0.1", "0.0.0.0/0");
    assert_eq!(
        net.path("ce.0", "msee0.0", "0.0.0.0/0").as_deref(),
        Some("12076")
    );
    assert_eq!(net.forwards("msee0.0", "0.0.0.0/0"), [gateway(1, 1)]);
    assert_eq!(net.forwards("gw1.1", "0.0.0.0/0"), [nva(1, 0)]);
    let mut off = one_hub(false);
    off.announce("nva0.1", "0.0.0.0/0");
    assert!(!off.knows("ce.0", "0.0.0.0/0"));
}

/// Two hubs with Route Servers on one circuit.
#[test]
fn azure_1_9_two_route_servers_on_one_circuit_do_not_exchange_nva_routes() {
    let mut net = World::new(&[hub(1), hub(2)]).start();
    net.announce("nva0.1", SITE);
    assert!(net.knows("msee0.0", SITE), "the MSEE has it");
    let id = net.neighbor("gw0.2", "msee0.0").id;
    let routes = net.devices["gw0.2"].speaker().adj_in(id);
    let told = routes.iter().find(|route| route.net.to_string() == SITE);
    let told = told.expect("the other gateway is told");
    assert_eq!(told.received.as_path.to_string(), "12076 12076 65011");
    assert_eq!(told.refused, Some(bgp::Refusal::Policy), "65517:65517");
    assert!(!net.knows("nva0.2", SITE));
    assert!(net.knows("gw0.2", VNET), "VNets hear of each other");
}

#[test]
fn azure_1_9_a_vnet_without_route_server_takes_the_nva_routes_of_another_one() {
    let mut other = hub(2);
    other.route_server = false;
    other.nvas.clear();
    let mut net = World::new(&[hub(1), other]).start();
    net.announce("nva0.1", SITE);
    let path = net.path("gw0.2", "msee0.0", SITE);
    assert_eq!(path.as_deref(), Some("12076 12076 65011"));
    assert_eq!(net.nics("gw0.2", SITE), [msee(2, 0, 0), msee(2, 0, 1)]);
}

#[test]
fn azure_1_9_circuits_on_one_gateway_need_global_reach() {
    let mut both = hub(1);
    both.circuits = vec![(0, 0), (1, 0)];
    for on in [false, true] {
        both.branch_to_branch = on;
        let mut net = World::new(&[both.clone()]).start();
        net.announce("ce.0", PREMISES);
        assert!(net.knows("gw0.1", PREMISES));
        for listener in ["msee0.1", "msee1.1", "ce.1"] {
            assert!(!net.knows(listener, PREMISES), "{listener}");
        }
    }
}

#[test]
fn azure_1_9_a_gateway_reaches_premises_through_the_other_instance_by_route_server() {
    let net = one_hub(true);
    let reflected = net.told("gw1.1", "rs0.1", PREMISES).expect("reflected");
    assert_eq!(reflected.as_path.to_string(), "12076 65020");
    assert_eq!(reflected.next_hop, ip("10.1.3.4"), "the MSEE's end");
}
