//! Everything between devices: see [`Fabric`].
//!
//! How a packet travels through the files: `forward` takes it from an interface and asks
//! `transit` where it goes, which asks `routes` and `nsg`; `schedule` keeps it until it arrives, and
//! `forwarders` sends it on where it passes a gateway or an MSEE.
//! `explain` asks the same questions without sending anything. `program` keeps what Route Server
//! decided, `faults` what the operator broke, `topology` everything that the configuration says,
//! which `build` made from names.

mod build;
mod drops;
mod error;
mod explain;
mod explanation;
mod faults;
mod forward;
mod forwarders;
mod input;
mod nsg;
mod output;
mod program;
mod routes;
mod schedule;
#[cfg(test)]
mod tests;
mod topology;
mod transit;

use core::net::Ipv4Addr;
use core::time::Duration;

use design::plan::FabricConfig;
use inet::{Instant, Prefix};

pub use drops::DropReason;
pub use error::{FabricError, Referent};
pub use explanation::{
    Carrier, EffectiveRoute, Explanation, Hop, NextHopType, Outcome, Rewrite, RouteSource,
    Translator, Verdict,
};
pub use input::{Brownout, Fault, ForwarderId, Input, InstanceId, PortId};
pub use output::Output;

use build::Builder;
use drops::Drops;
use faults::Faults;
use program::Instance;
use schedule::{Event, Schedule};
use topology::Topology;

/// The platform and the underlays, as one value.
#[derive(Debug)]
pub struct Fabric {
    topology: Topology,
    instances: Vec<Instance>,
    /// By VNet number: the instances that share the NICs of the Route Server there.
    serving: Vec<Vec<InstanceId>>,
    schedule: Schedule,
    faults: Faults,
    /// The least and the most that a decision takes to the NICs.
    programming_delay: (Duration, Duration),
    seed: u64,
    drops: Drops,
    counters: Vec<PortCounters>,
    /// Highest time seen: a shell's clock that steps back does not take the fabric with it.
    now: Instant,
}

/// What passed an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Packets that the device sent.
    pub sent_packets: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Packets that the device received.
    pub received_packets: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Packets that were dropped here, sent or about to be received.
    pub dropped_packets: u64,
}

impl Fabric {
    /// A fabric in which everything works and nothing is programmed.
    pub fn new(config: &FabricConfig, now: Instant) -> Result<Self, FabricError> {
        let (topology, instances) = Builder::build(config)?;
        let least = config.programming_delay_ms;
        let millis = |ms: u32| Duration::from_millis(u64::from(ms));
        let serving = topology
            .vnets
            .iter()
            .map(|vnet| vnet.instances.clone())
            .collect();
        Ok(Self {
            counters: vec![PortCounters::default(); topology.ports.len()],
            topology,
            instances,
            serving,
            schedule: Schedule::default(),
            faults: Faults::default(),
            programming_delay: (
                millis(least),
                millis(least.max(config.programming_delay_max_ms)),
            ),
            seed: config.seed,
            drops: Drops::default(),
            now,
        })
    }

    /// Takes one input. What follows from it at once is in `out`; what follows later comes with
    /// [`Input::Wake`] at the time that [`Self::wake`] names.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        self.now = self.now.max(now);
        let now = self.now;
        self.catch_up(now, out);
        match input {
            Input::Wake => {}
            Input::Packet { port, bytes } => self.send(now, port, bytes, out),
            Input::Program {
                instance,
                prefix,
                next_hops,
            } => self.program(now, instance, prefix, next_hops),
            Input::InstanceUp(instance) => self.start_instance(instance),
            Input::InstanceDown(instance) => self.stop_instance(now, instance),
            Input::Forward {
                forwarder,
                prefix,
                next_hops,
            } => {
                if let Some(one) = self.topology.forwarders.get_mut(usize::from(forwarder.0)) {
                    one.learn(prefix, next_hops);
                }
            }
            Input::ForwarderUp(forwarder) => {
                if let Some(one) = self.topology.forwarders.get_mut(usize::from(forwarder.0)) {
                    one.forget();
                }
            }
            Input::Command(fault) => self.command(now, fault, out),
        }
        self.catch_up(now, out);
    }

    /// When the next packet under way arrives somewhere, or a programmed route takes effect.
    pub fn wake(&self) -> Option<Instant> {
        self.schedule.next()
    }

    /// Every interface: its device and its name there.
    pub fn ports(&self) -> impl Iterator<Item = (PortId, &str, &str)> {
        (0..)
            .zip(&self.topology.ports)
            .map(|(id, port)| (PortId(id), port.device.as_str(), port.interface.as_str()))
    }

    /// The interface of a device.
    pub fn port(&self, device: &str, interface: &str) -> Option<PortId> {
        let name = (device.to_owned(), interface.to_owned());
        self.topology.port_names.get(&name).copied()
    }

    /// The device and the name of an interface.
    pub fn port_name(&self, port: PortId) -> Option<(&str, &str)> {
        let port = self.topology.ports.get(port.0 as usize)?;
        Some((&port.device, &port.interface))
    }

    /// An instance that programs NICs by its device name: a Route Server's, or a gateway's in a VNet
    /// without Route Server.
    pub fn instance(&self, device: &str) -> Option<InstanceId> {
        let index = self.instances.iter().position(|i| i.name == device)?;
        u16::try_from(index).ok().map(InstanceId)
    }

    /// What an instance has programmed and the delay has let through, ordered by prefix.
    pub fn programmed_by(
        &self,
        instance: InstanceId,
    ) -> impl Iterator<Item = (Prefix, &[Ipv4Addr])> {
        self.instances
            .get(usize::from(instance.0))
            .into_iter()
            .flat_map(|instance| instance.table.iter())
            .map(|(prefix, hops)| (prefix, &**hops))
    }

    /// Whether a device works; `None` when there is none of this name.
    pub fn is_running(&self, device: &str) -> Option<bool> {
        let id = self.topology.device_names.get(device)?;
        Some(self.topology.devices[id.index()].up)
    }

    /// What passed an interface.
    pub fn counters(&self, port: PortId) -> Option<PortCounters> {
        self.counters.get(port.0 as usize).copied()
    }

    /// How many packets went, for each reason that occurred.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> {
        self.drops.iter()
    }

    /// Lets everything happen that is due, each at its own time.
    fn catch_up(&mut self, now: Instant, out: &mut Vec<Output>) {
        while let Some((at, event)) = self.schedule.due(now) {
            match event {
                Event::Nic { nic, bytes } => self.arrive_at_nic(at, nic, bytes, out),
                Event::CloudExit { attachment, bytes } => {
                    self.leave_cloud(at, attachment, bytes, out);
                }
                Event::Site { attachment, bytes } => {
                    self.arrive_at_site(at, attachment, bytes, out);
                }
                Event::Lan { port, bytes } => self.arrive_on_lan(port, bytes, out),
                Event::Wire { end, bytes } => self.arrive_by_wire(at, end, bytes, out),
                Event::Forwarder { forwarder, bytes } => {
                    self.arrive_at_forwarder(at, forwarder, bytes, out);
                }
                Event::Program {
                    instance,
                    epoch,
                    prefix,
                    next_hops,
                } => self.on_program(instance, epoch, prefix, next_hops),
                Event::Takeover { instance, epoch } => self.on_takeover(instance, epoch),
            }
        }
    }
}
