//! Paths and links: how they come up, how their loss is noticed, how they come back.

use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite, Hub};
use design::plan::Liveness;
use inet::Instant;

use super::harness::{Device, Net};
use crate::{Event, stub};

const SECOND: Duration = Duration::from_secs(1);

/// A CPE with two underlays of different preference, and its hub.
fn two_paths() -> (Net, Device, Device) {
    let mut cpe = stub::cpe("cpe1.paris", 10, "10.1.0.0/24");
    stub::add_locator(&mut cpe, "wan1", stub::address("192.0.2.10"));
    let mut nva = stub::nva("nva1.westeurope", 1, 1);
    let paths = [(0, 0, 20), (1, 0, 10)];
    stub::link_by(&mut cpe, &mut nva, (HomeHub, HomeSite), &paths);
    let mut net = Net::default();
    let (cpe, nva) = (net.add(cpe), net.add(nva));
    (net, cpe, nva)
}

fn last_change(net: &Net, device: Device, wanted: fn(&Event) -> bool) -> Instant {
    let events = net.events(device).iter().rev();
    let mut found = events.filter(|(_, event)| wanted(event));
    found.next().expect("such an event").0
}

#[test]
fn both_paths_come_up_at_both_ends_and_are_measured() {
    let (mut net, cpe, nva) = two_paths();
    net.run(SECOND);
    assert!(net.node(cpe).links(net.now)[0].up && net.node(nva).links(net.now)[0].up);
    net.run(SECOND * 15);
    for device in [cpe, nva] {
        let links = net.node(device).links(net.now);
        assert!(links[0].up && links[0].paths.iter().all(|path| path.up));
        for path in &links[0].paths {
            let probe = path.probe.expect("a probed path");
            let rtt = probe.rtt.expect("replies");
            assert_eq!(rtt.avg, Duration::from_millis(20));
            assert_eq!(probe.lost, 0);
        }
    }
}

#[test]
fn a_cut_path_is_left_within_a_second_and_the_link_stays_up() {
    let (mut net, cpe, nva) = two_paths();
    net.run(SECOND * 2);
    let (mpls, hub) = (stub::address("192.0.2.10"), stub::address("198.51.100.1"));
    net.cut(mpls, hub, true);
    let cut = net.now;
    net.run(SECOND * 2);
    for device in [cpe, nva] {
        let link = &net.node(device).links(net.now)[0];
        assert!(link.up && link.paths[0].up && !link.paths[1].up);
        let down = last_change(&net, device, |event| matches!(event, Event::PathDown(_)));
        assert!(down.since(cut) <= SECOND, "{down} after {cut}");
        let went = |event: &Event| matches!(event, Event::LinkDown(_));
        assert!(!net.events(device).iter().any(|(_, event)| went(event)));
    }
}

#[test]
fn a_healed_cut_brings_the_link_back_within_two_seconds() {
    let (mut net, cpe, nva) = two_paths();
    net.run(SECOND * 2);
    let hub = stub::address("198.51.100.1");
    let wans = [stub::address("192.0.2.10"), stub::address("203.0.113.10")];
    for wan in wans {
        net.cut(wan, hub, true);
    }
    net.run(SECOND * 30);
    assert!(!net.node(cpe).links(net.now)[0].up && !net.node(nva).links(net.now)[0].up);
    for wan in wans {
        net.cut(wan, hub, false);
    }
    let healed = net.now;
    net.run(SECOND * 5);
    for device in [cpe, nva] {
        let up = last_change(&net, device, |event| matches!(event, Event::LinkUp(_)));
        assert!(up.since(healed) <= SECOND * 2, "{up} after {healed}");
    }
}

#[test]
fn a_hub_that_lost_its_keys_is_back_soon_after_its_restart() {
    let (mut net, cpe, nva) = two_paths();
    net.run(SECOND * 2);
    net.kill(nva);
    net.run(SECOND * 10);
    assert!(!net.node(cpe).links(net.now)[0].up);
    net.restart(nva);
    net.run(SECOND * 3);
    assert!(net.node(cpe).links(net.now)[0].up && net.node(nva).links(net.now)[0].up);
}

#[test]
fn a_plain_peer_is_up_while_its_session_is_and_its_routes_are_there() {
    let mut a = stub::nva("nva1.westeurope", 1, 1);
    let mut b = stub::nva("wg1.lyon", 2, 2);
    stub::link(&mut a, &mut b, (HomeSite, Hub));
    for (config, behind) in [(&mut a, "10.77.0.0/24"), (&mut b, "10.0.0.0/8")] {
        config.summaries.clear();
        let link = &mut config.links[0];
        link.loopback = None;
        link.static_routes = vec![stub::prefix(behind)];
        link.paths[0].liveness = Liveness::Handshake;
    }
    let mut net = Net::default();
    let (nva, peer) = (net.add(a), net.add(b));
    net.run(SECOND);
    assert!(net.node(nva).links(net.now)[0].up && net.node(peer).links(net.now)[0].up);
    assert!(net.kernel_route(nva, "10.77.0.0/24").is_some());
    net.kill(peer);
    net.run(SECOND * 300);
    assert!(!net.node(nva).links(net.now)[0].up);
    assert!(net.kernel_route(nva, "10.77.0.0/24").is_none());
}

#[test]
fn the_same_inputs_give_the_same_events() {
    let run = || {
        let (mut net, cpe, nva) = two_paths();
        net.run(SECOND * 3);
        net.kill(nva);
        net.run(SECOND * 3);
        format!("{:?}", net.events(cpe))
    };
    assert_eq!(run(), run());
}

#[test]
fn a_path_that_swallows_long_packets_carries_shorter_ones_and_says_so() {
    let (mut net, cpe, nva) = two_paths();
    net.run(SECOND * 2);
    // 1,400 octets outside: 1,340 inside, of which 1,328 are whole blocks of 16.
    net.swallow(1_372);
    net.run(SECOND * 60);
    for device in [cpe, nva] {
        let found = last_change(&net, device, |event| {
            matches!(
                event,
                Event::PathMtu {
                    octets: 1_313..=1_340,
                    ..
                }
            )
        });
        assert!(found <= Instant::ZERO + SECOND * 62);
        let shown = &net.node(device).links(net.now)[0].paths[0];
        assert!((1_313..=1_340).contains(&shown.mtu), "{}", shown.mtu);
    }
    let from = std::net::SocketAddrV4::new(stub::address("10.1.0.5"), 1);
    let to = std::net::SocketAddrV4::new(stub::address("172.16.0.1"), 2);
    let long = inet::packet::udp(from, to, 64, &[0; 1_330]);
    net.send_from_kernel(cpe, long);
    net.run(SECOND);
    let refusals = net.take_packets(cpe);
    assert_eq!((refusals[0][20], refusals[0][21]), (3, 4));
    let short = inet::packet::udp(from, to, 64, &[0; 1_290]);
    net.send_from_kernel(cpe, short);
    net.run(SECOND);
    assert_eq!(net.take_packets(nva).len(), 1);
}
