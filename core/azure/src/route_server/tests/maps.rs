//! Route maps (section 1.11).

use std::time::Duration;

use design::plan::{
    BgpPeerConfig, BranchKind, Community, GatewayConfig, MapPair, PeerMaps, PlatformChoices,
    RouteMapAction, RouteMapConfig, RouteMapMatch, RouteMapRule, RouteMaps, RouteServerConfig,
};
use inet::Asn;

use super::net::{Net, config, ip, nva, nvas, prefix};
use crate::route_server::{Command, PeerRefusal, PlaceFault, RouteMapFault, RouteServer};

const LAN: &str = "172.20.1.0/24";

fn rule(when: Vec<RouteMapMatch>, then: Vec<RouteMapAction>) -> RouteMapRule {
    RouteMapRule {
        when,
        then,
        next: false,
    }
}

fn equals(text: &str) -> Vec<RouteMapMatch> {
    vec![RouteMapMatch::PrefixEquals(vec![prefix(text)])]
}

fn pair(inbound: bool) -> MapPair {
    let name = Some("map".to_owned());
    if inbound {
        MapPair {
            inbound: name,
            outbound: None,
        }
    } else {
        MapPair {
            inbound: None,
            outbound: name,
        }
    }
}

/// A map of these rules, attached to one NVA.
fn maps(to: u8, inbound: bool, rules: Vec<RouteMapRule>) -> RouteMaps {
    RouteMaps {
        maps: vec![RouteMapConfig {
            name: "map".to_owned(),
            rules,
        }],
        peers: vec![PeerMaps {
            peer: nva(to),
            maps: pair(inbound),
        }],
        ..RouteMaps::default()
    }
}

fn with(maps: RouteMaps) -> RouteServerConfig {
    let mut config = config(&nvas(&[65_001, 65_002]));
    config.branch_to_branch = true;
    config.route_maps = maps;
    config
}

fn net(maps: RouteMaps) -> Net {
    let mut net = Net::new(with(maps));
    net.settle();
    net
}

fn refused(maps: RouteMaps) -> Option<PeerRefusal> {
    RouteServer::new(&with(maps), 1, inet::Instant::ZERO).err()
}

/// What the second NVA hears: AS_PATH and communities.
fn heard(net: &Net, text: &str) -> Option<(String, Vec<u32>)> {
    let told = net.told(1).into_iter();
    let found = told.into_iter().find(|(known, _)| *known == prefix(text));
    found.map(|(_, route)| (route.as_path.to_string(), route.communities))
}

#[test]
fn azure_1_11_inbound_maps_drop_before_a_route_is_stored_and_permit_the_rest() {
    let rules = vec![rule(equals("0.0.0.0/0"), vec![RouteMapAction::Drop])];
    let mut net = net(maps(0, true, rules));
    net.announce(0, "0.0.0.0/0");
    net.announce(0, LAN);
    net.announce(1, "0.0.0.0/0");
    assert_eq!(
        net.programmed("0.0.0.0/0"),
        [nva(1)],
        "the other has no map"
    );
    assert_eq!(net.programmed(LAN), [nva(0)]);
    assert_eq!(net.server().learned().count(), 2);
}

#[test]
fn azure_1_11_no_map_rescues_a_path_with_65515() {
    let replace = RouteMapAction::ReplaceAsPath(vec![Asn(65_001)]);
    let mut net = net(maps(0, true, vec![rule(Vec::new(), vec![replace])]));
    net.announce_with(0, LAN, |route| route.as_path = vec![Asn(65_515)]);
    assert!(net.programmed(LAN).is_empty());
}

#[test]
fn azure_1_11_prefixes_match_by_equality_or_containment() {
    let contains = vec![RouteMapMatch::PrefixContains(vec![prefix("172.20.0.0/16")])];
    let mut net = net(maps(
        0,
        true,
        vec![rule(contains, vec![RouteMapAction::Drop])],
    ));
    for text in ["172.20.0.0/16", LAN, "172.21.0.0/16"] {
        net.announce(0, text);
    }
    let left: Vec<_> = net
        .server()
        .programmed()
        .map(|(prefix, _)| prefix)
        .collect();
    assert_eq!(left, [prefix("172.21.0.0/16")]);
}

