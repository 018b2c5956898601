//! Gateways: weights, circuits, address space, who programs (3.3, 3.5, 2.10).

use super::world::{World, hub, msee, nva};
use crate::express_route::GatewayCommand;
use crate::net::{Net, prefix};

const PREMISES: &str = "192.168.0.0/16";

fn two_circuits(weights: [u32; 2], route_server: bool) -> Net {
    let mut hub = hub(1);
    hub.route_server = route_server;
    hub.circuits = vec![(0, weights[0]), (1, weights[1])];
    if !route_server {
        hub.nvas.clear();
    }
    let mut net = World::new(&[hub]).start();
    for customer in ["ce.0", "ce.1"] {
        net.announce(customer, PREMISES);
    }
    net
}

fn all(circuits: &[u8]) -> Vec<core::net::Ipv4Addr> {
    let ends = circuits.iter();
    ends.flat_map(|circuit| [msee(1, *circuit, 0), msee(1, *circuit, 1)])
        .collect()
}

#[test]
fn azure_3_5_equal_circuits_share_without_a_route_server() {
    let net = two_circuits([0, 0], false);
    assert_eq!(net.forwards("gw0.1", PREMISES), all(&[0, 1]));
    assert_eq!(net.nics("gw0.1", PREMISES), all(&[0, 1]));
}

#[test]
fn azure_1_9_a_route_server_removes_multipath_over_circuits() {
    let net = two_circuits([0, 0], true);
    assert_eq!(net.forwards("gw0.1", PREMISES), all(&[0]));
    assert!(
        net.nics("gw0.1", PREMISES).is_empty(),
        "Route Server programs"
    );
    assert_eq!(net.nics("rs0.1", PREMISES).len(), 1);
}

#[test]
fn azure_3_5_the_higher_weight_of_a_connection_wins_over_the_shorter_path() {
    let mut net = two_circuits([0, 10], false);
    assert_eq!(net.forwards("gw0.1", PREMISES), all(&[1]));
    net.announce_with("ce.1", PREMISES, |route| {
        route.as_path = vec![inet::Asn(65_020); 3];
    });
    assert_eq!(net.forwards("gw0.1", PREMISES), all(&[1]));
    net.withdraw("ce.1", PREMISES);
    assert_eq!(net.forwards("gw0.1", PREMISES), all(&[0]));
}

#[test]
fn azure_3_5_of_equal_weights_the_shorter_path_wins() {
    let mut net = two_circuits([0, 0], false);
    net.announce_with("ce.0", PREMISES, |route| {
        route.as_path = vec![inet::Asn(65_020)]
    });
    assert_eq!(net.forwards("gw0.1", PREMISES), all(&[1]));
}

#[test]
fn azure_1_10_a_gateway_prefers_msees_over_its_route_server() {
    let mut net = World::new(&[hub(1)]).start();
    net.announce("nva0.1", PREMISES);
    assert_eq!(net.forwards("gw0.1", PREMISES), [nva(1, 0)]);
    net.announce("ce.0", PREMISES);
    assert_eq!(
        net.forwards("gw0.1", PREMISES),
        all(&[0]),
        "12076 65020 of weight 32769 before 65011 of 32768"
    );
    assert!(
        !net.knows("ce.0", PREMISES),
        "and tells circuits nothing of the NVA"
    );
}

#[test]
fn azure_2_10_a_summary_takes_the_place_of_what_is_inside_it() {
    let mut world = World::new(&[hub(1)]);
    for gateway in &mut world.gateways {
        gateway.announced = ["10.1.0.0/16", "10.64.1.0/24", "10.65.0.0/16"]
            .map(prefix)
            .into();
        gateway.summarized = ["10.0.0.0/10", "10.64.0.0/16"].map(prefix).into();
    }
    let net = world.start();
    let ce = net.devices["ce.0"].speaker().loc_rib();
    let heard: Vec<String> = ce.iter().map(ToString::to_string).collect();
    assert_eq!(heard, ["10.0.0.0/10", "10.64.0.0/16", "10.65.0.0/16"]);
}

#[test]
fn azure_1_6_a_gateway_programs_nothing_that_is_inside_the_vnets() {
    let mut net = two_circuits([0, 0], false);
    net.announce("ce.0", "10.1.7.0/24");
    net.announce("ce.0", "10.0.0.0/8");
    assert!(net.nics("gw0.1", "10.1.7.0/24").is_empty());
    assert_eq!(net.nics("gw0.1", "10.0.0.0/8"), all(&[0]));
}

#[test]
fn azure_1_1_another_configuration_keeps_the_sessions_that_it_does_not_touch() {
    let mut net = World::new(&[hub(1)]).start();
    net.announce("nva0.1", PREMISES);
    assert!(net.knows("ce.0", PREMISES));
    for name in ["gw0.1", "gw1.1"] {
        let crate::net::Device::Gateway(gateway) = &net.devices[name] else {
            panic!("a gateway");
        };
        let mut config = gateway.config().clone();
        config.branch_to_branch = false;
        config.announced.push(prefix("10.9.0.0/16"));
        net.gateway(name, GatewayCommand::Configure(Box::new(config)));
    }
    assert!(!net.knows("ce.0", PREMISES));
    assert!(net.knows("ce.0", "10.9.0.0/16"));
    assert!(net.ended("gw0.1", "msee0.0").is_empty());
}
