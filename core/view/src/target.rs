//! What can fail: names that an operator types, and the actions that a failure consists of.
//!
//! | text | what fails |
//! |---|---|
//! | `nva1.westeurope`, `cpe1.paris`, `rs0.westeurope`, `core.paris`, `msee0.ams` | a device: silent from one moment to the next |
//! | `underlay:paris/internet` | a site's access to one underlay |
//! | `brownout:paris/internet` | the same access gets bad: 100 ms slower and losing 5 % each way |
//! | `brownout:paris/mpls,latency=200ms,jitter=80ms,loss=10%,up` | the same, as bad as it says, one way (`up`, `down`) or both |
//! | `udp:paris/internet` | UDP through the same access: the site's firewall blocks it |
//! | `rebind:chicago/internet` | the NAT in front of the same access: it restarts, and flows get other ports |
//! | `path:cpe1.paris/internet>nva1.westeurope/azure` | one tunnel path; with device names, all paths between the two |
//! | `link:core.paris/er0` | a point-to-point link, by either of its ends; no interface goes down |
//! | `circuit:ams` | both MSEEs of an ExpressRoute circuit |
//! | `region:westeurope` | all devices of a region |
//! | `backbone:westeurope-eastus` | the backbone between two regions |
//! | `maintenance:rs0.westeurope` | an instance of a Route Server: its sessions drop without notice, as the platform's maintenance does it |

mod access;
mod brownout;
mod devices;
mod paths;

use core::fmt;

use design::plan::{Plan, WireEnd};

use crate::Fault;
use access::{access_actions, nat_actions};
pub use brownout::{Brownout, Direction};
use devices::{device_actions, devices_actions, region_devices};
use paths::path_addresses;

/// Something that can fail and be healed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A device by name.
    Device(String),
    /// A site's access to an underlay.
    Underlay {
        /// The site.
        site: String,
        /// The cloud.
        underlay: String,
    },
    /// A site's access to an underlay, which gets bad without being cut.
    Brownout {
        /// The site.
        site: String,
        /// The cloud.
        underlay: String,
        /// How bad.
        brownout: Brownout,
    },
    /// UDP through a site's access to an underlay.
    Udp {
        /// The site.
        site: String,
        /// The cloud.
        underlay: String,
    },
    /// The NAT at a site's access to an underlay, which restarts; there is nothing to mend.
    Rebind {
        /// The site.
        site: String,
        /// The cloud.
        underlay: String,
    },
    /// The paths between two locators, or between two devices.
    Path {
        /// A locator or a device.
        a: String,
        /// A locator or a device.
        b: String,
    },
    /// A point-to-point link, by one of its ends.
    Link {
        /// The device.
        device: String,
        /// Its interface.
        interface: String,
    },
    /// An ExpressRoute circuit.
    Circuit(String),
    /// A region.
    Region(String),
    /// The backbone between two regions.
    Backbone {
        /// One region.
        a: String,
        /// The other.
        b: String,
    },
    /// An instance of a Route Server, taken out of service by the platform.
    Maintenance(String),
}

/// One thing to do so that a target fails or heals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Tell the fabric: [`crate::Query::Fault`].
    Fault {
        /// What breaks or works again.
        fault: Fault,
        /// Whether it works from now on.
        up: bool,
    },
    /// End a node or a Route Server instance without a word to anybody.
    Kill {
        /// The device.
        device: String,
    },
    /// The platform takes an instance of a Route Server out of service, or puts it back: unlike a
    /// device that fails, its connections close.
    Maintain {
        /// The instance.
        device: String,
        /// Whether maintenance begins.
        on: bool,
    },
    /// Start it again, from nothing.
    Start {
        /// The device.
        device: String,
    },
}

/// Why a text is not a target of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// Not of a known form.
    Form(String),
    /// The form is right but the network has no such thing.
    Unknown {
        /// What it would be.
        kind: &'static str,
        /// The name that was given.
        name: String,
    },
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(text) => write!(
                f,
                "{text:?} is not a target; a target is a device (nva1.westeurope, cpe1.paris, rs0.westeurope), \
                 underlay:SITE/UNDERLAY, brownout:SITE/UNDERLAY[,latency=200ms][,jitter=80ms][,loss=10%][,up|,down], udp:SITE/UNDERLAY, rebind:SITE/UNDERLAY, path:A>B, link:DEVICE/INTERFACE, circuit:CIRCUIT, region:REGION, \
                 backbone:REGION-REGION or maintenance:INSTANCE"
            ),
            Self::Unknown { kind, name } => write!(f, "the design has no {kind} {name:?}"),
        }
    }
}

impl core::error::Error for TargetError {}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(name) => f.write_str(name),
            Self::Underlay { site, underlay } => write!(f, "underlay:{site}/{underlay}"),
            Self::Brownout {
                site,
                underlay,
                brownout,
            } => write!(f, "brownout:{site}/{underlay}{brownout}"),
            Self::Udp { site, underlay } => write!(f, "udp:{site}/{underlay}"),
            Self::Rebind { site, underlay } => write!(f, "rebind:{site}/{underlay}"),
            Self::Path { a, b } => write!(f, "path:{a}>{b}"),
            Self::Link { device, interface } => write!(f, "link:{device}/{interface}"),
            Self::Circuit(name) => write!(f, "circuit:{name}"),
            Self::Region(name) => write!(f, "region:{name}"),
            Self::Backbone { a, b } => write!(f, "backbone:{a}-{b}"),
            Self::Maintenance(name) => write!(f, "maintenance:{name}"),
        }
    }
}