#[test]
fn azure_1_11_as_paths_and_communities_match_by_equality_or_containment() {
    let cases: [(RouteMapMatch, bool); 8] = [
        (RouteMapMatch::AsPathEquals(vec![Asn(65_001), Asn(9)]), true),
        (RouteMapMatch::AsPathEquals(vec![Asn(65_001)]), false),
        (RouteMapMatch::AsPathContains(vec![Asn(9)]), true),
        (RouteMapMatch::AsPathContains(vec![Asn(9), Asn(7)]), false),
        (RouteMapMatch::CommunityEquals(vec![Community(5)]), true),
        (
            RouteMapMatch::CommunityEquals(vec![Community(5), Community(6)]),
            false,
        ),
        (RouteMapMatch::CommunityContains(vec![Community(5)]), true),
        (RouteMapMatch::CommunityContains(vec![Community(6)]), false),
    ];
    for (condition, drops) in cases {
        let rules = vec![rule(vec![condition.clone()], vec![RouteMapAction::Drop])];
        let mut net = net(maps(0, true, rules));
        net.announce_with(0, LAN, |route| {
            route.as_path = vec![Asn(9)];
            route.communities = vec![5];
        });
        assert_eq!(net.programmed(LAN).is_empty(), drops, "{condition:?}");
    }
}

#[test]
fn azure_1_11_as_paths_are_prepended_and_replaced_and_decide_then() {
    let add = RouteMapAction::AddAsPath(vec![Asn(1_000), Asn(2_000)]);
    let mut net = net(maps(0, true, vec![rule(equals(LAN), vec![add])]));
    net.announce(0, LAN);
    assert_eq!(heard(&net, LAN).expect("told").0, "65515 1000 2000 65001");
    net.announce_with(1, LAN, |route| route.as_path = vec![Asn(65_002)]);
    assert_eq!(net.programmed(LAN), [nva(1)], "two are shorter than three");
}

#[test]
fn azure_1_11_outbound_maps_come_after_the_best_path_and_change_what_one_peer_hears() {
    let rules = vec![rule(
        equals(LAN),
        vec![
            RouteMapAction::ReplaceAsPath(vec![Asn(3_000)]),
            RouteMapAction::AddCommunity(vec![Community::new(65_001, 1)]),
        ],
    )];
    let mut net = net(maps(1, false, rules));
    net.announce(0, LAN);
    let tag = Community::new(65_001, 1).0;
    assert_eq!(heard(&net, LAN), Some(("65515 3000".to_owned(), vec![tag])));
    assert_eq!(net.programmed(LAN), [nva(0)]);
}

#[test]
fn azure_1_11_vnet_prefixes_cannot_be_changed_or_dropped() {
    let rules = vec![rule(Vec::new(), vec![RouteMapAction::Drop])];
    let mut net = net(maps(1, false, rules));
    net.announce(0, LAN);
    assert_eq!(heard(&net, LAN), None);
    assert_eq!(
        heard(&net, "10.1.0.0/16"),
        Some(("65515".to_owned(), Vec::new()))
    );
}

#[test]
fn azure_1_11_communities_are_replaced_and_removed_but_never_the_platforms() {
    let own = Community::new(65_517, 12_001);
    let replace = RouteMapAction::ReplaceCommunity(vec![Community(8)]);
    let mut net = net(maps(1, false, vec![rule(Vec::new(), vec![replace])]));
    net.announce_with(0, LAN, |route| route.communities = vec![5, own.0]);
    let mut communities = heard(&net, LAN).expect("told").1;
    communities.sort_unstable();
    assert_eq!(communities, [8, own.0]);

    let remove = |community| {
        let remove = RouteMapAction::RemoveCommunity(vec![community]);
        maps(1, false, vec![rule(Vec::new(), vec![remove])])
    };
    let fault = RouteMapFault::PlatformCommunity(own);
    assert_eq!(refused(remove(own)), Some(PeerRefusal::RouteMap(fault)));
    assert_eq!(refused(remove(Community(5))), None);
}

#[test]
fn azure_1_11_rules_end_the_map_unless_they_go_on() {
    let tag = |low| vec![RouteMapAction::AddCommunity(vec![Community(low)])];
    let first = |next| RouteMapRule {
        next,
        ..rule(Vec::new(), tag(1))
    };
    for (next, communities) in [(true, vec![1, 2]), (false, vec![1])] {
        let rules = vec![first(next), rule(Vec::new(), tag(2))];
        let mut net = net(maps(1, false, rules));
        net.announce(0, LAN);
        assert_eq!(heard(&net, LAN).expect("told").1, communities);
    }
}

