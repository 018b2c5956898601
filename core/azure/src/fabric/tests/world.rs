//! A small world to try things in: two regions, hubs with NVAs and Route Servers, spokes with VMs,
//! two sites.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use design::plan::{
    AttachmentConfig, BackboneConfig, CloudConfig, FabricConfig, FabricRegion, LanConfig,
    LanPortConfig, LinkConfigOneWay, NatBehavior, NatConfig, NicConfig, PeeringConfig, Place,
    ProgrammingConfig, SubnetConfig, VnetConfig,
};
use inet::packet::{self, Ipv4, TCP, UDP};
use inet::{FiveTuple, Instant, Prefix};

use crate::fabric::{DropReason, Fabric, Fault, Input, InstanceId, Outcome, Output, PortId};

pub(super) const WEST: Place = Place {
    latitude_udeg: 52_366_700,
    longitude_udeg: 4_900_000,
};
pub(super) const EAST: Place = Place {
    latitude_udeg: 37_371_900,
    longitude_udeg: -79_816_400,
};
pub(super) const PARIS: Place = Place {
    latitude_udeg: 48_856_600,
    longitude_udeg: 2_352_200,
};

pub(super) const PROGRAMMING_DELAY: Duration = Duration::from_millis(100);
pub(super) const REGION_LATENCY: Duration = Duration::from_micros(400);
pub(super) const WEST_EAST: Duration = Duration::from_millis(42);

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Arrived {
        at: &'static str,
        flow: FiveTuple,
        after: Duration,
        ttl: u8,
    },
    Dropped(DropReason),
}

impl Got {
    pub(super) fn at(self) -> &'static str {
        match self {
            Self::Arrived { at, .. } => at,
            Self::Dropped(reason) => panic!("dropped: {reason}"),
        }
    }

    pub(super) fn flow(self) -> FiveTuple {
        match self {
            Self::Arrived { flow, .. } => flow,
            Self::Dropped(reason) => panic!("dropped: {reason}"),
        }
    }

    pub(super) fn after(self) -> Duration {
        match self {
            Self::Arrived { after, .. } => after,
            Self::Dropped(reason) => panic!("dropped: {reason}"),
        }
    }

    pub(super) fn ttl(self) -> u8 {
        match self {
            Self::Arrived { ttl, .. } => ttl,
            Self::Dropped(reason) => panic!("dropped: {reason}"),
        }
    }
}

pub(super) struct World {
    pub(super) fabric: Fabric,
    pub(super) now: Instant,
}

impl World {
    pub(super) fn new(config: &FabricConfig) -> Self {
        Self {
            fabric: Fabric::new(config, Instant::ZERO).expect("a good configuration"),
            now: Instant::from_secs(1),
        }
    }

    pub(super) fn port(&self, name: &str) -> PortId {
        let (device, interface) = name.split_once('/').unwrap_or((name, "eth0"));
        self.fabric.port(device, interface).expect("a port")
    }

    /// Explains a flow, sends a packet of it, and checks that both agree.
    pub(super) fn send(&mut self, from: &str, flow: FiveTuple) -> Got {
        let port = self.port(from);
        let said = self.fabric.explain(self.now, port, flow);
        let got = self.send_packet(from, packet_of(flow));
        match (got, said.outcome) {
            (
                Got::Arrived {
                    at, flow, after, ..
                },
                Outcome::Delivered {
                    port,
                    flow: explained,
                },
            ) => {
                assert_eq!(
                    (at, flow, after),
                    (self.name(port), explained, said.latency)
                );
            }
            (Got::Dropped(reason), Outcome::Dropped(explained)) => assert_eq!(reason, explained),
            (got, said) => panic!("{got:?}, but explained as {said:?}"),
        }
        got
    }

    pub(super) fn send_packet(&mut self, from: &str, bytes: Vec<u8>) -> Got {
        let sent = self.now;
        let mut out = Vec::new();
        let port = self.port(from);
        self.fabric
            .handle(sent, Input::Packet { port, bytes }, &mut out);
        while out.is_empty() {
            self.now = self.fabric.wake().expect("a packet is under way");
            self.fabric.handle(self.now, Input::Wake, &mut out);
        }
        match out.remove(0) {
            Output::Deliver { port, bytes } => {
                let view = Ipv4::parse(&bytes).expect("a packet");
                Got::Arrived {
                    at: self.name(port),
                    flow: view.five_tuple(),
                    after: self.now.since(sent),
                    ttl: view.ttl(),
                }
            }
            Output::Drop { reason, .. } => Got::Dropped(reason),
            Output::Refused(fault) => panic!("{fault:?}"),
        }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        let mut out = Vec::new();
        self.fabric
            .handle(self.now, Input::Command(fault), &mut out);
        assert_eq!(out, []);
    }

