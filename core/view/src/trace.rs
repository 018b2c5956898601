//! Traces: follows a flow hop by hop by asking each device what it would do with a packet.
//!
//! No packet is sent. At each device the question is [`Query::Step`]; what happens between two
//! devices is [`Query::Passage`], asked of the fabric. Hosts are not asked: they have one interface.
//! A packet in a tunnel travels as its outer flow, through routers on the way as well, until the neighbour has
//! it, then the inner flow goes on. A device that is passed twice by the same flow is passed for ever.

use core::fmt;

use design::plan::{HostPlace, NodeRole, Plan, RouterPlace};
use serde::{Deserialize, Serialize};

use crate::{Answer, Flow, FlowSpec, FormatVersion, Passage, Query, Step, Through};

/// The name under which the fabric is asked.
pub const FABRIC: &str = "fabric";

/// A flow's way there and its replies' way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The host that sends.
    pub source: String,
    /// The host that is sent to.
    pub destination: String,
    /// The way there.
    pub forward: Leg,
    /// The way back; `None` when the packet does not arrive.
    pub reverse: Option<Leg>,
    /// NVAs that the flow passes but the replies do not, or the other way round.
    pub other_nvas: Vec<String>,
    /// Both ways together, microseconds, without queueing and jitter.
    pub round_trip_us: Option<u64>,
}

/// One direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The flow.
    pub flow: Flow,
    /// The devices it passes, source first.
    pub hops: Vec<Hop>,
    /// Whether it arrives where it should.
    pub delivered: bool,
    /// Microseconds from end to end, or to where it ended.
    pub latency_us: u64,
    /// The devices between which the packet goes round until its time to live is over, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cycle: Vec<String>,
}

/// A device on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The device.
    pub device: String,
    /// The region it stands in.
    pub region: Option<String>,
    /// The site it stands in.
    pub site: Option<String>,
    /// Microseconds from the source to here.
    pub latency_us: u64,
    /// What the device does: `sends out of eth0`, `tunnel to nva1.eastus over internet`, `delivers`, `drops`.
    pub action: String,
    /// What it takes to the next device: `backbone`, a cloud's name, `vnet`, `lan`.
    pub underlay: Option<String>,
    /// Why, first the device's reasons, then the platform's.
    pub reasons: Vec<String>,
    /// Equal choices that other flows of the same prefix take.
    pub alternatives: Vec<String>,
}

/// Why there is no trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceError<E> {
    /// The design has no such host.
    Host(String),
    /// A device could not be asked.
    Ask {
        /// The device.
        device: String,
        /// What went wrong.
        error: E,
    },
    /// A device gave another kind of answer.
    Answer {
        /// The device.
        device: String,
        /// Its answer.
        answer: Box<Answer>,
    },
}

impl<E: fmt::Display> fmt::Display for TraceError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => write!(f, "the design has no host {name:?}"),
            Self::Ask { device, error } => write!(f, "{device} does not answer: {error}"),
            Self::Answer { device, answer } => match answer.as_ref() {
                Answer::Refused { reason } => write!(f, "{device} refuses: {reason}"),
                _ => write!(f, "{device} gave an answer to another question"),
            },
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for TraceError<E> {}

/// Follows a flow between two hosts and its replies. `ask` puts a query to a device by name,
/// or to the fabric under the name [`FABRIC`].
pub fn trace<E>(
    plan: &Plan,
    source: &str,
    destination: &str,
    flow: FlowSpec,
    ask: impl FnMut(&str, &Query) -> Result<Answer, E>,
) -> Result<Trace, TraceError<E>> {
    let address = |name: &str| {
        let host = plan.hosts.iter().find(|host| host.name == name);
        host.map(|host| host.interface.address)
            .ok_or_else(|| TraceError::Host(name.to_owned()))
    };
    let flow = flow.between(address(source)?, address(destination)?);
    let mut walker = Walker { plan, ask };
    let forward = walker.leg(source, destination, flow)?;
    let reverse = if forward.delivered {
        let back = Flow {
            dscp: flow.dscp,
            ..inet::FiveTuple::from(flow).reversed().into()
        };
        Some(walker.leg(destination, source, back)?)
    } else {
        None
    };
    let other_nvas = reverse
        .as_ref()
        .map_or_else(Vec::new, |reverse| walker.other_nvas(&forward, reverse));
    let round_trip_us = reverse
        .as_ref()
        .filter(|leg| leg.delivered)
        .map(|leg| forward.latency_us + leg.latency_us);
    Ok(Trace {
        format_version: FormatVersion,
        source: source.to_owned(),
        destination: destination.to_owned(),
        forward,
        reverse,
        other_nvas,
        round_trip_us,
    })
}

/// More devices than any right path has: where a walk ends in any case.
const HOPS_MAX: usize = 32;

/// What a device does with a packet of its own.
const DELIVERS: &str = "delivers";

