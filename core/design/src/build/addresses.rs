//! Addresses given out: loopbacks, NICs, public addresses, access links.

use std::collections::BTreeSet;

use core::net::Ipv4Addr;

use inet::Prefix;

use super::express_route::{self, GatewayAddresses};
use super::wires::{self, End, Wire};
use crate::report::Report;
use crate::settle::vnets::{NVA_SUBNET, ROUTE_SERVER_SUBNET, workload_subnet};
use crate::settle::{Region, Settled, SiteUnderlay, Val, Vnet};

/// The first four addresses of a subnet are the platform's.
const FIRST_ASSIGNABLE: u64 = 4;

/// The addresses of all devices.
pub(crate) struct Addresses {
    pub(crate) regions: Vec<RegionAddresses>,
    pub(crate) sites: Vec<SiteAddresses>,
    pub(crate) wires: Vec<Wire>,
}

/// The addresses of a region's devices.
#[derive(Default)]
pub(crate) struct RegionAddresses {
    /// Loopback, private and public address of each NVA.
    pub(crate) nvas: Vec<NvaAddresses>,
    /// Both instances.
    pub(crate) route_servers: Vec<Ipv4Addr>,
    pub(crate) foreign: Vec<Ipv4Addr>,
    pub(crate) gateway: Option<GatewayAddresses>,
    /// VMs of each VNet, hub first.
    pub(crate) vms: Vec<Vec<Ipv4Addr>>,
}

/// The addresses of an NVA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NvaAddresses {
    pub(crate) loopback: Ipv4Addr,
    pub(crate) private: Ipv4Addr,
    pub(crate) public: Ipv4Addr,
}

/// The addresses of a site's devices.
#[derive(Default)]
pub(crate) struct SiteAddresses {
    pub(crate) cpes: Vec<CpeAddresses>,
    /// Hosts of each LAN.
    pub(crate) hosts: Vec<Vec<Ipv4Addr>>,
}

/// The addresses of a CPE.
#[derive(Default)]
pub(crate) struct CpeAddresses {
    pub(crate) loopback: Option<Ipv4Addr>,
    /// Own address on each underlay, and the NAT's when there is one.
    pub(crate) underlays: Vec<(Ipv4Addr, Option<Ipv4Addr>)>,
    pub(crate) lans: Vec<Ipv4Addr>,
    /// The own end and the router's end of the link between them.
    pub(crate) neighbor: Option<(End, End)>,
}

/// A pool that gives out addresses in order, without network and broadcast address and without
/// those that the design gives away itself.
struct Pool<'a> {
    what: &'static str,
    from: &'a Val<Prefix>,
    next: u64,
    end: u64,
    named: BTreeSet<Ipv4Addr>,
    reported: bool,
}

impl<'a> Pool<'a> {
    fn new(what: &'static str, from: &'a Val<Prefix>, named: BTreeSet<Ipv4Addr>) -> Self {
        Self {
            what,
            from,
            next: 1,
            end: from.value.size().saturating_sub(1),
            named,
            reported: false,
        }
    }

    fn take(&mut self, reports: &mut Vec<Report>) -> Ipv4Addr {
        while self.next < self.end {
            let address = self.from.value.nth(self.next);
            self.next += 1;
            if let Some(address) = address.filter(|address| !self.named.contains(address)) {
                return address;
            }
        }
        if !self.reported {
            self.reported = true;
            reports.push(too_small(self.what, self.from));
        }
        self.from.value.address()
    }
}

fn too_small(what: &str, pool: &Val<Prefix>) -> Report {
    let says = format!("{} is too small for all {what}", pool.value);
    Report {
        rule: "address-pool",
        at: pool.why.span(),
        ..Report::shape(
            crate::report::Span {
                file: 0,
                start: 0,
                end: 0,
            },
            says,
        )
    }
    .try_this("give it a shorter prefix under `overlay`")
}

impl Addresses {
    /// Gives out every address.
    pub(crate) fn allocate(settled: &Settled, reports: &mut Vec<Report>) -> Self {
        let named = settled
            .regions
            .iter()
            .flat_map(|region| &region.nvas.public_addresses);
        let named = named.map(|address| address.value).collect();
        let mut public = Pool::new(
            "public addresses of NVAs",
            &settled.overlay.pools.nva_public,
            named,
        );
        let loopbacks = loopback_blocks(settled, reports);
        let regions = settled
            .regions
            .iter()
            .enumerate()
            .map(|(index, region)| RegionAddresses {
                gateway: express_route::addresses(settled, index, reports),
                ..region_addresses(region, index, &loopbacks, &mut public, reports)
            })
            .collect();
        let wires = wires::lay(settled, reports);
        let sites = site_addresses(settled, loopbacks.cpe_first, &wires, reports);
        Self {
            regions,
            sites,
            wires,
        }
    }
}

