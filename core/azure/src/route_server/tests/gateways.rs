//! Gateways in the Route Server's VNet: branch-to-branch, AS_PATHs, routing preference (1.8 to 1.10).

use std::time::Duration;

use bgp::{Attributes, Origination};
use design::plan::{BranchKind, GatewayConfig, RouteServerConfig, RoutingPreference};
use inet::Asn;

use super::net::{Net, SERVER, config, ip, nva, nvas, prefix};
use crate::route_server::{Command, NVA_ROUTE};

const SITE: &str = "172.20.1.0/24";
const MSEE: &str = "10.1.3.4";
/// Places in the net: two NVAs, then the gateways.
const NVA: usize = 0;
const OTHER_NVA: usize = 1;
const ER: usize = 2;
const OTHER_ER: usize = 3;
const VPN: usize = 4;

fn gateway(name: &str, address: &str, kind: BranchKind) -> GatewayConfig {
    GatewayConfig {
        name: name.to_owned(),
        address: ip(address),
        kind,
    }
}

fn with_gateways() -> RouteServerConfig {
    let mut config = config(&nvas(&[65_001, 65_002]));
    config.gateways = vec![
        gateway("er0", "10.1.3.12", BranchKind::ExpressRoute),
        gateway("er1", "10.1.3.13", BranchKind::ExpressRoute),
        gateway("vpn0", "10.1.3.20", BranchKind::Vpn),
    ];
    config
}

fn net(change: impl Fn(&mut RouteServerConfig)) -> Net {
    let mut config = with_gateways();
    change(&mut config);
    let mut net = Net::new(config);
    net.settle();
    net
}

fn through(next_hop: &'static str, path: &'static [u32]) -> impl Fn(&mut Origination) {
    move |route| {
        route.next_hop = Some(ip(next_hop).into());
        route.as_path = path.iter().copied().map(Asn).collect();
    }
}

/// A customer's route as a gateway learned it from the MSEE.
fn circuit(net: &mut Net, gateway: usize, text: &str) {
    net.announce_with(gateway, text, through(MSEE, &[12_076, 65_020]));
}

fn branch(net: &mut Net, text: &str) {
    net.announce_with(VPN, text, through("10.1.3.20", &[65_000]));
}

fn told(net: &Net, member: usize, text: &str) -> Option<Attributes> {
    let all = net.told(member);
    let found = all.into_iter().find(|(known, _)| *known == prefix(text));
    found.map(|(_, attributes)| attributes)
}

#[test]
fn azure_1_9_gateways_are_internal_peers_whose_routes_are_known_and_programmed() {
    let mut net = net(|_| {});
    circuit(&mut net, ER, SITE);
    assert_eq!(net.programmed(SITE), [ip(MSEE)]);
    let (er, _) = net.server().members().nth(ER).expect("a gateway");
    let learned: Vec<_> = net.server().learned_from(er).collect();
    assert_eq!(learned[0].attributes.as_path.to_string(), "12076 65020");
}

#[test]
fn azure_9_gateway_routes_can_depend_on_branch_to_branch() {
    let mut net = net(|config| config.choices.gateway_routes_always = false);
    circuit(&mut net, ER, SITE);
    assert!(net.programmed(SITE).is_empty());
    net.command(Command::BranchToBranch(true));
    assert_eq!(net.programmed(SITE), [ip(MSEE)]);
}

/// Who hears of a route of whom, with branch-to-branch and without: the table of section 1.9.
#[test]
fn azure_1_9_branch_to_branch_gates_every_direction() {
    for (on, heard) in [(false, false), (true, true)] {
        let mut net = net(|config| config.branch_to_branch = on);
        net.announce(NVA, "172.20.1.0/24");
        circuit(&mut net, ER, "172.20.2.0/24");
        branch(&mut net, "172.20.3.0/24");
        let directions = [
            (OTHER_NVA, "172.20.1.0/24"),
            (ER, "172.20.1.0/24"),
            (VPN, "172.20.1.0/24"),
            (NVA, "172.20.2.0/24"),
            (VPN, "172.20.2.0/24"),
            (OTHER_ER, "172.20.2.0/24"),
            (NVA, "172.20.3.0/24"),
            (ER, "172.20.3.0/24"),
        ];
        for (listener, text) in directions {
            let says = format!("{text} at {listener} with branch-to-branch {on}");
            assert_eq!(told(&net, listener, text).is_some(), heard, "{says}");
        }
        assert!(
            told(&net, NVA, "10.1.0.0/16").is_some(),
            "address space always"
        );
        assert!(told(&net, NVA, "172.20.1.0/24").is_none(), "not back");
        assert!(told(&net, ER, "172.20.2.0/24").is_none(), "not back");
        assert!(told(&net, ER, "10.1.0.0/16").is_none(), "gateways know it");
    }
}

