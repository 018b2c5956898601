//! MSEEs: who is told what, instance preference, BFD and timers, Global Reach, maintenance (3.1 to
//! 3.7).

use core::time::Duration;

use design::plan::Community;
use inet::Asn;

use super::world::{Hub, World, customer, gateway, hub, interface, peer};
use crate::express_route::{ConfigFault, GatewayCommand, Msee, MseeCommand};
use crate::net::{Net, ip};

const SITE: &str = "172.20.1.0/24";
const PREMISES: &str = "192.168.0.0/16";
const VNET: &str = "10.1.0.0/16";

/// Hubs without Route Server and NVAs.
fn plain(number: u8, circuits: &[u8]) -> Hub {
    Hub {
        nvas: Vec::new(),
        route_server: false,
        circuits: circuits.iter().map(|circuit| (*circuit, 0)).collect(),
        ..hub(number)
    }
}

fn with_bfd() -> Net {
    let mut world = World::new(&[plain(1, &[0])]);
    for msee in &mut world.msees {
        let peering = msee.private_peering.as_mut().expect("a private peering");
        peering.edge.bfd = true;
    }
    let mut net = world.start();
    for number in 0..2 {
        let session = bfd::SessionKey {
            local: customer(0, number).into(),
            remote: ip(&format!("172.29.0.{}", 2 + 4 * number)).into(),
            hops: bfd::Hops::Single,
        };
        net.watch("ce.0", session);
    }
    net.pass(Duration::from_secs(10));
    net
}

#[test]
fn azure_3_3_the_primary_prefers_one_gateway_instance_and_the_secondary_the_other() {
    let mut net = World::new(&[plain(1, &[0])]).start();
    assert_eq!(net.forwards("msee0.0", VNET), [gateway(1, 1)]);
    assert_eq!(net.forwards("msee1.0", VNET), [gateway(1, 0)]);
    net.gateway("gw1.1", GatewayCommand::Maintenance(true));
    assert_eq!(net.forwards("msee0.0", VNET), [gateway(1, 0)]);
    net.gateway("gw1.1", GatewayCommand::Maintenance(false));
    net.pass(Duration::from_secs(120));
    assert_eq!(net.forwards("msee0.0", VNET), [gateway(1, 1)]);
}

#[test]
fn azure_3_3_vnets_on_one_circuit_see_12076_in_the_place_of_65515() {
    let net = World::new(&[plain(1, &[0]), plain(2, &[0])]).start();
    let path = net.path("gw0.2", "msee0.0", VNET);
    assert_eq!(path.as_deref(), Some("12076 12076"));
    assert!(net.told("gw0.1", "msee0.0", VNET).is_none(), "not back");
}

#[test]
fn azure_3_7_vnets_that_do_not_let_others_in_hear_nothing_of_them() {
    let mut world = World::new(&[plain(1, &[0]), plain(2, &[0])]);
    for msee in &mut world.msees {
        msee.connections[1].remote_vnets = false;
    }
    let mut net = world.start();
    net.announce("ce.0", PREMISES);
    assert!(!net.knows("gw0.2", VNET));
    assert!(!net.knows("gw0.1", "10.2.0.0/16"));
    assert!(net.knows("gw0.2", PREMISES), "the customer all the same");
    assert!(net.knows("ce.0", "10.2.0.0/16"));
}

#[test]
fn azure_3_3_the_own_as_is_taken_from_the_customer() {
    let mut net = World::new(&[plain(1, &[0])]).start();
    net.announce_with("ce.0", PREMISES, |route| route.as_path = vec![Asn(12_076)]);
    let path = net.path("gw0.1", "msee0.0", PREMISES);
    assert_eq!(path.as_deref(), Some("12076 65020 12076"));
}

#[test]
fn azure_3_8_a_default_route_is_for_the_private_peering() {
    let mut net = World::new(&[plain(1, &[0])]).start();
    net.announce("ce.0", "0.0.0.0/0");
    assert!(net.knows("gw0.1", "0.0.0.0/0"));
}

