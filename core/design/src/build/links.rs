//! Links between nodes: hubs in a full mesh, each CPE to every NVA of its home and backup region.

use core::net::SocketAddrV4;
use std::collections::BTreeSet;

use inet::Prefix;

use super::sites::written;
use super::{AZURE, Addresses, Devices, cpe_name, nva_name};
use crate::model::{HubToHub, UnderlayKind};
use crate::plan::{LinkConfig, LinkRole, Liveness, NodeConfig, PathConfig, PlainLink};
use crate::settle::forwarding::{nva_mtu, path_mtu};
use crate::settle::{Settled, Site};

/// Adds every link to both of its ends.
pub(crate) fn build(settled: &Settled, addresses: &Addresses, devices: &mut Devices) {
    let context = Context {
        settled,
        addresses,
        keepalive_s: u16::try_from(settled.overlay.keepalive.value.as_secs()).unwrap_or(u16::MAX),
    };
    mesh(&context, devices);
    for (index, site) in settled.sites.iter().enumerate() {
        let roles = [
            (&site.home, LinkRole::HomeHub, LinkRole::HomeSite),
            (&site.backup, LinkRole::BackupHub, LinkRole::BackupSite),
        ];
        if site.wireguard.is_some() {
            plain_wireguard(&context, index, site, devices);
            continue;
        }
        for (region, up, down) in roles {
            if let Some(region) = region {
                site_links(&context, index, region.value, (up, down), devices);
            }
        }
    }
}

struct Context<'a> {
    settled: &'a Settled,
    addresses: &'a Addresses,
    keepalive_s: u16,
}

impl Context<'_> {
    fn nva_endpoint(&self, region: usize, index: usize) -> SocketAddrV4 {
        let public = self.addresses.regions[region].nvas[index].public;
        SocketAddrV4::new(public, self.settled.overlay.port.value)
    }

    /// The address of an NVA that an underlay reaches: the private one by private peering.
    fn endpoint(&self, kind: UnderlayKind, region: usize, index: usize) -> SocketAddrV4 {
        let private = self.addresses.regions[region].nvas[index].private;
        match kind {
            UnderlayKind::PrivatePeering => {
                SocketAddrV4::new(private, self.settled.overlay.port.value)
            }
            UnderlayKind::Internet | UnderlayKind::Mpls | UnderlayKind::MicrosoftPeering => {
                self.nva_endpoint(region, index)
            }
        }
    }

    /// Where an NVA takes tunnels over TLS, by an underlay.
    fn tls(&self, kind: UnderlayKind, region: usize, index: usize) -> Option<SocketAddrV4> {
        let port = self.settled.overlay.tls.value?;
        let address = *self.endpoint(kind, region, index).ip();
        Some(SocketAddrV4::new(address, port))
    }
}

fn mesh(context: &Context<'_>, devices: &mut Devices) {
    let regions = &context.addresses.regions;
    let all = || {
        (0..regions.len())
            .flat_map(|region| (0..regions[region].nvas.len()).map(move |index| (region, index)))
    };
    for (region, index) in all() {
        let own = devices.nva_start[region] + index;
        let mut links = Vec::new();
        for (other_region, other_index) in all() {
            let other = &devices.nodes[devices.nva_start[other_region] + other_index];
            let node = &devices.nodes[own];
            if other.name == node.name {
                continue;
            }
            let path = PathConfig {
                local: node.locators[0].name.clone(),
                remote: other.locators[0].name.clone(),
                public_key: other.locators[0].public_key.clone(),
                endpoint: Some(context.nva_endpoint(other_region, other_index)),
                preference: 0,
                initiate: node.name < other.name,
                keepalive_s: context.keepalive_s,
                liveness: Liveness::Probe,
                mtu: nva_mtu(&context.settled.platform),
                down_bps: 0,
                tls: None,
            };
            let role = if other_region == region {
                LinkRole::Twin
            } else {
                LinkRole::Hub
            };
            let settled = context.settled;
            let plain =
                role == LinkRole::Hub && settled.overlay.hub_to_hub.value == HubToHub::Plain;
            links.push(LinkConfig {
                neighbor: other.name.clone(),
                role,
                loopback: Some(other.loopback),
                static_routes: Vec::new(),
                accept: None,
                paths: if plain { Vec::new() } else { vec![path] },
                plain: plain.then(|| PlainLink {
                    interface: "eth0".to_owned(),
                    local: regions[region].nvas[index].private,
                    remote: regions[other_region].nvas[other_index].private,
                }),
                shortcuts: false,
            });
        }
        devices.nodes[own].links = links;
    }
}

