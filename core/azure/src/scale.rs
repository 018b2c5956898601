//! A Route Server at its published limits, for measurements: both instances with their NVAs, and a
//! fabric with as many VMs as they program.
//!
//! [`Scale::new`] brings the sessions up and lets every NVA encode its announcements;
//! [`Scale::announce`] gives those bytes to both instances and what they decide to the fabric. So
//! what is measured is reading, deciding and programming, and not the sender. [`Scale::missing`]
//! looks at every network interface afterwards.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::collections::VecDeque;

use bgp::{ConnId, Neighbor, NextHopRule, Origination, Policy, Settings, Speaker};
use design::plan::{
    BgpPeerConfig, FabricConfig, FabricRegion, InterfaceConfig, Limits, NicConfig, Place,
    PlatformChoices, ProgrammingConfig, RouteMaps, RouteServerConfig, RoutingPreference,
    SubnetConfig, VnetConfig,
};
use inet::{Asn, Instant, Prefix};

use crate::route_server::{Input, Output, PeerRefusal};
use crate::{Fabric, FabricError, InstanceId, RouteServer, fabric};

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// NVAs, at most 8.
    pub nvas: u8,
    /// Prefixes that each of them announces, at most 65,536.
    pub routes: u32,
    /// Whether all announce the same prefixes; otherwise each has its own.
    pub same: bool,
    /// VMs, at most 60,000.
    pub vms: u16,
}

impl Size {
    /// What the platform publishes as its limits since September 2025.
    pub const PUBLISHED: Self = Self {
        nvas: 8,
        routes: 4_000,
        same: true,
        vms: 4_000,
    };
}

/// Why a size cannot be.
#[derive(Debug)]
pub enum ScaleError {
    /// Not a configuration of a Route Server.
    Peer(PeerRefusal),
    /// Not a configuration of a fabric.
    Fabric(FabricError),
}

/// A Route Server, its NVAs and its VMs.
#[derive(Debug)]
pub struct Scale {
    size: Size,
    instances: Vec<Instance>,
    fabric: Fabric,
    now: Instant,
}

/// An instance, and what each NVA is about to send to it.
#[derive(Debug)]
struct Instance {
    server: RouteServer,
    id: InstanceId,
    updates: Vec<(ConnId, Vec<u8>)>,
}

/// What arrives at once from a socket.
const CHUNK: usize = 64 * 1024;

impl Scale {
    /// Sessions stand, and the announcements are encoded.
    pub fn new(size: Size) -> Result<Self, ScaleError> {
        let now = Instant::from_secs(1);
        let fabric = Fabric::new(&fabric_config(size), now).map_err(ScaleError::Fabric)?;
        let mut instances = Vec::new();
        for index in 0..2 {
            let config = server_config(size, index);
            let server = RouteServer::new(&config, 1, now).map_err(ScaleError::Peer)?;
            let id = fabric.instance(&config.name);
            let mut instance = Instance {
                server,
                id: id.expect("both instances have a NIC"),
                updates: Vec::new(),
            };
            for nva in 0..size.nvas {
                instance.connect(now, size, nva);
            }
            instances.push(instance);
        }
        Ok(Self {
            size,
            instances,
            fabric,
            now,
        })
    }

    /// Gives all announcements to both instances, in pieces as sockets have them and in turns, and
    /// everything that they decide to the fabric.
    pub fn announce(&mut self) {
        let mut decided = Vec::new();
        for instance in &mut self.instances {
            instance.announce(self.now, &mut decided);
            for output in decided.drain(..) {
                if let Output::Program { prefix, next_hops } = output {
                    let input = fabric::Input::Program {
                        instance: instance.id,
                        prefix,
                        next_hops,
                    };
                    self.fabric.handle(self.now, input, &mut Vec::new());
                }
            }
        }
    }

    /// How many of the routes that network interfaces should have they lack, over all VMs.
    pub fn missing(&self) -> usize {
        let wanted: Vec<Prefix> = (0..self.size.nvas)
            .flat_map(|nva| prefixes(self.size, nva))
            .collect();
        let hops = if self.size.same { self.size.nvas } else { 1 };
        let per_instance = |instance: &Instance| {
            let there = self.fabric.programmed_by(instance.id);
            let whole = there.filter(|(_, next_hops)| next_hops.len() == usize::from(hops));
            whole.count()
        };
        let distinct = if self.size.same {
            self.size.routes as usize
        } else {
            wanted.len()
        };
        let least = self.instances.iter().map(per_instance).min().unwrap_or(0);
        let lacking = |vm: u16| {
            let port = self.fabric.port(&vm_name(vm), "eth0");
            let rows = port.and_then(|port| self.fabric.effective_routes(port));
            let rows = rows.unwrap_or_default().into_iter();
            distinct
                - rows
                    .filter(|row| row.next_hops.len() == usize::from(hops))
                    .count()
        };
        // Interfaces of one instance share its table: a few of each stand for all.
        let sample = (0..self.size.vms).step_by(usize::from(self.size.vms / 40).max(1));
        (distinct - least) + sample.map(lacking).sum::<usize>()
    }
}

