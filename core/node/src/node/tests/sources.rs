//! Who may say and send what: announcements of sites held to their design, inner sources held to announcements.

use core::net::SocketAddrV4;
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use design::plan::SourceCheck;
use inet::packet;

use super::harness::{Device, Net};
use crate::{DropReason, NextHop, stub};

const SECOND: Duration = Duration::from_secs(1);

/// A hub with two sites, of which the hub's design knows one LAN each; the first site has another one besides.
fn hub_and_sites(check: SourceCheck) -> (Net, Device, [Device; 2]) {
    let mut nva = stub::nva("nva1.westeurope", 1, 1);
    nva.forwarding.source_check = check;
    let mut sites = [10, 20].map(|number| {
        let (name, lan) = (format!("cpe{number}"), format!("10.{number}.0.0/24"));
        stub::cpe(&name, number, &lan)
    });
    for cpe in &mut sites {
        // What is seen is what the hub does.
        cpe.forwarding.source_check = SourceCheck::Off;
        stub::link(cpe, &mut nva, (HomeHub, HomeSite));
        let own = cpe.lans.iter().map(|lan| lan.prefix);
        nva.links.last_mut().expect("a link").accept = Some(own.collect());
    }
    let mut stray = sites[0].lans[0].clone();
    stray.interface = "lan1".into();
    stray.prefix = stub::prefix("10.66.0.0/24");
    let mut interface = sites[0].interfaces.last().expect("a LAN's").clone();
    interface.name = "lan1".into();
    interface.address = stub::address("10.66.0.1");
    sites[0].interfaces.push(interface);
    sites[0].lans.push(stray);
    let mut net = Net::default();
    let nva = net.add(nva);
    let sites = sites.map(|cpe| net.add(cpe));
    net.run(SECOND * 3);
    (net, nva, sites)
}

/// How many packets with this source reach the second site from the first, and how many the hub refuses.
fn carried(check: SourceCheck, source: &str) -> (usize, u64) {
    let (mut net, nva, [a, b]) = hub_and_sites(check);
    let from = SocketAddrV4::new(stub::address(source), 4_000);
    let to = SocketAddrV4::new(stub::address("10.20.0.5"), 5_000);
    net.send_from_kernel(a, packet::udp(from, to, 64, b"hello"));
    net.run(SECOND);
    let drops = &net.node(nva).counters().drops;
    let refused = drops.get(&DropReason::SourceNotAllowed).copied();
    (net.take_packets(b).len(), refused.unwrap_or(0))
}

#[test]
fn a_site_brings_only_the_prefixes_of_its_design_and_the_refused_ones_are_counted() {
    let (net, nva, _) = hub_and_sites(SourceCheck::Strict);
    let own = Some(NextHop::Neighbors(vec!["cpe10".into()]));
    assert_eq!(net.next_hop(nva, "10.10.0.0/24"), own);
    assert_eq!(net.next_hop(nva, "10.66.0.0/24"), None);
    let told = net.speaker(nva).neighbors();
    let told: Vec<_> = told.map(|one| (one.received, one.accepted)).collect();
    assert_eq!(told, [(2, 1), (1, 1)]);
}

#[test]
fn strictly_a_site_sends_only_from_what_it_may_announce() {
    assert_eq!(carried(SourceCheck::Strict, "10.10.0.5"), (1, 0));
    assert_eq!(
        carried(SourceCheck::Strict, "172.16.0.10"),
        (1, 0),
        "its own loopback"
    );
    assert_eq!(carried(SourceCheck::Strict, "10.66.0.5"), (0, 1));
    assert_eq!(
        carried(SourceCheck::Strict, "10.20.0.7"),
        (0, 1),
        "another site's"
    );
}

#[test]
fn loosely_a_source_must_lead_somewhere() {
    assert_eq!(carried(SourceCheck::Loose, "10.20.0.7"), (1, 0));
    assert_eq!(carried(SourceCheck::Loose, "10.66.0.5"), (0, 1));
    assert_eq!(carried(SourceCheck::Loose, "192.0.2.1"), (0, 1));
}

#[test]
fn without_a_check_any_source_passes() {
    assert_eq!(carried(SourceCheck::Off, "192.0.2.1"), (1, 0));
}
