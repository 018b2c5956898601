//! From a configuration to a fabric: names become numbers, and every name must exist.

mod forwarders;
mod links;
mod shares;

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;

use design::plan::{FabricConfig, NicConfig, VnetConfig};
use hashbrown::HashMap;
use inet::hash::{self, Seeded};
use inet::{Prefix, PrefixMap, Rng};
use underlay::{Cloud, CloudSettings, geography};

use super::error::{FabricError, Referent};
use super::nsg::{Flows, Group};
use super::program::{Instance, State};
use super::topology::{
    CloudId, CloudPart, Device, DeviceId, GroupId, Nic, NicId, Owner, Peering, Port, PortKind,
    Region, RegionId, RouteTable, Subnet, SubnetId, SystemRoute, TableId, Topology, Vnet, VnetId,
};
use super::{InstanceId, NextHopType, PortId};

/// The subnet in which Route Server's instances have their NICs.
pub(crate) const ROUTE_SERVER_SUBNET: &str = "RouteServerSubnet";

/// Backbone between regions without a figure: the median of the published round trips is 1.7
/// times that of light in fibre along the great circle.
const BACKBONE_STRETCH_PERCENT: u16 = 170;

/// A topology under construction, with the names that are only needed meanwhile.
pub(crate) struct Builder<'a> {
    config: &'a FabricConfig,
    seed: Rng,
    topology: Topology,
    instances: Vec<Instance>,
    regions: BTreeMap<&'a str, RegionId>,
    vnets: BTreeMap<&'a str, VnetId>,
    subnets: BTreeMap<(VnetId, &'a str), SubnetId>,
    groups: BTreeMap<&'a str, GroupId>,
    tables: BTreeMap<&'a str, TableId>,
    clouds: BTreeMap<&'a str, CloudId>,
}

impl<'a> Builder<'a> {
    pub(crate) fn build(
        config: &'a FabricConfig,
    ) -> Result<(Topology, Vec<Instance>), FabricError> {
        let mut builder = Self::empty(config);
        builder.regions()?;
        builder.clouds()?;
        builder.shared();
        for vnet in &config.vnets {
            builder.vnet(vnet)?;
        }
        builder.peerings()?;
        for nic in &config.nics {
            builder.nic(nic)?;
        }
        for attachment in &config.attachments {
            builder.attachment(attachment)?;
        }
        for lan in &config.lans {
            builder.lan(lan)?;
        }
        for wire in &config.wires {
            builder.wire(wire)?;
        }
        builder.forwarders()?;
        builder.programmers();
        shares::assign(config, &mut builder.topology);
        Ok((builder.topology, builder.instances))
    }

    fn empty(config: &'a FabricConfig) -> Self {
        let none_rows = design::platform::NONE_ROUTES
            .iter()
            .filter_map(|(octets, len)| {
                Prefix::new(Ipv4Addr::from(*octets), *len).map(|prefix| (prefix, ()))
            });
        let topology = Topology {
            regions: Vec::new(),
            backbone: Vec::new(),
            clouds: Vec::new(),
            vnets: Vec::new(),
            subnets: Vec::new(),
            tables: Vec::new(),
            groups: Vec::new(),
            nics: Vec::new(),
            attachments: Vec::new(),
            lans: Vec::new(),
            forwarders: Vec::new(),
            microsoft: Vec::new(),
            wire_ends: Vec::new(),
            devices: Vec::new(),
            device_names: BTreeMap::new(),
            ports: Vec::new(),
            port_names: BTreeMap::new(),
            private: HashMap::with_hasher(Seeded(config.seed)),
            public: HashMap::with_hasher(Seeded(config.seed)),
            none_rows: none_rows.collect(),
        };
        Self {
            config,
            seed: Rng::new(config.seed),
            topology,
            instances: Vec::new(),
            regions: BTreeMap::new(),
            vnets: BTreeMap::new(),
            subnets: BTreeMap::new(),
            groups: BTreeMap::new(),
            tables: BTreeMap::new(),
            clouds: BTreeMap::new(),
        }
    }

    fn regions(&mut self) -> Result<(), FabricError> {
        for region in &self.config.regions {
            let id = RegionId(number(self.topology.regions.len()));
            self.regions.insert(&region.name, id);
            self.topology.regions.push(Region {
                name: region.name.clone(),
                place: region.place.into(),
                up: true,
            });
        }
        let inside = Duration::from_micros(u64::from(self.config.region_latency_us));
        let all = &self.topology.regions;
        self.topology.backbone = all
            .iter()
            .flat_map(|a| all.iter().map(move |b| (a.place, b.place)))
            .map(|(a, b)| geography::latency(a, b, BACKBONE_STRETCH_PERCENT).max(inside))
            .collect();
        for index in 0..self.regions.len() {
            self.topology.backbone[index * self.regions.len() + index] = inside;
        }
        for pair in &self.config.backbone {
            let a = find(&self.regions, Referent::Region, &pair.a, "the backbone")?;
            let b = find(&self.regions, Referent::Region, &pair.b, "the backbone")?;
            let latency = Duration::from_micros(u64::from(pair.one_way_us));
            for (from, to) in [(a, b), (b, a)] {
                self.topology.backbone[from.index() * self.regions.len() + to.index()] = latency;
            }
        }
        Ok(())
    }