    pub(super) fn device(&mut self, name: &str, up: bool) {
        let name = name.to_owned();
        self.fault(Fault::Device { name, up });
    }

    /// Programs at an instance and waits for the delay.
    pub(super) fn program(&mut self, instance: &str, prefix: &str, hops: &[&str]) {
        let instance = self.instance(instance);
        let input = Input::Program {
            instance,
            prefix: self::prefix(prefix),
            next_hops: hops.iter().map(|hop| ip(hop)).collect(),
        };
        let mut out = Vec::new();
        self.fabric.handle(self.now, input, &mut out);
        self.pass(PROGRAMMING_DELAY);
    }

    /// Programs at both instances in West Europe.
    pub(super) fn program_both(&mut self, prefix: &str, hops: &[&str]) {
        self.program("rs0.west", prefix, hops);
        self.program("rs1.west", prefix, hops);
    }

    pub(super) fn instance(&self, name: &str) -> InstanceId {
        self.fabric.instance(name).expect("an instance")
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        let mut out = Vec::new();
        self.fabric.handle(self.now, Input::Wake, &mut out);
    }

    /// Names live as long as the test run: tests compare them as they are written.
    fn name(&self, port: PortId) -> &'static str {
        let (device, interface) = self.fabric.port_name(port).expect("a port");
        match interface {
            "eth0" => device.to_owned().leak(),
            _ => format!("{device}/{interface}").leak(),
        }
    }
}

pub(super) fn ip(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

pub(super) fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}

pub(super) fn udp(source: &str, destination: &str) -> FiveTuple {
    FiveTuple {
        source: ip(source),
        destination: ip(destination),
        protocol: UDP,
        source_port: 5_000,
        destination_port: 6_000,
    }
}

pub(super) fn tcp(source: &str, destination: &str, source_port: u16, port: u16) -> FiveTuple {
    FiveTuple {
        source: ip(source),
        destination: ip(destination),
        protocol: TCP,
        source_port,
        destination_port: port,
    }
}

pub(super) fn packet_of(flow: FiveTuple) -> Vec<u8> {
    if flow.protocol == UDP {
        let socket = |address, port| SocketAddrV4::new(address, port);
        return packet::udp(
            socket(flow.source, flow.source_port),
            socket(flow.destination, flow.destination_port),
            64,
            b"payload",
        );
    }
    let mut segment = [0; 20];
    segment[0..2].copy_from_slice(&flow.source_port.to_be_bytes());
    segment[2..4].copy_from_slice(&flow.destination_port.to_be_bytes());
    packet::ipv4(flow, 64, &segment)
}

/// The world.
pub(super) fn config() -> FabricConfig {
    FabricConfig {
        wires: Vec::new(),
        forwarders: Vec::new(),
        seed: 7,
        regions: vec![
            region("west", WEST),
            region("east", EAST),
            region("north", WEST),
        ],
        backbone: vec![BackboneConfig {
            a: "west".to_owned(),
            b: "east".to_owned(),
            one_way_us: WEST_EAST.as_micros() as u32,
        }],
        region_latency_us: REGION_LATENCY.as_micros() as u32,
        vnets: vec![
            vnet(
                "hub-west",
                "west",
                "10.1.0.0/16",
                &[("spoke-west", false), ("hub-east", false)],
            ),
            vnet("spoke-west", "west", "10.2.0.0/16", &[("hub-west", true)]),
            vnet("hub-east", "east", "10.11.0.0/16", &[("hub-west", false)]),
            vnet("lonely", "west", "10.3.0.0/16", &[]),
        ],
        nics: nics(),
        nsgs: Vec::new(),
        route_tables: Vec::new(),
        clouds: vec![cloud("internet", &[]), cloud("mpls", &["west"])],
        attachments: attachments(),
        lans: lans(),
        programming_delay_ms: PROGRAMMING_DELAY.as_millis() as u32,
        programming_delay_max_ms: 0,
    }
}

fn nics() -> Vec<NicConfig> {
    let mut nics = vec![
        nic("nva1.west", "hub-west", "nva", "10.1.1.4"),
        nic("nva2.west", "hub-west", "nva", "10.1.1.5"),
        nic("rs0.west", "hub-west", "RouteServerSubnet", "10.1.2.4"),
        nic("rs1.west", "hub-west", "RouteServerSubnet", "10.1.2.5"),
        nic("vm1.spoke", "spoke-west", "vms", "10.2.0.4"),
        nic("vm2.spoke", "spoke-west", "vms", "10.2.0.5"),
        nic("nva1.east", "hub-east", "nva", "10.11.1.4"),
        nic("vm1.lonely", "lonely", "vms", "10.3.0.4"),
    ];
    for (device, public) in [("nva1.west", "20.0.0.1"), ("nva1.east", "20.0.0.3")] {
        let nic = nics.iter_mut().find(|nic| nic.device == device);
        nic.expect("listed").public_address = Some(ip(public));
    }
    for nic in nics.iter_mut().filter(|nic| nic.device.starts_with("nva")) {
        nic.ip_forwarding = true;
    }
    nics
}