impl Instance {
    /// Brings the session with an NVA up and keeps what the NVA then announces.
    fn connect(&mut self, now: Instant, size: Size, nva: u8) {
        let endpoint = self.server.config().interface.address;
        let mut speaker = speaker(endpoint, nva, now);
        let conn = ConnId::accepted(u64::from(nva));
        let ends = [
            SocketAddrV4::new(endpoint, 179),
            SocketAddrV4::new(nva_address(nva), 40_000),
        ]
        .map(SocketAddr::V4);
        // The NVA calls: whatever the instance opens itself goes unanswered.
        let mut heard: VecDeque<Vec<u8>> = VecDeque::new();
        let mut out = Vec::new();
        speaker.handle(now, bgp::Input::Wake, &mut out);
        let called = out.iter().find_map(|output| match output {
            bgp::Output::Connect { conn, .. } => Some(*conn),
            _ => None,
        });
        let called = called.expect("an NVA calls");
        let accepted = bgp::Input::Accepted {
            conn,
            local: ends[0],
            remote: ends[1],
        };
        self.hear(now, accepted, conn, &mut heard);
        out.clear();
        let connected = bgp::Input::Connected {
            conn: called,
            local: ends[1],
        };
        speaker.handle(now, connected, &mut out);
        loop {
            for bytes in sent(&mut out, called) {
                let bytes = bgp::Input::Bytes {
                    conn,
                    bytes: &bytes,
                };
                self.hear(now, bytes, conn, &mut heard);
            }
            let Some(bytes) = heard.pop_front() else {
                break;
            };
            let bytes = bgp::Input::Bytes {
                conn: called,
                bytes: &bytes,
            };
            speaker.handle(now, bytes, &mut out);
        }
        for prefix in prefixes(size, nva) {
            let originate = bgp::Command::Originate(prefix.into(), Origination::default());
            speaker.handle(now, bgp::Input::Command(originate), &mut out);
        }
        self.updates.push((conn, sent(&mut out, called).concat()));
    }

    /// Gives the server an input and keeps what it says on a connection.
    fn hear(
        &mut self,
        now: Instant,
        input: bgp::Input<'_>,
        conn: ConnId,
        heard: &mut VecDeque<Vec<u8>>,
    ) {
        let mut out = Vec::new();
        self.server.handle(now, Input::Bgp(input), &mut out);
        let said = out.into_iter().filter_map(|output| match output {
            Output::Bgp(output) => Some(output),
            _ => None,
        });
        heard.extend(sent(&mut said.collect(), conn));
    }

    fn announce(&mut self, now: Instant, decided: &mut Vec<Output>) {
        let longest = self.updates.iter().map(|(_, bytes)| bytes.len()).max();
        for start in (0..longest.unwrap_or(0)).step_by(CHUNK) {
            for (conn, bytes) in &self.updates {
                let end = bytes.len().min(start + CHUNK);
                if let Some(bytes) = bytes.get(start..end).filter(|bytes| !bytes.is_empty()) {
                    let bytes = bgp::Input::Bytes { conn: *conn, bytes };
                    self.server.handle(now, Input::Bgp(bytes), decided);
                }
            }
        }
    }
}

/// What was sent on a connection.
fn sent(out: &mut Vec<bgp::Output>, on: ConnId) -> Vec<Vec<u8>> {
    let all = out.drain(..).filter_map(|output| match output {
        bgp::Output::Send { conn, bytes } if conn == on => Some(bytes.to_vec()),
        _ => None,
    });
    all.collect()
}

fn speaker(endpoint: Ipv4Addr, nva: u8, now: Instant) -> Speaker {
    let address = nva_address(nva);
    let neighbor = Neighbor {
        import: Some(Policy::accept_all()),
        export: Some(Policy::accept_all()),
        next_hop: NextHopRule::Ourselves,
        ..Neighbor::new("route server", address, endpoint, Asn(65_515))
    };
    let mut settings = Settings::new(Asn(65_001), address);
    settings.neighbors.push(neighbor);
    Speaker::new(settings, u64::from(nva), now)
}