impl Target {
    /// Reads a target and checks that the network has it.
    pub fn parse(text: &str, plan: &Plan) -> Result<Self, TargetError> {
        let form = || TargetError::Form(text.to_owned());
        let own = |(a, b): (&str, &str)| (a.to_owned(), b.to_owned());
        let target = match text.split_once(':') {
            None => Self::Device(text.to_owned()),
            Some(("underlay", rest)) => {
                let (site, underlay) = own(rest.split_once('/').ok_or_else(form)?);
                Self::Underlay { site, underlay }
            }
            Some(("brownout", rest)) => {
                let (place, how) = rest.split_once(',').unwrap_or((rest, ""));
                let (site, underlay) = own(place.split_once('/').ok_or_else(form)?);
                Self::Brownout {
                    site,
                    underlay,
                    brownout: Brownout::parse(how).ok_or_else(form)?,
                }
            }
            Some(("udp", rest)) => {
                let (site, underlay) = own(rest.split_once('/').ok_or_else(form)?);
                Self::Udp { site, underlay }
            }
            Some(("rebind", rest)) => {
                let (site, underlay) = own(rest.split_once('/').ok_or_else(form)?);
                Self::Rebind { site, underlay }
            }
            Some(("path", rest)) => {
                let (a, b) = own(rest.split_once('>').ok_or_else(form)?);
                Self::Path { a, b }
            }
            Some(("link", rest)) => {
                let (device, interface) = own(rest.split_once('/').ok_or_else(form)?);
                Self::Link { device, interface }
            }
            Some(("circuit", rest)) => Self::Circuit(rest.to_owned()),
            Some(("region", rest)) => Self::Region(rest.to_owned()),
            Some(("backbone", rest)) => {
                let (a, b) = own(rest.split_once('-').ok_or_else(form)?);
                Self::Backbone { a, b }
            }
            Some(("maintenance", rest)) => Self::Maintenance(rest.to_owned()),
            Some(_) => return Err(form()),
        };
        target.actions(plan, false)?;
        Ok(target)
    }

    /// What to do so that the target fails (`up` is false) or heals (`up` is true), in order.
    /// A device loses its connections before it is ended, so that its end is not announced.
    pub fn actions(&self, plan: &Plan, up: bool) -> Result<Vec<Action>, TargetError> {
        let unknown = |kind, name: &str| TargetError::Unknown {
            kind,
            name: name.to_owned(),
        };
        let fault = |fault| Action::Fault { fault, up };
        match self {
            Self::Device(name) => device_actions(plan, name, up),
            Self::Underlay { site, underlay } => {
                let cut = |device, interface| Fault::Attachment { device, interface };
                access_actions(plan, (site, underlay), up, cut)
            }
            Self::Brownout {
                site,
                underlay,
                brownout,
            } => access_actions(plan, (site, underlay), up, |device, interface| {
                Fault::Brownout {
                    device,
                    interface,
                    brownout: *brownout,
                }
            }),
            Self::Udp { site, underlay } => {
                let block = |device, interface| Fault::Udp { device, interface };
                access_actions(plan, (site, underlay), up, block)
            }
            Self::Rebind { site, underlay } => nat_actions(plan, (site, underlay), up),
            Self::Path { a, b } => {
                let faults = path_addresses(plan, a, b)
                    .map(|(a, b)| fault(Fault::Path { a, b }))
                    .collect();
                some(faults).ok_or_else(|| unknown("path", &format!("{a}>{b}")))
            }
            Self::Link { device, interface } => {
                let is_end = |end: &WireEnd| end.device == *device && end.interface == *interface;
                let mut wires = plan.fabric.wires.iter();
                let known = wires.any(|wire| is_end(&wire.a) || is_end(&wire.b));
                let (device, interface) = (device.clone(), interface.clone());
                let name = format!("{device}/{interface}");
                let cut = known.then(|| fault(Fault::Wire { device, interface }));
                some(cut.into_iter().collect()).ok_or_else(|| unknown("link", &name))
            }
            Self::Circuit(name) => {
                let msees = plan.msees.iter().filter(|msee| msee.circuit == *name);
                let actions = devices_actions(plan, msees.map(|msee| msee.name.as_str()), up)?;
                some(actions).ok_or_else(|| unknown("circuit", name))
            }
            Self::Region(name) => {
                let actions = devices_actions(plan, region_devices(plan, name), up)?;
                some(actions).ok_or_else(|| unknown("region", name))
            }
            Self::Backbone { a, b } => {
                for name in [a, b] {
                    if !plan.regions.iter().any(|region| region.name == *name) {
                        return Err(unknown("region", name));
                    }
                }
                let (a, b) = (a.clone(), b.clone());
                Ok(vec![fault(Fault::Pair { a, b })])
            }
            Self::Maintenance(name) => {
                let known = plan.route_servers.iter().any(|rs| rs.name == *name);
                let maintain = Action::Maintain {
                    device: name.clone(),
                    on: !up,
                };
                some(if known { vec![maintain] } else { Vec::new() })
                    .ok_or_else(|| unknown("Route Server instance", name))
            }
        }
    }
}

/// The list, unless it is empty.
fn some(actions: Vec<Action>) -> Option<Vec<Action>> {
    (!actions.is_empty()).then_some(actions)
}