#[test]
fn azure_3_3_prepends_of_private_ases_count_at_the_msee_and_are_not_seen_on_premises() {
    let mut net = World::new(&[hub(1), hub(2)]).start();
    net.announce_with("nva0.1", SITE, |route| route.as_path = vec![Asn(65_011); 3]);
    net.announce("nva0.2", SITE);
    assert_eq!(net.forwards("msee0.0", SITE), [gateway(2, 1)]);
    assert_eq!(net.path("ce.0", "msee0.0", SITE).as_deref(), Some("12076"));
}

#[test]
fn azure_3_8_the_region_is_told_with_a_community_of_the_vnet_only() {
    for custom in [None, Some(Community::new(12_076, 20_031))] {
        let mut world = World::new(&[plain(1, &[0])]);
        for msee in &mut world.msees {
            msee.connections[0].region_community = Some(Community::new(12_076, 50_057));
            msee.connections[0].custom_community = custom;
        }
        let net = world.start();
        let told = net.told("ce.0", "msee0.0", VNET).expect("told");
        let expected = match custom {
            None => Vec::new(),
            Some(custom) => vec![12_076 << 16 | 50_057, custom.0],
        };
        assert_eq!(told.communities, expected);
    }
}

#[test]
fn azure_3_6_bfd_misses_a_silent_router_within_a_second() {
    let mut net = with_bfd();
    let silent = net.now;
    net.silence("ce.0");
    net.pass(Duration::from_secs(200));
    let ended = net.ended("msee0.0", "ce.0");
    assert!(ended[0].since(silent) <= Duration::from_millis(950));
}

#[test]
fn azure_3_6_without_bfd_a_silent_router_is_missed_after_the_hold_time() {
    let mut net = World::new(&[plain(1, &[0])]).start();
    let silent = net.now;
    net.silence("ce.0");
    net.pass(Duration::from_secs(200));
    let ended = net.ended("msee0.0", "ce.0");
    let after = ended[0].since(silent);
    assert!(after > Duration::from_secs(110) && after <= Duration::from_secs(180));
}

#[test]
fn azure_3_6_a_gateway_misses_a_silent_msee_within_a_minute() {
    let mut net = World::new(&[plain(1, &[0])]).start();
    net.announce("ce.0", PREMISES);
    let silent = net.now;
    net.silence("msee0.0");
    net.pass(Duration::from_secs(60));
    let ended = net.ended("gw0.1", "msee0.0");
    assert!(ended[0].since(silent) <= Duration::from_secs(45));
    assert_eq!(net.forwards("gw0.1", PREMISES), [ip("10.1.3.5")]);
}

#[test]
fn azure_3_1_bgp_runs_with_routers_that_do_not_speak_bfd() {
    let mut world = World::new(&[plain(1, &[0])]);
    for msee in &mut world.msees {
        let peering = msee.private_peering.as_mut().expect("a private peering");
        peering.edge.bfd = true;
    }
    let mut net = world.start();
    net.pass(Duration::from_secs(600));
    assert!(net.established("msee0.0", "ce.0"));
}

#[test]
fn azure_3_1_timers_are_negotiated_down_to_a_hold_time_of_ten_seconds() {
    let held = |seconds: u64| {
        let world = World::new(&[plain(1, &[0])]);
        let net = world.start_with(|name, neighbor| {
            if name == "ce.0" {
                neighbor.hold_time = Duration::from_secs(seconds);
            }
        });
        let neighbor = net.neighbor("msee0.0", "ce.0");
        let session = neighbor.session.expect("established");
        (session.hold_time_s, session.negotiated.keepalive.as_secs())
    };
    assert_eq!(held(180), (180, 60));
    assert_eq!(held(240), (180, 60));
    assert_eq!(held(30), (30, 10));
    assert_eq!(held(10), (10, 3));
}

#[test]
fn azure_3_1_a_hold_time_below_the_floor_is_unacceptable() {
    let world = World::new(&[plain(1, &[0])]);
    let mut net = world.run_with(|name, neighbor| {
        if name == "ce.0" {
            neighbor.hold_time = Duration::from_secs(9);
        }
    });
    net.pass(Duration::from_secs(60));
    assert!(!net.established("msee0.0", "ce.0"));
    let sent = net.neighbor("msee0.0", "ce.0").last_sent.cloned();
    let (_, notification) = sent.expect("a NOTIFICATION");
    assert_eq!((notification.code, notification.subcode), (2, 6));
}

