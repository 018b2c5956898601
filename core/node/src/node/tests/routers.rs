//! CPEs and routers of their site: what each tells the other, and what happens without hubs.

use core::time::Duration;

use bgp::{NeighborId, Policy};
use design::plan::LinkRole::{HomeHub, HomeSite};

use super::harness::{Device, Net, through};
use crate::{Decision, InterfaceId, NextHop, RouteVia, stub};

const SECOND: Duration = Duration::from_secs(1);
const LAN: &str = "10.10.0.0/24";
const OTHER_LAN: &str = "10.20.0.0/24";
const SUMMARY: &str = "10.0.0.0/8";

/// A hub without summaries of its own making (so that sites hear single routes), a CPE of another
/// site, and two CPEs beside one router.
struct Site {
    net: Net,
    hub: Device,
    cpes: [Device; 2],
    router: Device,
}

fn site(summaries: bool, accept: Option<&[&str]>) -> Site {
    let mut hub = stub::nva("nva1.west", 1, 1);
    if !summaries {
        hub.summaries.clear();
    }
    let mut other = stub::cpe("cpe1.lyon", 12, OTHER_LAN);
    stub::link(&mut other, &mut hub, (HomeHub, HomeSite));
    let mut cpes = [10, 11].map(|number| {
        let mut cpe = stub::cpe(&format!("cpe{number}.paris"), number, LAN);
        cpe.lans.clear();
        cpe.interfaces.retain(|interface| interface.name != "lan0");
        cpe
    });
    let address = stub::address("172.31.0.1");
    let mut router = bgp::Settings::new(stub::ROUTER, address);
    router.multipath_max = 2;
    for (index, cpe) in cpes.iter_mut().enumerate() {
        stub::link(cpe, &mut hub, (HomeHub, HomeSite));
        let (local, remote) = ENDS[index];
        stub::add_router(cpe, "rtr0", (local, remote), accept);
        let (local, remote) = (stub::address(local), stub::address(remote));
        let mut neighbor = bgp::Neighbor::new(&cpe.name, remote, local, stub::OVERLAY);
        neighbor.import = Some(Policy::accept_all());
        neighbor.export = Some(Policy::accept_all());
        router.neighbors.push(neighbor);
    }
    let mut net = Net::default();
    let hub = net.add(hub);
    net.add(other);
    let cpes = cpes.map(|cpe| net.add(cpe));
    let ends = ENDS.map(|(_, remote)| stub::address(remote));
    let router = net.add_speaker(ends[0], router);
    net.also_at(router, ends[1]);
    originate(&mut net, router, LAN);
    net.run(SECOND * 10);
    Site {
        net,
        hub,
        cpes,
        router,
    }
}

fn originate(net: &mut Net, device: Device, prefix: &str) {
    let command = bgp::Command::Originate(stub::prefix(prefix).into(), Default::default());
    net.bgp(device, bgp::Input::Command(command));
}

impl Site {
    /// Which CPEs the router uses for a prefix.
    fn used(&self, prefix: &str) -> Vec<u32> {
        let paths = self
            .net
            .speaker(self.router)
            .multipath(stub::prefix(prefix));
        let mut used: Vec<u32> = paths
            .iter()
            .filter_map(|path| path.neighbor.map(|id| id.0))
            .collect();
        used.sort_unstable();
        used
    }
}

const ENDS: [(&str, &str); 2] = [("172.30.0.0", "172.30.0.1"), ("172.30.0.2", "172.30.0.3")];

#[test]
fn a_routers_lan_is_announced_like_a_lan_of_the_cpe() {
    let site = site(true, Some(&[LAN]));
    assert_eq!(
        site.net.next_hop(site.hub, LAN),
        through(&["cpe10.paris", "cpe11.paris"])
    );
    let path = site
        .net
        .speaker(site.hub)
        .multipath(stub::prefix(LAN))
        .remove(0);
    assert_eq!(path.attributes.local_pref, Some(200));
    let origin = crate::origin_community(stub::OVERLAY, 1, crate::Kind::Site);
    assert_eq!(path.attributes.ext_communities, [origin]);
}

