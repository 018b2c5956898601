//! Behaviours of a Route Server instance, tried with NVAs that are BGP speakers themselves.

mod gateways;
mod maps;
mod model;
mod net;
mod peerings;
mod reconfigure;

use core::net::Ipv4Addr;
use core::time::Duration;

use bgp::{Capability, Event, Origin, Origination};
use inet::{Asn, Prefix};

use super::{Command, PeerRefusal, PlaceFault, RouteServer};
use net::{Net, SERVER, config, ip, nva, nvas, prefix};

const LAN: &str = "172.20.1.0/24";
const NOWHERE: [Ipv4Addr; 0] = [];
const PEERS_MAX: usize = 8;

#[test]
fn nvas_are_told_the_address_space_with_as_path_65515_and_the_instance_as_next_hop() {
    let mut net = Net::new(config(&nvas(&[65_001])));
    net.settle();
    let told = net.told(0);
    let prefixes: Vec<Prefix> = told.iter().map(|(prefix, _)| *prefix).collect();
    assert_eq!(prefixes, [prefix("10.1.0.0/16"), prefix("10.2.0.0/16")]);
    for (_, attributes) in told {
        assert_eq!(attributes.as_path.to_string(), "65515");
        assert_eq!(
            (attributes.next_hop, attributes.origin),
            (SERVER.into(), Origin::Igp)
        );
        assert_eq!((attributes.med, attributes.communities.len()), (None, 0));
    }
}

#[test]
fn what_an_nva_announces_is_programmed_and_withdrawn_with_it() {
    let mut net = Net::new(config(&nvas(&[65_001])));
    net.settle();
    net.announce(0, LAN);
    assert_eq!(net.programmed(LAN), [nva(0)]);
    net.withdraw(0, LAN);
    assert_eq!(net.programmed(LAN), NOWHERE);
}

#[test]
fn equal_as_paths_share_whatever_the_neighbouring_as() {
    let mut net = Net::new(config(&nvas(&[65_001, 65_002])));
    net.settle();
    net.announce(0, LAN);
    net.announce(1, LAN);
    assert_eq!(net.programmed(LAN), [nva(0), nva(1)]);
}

#[test]
fn eight_peers_share_one_prefix() {
    let mut net = Net::new(config(&nvas(&[65_001; PEERS_MAX])));
    net.settle();
    for index in 0..PEERS_MAX {
        net.announce(index, LAN);
    }
    assert_eq!(net.programmed(LAN).len(), PEERS_MAX);
}

#[test]
fn the_shortest_as_path_wins_alone() {
    let mut net = Net::new(config(&nvas(&[65_001, 65_002])));
    net.settle();
    net.announce(0, LAN);
    net.announce_with(1, LAN, |route| route.as_path = vec![Asn(65_002)]);
    assert_eq!(net.programmed(LAN), [nva(0)]);
    net.withdraw(0, LAN);
    assert_eq!(net.programmed(LAN), [nva(1)]);
}

#[test]
fn med_and_origin_mean_nothing() {
    let mut net = Net::new(config(&nvas(&[65_001, 65_001])));
    net.settle();
    net.announce_with(0, LAN, |route| route.med = Some(10));
    net.announce_with(1, LAN, |route| {
        route.med = Some(500);
        route.origin = Origin::Incomplete;
    });
    assert_eq!(net.programmed(LAN), [nva(0), nva(1)]);
}

#[test]
fn a_path_that_crossed_another_route_server_is_discarded_unless_the_nva_replaces_65515() {
    let crossed = |route: &mut Origination| route.as_path = vec![Asn(65_515), Asn(65_010)];
    let mut net = Net::new(config(&nvas(&[65_001])));
    net.settle();
    net.announce_with(0, LAN, crossed);
    assert_eq!(net.programmed(LAN), NOWHERE);
    assert_eq!(net.server().learned().count(), 0);

    let mut net = Net::with(config(&nvas(&[65_001])), |neighbor| {
        neighbor.as_override = true
    });
    net.settle();
    net.announce_with(0, LAN, crossed);
    assert_eq!(net.programmed(LAN), [nva(0)]);
}

