//! What an operator sees: one set of types for every answer of a lab device and of a simulation.
//!
//! A device (a node, a Route Server instance, the fabric) is asked a [`Query`] and gives an
//! [`Answer`]; in the lab both are lines of JSON on the device's control socket, in the simulator
//! the question is a call. Because both make their answers here, from the same read-only views
//! of the cores, `show` prints the same for both, and the two can be compared byte for byte.
//!
//! - [`Sessions`], [`Routes`], [`Tunnels`], [`Paths`], [`Budgets`], [`Counters`], [`EffectiveRoutes`], [`Forwarding`]: what
//!   `show` prints.
//! - [`Status`]: a network in a few lines; [`Simulation`]: what a scenario came to.
//! - [`trace`]: follows a flow from device to device by asking each what it would do.
//! - [`platform`]: the platform's own JSON and tables of a Route Server; [`Measures`]: for metrics.
//! - [`Target`]: what can fail, and which device and platform actions a failure is.
//! - [`node_answer`], [`route_server_answer`], [`router_answer`], [`fabric_answer`]: a core answers a query.
//!
//! Everything that leaves the program carries `format_version`; a change that breaks a reader
//! raises it. Lists are sorted; nothing in [`Forwarding`] changes while the network is stable.

#![warn(missing_docs)]

mod answer;
mod budget;
mod classified;
mod counters;
mod effective;
mod flow;
mod forwarding;
mod measures;
mod paths;
pub mod platform;
mod query;
mod routes;
mod sessions;
mod simulation;
mod status;
mod target;
mod trace;
mod tunnels;
mod version;

pub use answer::{
    fabric_answer, fabric_fault, gateway_answer, msee_answer, node_answer, peer_refused,
    route_server_answer, route_server_commands, router_answer, speaker_measures, vnet_peerings,
};
pub use budget::{Aggregate, Budget, BudgetUse, Budgets};
pub use classified::{Classified, classify};
pub use counters::{Counter, Counters};
pub use effective::{EffectiveRoute, EffectiveRoutes};
pub use flow::{Flow, FlowError, FlowSpec, Protocol};
pub use forwarding::{DeviceForwarding, Forwarding, ForwardingRoute};
pub use measures::{
    BudgetMeasures, CustomerMeasures, ExpressRouteMeasures, Measures, ProgrammingMeasures,
    RouteServerMeasures, SessionMeasures, TunnelMeasures,
};
pub use paths::{PathMove, PathStanding, Paths};
pub use query::{Answer, Change, Fault, Passage, Query, Step, Through};
pub use routes::{Route, Routes};
pub use sessions::{Session, Sessions};
pub use simulation::{Ordeal, Ordeals, PairLoss, PhaseLoss, Simulation, SimulationStep};
pub use status::{
    DeviceKind, DeviceStatus, RegionStatus, SiteStatus, Status, Totals, Verification,
    expected_sessions,
};
pub use target::{Action, Brownout, Direction, Target, TargetError};
pub use trace::{FABRIC, Hop, Leg, Trace, TraceError, trace};
pub use tunnels::{PathClass, Tunnel, TunnelPath, Tunnels};
pub use version::FormatVersion;
