//! Two sites and their hub: the hub introduces, the sites reach each other, and everything falls back to the relay.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use design::plan::{ClassConfig, ClassMatch, NodeConfig, ShortcutConfig};
use inet::FiveTuple;
use inet::packet::{self, Ipv4};

use super::harness::{Device, LATENCY, Net};
use crate::{ChoiceReason, Compared, Decision, Event, ShortcutChange, ShortcutEnd, stub};

const SECOND: Duration = Duration::from_secs(1);

fn slots(slots: u16) -> ShortcutConfig {
    ShortcutConfig {
        slots,
        idle_s: 20,
        ..ShortcutConfig::default()
    }
}

/// A site that has a LAN 10.`number`.0.0/24.
fn site(number: u8) -> NodeConfig {
    let mut config = stub::cpe(
        &format!("cpe1.site{number}"),
        number,
        &format!("10.{number}.0.0/24"),
    );
    config.shortcuts = slots(2);
    config
}

/// A hub, and sites in the order given. All sites are NVA-like near to each other: 10 ms from anything to anything.
struct Overlay {
    net: Net,
    hub: Device,
    sites: Vec<Device>,
}

impl Overlay {
    fn new(room: u16, mut sites: Vec<NodeConfig>) -> Self {
        let mut hub = stub::nva("nva1.west", 1, 1);
        hub.shortcuts = slots(room);
        for site in &mut sites {
            let accept = site.lans[0].prefix;
            stub::link(site, &mut hub, (HomeHub, HomeSite));
            let link = hub.links.last_mut().expect("just made");
            link.accept = Some(vec![accept]);
            link.shortcuts = site.shortcuts.slots > 0;
        }
        let mut net = Net::default();
        let hub = net.add(hub);
        let sites = sites.into_iter().map(|site| net.add(site)).collect();
        net.run(SECOND * 5);
        Self { net, hub, sites }
    }

    /// Packets from one site to another and back, five a second for so long; all must arrive.
    fn talk(&mut self, (a, b): (usize, usize), seconds: u32) {
        let ends = [(a, b), (b, a)];
        for _ in 0..seconds * 5 {
            for (from, to) in ends {
                self.net
                    .send_from_kernel(self.sites[from], self.packet(from, to));
            }
            self.net.run(SECOND / 5);
            for (_, to) in ends {
                let came = self.net.take_packets(self.sites[to]);
                assert_eq!(came.len(), 1, "at {:?}", self.net.now);
            }
        }
    }

    fn host(&self, site: usize) -> Ipv4Addr {
        let node = self.net.node(self.sites[site]);
        let number: u8 = node.name()["cpe1.site".len()..].parse().expect("a number");
        Ipv4Addr::new(10, number, 0, 9)
    }

    fn packet(&self, from: usize, to: usize) -> Vec<u8> {
        let [from, to] = [from, to].map(|site| SocketAddrV4::new(self.host(site), 5_000));
        packet::udp(from, to, 64, b"hello")
    }

    fn relayed(&self) -> u64 {
        self.net.node(self.hub).counters().relayed
    }

    fn changes(&self, site: usize) -> Vec<ShortcutChange> {
        let events = self.net.events(self.sites[site]).iter();
        let changes = events.filter_map(|(_, event)| match event {
            Event::Shortcut { change, .. } => Some(*change),
            _ => None,
        });
        changes.collect()
    }

    fn cut(&mut self, a: usize, b: usize, is_cut: bool) {
        let [a, b] = [a, b].map(|site| Ipv4Addr::new(203, 0, 113, self.host(site).octets()[1]));
        self.net.cut(a, b, is_cut);
    }
}

const CARRIES: ShortcutChange = ShortcutChange::Carries {
    direct: Duration::from_millis(20),
    relay: Duration::from_millis(40),
};

