//! The devices of sites: CPEs or a plain WireGuard device, hosts, LANs, access links.

use core::net::Ipv4Addr;

use super::addresses::{CpeAddresses, SiteAddresses};
use super::wires::{End, router_asn};
use super::{Addresses, Devices, cpe_name, micros, probe};
use crate::model::UnderlayKind;
use crate::plan::{
    AttachmentConfig, ForeignConfig, HostConfig, HostPlace, InterfaceConfig, LanConfig,
    LanPortConfig, LinkConfigOneWay, LocatorConfig, NatConfig, NodeConfig, NodeLan, NodeNeighbor,
    NodeRole, Place, VrrpConfig,
};
use crate::settle::{Access, Settled, Site, Val};

/// Between VRRP advertisements: a silent CPE is replaced after three of them, within a second.
const VRRP_INTERVAL_CS: u16 = 25;

/// Makes the devices of every site.
pub(crate) fn build(
    settled: &Settled,
    addresses: &Addresses,
    public_key: &dyn Fn(&str) -> String,
    devices: &mut Devices,
) {
    for (site, own) in settled.sites.iter().zip(&addresses.sites) {
        devices.wireguard_keys.push(None);
        devices
            .cpe_start
            .push(site.wireguard.is_none().then_some(devices.nodes.len()));
        for (index, cpe) in own.cpes.iter().enumerate() {
            match &site.wireguard {
                None => node(settled, site, index, cpe, public_key, devices),
                Some(wireguard) => {
                    let given = wireguard.public_key.as_ref().map(|key| key.value.clone());
                    let name = cpe_name(&site.name.value, 0);
                    let locator = site
                        .underlays
                        .first()
                        .map(|link| locator_name(settled, &name, link.underlay));
                    let key = given.or_else(|| locator.map(|locator| public_key(&locator)));
                    devices.wireguard_keys.pop();
                    devices.wireguard_keys.push(key);
                    devices.foreign.push(ForeignConfig {
                        name,
                        interfaces: interfaces(site, cpe, None),
                        ip_forward: true,
                    });
                }
            }
            attachments(settled, site, index, cpe, devices);
        }
        lans(site, own, devices);
    }
}

/// A site for people.
pub(crate) fn summary(settled: &Settled, site: &Site) -> crate::plan::Site {
    let region = |index: usize| settled.regions[index].name.value.clone();
    let cpes = if site.wireguard.is_some() {
        1
    } else {
        site.cpes.value as usize
    };
    crate::plan::Site {
        name: site.name.value.clone(),
        home: site
            .home
            .as_ref()
            .map(|home| region(home.value))
            .unwrap_or_default(),
        backup: site.backup.as_ref().map(|backup| region(backup.value)),
        cpes: (0..cpes)
            .map(|index| cpe_name(&site.name.value, index))
            .collect(),
        lans: site.lans.iter().map(|lan| lan.prefix.value).collect(),
    }
}

/// `cpe1.paris/internet`.
pub(crate) fn locator_name(settled: &Settled, device: &str, underlay: usize) -> String {
    format!("{device}/{}", settled.underlays[underlay].name.value)
}

fn interfaces(
    site: &Site,
    cpe: &CpeAddresses,
    neighbor: Option<(&End, &End)>,
) -> Vec<InterfaceConfig> {
    let wan = cpe.underlays.iter().enumerate().zip(&site.underlays).map(
        |((index, (address, _)), link)| InterfaceConfig {
            name: format!("wan{index}"),
            address: *address,
            prefix_len: if link.via.is_some() { 31 } else { 32 },
            default_route_metric: Some(100 * (index as u32 + 1)),
        },
    );
    let lan = cpe
        .lans
        .iter()
        .zip(&site.lans)
        .enumerate()
        .map(|(index, (address, lan))| InterfaceConfig {
            name: format!("lan{index}"),
            address: *address,
            prefix_len: lan.prefix.value.len(),
            default_route_metric: None,
        });
    let router = neighbor.map(|(own, _)| InterfaceConfig {
        name: own.interface.clone(),
        address: own.address,
        prefix_len: 31,
        default_route_metric: None,
    });
    wan.chain(lan).chain(router).collect()
}

