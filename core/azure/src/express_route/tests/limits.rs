//! Each limit pushed over: the session ends, comes back, and ends again (1.4, 3.1, 3.2).

use core::time::Duration;

use super::world::{Hub, World, hub};
use crate::net::{Device, Net};

/// The n-th /24 of 100.64.0.0/10 and what follows.
fn nth(n: usize) -> String {
    format!("{}.{}.{}.0/24", 100 + n / 65_536, n / 256 % 256, n % 256)
}

fn plain(circuits: &[u8]) -> Hub {
    Hub {
        nvas: Vec::new(),
        route_server: false,
        circuits: circuits.iter().map(|circuit| (*circuit, 0)).collect(),
        ..hub(1)
    }
}

fn announce(net: &mut Net, router: &str, routes: core::ops::Range<usize>) {
    net.announce_all(router, routes.map(nth));
}

/// How often a session ended in a minute.
fn flaps(net: &mut Net, device: &str, other: &str) -> usize {
    net.pass(Duration::from_secs(60));
    net.ended(device, other).len()
}

#[test]
fn azure_1_4_a_thousand_and_one_routes_towards_expressroute_drop_the_circuit_session() {
    let mut net = World::new(&[hub(1)]).start();
    // 999 and the VNet's own.
    announce(&mut net, "nva0.1", 0..999);
    net.pass(Duration::from_secs(10));
    assert_eq!(net.neighbor("msee0.0", "gw0.1").received, 1_000);
    assert!(net.ended("msee0.0", "gw0.1").is_empty());
    announce(&mut net, "nva0.1", 999..1_000);
    for (msee, gateway) in [("msee0.0", "gw0.1"), ("msee1.0", "gw1.1")] {
        assert!(!net.established(msee, gateway));
    }
    assert!(
        !net.knows("ce.0", "10.1.0.0/16"),
        "the VNet is gone as well"
    );
    assert!(
        flaps(&mut net, "msee0.0", "gw0.1") > 5,
        "it comes back and drops"
    );
    assert!(
        net.established("gw0.1", "rs0.1"),
        "Route Server is not concerned"
    );
    net.withdraw("nva0.1", &nth(999));
    net.pass(Duration::from_secs(120));
    assert!(net.established("msee0.0", "gw0.1"));
    assert!(net.knows("ce.0", "10.1.0.0/16"));
}

#[test]
fn azure_3_1_the_msee_drops_a_gateway_that_announces_more_than_a_connection_may() {
    let mut world = World::new(&[hub(1)]);
    for gateway in &mut world.gateways {
        gateway.limits.announced = 0;
    }
    let mut net = world.start();
    announce(&mut net, "nva0.1", 0..1_000);
    let (_, sent) = net.neighbor("msee0.0", "gw0.1").last_sent.expect("a Cease");
    assert_eq!((sent.code, sent.subcode), (6, 1));
    assert!(flaps(&mut net, "msee0.0", "gw0.1") > 5);
}

#[test]
fn azure_3_1_a_customer_over_the_limit_of_private_peering_loses_the_session() {
    let mut net = World::new(&[plain(&[0])]).start();
    announce(&mut net, "ce.0", 0..4_000);
    assert!(net.ended("msee0.0", "ce.0").is_empty());
    announce(&mut net, "ce.0", 4_000..4_001);
    assert!(!net.established("msee0.0", "ce.0"));
    let (_, sent) = net.neighbor("msee0.0", "ce.0").last_sent.expect("a Cease");
    assert_eq!((sent.code, sent.subcode), (6, 1));
    assert!(net.nics("gw0.1", &nth(0)).is_empty(), "everything is gone");
    assert!(flaps(&mut net, "msee0.0", "ce.0") > 5);
}

#[test]
fn azure_3_2_a_gateway_that_learns_more_than_its_sku_takes_loses_the_session() {
    let mut world = World::new(&[plain(&[0])]);
    for msee in &mut world.msees {
        msee.limits.private_in = 10_000;
    }
    let mut net = world.start();
    announce(&mut net, "ce.0", 0..4_000);
    assert!(net.ended("gw0.1", "msee0.0").is_empty());
    announce(&mut net, "ce.0", 4_000..4_001);
    assert!(flaps(&mut net, "gw0.1", "msee0.0") > 5);
    assert!(net.established("msee0.0", "ce.0"), "the customer's stands");
}

#[test]
fn azure_3_2_learned_routes_count_over_all_circuits() {
    let mut net = World::new(&[plain(&[0, 1])]).start();
    announce(&mut net, "ce.0", 0..2_000);
    announce(&mut net, "ce.1", 2_000..4_000);
    let Device::Gateway(gateway) = &net.devices["gw0.1"] else {
        panic!("a gateway");
    };
    assert_eq!(gateway.learned_from_circuits(), 4_000);
    assert_eq!(gateway.sessions_shed(), 0);
    announce(&mut net, "ce.1", 4_000..4_001);
    assert!(!net.established("gw0.1", "msee0.1"));
    assert!(
        net.established("gw0.1", "msee0.0"),
        "the other circuit stands"
    );
}

#[test]
fn azure_3_2_routes_beyond_the_total_are_not_taken() {
    let mut world = World::new(&[plain(&[0])]);
    for gateway in &mut world.gateways {
        gateway.limits.total = 100;
    }
    let mut net = world.start();
    announce(&mut net, "ce.0", 0..100);
    let Device::Gateway(gateway) = &net.devices["gw0.1"] else {
        panic!("a gateway");
    };
    assert_eq!(gateway.speaker().counts().prefixes, 100, "99 and the VNet");
}

#[test]
fn azure_3_2_a_gateway_takes_as_many_circuits_as_its_sku_allows() {
    let mut config = World::new(&[plain(&[0, 1, 2, 3])]).gateways.remove(0);
    let made = |config: &_| crate::Gateway::new(config, 1, inet::Instant::ZERO).err();
    assert_eq!(made(&config), None);
    let mut fifth = config.connections[0].clone();
    fifth.msees.clear();
    config.connections.push(fifth);
    let fault = crate::express_route::ConfigFault::Circuits(4);
    assert_eq!(made(&config), Some(fault));
}

/// 3,900 routes held, and a refresh answered in batches that stay below the limit.
#[test]
fn azure_1_4_three_thousand_nine_hundred_routes_and_a_paced_refresh_keep_the_session() {
    let mut net = World::new(&[hub(1)]).start();
    let pause = Duration::from_millis(1_100);
    for first in (0..3_900).step_by(100) {
        announce(&mut net, "nva0.1", first..first + 100);
    }
    net.pass(pause);
    for first in (0..3_900).step_by(100) {
        for n in first..first + 100 {
            net.announce_with("nva0.1", &nth(n), |route| route.med = Some(7));
        }
        net.pass(pause);
    }
    assert_eq!(net.neighbor("rs0.1", "nva0.1").received, 3_900);
    assert!(net.ended("rs0.1", "nva0.1").is_empty());
}

#[test]
fn azure_1_4_three_thousand_nine_hundred_routes_and_a_refresh_at_once_drop_the_session() {
    let mut net = World::new(&[hub(1)]).start();
    announce(&mut net, "nva0.1", 0..3_900);
    net.pass(Duration::from_secs(2));
    let server = net.neighbor("nva0.1", "rs0.1").id;
    net.bgp("nva0.1", bgp::Command::Resend(server));
    net.pass(Duration::from_secs(2));
    assert!(!net.ended("rs0.1", "nva0.1").is_empty());
}
