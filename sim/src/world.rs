//! A whole network in virtual time: every device of a Plan, the fabric between them, one clock.
//!
//! Time only moves to the next moment at which somebody asked to be woken, and everything that
//! follows from one wake-up happens at that moment. Packets under way are held by the fabric, so the
//! list of wake-ups is short: one entry for each device and one for the fabric, ordered by time,
//! then by device. Two runs of the same Plan and seed therefore make the same packets at the same
//! times, which [`World::trace_hash`] proves.

mod answer;
mod build;
mod converge;
mod faults;
mod ping;
mod reach;
mod schedule;

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use azure::fabric::ForwarderId;
use azure::{Fabric, InstanceId, fabric, route_server};
use design::plan::Plan;
use hashbrown::HashMap;
use inet::hash::{self, Seeded};
use inet::{Instant, Rng};
use tunnel::{PrivateKey, Suite};
use view::DeviceKind;

use crate::device::{Core, Device, Effects};
use crate::traffic::{PhaseLoss, Run, Traffic};
pub use answer::Silence;
pub use build::WorldError;
pub use converge::{Convergence, NotConverged};
pub use ping::{Echo, PingReport};
pub use reach::{End, Lost, Reachability};
use schedule::Schedule;

/// The time since 1970 at the beginning of every simulation: tunnels' handshakes carry it.
const EPOCH: Duration = Duration::from_secs(1_700_000_000);

/// How a network is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The tunnels' cryptography; [`Suite::Null`] for thousands of devices.
    pub suite: Suite,
    /// The source of all chance.
    pub seed: u64,
}

/// The public key of a locator in simulations: what [`design`] needs to resolve a design.
pub fn public_key(locator: &str) -> String {
    private_key(locator).public_key().to_string()
}

/// Simulated networks keep no secrets: their keys follow from the locators' names.
fn private_key(locator: &str) -> PrivateKey {
    PrivateKey::derive(&[0x5a; 32], locator)
}

/// A device's place in the world; the order is that of the Plan.
pub(crate) type DeviceIndex = u32;

/// An end of a BGP session: the own address and the neighbour's.
pub(crate) type SessionEnd = (IpAddr, IpAddr);

/// A device, running or not.
struct Slot {
    name: String,
    kind: DeviceKind,
    /// Where its configuration is in the Plan's list of its kind.
    config: usize,
    /// `None` while it does not run.
    device: Option<Device>,
    /// Instances that program NICs: their name to the fabric.
    instance: Option<InstanceId>,
    /// Devices that the fabric forwards for: their name to it.
    forwarder: Option<ForwarderId>,
    /// How often it was started.
    starts: u32,
}

/// A network in virtual time.
pub struct World {
    plan: Plan,
    options: Options,
    rng: Rng,
    now: Instant,
    slots: Vec<Slot>,
    by_name: HashMap<String, DeviceIndex, Seeded>,
    /// The device of each port, by port number.
    owners: Vec<DeviceIndex>,
    fabric: Fabric,
    schedule: Schedule,
    effects: Effects,
    fabric_outputs: Vec<fabric::Output>,
    traffic: Option<Traffic>,
    /// Echo replies that came, by sender's and receiver's device, with their time.
    echoes: BTreeMap<(DeviceIndex, Ipv4Addr, u16), Instant>,
    /// Every end of a session that a device had when it started.
    ends: BTreeSet<SessionEnd>,
    /// Targets that have failed and not been healed.
    failed: Vec<view::Target>,
    last_change: Instant,
    trace_hash: u64,
    packets: u64,
    wakes: u64,
    expired: u64,
}

impl World {
    /// Virtual time.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The seed that it was made from.
    pub const fn seed(&self) -> u64 {
        self.options.seed
    }

    /// The Plan that is simulated.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A hash over every packet that any device received, with its time. Equal for equal runs.
    pub const fn trace_hash(&self) -> u64 {
        self.trace_hash
    }

    /// Packets delivered and wake-ups done so far.
    pub const fn events(&self) -> (u64, u64) {
        (self.packets, self.wakes)
    }

    /// When a path, a session or a route last changed.
    pub const fn last_change(&self) -> Instant {
        self.last_change
    }

