//! Who reaches whom, by the tables alone: no packet is sent and no time passes.
//!
//! Each flow is followed from kernel to core to fabric as a packet would go, until it arrives, is
//! dropped, or is somewhere for the second time: then it goes round for ever. This is the question
//! of every design and of every step of a migration, so it is asked without the words of
//! [`World::trace`], which says the same about single flows.

use core::fmt;
use core::net::Ipv4Addr;

use azure::fabric::{Hop, Outcome};
use inet::{FiveTuple, packet};
use node::Decision;
use view::Flow;

use super::{DeviceIndex, World};
use crate::device::Core;
use crate::kernel::Egress;

/// Who reaches whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reachability {
    /// Ordered pairs of hosts.
    pub pairs: u32,
    /// Flows followed.
    pub flows: u32,
    /// Flows that do not arrive, in the order of the Plan's hosts.
    pub lost: Vec<Lost>,
}

impl Reachability {
    /// Whether every flow arrives.
    pub const fn is_complete(&self) -> bool {
        self.lost.is_empty()
    }

    /// Flows that go round for ever.
    pub fn loops(&self) -> impl Iterator<Item = &Lost> {
        let looped = |lost: &&Lost| matches!(lost.end, End::Loop(_));
        self.lost.iter().filter(looped)
    }

    /// Flows that somebody drops.
    pub fn dropped(&self) -> impl Iterator<Item = &Lost> {
        let dropped = |lost: &&Lost| matches!(lost.end, End::Dropped { .. });
        self.lost.iter().filter(dropped)
    }
}

/// A flow that does not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The host that sends.
    pub source: String,
    /// The host that is sent to.
    pub destination: String,
    /// The flow.
    pub flow: Flow,
    /// What becomes of it.
    pub end: End,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}: {}", self.source, self.destination, self.end)
    }
}

/// What becomes of a flow that does not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It goes round between these devices, in order.
    Loop(Vec<String>),
    /// It is dropped.
    Dropped {
        /// By which device, or on the way from it.
        device: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loop(devices) => write!(f, "loop: {}", devices.join(" > ")),
            Self::Dropped { device, reason } => write!(f, "dropped at {device}: {reason}"),
        }
    }
}

/// Where a packet is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    device: DeviceIndex,
    flow: FiveTuple,
    /// The tunnels that it is in, outermost last: where they end, and the flow inside.
    tunnels: Vec<(DeviceIndex, FiveTuple)>,
}

/// What happens to a packet at a device.
enum Fate {
    /// It is the device's own.
    Arrived,
    /// It is somewhere else.
    At(Position),
    /// It goes round between these gateways and MSEEs.
    Round(Vec<String>),
    /// It is dropped.
    Dropped(String),
}

impl World {
    /// Follows flows between every ordered pair of hosts: echoes with this many identifiers, at
    /// least one, so that equal ways are taken in turn.
    pub fn reachability(&self, flows: u16) -> Reachability {
        let hosts: Vec<(DeviceIndex, Ipv4Addr)> = self.hosts().collect();
        let mut said = Reachability::default();
        for source in &hosts {
            for destination in hosts.iter().filter(|host| *host != source) {
                said.pairs += 1;
                for id in 1..=flows.max(1) {
                    said.flows += 1;
                    said.lost.extend(self.follow(*source, *destination, id));
                }
            }
        }
        said
    }

    /// `None` when the flow arrives.
    fn follow(
        &self,
        (source, from): (DeviceIndex, Ipv4Addr),
        (destination, to): (DeviceIndex, Ipv4Addr),
        id: u16,
    ) -> Option<Lost> {
        let flow = FiveTuple {
            source: from,
            destination: to,
            protocol: packet::ICMP,
            source_port: id,
            destination_port: 0,
        };
        let name = |device: DeviceIndex| self.slots[device as usize].name.clone();
        let end = match self.walk(source, flow) {
            Ok(at) if at == destination => return None,
            Ok(at) => End::Dropped {
                device: name(at),
                reason: "it takes the packet for its own".to_owned(),
            },
            Err(end) => end,
        };
        Some(Lost {
            source: name(source),
            destination: name(destination),
            flow: flow.into(),
            end,
        })
    }

