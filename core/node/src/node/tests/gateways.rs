//! Two CPEs of one site: who is the hosts' gateway.

use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};

use super::harness::{Device, Net};
use crate::{Command, stub};

const SECOND: Duration = Duration::from_secs(1);

/// A hub and two CPEs on one LAN; the first has the higher priority.
fn site() -> (Net, [Device; 2]) {
    let mut nva = stub::nva("nva1.westeurope", 1, 1);
    let mut cpes = [10, 11].map(|number| {
        let name = format!("cpe{number}.paris");
        stub::cpe(&name, number, "10.1.0.0/24")
    });
    for (cpe, priority) in cpes.iter_mut().zip([200, 100]) {
        stub::add_vrrp(cpe, priority);
        stub::link(cpe, &mut nva, (HomeHub, HomeSite));
    }
    let mut net = Net::default();
    net.add(nva);
    let cpes = cpes.map(|cpe| net.add(cpe));
    (net, cpes)
}

fn gateway(net: &Net, cpes: [Device; 2]) -> [bool; 2] {
    cpes.map(|cpe| !net.virtual_addresses(cpe).is_empty())
}

#[test]
fn the_cpe_of_higher_priority_is_the_gateway() {
    let (mut net, cpes) = site();
    net.run(SECOND * 5);
    assert_eq!(gateway(&net, cpes), [true, false]);
    let (_, view) = net.node(cpes[0]).gateways().next().expect("a gateway");
    assert!(view.active && view.priority == 200);
}

#[test]
fn a_dead_gateway_is_replaced_within_a_second() {
    let (mut net, cpes) = site();
    net.run(SECOND * 5);
    net.kill(cpes[0]);
    net.run(SECOND);
    assert_eq!(gateway(&net, cpes), [false, true]);
}

#[test]
fn a_gateway_that_loses_all_hubs_hands_over_within_two_seconds() {
    let (mut net, cpes) = site();
    net.run(SECOND * 5);
    net.cut(
        stub::address("203.0.113.10"),
        stub::address("198.51.100.1"),
        true,
    );
    net.run(SECOND * 2);
    assert_eq!(gateway(&net, cpes), [false, true]);
    net.cut(
        stub::address("203.0.113.10"),
        stub::address("198.51.100.1"),
        false,
    );
    net.run(SECOND * 5);
    assert_eq!(gateway(&net, cpes), [true, false]);
}

#[test]
fn a_gateway_that_shuts_down_hands_over_in_a_moment() {
    let (mut net, cpes) = site();
    net.run(SECOND * 5);
    let text = "maintenance".to_owned();
    net.command(cpes[0], Command::Shutdown { text });
    net.run(Duration::from_millis(300));
    assert_eq!(gateway(&net, cpes), [false, true]);
}
