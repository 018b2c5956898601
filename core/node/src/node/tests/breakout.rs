//! Classes that break out: whole nodes and forwarders give their packets back to the kernel, and the exit stays
//! while it is up.

use core::net::SocketAddrV4;
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use design::plan::{ClassConfig, ClassMatch};
use inet::packet;
use offload::Offload;

use super::batches::Kept;
use super::harness::{Device, Net};
use crate::{Decision, stub};

/// The hub's address in the overlay.
const HUB_LOOPBACK: &str = "172.16.0.1";
const FIRST: &str = "203.0.113.10";
const SECOND: &str = "203.0.114.10";

/// A site with two accesses to the internet and a hub; what goes to the partner's or the hub's addresses breaks out.
fn site() -> (Net, Device) {
    let mut hub = stub::nva("nva1.westeurope", 1, 1);
    let mut site = stub::cpe("cpe1.paris", 10, "10.10.0.0/24");
    stub::add_locator(&mut site, "second", stub::address(SECOND));
    stub::link_by(
        &mut site,
        &mut hub,
        (HomeHub, HomeSite),
        &[(0, 0, 10), (1, 0, 20)],
    );
    for config in [&mut site, &mut hub] {
        config.classes = vec![ClassConfig {
            name: "partner".to_owned(),
            matches: vec![ClassMatch {
                destinations: vec![stub::prefix("192.0.2.0/24"), stub::prefix("172.16.0.0/24")],
                ..ClassMatch::default()
            }],
            breakout: true,
            ..ClassConfig::default()
        }];
    }
    for locator in &mut site.locators {
        locator.internet = true;
    }
    let mut net = Net::default();
    net.add(hub);
    let site = net.add(site);
    net.run(Duration::from_secs(10));
    (net, site)
}

fn to(destination: &str) -> Vec<u8> {
    let from = SocketAddrV4::new(stub::address("10.10.0.5"), 4_000);
    let to = SocketAddrV4::new(stub::address(destination), 5_000);
    packet::udp(from, to, 64, b"hello")
}

#[test]
fn what_breaks_out_comes_back_to_the_kernel_as_it_was() {
    let (mut net, site) = site();
    assert_eq!(
        net.kernel_route(site, "0.0.0.0/0"),
        None,
        "the machine's own"
    );
    net.send_from_kernel(site, to("192.0.2.9"));
    assert_eq!(net.take_packets(site), [to("192.0.2.9")]);
    net.send_from_kernel(site, to("192.0.3.9"));
    let answers = net.take_packets(site);
    assert!(
        answers.iter().all(|packet| packet[9] == packet::ICMP),
        "no class: its sender is told that there is no way"
    );
    net.send_from_kernel(site, to(HUB_LOOPBACK));
    assert_eq!(net.take_packets(site).len(), 0, "the overlay leads there");

    let now = net.now;
    let (_, mut forwarders) = net.take(site).split();
    let (forwarder, mut kept) = (&mut forwarders[0], Kept::default());
    let bytes = to("192.0.2.9");
    let mut buffer = forwarder.buffer().expect("a buffer");
    buffer.room()[..bytes.len()].copy_from_slice(&bytes);
    buffer.set_len(bytes.len());
    forwarder.from_kernel(now, buffer, Offload::NONE, &mut kept);
    while forwarder.run(now, &mut kept) {}
    assert_eq!(kept.delivered, [(Offload::NONE, bytes)]);
    assert!(kept.batches.is_empty());
}

#[test]
fn the_exit_is_left_when_it_goes_down_and_kept_when_another_one_comes_back() {
    let (mut net, site) = site();
    let bytes = to("192.0.2.9");
    let flow = packet::Ipv4::parse(&bytes).expect("a packet").flow();
    let exit = |net: &Net| match net.node(site).explain(net.now, flow).decision {
        Decision::Breakout { interface } => interface,
        other => panic!("{other:?}"),
    };
    let hub = stub::address("198.51.100.1");
    let first = exit(&net);
    assert_ne!(first, "second");
    net.cut(stub::address(FIRST), hub, true);
    net.run(Duration::from_secs(3));
    assert_eq!(exit(&net), "second");
    net.cut(stub::address(FIRST), hub, false);
    net.run(Duration::from_secs(60));
    assert_eq!(exit(&net), "second", "flows stay where they are");
    net.cut(stub::address(SECOND), hub, true);
    net.run(Duration::from_secs(3));
    assert_eq!(exit(&net), first);
    net.cut(stub::address(FIRST), hub, true);
    net.run(Duration::from_secs(3));
    assert_eq!(
        exit(&net),
        first,
        "the internet may be there when the hub is not"
    );
}
