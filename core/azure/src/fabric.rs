//! Everything between devices: see [`Fabric`].

mod drops;
mod error;
mod explanation;
mod input;
mod output;

use core::time::Duration;

use design::plan::FabricConfig;
use inet::{FiveTuple, Instant};

pub use drops::DropReason;
pub use error::{FabricError, Referent};
pub use explanation::{
    Carrier, EffectiveRoute, Explanation, NextHopType, Outcome, Rewrite, RouteSource, Translator,
    Verdict,
};
pub use input::{Fault, Input, InstanceId, PortId};
pub use output::Output;

/// The platform and the underlays, as one value.
#[derive(Debug)]
pub struct Fabric {}

impl Fabric {
    /// A fabric in which everything works and nothing is programmed.
    pub fn new(config: &FabricConfig, now: Instant) -> Result<Self, FabricError> {
        let _ = (config, now);
        Ok(Self {})
    }

    /// Takes one input. What follows from it at once is in `out`; what follows later comes with
    /// [`Input::Wake`] at the time that [`Self::wake`] names.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        let _ = (now, input, out);
    }

    /// When the next packet under way arrives somewhere, or a programmed route takes effect.
    pub fn wake(&self) -> Option<Instant> {
        None
    }

    /// Every interface: its device and its name there.
    pub fn ports(&self) -> impl Iterator<Item = (PortId, &str, &str)> {
        core::iter::empty()
    }

    /// The interface of a device.
    pub fn port(&self, device: &str, interface: &str) -> Option<PortId> {
        let _ = (device, interface);
        None
    }

    /// The Route Server instances by device name.
    pub fn instance(&self, device: &str) -> Option<InstanceId> {
        let _ = device;
        None
    }

    /// What a flow sent out of an interface would meet now. Changes nothing.
    pub fn explain(&self, now: Instant, port: PortId, flow: FiveTuple) -> Explanation {
        let _ = now;
        Explanation {
            port,
            flow,
            route: None,
            chosen: None,
            verdicts: Vec::new(),
            rewrites: Vec::new(),
            carrier: None,
            latency: Duration::ZERO,
            outcome: Outcome::Dropped(DropReason::DeviceDown),
        }
    }

    /// The effective routes of a NIC, in the platform's order; `None` for other interfaces.
    pub fn effective_routes(&self, port: PortId) -> Option<Vec<EffectiveRoute>> {
        let _ = port;
        None
    }

    /// How many packets went, for each reason that occurred.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> {
        core::iter::empty()
    }
}