struct Walker<'a, F> {
    plan: &'a Plan,
    ask: F,
}

/// Where a packet is.
#[derive(Clone, PartialEq, Eq)]
struct Position {
    device: String,
    flow: Flow,
    /// The tunnels that it is in, outermost last: whose they are, and the flow inside.
    tunnels: Vec<(String, Flow)>,
}

/// What becomes of a packet between two devices.
#[derive(Default)]
struct Passed {
    /// Gateways and MSEEs in between.
    through: Vec<Hop>,
    /// Where it arrives, as which flow, after how many microseconds.
    next: Option<(String, Flow, u64)>,
}

/// The devices between which a packet goes round; empty when none has it twice.
fn round(through: &[Hop]) -> Vec<String> {
    let names: Vec<&String> = through.iter().map(|hop| &hop.device).collect();
    for (at, name) in names.iter().enumerate() {
        if let Some(first) = names.iter().take(at).position(|earlier| earlier == name) {
            return names[first..at].iter().map(ToString::to_string).collect();
        }
    }
    Vec::new()
}

impl Position {
    /// At the next device, out of the tunnels that end there.
    fn arrive(mut self, device: String, flow: Flow) -> Self {
        self.flow = flow;
        while let Some((_, inner)) = self.tunnels.pop_if(|(end, _)| *end == device) {
            self.flow = inner;
        }
        self.device = device;
        self
    }
}

