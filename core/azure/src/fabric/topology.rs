//! The parts of a fabric, the indexes between them, and how far apart they are.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;

use design::plan::UserNextHop;
use hashbrown::HashMap;
use inet::hash::Seeded;
use inet::{Coordinates, Prefix, PrefixMap};
use underlay::{Cloud, Link, Nat};

use super::forwarders::Forwarder;
use super::nsg::{Flows, Group};
use super::{ForwarderId, InstanceId, NextHopType, PortId};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) u32);

        impl $name {
            pub(crate) const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A site's access link.
    AttachmentId;
    /// A cloud.
    CloudId;
    /// A device.
    DeviceId;
    /// A network security group.
    GroupId;
    /// A site's LAN.
    LanId;
    /// A NIC.
    NicId;
    /// A region.
    RegionId;
    /// A subnet of some VNet.
    SubnetId;
    /// A route table.
    TableId;
    /// A VNet.
    VnetId;
    /// An end of a point-to-point link; the two ends of one differ in the last bit.
    WireEndId;
}

/// Everything that a configuration describes, by number.
#[derive(Debug)]
pub(crate) struct Topology {
    pub(crate) regions: Vec<Region>,
    /// One-way latency between regions, by both numbers.
    pub(crate) backbone: Vec<Duration>,
    pub(crate) clouds: Vec<CloudPart>,
    pub(crate) vnets: Vec<Vnet>,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) tables: Vec<RouteTable>,
    pub(crate) groups: Vec<Group>,
    pub(crate) nics: Vec<Nic>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) lans: Vec<Lan>,
    /// Gateways and MSEEs.
    pub(crate) forwarders: Vec<Forwarder>,
    /// Those of them with a Microsoft peering.
    pub(crate) microsoft: Vec<ForwarderId>,
    /// INVARIANT: both ends of a link stand beside each other, the first at an even number.
    pub(crate) wire_ends: Vec<WireEnd>,
    pub(crate) devices: Vec<Device>,
    pub(crate) device_names: BTreeMap<String, DeviceId>,
    pub(crate) ports: Vec<Port>,
    pub(crate) port_names: BTreeMap<(String, String), PortId>,
    /// NICs by VNet and private address.
    pub(crate) private: HashMap<(VnetId, Ipv4Addr), NicId, Seeded>,
    /// Who has a public address.
    pub(crate) public: HashMap<Ipv4Addr, Owner, Seeded>,
    /// The system routes with next hop None.
    pub(crate) none_rows: PrefixMap<()>,
}

/// A region and where it is.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) place: Coordinates,
    pub(crate) up: bool,
}

/// A cloud and the regions it reaches.
#[derive(Debug)]
pub(crate) struct CloudPart {
    pub(crate) name: String,
    /// By region number; all regions when the configuration names none.
    pub(crate) reaches: Vec<bool>,
    pub(crate) cloud: Cloud,
}

/// A virtual network.
#[derive(Debug)]
pub(crate) struct Vnet {
    pub(crate) region: RegionId,
    pub(crate) space: Vec<Prefix>,
    /// Own halves of connected peerings.
    pub(crate) peers: BTreeMap<VnetId, Peering>,
    /// Own address space and that of connected peers.
    pub(crate) system: PrefixMap<SystemRoute>,
    /// Who programs the NICs from here: instances of the Route Server, or of the gateway where
    /// there is none.
    pub(crate) instances: Vec<InstanceId>,
    /// VMs around the Route Server here, and how many it is sure to program (0: all).
    pub(crate) vms: (u32, u32),
    /// The VNet whose Route Server or gateway programs the NICs here.
    pub(crate) programmed_by: Option<VnetId>,
}

/// Own half of a peering, as far as packets meet it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peering {
    pub(crate) access: bool,
    pub(crate) forwarded: bool,
    /// Whether the other side's gateway is used, and so may send in what it only forwards.
    pub(crate) remote_gateways: bool,
}

/// A system route to own or peered address space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemRoute {
    pub(crate) kind: NextHopType,
    pub(crate) vnet: VnetId,
}

/// A subnet.
#[derive(Debug)]
pub(crate) struct Subnet {
    pub(crate) group: Option<GroupId>,
    pub(crate) table: Option<TableId>,
}

/// User routes.
#[derive(Debug)]
pub(crate) struct RouteTable {
    /// Whether routes of gateways and Route Server are let in.
    pub(crate) propagation: bool,
    pub(crate) routes: PrefixMap<UserNextHop>,
}

/// A network interface in a VNet.
#[derive(Debug)]
pub(crate) struct Nic {
    pub(crate) port: PortId,
    pub(crate) device: DeviceId,
    pub(crate) vnet: VnetId,
    pub(crate) subnet: SubnetId,
    pub(crate) address: Ipv4Addr,
    pub(crate) public: Option<Ipv4Addr>,
    pub(crate) forwarding: bool,
    pub(crate) group: Option<GroupId>,
    /// Seed of its choice among equal next hops.
    pub(crate) seed: u64,
    /// Which instance programs it: this modulo their number. `None` when the VM is one too many.
    pub(crate) share: Option<u32>,
    /// How long packets take from its region to where the device really is: zero but for MSEEs.
    pub(crate) away: Duration,
    pub(crate) flows: Flows,
}

