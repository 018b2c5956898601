//! From a Plan to running devices.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use azure::express_route::{ConfigFault, Gateway, Msee};
use azure::route_server::PeerRefusal;
use azure::{Fabric, FabricError, RouteServer, fabric};
use design::plan::{InterfaceConfig, NodeConfig, NodeRole, Plan};
use hashbrown::HashMap;
use inet::hash::Seeded;
use inet::{Instant, Rng};
use node::{ConfigErrors, Node, Secrets};
use router::{Interface, Router};
use view::DeviceKind;

use super::schedule::Schedule;
use super::{DeviceIndex, EPOCH, Options, Slot, World, private_key};
use crate::device::{Core, Device, Effects, NodeCore};
use crate::kernel::Kernel;

/// Why a Plan cannot be simulated. A Plan made by `design` always can.
#[derive(Debug)]
pub enum WorldError {
    /// A node's configuration.
    Node {
        /// The node.
        device: String,
        /// What is wrong with it.
        errors: ConfigErrors,
    },
    /// A Route Server instance's configuration.
    RouteServer {
        /// The instance.
        device: String,
        /// Which peer it does not take.
        refusal: PeerRefusal,
    },
    /// The configuration of an ExpressRoute gateway's instance, or of an MSEE.
    ExpressRoute {
        /// The device.
        device: String,
        /// What is wrong with it.
        fault: ConfigFault,
    },
    /// A router's file.
    Router {
        /// The router.
        device: String,
        /// What is wrong with it.
        reports: design::Reports,
    },
    /// The fabric's configuration.
    Fabric(FabricError),
    /// A node names an interface that the fabric does not have.
    Interface {
        /// The node.
        device: String,
        /// The interface.
        interface: String,
    },
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { device, errors } => write!(f, "{device}: {errors}"),
            Self::RouteServer { device, refusal } => write!(f, "{device}: {refusal}"),
            Self::ExpressRoute { device, fault } => write!(f, "{device}: {fault}"),
            Self::Router { device, reports } => write!(f, "{device}: {reports:?}"),
            Self::Fabric(error) => write!(f, "fabric: {error}"),
            Self::Interface { device, interface } => {
                write!(f, "{device}: nothing is connected to {interface}")
            }
        }
    }
}

impl core::error::Error for WorldError {}

impl World {
    /// All devices of a Plan, started at time zero.
    pub fn new(plan: Plan, options: Options) -> Result<Self, WorldError> {
        let now = Instant::ZERO;
        let fabric = Fabric::new(&plan.fabric, now).map_err(WorldError::Fabric)?;
        let slots = slots(&plan, &fabric);
        let by_name = slots.iter().enumerate().map(|(index, slot)| {
            let index = index as DeviceIndex;
            (slot.name.clone(), index)
        });
        let mut names = HashMap::with_hasher(Seeded(4));
        names.extend(by_name);
        let owners = fabric
            .ports()
            .map(|(_, device, _)| names.get(device).copied());
        let nobody = slots.len() as DeviceIndex - 1;
        let owners = owners.map(|owner| owner.unwrap_or(nobody)).collect();
        let devices = slots.len();
        let mut world = Self {
            rng: Rng::new(options.seed),
            plan,
            options,
            now,
            slots,
            by_name: names,
            owners,
            fabric,
            schedule: Schedule::new(devices),
            effects: Effects::default(),
            fabric_outputs: Vec::new(),
            traffic: None,
            echoes: BTreeMap::new(),
            ends: BTreeSet::new(),
            failed: Vec::new(),
            last_change: now,
            trace_hash: options.seed,
            packets: 0,
            wakes: 0,
            expired: 0,
        };
        for index in 0..devices {
            world.start(index as DeviceIndex)?;
        }
        Ok(world)
    }

