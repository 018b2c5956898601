//! Answers to the queries that a lab's devices answer, and what is put together from them.

use core::fmt;

use view::{
    Answer, DeviceKind, DeviceStatus, FlowSpec, Query, Status, Target, Trace, TraceError,
    Verification,
};

use super::World;
use crate::device::Core;

/// Why a device has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// There is no device of this name.
    Unknown,
    /// It does not run.
    Down,
    /// It is a host: no core runs on it.
    Host,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such device",
            Self::Down => "it is down",
            Self::Host => "it is a host",
        })
    }
}

impl core::error::Error for Silence {}

impl World {
    /// Asks a device, or the fabric under the name [`view::FABRIC`].
    pub fn ask(&self, device: &str, query: &Query) -> Result<Answer, Silence> {
        if device == view::FABRIC {
            return Ok(view::fabric_answer(&self.fabric, self.now, query));
        }
        let index = self.by_name.get(device).ok_or(Silence::Unknown)?;
        let slot = &self.slots[*index as usize];
        match &slot.device.as_ref().ok_or(Silence::Down)?.core {
            Core::Node(core) => {
                let config = &self.plan.nodes[slot.config];
                Ok(view::node_answer(&core.node, config, self.now, query))
            }
            Core::RouteServer(server) => {
                let name = &slot.name;
                Ok(view::route_server_answer(server, name, self.now, query))
            }
            Core::Gateway(gateway) => Ok(view::gateway_answer(gateway, self.now, query)),
            Core::Msee(msee) => Ok(view::msee_answer(msee, self.now, query)),
            Core::Router(router) => {
                let (speaker, fib) = (router.speaker(), Some(router.fib()));
                Ok(view::router_answer(
                    speaker, fib, &slot.name, self.now, query,
                ))
            }
            Core::None => Err(Silence::Host),
        }
    }

    /// Follows a flow between two hosts and back.
    pub fn trace(
        &self,
        source: &str,
        destination: &str,
        flow: FlowSpec,
    ) -> Result<Trace, TraceError<Silence>> {
        view::trace(&self.plan, source, destination, flow, |device, query| {
            self.ask(device, query)
        })
    }

    /// The network in a few lines.
    pub fn status(&self, verification: Option<Verification>) -> Status {
        let devices: Vec<DeviceStatus> = self
            .slots
            .iter()
            .filter(|slot| !matches!(slot.kind, DeviceKind::Host | DeviceKind::Fabric))
            .map(|slot| match self.ask(&slot.name, &Query::Status) {
                Ok(Answer::Status(status)) => status,
                _ => DeviceStatus::silent(&slot.name, slot.kind),
            })
            .collect();
        Status::assemble(&self.plan, &devices, verification)
    }

    /// Names of all nodes, Route Server instances and hosts, in the order of the Plan.
    pub fn devices(&self) -> impl Iterator<Item = &str> {
        let names = self.slots.iter().map(|slot| slot.name.as_str());
        names.filter(|name| !name.is_empty())
    }

    /// What has failed and not been healed.
    pub fn failed(&self) -> &[Target] {
        &self.failed
    }
}