    fn clouds(&mut self) -> Result<(), FabricError> {
        for config in &self.config.clouds {
            let id = CloudId(number(self.topology.clouds.len()));
            let mut reaches = vec![config.regions.is_empty(); self.regions.len()];
            for name in &config.regions {
                let by = format!("cloud {}", config.name);
                reaches[find(&self.regions, Referent::Region, name, &by)?.index()] = true;
            }
            let settings = CloudSettings {
                stretch_percent: config.stretch_percent,
                jitter: Duration::from_micros(u64::from(config.jitter_us)),
                loss_ppm: config.loss_ppm,
            };
            let seed = self
                .seed
                .named(&format!("cloud {}", config.name))
                .next_u64();
            self.clouds.insert(&config.name, id);
            self.topology.clouds.push(CloudPart {
                name: config.name.clone(),
                reaches,
                cloud: Cloud::new(settings, seed),
            });
        }
        Ok(())
    }

    /// Security groups and route tables.
    fn shared(&mut self) {
        for config in &self.config.nsgs {
            let id = GroupId(number(self.topology.groups.len()));
            self.groups.insert(&config.name, id);
            self.topology.groups.push(Group::new(config));
        }
        for config in &self.config.route_tables {
            let id = TableId(number(self.topology.tables.len()));
            self.tables.insert(&config.name, id);
            let routes = config.routes.iter();
            self.topology.tables.push(RouteTable {
                propagation: !config.disable_bgp_propagation,
                routes: routes.map(|route| (route.prefix, route.next_hop)).collect(),
            });
        }
    }

    fn vnet(&mut self, config: &'a VnetConfig) -> Result<(), FabricError> {
        let by = format!("VNet {}", config.name);
        let id = VnetId(number(self.topology.vnets.len()));
        let own = config.address_space.iter().map(|prefix| {
            let route = SystemRoute {
                kind: NextHopType::VnetLocal,
                vnet: id,
            };
            (*prefix, route)
        });
        self.topology.vnets.push(Vnet {
            region: find(&self.regions, Referent::Region, &config.region, &by)?,
            space: config.address_space.clone(),
            peers: BTreeMap::new(),
            system: own.collect(),
            instances: Vec::new(),
            vms: (0, 0),
            programmed_by: None,
        });
        self.vnets.insert(&config.name, id);
        for subnet in &config.subnets {
            let number = SubnetId(number(self.topology.subnets.len()));
            let by = format!("subnet {} of {by}", subnet.name);
            self.topology.subnets.push(Subnet {
                group: optional(&self.groups, Referent::Nsg, subnet.nsg.as_ref(), &by)?,
                table: optional(
                    &self.tables,
                    Referent::RouteTable,
                    subnet.route_table.as_ref(),
                    &by,
                )?,
            });
            self.subnets.insert((id, &subnet.name), number);
        }
        Ok(())
    }

    /// Connects what both sides have configured.
    fn peerings(&mut self) -> Result<(), FabricError> {
        for (index, config) in self.config.vnets.iter().enumerate() {
            let id = VnetId(number(index));
            for half in &config.peerings {
                let by = format!("VNet {}", config.name);
                let remote = find(&self.vnets, Referent::Vnet, &half.remote, &by)?;
                let other = &self.config.vnets[remote.index()];
                if !other.peerings.iter().any(|back| back.remote == config.name) {
                    continue;
                }
                let kind = if other.region == config.region {
                    NextHopType::VNetPeering
                } else {
                    NextHopType::VNetGlobalPeering
                };
                let vnet = &mut self.topology.vnets[id.index()];
                for prefix in &other.address_space {
                    vnet.system
                        .insert(*prefix, SystemRoute { kind, vnet: remote });
                }
                let peering = Peering {
                    access: half.allow_virtual_network_access,
                    forwarded: half.allow_forwarded_traffic,
                    remote_gateways: half.use_remote_gateways,
                };
                vnet.peers.insert(remote, peering);
            }
        }
        Ok(())
    }