    /// Starts a device from nothing.
    pub(super) fn start(&mut self, index: DeviceIndex) -> Result<(), WorldError> {
        let slot = &self.slots[index as usize];
        let rng = self.rng.named(&format!("{} {}", slot.name, slot.starts));
        let device = match slot.kind {
            DeviceKind::Nva | DeviceKind::Cpe => self.node(slot, &rng)?,
            DeviceKind::RouteServer => self.route_server(slot, &rng)?,
            DeviceKind::Gateway => self.gateway(slot, &rng)?,
            DeviceKind::Msee => self.msee(slot, &rng)?,
            DeviceKind::Router => self.router(slot, &rng)?,
            DeviceKind::Host | DeviceKind::Fabric => self.host(slot, &rng),
        };
        let wake = device.next_wake();
        if let Some(speaker) = device.core.speaker() {
            let neighbors = speaker.neighbors();
            let ends = neighbors.map(|view| (view.settings.local_address, view.settings.address));
            self.ends.extend(ends);
        }
        let slot = &mut self.slots[index as usize];
        slot.starts += 1;
        slot.device = Some(device);
        if let Some(forwarder) = slot.forwarder {
            let input = fabric::Input::ForwarderUp(forwarder);
            self.fabric
                .handle(self.now, input, &mut self.fabric_outputs);
        }
        if let Some(instance) = slot.instance {
            let input = fabric::Input::InstanceUp(instance);
            self.fabric
                .handle(self.now, input, &mut self.fabric_outputs);
            self.carry();
        }
        self.schedule.set(index, wake);
        Ok(())
    }

    fn kernel(&self, device: &str, interfaces: &[InterfaceConfig], forwards: bool) -> Kernel {
        Kernel::new(interfaces, forwards, |name| self.fabric.port(device, name))
    }

    fn node(&self, slot: &Slot, rng: &Rng) -> Result<Device, WorldError> {
        let config = &self.plan.nodes[slot.config];
        let keys = config.locators.iter().map(|locator| {
            let key = private_key(&locator.name);
            (locator.name.clone(), key)
        });
        let secrets = Secrets {
            private_keys: keys.collect(),
        };
        let mut seed = [0; 32];
        rng.named("node").fill(&mut seed);
        let options = node::Options {
            suite: self.options.suite,
            aes: true,
            seed,
            epoch: EPOCH,
        };
        let node =
            Node::new(config, &secrets, &options, self.now).map_err(|errors| WorldError::Node {
                device: config.name.clone(),
                errors,
            })?;
        let mut kernel = self.kernel(&config.name, &config.interfaces, true);
        kernel.set_address(config.loopback, true);
        let core = node_core(config, node, &kernel)?;
        Ok(Device::new(
            kernel,
            Core::Node(Box::new(core)),
            rng.named("tcp"),
        ))
    }

    fn route_server(&self, slot: &Slot, rng: &Rng) -> Result<Device, WorldError> {
        let config = &self.plan.route_servers[slot.config];
        let seed = rng.named("route server").next_u64();
        let server = RouteServer::new(config, seed, self.now).map_err(|refusal| {
            WorldError::RouteServer {
                device: config.name.clone(),
                refusal,
            }
        })?;
        let interface = core::slice::from_ref(&config.interface);
        let kernel = self.kernel(&config.name, interface, false);
        let core = Core::RouteServer(Box::new(server));
        Ok(Device::new(kernel, core, rng.named("tcp")))
    }

    fn gateway(&self, slot: &Slot, rng: &Rng) -> Result<Device, WorldError> {
        let config = &self.plan.gateways[slot.config];
        let seed = rng.named("gateway").next_u64();
        let gateway = Gateway::new(config, seed, self.now).map_err(|fault| {
            let device = config.name.clone();
            WorldError::ExpressRoute { device, fault }
        })?;
        let interface = core::slice::from_ref(&config.interface);
        let kernel = self.kernel(&config.name, interface, false);
        let core = Core::Gateway(Box::new(gateway));
        Ok(Device::new(kernel, core, rng.named("tcp")))
    }

    fn msee(&self, slot: &Slot, rng: &Rng) -> Result<Device, WorldError> {
        let config = &self.plan.msees[slot.config];
        let seed = rng.named("msee").next_u64();
        let msee = Msee::new(config, seed, self.now).map_err(|fault| {
            let device = config.name.clone();
            WorldError::ExpressRoute { device, fault }
        })?;
        let kernel = self.kernel(&config.name, &config.interfaces, false);
        let core = Core::Msee(Box::new(msee));
        Ok(Device::new(kernel, core, rng.named("tcp")))
    }