/// A site's access link to a cloud, with the NAT in front of the device.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) port: PortId,
    pub(crate) device: DeviceId,
    pub(crate) cloud: CloudId,
    pub(crate) place: Coordinates,
    pub(crate) address: Ipv4Addr,
    pub(crate) nat: Option<Nat>,
    pub(crate) up: Link,
    pub(crate) down: Link,
    pub(crate) works: bool,
    /// Whether a firewall there lets UDP through.
    pub(crate) passes_udp: bool,
}

impl Attachment {
    /// The address that it has in the cloud.
    pub(crate) fn outside(&self) -> Ipv4Addr {
        self.nat.as_ref().map_or(self.address, Nat::public_address)
    }
}

/// A site's LAN.
#[derive(Debug)]
pub(crate) struct Lan {
    pub(crate) site: String,
    pub(crate) prefix: Prefix,
    pub(crate) gateway: Ipv4Addr,
    pub(crate) members: Vec<PortId>,
    pub(crate) by_address: BTreeMap<Ipv4Addr, PortId>,
    /// Who gets what is for the gateway or for elsewhere.
    pub(crate) router: Option<PortId>,
}

/// An end of a point-to-point link.
#[derive(Debug)]
pub(crate) struct WireEnd {
    pub(crate) port: PortId,
    pub(crate) device: DeviceId,
    /// The device's address here.
    pub(crate) address: Ipv4Addr,
    /// From here to the other end.
    pub(crate) out: Link,
    /// Whether the link works: the same at both ends.
    pub(crate) works: bool,
}

impl WireEndId {
    /// The other end of the link.
    pub(crate) const fn other(self) -> Self {
        Self(self.0 ^ 1)
    }
}

/// A device and whether it works.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) up: bool,
    /// The instance of a Route Server, or of a gateway that programs NICs, that it is.
    pub(crate) instance: Option<InstanceId>,
    /// The forwarder that it is.
    pub(crate) forwarder: Option<ForwarderId>,
}

/// An interface: whose it is and what it is.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) device: String,
    pub(crate) interface: String,
    pub(crate) kind: PortKind,
}

/// What an interface is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PortKind {
    Nic(NicId),
    Attachment(AttachmentId),
    Lan(LanId, DeviceId),
    Wire(WireEndId),
}

/// Who has a public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Nic(NicId),
    Attachment(AttachmentId),
}

impl Topology {
    pub(crate) fn nic(&self, id: NicId) -> &Nic {
        &self.nics[id.index()]
    }

    pub(crate) fn vnet(&self, id: VnetId) -> &Vnet {
        &self.vnets[id.index()]
    }

    pub(crate) fn attachment(&self, id: AttachmentId) -> &Attachment {
        &self.attachments[id.index()]
    }

    pub(crate) fn wire_end(&self, id: WireEndId) -> &WireEnd {
        &self.wire_ends[id.index()]
    }

    pub(crate) fn region_of(&self, nic: &Nic) -> RegionId {
        self.vnet(nic.vnet).region
    }

    /// One way between two regions, or inside one.
    pub(crate) fn between(&self, from: RegionId, to: RegionId) -> Duration {
        self.backbone[from.index() * self.regions.len() + to.index()]
    }

    /// The forwarder that the device of a NIC is.
    pub(crate) fn forwarder_of(&self, device: DeviceId) -> Option<&Forwarder> {
        let id = self.devices[device.index()].forwarder?;
        Some(&self.forwarders[usize::from(id.0)])
    }

    /// The NIC with an address in this VNet or a directly peered one.
    pub(crate) fn reachable(&self, vnet: VnetId, address: Ipv4Addr) -> Option<NicId> {
        let (_, route) = self.vnet(vnet).system.longest_match(address)?;
        self.private.get(&(route.vnet, address)).copied()
    }

    /// What rules the subnet of a NIC adds to its routes.
    pub(crate) fn table_of(&self, nic: &Nic) -> Option<&RouteTable> {
        let table = self.subnets[nic.subnet.index()].table?;
        Some(&self.tables[table.index()])
    }

    /// The security groups that a packet meets, in the platform's order.
    pub(crate) fn groups_of(&self, nic: &Nic, inbound: bool) -> impl Iterator<Item = &Group> {
        let subnet = self.subnets[nic.subnet.index()].group;
        let order = if inbound {
            [subnet, nic.group]
        } else {
            [nic.group, subnet]
        };
        order
            .into_iter()
            .flatten()
            .map(|group| &self.groups[group.index()])
    }
}