    /// Packets that the fabric dropped, by reason.
    pub fn drops(&self) -> impl Iterator<Item = (fabric::DropReason, u64)> {
        self.fabric.drops()
    }

    /// Packets that devices dropped because their time to live was over: they went in a circle.
    pub const fn expired(&self) -> u64 {
        self.expired
    }

    /// Lets time pass until `until`.
    pub fn run_until(&mut self, until: Instant) {
        while let Some((at, who)) = self.schedule.pop(until) {
            debug_assert!(at >= self.now, "time runs backwards");
            self.now = at;
            self.wakes += 1;
            match who {
                Schedule::FABRIC => self.wake_fabric(),
                Schedule::TRAFFIC => self.send_traffic(),
                device => self.wake_device(device),
            }
        }
        self.now = self.now.max(until);
    }

    fn wake_fabric(&mut self) {
        self.fabric
            .handle(self.now, fabric::Input::Wake, &mut self.fabric_outputs);
        self.carry();
    }

    fn wake_device(&mut self, index: DeviceIndex) {
        let mut effects = core::mem::take(&mut self.effects);
        if let Some(device) = self.slots[index as usize].device.as_mut() {
            device.wake(self.now, &mut effects);
        }
        self.effects = effects;
        self.after(index);
        self.carry();
    }

    /// A program on a device sends a packet.
    fn originate(&mut self, index: DeviceIndex, bytes: Vec<u8>) {
        let mut effects = core::mem::take(&mut self.effects);
        if let Some(device) = self.slots[index as usize].device.as_mut() {
            device.originate(self.now, bytes, &mut effects);
        }
        self.effects = effects;
        self.after(index);
    }

    /// The platform's management wants something of a Route Server's instance.
    fn manage(&mut self, index: DeviceIndex, command: route_server::Command) {
        let mut effects = core::mem::take(&mut self.effects);
        if let Some(device) = self.slots[index as usize].device.as_mut() {
            device.manage(self.now, command, &mut effects);
        }
        self.effects = effects;
        self.after(index);
        self.carry();
    }

    /// Delivers what the fabric has delivered, and what follows from it at this moment.
    fn carry(&mut self) {
        while !self.fabric_outputs.is_empty() {
            let mut outputs = core::mem::take(&mut self.fabric_outputs);
            for output in outputs.drain(..) {
                if let fabric::Output::Deliver { port, bytes } = output {
                    self.deliver(port, bytes);
                }
            }
            if self.fabric_outputs.is_empty() {
                self.fabric_outputs = outputs;
            }
        }
        self.schedule.set(Schedule::FABRIC, self.fabric.wake());
    }

    fn deliver(&mut self, port: azure::PortId, bytes: Vec<u8>) {
        let index = self.owners[port.0 as usize];
        self.packets += 1;
        let place = hash::mix(self.trace_hash ^ self.now.as_nanos()) ^ u64::from(port.0);
        self.trace_hash = hash::bytes(place, &bytes);
        let mut effects = core::mem::take(&mut self.effects);
        if let Some(device) = self.slots[index as usize].device.as_mut() {
            device.receive(self.now, bytes, &mut effects);
        }
        self.effects = effects;
        self.after(index);
    }

