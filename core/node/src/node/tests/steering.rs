//! Application classes over a site's MPLS and internet paths, in both directions.

use core::net::SocketAddrV4;
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use design::plan::{ClassConfig, ClassMatch, NodeConfig, OtherwiseConfig, SlaConfig};
use inet::FiveTuple;
use inet::packet::{self, UDP};

use super::harness::{Device, Net};
use crate::{ChoiceReason, Decision, DropReason, Event, stub};

const SECOND: Duration = Duration::from_secs(1);
/// For how long voice stays away from a path that failed.
const HOLD: Duration = Duration::from_secs(60);
/// Expedited forwarding (RFC 3246).
const EF: u8 = 46;

fn class(name: &str, one: ClassMatch, underlays: &[&[&str]]) -> ClassConfig {
    let names = |group: &&[&str]| group.iter().map(|name| (*name).to_owned()).collect();
    ClassConfig {
        name: name.to_owned(),
        matches: vec![one],
        sla: Some(SlaConfig {
            rtt_us: 150_000,
            jitter_us: 30_000,
            loss_ppm: 10_000,
        }),
        underlays: underlays.iter().map(names).collect(),
        ..ClassConfig::default()
    }
}

fn voice() -> ClassConfig {
    let one = ClassMatch {
        dscp: vec![EF],
        ..ClassMatch::default()
    };
    class("voice", one, &[&["mpls"], &["internet"]])
}

/// A backup service on port 9000 over the internet.
fn bulk() -> ClassConfig {
    let one = ClassMatch {
        protocol: Some(UDP),
        ports: Some((9_000, 9_000)),
        ..ClassMatch::default()
    };
    class("bulk", one, &[&["internet"], &["mpls"]])
}

/// A site with MPLS (preferred by what is of no class) and internet, and its hub.
struct Site {
    net: Net,
    nva: Device,
    cpe: Device,
}

impl Site {
    fn new(classes: &[ClassConfig]) -> Self {
        let mut nva = stub::nva("nva1.westeurope", 1, 1);
        let mut cpe = stub::cpe("cpe1.paris", 10, "10.10.0.0/24");
        stub::add_locator(&mut cpe, "wan1", stub::address("203.0.114.10"));
        for (locator, underlay) in [(0, "mpls"), (1, "internet")] {
            rename(&mut cpe, locator, underlay);
        }
        let paths = [(0, 0, 10), (1, 0, 20)];
        stub::link_by(&mut cpe, &mut nva, (HomeHub, HomeSite), &paths);
        let mut net = Net::default();
        nva.classes = classes.to_vec();
        cpe.classes = classes.to_vec();
        let (nva, cpe) = (net.add(nva), net.add(cpe));
        net.run(SECOND * 5);
        Self { net, nva, cpe }
    }

    /// The underlay that a packet takes, at either end.
    fn underlay(&self, device: Device, flow: FiveTuple, dscp: u8) -> Option<String> {
        let said = self
            .net
            .node(device)
            .explain_marked(self.net.now, flow, dscp);
        let Decision::Tunnel { path, .. } = said.decision else {
            return None;
        };
        let choice = said.paths.iter().find(|choice| choice.path == path)?;
        let name = if device == self.cpe {
            &choice.local
        } else {
            &choice.remote
        };
        name.rsplit('/').next().map(str::to_owned)
    }

    /// Both directions of a flow from the site to an address that the hub has.
    fn both(&self, flow: FiveTuple, dscp: u8) -> [Option<String>; 2] {
        [
            self.underlay(self.cpe, flow, dscp),
            self.underlay(self.nva, flow.reversed(), dscp),
        ]
    }

    fn cut_mpls(&mut self, is_cut: bool) {
        let (a, b) = (stub::address("203.0.113.10"), stub::address("198.51.100.1"));
        self.net.cut(a, b, is_cut);
    }
}

/// Gives a locator the name of its underlay, with the key that belongs to it.
fn rename(cpe: &mut NodeConfig, locator: usize, underlay: &str) {
    let locator = &mut cpe.locators[locator];
    locator.name = format!("cpe1.paris/{underlay}");
    underlay.clone_into(&mut locator.underlay);
    locator.public_key = stub::key(&locator.name).public_key().to_string();
}

fn udp(source_port: u16, destination_port: u16) -> FiveTuple {
    FiveTuple {
        source: stub::address("10.10.0.5"),
        destination: stub::address("172.16.0.1"),
        protocol: UDP,
        source_port,
        destination_port,
    }
}

fn both(underlay: &str) -> [Option<String>; 2] {
    [Some(underlay.to_owned()), Some(underlay.to_owned())]
}

