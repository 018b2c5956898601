//! Configurations that do not fit are refused with every field and reason.

use design::plan::{ClassConfig, ClassMatch, LinkRole, Liveness};
use inet::Asn;

use super::*;
use crate::stub;

fn pair() -> (NodeConfig, NodeConfig) {
    let mut cpe = stub::cpe("cpe1.paris", 10, "10.1.0.0/24");
    let mut nva = stub::nva("nva1.westeurope", 1, 1);
    stub::link(&mut cpe, &mut nva, (LinkRole::HomeHub, LinkRole::HomeSite));
    stub::add_vrrp(&mut cpe, 100);
    stub::add_route_server(&mut nva, "rs0.westeurope", stub::address("10.9.0.4"));
    (cpe, nva)
}

/// What is said about a configuration with one thing changed.
fn complaint(mut config: NodeConfig, change: impl FnOnce(&mut NodeConfig)) -> String {
    change(&mut config);
    let secrets = stub::secrets(&config);
    Settings::new(&config, &secrets).map_or_else(|errors| errors.to_string(), |_| String::new())
}

#[test]
fn a_good_configuration_is_accepted() {
    let (cpe, nva) = pair();
    assert_eq!(complaint(cpe, |_| {}), "");
    assert_eq!(complaint(nva, |_| {}), "");
}

#[test]
fn each_corrupted_field_of_a_class_is_named_with_its_reason() {
    let change = |change: fn(&mut ClassConfig)| {
        complaint(pair().0, |config| {
            let mut class = ClassConfig {
                name: "voice".to_owned(),
                matches: vec![ClassMatch::default()],
                underlays: vec![vec!["mpls".to_owned()], vec!["internet".to_owned()]],
                ..ClassConfig::default()
            };
            change(&mut class);
            config.classes.push(class);
        })
    };
    assert_eq!(change(|_| {}), "");
    assert_eq!(change(|c| c.name.clear()), "classes[0].name is empty");
    assert_eq!(change(|c| c.matches.clear()), "classes[0].matches is empty");
    assert_eq!(
        change(|c| c.matches[0].dscp = vec![64]),
        "classes[0].matches[0].dscp must be from 0 to 63"
    );
    assert_eq!(
        change(|c| c.matches[0].ports = Some((20, 10))),
        "classes[0].matches[0].ports must be from 20 to 65535"
    );
    assert_eq!(
        change(|c| c.underlays.push(vec!["mpls".to_owned()])),
        "classes[0].underlays is there twice"
    );
}

#[test]
fn each_corrupted_field_of_a_cpe_is_named_with_its_reason() {
    let change = |change: fn(&mut NodeConfig)| complaint(pair().0, change);
    assert_eq!(
        change(|c| c.asn = Asn(70_000)),
        "asn must be at most 65535, since route origins carry it"
    );
    assert_eq!(
        change(|c| c.loopback = stub::address("224.0.0.1")),
        "loopback is not the address of a host"
    );
    assert_eq!(change(|c| c.mtu = 100), "mtu must be from 576 to 8920");
    assert_eq!(
        change(|c| c.probe.dead_after_ms = 150),
        "probe.dead_after_ms must be longer than the interval"
    );
    assert_eq!(
        change(|c| c.locators[0].interface = "wan7".into()),
        "locators[0].interface names \"wan7\", which is not there"
    );
    assert_eq!(
        change(|c| c.locators[0].public_key = "x".into()),
        "locators[0].public_key is not a key of 32 octets in base64"
    );
    assert_eq!(
        change(|c| c.locators[0].public_key = stub::key("y").public_key().to_string()),
        "locators[0].public_key does not belong to the private key beside the configuration"
    );
    assert_eq!(
        change(|c| c.links[0].paths[0].local = "cpe1.paris/mpls".into()),
        "links[0].paths[0].local names \"cpe1.paris/mpls\", which is not there"
    );
    assert_eq!(
        change(|c| c.links[0].paths[0].endpoint = None),
        "links[0].paths[0].endpoint must be given when this side initiates"
    );
    assert_eq!(
        change(|c| c.links[0].role = LinkRole::Twin),
        "links[0].role is nothing that a CPE has"
    );
    assert_eq!(
        change(|c| c.links.push(c.links[0].clone())),
        "links[1].neighbor is there twice\nlinks[1].loopback is there twice\n\
         links[1].paths[0].public_key is there twice"
    );
    assert_eq!(
        change(|c| c.lans[0].vrrp.as_mut().expect("VRRP").priority = 0),
        "lans[0].vrrp.priority must be from 1 to 254"
    );
    assert_eq!(
        change(
            |c| c.lans[0].vrrp.as_mut().expect("VRRP").virtual_address = stub::address("10.1.0.10")
        ),
        "lans[0].vrrp.virtual_address is the node's own address"
    );
    assert_eq!(
        change(|c| c.lans[0].prefix = stub::prefix("10.2.0.0/24")),
        "lans[0].prefix is not an address of the LAN\n\
         lans[0].vrrp.virtual_address is not an address of the LAN"
    );
}

#[test]
fn each_corrupted_field_of_an_nva_is_named_with_its_reason() {
    let change = |change: fn(&mut NodeConfig)| complaint(pair().1, change);
    assert_eq!(
        change(|c| c.route_servers[0].asn = c.asn),
        "route_servers[0].asn is the overlay's own AS"
    );
    assert_eq!(
        change(|c| c.interfaces[0].default_route_metric = None),
        "route_servers needs an interface with a default route"
    );
    assert_eq!(
        change(|c| c.links[0].loopback = None),
        "links[0].static_routes is empty\nlinks[0].paths[0].liveness needs the neighbour's loopback"
    );
    assert_eq!(
        change(|c| c.links[0].static_routes = vec![stub::prefix("10.7.0.0/24")]),
        "links[0].static_routes are only for a neighbour without a loopback"
    );
    assert_eq!(
        change(|c| {
            c.links[0].loopback = None;
            c.links[0].static_routes = vec![stub::prefix("10.7.0.0/24")];
            c.links[0].paths[0].liveness = Liveness::Handshake;
        }),
        ""
    );
    assert_eq!(change(|c| c.prepend = 11), "prepend must be from 0 to 10");
}

#[test]
fn a_locator_without_its_private_key_is_refused() {
    let errors = Settings::new(&pair().0, &Secrets::default()).expect_err("no key");
    assert_eq!(
        errors.to_string(),
        "locators[0] has no private key beside the configuration"
    );
}

#[test]
fn all_faults_are_reported_in_one_run() {
    let text = complaint(pair().0, |c| {
        c.name.clear();
        c.mtu = 1;
        c.links[0].paths.clear();
    });
    assert_eq!(text.lines().count(), 3, "{text}");
}