    /// Hands on what left a device, and notes when it wants to be woken.
    fn after(&mut self, index: DeviceIndex) {
        let Self {
            effects, fabric, ..
        } = self;
        let now = self.now;
        for (port, bytes) in effects.sent.drain(..) {
            let input = fabric::Input::Packet { port, bytes };
            fabric.handle(now, input, &mut self.fabric_outputs);
        }
        if let Some(instance) = self.slots[index as usize].instance {
            // The platform's interfaces follow a little later.
            let config = &self.plan.fabric;
            let delay = config
                .programming_delay_ms
                .max(config.programming_delay_max_ms);
            let delay = u64::from(delay);
            if let Some(serving) = effects.serving.take() {
                let input = if serving {
                    fabric::Input::InstanceUp(instance)
                } else {
                    fabric::Input::InstanceDown(instance)
                };
                fabric.handle(now, input, &mut self.fabric_outputs);
            }
            for (prefix, next_hops) in effects.programmed.drain(..) {
                self.last_change = self.last_change.max(now + Duration::from_millis(delay));
                let input = fabric::Input::Program {
                    instance,
                    prefix,
                    next_hops,
                };
                fabric.handle(now, input, &mut self.fabric_outputs);
            }
        }
        if let Some(forwarder) = self.slots[index as usize].forwarder {
            for (prefix, next_hops) in effects.forwarded.drain(..) {
                let input = fabric::Input::Forward {
                    forwarder,
                    prefix,
                    next_hops,
                };
                fabric.handle(now, input, &mut self.fabric_outputs);
            }
        }
        for payload in effects.arrived.drain(..) {
            if let Some(traffic) = &mut self.traffic {
                traffic.arrived(now, &payload);
            }
        }
        for (from, id, _) in effects.echoes.drain(..) {
            self.echoes.entry((index, from, id)).or_insert(now);
        }
        effects.events.clear();
        self.expired += core::mem::take(&mut effects.expired);
        if core::mem::take(&mut effects.changed) {
            self.last_change = self.last_change.max(now);
        }
        let device = self.slots[index as usize].device.as_ref();
        let wake = device.and_then(Device::next_wake);
        self.schedule.set(index, wake);
    }

    /// Begins to send a small datagram between every ordered pair of hosts at an interval.
    pub fn start_traffic(&mut self, interval: Duration) {
        let hosts: Vec<(DeviceIndex, Ipv4Addr)> = self.hosts().collect();
        self.traffic = Some(Traffic::new(self.now, &hosts, interval));
        self.schedule.set(Schedule::TRAFFIC, Some(self.now));
    }

    /// Stops the traffic, waits for what is under way, and says what became of all of it.
    pub fn stop_traffic(&mut self) -> Vec<PhaseLoss> {
        if let Some(traffic) = &mut self.traffic {
            traffic.next = None;
        }
        self.run_until(self.now + Duration::from_secs(2));
        let traffic = self.traffic.take();
        traffic.map_or_else(Vec::new, |traffic| {
            traffic.report(|device| self.slots[device as usize].name.clone())
        })
    }

    /// Stops the traffic, waits for what is under way, and gives how many packets were sent, which were lost, and
    /// when some came behind later ones.
    pub(crate) fn take_runs(&mut self) -> (u64, Vec<Run>, Vec<(Instant, String, String)>) {
        if let Some(traffic) = &mut self.traffic {
            traffic.next = None;
        }
        self.run_until(self.now + Duration::from_secs(2));
        let Some(traffic) = self.traffic.take() else {
            return (0, Vec::new(), Vec::new());
        };
        let name = |device: u32| self.slots[device as usize].name.clone();
        let runs = traffic.runs().into_iter().map(|run| Run {
            source: name(run.source),
            destination: name(run.destination),
            first: run.first,
            last: run.last,
            packets: run.packets,
        });
        let overtaken = traffic.overtaken();
        let overtaken = overtaken.map(|(at, from, to)| (at, name(from), name(to)));
        (traffic.sent(), runs.collect(), overtaken.collect())
    }

    /// Key pairs that all nodes hold for their tunnels.
    pub(crate) fn key_pairs(&self) -> usize {
        let devices = self.slots.iter().filter_map(|slot| slot.device.as_ref());
        let nodes = devices.filter_map(|device| match &device.core {
            Core::Node(core) => Some(core.node.key_pairs()),
            _ => None,
        });
        nodes.sum()
    }

    fn send_traffic(&mut self) {
        let Some(traffic) = self
            .traffic
            .as_mut()
            .filter(|traffic| traffic.next.is_some())
        else {
            return;
        };
        let packets = traffic.tick(self.now);
        let next = traffic.next;
        for (source, bytes) in packets {
            self.originate(source, bytes);
        }
        self.carry();
        self.schedule.set(Schedule::TRAFFIC, next);
    }

    fn hosts(&self) -> impl Iterator<Item = (DeviceIndex, Ipv4Addr)> + '_ {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let is_host = slot.kind == DeviceKind::Host;
            is_host.then(|| {
                let config = &self.plan.hosts[slot.config];
                (index as DeviceIndex, config.interface.address)
            })
        })
    }
}