    fn nic(&mut self, config: &'a NicConfig) -> Result<(), FabricError> {
        let by = format!("{}/{}", config.device, config.interface);
        let vnet = find(&self.vnets, Referent::Vnet, &config.vnet, &by)?;
        let subnet = self.subnets.get(&(vnet, config.subnet.as_str()));
        let subnet = *subnet.ok_or_else(|| unknown(Referent::Subnet, &config.subnet, &by))?;
        let id = NicId(number(self.topology.nics.len()));
        let device = self.device(&config.device);
        let port = self.port(&config.device, &config.interface, PortKind::Nic(id))?;
        if self
            .topology
            .private
            .insert((vnet, config.address), id)
            .is_some()
        {
            return Err(duplicate(config.address, by));
        }
        if let Some(public) = config.public_address {
            self.public(public, Owner::Nic(id), &by)?;
        }
        let seed = hash::bytes(self.config.seed, by.as_bytes());
        self.topology.nics.push(Nic {
            port,
            device,
            vnet,
            subnet,
            address: config.address,
            public: config.public_address,
            forwarding: config.ip_forwarding,
            group: optional(&self.groups, Referent::Nsg, config.nsg.as_ref(), &by)?,
            seed,
            share: Some((seed >> 32) as u32),
            away: Duration::ZERO,
            flows: Flows::new(seed),
        });
        if config.subnet == ROUTE_SERVER_SUBNET {
            self.instance(device, &config.device, vnet);
        }
        Ok(())
    }

    /// Makes a device one that programs NICs from a VNet.
    fn instance(&mut self, device: DeviceId, name: &str, vnet: VnetId) {
        let instance = InstanceId(self.instances.len() as u16);
        self.topology.devices[device.index()].instance = Some(instance);
        self.topology.vnets[vnet.index()].instances.push(instance);
        self.instances.push(Instance {
            name: name.to_owned(),
            vnet,
            state: State::Serving,
            epoch: 0,
            table: PrefixMap::new(),
        });
    }

    /// Which VNets' NICs each Route Server or gateway programs: its own, and those of peers that use it.
    fn programmers(&mut self) {
        for (index, config) in self.config.vnets.iter().enumerate() {
            let id = VnetId(number(index));
            if !self.topology.vnet(id).instances.is_empty() {
                self.topology.vnets[index].programmed_by = Some(id);
                continue;
            }
            let remote = config.peerings.iter().find_map(|half| {
                let remote = *self.vnets.get(half.remote.as_str())?;
                let back = self.config.vnets[remote.index()].peerings.iter();
                let transit = back
                    .into_iter()
                    .any(|back| back.remote == config.name && back.allow_gateway_transit);
                let has_instances = !self.topology.vnet(remote).instances.is_empty();
                (half.use_remote_gateways && transit && has_instances).then_some(remote)
            });
            self.topology.vnets[index].programmed_by = remote;
        }
    }

    fn device(&mut self, name: &str) -> DeviceId {
        if let Some(id) = self.topology.device_names.get(name) {
            return *id;
        }
        let id = DeviceId(number(self.topology.devices.len()));
        self.topology.device_names.insert(name.to_owned(), id);
        self.topology.devices.push(Device {
            up: true,
            instance: None,
            forwarder: None,
        });
        id
    }

    fn port(
        &mut self,
        device: &str,
        interface: &str,
        kind: PortKind,
    ) -> Result<PortId, FabricError> {
        let id = PortId(number(self.topology.ports.len()));
        let name = (device.to_owned(), interface.to_owned());
        if self.topology.port_names.insert(name, id).is_some() {
            return Err(FabricError::DuplicatePort {
                device: device.to_owned(),
                interface: interface.to_owned(),
            });
        }
        self.topology.ports.push(Port {
            device: device.to_owned(),
            interface: interface.to_owned(),
            kind,
        });
        Ok(id)
    }

    fn public(&mut self, address: Ipv4Addr, owner: Owner, by: &str) -> Result<(), FabricError> {
        match self.topology.public.insert(address, owner) {
            None => Ok(()),
            Some(_) => Err(duplicate(address, by.to_owned())),
        }
    }
}

fn find<Id: Copy>(
    names: &BTreeMap<&str, Id>,
    what: Referent,
    name: &str,
    by: &str,
) -> Result<Id, FabricError> {
    names
        .get(name)
        .copied()
        .ok_or_else(|| unknown(what, name, by))
}

fn optional<Id: Copy>(
    names: &BTreeMap<&str, Id>,
    what: Referent,
    name: Option<&String>,
    by: &str,
) -> Result<Option<Id>, FabricError> {
    name.map(|name| find(names, what, name, by)).transpose()
}

fn unknown(what: Referent, name: &str, by: &str) -> FabricError {
    FabricError::Unknown {
        what,
        name: name.to_owned(),
        by: by.to_owned(),
    }
}

const fn duplicate(address: Ipv4Addr, by: String) -> FabricError {
    FabricError::DuplicateAddress { address, by }
}

/// Tables hold far fewer than 2³² entries: a configuration of that size does not fit in memory.
fn number(len: usize) -> u32 {
    u32::try_from(len).expect("fewer than 2^32 of anything")
}