/// How the loopback space is parted: a block for each region's NVAs in the lower half, CPEs in
/// the upper.
struct LoopbackBlocks {
    space: Prefix,
    block: u64,
    cpe_first: u64,
}

fn loopback_blocks(settled: &Settled, reports: &mut Vec<Report>) -> LoopbackBlocks {
    let pool = &settled.overlay.loopbacks;
    let half = pool.value.size() / 2;
    let share = half / (settled.regions.len() as u64 + 1);
    let block = if share == 0 {
        0
    } else {
        1 << share.ilog2().min(8)
    };
    let nvas = settled
        .regions
        .iter()
        .map(|region| u64::from(region.nvas.count.value))
        .max();
    let cpes: u64 = settled
        .sites
        .iter()
        .map(|site| u64::from(site.cpes.value))
        .sum();
    if block <= nvas.unwrap_or(0) || half <= cpes {
        reports.push(too_small("loopbacks", pool));
    }
    LoopbackBlocks {
        space: pool.value,
        block,
        cpe_first: half + 1,
    }
}

fn region_addresses(
    region: &Region,
    index: usize,
    loopbacks: &LoopbackBlocks,
    public: &mut Pool<'_>,
    reports: &mut Vec<Report>,
) -> RegionAddresses {
    let mut all = RegionAddresses::default();
    let foreign_named = region
        .foreign
        .iter()
        .filter_map(|router| router.address.as_ref());
    let mut nva_subnet = Hosts::of(
        &region.hub,
        NVA_SUBNET,
        foreign_named.map(|at| at.value).collect(),
    );
    for nva in 0..region.nvas.count.value as usize {
        let offset = loopbacks.block * (index as u64 + 1) + nva as u64 + 1;
        let named = region
            .nvas
            .public_addresses
            .get(nva)
            .map(|address| address.value);
        all.nvas.push(NvaAddresses {
            loopback: loopbacks
                .space
                .nth(offset)
                .unwrap_or(loopbacks.space.address()),
            private: nva_subnet.take(reports),
            public: named.unwrap_or_else(|| public.take(reports)),
        });
    }
    for router in &region.foreign {
        let named = router.address.as_ref().map(|address| address.value);
        all.foreign
            .push(named.unwrap_or_else(|| nva_subnet.take(reports)));
    }
    if region.route_server.is_some() {
        let mut subnet = Hosts::of(&region.hub, ROUTE_SERVER_SUBNET, BTreeSet::new());
        all.route_servers = (0..2).map(|_| subnet.take(reports)).collect();
    }
    for vnet in region.vnets() {
        let name = workload_subnet(vnet)
            .map(|subnet| subnet.name.value.clone())
            .unwrap_or_default();
        let mut subnet = Hosts::of(vnet, &name, BTreeSet::new());
        all.vms
            .push((0..vnet.vms.value).map(|_| subnet.take(reports)).collect());
    }
    all
}

/// The assignable addresses of a subnet.
struct Hosts<'a> {
    vnet: &'a Vnet,
    subnet: Option<&'a crate::settle::Subnet>,
    next: u64,
    named: BTreeSet<Ipv4Addr>,
    reported: bool,
}

impl<'a> Hosts<'a> {
    fn of(vnet: &'a Vnet, subnet: &str, named: BTreeSet<Ipv4Addr>) -> Self {
        let subnet = vnet.subnets.iter().find(|known| known.name.value == subnet);
        Self {
            vnet,
            subnet,
            next: FIRST_ASSIGNABLE,
            named,
            reported: false,
        }
    }

    fn take(&mut self, reports: &mut Vec<Report>) -> Ipv4Addr {
        let Some(subnet) = self.subnet else {
            return Ipv4Addr::UNSPECIFIED;
        };
        let last = subnet.prefix.value.size().saturating_sub(1);
        while self.next < last {
            let address = subnet.prefix.value.nth(self.next);
            self.next += 1;
            if let Some(address) = address.filter(|address| !self.named.contains(address)) {
                return address;
            }
        }
        if !self.reported {
            self.reported = true;
            let (name, prefix) = (&subnet.name.value, subnet.prefix.value);
            let says = format!(
                "subnet {name} ({prefix}) of {} is too small for its devices",
                self.vnet.name.value
            );
            let at = subnet.prefix.why.span().or(subnet.name.why.span()).or(self
                .vnet
                .name
                .why
                .span());
            if let Some(at) = at {
                let because = "the platform keeps five addresses of each subnet";
                reports.push(
                    Report {
                        rule: "subnet-size",
                        ..Report::shape(at, says)
                    }
                    .because(because),
                );
            }
        }
        subnet.prefix.value.address()
    }
}