#[test]
fn two_sites_that_a_hub_relays_between_reach_each_other_until_they_are_silent() {
    let mut overlay = Overlay::new(2, vec![site(11), site(12)]);
    overlay.talk((0, 1), 12);
    for site in 0..2 {
        assert_eq!(overlay.changes(site), [ShortcutChange::Called, CARRIES]);
    }
    let relayed = overlay.relayed();
    overlay.talk((0, 1), 5);
    assert_eq!(overlay.relayed(), relayed, "the hub sees nothing of it");
    overlay.net.run(SECOND * 25);
    let ended = ShortcutChange::Ended(ShortcutEnd::Idle);
    assert_eq!(overlay.changes(0), [ShortcutChange::Called, CARRIES, ended]);
    let links = overlay.net.node(overlay.sites[0]).links(overlay.net.now);
    assert_eq!(links.len(), 1, "its slot is free");
    overlay.talk((0, 1), 80);
    assert_eq!(overlay.changes(0).len(), 5, "the two come back to it");
    assert_eq!(overlay.changes(0).last(), Some(&CARRIES));
}

#[test]
fn packets_that_come_through_a_shortcut_are_from_the_site_at_its_other_end() {
    let mut overlay = Overlay::new(2, vec![site(11), site(12)]);
    overlay.talk((0, 1), 12);
    let to = SocketAddrV4::new(overlay.host(1), 5_000);
    let from = SocketAddrV4::new(Ipv4Addr::new(10, 99, 0, 1), 5_000);
    let dropped = |overlay: &Overlay| {
        let counters = overlay.net.node(overlay.sites[1]).counters();
        let count = counters.drops.get(&crate::DropReason::SourceNotAllowed);
        count.copied().unwrap_or_default()
    };
    let before = dropped(&overlay);
    let spoofed = packet::udp(from, to, 64, b"hello");
    overlay.net.send_from_kernel(overlay.sites[0], spoofed);
    overlay.net.run(SECOND);
    assert!(overlay.net.take_packets(overlay.sites[1]).is_empty());
    assert_eq!(dropped(&overlay), before + 1);
}

#[test]
fn where_nothing_gets_through_the_relay_stays() {
    let mut overlay = Overlay::new(2, vec![site(11), site(12)]);
    overlay.cut(0, 1, true);
    overlay.talk((0, 1), 50);
    let in_vain = ShortcutChange::Ended(ShortcutEnd::NoWay);
    assert_eq!(overlay.changes(0), [ShortcutChange::Called, in_vain]);
    overlay.talk((0, 1), 250);
    // At 60, 180 and not before 420 seconds again.
    assert_eq!(overlay.changes(0).len(), 6, "ever more seldom");
}

#[test]
fn a_shortcut_that_breaks_gives_its_flows_back_to_the_relay_within_a_second() {
    let mut overlay = Overlay::new(2, vec![site(11), site(12)]);
    overlay.talk((0, 1), 12);
    overlay.cut(0, 1, true);
    for _ in 0..5 {
        overlay
            .net
            .send_from_kernel(overlay.sites[0], overlay.packet(0, 1));
        overlay.net.run(SECOND / 5);
    }
    overlay.net.take_packets(overlay.sites[1]);
    overlay.talk((0, 1), 20);
    assert_eq!(
        overlay.changes(0)[2..],
        [ShortcutChange::Ended(ShortcutEnd::NoWay)]
    );
}

#[test]
fn a_site_without_shortcuts_is_introduced_to_nobody() {
    let mut plain = site(12);
    plain.shortcuts = ShortcutConfig::default();
    let mut overlay = Overlay::new(2, vec![site(11), plain]);
    overlay.talk((0, 1), 20);
    assert!(overlay.changes(0).is_empty() && overlay.changes(1).is_empty());
}

#[test]
fn a_site_has_no_more_shortcuts_than_there_is_room_for() {
    let mut overlay = Overlay::new(1, vec![site(11), site(12), site(13)]);
    for _ in 0..10 {
        overlay.talk((0, 1), 1);
        overlay.talk((0, 2), 1);
    }
    let with = |site| overlay.changes(site).contains(&CARRIES);
    assert!(with(0) && with(1) != with(2), "one of the two");
}

