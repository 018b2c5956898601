//! Microsoft peering: whose prefixes are taken and which are told (3.8).

use design::plan::{Community, CustomerEdge, MicrosoftPeering, MseeConfig, TaggedPrefix};
use inet::Asn;

use super::world::{CUSTOMER, Hub, World, hub, interface, peer};
use crate::net::{Net, ip, prefix};

const EXCHANGE: Community = Community::new(12_076, 5_010);
const WEST_EUROPE: Community = Community::new(12_076, 51_002);
const NORTH_EUROPE: Community = Community::new(12_076, 51_003);

/// The session over the Microsoft peering, as the customer's router calls it.
const MSEE: &str = "msee0.0/ms";

fn add(msee: &mut MseeConfig, number: u8, route_filter: &[Community]) {
    let there = ip(&format!("172.29.100.{}", 2 + 4 * number));
    let here = ip(&format!("172.29.100.{}", 1 + 4 * number));
    msee.interfaces.push(interface("microsoft0", there, 30));
    let tagged = |text: &str, tags: &[Community]| TaggedPrefix {
        prefix: prefix(text),
        communities: tags.to_vec(),
    };
    msee.microsoft_peering = Some(MicrosoftPeering {
        edge: CustomerEdge {
            peer: peer("ce.0/ms".to_owned(), here, CUSTOMER),
            interface: "microsoft0".to_owned(),
            bfd: false,
            keepalive_s: 60,
            hold_time_s: 180,
        },
        customer_prefixes: vec![prefix("198.51.100.0/24")],
        prefixes: vec![
            tagged("20.50.0.0/16", &[WEST_EUROPE]),
            tagged("20.60.0.0/16", &[NORTH_EUROPE]),
            tagged("40.96.0.0/13", &[EXCHANGE, WEST_EUROPE]),
        ],
        route_filter: route_filter.to_vec(),
    });
}

fn net(route_filter: &[Community]) -> Net {
    let plain = Hub {
        nvas: Vec::new(),
        route_server: false,
        ..hub(1)
    };
    let mut world = World::new(&[plain]);
    for (number, msee) in (0..).zip(&mut world.msees) {
        add(msee, number, route_filter);
    }
    world.start()
}

fn heard(net: &Net) -> Vec<String> {
    let id = net.neighbor("ce.0", MSEE).id;
    let routes = net.devices["ce.0"].speaker().adj_in(id);
    routes.iter().map(|route| route.net.to_string()).collect()
}

#[test]
fn azure_3_8_nothing_is_announced_without_a_route_filter() {
    assert!(heard(&net(&[])).is_empty());
}

#[test]
fn azure_3_8_a_route_filter_names_the_communities_that_are_announced() {
    let west = net(&[WEST_EUROPE]);
    assert_eq!(heard(&west), ["20.50.0.0/16", "40.96.0.0/13"]);
    assert_eq!(heard(&net(&[EXCHANGE])), ["40.96.0.0/13"]);
    let told = west.told("ce.0", MSEE, "20.50.0.0/16").expect("told");
    assert_eq!(told.as_path.to_string(), "12076");
    assert_eq!(told.communities, [WEST_EUROPE.0]);
}

#[test]
fn azure_3_8_only_the_customers_own_prefixes_are_taken_and_no_default() {
    let mut net = net(&[]);
    for text in ["198.51.100.0/28", "203.0.113.0/24", "0.0.0.0/0"] {
        net.announce("ce.0", text);
    }
    let taken = |text| net.told("msee0.0", "ce.0/ms", text).is_some();
    assert!(taken("198.51.100.0/28"));
    assert!(!taken("203.0.113.0/24"));
    assert!(!taken("0.0.0.0/0"));
    assert_eq!(
        net.forwards("msee0.0", "198.51.100.0/28"),
        [ip("172.29.100.1")]
    );
}

#[test]
fn azure_3_8_private_ases_are_stripped_and_communities_ignored() {
    let mut net = net(&[]);
    net.announce_with("ce.0", "198.51.100.0/28", |route| {
        route.as_path = vec![Asn(65_021), Asn(3_320)];
        route.communities = vec![65_020 << 16 | 7];
    });
    let paths = net.devices["msee0.0"]
        .speaker()
        .paths(prefix("198.51.100.0/28"));
    assert_eq!(paths[0].attributes.as_path.to_string(), "3320");
    assert!(paths[0].attributes.communities.is_empty());
}

#[test]
fn azure_3_8_documentation_ases_are_not_allowed() {
    let mut net = net(&[]);
    net.announce_with("ce.0", "198.51.100.0/28", |route| {
        route.as_path = vec![Asn(64_500)];
    });
    assert!(net.told("msee0.0", "ce.0/ms", "198.51.100.0/28").is_none());
}

#[test]
fn azure_3_8_the_two_peerings_hear_nothing_of_each_other() {
    let mut net = net(&[WEST_EUROPE]);
    net.announce("ce.0", "198.51.100.0/28");
    let private = net.neighbor("ce.0", "msee0.0").id;
    let routes = net.devices["ce.0"].speaker().adj_in(private);
    let routes: Vec<String> = routes.iter().map(|route| route.net.to_string()).collect();
    assert_eq!(routes, ["10.1.0.0/16"]);
    assert!(!net.knows("gw0.1", "20.50.0.0/16"));
}

#[test]
fn azure_3_1_two_hundred_and_one_prefixes_end_the_session_of_the_microsoft_peering() {
    let mut net = net(&[]);
    let nth = |n: u32| format!("198.51.100.{n}/32");
    net.announce_all("ce.0", (0..200).map(nth));
    assert!(net.ended("msee0.0", "ce.0/ms").is_empty());
    net.announce_all("ce.0", (200..201).map(nth));
    assert!(!net.established("msee0.0", "ce.0/ms"));
    assert!(
        net.established("msee0.0", "ce.0"),
        "the private peering stands"
    );
}