/// The prefixes of an NVA: /24s from 16.0.0.0 on.
fn prefixes(size: Size, nva: u8) -> impl Iterator<Item = Prefix> {
    let first = if size.same {
        0
    } else {
        u32::from(nva) * size.routes
    };
    (first..first + size.routes).map(|index| {
        let address = Ipv4Addr::from_bits((16 << 24) + (index << 8));
        Prefix::new(address, 24).expect("at most 32 bits")
    })
}

const fn nva_address(nva: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 1, 4 + nva)
}

fn vm_name(vm: u16) -> String {
    format!("vm{vm}")
}

fn endpoint(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 2, 4 + index)
}

fn prefix(address: [u8; 4], len: u8) -> Prefix {
    Prefix::new(address.into(), len).expect("at most 32 bits")
}

fn server_config(size: Size, index: u8) -> RouteServerConfig {
    let space = vec![prefix([10, 1, 0, 0], 16)];
    let peers = (0..size.nvas).map(|nva| BgpPeerConfig {
        name: format!("nva{nva}"),
        address: nva_address(nva),
        asn: Asn(65_001),
    });
    RouteServerConfig {
        name: format!("rs{index}"),
        region: "west".to_owned(),
        vnet: "hub".to_owned(),
        instance: index,
        twin: format!("rs{}", 1 - index),
        interface: InterfaceConfig {
            name: "eth0".to_owned(),
            address: endpoint(index),
            prefix_len: 24,
            default_route_metric: Some(0),
        },
        subnet: prefix([10, 1, 2, 0], 24),
        asn: Asn(65_515),
        peers: peers.collect(),
        announced: space.clone(),
        vnet_space: space.clone(),
        branch_to_branch: false,
        routing_preference: RoutingPreference::default(),
        hold_time_s: 180,
        routes_per_peer: size.routes.max(4_000),
        own_space: space,
        gateways: Vec::new(),
        route_maps: RouteMaps::default(),
        limits: Limits {
            routes_total: 0,
            ..Limits::default()
        },
        choices: PlatformChoices::default(),
    }
}

fn fabric_config(size: Size) -> FabricConfig {
    let nic = |device: String, subnet: &str, address: Ipv4Addr| NicConfig {
        device,
        interface: "eth0".to_owned(),
        vnet: "hub".to_owned(),
        subnet: subnet.to_owned(),
        address,
        public_address: None,
        ip_forwarding: true,
        nsg: None,
    };
    let nvas = (0..size.nvas).map(|nva| nic(format!("nva{nva}"), "nva", nva_address(nva)));
    let servers = (0..2).map(|at| nic(format!("rs{at}"), "RouteServerSubnet", endpoint(at)));
    let first = Ipv4Addr::new(10, 1, 16, 0).to_bits();
    let vms = (0..size.vms).map(|vm| {
        let address = Ipv4Addr::from_bits(first + u32::from(vm));
        nic(vm_name(vm), "vms", address)
    });
    let subnet = |name: &str, prefix| SubnetConfig {
        name: name.to_owned(),
        prefix,
        nsg: None,
        route_table: None,
    };
    FabricConfig {
        wires: Vec::new(),
        forwarders: Vec::new(),
        seed: 1,
        regions: vec![FabricRegion {
            name: "west".to_owned(),
            place: Place {
                latitude_udeg: 0,
                longitude_udeg: 0,
            },
        }],
        backbone: Vec::new(),
        region_latency_us: 400,
        vnets: vec![VnetConfig {
            name: "hub".to_owned(),
            region: "west".to_owned(),
            address_space: vec![prefix([10, 1, 0, 0], 16)],
            subnets: vec![
                subnet("nva", prefix([10, 1, 1, 0], 24)),
                subnet("RouteServerSubnet", prefix([10, 1, 2, 0], 24)),
                subnet("vms", prefix([10, 1, 16, 0], 20)),
            ],
            peerings: Vec::new(),
            programming: ProgrammingConfig {
                vms: 0,
                ..ProgrammingConfig::default()
            },
        }],
        nics: nvas.chain(servers).chain(vms).collect(),
        nsgs: Vec::new(),
        route_tables: Vec::new(),
        clouds: Vec::new(),
        attachments: Vec::new(),
        lans: Vec::new(),
        programming_delay_ms: 0,
        programming_delay_max_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vm_gets_every_route_from_both_instances() {
        for same in [true, false] {
            let size = Size {
                nvas: 3,
                routes: 100,
                same,
                vms: 50,
            };
            let mut scale = Scale::new(size).expect("a good size");
            assert!(scale.missing() > 0);
            scale.announce();
            assert_eq!(scale.missing(), 0, "same prefixes: {same}");
        }
    }
}