#[test]
fn azure_1_11_only_two_byte_asns_that_are_not_reserved() {
    for asn in [70_000, 65_515, 12_076, 23_456] {
        let add = RouteMapAction::AddAsPath(vec![Asn(asn)]);
        let made = refused(maps(0, true, vec![rule(Vec::new(), vec![add])]));
        let fault = RouteMapFault::Asn(Asn(asn));
        assert_eq!(made, Some(PeerRefusal::RouteMap(fault)));
    }
}

#[test]
fn azure_1_2_peers_in_other_vnets_cannot_carry_route_maps() {
    let mut config = with(RouteMaps::default());
    config.peers[0].address = ip("10.2.0.9");
    config.route_maps = maps(0, true, Vec::new());
    config.route_maps.peers[0].peer = ip("10.2.0.9");
    let made = RouteServer::new(&config, 1, inet::Instant::ZERO);
    let fault = RouteMapFault::Spoke(ip("10.2.0.9"));
    assert_eq!(made.err(), Some(PeerRefusal::RouteMap(fault)));
    let mut unknown = maps(0, true, Vec::new());
    unknown.maps.clear();
    let fault = RouteMapFault::Unknown;
    assert_eq!(refused(unknown), Some(PeerRefusal::RouteMap(fault)));
}

#[test]
fn azure_1_11_the_expressroute_connection_has_maps_of_its_own() {
    let mut all = maps(0, true, vec![rule(equals(LAN), vec![RouteMapAction::Drop])]);
    all.peers.clear();
    all.express_route = pair(false);
    let mut config = with(all);
    config.gateways.push(GatewayConfig {
        name: "er0".to_owned(),
        address: ip("10.1.3.12"),
        kind: BranchKind::ExpressRoute,
    });
    let mut net = Net::new(config);
    net.settle();
    net.announce(0, LAN);
    net.announce(0, "172.20.2.0/24");
    assert_eq!(net.told(2).len(), 1, "the gateway hears the other one only");
    assert!(heard(&net, LAN).is_some());
}

#[test]
fn azure_1_11_the_first_map_brings_an_upgrade_of_25_minutes() {
    let mut net = net(RouteMaps::default());
    net.announce(0, LAN);
    let drop = maps(0, true, vec![rule(Vec::new(), vec![RouteMapAction::Drop])]);
    net.command(Command::RouteMaps(drop));
    net.pass(Duration::from_secs(24 * 60));
    assert_eq!(net.programmed(LAN), [nva(0)]);
    net.pass(Duration::from_secs(2 * 60));
    assert!(net.programmed(LAN).is_empty());
    net.command(Command::RouteMaps(RouteMaps::default()));
    assert_eq!(net.programmed(LAN), [nva(0)], "no second upgrade");
    assert_eq!(net.ended(), 0);
}

#[test]
fn azure_1_2_peers_without_remote_gateway_do_not_survive_the_upgrade() {
    let mut config = with(RouteMaps::default());
    config.peers[1].address = ip("10.3.0.9");
    config.choices = PlatformChoices {
        route_map_upgrade_s: 60,
        ..PlatformChoices::default()
    };
    let mut net = Net::new(config);
    net.settle();
    net.command(Command::RouteMaps(maps(0, true, Vec::new())));
    net.pass(Duration::from_secs(61));
    let fault = PlaceFault::NotRemoteGateway;
    assert_eq!(net.refused(), [PeerRefusal::Place(ip("10.3.0.9"), fault)]);
    assert_eq!(net.ended(), 1);
}

/// Reloads a configuration, command by command; nothing is refused.
fn reload(net: &mut Net, next: &RouteServerConfig) {
    for command in net.server().changes_to(next).expect("it can be") {
        net.command(command);
    }
    assert_eq!(net.refused(), [], "a reload is done whole");
}

#[test]
fn a_reload_that_attaches_no_map_brings_no_upgrade() {
    let mut net = net(RouteMaps::default());
    let mut next = net.server().config().clone();
    next.peers[1].asn = Asn(65_003);
    reload(&mut net, &next);
    net.pass(Duration::from_secs(26 * 60));
    assert_eq!(net.server().upgraded_at(), None);
    assert_eq!(
        net.server().config(),
        &next,
        "the last of two keeps its place"
    );
}

