//! What can fail: names that an operator types, and the actions that a failure consists of.
//!
//! | text | what fails |
//! |---|---|
//! | `nva1.westeurope`, `cpe1.paris`, `rs0.westeurope` | a device: silent from one moment to the next |
//! | `underlay:paris/internet` | a site's access to one underlay |
//! | `path:cpe1.paris/internet>nva1.westeurope/azure` | one tunnel path; with device names, all paths between the two |
//! | `region:westeurope` | all devices of a region |
//! | `backbone:westeurope-eastus` | the backbone between two regions |
//! | `maintenance:rs0.westeurope` | an instance of a Route Server: its sessions drop without notice, as the platform's maintenance does it |

use core::fmt;
use core::net::Ipv4Addr;

use design::plan::{HostPlace, NodeConfig, NodeRole, PathConfig, Plan};

use crate::Fault;

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
    /// The paths between two locators, or between two devices.
    Path {
        /// A locator or a device.
        a: String,
        /// A locator or a device.
        b: String,
    },
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
                 underlay:SITE/UNDERLAY, path:A>B, region:REGION, backbone:REGION-REGION \
                 or maintenance:INSTANCE"
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
            Self::Path { a, b } => write!(f, "path:{a}>{b}"),
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
            Some(("path", rest)) => {
                let (a, b) = own(rest.split_once('>').ok_or_else(form)?);
                Self::Path { a, b }
            }
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
                let faults: Vec<Action> = plan
                    .fabric
                    .attachments
                    .iter()
                    .filter(|link| link.site == *site && link.cloud == *underlay)
                    .map(|link| {
                        fault(Fault::Attachment {
                            device: link.device.clone(),
                            interface: link.interface.clone(),
                        })
                    })
                    .collect();
                some(faults).ok_or_else(|| unknown("underlay", &format!("{site}/{underlay}")))
            }
            Self::Path { a, b } => {
                let faults = path_addresses(plan, a, b)
                    .map(|(a, b)| fault(Fault::Path { a, b }))
                    .collect();
                some(faults).ok_or_else(|| unknown("path", &format!("{a}>{b}")))
            }
            Self::Region(name) => {
                let mut actions = Vec::new();
                for device in region_devices(plan, name) {
                    actions.extend(device_actions(plan, device, up)?);
                }
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

fn device_actions(plan: &Plan, name: &str, up: bool) -> Result<Vec<Action>, TargetError> {
    let runs = plan.nodes.iter().any(|node| node.name == name)
        || plan.route_servers.iter().any(|rs| rs.name == name);
    let stands = plan.hosts.iter().any(|host| host.name == name)
        || plan.foreign.iter().any(|foreign| foreign.name == name);
    if !runs && !stands {
        return Err(TargetError::Unknown {
            kind: "device",
            name: name.to_owned(),
        });
    }
    let mut actions = vec![Action::Fault {
        fault: Fault::Device {
            name: name.to_owned(),
        },
        up,
    }];
    if runs {
        let device = name.to_owned();
        actions.push(if up {
            Action::Start { device }
        } else {
            Action::Kill { device }
        });
    }
    Ok(actions)
}

fn region_devices<'a>(plan: &'a Plan, region: &'a str) -> impl Iterator<Item = &'a str> {
    let nodes = plan.nodes.iter().filter_map(move |node| match &node.role {
        NodeRole::Nva { region: own, .. } if own == region => Some(node.name.as_str()),
        _ => None,
    });
    let servers = plan
        .route_servers
        .iter()
        .filter(move |rs| rs.region == region);
    let hosts = plan.hosts.iter().filter(move |host| match &host.place {
        HostPlace::Vnet { vnet } => plan
            .fabric
            .vnets
            .iter()
            .any(|net| net.name == *vnet && net.region == region),
        HostPlace::Site { .. } => false,
    });
    nodes
        .chain(servers.map(|rs| rs.name.as_str()))
        .chain(hosts.map(|host| host.name.as_str()))
}

/// The pairs of addresses on the wire of all paths between two locators or devices.
fn path_addresses<'a>(
    plan: &'a Plan,
    a: &'a str,
    b: &'a str,
) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
    plan.nodes
        .iter()
        .filter(move |node| device_of(a) == node.name)
        .flat_map(|node| node.links.iter())
        .flat_map(|link| link.paths.iter())
        .filter(move |path| is_side(&path.local, a) && is_side(&path.remote, b))
        .filter_map(|path| {
            Some((
                wire_address(plan, path, false)?,
                wire_address(plan, path, true)?,
            ))
        })
}

/// The device part of a locator's name, `cpe1.paris/internet`, or of a device's name.
fn device_of(side: &str) -> &str {
    side.split_once('/').map_or(side, |(device, _)| device)
}

fn is_side(locator: &str, side: &str) -> bool {
    locator == side || (!side.contains('/') && device_of(locator) == side)
}

/// The address under which one end of a path is seen by the other.
fn wire_address(plan: &Plan, path: &PathConfig, remote: bool) -> Option<Ipv4Addr> {
    if remote && let Some(endpoint) = path.endpoint {
        return Some(*endpoint.ip());
    }
    let (own, other) = if remote {
        (&path.remote, &path.local)
    } else {
        (&path.local, &path.remote)
    };
    let node = |name: &str| plan.nodes.iter().find(|node| node.name == name);
    let seen = node(device_of(other)).and_then(|node| {
        let mut paths = node.links.iter().flat_map(|link| &link.paths);
        paths
            .find(|path| path.local == *other && path.remote == *own)?
            .endpoint
    });
    seen.map(|endpoint| *endpoint.ip())
        .or_else(|| underlay_address(plan, node(device_of(own))?, own))
}

/// The address of a locator without a known endpoint: its NAT's, or its own.
fn underlay_address(plan: &Plan, node: &NodeConfig, locator: &str) -> Option<Ipv4Addr> {
    let locator = node.locators.iter().find(|own| own.name == locator)?;
    let attachment = plan
        .fabric
        .attachments
        .iter()
        .find(|link| link.device == node.name && link.interface == locator.interface)?;
    Some(
        attachment
            .nat
            .map_or(attachment.address, |nat| nat.public_address),
    )
}