#[test]
fn voice_goes_over_mpls_and_bulk_over_the_internet_in_both_directions() {
    let site = Site::new(&[voice(), bulk()]);
    assert_eq!(site.both(udp(5_000, 16_384), EF), both("mpls"));
    assert_eq!(site.both(udp(5_000, 9_000), 0), both("internet"));
    assert_eq!(
        site.both(udp(5_000, 9_000), EF),
        both("mpls"),
        "the first class that matches"
    );
}

#[test]
fn what_is_of_no_class_goes_where_it_went_without_classes() {
    let with = Site::new(&[voice(), bulk()]);
    let without = Site::new(&[]);
    for port in 0..50 {
        let flow = udp(5_000 + port, 443);
        assert_eq!(with.both(flow, 0), without.both(flow, 0));
    }
}

#[test]
fn voice_leaves_mpls_at_once_when_it_fails_and_returns_when_it_has_been_good_for_a_while() {
    let mut site = Site::new(&[voice(), bulk()]);
    let flow = udp(5_000, 16_384);
    site.cut_mpls(true);
    site.net.run(SECOND * 2);
    assert_eq!(site.both(flow, EF), both("internet"));
    site.cut_mpls(false);
    site.net.run(HOLD);
    assert_eq!(
        site.both(flow, EF),
        both("internet"),
        "not before it has proved itself"
    );
    let class = site
        .net
        .node(site.cpe)
        .explain_marked(site.net.now, flow, EF);
    let mpls = class
        .paths
        .iter()
        .find(|choice| choice.local == "cpe1.paris/mpls");
    let reason = mpls.expect("a path").reason;
    assert!(matches!(
        reason,
        ChoiceReason::Held | ChoiceReason::BreaksSla
    ));
    site.net.run(HOLD / 2);
    assert_eq!(site.both(flow, EF), both("mpls"));
}

#[test]
fn a_packet_with_the_code_point_really_takes_the_path_of_its_class() {
    let mut site = Site::new(&[voice()]);
    let sent = |site: &Site, path: usize| {
        let links = site.net.node(site.cpe).links(site.net.now);
        links[0].paths[path].tunnel.tx_packets
    };
    site.cut_mpls(true);
    site.net.run(SECOND * 2);
    site.cut_mpls(false);
    site.net.run(SECOND * 5);
    for (dscp, path) in [(EF, 1), (0, 0)] {
        let before = sent(&site, path);
        for _ in 0..100 {
            let from = SocketAddrV4::new(stub::address("10.10.0.5"), 5_000);
            let to = SocketAddrV4::new(stub::address("172.16.0.1"), 16_384);
            let mut bytes = packet::udp(from, to, 64, b"hello");
            bytes[1] = dscp << 2;
            site.net.send_from_kernel(site.cpe, bytes);
        }
        assert!(sent(&site, path) >= before + 100, "code point {dscp}");
    }
}

#[test]
fn a_class_that_no_path_keeps_is_dropped_where_it_says_so() {
    let mut strict = voice();
    strict.otherwise = OtherwiseConfig::Drop;
    strict.sla = Some(SlaConfig {
        rtt_us: 10_000,
        jitter_us: 0,
        loss_ppm: 1_000_000,
    });
    let site = Site::new(&[strict]);
    let node = site.net.node(site.cpe);
    let said = node.explain_marked(site.net.now, udp(5_000, 16_384), EF);
    assert_eq!(said.decision, Decision::Drop(DropReason::NoPathForClass));
    assert_eq!(said.class.as_deref(), Some("voice"));
    let unmarked = site.both(udp(5_000, 16_384), 0);
    assert_eq!(unmarked, both("mpls"), "other traffic is not concerned");
}

#[test]
fn the_paths_say_how_they_stand_with_each_class_and_moves_are_told() {
    let mut site = Site::new(&[voice(), bulk()]);
    let links = site.net.node(site.cpe).links(site.net.now);
    let carries = |path: usize| {
        let classes = links[0].paths[path].classes.iter();
        classes
            .map(|class| (class.name.as_str(), class.carries))
            .collect::<Vec<_>>()
    };
    assert_eq!(carries(0), [("voice", true), ("bulk", false)]);
    assert_eq!(carries(1), [("voice", false), ("bulk", true)]);
    let moves = |site: &Site| {
        let events = site.net.events(site.cpe).iter();
        events
            .filter(|(_, event)| matches!(event, Event::Moved(moved) if moved.class.is_some()))
            .count()
    };
    let before = moves(&site);
    site.cut_mpls(true);
    site.net.run(SECOND * 2);
    assert_eq!(
        moves(&site),
        before + 1,
        "voice has moved, bulk was there already"
    );
}