fn node(
    settled: &Settled,
    site: &Site,
    index: usize,
    cpe: &CpeAddresses,
    public_key: &dyn Fn(&str) -> String,
    devices: &mut Devices,
) {
    let name = cpe_name(&site.name.value, index);
    let locators = site.underlays.iter().enumerate().map(|(wan, link)| {
        let locator = locator_name(settled, &name, link.underlay);
        LocatorConfig {
            public_key: public_key(&locator),
            name: locator,
            underlay: settled.underlays[link.underlay].name.value.clone(),
            interface: format!("wan{wan}"),
            port: settled.overlay.port.value,
            internet: settled.underlays[link.underlay].kind.value == UnderlayKind::Internet,
            up_bps: written(&link.up.rate_bps),
            tls_port: None,
            proxy: link.proxy.as_ref().map(|proxy| proxy.value.clone()),
        }
    });
    let shared = site.cpes.value > 1;
    let neighbor = cpe.neighbor.as_ref().map(|(own, far)| (own, far));
    let behind = neighbor.iter().map(|(own, far)| NodeNeighbor {
        name: far.device.clone(),
        interface: own.interface.clone(),
        address: far.address,
        asn: far
            .router
            .map_or(settled.overlay.asn.value, |at| router_asn(settled, at)),
        accept: Some(site.lans.iter().map(|lan| lan.prefix.value).collect()),
    });
    let own_lans = site.lans.iter().filter(|_| neighbor.is_none());
    let lans = own_lans.enumerate().map(|(lan, settled)| NodeLan {
        interface: format!("lan{lan}"),
        prefix: settled.prefix.value,
        vrrp: shared.then(|| VrrpConfig {
            id: u8::try_from(lan + 1).unwrap_or(u8::MAX),
            virtual_address: settled.gateway.value,
            priority: 200 - 50 * u8::try_from(index.min(3)).unwrap_or(3),
            interval_cs: VRRP_INTERVAL_CS,
        }),
    });
    devices.nodes.push(NodeConfig {
        role: NodeRole::Cpe {
            site: site.name.value.clone(),
        },
        asn: settled.overlay.asn.value,
        loopback: cpe.loopback.unwrap_or(Ipv4Addr::UNSPECIFIED),
        interfaces: interfaces(site, cpe, neighbor),
        locators: locators.collect(),
        links: Vec::new(),
        route_servers: Vec::new(),
        summaries: Vec::new(),
        lans: lans.collect(),
        neighbors: behind.collect(),
        classes: super::classes(settled),
        prefix_sets: super::prefix_sets(settled),
        shortcuts: super::shortcuts(settled, site.shortcuts.value),
        originate: Vec::new(),
        domains: Vec::new(),
        guards_origin: true,
        budget: crate::plan::BudgetConfig::default(),
        probe: probe(settled),
        prepend: 0,
        mtu: settled.overlay.mtu.value,
        forwarding: settled.overlay.forwarding.config(),
        name,
    });
}

/// A rate that the design says. What only stands for an access line of unknown rate limits nothing.
pub(super) fn written(rate_bps: &Val<u64>) -> u64 {
    rate_bps.why.span().map_or(0, |_| rate_bps.value)
}

fn attachments(
    settled: &Settled,
    site: &Site,
    index: usize,
    cpe: &CpeAddresses,
    devices: &mut Devices,
) {
    let Some(place) = &site.place else { return };
    for (wan, (link, (address, outside))) in site.underlays.iter().zip(&cpe.underlays).enumerate() {
        if link.via.is_some() {
            continue;
        }
        let nat = link
            .nat
            .as_ref()
            .zip(*outside)
            .map(|(nat, public_address)| NatConfig {
                public_address,
                mapping: nat.mapping.value,
                filtering: nat.filtering.value,
                timeout_s: u32::try_from(nat.timeout.value.as_secs()).unwrap_or(u32::MAX),
            });
        devices.fabric.attachments.push(AttachmentConfig {
            device: cpe_name(&site.name.value, index),
            interface: format!("wan{wan}"),
            site: site.name.value.clone(),
            cloud: settled.underlays[link.underlay].name.value.clone(),
            place: Place {
                latitude_udeg: place.value.latitude_udeg,
                longitude_udeg: place.value.longitude_udeg,
            },
            address: *address,
            nat,
            up: one_way(&link.up),
            down: one_way(&link.down),
        });
    }
}

pub(super) fn one_way(access: &Access) -> LinkConfigOneWay {
    LinkConfigOneWay {
        rate_bps: access.rate_bps.value,
        latency_us: micros(access.latency.value),
        jitter_us: micros(access.jitter.value),
        loss_ppm: access.loss_ppm.value,
        queue_bytes: 0,
    }
}

fn lans(site: &Site, own: &SiteAddresses, devices: &mut Devices) {
    let mut host = 0;
    for (index, (lan, hosts)) in site.lans.iter().zip(&own.hosts).enumerate() {
        let routers = own
            .cpes
            .iter()
            .enumerate()
            .map(|(cpe, addresses)| LanPortConfig {
                device: cpe_name(&site.name.value, cpe),
                interface: format!("lan{index}"),
                address: addresses.lans[index],
                router: true,
            });
        let mut ports: Vec<LanPortConfig> = match site.lan_router() {
            Some((_, router)) => vec![LanPortConfig {
                device: format!("{}.{}", router.name.value, site.name.value),
                interface: format!("lan{index}"),
                address: lan.gateway.value,
                router: true,
            }],
            None => routers.collect(),
        };
        for address in hosts {
            host += 1;
            let name = format!("host{host}.{}", site.name.value);
            ports.push(LanPortConfig {
                device: name.clone(),
                interface: "eth0".to_owned(),
                address: *address,
                router: false,
            });
            devices.hosts.push(HostConfig {
                name,
                interface: InterfaceConfig {
                    name: "eth0".to_owned(),
                    address: *address,
                    prefix_len: lan.prefix.value.len(),
                    default_route_metric: Some(0),
                },
                place: HostPlace::Site {
                    site: site.name.value.clone(),
                },
            });
        }
        devices.fabric.lans.push(LanConfig {
            site: site.name.value.clone(),
            prefix: lan.prefix.value,
            gateway: lan.gateway.value,
            ports,
        });
    }
}
