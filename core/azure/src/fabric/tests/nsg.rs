//! Network security groups.

use core::time::Duration;

use design::plan::{Direction, FabricConfig, NsgAddress, NsgConfig, NsgRuleConfig};
use inet::packet::TCP;

use super::world::{Got, World, config, ip, prefix, tcp, udp};
use crate::fabric::DropReason;

fn rule(name: &str, priority: u16, direction: Direction, allow: bool) -> NsgRuleConfig {
    NsgRuleConfig {
        name: name.to_owned(),
        priority,
        direction,
        allow,
        protocol: None,
        source: None,
        destination: None,
        ports: None,
    }
}

/// The base world with a group on the spoke's VM subnet.
fn with_group(rules: Vec<NsgRuleConfig>) -> FabricConfig {
    let mut config = config();
    config.nsgs.push(NsgConfig {
        name: "spoke".to_owned(),
        rules,
    });
    config.vnets[1].subnets[0].nsg = Some("spoke".to_owned());
    config
}

const DENIED: Got = Got::Dropped(DropReason::NsgDenied);

#[test]
fn default_rules_let_the_virtual_network_in_and_nothing_else() {
    let mut world = World::new(&with_group(Vec::new()));
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "10.2.0.4")).at(),
        "vm1.spoke"
    );
    assert_eq!(
        world.send("nva1.west", udp("172.20.1.10", "10.2.0.4")),
        DENIED
    );
}

#[test]
fn what_route_server_programmed_belongs_to_the_virtual_network() {
    let mut world = World::new(&with_group(Vec::new()));
    world.program_both("172.20.0.0/16", &["10.1.1.4"]);
    assert_eq!(
        world.send("nva1.west", udp("172.20.1.10", "10.2.0.4")).at(),
        "vm1.spoke"
    );
    assert_eq!(world.send("nva1.west", udp("84.0.0.1", "10.2.0.4")), DENIED);
}

#[test]
fn a_default_route_of_route_server_makes_everything_virtual_network() {
    let mut world = World::new(&with_group(Vec::new()));
    world.program_both("0.0.0.0/0", &["10.1.1.4"]);
    assert_eq!(
        world.send("nva1.west", udp("84.0.0.1", "10.2.0.4")).at(),
        "vm1.spoke"
    );
}

#[test]
fn the_lowest_priority_number_decides() {
    let deny = rule("deny", 200, Direction::In, false);
    let mut allow = rule("allow-https", 100, Direction::In, true);
    allow.protocol = Some(TCP);
    allow.ports = Some((443, 443));
    allow.source = Some(NsgAddress::Prefix(prefix("10.1.0.0/16")));
    let mut world = World::new(&with_group(vec![deny, allow]));
    assert_eq!(
        world
            .send("nva1.west", tcp("10.1.1.4", "10.2.0.4", 1, 443))
            .at(),
        "vm1.spoke"
    );
    assert_eq!(
        world.send("nva1.west", tcp("10.1.1.4", "10.2.0.4", 2, 444)),
        DENIED
    );
    assert_eq!(world.send("nva1.west", udp("10.1.1.4", "10.2.0.4")), DENIED);
}

#[test]
fn replies_pass_whatever_the_rules_say_until_the_connection_is_idle() {
    let deny = rule("deny", 100, Direction::In, false);
    let mut world = World::new(&with_group(vec![deny]));
    let flow = tcp("10.2.0.4", "10.1.1.4", 40_000, 443);
    assert_eq!(world.send("nva1.west", flow.reversed()), DENIED);
    assert_eq!(world.send("vm1.spoke", flow).at(), "nva1.west");
    assert_eq!(world.send("nva1.west", flow.reversed()).at(), "vm1.spoke");
    world.pass(Duration::from_secs(241));
    assert_eq!(world.send("nva1.west", flow.reversed()), DENIED);
}

#[test]
fn internet_rules_meet_what_is_not_virtual_network() {
    let mut deny = rule("no-internet", 100, Direction::Out, false);
    deny.destination = Some(NsgAddress::Internet);
    let mut world = World::new(&with_group(vec![deny]));
    assert_eq!(world.send("vm1.spoke", udp("10.2.0.4", "84.0.0.1")), DENIED);
    assert_eq!(
        world.send("vm1.spoke", udp("10.2.0.4", "10.1.1.4")).at(),
        "nva1.west"
    );
}

#[test]
fn inbound_rules_see_the_private_destination_of_translated_packets() {
    let mut config = with_group(Vec::new());
    let mut allow = rule("tunnels", 100, Direction::In, true);
    allow.destination = Some(NsgAddress::Prefix(prefix("10.1.1.4/32")));
    config.nsgs[0].rules = vec![allow];
    config.vnets[0].subnets[1].nsg = Some("spoke".to_owned());
    let mut world = World::new(&config);
    let got = world.send("cpe1.paris/wan0", udp("84.0.0.1", "20.0.0.1"));
    assert_eq!(
        (got.at(), got.flow().destination),
        ("nva1.west", ip("10.1.1.4"))
    );
}

#[test]
fn subnet_and_nic_must_both_allow() {
    let mut config = with_group(Vec::new());
    config.nsgs.push(NsgConfig {
        name: "nic".to_owned(),
        rules: vec![rule("deny", 100, Direction::In, false)],
    });
    let vm = config.nics.iter_mut().find(|nic| nic.device == "vm1.spoke");
    vm.expect("listed").nsg = Some("nic".to_owned());
    let mut world = World::new(&config);
    assert_eq!(world.send("nva1.west", udp("10.1.1.4", "10.2.0.4")), DENIED);
    assert_eq!(
        world.send("nva1.west", udp("10.1.1.4", "10.2.0.5")).at(),
        "vm2.spoke"
    );
    let said = world.fabric.explain(
        world.now,
        world.port("nva1.west"),
        udp("10.1.1.4", "10.2.0.4"),
    );
    let verdicts: Vec<_> = said
        .verdicts
        .iter()
        .map(|v| (v.group.as_str(), v.rule.as_deref(), v.allow))
        .collect();
    assert_eq!(
        verdicts,
        [
            ("spoke", Some("AllowVnetInBound"), true),
            ("nic", Some("deny"), false)
        ]
    );
}