#[test]
fn the_own_subnet_is_never_learned() {
    let mut net = Net::new(config(&nvas(&[65_001])));
    net.settle();
    net.announce(0, "10.1.2.0/24");
    assert_eq!(net.server().learned().count(), 0);
}

#[test]
fn vnet_space_is_learned_and_never_programmed_but_supernets_are() {
    let mut net = Net::new(config(&nvas(&[65_001])));
    net.settle();
    for text in ["10.1.0.0/16", "10.2.7.0/24", "10.3.0.0/16", "10.0.0.0/8"] {
        net.announce(0, text);
    }
    assert_eq!(net.server().learned().count(), 4);
    let programmed: Vec<_> = net
        .server()
        .programmed()
        .map(|(prefix, _)| prefix)
        .collect();
    assert_eq!(programmed, [prefix("10.0.0.0/8")]);
}

#[test]
fn a_third_party_next_hop_is_kept() {
    let balancer = ip("10.1.3.100");
    let mut net = Net::new(config(&nvas(&[65_001])));
    net.settle();
    net.announce_with(0, LAN, |route| route.next_hop = Some(balancer.into()));
    assert_eq!(net.programmed(LAN), [balancer]);
    let learned = net.server().learned().next().expect("learned");
    assert_eq!(
        net.server().peer(learned.peer).expect("a peer").address,
        nva(0)
    );
}

#[test]
fn without_branch_to_branch_nvas_do_not_hear_of_each_other() {
    let mut net = Net::new(config(&nvas(&[65_001, 65_002])));
    net.settle();
    net.announce(0, LAN);
    assert_eq!(net.told(1).len(), 2);
}

#[test]
fn with_branch_to_branch_the_best_path_goes_to_the_others_with_the_instance_as_next_hop() {
    let mut config = config(&nvas(&[65_001, 65_002]));
    config.branch_to_branch = true;
    let mut net = Net::new(config);
    net.settle();
    net.announce(0, LAN);
    let told = net.told(1);
    let (_, route) = told
        .iter()
        .find(|(known, _)| *known == prefix(LAN))
        .expect("told");
    assert_eq!(route.as_path.to_string(), "65515 65001");
    assert_eq!(route.next_hop, SERVER);
    assert_eq!(net.told(0).len(), 2, "not back to where it came from");
}

#[test]
fn branch_to_branch_can_be_switched_while_sessions_stand() {
    let mut net = Net::new(config(&nvas(&[65_001, 65_002])));
    net.settle();
    net.announce(0, LAN);
    net.command(Command::BranchToBranch(true));
    assert_eq!(net.told(1).len(), 3);
    net.command(Command::BranchToBranch(false));
    assert_eq!(net.told(1).len(), 2);
    assert_eq!(net.ended(), 0);
}

#[test]
fn nvas_of_one_as_reject_each_others_reflected_routes() {
    let mut config = config(&nvas(&[65_001, 65_001]));
    config.branch_to_branch = true;
    let mut net = Net::new(config);
    net.settle();
    net.announce(0, LAN);
    assert_eq!(net.nva(1).paths(prefix(LAN)).len(), 0);
}

#[test]
fn no_advertise_is_programmed_and_given_to_nobody() {
    let mut config = config(&nvas(&[65_001, 65_002]));
    config.branch_to_branch = true;
    let mut net = Net::new(config);
    net.settle();
    net.announce_tagged(0, LAN, 0xffff_ff02);
    assert_eq!(net.programmed(LAN), [nva(0)]);
    assert_eq!(net.told(1).len(), 2);
}

#[test]
fn routes_announced_again_count_twice_and_end_the_session() {
    let mut config = config(&nvas(&[65_001]));
    config.routes_per_peer = 5;
    let mut net = Net::new(config);
    net.settle();
    for index in 0..3 {
        net.announce(0, &format!("172.20.{index}.0/24"));
    }
    net.pass(Duration::from_secs(5));
    assert_eq!(net.server().programmed().count(), 3);
    net.resend(0);
    assert_eq!(net.ended(), 1);
    assert_eq!(net.server().programmed().count(), 0);
}

