//! Classes of packets: the same wherever they are asked for, and learned from answers of DNS.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use design::plan::{ClassConfig, ClassMatch, NodeConfig, PrefixSet};
use inet::packet::{self, Ipv4};
use inet::{FiveTuple, Rng};
use offload::Offload;

use super::batches::Kept;
use super::harness::{Device, Net};
use crate::classifier::tests::{arb_classes, arb_flow, ref_class};
use crate::dns;
use crate::node::names::LINGER;
use crate::{Classifier, LocatorId, Node, stub};

/// A site, a hub and a site, with classes.
fn sites(classes: &[ClassConfig], sets: &[PrefixSet]) -> (Net, [Device; 3], [NodeConfig; 3]) {
    let mut hub = stub::nva("nva1.westeurope", 1, 1);
    let mut near = stub::cpe("cpe1.paris", 10, "10.10.0.0/24");
    let mut far = stub::cpe("cpe1.london", 20, "10.20.0.0/24");
    stub::link(&mut near, &mut hub, (HomeHub, HomeSite));
    stub::link(&mut far, &mut hub, (HomeHub, HomeSite));
    for config in [&mut hub, &mut near, &mut far] {
        config.classes = classes.to_vec();
        config.prefix_sets = sets.to_vec();
    }
    let configs = [near, hub, far];
    let mut net = Net::default();
    let devices = configs.clone().map(|config| net.add(config));
    net.run(Duration::from_secs(10));
    (net, devices, configs)
}

/// A packet of a flow with a code point, as kernels make them.
fn marked(flow: FiveTuple, dscp: u8) -> Vec<u8> {
    let source = SocketAddrV4::new(flow.source, flow.source_port);
    let destination = SocketAddrV4::new(flow.destination, flow.destination_port);
    let mut bytes = packet::udp(source, destination, 64, b"");
    bytes[1] = dscp << 2;
    bytes
}

/// A million packets get the same class by whole nodes (as simulations have them), by forwarders (as daemons have
/// them), by the classifier alone (as `longhaul classify` has it), and by the words of the plan.
#[test]
fn a_million_packets_have_one_class_everywhere() {
    let mut found = 0;
    for seed in 0..10 {
        let mut rng = Rng::new(seed);
        let (classes, sets) = arb_classes(&mut rng);
        let (mut net, devices, configs) = sites(&classes, &sets);
        let classifiers =
            configs.map(|config| Classifier::new(&config.classes, &config.prefix_sets));
        let [.., far] = devices;
        let split = net.take(far);
        let (control, forwarders) = split.split();
        let whole = [net.node(devices[0]), net.node(devices[1]), control.node()];
        let tables = whole.map(Node::tables);
        for _ in 0..100_000 {
            let flow = FiveTuple {
                protocol: packet::UDP,
                ..arb_flow(&mut rng)
            };
            let dscp = rng.below(64) as u8;
            let bytes = marked(flow, dscp);
            let view = Ipv4::parse(&bytes).expect("a packet");
            let expected = ref_class(&classes, &sets, flow, dscp);
            let place = |class: Option<crate::ClassId>| class.map(crate::ClassId::index);
            for tables in tables {
                assert_eq!(
                    place(tables.class_of(&view, view.flow())),
                    expected,
                    "{flow:?}"
                );
            }
            let forwarder = forwarders[0].tables();
            assert_eq!(
                place(forwarder.class_of(&view, view.flow())),
                expected,
                "{flow:?}"
            );
            for classifier in &classifiers {
                assert_eq!(classifier.class_of(flow, dscp, None), expected, "{flow:?}");
            }
            found += u32::from(expected.is_some());
        }
    }
    assert!(
        (100_000..1_000_000).contains(&found),
        "{found} have a class"
    );
}

/// A class of what is resolved from a domain.
fn office() -> ClassConfig {
    ClassConfig {
        name: "office".to_owned(),
        matches: vec![ClassMatch {
            domains: vec!["example.com".to_owned()],
            ..ClassMatch::default()
        }],
        ..ClassConfig::default()
    }
}

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 9);

