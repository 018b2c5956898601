//! What instances of Route Servers, and of gateways where there is none, program into NICs.
//!
//! Each instance has one table; a NIC looks into the table of the instance that serves it. So a
//! decision is stored once, however many NICs it reaches, and takes effect for all of them when the
//! programming delay is over.
//!
//! Choices, because the platform publishes none: who programs which NIC and which VMs are left out
//! when there are too many is `ProgrammingConfig`'s ([`super::build`]); each prefix has a delay of
//! its own at each instance, so that two decisions about it keep their order; when an instance stops, the others take over its NICs one programming delay later;
//! an instance that comes back gets its share again once it has programmed every prefix that the
//! others have; while no instance runs, NICs keep what was programmed last.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::sync::Arc;

use inet::{Instant, Prefix, PrefixMap, Rng, hash};

use super::schedule::Event;
use super::topology::{Nic, VnetId};
use super::{Fabric, InstanceId};

/// An instance and its table.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) vnet: VnetId,
    pub(crate) state: State,
    /// Grows when the instance starts or stops: decisions from before are void.
    pub(crate) epoch: u32,
    pub(crate) table: PrefixMap<Arc<[Ipv4Addr]>>,
}

/// Whether an instance serves its share of the NICs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It does.
    Serving,
    /// It has started again and has not caught up with the others.
    Returning,
    /// It has stopped, and the others have taken over.
    Stopped,
}

impl Fabric {
    /// A decision was made; it reaches the NICs after the delay.
    pub(crate) fn program(
        &mut self,
        now: Instant,
        instance: InstanceId,
        prefix: Prefix,
        next_hops: Vec<Ipv4Addr>,
    ) {
        let Some(entry) = self.instances.get(usize::from(instance.0)) else {
            return;
        };
        let event = Event::Program {
            instance,
            epoch: entry.epoch,
            prefix,
            next_hops,
        };
        self.schedule
            .push(now + self.delay(instance, prefix), event);
    }

    /// How long a decision about a prefix takes to the NICs: uniform between the least and the most.
    fn delay(&self, instance: InstanceId, prefix: Prefix) -> Duration {
        let (least, most) = self.programming_delay;
        let Some(range) = most.checked_sub(least).filter(|range| !range.is_zero()) else {
            return least;
        };
        let place = u64::from(prefix.address().to_bits()) << 16 | u64::from(prefix.len()) << 8;
        let chance = hash::mix(place ^ u64::from(instance.0) ^ self.seed);
        let nanos = u64::try_from(range.as_nanos()).unwrap_or(u64::MAX);
        least + Duration::from_nanos(Rng::new(chance).below(nanos.saturating_add(1)))
    }

    /// VMs around the Route Server of an instance, and how many it is sure to program (0: all).
    pub fn vms(&self, instance: InstanceId) -> Option<(u32, u32)> {
        let instance = self.instances.get(usize::from(instance.0))?;
        Some(self.topology.vnet(instance.vnet).vms)
    }

    /// An instance started: its table is empty, and the others serve its NICs for now.
    pub(crate) fn start_instance(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(usize::from(id.0)) else {
            return;
        };
        let first = instance.epoch == 0 && instance.table.is_empty();
        instance.epoch += 1;
        if first && instance.state == State::Serving {
            return;
        }
        instance.state = State::Returning;
        instance.table = PrefixMap::new();
        self.elect(id);
    }

    /// An instance stopped: the others take over after the delay.
    pub(crate) fn stop_instance(&mut self, now: Instant, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(usize::from(id.0)) else {
            return;
        };
        instance.epoch += 1;
        let event = Event::Takeover {
            instance: id,
            epoch: instance.epoch,
        };
        let (_, most) = self.programming_delay;
        self.schedule.push(now + most, event);
    }

    pub(crate) fn on_takeover(&mut self, id: InstanceId, epoch: u32) {
        let instance = &mut self.instances[usize::from(id.0)];
        if instance.epoch == epoch {
            instance.state = State::Stopped;
            self.elect(id);
        }
    }

    /// A decision reaches the NICs, unless its instance has stopped or started since.
    pub(crate) fn on_program(
        &mut self,
        id: InstanceId,
        epoch: u32,
        prefix: Prefix,
        next_hops: Vec<Ipv4Addr>,
    ) {
        let index = usize::from(id.0);
        let instance = &self.instances[index];
        if instance.epoch != epoch || self.system_covers(instance.vnet, prefix) {
            return;
        }
        let instance = &mut self.instances[index];
        if next_hops.is_empty() {
            instance.table.remove(prefix);
        } else {
            instance.table.insert(prefix, next_hops.into());
        }
        if instance.state == State::Returning && self.has_caught_up(id) {
            self.instances[index].state = State::Serving;
            self.elect(id);
        }
    }

    /// The table that a NIC looks into; `None` where nobody programs. A gateway has its own, whatever
    /// the route table of its subnet says about propagation.
    pub(crate) fn programmed(&self, nic: &Nic) -> Option<&PrefixMap<Arc<[Ipv4Addr]>>> {
        if let Some(forwarder) = self.topology.forwarder_of(nic.device) {
            return Some(&forwarder.private);
        }
        if !self
            .topology
            .table_of(nic)
            .is_none_or(|table| table.propagation)
        {
            return None;
        }
        let vnet = self.topology.vnet(nic.vnet).programmed_by?;
        let serving = &self.serving[vnet.index()];
        let share = nic.share? as usize % serving.len().max(1);
        let instance = serving.get(share)?;
        Some(&self.instances[usize::from(instance.0)].table)
    }

    fn has_caught_up(&self, id: InstanceId) -> bool {
        let own = &self.instances[usize::from(id.0)];
        self.instances
            .iter()
            .filter(|other| other.vnet == own.vnet && other.state == State::Serving)
            .all(|other| {
                own.table.len() >= other.table.len()
                    && other
                        .table
                        .iter()
                        .all(|(prefix, _)| own.table.get(prefix).is_some())
            })
    }

    /// Decides anew who serves the NICs of an instance's Route Server.
    fn elect(&mut self, id: InstanceId) {
        let vnet = self.instances[usize::from(id.0)].vnet;
        let all = &self.topology.vnet(vnet).instances;
        let of = |state| -> Vec<InstanceId> {
            all.iter()
                .copied()
                .filter(|one| self.instances[usize::from(one.0)].state == state)
                .collect()
        };
        self.serving[vnet.index()] = [State::Serving, State::Returning, State::Stopped]
            .into_iter()
            .map(of)
            .find(|instances| !instances.is_empty())
            .unwrap_or_default();
    }
}