fn site_addresses(
    settled: &Settled,
    cpe_first: u64,
    wires: &[Wire],
    reports: &mut Vec<Report>,
) -> Vec<SiteAddresses> {
    let behind_routers = wires::behind_routers(wires);
    let mut beside = wires::beside_routers(wires);
    let links = || settled.sites.iter().flat_map(|site| &site.underlays);
    let mut pools: Vec<Pool<'_>> = Vec::new();
    for (index, underlay) in settled.underlays.iter().enumerate() {
        let named = links()
            .filter(|link| link.underlay == index)
            .flat_map(|link| &link.addresses);
        let named = named.map(|address| address.value).collect();
        pools.push(Pool::new(
            "addresses of sites on an underlay",
            &underlay.addresses,
            named,
        ));
    }
    let mut behind = Pool::new(
        "CPEs behind NAT",
        &settled.overlay.pools.behind_nat,
        BTreeSet::new(),
    );
    let mut loopback = cpe_first;
    let mut all = Vec::with_capacity(settled.sites.len());
    for (index, site) in settled.sites.iter().enumerate() {
        let count = if site.wireguard.is_some() {
            1
        } else {
            site.cpes.value as usize
        };
        let mut addresses = SiteAddresses::default();
        for cpe in 0..count {
            let own = settled.overlay.loopbacks.value.nth(loopback);
            loopback += 1;
            let underlays =
                site.underlays.iter().enumerate().map(|(wan, link)| {
                    match behind_routers.get(&(index, cpe, wan)) {
                        Some(address) => (*address, None),
                        None => {
                            let pool = &mut pools[link.underlay];
                            access_address(link, cpe, pool, &mut behind, reports)
                        }
                    }
                });
            addresses.cpes.push(CpeAddresses {
                loopback: own.filter(|_| site.wireguard.is_none()),
                underlays: underlays.collect(),
                lans: Vec::new(),
                neighbor: beside.remove(&(index, cpe)),
            });
        }
        lan_addresses(site, &mut addresses, reports);
        all.push(addresses);
    }
    all
}

fn access_address(
    link: &SiteUnderlay,
    cpe: usize,
    pool: &mut Pool<'_>,
    behind: &mut Pool<'_>,
    reports: &mut Vec<Report>,
) -> (Ipv4Addr, Option<Ipv4Addr>) {
    let named = link.addresses.get(cpe).map(|address| address.value);
    let outer = named.unwrap_or_else(|| pool.take(reports));
    match link.nat {
        Some(_) => (behind.take(reports), Some(outer)),
        None => (outer, None),
    }
}

/// CPEs come first on a LAN, hosts from the tenth address where there is room for that.
fn lan_addresses(site: &crate::settle::Site, all: &mut SiteAddresses, reports: &mut Vec<Report>) {
    let routed = site.lan_router().is_some();
    let shared = all.cpes.len() > 1 && !routed;
    for lan in &site.lans {
        let prefix = lan.prefix.value;
        let last = prefix.size() - 1;
        let free = |offset: &u64| *offset < last && prefix.nth(*offset) != Some(lan.gateway.value);
        let mut offsets = (1..last).filter(free);
        for cpe in all.cpes.iter_mut().filter(|_| !routed) {
            let own = if shared {
                offsets.next().and_then(|offset| prefix.nth(offset))
            } else {
                Some(lan.gateway.value)
            };
            cpe.lans.push(own.unwrap_or(prefix.address()));
        }
        let first = offsets.next().unwrap_or(last);
        let start = if prefix.len() <= 26 {
            first.max(10)
        } else {
            first
        };
        let hosts = (start..last).filter(free).take(lan.hosts.value as usize);
        let hosts: Vec<Ipv4Addr> = hosts.filter_map(|offset| prefix.nth(offset)).collect();
        if hosts.len() < lan.hosts.value as usize || (shared && first == last) {
            let says = format!(
                "LAN {prefix} of {} is too small for its devices",
                site.name.value
            );
            let at = lan.prefix.why.span().or(site.name.why.span());
            if let Some(at) = at {
                reports.push(Report {
                    rule: "lan-size",
                    ..Report::shape(at, says)
                });
            }
        }
        all.hosts.push(hosts);
    }
}