/// The links between all CPEs of a site and all NVAs of a region.
fn site_links(
    context: &Context<'_>,
    site_index: usize,
    region: usize,
    (up, down): (LinkRole, LinkRole),
    devices: &mut Devices,
) {
    let Some(cpe_start) = devices.cpe_start[site_index] else {
        return;
    };
    let site = &context.settled.sites[site_index];
    let cpes = context.addresses.sites[site_index].cpes.len();
    let accepted = accepted(&devices.nodes[cpe_start..cpe_start + cpes]);
    for (cpe_index, cpe_addresses) in context.addresses.sites[site_index].cpes.iter().enumerate() {
        for nva_index in 0..context.addresses.regions[region].nvas.len() {
            let (nva_at, cpe_at) = (devices.nva_start[region] + nva_index, cpe_start + cpe_index);
            let (nva, cpe) = (&devices.nodes[nva_at], &devices.nodes[cpe_at]);
            let (mut to_nva, mut to_cpe) = (Vec::new(), Vec::new());
            for (wan, link) in site.underlays.iter().enumerate() {
                if !link.reaches(&context.settled.underlays, region) {
                    continue;
                }
                let kind = context.settled.underlays[link.underlay].kind.value;
                let (address, nat) = cpe_addresses.underlays[wan];
                let path = PathConfig {
                    local: cpe.locators[wan].name.clone(),
                    remote: nva.locators[0].name.clone(),
                    public_key: nva.locators[0].public_key.clone(),
                    endpoint: Some(context.endpoint(kind, region, nva_index)),
                    preference: u8::try_from(wan).unwrap_or(u8::MAX),
                    initiate: true,
                    keepalive_s: context.keepalive_s,
                    liveness: Liveness::Probe,
                    mtu: path_mtu(
                        &context.settled.underlays[link.underlay],
                        &context.settled.platform,
                    ),
                    down_bps: 0,
                    tls: context.tls(kind, region, nva_index),
                };
                to_cpe.push(PathConfig {
                    local: path.remote.clone(),
                    remote: path.local.clone(),
                    public_key: cpe.locators[wan].public_key.clone(),
                    endpoint: nat
                        .is_none()
                        .then(|| SocketAddrV4::new(address, cpe.locators[wan].port)),
                    initiate: false,
                    down_bps: written(&link.down.rate_bps),
                    tls: None,
                    ..path
                });
                to_nva.push(path);
            }
            if to_nva.is_empty() {
                continue;
            }
            let link = |other: &NodeConfig, role, accept, paths| LinkConfig {
                neighbor: other.name.clone(),
                role,
                loopback: Some(other.loopback),
                static_routes: Vec::new(),
                accept,
                paths,
                plain: None,
                shortcuts: false,
            };
            let theirs = accepted.clone();
            let (up, mut down) = (link(nva, up, None, to_nva), link(cpe, down, theirs, to_cpe));
            down.shortcuts = cpe.shortcuts.slots > 0;
            devices.nodes[cpe_at].links.push(up);
            devices.nodes[nva_at].links.push(down);
        }
    }
}

/// What the CPEs of a site may announce: its LANs, and what they take from its routers. The site is
/// one: behind each CPE may lie what another announces too. `None` when a router may bring anything.
fn accepted(cpes: &[NodeConfig]) -> Option<Vec<Prefix>> {
    let mut all = BTreeSet::new();
    for cpe in cpes {
        all.extend(cpe.lans.iter().map(|lan| lan.prefix));
        for router in &cpe.neighbors {
            all.extend(router.accept.as_ref()?);
        }
    }
    Some(all.into_iter().collect())
}

/// The one link of a plain WireGuard device, on the NVA's side only.
fn plain_wireguard(context: &Context<'_>, index: usize, site: &Site, devices: &mut Devices) {
    let (Some(wireguard), Some(home), Some(first)) =
        (&site.wireguard, &site.home, site.underlays.first())
    else {
        return;
    };
    let region = &context.settled.regions[home.value];
    let nvas = context.addresses.regions[home.value].nvas.len();
    let wanted = format!("{}.{}", wireguard.nva.value, region.name.value);
    let Some(nva_index) = (0..nvas).find(|index| nva_name(&region.name.value, *index) == wanted)
    else {
        return;
    };
    let name = cpe_name(&site.name.value, 0);
    let (address, nat) = context.addresses.sites[index].cpes[0].underlays[0];
    let endpoint = nat
        .is_none()
        .then(|| SocketAddrV4::new(address, context.settled.overlay.port.value));
    let path = PathConfig {
        local: format!("{wanted}/{AZURE}"),
        remote: super::sites::locator_name(context.settled, &name, first.underlay),
        public_key: devices.wireguard_keys[index].clone().unwrap_or_default(),
        endpoint,
        preference: 0,
        initiate: endpoint.is_some(),
        keepalive_s: context.keepalive_s,
        liveness: Liveness::Handshake,
        mtu: path_mtu(
            &context.settled.underlays[first.underlay],
            &context.settled.platform,
        ),
        down_bps: 0,
        tls: None,
    };
    let nva = devices.nva_start[home.value] + nva_index;
    devices.nodes[nva].links.push(LinkConfig {
        neighbor: name,
        role: LinkRole::HomeSite,
        loopback: None,
        static_routes: wireguard.allowed.value.clone(),
        accept: None,
        paths: vec![path],
        plain: None,
        shortcuts: false,
    });
}