#[test]
fn an_introduction_is_told_to_the_two_sites_and_to_nobody_else() {
    let mut overlay = Overlay::new(2, vec![site(11), site(12), site(13)]);
    overlay.talk((0, 1), 12);
    let knows = |site: usize, other: &str| {
        let speaker = overlay.net.speaker(overlay.sites[site]);
        !speaker.multipath(stub::prefix(other)).is_empty()
    };
    assert!(knows(0, "172.16.0.12/32") && knows(1, "172.16.0.11/32"));
    assert!(!knows(2, "172.16.0.11/32") && !knows(2, "172.16.0.12/32"));
}

#[test]
fn a_hub_that_goes_takes_its_introductions_along() {
    let mut overlay = Overlay::new(2, vec![site(11), site(12)]);
    overlay.talk((0, 1), 12);
    overlay.net.kill(overlay.hub);
    overlay.net.run(SECOND * 5);
    let ended = ShortcutChange::Ended(ShortcutEnd::Withdrawn);
    assert_eq!(overlay.changes(0).last(), Some(&ended));
}

#[test]
fn a_trace_names_the_shortcut_and_the_hub_that_it_stands_in_for() {
    let mut overlay = Overlay::new(2, vec![site(11), site(12)]);
    let explain = |overlay: &Overlay| {
        let bytes = overlay.packet(0, 1);
        let flow: FiveTuple = Ipv4::parse(&bytes).expect("a packet").flow();
        overlay
            .net
            .node(overlay.sites[0])
            .explain(overlay.net.now, flow)
    };
    overlay.talk((0, 1), 12);
    let told = explain(&overlay);
    let neighbors = told.neighbors.iter();
    let neighbors: Vec<_> = neighbors
        .map(|one| (one.neighbor.as_str(), one.reason))
        .collect();
    let expected = [
        ("cpe1.site12", ChoiceReason::Shortcut),
        ("nva1.west", ChoiceReason::LessPreferred),
    ];
    assert_eq!(neighbors, expected);
    let shortcut = told.shortcut.and_then(|shortcut| shortcut.compared);
    let compared = Compared {
        direct: LATENCY * 2,
        relay: LATENCY * 4,
        margin_percent: 10,
    };
    assert_eq!(shortcut, Some(compared));
    assert!(
        matches!(told.decision, Decision::Tunnel { neighbor, .. } if neighbor == "cpe1.site12")
    );
}

#[test]
fn a_class_takes_a_shortcut_only_by_the_underlay_that_it_likes_best() {
    let class = |name: &str, dscp, underlays: &[&str]| ClassConfig {
        name: name.to_owned(),
        matches: vec![ClassMatch {
            dscp: vec![dscp],
            ..ClassMatch::default()
        }],
        underlays: underlays
            .iter()
            .map(|name| vec![(*name).to_owned()])
            .collect(),
        ..ClassConfig::default()
    };
    let sites = [11, 12].map(|number| {
        let mut config = site(number);
        config.classes = vec![
            class("voice", 46, &["mpls", "wan0"]),
            class("bulk", 8, &["wan0"]),
        ];
        config
    });
    let mut overlay = Overlay::new(2, sites.into());
    overlay.talk((0, 1), 12);
    let bytes = overlay.packet(0, 1);
    let flow = Ipv4::parse(&bytes).expect("a packet").flow();
    let by = |dscp| {
        let node = overlay.net.node(overlay.sites[0]);
        match node.explain_marked(overlay.net.now, flow, dscp).decision {
            Decision::Tunnel { neighbor, .. } => neighbor,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(by(46), "nva1.west", "the hub may have it by MPLS");
    assert_eq!(
        (by(8), by(0)),
        ("cpe1.site12".to_owned(), "cpe1.site12".to_owned())
    );
}