#[test]
fn azure_3_1_customers_cannot_have_the_platforms_ases() {
    for asn in [12_076, 65_515, 65_520] {
        let mut config = World::new(&[plain(1, &[0])]).msees.remove(0);
        let peering = config.private_peering.as_mut().expect("a private peering");
        peering.edge.peer.asn = Asn(asn);
        let refused = Msee::new(&config, 1, inet::Instant::ZERO);
        assert_eq!(refused.err(), Some(ConfigFault::Asn(Asn(asn))));
    }
}

/// Circuits 0 to 2, each with a hub of its own; 0 and 1, 1 and 2 have Global Reach.
fn global_reach() -> Net {
    let mut world = World::new(&[plain(1, &[0]), plain(2, &[1]), plain(3, &[2])]);
    for (a, b) in [(0, 1), (1, 2)] {
        for number in 0..2_u8 {
            let link = |side: u8| format!("172.31.{a}.{}", 1 + 4 * number + side);
            for (circuit, other, side) in [(a, b, 0), (b, a, 1)] {
                let name = format!("msee{number}.{circuit}");
                let mut msees = world.msees.iter_mut();
                let msee = msees.find(|msee| msee.name == name).expect("an MSEE");
                let reach = format!("reach{other}");
                msee.interfaces.push(interface(&reach, ip(&link(side)), 30));
                let other = format!("msee{number}.{other}");
                msee.global_reach
                    .push(peer(other, ip(&link(1 - side)), Asn(12_076)));
            }
        }
    }
    world.start()
}

#[test]
fn azure_3_7_global_reach_joins_two_customers_and_no_third() {
    let mut net = global_reach();
    net.announce("ce.0", PREMISES);
    let path = net.path("ce.1", "msee0.1", PREMISES);
    assert_eq!(path.as_deref(), Some("12076 12076"), "additional 12076");
    assert_eq!(net.forwards("msee0.1", PREMISES), [ip("172.31.0.1")]);
    assert_eq!(net.forwards("msee1.1", PREMISES), [ip("172.31.0.5")]);
    for listener in ["msee0.2", "ce.2", "gw0.3"] {
        assert!(!net.knows(listener, PREMISES), "{listener}");
    }
}

#[test]
fn azure_3_7_global_reach_carries_no_vnets() {
    let net = global_reach();
    assert!(net.knows("ce.0", VNET));
    assert!(!net.knows("msee0.1", VNET));
    assert!(!net.knows("ce.1", VNET));
}

#[test]
fn azure_3_7_gateways_hear_of_another_circuit_over_global_reach_with_a_longer_path() {
    let mut net = global_reach();
    net.announce("ce.0", PREMISES);
    let path = net.path("gw0.2", "msee0.1", PREMISES);
    assert_eq!(path.as_deref(), Some("12076 12076 65020"));
}

#[test]
fn azure_3_5_an_msee_under_maintenance_prepends_and_traffic_moves() {
    let mut net = World::new(&[plain(1, &[0])]).start();
    net.announce("ce.0", PREMISES);
    assert_eq!(net.forwards("gw0.1", PREMISES).len(), 2);
    net.msee("msee0.0", MseeCommand::Drain(true));
    assert_eq!(net.forwards("gw0.1", PREMISES), [ip("10.1.3.5")]);
    let path = |net: &Net, msee| net.path("ce.0", msee, VNET).expect("told");
    assert_eq!(path(&net, "msee0.0"), "12076 12076 12076 12076");
    assert_eq!(path(&net, "msee1.0"), "12076");
    net.msee("msee0.0", MseeCommand::Maintenance(true));
    net.pass(Duration::from_secs(60));
    assert!(!net.established("msee0.0", "ce.0"));
    net.msee("msee0.0", MseeCommand::Maintenance(false));
    net.msee("msee0.0", MseeCommand::Drain(false));
    net.pass(Duration::from_secs(120));
    assert_eq!(net.forwards("gw0.1", PREMISES).len(), 2);
    assert_eq!(path(&net, "msee0.0"), "12076");
}