fn attachments() -> Vec<AttachmentConfig> {
    let mut all = vec![
        attachment("cpe1.paris", "wan0", "internet", "84.0.0.1"),
        attachment("cpe1.paris", "wan1", "mpls", "84.1.0.1"),
        attachment("cpe2.paris", "wan0", "internet", "84.0.0.2"),
        attachment("cpe1.lyon", "wan0", "internet", "192.168.1.2"),
    ];
    all[3].nat = Some(NatConfig {
        public_address: ip("84.0.0.9"),
        mapping: NatBehavior::EndpointIndependent,
        filtering: NatBehavior::AddressAndPortDependent,
        timeout_s: 120,
    });
    all
}

fn lans() -> Vec<LanConfig> {
    let port = |device: &str, interface: &str, address, router| LanPortConfig {
        device: device.to_owned(),
        interface: interface.to_owned(),
        address: ip(address),
        router,
    };
    vec![
        LanConfig {
            site: "paris".to_owned(),
            prefix: prefix("172.20.1.0/24"),
            gateway: ip("172.20.1.1"),
            ports: vec![
                port("cpe1.paris", "lan0", "172.20.1.2", true),
                port("cpe2.paris", "lan0", "172.20.1.3", true),
                port("host1.paris", "eth0", "172.20.1.10", false),
            ],
        },
        LanConfig {
            site: "lyon".to_owned(),
            prefix: prefix("172.20.2.0/24"),
            gateway: ip("172.20.2.1"),
            ports: vec![
                port("cpe1.lyon", "lan0", "172.20.2.1", true),
                port("host1.lyon", "eth0", "172.20.2.10", false),
            ],
        },
    ]
}

fn region(name: &str, place: Place) -> FabricRegion {
    FabricRegion {
        name: name.to_owned(),
        place,
    }
}

/// A VNet with a few subnets; peers with all flags on, and whether it uses their gateways.
pub(super) fn vnet(name: &str, region: &str, space: &str, peers: &[(&str, bool)]) -> VnetConfig {
    let subnet = |name: &str, index| SubnetConfig {
        name: name.to_owned(),
        prefix: prefix(space).subnet(24, index).expect("room"),
        nsg: None,
        route_table: None,
    };
    let peering = |(remote, gateways): &(&str, bool)| PeeringConfig {
        remote: (*remote).to_owned(),
        allow_virtual_network_access: true,
        allow_forwarded_traffic: true,
        allow_gateway_transit: !gateways,
        use_remote_gateways: *gateways,
    };
    VnetConfig {
        name: name.to_owned(),
        region: region.to_owned(),
        address_space: vec![prefix(space)],
        subnets: vec![
            subnet("vms", 0),
            subnet("nva", 1),
            subnet("RouteServerSubnet", 2),
        ],
        peerings: peers.iter().map(peering).collect(),
        programming: ProgrammingConfig::default(),
    }
}

pub(super) fn nic(device: &str, vnet: &str, subnet: &str, address: &str) -> NicConfig {
    NicConfig {
        device: device.to_owned(),
        interface: "eth0".to_owned(),
        vnet: vnet.to_owned(),
        subnet: subnet.to_owned(),
        address: ip(address),
        public_address: None,
        ip_forwarding: false,
        nsg: None,
    }
}

fn cloud(name: &str, regions: &[&str]) -> CloudConfig {
    CloudConfig {
        name: name.to_owned(),
        regions: regions.iter().map(|name| (*name).to_owned()).collect(),
        stretch_percent: 170,
        loss_ppm: 0,
        jitter_us: 0,
    }
}

pub(super) fn attachment(
    device: &str,
    interface: &str,
    cloud: &str,
    address: &str,
) -> AttachmentConfig {
    let wire = LinkConfigOneWay {
        rate_bps: 0,
        latency_us: 2_000,
        jitter_us: 0,
        loss_ppm: 0,
        queue_bytes: 0,
    };
    AttachmentConfig {
        device: device.to_owned(),
        interface: interface.to_owned(),
        site: device.rsplit('.').next().expect("a site").to_owned(),
        cloud: cloud.to_owned(),
        place: PARIS,
        address: ip(address),
        nat: None,
        up: wire,
        down: wire,
    }
}