impl<E, F: FnMut(&str, &Query) -> Result<Answer, E>> Walker<'_, F> {
    fn leg(&mut self, from: &str, to: &str, flow: Flow) -> Result<Leg, TraceError<E>> {
        let mut leg = Leg {
            flow,
            hops: Vec::new(),
            delivered: false,
            latency_us: 0,
            cycle: Vec::new(),
        };
        let mut at = Position {
            device: from.to_owned(),
            flow,
            tunnels: Vec::new(),
        };
        let mut passed: Vec<Position> = Vec::new();
        while leg.hops.len() < HOPS_MAX {
            if let Some(first) = passed.iter().position(|earlier| *earlier == at) {
                let round = passed.iter().skip(first);
                leg.cycle = round.map(|position| position.device.clone()).collect();
                break;
            }
            passed.push(at.clone());
            let mut hop = self.hop(&at.device, leg.latency_us);
            let passed_on = self.go(&mut at, &mut hop)?;
            if passed_on.next.is_none() {
                let is_there = at.device == to && at.tunnels.is_empty();
                leg.delivered = is_there && hop.action == DELIVERS;
            }
            leg.hops.push(hop);
            leg.cycle = round(&passed_on.through);
            leg.hops.extend(passed_on.through);
            let Some((next, seen, latency_us)) = passed_on.next else {
                break;
            };
            at = at.arrive(next, seen);
            leg.latency_us += latency_us;
        }
        Ok(leg)
    }

    /// What the device does, and where that leads.
    fn go(&mut self, at: &mut Position, hop: &mut Hop) -> Result<Passed, TraceError<E>> {
        let Position { device, flow, .. } = at.clone();
        match self.step(&device, flow)? {
            Step::Local { reason } => {
                DELIVERS.clone_into(&mut hop.action);
                hop.reasons.push(reason);
                Ok(Passed::default())
            }
            Step::Drop { reason } => {
                "drops".clone_into(&mut hop.action);
                hop.reasons.push(reason);
                Ok(Passed::default())
            }
            Step::Interface {
                interface,
                reason,
                alternatives,
            } => {
                hop.action = match at.tunnels.last() {
                    Some((end, _)) => format!("sends the tunnel to {end} out of {interface}"),
                    None => format!("sends out of {interface}"),
                };
                hop.reasons.push(reason);
                hop.alternatives.extend(alternatives);
                self.pass(&device, &interface, flow, hop)
            }
            Step::Tunnel {
                neighbor,
                local,
                remote,
                underlay,
                interface,
                outer,
                reason,
                alternatives,
            } => {
                hop.action = format!("tunnel to {neighbor} over {underlay}, {local} to {remote}");
                hop.reasons.push(reason);
                hop.alternatives.extend(alternatives);
                at.tunnels.push((neighbor, flow));
                self.pass(&device, &interface, outer, hop)
            }
        }
    }

    /// Where a packet that leaves an interface arrives, as which flow, after how many microseconds.
    fn pass(
        &mut self,
        device: &str,
        interface: &str,
        flow: Flow,
        hop: &mut Hop,
    ) -> Result<Passed, TraceError<E>> {
        let query = Query::Passage {
            device: device.to_owned(),
            interface: interface.to_owned(),
            flow,
        };
        match self.put(FABRIC, &query)? {
            Answer::Passage(Passage::Delivered {
                device,
                flow: seen,
                latency_us,
                underlay,
                reasons,
                alternatives,
                through,
                ..
            }) => {
                // Nobody on the way rewrites the code point.
                let seen = Flow {
                    dscp: flow.dscp,
                    ..seen
                };
                hop.underlay = Some(underlay);
                hop.reasons.extend(reasons);
                hop.alternatives.extend(alternatives);
                Ok(Passed {
                    through: self.through(through, hop.latency_us),
                    next: Some((device, seen, latency_us)),
                })
            }
            Answer::Passage(Passage::Dropped {
                reasons,
                through,
                underlay,
            }) => {
                hop.underlay = Some(underlay).filter(|underlay| !underlay.is_empty());
                let mut through = self.through(through, hop.latency_us);
                let last = through.last_mut().unwrap_or(hop);
                last.action.push_str(", dropped on the way");
                last.reasons.extend(reasons);
                Ok(Passed {
                    through,
                    next: None,
                })
            }
            answer => Err(TraceError::Answer {
                device: FABRIC.to_owned(),
                answer: Box::new(answer),
            }),
        }
    }

    /// Gateways and MSEEs as hops. The fabric says no times for them: they have that of the device before them.
    fn through(&self, through: Vec<Through>, latency_us: u64) -> Vec<Hop> {
        let hops = through.into_iter().map(|passed| Hop {
            action: "forwards".to_owned(),
            underlay: passed.underlay,
            reasons: vec![passed.reason],
            ..self.hop(&passed.device, latency_us)
        });
        hops.collect()
    }

    fn step(&mut self, device: &str, flow: Flow) -> Result<Step, TraceError<E>> {
        if let Some(host) = self.plan.hosts.iter().find(|host| host.name == device) {
            return Ok(if flow.destination == host.interface.address {
                Step::Local {
                    reason: "its own address".into(),
                }
            } else if flow.source == host.interface.address {
                Step::Interface {
                    interface: host.interface.name.clone(),
                    reason: "its only interface".into(),
                    alternatives: Vec::new(),
                }
            } else {
                Step::Drop {
                    reason: "a host does not forward".into(),
                }
            });
        }
        let answer = match self.put(device, &Query::Step { flow }) {
            Err(TraceError::Ask { .. }) if self.is_foreign(device) => {
                return Ok(Step::Drop {
                    reason: "software of other make, which cannot be asked".into(),
                });
            }
            answer => answer?,
        };
        match answer {
            Answer::Step(step) => Ok(step),
            answer => Err(TraceError::Answer {
                device: device.to_owned(),
                answer: Box::new(answer),
            }),
        }
    }

    fn is_foreign(&self, device: &str) -> bool {
        let mut routers = self.plan.routers.iter();
        routers.any(|router| router.foreign && router.name == device)
            || self.plan.foreign.iter().any(|other| other.name == device)
    }

    fn put(&mut self, device: &str, query: &Query) -> Result<Answer, TraceError<E>> {
        (self.ask)(device, query).map_err(|error| TraceError::Ask {
            device: device.to_owned(),
            error,
        })
    }

    fn hop(&self, device: &str, latency_us: u64) -> Hop {
        let (region, site) = self.place(device);
        Hop {
            device: device.to_owned(),
            region,
            site,
            latency_us,
            action: String::new(),
            underlay: None,
            reasons: Vec::new(),
            alternatives: Vec::new(),
        }
    }

    /// The region and the site in which a device stands.
    fn place(&self, device: &str) -> (Option<String>, Option<String>) {
        if let Some(node) = self.plan.nodes.iter().find(|node| node.name == device) {
            return match &node.role {
                NodeRole::Nva { region, .. } => (Some(region.clone()), None),
                NodeRole::Cpe { site } => (None, Some(site.clone())),
            };
        }
        if let Some(router) = self.plan.routers.iter().find(|own| own.name == device) {
            return match &router.place {
                RouterPlace::Site { site } => (None, Some(site.clone())),
                RouterPlace::Provider { .. } => (None, None),
            };
        }
        if let Some(gateway) = self.plan.gateways.iter().find(|own| own.name == device) {
            return (Some(gateway.region.clone()), None);
        }
        let host = self.plan.hosts.iter().find(|host| host.name == device);
        match host.map(|host| &host.place) {
            Some(HostPlace::Site { site }) => (None, Some(site.clone())),
            Some(HostPlace::Vnet { vnet }) => {
                let mut vnets = self.plan.fabric.vnets.iter();
                let found = vnets.find(|candidate| candidate.name == *vnet);
                (found.map(|vnet| vnet.region.clone()), None)
            }
            None => (None, None),
        }
    }

    fn other_nvas(&self, forward: &Leg, reverse: &Leg) -> Vec<String> {
        let passed = |leg: &Leg, name: &str| leg.hops.iter().any(|hop| hop.device == name);
        self.plan
            .nodes
            .iter()
            .filter(|node| matches!(node.role, NodeRole::Nva { .. }))
            .map(|node| &node.name)
            .filter(|name| passed(forward, name) != passed(reverse, name))
            .cloned()
            .collect()
    }
}