#[test]
fn azure_1_8_as_paths_are_those_of_the_captures() {
    let mut net = net(|config| config.branch_to_branch = true);
    net.announce(OTHER_NVA, "172.20.1.0/24");
    circuit(&mut net, ER, "172.20.2.0/24");
    branch(&mut net, "172.20.3.0/24");
    net.announce_with(ER, "172.20.4.0/24", through(MSEE, &[12_076, 12_076]));
    let path = |text| {
        let route = told(&net, NVA, text).expect("told");
        assert_eq!(route.next_hop, SERVER, "{text}");
        route.as_path.to_string()
    };
    assert_eq!(path("10.1.0.0/16"), "65515");
    assert_eq!(path("172.20.1.0/24"), "65515 65002");
    assert_eq!(path("172.20.2.0/24"), "65515 12076 65020");
    assert_eq!(path("172.20.3.0/24"), "65515 65000");
    assert_eq!(path("172.20.4.0/24"), "65515 12076 12076");
}

#[test]
fn azure_1_7_a_third_party_next_hop_survives_to_the_gateway_with_the_as_path_unchanged() {
    let mut net = net(|config| config.branch_to_branch = true);
    net.announce_with(NVA, SITE, |route| {
        route.next_hop = Some(ip("10.1.1.100").into());
    });
    for listener in [ER, OTHER_ER, VPN] {
        let route = told(&net, listener, SITE).expect("told");
        assert_eq!(route.next_hop, ip("10.1.1.100"));
        assert_eq!(route.as_path.to_string(), "65001");
        assert_eq!(route.local_pref, Some(100));
    }
}

#[test]
fn azure_1_9_nva_routes_at_an_expressroute_gateway_carry_65517_65517() {
    let mut net = net(|config| config.branch_to_branch = true);
    net.announce(NVA, SITE);
    let tags = |listener| told(&net, listener, SITE).expect("told").communities;
    assert_eq!(tags(ER), [NVA_ROUTE]);
    assert_eq!(tags(VPN).len() + tags(OTHER_NVA).len(), 0);
}

#[test]
fn azure_1_9_a_default_route_of_an_nva_leaks_to_expressroute() {
    let mut net = net(|config| config.branch_to_branch = true);
    net.announce(NVA, "0.0.0.0/0");
    assert!(told(&net, ER, "0.0.0.0/0").is_some());
    net.command(Command::BranchToBranch(false));
    assert!(told(&net, ER, "0.0.0.0/0").is_none());
    assert_eq!(net.programmed("0.0.0.0/0"), [nva(0)]);
}

#[test]
fn azure_1_5_no_advertise_goes_to_no_gateway() {
    let mut net = net(|config| config.branch_to_branch = true);
    net.announce_tagged(NVA, SITE, 0xffff_ff02);
    assert_eq!(net.programmed(SITE), [nva(0)]);
    for listener in [OTHER_NVA, ER, VPN] {
        assert!(told(&net, listener, SITE).is_none());
    }
}

#[test]
fn azure_1_5_a_path_with_65515_is_discarded_from_a_gateway_too() {
    let mut net = net(|_| {});
    net.announce_with(ER, SITE, through(MSEE, &[12_076, 65_515]));
    assert!(net.programmed(SITE).is_empty());
}

#[test]
fn azure_1_10_expressroute_first_whatever_the_length_of_as_path() {
    let mut net = net(|_| {});
    net.announce(NVA, SITE);
    branch(&mut net, SITE);
    circuit(&mut net, ER, SITE);
    assert_eq!(net.programmed(SITE), [ip(MSEE)]);
}

#[test]
fn azure_1_10_vpn_gateway_first_puts_vpn_and_nvas_before_expressroute() {
    let mut net = net(|config| config.routing_preference = RoutingPreference::VpnGateway);
    circuit(&mut net, ER, SITE);
    assert_eq!(net.programmed(SITE), [ip(MSEE)]);
    net.announce_with(NVA, SITE, |route| route.as_path = vec![Asn(65_001); 4]);
    assert_eq!(net.programmed(SITE), [nva(0)], "longer, yet preferred");
    branch(&mut net, SITE);
    assert_eq!(
        net.programmed(SITE),
        [ip("10.1.3.20")],
        "shorter inside the class"
    );
}

#[test]
fn azure_1_10_as_path_has_no_preference_of_class() {
    let mut net = net(|config| config.routing_preference = RoutingPreference::AsPath);
    circuit(&mut net, ER, SITE);
    net.announce(NVA, SITE);
    assert_eq!(net.programmed(SITE), [nva(0)]);
    net.announce_with(NVA, SITE, |route| route.as_path = vec![Asn(65_001); 2]);
    assert_eq!(net.programmed(SITE), [ip(MSEE)]);
}

#[test]
fn azure_1_10_a_more_specific_prefix_of_an_nva_is_programmed_beside_expressroute() {
    let mut net = net(|_| {});
    circuit(&mut net, ER, "172.20.0.0/16");
    net.announce(NVA, SITE);
    assert_eq!(net.programmed(SITE), [nva(0)]);
    assert_eq!(net.programmed("172.20.0.0/16"), [ip(MSEE)]);
}