#[test]
fn a_reload_changes_a_peer_and_its_map_together() {
    let drop = maps(0, true, vec![rule(Vec::new(), vec![RouteMapAction::Drop])]);
    let mut net = net(drop);
    let mut next = net.server().config().clone();
    next.peers[0].asn = Asn(65_003);
    next.route_maps = RouteMaps::default();
    reload(&mut net, &next);
    let config = net.server().config();
    assert_eq!(config.route_maps, next.route_maps);
    assert_eq!(config.peers.len(), 2);
    assert!(config.peers.contains(&next.peers[0]), "it has its new AS");
}

#[test]
fn maps_that_a_reload_takes_back_during_the_upgrade_never_hold() {
    let mut net = net(RouteMaps::default());
    net.announce(0, LAN);
    let before = net.server().config().clone();
    let mut next = before.clone();
    next.route_maps = maps(0, true, vec![rule(Vec::new(), vec![RouteMapAction::Drop])]);
    reload(&mut net, &next);
    net.pass(Duration::from_secs(60));
    reload(&mut net, &before);
    net.pass(Duration::from_secs(26 * 60));
    assert_eq!(net.programmed(LAN), [nva(0)]);
    assert_eq!(net.server().config(), &before);
}

#[test]
fn a_peer_goes_with_the_vnet_that_it_stands_in() {
    let mut config = with(RouteMaps::default());
    config.peers[1].address = ip("10.3.0.9");
    let mut net = Net::new(config.clone());
    net.settle();
    let space = config.own_space.clone();
    net.command(Command::Vnets {
        announced: space.clone(),
        space,
    });
    assert_eq!(net.server().config().peers.len(), 1);
    assert_eq!(net.ended(), 1);
}

#[test]
fn azure_1_11_a_put_without_routing_configuration_wipes_the_map() {
    let drop = maps(0, true, vec![rule(Vec::new(), vec![RouteMapAction::Drop])]);
    let mut net = net(drop);
    net.announce(0, LAN);
    assert!(net.programmed(LAN).is_empty());
    let peer: BgpPeerConfig = nvas(&[65_001]).remove(0);
    let put = |maps| Command::PutPeer {
        peer: peer.clone(),
        maps,
    };
    net.command(put(None));
    assert_eq!(net.programmed(LAN), [nva(0)]);
    net.command(put(Some(pair(true))));
    assert!(net.programmed(LAN).is_empty());
    assert_eq!(net.ended(), 0, "the session stays");
}

#[test]
fn azure_1_11_a_replaced_prefix_has_neither_as_path_nor_communities() {
    let inside = vec![RouteMapMatch::PrefixContains(vec![prefix("172.20.0.0/16")])];
    let replace = RouteMapAction::ReplacePrefix(prefix("172.20.0.0/16"));
    let mut net = net(maps(0, true, vec![rule(inside, vec![replace])]));
    for text in [LAN, "172.20.2.0/24"] {
        net.announce_with(0, text, |route| route.communities = vec![5]);
    }
    assert_eq!(net.programmed("172.20.0.0/16"), [nva(0)]);
    assert!(net.programmed(LAN).is_empty());
    let (path, communities) = heard(&net, "172.20.0.0/16").expect("told");
    assert_eq!((path.as_str(), communities.len()), ("65515", 0));
    net.withdraw(0, LAN);
    assert_eq!(
        net.programmed("172.20.0.0/16"),
        [nva(0)],
        "one part is left"
    );
    net.withdraw(0, "172.20.2.0/24");
    assert!(net.programmed("172.20.0.0/16").is_empty());
}

#[test]
fn azure_1_11_an_outbound_map_aggregates_for_one_peer_alone() {
    let inside = vec![RouteMapMatch::PrefixContains(vec![prefix("172.20.0.0/16")])];
    let replace = RouteMapAction::ReplacePrefix(prefix("172.20.0.0/16"));
    let mut net = net(maps(1, false, vec![rule(inside, vec![replace])]));
    for text in [LAN, "172.20.2.0/24"] {
        net.announce(0, text);
    }
    assert_eq!(
        heard(&net, "172.20.0.0/16"),
        Some(("65515".to_owned(), Vec::new()))
    );
    assert_eq!(heard(&net, LAN), None);
    assert_eq!(net.programmed(LAN), [nva(0)], "interfaces have the parts");
}