/// The answer of a server in London to a host in Paris.
fn answer(name: &str, ttl: u32) -> Vec<u8> {
    let from = SocketAddrV4::new(stub::address("10.20.0.53"), 53);
    let to = SocketAddrV4::new(stub::address("10.10.0.5"), 4_000);
    let record: (&[u8], u16, u32, &[u8]) = (&[0xc0, 12], 1, ttl, &SERVER.octets());
    packet::udp(from, to, 64, &dns::tests::response(name, &[record]))
}

fn to_server() -> FiveTuple {
    FiveTuple {
        source: stub::address("10.10.0.5"),
        destination: SERVER,
        protocol: packet::TCP,
        source_port: 50_000,
        destination_port: 443,
    }
}

#[test]
fn a_site_learns_from_answers_to_its_hosts_and_forgets_when_they_have_run_out() {
    let (mut net, [near, hub, far], _) = sites(&[office()], &[]);
    let class = |net: &Net, at| net.node(at).explain(net.now, to_server()).class;
    assert_eq!(class(&net, near), None);
    net.send_from_kernel(far, answer("www.example.org", 60));
    net.run(Duration::from_secs(1));
    assert_eq!(net.node(near).names().count(), 0);
    net.send_from_kernel(far, answer("WWW.example.com", 60));
    net.run(Duration::from_secs(1));
    assert_eq!(class(&net, near).as_deref(), Some("office"));
    for other in [hub, far] {
        assert_eq!(
            net.node(other).names().count(),
            0,
            "it has no host that asked"
        );
    }
    let name = net.node(near).names().next().expect("a name");
    assert_eq!(
        (name.address, name.classes),
        (SERVER, vec!["office".to_owned()])
    );
    net.run(Duration::from_secs(30));
    net.send_from_kernel(far, answer("example.com", 60));
    net.run(LINGER + Duration::from_secs(59));
    assert_eq!(
        class(&net, near).as_deref(),
        Some("office"),
        "the second answer counts"
    );
    net.run(Duration::from_secs(2));
    assert_eq!(class(&net, near), None);
}

#[test]
fn forwarders_hear_answers_and_are_told_what_they_mean() {
    let (mut net, devices, _) = sites(&[office()], &[]);
    let now = net.now;
    let mut halves = devices.map(|device| {
        let (control, mut forwarders) = net.take(device).split();
        (control, forwarders.remove(0), Kept::default())
    });
    let bytes = answer("a.b.example.com", 60);
    let [
        (control, near, from_near),
        (_, hub, from_hub),
        (_, far, from_far),
    ] = &mut halves;
    let filled = |buffer: Option<crate::Buffer>, bytes: &[u8]| {
        let mut buffer = buffer.expect("a buffer");
        buffer.room()[..bytes.len()].copy_from_slice(bytes);
        buffer.set_len(bytes.len());
        buffer
    };
    let buffer = filled(far.buffer(), &bytes);
    far.from_kernel(now, buffer, Offload::NONE, from_far);
    while far.run(now, from_far) {}
    for (_, tos, segment, bytes) in from_far.batches.drain(..) {
        let from = SocketAddrV4::new(stub::address("203.0.113.20"), 51_820);
        let buffer = filled(hub.buffer(), &bytes);
        hub.from_underlay(now, LocatorId(0), (from, tos), buffer, segment, from_hub);
    }
    while hub.run(now, from_hub) {}
    for (_, tos, segment, bytes) in from_hub.batches.drain(..) {
        let from = SocketAddrV4::new(stub::address("203.0.113.1"), 51_820);
        let buffer = filled(near.buffer(), &bytes);
        near.from_underlay(now, LocatorId(0), (from, tos), buffer, segment, from_near);
    }
    assert_eq!(from_near.delivered.len(), 1, "the host gets its answer");
    let (mut out, mut orders) = (Vec::new(), Vec::new());
    for punt in from_near.punts.drain(..) {
        control.on_punt(now, punt, &mut out, &mut orders);
    }
    assert_eq!(near.tables().classify(to_server(), 0), None);
    for order in orders.drain(..) {
        near.apply(now, order.change, from_near);
    }
    assert!(near.tables().classify(to_server(), 0).is_some());
    assert_eq!(control.node().names().count(), 1);
}