/// An NVA with 3,900 routes of 4,000 is asked for them again, since a VNet was peered.
fn refreshed(pace: Option<bgp::Pace>) -> Net {
    let mut config = config(&nvas(&[65_001]));
    config.routes_per_peer = 4_000;
    let mut net = Net::with(config, |neighbor| neighbor.pace = pace);
    net.settle();
    for index in 0..3_900 {
        net.announce(0, &format!("172.{}.{}.0/24", 20 + index / 256, index % 256));
    }
    net.pass(Duration::from_secs(5));
    assert_eq!((net.server().programmed().count(), net.ended()), (3_900, 0));
    let spaces: Vec<Prefix> = ["10.1.0.0/16", "10.2.0.0/16", "10.4.0.0/16"]
        .map(prefix)
        .into();
    net.command(Command::Vnets {
        announced: spaces.clone(),
        space: spaces,
    });
    net.pass(Duration::from_secs(120));
    net
}

#[test]
fn azure_1_4_a_refresh_of_3900_routes_ends_the_session_of_an_nva_that_tells_them_at_once() {
    assert!(refreshed(None).ended() > 0);
}

#[test]
fn azure_1_4_a_refresh_of_3900_routes_keeps_the_session_of_an_nva_with_a_pace() {
    let net = refreshed(Some(bgp::Pace {
        max: 4_000,
        gap: bgp::Counting::BURST_GAP * 2,
    }));
    assert_eq!((net.server().programmed().count(), net.ended()), (3_900, 0));
}

#[test]
fn capabilities_are_those_seen_in_captures() {
    let mut net = Net::new(config(&nvas(&[65_001])));
    net.settle();
    let view = net.nva(0).neighbors().next().expect("a neighbour");
    let session = view.session.expect("established");
    let mut codes: Vec<u8> = session.capabilities.iter().map(Capability::code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [1, 1, 2, 65]);
    assert_eq!((session.router_id, session.hold_time_s), (SERVER, 180));
}

#[test]
fn the_smaller_hold_time_is_used() {
    let mut net = Net::with(config(&nvas(&[65_001])), |neighbor| {
        neighbor.hold_time = Duration::from_secs(15);
    });
    net.settle();
    let view = net
        .server()
        .speaker()
        .neighbors()
        .next()
        .expect("a neighbour");
    assert_eq!(view.session.expect("established").hold_time_s, 15);
}

#[test]
fn a_silent_nva_keeps_its_routes_until_the_hold_time_is_over() {
    let mut net = Net::new(config(&nvas(&[65_001])));
    net.settle();
    net.announce(0, LAN);
    net.silence(0);
    net.pass(Duration::from_secs(100));
    assert_eq!(net.programmed(LAN), [nva(0)]);
    net.pass(Duration::from_secs(90));
    assert_eq!(net.programmed(LAN), NOWHERE);
}

#[test]
fn a_new_vnet_peering_is_announced_and_every_nva_is_asked_again() {
    let mut net = Net::new(config(&nvas(&[65_001])));
    net.settle();
    net.announce(0, "10.4.0.0/16");
    assert_eq!(net.programmed("10.4.0.0/16"), [nva(0)]);
    let mut spaces: Vec<Prefix> = ["10.1.0.0/16", "10.2.0.0/16"].map(prefix).into();
    spaces.push(prefix("10.4.0.0/16"));
    net.command(Command::Vnets {
        announced: spaces.clone(),
        space: spaces,
    });
    assert_eq!(net.told(0).len(), 3);
    assert_eq!(net.programmed("10.4.0.0/16"), NOWHERE);
    let refreshed = net
        .nva_events(0)
        .iter()
        .any(|event| matches!(event, Event::RefreshReceived { .. }));
    assert!(refreshed);
    assert_eq!(net.ended(), 0);
}