    /// The device at which a flow arrives.
    fn walk(&self, source: DeviceIndex, flow: FiveTuple) -> Result<DeviceIndex, End> {
        let name = |position: &Position| self.slots[position.device as usize].name.clone();
        let mut at = Position {
            device: source,
            flow,
            tunnels: Vec::new(),
        };
        let mut passed: Vec<Position> = Vec::new();
        loop {
            if let Some(first) = passed.iter().position(|earlier| *earlier == at) {
                return Err(End::Loop(passed.iter().skip(first).map(name).collect()));
            }
            let next = match self.step(&at, passed.is_empty()) {
                Fate::Arrived => return Ok(at.device),
                Fate::At(next) => next,
                Fate::Round(devices) => return Err(End::Loop(devices)),
                Fate::Dropped(reason) => {
                    let device = name(&at);
                    return Err(End::Dropped { device, reason });
                }
            };
            passed.push(core::mem::replace(&mut at, next));
            // A flow that never is the same twice would be rewritten on the way, time and again.
            if passed.len() > usize::from(crate::kernel::TTL) {
                return Err(End::Loop(passed.iter().map(name).collect()));
            }
        }
    }

    fn step(&self, at: &Position, starts: bool) -> Fate {
        let slot = &self.slots[at.device as usize];
        let Some(device) = &slot.device else {
            return Fate::Dropped("it does not run".to_owned());
        };
        let kernel = &device.kernel;
        if kernel.is_own(at.flow.destination) {
            return match at.tunnels.split_last() {
                None => Fate::Arrived,
                Some(((end, inner), rest)) if *end == at.device => Fate::At(Position {
                    device: at.device,
                    flow: *inner,
                    tunnels: rest.to_vec(),
                }),
                Some(_) => Fate::Dropped("another tunnel than its own".to_owned()),
            };
        }
        if !starts && !kernel.forwards() {
            return Fate::Dropped("it does not forward".to_owned());
        }
        match kernel.egress_of(at.flow) {
            None => Fate::Dropped("no route".to_owned()),
            Some(Egress::Interface(id)) => self.pass(at, kernel.port(id), at.flow, None),
            Some(Egress::Overlay) => self.enter(at, &device.core),
        }
    }

    /// Into a tunnel, as the node says.
    fn enter(&self, at: &Position, core: &Core) -> Fate {
        let Core::Node(core) = core else {
            return Fate::Dropped("nothing reads the overlay".to_owned());
        };
        match core.node.explain(self.now, at.flow).decision {
            Decision::Tunnel {
                neighbor,
                locator,
                outer,
                ..
            } => {
                let (interface, _) = core.locators[usize::from(locator.0)];
                let Some(end) = self.by_name.get(&neighbor) else {
                    return Fate::Dropped(format!("there is no {neighbor}"));
                };
                let Some(device) = &self.slots[at.device as usize].device else {
                    return Fate::Dropped("it does not run".to_owned());
                };
                let port = device.kernel.port(interface);
                self.pass(at, port, outer, Some((*end, at.flow)))
            }
            Decision::Drop(reason) => Fate::Dropped(format!("{reason:?}")),
            other => Fate::Dropped(format!("the kernel and the node disagree: {other:?}")),
        }
    }

    /// Through the fabric.
    fn pass(
        &self,
        at: &Position,
        port: azure::PortId,
        flow: FiveTuple,
        tunnel: Option<(DeviceIndex, FiveTuple)>,
    ) -> Fate {
        let said = self.fabric.explain(self.now, port, flow);
        match said.outcome {
            Outcome::Delivered { port, flow } => {
                let mut tunnels = at.tunnels.clone();
                tunnels.extend(tunnel);
                Fate::At(Position {
                    device: self.owners[port.0 as usize],
                    flow,
                    tunnels,
                })
            }
            Outcome::Dropped(reason) => match round(&said.hops) {
                devices if devices.is_empty() => Fate::Dropped(reason.to_string()),
                devices => Fate::Round(devices),
            },
        }
    }
}

/// The forwarders between which a packet goes round; empty when none has it twice.
fn round(hops: &[Hop]) -> Vec<String> {
    let names: Vec<&String> = hops.iter().map(|hop| &hop.device).collect();
    for (at, name) in names.iter().enumerate() {
        if let Some(first) = names.iter().take(at).position(|earlier| earlier == name) {
            let round = names.iter().take(at).skip(first);
            return round.map(ToString::to_string).collect();
        }
    }
    Vec::new()
}