    fn router(&self, slot: &Slot, rng: &Rng) -> Result<Device, WorldError> {
        let device = &self.plan.routers[slot.config];
        let (config, reports) = design::read_router(&device.name, &device.config);
        let Some(config) = config else {
            let device = device.name.clone();
            return Err(WorldError::Router { device, reports });
        };
        let interfaces = device.interfaces.iter().filter_map(|interface| {
            Interface::new(&interface.name, interface.address, interface.prefix_len)
        });
        let seed = rng.named("router").next_u64();
        let router = Router::new(&config, interfaces.collect(), seed, self.now);
        let kernel = self
            .kernel(&device.name, &device.interfaces, true)
            .with_seed(router::flow_seed(&device.name));
        let core = Core::Router(Box::new(router));
        Ok(Device::new(kernel, core, rng.named("tcp")))
    }

    fn host(&self, slot: &Slot, rng: &Rng) -> Device {
        let interfaces = match slot.kind {
            DeviceKind::Host => {
                let config = &self.plan.hosts[slot.config];
                core::slice::from_ref(&config.interface)
            }
            _ => match self.plan.foreign.get(slot.config) {
                Some(foreign) => foreign.interfaces.as_slice(),
                None => &[],
            },
        };
        let kernel = self.kernel(&slot.name, interfaces, false);
        Device::new(kernel, Core::None, rng.named("tcp"))
    }
}

/// Binds a node's locators and LANs to its interfaces.
fn node_core(config: &NodeConfig, node: Node, kernel: &Kernel) -> Result<NodeCore, WorldError> {
    let interface = |name: &str| {
        kernel.interface(name).ok_or_else(|| WorldError::Interface {
            device: config.name.clone(),
            interface: name.to_owned(),
        })
    };
    let locators = config
        .locators
        .iter()
        .map(|locator| Ok((interface(&locator.interface)?, locator.port)));
    let lans = config.lans.iter().map(|lan| interface(&lan.interface));
    let interfaces = config.interfaces.iter();
    let interfaces = interfaces.map(|own| kernel.interface(&own.name)).collect();
    Ok(NodeCore {
        node,
        interfaces,
        locators: locators.collect::<Result<_, _>>()?,
        tls_ports: config.locators.iter().map(|own| own.tls_port).collect(),
        lans: lans.collect::<Result<_, _>>()?,
    })
}

/// Every device of a Plan, not started; then one that stands for ports of unknown devices.
fn slots(plan: &Plan, fabric: &Fabric) -> Vec<Slot> {
    let slot = |name: &str, kind, config| Slot {
        name: name.to_owned(),
        kind,
        config,
        device: None,
        instance: match kind {
            DeviceKind::RouteServer | DeviceKind::Gateway => fabric.instance(name),
            _ => None,
        },
        forwarder: fabric.forwarder(name),
        starts: 0,
    };
    let nodes = plan.nodes.iter().enumerate().map(|(at, node)| {
        let kind = match node.role {
            NodeRole::Nva { .. } => DeviceKind::Nva,
            NodeRole::Cpe { .. } => DeviceKind::Cpe,
        };
        slot(&node.name, kind, at)
    });
    let servers = plan.route_servers.iter().enumerate();
    let servers = servers.map(|(at, server)| slot(&server.name, DeviceKind::RouteServer, at));
    let gateways = plan.gateways.iter().enumerate();
    let gateways = gateways.map(|(at, gateway)| slot(&gateway.name, DeviceKind::Gateway, at));
    let msees = plan.msees.iter().enumerate();
    let msees = msees.map(|(at, msee)| slot(&msee.name, DeviceKind::Msee, at));
    let routers = plan.routers.iter().enumerate();
    let routers = routers.map(|(at, router)| slot(&router.name, DeviceKind::Router, at));
    let hosts = plan.hosts.iter().enumerate();
    let hosts = hosts.map(|(at, host)| slot(&host.name, DeviceKind::Host, at));
    let foreign = plan.foreign.iter().enumerate();
    let foreign = foreign.map(|(at, device)| slot(&device.name, DeviceKind::Fabric, at));
    let nobody = slot("", DeviceKind::Fabric, usize::MAX);
    nodes
        .chain(servers)
        .chain(gateways)
        .chain(msees)
        .chain(routers)
        .chain(hosts)
        .chain(foreign)
        .chain([nobody])
        .collect()
}