#[test]
fn peers_come_and_go_while_others_stay() {
    let config = config(&nvas(&[65_001, 65_002]));
    let mut net = Net::with(config, |neighbor| {
        neighbor.connect = bgp::ConnectMode::Passive
    });
    net.settle();
    net.announce(0, LAN);
    net.announce(1, LAN);
    net.command(Command::RemovePeer(nva(1)));
    assert_eq!(net.programmed(LAN), [nva(0)]);
    let peer = nvas(&[65_001, 65_002]).remove(1);
    net.command(Command::AddPeer(peer));
    net.pass(Duration::from_secs(60));
    assert_eq!(net.programmed(LAN), [nva(0), nva(1)]);
    assert_eq!(net.ended(), 1);
}

#[test]
fn reserved_numbers_the_own_one_and_those_over_16_bits_are_refused() {
    let refused = [
        8_074, 8_075, 12_076, 23_456, 64_496, 64_511, 65_515, 65_517, 65_520, 65_535, 65_551,
        70_000,
    ];
    for asn in refused {
        let made = RouteServer::new(&config(&nvas(&[asn])), 1, inet::Instant::ZERO);
        assert_eq!(made.err(), Some(PeerRefusal::Asn(Asn(asn))));
    }
    for asn in [64_495, 64_512, 65_514, 65_516, 65_521, 65_534] {
        let made = RouteServer::new(&config(&nvas(&[asn])), 1, inet::Instant::ZERO);
        assert!(made.is_ok(), "{asn}");
    }
}

#[test]
fn a_ninth_peer_and_a_second_one_with_the_same_address_are_refused() {
    let nine = config(&nvas(&[65_001; PEERS_MAX + 1]));
    let made = RouteServer::new(&nine, 1, inet::Instant::ZERO);
    assert_eq!(made.err(), Some(PeerRefusal::TooMany(8)));
    let mut peers = nvas(&[65_001, 65_002]);
    peers[1].address = peers[0].address;
    let address: Ipv4Addr = peers[0].address;
    let made = RouteServer::new(&config(&peers), 1, inet::Instant::ZERO);
    assert_eq!(made.err(), Some(PeerRefusal::Address(address)));
}

fn refusal_of(
    address: &str,
    change: impl Fn(&mut design::plan::RouteServerConfig),
) -> Option<PeerRefusal> {
    let mut config = config(&nvas(&[65_001]));
    config.peers[0].address = ip(address);
    change(&mut config);
    RouteServer::new(&config, 1, inet::Instant::ZERO).err()
}

#[test]
fn azure_1_2_a_peer_is_a_nic_of_the_own_or_a_directly_peered_vnet() {
    assert_eq!(refusal_of("10.1.1.9", |_| {}), None);
    assert_eq!(
        refusal_of("10.3.0.9", |_| {}),
        None,
        "peered without gateway transit"
    );
    for (address, fault) in [
        ("172.20.1.1", PlaceFault::NoVnet),
        ("127.0.0.1", PlaceFault::NoVnet),
        ("169.254.21.5", PlaceFault::LinkLocal),
    ] {
        let refusal = PeerRefusal::Place(ip(address), fault);
        assert_eq!(refusal_of(address, |_| {}), Some(refusal));
    }
}

#[test]
fn azure_1_2_after_the_route_map_upgrade_a_peered_vnet_must_use_the_remote_gateway() {
    let with_maps = |config: &mut design::plan::RouteServerConfig| {
        config.route_maps.maps.push(design::plan::RouteMapConfig {
            name: "any".to_owned(),
            rules: Vec::new(),
        });
    };
    assert_eq!(
        refusal_of("10.2.0.9", with_maps),
        None,
        "a spoke that is announced"
    );
    let refusal = PeerRefusal::Place(ip("10.3.0.9"), PlaceFault::NotRemoteGateway);
    assert_eq!(refusal_of("10.3.0.9", with_maps), Some(refusal));
}

#[test]
fn azure_1_4_the_peer_limit_is_a_setting() {
    let mut config = config(&nvas(&[65_001; 3]));
    config.limits.peers = 2;
    let made = RouteServer::new(&config, 1, inet::Instant::ZERO);
    assert_eq!(made.err(), Some(PeerRefusal::TooMany(2)));
}