#[test]
fn packets_for_the_routers_lan_leave_by_the_interface_towards_it() {
    let site = site(true, Some(&[LAN]));
    let cpe = site.cpes[0];
    let next_hop = site.net.next_hop(cpe, LAN);
    assert_eq!(next_hop, Some(NextHop::Router("rtr0.site".into())));
    let via = RouteVia::Router {
        interface: InterfaceId(1),
        address: stub::address(ENDS[0].1),
    };
    assert_eq!(site.net.kernel_route(cpe, LAN), Some(via));
    let flow = inet::FiveTuple {
        source: stub::address("10.20.0.9"),
        destination: stub::address("10.10.0.9"),
        protocol: inet::packet::UDP,
        source_port: 1,
        destination_port: 2,
    };
    let said = site.net.node(cpe).explain(site.net.now, flow);
    let towards = Decision::Router {
        name: "rtr0.site".into(),
        interface: "rtr0".into(),
    };
    assert_eq!(said.decision, towards);
}

#[test]
fn the_router_gets_summaries_and_single_routes_from_both_cpes() {
    let with = site(true, Some(&[LAN]));
    assert_eq!(with.used(SUMMARY), [0, 1]);
    let without = site(false, Some(&[LAN]));
    assert_eq!(without.used(OTHER_LAN), [0, 1]);
    let told = without
        .net
        .speaker(without.router)
        .multipath(stub::prefix(OTHER_LAN));
    assert!(
        told.iter()
            .all(|path| path.attributes.ext_communities.is_empty())
    );
}

#[test]
fn what_is_not_the_sites_stays_with_the_router() {
    let mut site = site(true, Some(&[LAN]));
    for foreign in ["10.99.0.0/16", "0.0.0.0/0", "10.10.0.0/25"] {
        originate(&mut site.net, site.router, foreign);
    }
    site.net.run(SECOND * 5);
    for foreign in ["10.99.0.0/16", "0.0.0.0/0", "10.10.0.0/25"] {
        assert_eq!(site.net.next_hop(site.cpes[0], foreign), None, "{foreign}");
        assert_eq!(site.net.next_hop(site.hub, foreign), None, "{foreign}");
    }
}

#[test]
fn without_a_list_everything_the_router_brings_is_taken() {
    let mut site = site(true, None);
    originate(&mut site.net, site.router, "10.99.0.0/16");
    site.net.run(SECOND * 5);
    let next_hop = site.net.next_hop(site.hub, "10.99.0.0/16");
    assert_eq!(next_hop, through(&["cpe10.paris", "cpe11.paris"]));
}

#[test]
fn overlay_routes_that_the_router_hands_from_one_cpe_to_the_other_are_refused() {
    let site = site(false, None);
    for cpe in site.cpes {
        let paths = site.net.speaker(cpe).paths(stub::prefix(OTHER_LAN));
        let from_router = paths
            .iter()
            .filter(|path| path.neighbor == Some(NeighborId(1)));
        assert_eq!(from_router.count(), 0);
        let next_hop = site.net.next_hop(cpe, OTHER_LAN);
        assert_eq!(next_hop, through(&["nva1.west"]));
    }
}

#[test]
fn a_cpe_that_hears_its_own_lan_from_the_hub_goes_on_to_the_router() {
    let site = site(false, Some(&[LAN]));
    for cpe in site.cpes {
        let next_hop = site.net.next_hop(cpe, LAN);
        assert_eq!(next_hop, Some(NextHop::Router("rtr0.site".into())));
    }
    assert_eq!(site.used(LAN), Vec::<u32>::new(), "the router's own");
}

#[test]
fn a_cpe_without_any_hub_withdraws_the_overlay_and_the_router_uses_the_other() {
    let mut site = site(true, Some(&[LAN]));
    let (cpe, hub) = (stub::address("203.0.113.10"), stub::address("198.51.100.1"));
    site.net.cut(cpe, hub, true);
    site.net.run(SECOND * 2);
    assert_eq!(site.used(SUMMARY), [1]);
    assert_eq!(site.net.next_hop(site.hub, LAN), through(&["cpe11.paris"]));
    site.net.cut(cpe, hub, false);
    site.net.run(SECOND * 10);
    assert_eq!(site.used(SUMMARY), [0, 1]);
}

#[test]
fn a_router_that_dies_takes_the_lan_with_it() {
    let mut site = site(true, Some(&[LAN]));
    site.net.kill(site.router);
    site.net.run(SECOND * 12);
    assert_eq!(site.net.next_hop(site.hub, LAN), None);
    assert_eq!(site.net.kernel_route(site.cpes[0], LAN), None);
}