#[test]
fn azure_1_10_the_preference_can_be_switched_while_sessions_stand() {
    let mut net = net(|_| {});
    circuit(&mut net, ER, SITE);
    net.announce(NVA, SITE);
    net.command(Command::RoutingPreference(RoutingPreference::VpnGateway));
    assert_eq!(net.programmed(SITE), [nva(0)]);
    assert_eq!(net.ended(), 0);
}

#[test]
fn azure_1_9_expressroute_multipath_is_gone_with_a_route_server() {
    let other = "10.1.3.5";
    let both = |net: &mut Net| {
        circuit(net, ER, SITE);
        net.announce_with(OTHER_ER, SITE, through(other, &[12_076, 65_021]));
    };
    let mut one = net(|_| {});
    both(&mut one);
    assert_eq!(one.programmed(SITE).len(), 1);
    let mut two = net(|config| config.choices.expressroute_multipath = true);
    both(&mut two);
    assert_eq!(two.programmed(SITE), [ip(MSEE), ip(other)]);
}

fn fail_and_recover(prepended: usize, sticky: bool) -> Vec<core::net::Ipv4Addr> {
    let mut net = net(|config| config.choices.sticky_failback = sticky);
    circuit(&mut net, ER, SITE);
    net.announce_with(NVA, SITE, |route| {
        route.as_path = vec![Asn(65_001); prepended]
    });
    assert_eq!(net.programmed(SITE), [ip(MSEE)]);
    net.withdraw(ER, SITE);
    assert_eq!(net.programmed(SITE), [nva(0)]);
    circuit(&mut net, ER, SITE);
    net.programmed(SITE)
}

#[test]
fn azure_1_10_failback_sticks_to_the_backup_unless_it_was_prepended() {
    assert_eq!(fail_and_recover(0, true), [nva(0)]);
    assert_eq!(fail_and_recover(3, true), [ip(MSEE)]);
    assert_eq!(fail_and_recover(0, false), [ip(MSEE)]);
}

#[test]
fn azure_1_10_a_prefix_that_came_back_to_expressroute_is_preferred_there_again() {
    let mut net = net(|config| config.choices.sticky_failback = true);
    circuit(&mut net, ER, SITE);
    net.announce(NVA, SITE);
    net.withdraw(ER, SITE);
    circuit(&mut net, ER, SITE);
    assert_eq!(net.programmed(SITE), [nva(0)]);
    net.withdraw(NVA, SITE);
    assert_eq!(net.programmed(SITE), [ip(MSEE)]);
    net.announce(NVA, SITE);
    assert_eq!(net.programmed(SITE), [ip(MSEE)]);
}

#[test]
fn azure_1_1_gateways_come_and_go_at_run_time() {
    let mut net = net(|_| {});
    circuit(&mut net, ER, SITE);
    net.command(Command::RemoveGateway(ip("10.1.3.12")));
    assert!(net.programmed(SITE).is_empty());
    net.command(Command::AddGateway(gateway(
        "er0",
        "10.1.3.12",
        BranchKind::ExpressRoute,
    )));
    net.pass(Duration::from_secs(120));
    assert_eq!(net.programmed(SITE), [ip(MSEE)]);
    net.command(Command::AddGateway(gateway(
        "er9",
        "10.2.3.12",
        BranchKind::ExpressRoute,
    )));
    assert_eq!(net.refused().len(), 1, "in another VNet");
}

#[test]
fn azure_1_10_equal_paths_of_nvas_and_vpn_gateways_share() {
    let mut net = net(|_| {});
    branch(&mut net, SITE);
    net.announce(NVA, SITE);
    net.announce(OTHER_NVA, SITE);
    assert_eq!(net.programmed(SITE), [nva(0), nva(1), ip("10.1.3.20")]);
}

#[test]
fn azure_1_10_expressroute_breaks_ties_when_chosen_as_virtual_wan_has_it() {
    let equal = |ties| {
        let mut net = net(|config| {
            config.routing_preference = RoutingPreference::AsPath;
            config.choices.expressroute_breaks_ties = ties;
        });
        circuit(&mut net, ER, SITE);
        net.announce_with(NVA, SITE, |route| route.as_path = vec![Asn(65_001)]);
        net.programmed(SITE)
    };
    assert_eq!(equal(false), [nva(0), ip(MSEE)]);
    assert_eq!(equal(true), [ip(MSEE)]);
}

#[test]
fn azure_1_10_static_routes_of_a_gateway_come_first_where_the_text_of_2023_holds() {
    let chosen = |on| {
        let mut net = net(|config| config.choices.static_before_bgp = on);
        circuit(&mut net, ER, SITE);
        net.announce_with(VPN, SITE, through("10.1.3.20", &[]));
        net.programmed(SITE)
    };
    assert_eq!(chosen(false), [ip(MSEE)]);
    assert_eq!(chosen(true), [ip("10.1.3.20")]);
}