#[test]
fn azure_1_4_routes_can_be_counted_once() {
    let mut config = config(&nvas(&[65_001]));
    config.routes_per_peer = 5;
    config.choices.routes_counted = design::plan::RoutesCounted::Held;
    let mut net = Net::new(config);
    net.settle();
    for index in 0..5 {
        net.announce(0, &format!("172.20.{index}.0/24"));
    }
    net.resend(0);
    assert_eq!(net.ended(), 0);
    net.announce(0, "172.20.5.0/24");
    assert_eq!(net.ended(), 1);
}

#[test]
fn azure_1_5_origin_and_med_count_when_chosen() {
    let mut config = config(&nvas(&[65_001, 65_001]));
    config.choices.compares_origin = true;
    config.choices.compares_med = true;
    let mut net = Net::new(config);
    net.settle();
    net.announce(0, LAN);
    net.announce_with(1, LAN, |route| route.origin = Origin::Incomplete);
    assert_eq!(net.programmed(LAN), [nva(0)]);
    net.announce_with(1, LAN, |_| {});
    assert_eq!(net.programmed(LAN), [nva(0), nva(1)]);
    net.announce_with(1, LAN, |route| route.med = Some(7));
    assert_eq!(net.programmed(LAN), [nva(0)]);
}

#[test]
fn azure_1_1_maintenance_drops_the_sessions_of_one_instance_without_notice() {
    let mut net = Net::new(config(&nvas(&[65_001, 65_002])));
    net.settle();
    net.announce(0, LAN);
    let before = net.fabric();
    net.command(Command::Maintenance(true));
    assert_eq!(net.ended(), 2);
    let silent = net.nva_events(0).iter().any(|event| {
        matches!(
            event,
            Event::Ended {
                established: true,
                reason: bgp::Ended::Closed,
                ..
            }
        )
    });
    assert!(silent, "no NOTIFICATION");
    net.pass(Duration::from_secs(600));
    assert!((0..2).all(|nva| !net.nva(nva).is_established(bgp::NeighborId(0))));
    assert_eq!(
        net.fabric(),
        before,
        "the other instance takes over what this one had"
    );
    net.command(Command::Maintenance(false));
    net.pass(Duration::from_secs(600));
    assert_eq!(net.programmed(LAN), [nva(0)]);
    assert_eq!(net.serving(), [false, true]);
}

#[test]
fn azure_1_12_an_nva_without_route_refresh_is_reset_when_a_spoke_is_peered() {
    let mut net = Net::with(config(&nvas(&[65_001])), |neighbor| {
        neighbor.route_refresh = false;
    });
    net.settle();
    net.announce(0, LAN);
    let spaces: Vec<Prefix> = ["10.1.0.0/16", "10.2.0.0/16", "10.4.0.0/16"]
        .map(prefix)
        .into();
    net.command(Command::Vnets {
        announced: spaces.clone(),
        space: spaces,
    });
    assert_eq!(net.ended(), 1);
    net.pass(Duration::from_secs(120));
    assert_eq!(net.programmed(LAN), [nva(0)]);
}

#[test]
fn azure_1_4_a_peer_over_the_limit_comes_back_and_is_dropped_again() {
    let mut config = config(&nvas(&[65_001]));
    config.routes_per_peer = 5;
    let mut net = Net::new(config);
    net.settle();
    for index in 0..6 {
        net.announce(0, &format!("172.20.{index}.0/24"));
    }
    net.pass(Duration::from_secs(600));
    assert!(net.ended() > 2, "{}", net.ended());
    for index in 2..6 {
        net.withdraw(0, &format!("172.20.{index}.0/24"));
    }
    net.pass(Duration::from_secs(600));
    assert_eq!(net.server().programmed().count(), 2);
}

/// NO_EXPORT on a route of an NVA, at the other one.
fn with_no_export(obeyed: bool) -> usize {
    let mut config = config(&nvas(&[65_001, 65_002]));
    config.branch_to_branch = true;
    config.choices.obeys_no_export = obeyed;
    let mut net = Net::with(config, |neighbor| neighbor.honour_no_export = false);
    net.settle();
    net.announce_tagged(0, LAN, 0xffff_ff01);
    assert_eq!(net.programmed(LAN), [nva(0)]);
    let told = net
        .told(1)
        .into_iter()
        .find(|(known, _)| *known == prefix(LAN));
    told.map_or(0, |(_, route)| route.communities.len())
}

