//! Routing preference over a whole hub: premises that ExpressRoute and an NVA announce at once (1.10).

use core::net::Ipv4Addr;

use design::plan::RoutingPreference;
use inet::Asn;

use super::world::{World, hub, nva};
use crate::net::{Net, ip};
use crate::route_server::Command;

const SITE: &str = "172.20.1.0/24";
const SUPERNET: &str = "172.20.0.0/16";
const SERVERS: [&str; 2] = ["rs0.1", "rs1.1"];

const PREFERENCES: [RoutingPreference; 3] = [
    RoutingPreference::ExpressRoute,
    RoutingPreference::VpnGateway,
    RoutingPreference::AsPath,
];

fn net(preference: RoutingPreference, sticky: bool) -> Net {
    let mut world = World::new(&[hub(1)]);
    for server in &mut world.servers {
        server.routing_preference = preference;
        server.choices.sticky_failback = sticky;
    }
    world.start()
}

/// Announces with a path of this length as the announcer's AS counts.
fn announce(net: &mut Net, router: &str, prefix: &str, asn: u32, length: usize) {
    net.announce_with(router, prefix, |route| {
        route.as_path = vec![Asn(asn); length - 1];
    });
}

fn is_msee(next_hops: &[Ipv4Addr]) -> bool {
    matches!(next_hops, [one] if [ip("10.1.3.4"), ip("10.1.3.5")].contains(one))
}

/// Who is programmed for the site: `er`, `nva`, or both.
fn chosen(net: &Net, prefix: &str) -> String {
    let told = SERVERS.map(|server| {
        let next_hops = net.nics(server, prefix);
        match next_hops.as_slice() {
            [] => "none",
            one if is_msee(one) => "er",
            [one] if *one == nva(1, 0) => "nva",
            [one, other] if *one == nva(1, 0) && is_msee(&[*other]) => "both",
            _ => "others",
        }
    });
    assert_eq!(told[0], told[1], "both instances program the same");
    told[0].to_owned()
}

/// Lengths of AS_PATH at Route Server (ExpressRoute's has 12076 in front), and who is programmed by
/// each preference.
const EQUAL_PREFIXES: [(usize, usize, [&str; 3]); 4] = [
    (2, 1, ["er", "nva", "nva"]),
    (2, 2, ["er", "nva", "both"]),
    (2, 3, ["er", "nva", "er"]),
    (4, 5, ["er", "nva", "er"]),
];

#[test]
fn azure_1_10_each_preference_with_equal_prefixes() {
    for (express_route, of_nva, winners) in EQUAL_PREFIXES {
        for (preference, winner) in PREFERENCES.into_iter().zip(winners) {
            let mut net = net(preference, false);
            announce(&mut net, "ce.0", SITE, 65_020, express_route - 1);
            announce(&mut net, "nva0.1", SITE, 65_011, of_nva);
            let says = format!("{preference:?}, {express_route} against {of_nva}");
            assert_eq!(chosen(&net, SITE), winner, "{says}");
        }
    }
}

#[test]
fn azure_1_10_the_longer_prefix_wins_with_every_preference() {
    for preference in PREFERENCES {
        let mut net = net(preference, false);
        announce(&mut net, "ce.0", SUPERNET, 65_020, 1);
        announce(&mut net, "nva0.1", SITE, 65_011, 5);
        assert_eq!(chosen(&net, SITE), "nva", "{preference:?}");
        assert_eq!(chosen(&net, SUPERNET), "er", "{preference:?}");
        net.withdraw("nva0.1", SITE);
        assert_eq!(chosen(&net, SITE), "none", "the supernet takes over");
    }
    for preference in PREFERENCES {
        let mut net = net(preference, false);
        announce(&mut net, "ce.0", SITE, 65_020, 5);
        announce(&mut net, "nva0.1", SUPERNET, 65_011, 1);
        assert_eq!(chosen(&net, SITE), "er", "{preference:?}");
        assert_eq!(chosen(&net, SUPERNET), "nva", "{preference:?}");
    }
}

#[test]
fn azure_1_10_preference_changes_while_routes_stand() {
    let mut net = net(RoutingPreference::ExpressRoute, false);
    announce(&mut net, "ce.0", SITE, 65_020, 1);
    announce(&mut net, "nva0.1", SITE, 65_011, 1);
    for (preference, winner) in PREFERENCES.into_iter().zip(["er", "nva", "nva"]) {
        for server in SERVERS {
            net.server(server, Command::RoutingPreference(preference));
        }
        assert_eq!(chosen(&net, SITE), winner, "{preference:?}");
    }
}

/// With ExpressRoute first: it fails, the NVA takes over, it comes back.
#[test]
fn azure_1_10_failback_is_sticky_where_chosen_unless_the_backup_is_prepended() {
    for (sticky, of_nva, after) in [(false, 1, "er"), (true, 1, "nva"), (true, 4, "er")] {
        let mut net = net(RoutingPreference::ExpressRoute, sticky);
        announce(&mut net, "ce.0", SITE, 65_020, 1);
        announce(&mut net, "nva0.1", SITE, 65_011, of_nva);
        assert_eq!(chosen(&net, SITE), "er");
        net.withdraw("ce.0", SITE);
        assert_eq!(chosen(&net, SITE), "nva");
        announce(&mut net, "ce.0", SITE, 65_020, 1);
        assert_eq!(
            chosen(&net, SITE),
            after,
            "sticky {sticky}, NVA's path {of_nva}"
        );
    }
}

#[test]
fn azure_1_10_the_gateway_prefers_expressroute_whatever_the_preference() {
    for preference in PREFERENCES {
        let mut net = net(preference, false);
        announce(&mut net, "nva0.1", SITE, 65_011, 1);
        announce(&mut net, "ce.0", SITE, 65_020, 1);
        let next_hops = net.forwards("gw0.1", SITE);
        assert_eq!(
            next_hops,
            [ip("10.1.3.4"), ip("10.1.3.5")],
            "{preference:?}"
        );
    }
}
