//! Everything that can happen to a fabric.

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::Prefix;

/// An interface of a device: a NIC, an access link, a place on a LAN, or an end of a point-to-point
/// link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u32);

/// One instance of a Route Server, known by its NIC in a `RouteServerSubnet`; or one of a gateway
/// whose VNet has no Route Server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u16);

/// A gateway's instance or an MSEE: the fabric forwards for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForwarderId(pub u16);

/// An input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The time that [`super::Fabric::wake`] named has come.
    Wake,
    /// A device sent a packet out of an interface.
    Packet {
        /// The interface.
        port: PortId,
        /// An IPv4 packet.
        bytes: Vec<u8>,
    },
    /// A forwarder decided where a prefix goes.
    Forward {
        /// The forwarder.
        forwarder: ForwarderId,
        /// The prefix.
        prefix: Prefix,
        /// Equal next hops: far ends of its links, or addresses in its VNets; none withdraws the
        /// prefix.
        next_hops: Vec<Ipv4Addr>,
    },
    /// A forwarder has started: its table is empty.
    ForwarderUp(ForwarderId),
    /// An instance decided where a prefix goes.
    Program {
        /// The instance.
        instance: InstanceId,
        /// The prefix.
        prefix: Prefix,
        /// Equal next hops; none withdraws the prefix.
        next_hops: Vec<Ipv4Addr>,
    },
    /// An instance has started: its table is empty.
    InstanceUp(InstanceId),
    /// An instance has stopped; the other takes over its NICs.
    InstanceDown(InstanceId),
    /// The operator breaks or mends something.
    Command(Fault),
}

/// How bad an access link gets, beside what it always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brownout {
    /// Added to every packet.
    pub latency: Duration,
    /// Added on top: uniform from zero.
    pub jitter: Duration,
    /// Packets lost, in parts per million.
    pub loss_ppm: u32,
    /// Whether what the site sends is concerned.
    pub from_site: bool,
    /// Whether what is sent to the site is concerned.
    pub to_site: bool,
}

/// Something to break (`up: false`) or to mend (`up: true`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A site's access link.
    Attachment {
        /// Device at the site.
        device: String,
        /// Its interface.
        interface: String,
        /// Whether it works.
        up: bool,
    },
    /// A site's access link gets bad.
    Brownout {
        /// Device at the site.
        device: String,
        /// Its interface.
        interface: String,
        /// How bad.
        brownout: Brownout,
        /// Whether it is good.
        up: bool,
    },
    /// The firewall at a site's access link, which blocks UDP both ways.
    Udp {
        /// Device at the site.
        device: String,
        /// Its interface.
        interface: String,
        /// Whether UDP passes.
        up: bool,
    },
    /// The NAT at a site's access link, which forgets its mappings and gives out other ports: breaking it does that
    /// once, and there is nothing to mend.
    Rebind {
        /// Device at the site.
        device: String,
        /// Its interface.
        interface: String,
        /// Whether nothing is to be done.
        up: bool,
    },
    /// All interfaces of a device. An instance stops or starts with its device, and a
    /// forwarder forgets its table.
    Device {
        /// Device name.
        name: String,
        /// Whether it works.
        up: bool,
    },
    /// The backbone between two regions, both ways.
    Pair {
        /// One region.
        a: String,
        /// The other.
        b: String,
        /// Whether it works.
        up: bool,
    },
    /// Everything between two outer addresses, both ways: a tunnel's path. A NIC may be named by
    /// its private or its public address, a device behind NAT by its own or the NAT's.
    Path {
        /// One address.
        a: Ipv4Addr,
        /// The other.
        b: Ipv4Addr,
        /// Whether it works.
        up: bool,
    },
    /// All NICs of a region.
    Region {
        /// Region name.
        name: String,
        /// Whether it works.
        up: bool,
    },
    /// A point-to-point link, both ways.
    Wire {
        /// Device at one of its ends.
        device: String,
        /// Its interface.
        interface: String,
        /// Whether it works.
        up: bool,
    },
}