#[test]
fn azure_9_no_export_is_carried_unless_it_is_to_be_obeyed() {
    assert_eq!(with_no_export(false), 1);
    assert_eq!(with_no_export(true), 0);
}

fn over_total(what: design::plan::OverTotal) -> Net {
    let mut config = config(&nvas(&[65_001, 65_002]));
    config.choices.over_total = what;
    config.limits.routes_total = 4;
    let mut net = Net::new(config);
    net.settle();
    net.announce(0, "172.20.0.0/24");
    net.announce(0, "172.20.1.0/24");
    net.announce(1, "172.20.1.0/24");
    assert_eq!(net.server().prefixes(), 4, "two of the VNets' own");
    net.announce(1, "172.20.2.0/24");
    net
}

#[test]
fn azure_9_at_the_limit_of_all_prefixes_new_ones_are_refused() {
    let mut net = over_total(design::plan::OverTotal::Refuse);
    assert_eq!((net.server().prefixes(), net.ended()), (4, 0));
    assert_eq!(net.programmed("172.20.2.0/24"), NOWHERE);
    assert_eq!(net.programmed("172.20.1.0/24"), [nva(0), nva(1)]);
    net.withdraw(0, "172.20.0.0/24");
    net.resend(1);
    assert_eq!(net.programmed("172.20.2.0/24"), [nva(1)], "room again");
}

#[test]
fn azure_9_at_the_limit_of_all_prefixes_the_session_is_dropped_when_chosen() {
    let net = over_total(design::plan::OverTotal::Drop);
    assert_eq!((net.server().prefixes(), net.ended()), (4, 1));
    assert_eq!(net.server().sessions_shed(), 1);
    assert_eq!(net.programmed("172.20.1.0/24"), [nva(0)]);
}

#[test]
fn azure_1_3_the_hold_time_can_be_fixed() {
    let mut config = config(&nvas(&[65_001]));
    config.choices.smaller_hold_time = false;
    let mut net = Net::with(config, |neighbor| {
        neighbor.hold_time = Duration::from_secs(15);
    });
    net.pass(Duration::from_secs(5));
    let mut neighbors = net.server().speaker().neighbors();
    let view = neighbors.next().expect("a neighbour");
    assert_eq!(view.session.expect("established").hold_time_s, 180);
    drop(neighbors);
    net.pass(Duration::from_secs(60));
    let lost = net.nva_events(0).iter().any(|event| {
        matches!(
            event,
            Event::Ended {
                established: true,
                ..
            }
        )
    });
    assert!(lost, "an NVA that keeps to 15 s hears nothing for so long");
}

#[test]
fn azure_1_4_announcements_further_apart_than_the_gap_are_counted_anew() {
    let count = |gap_ms| {
        let mut config = config(&nvas(&[65_001]));
        config.routes_per_peer = 5;
        config.choices.burst_gap_ms = gap_ms;
        let mut net = Net::new(config);
        net.settle();
        for _ in 0..5 {
            net.announce(0, LAN);
            net.resend(0);
            net.pass(Duration::from_secs(2));
        }
        net.ended()
    };
    assert_eq!(count(1_000), 0);
    assert!(count(10_000) > 0);
}

#[test]
fn azure_9_the_cease_over_the_limit_has_the_subcode_that_is_chosen() {
    for subcode in [1, 8] {
        let mut config = config(&nvas(&[65_001]));
        config.routes_per_peer = 1;
        config.choices.over_routes_subcode = subcode;
        let mut net = Net::new(config);
        net.settle();
        net.announce(0, LAN);
        net.announce(0, "172.20.2.0/24");
        let heard = net.nva_events(0).iter().any(|event| {
            matches!(event, Event::Ended { reason: bgp::Ended::Received(said), .. }
                if said.code == 6 && said.subcode == subcode)
        });
        assert!(heard, "{subcode}");
    }
}
