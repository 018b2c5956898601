//! The node: the only entry. It owns the parts and passes each input to the one it is for.

mod bgp_sessions;
mod breakout;
mod build;
mod carriers;
mod decisions;
mod egress;
mod forwarding;
mod gateways;
mod guard;
mod liveness;
mod mtu;
mod names;
mod protect;
mod shortcuts;
mod show;
mod steering;
#[cfg(test)]
mod tests;
mod tunnels;

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bgp::{ConnId, Speaker};
use inet::Instant;
use path::{MtuDiscovery, MtuInput, PathId, Prober};
use queue::Queue;
use tunnel::{PeerId, PrivateKey, Suite};

use crate::id::{ClassId, LinkId, LocatorId};
use crate::input::{Command, Input};
use crate::output::Output;
use crate::plane::change::{Change, Kind, Order};
use crate::plane::icmp::IcmpBudget;
use crate::plane::protect::{Receivers, Senders};
use crate::plane::sightings::Sightings;
use crate::plane::tables::Tables;
use crate::plane::usage::Usage;
use crate::routing::Routing;
use crate::settings::{Settings, Shape};
use crate::timers::{Part, Timers};
use crate::view::{Counters, MoveView};
use crate::vrrp;

use bgp_sessions::Waiting;
use carriers::Carriers;
use egress::Held;
use guard::Guard;
use names::Names;
use shortcuts::Shortcuts;
use tunnels::Tunnels;

/// What a node needs and no configuration file holds.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// Private keys by locator name.
    pub private_keys: BTreeMap<String, PrivateKey>,
}

/// How a node is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The tunnels' cryptography.
    pub suite: Suite,
    /// Whether the processor has instructions for AES-GCM; the configuration says whether to offer it.
    pub aes: bool,
    /// The source of all chance. Outside simulations it must be secret and new for every run.
    pub seed: [u8; 32],
    /// The wall clock's time since 1970 at [`Instant::ZERO`]; must not go backwards between runs.
    pub epoch: Duration,
}

/// An SD-WAN node.
pub struct Node {
    settings: Arc<Settings>,
    /// What decides about packets.
    tables: Tables,
    /// By [`LocatorId`].
    tunnels: Vec<Tunnels>,
    /// By [`PathId`].
    paths: Vec<PathState>,
    /// By [`LinkId`].
    links: Vec<LinkState>,
    carriers: Carriers,
    routing: Routing,
    speaker: Speaker,
    /// Connections that came before their link was found to be up.
    waiting: BTreeMap<ConnId, Waiting>,
    shortcuts: Shortcuts,
    sightings: Sightings,
    /// `None` without a budget.
    guard: Option<Guard>,
    /// By [`crate::LanId`].
    gateways: Vec<Option<vrrp::Router>>,
    timers: Timers,
    /// What waits for bandwidth, by [`EgressId`]; made when something first does.
    held: Vec<Option<Box<Queue<Held>>>>,
    names: Names,
    /// Where flows leave that break out.
    exit: Option<LocatorId>,
    icmp: IcmpBudget,
    senders: Senders,
    receivers: Receivers,
    /// What other sides report about protected streams that are sent to them.
    regulators: BTreeMap<(PathId, ClassId), fec::Regulator>,
    usage: Usage,
    counters: Counters,
    /// The last moves of traffic, oldest first.
    moves: VecDeque<MoveView>,
    /// What forwarders have to be told; `None` while the node forwards by itself.
    orders: Option<Vec<Order>>,
    scratch: Scratch,
}

/// A path at work.
struct PathState {
    peer: PeerId,
    /// `None` when the tunnel itself says whether the path is up.
    prober: Option<Prober>,
    /// `None` where nothing is probed.
    mtu: Option<MtuDiscovery>,
    /// By the number of a shape: what its probes look like.
    shapes: Vec<Shape>,
    /// When classes last heard what its probes say.
    judged: Instant,
}

/// A link at work.
struct LinkState {
    paths: path::Link,
    /// By [`crate::ClassId`].
    classes: Vec<path::ClassPaths>,
    /// By [`crate::ClassId`]: the shape of the probes that it is judged by.
    shapes: Vec<u8>,
    /// The neighbour's connection that came before the link was found to be up; the last one.
    waiting: Option<ConnId>,
}

/// Lists that are filled and emptied within one call, kept for their memory.
#[derive(Default)]
struct Scratch {
    tunnel: Vec<tunnel::Output>,
    prober: Vec<path::Output>,
    bgp: Vec<bgp::Output>,
    vrrp: Vec<vrrp::Output>,
}

impl Node {
    /// Takes one input. Whatever follows from it is in `out` when the call returns.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Wake => {}
            Input::Datagram {
                locator,
                from,
                bytes,
            } => self.on_datagram(now, locator, from, bytes, out),
            Input::Packet { bytes } => self.on_kernel_packet(now, bytes, out),
            Input::Vrrp { lan, from, bytes } => self.on_vrrp(now, lan, from, bytes, out),
            Input::Bgp(input) => self.on_bgp_transport(now, input, out),
            Input::Opened { connection, remote } => self.on_opened(now, connection, remote, out),
            Input::Closed { connection } => self.on_closed(now, connection, out),
            Input::Command(Command::Shutdown { text }) => self.shut_down(now, &text, out),
        }
        while let Some(part) = self.timers.pop(now) {
            self.on_due(now, part, out);
        }
    }

    /// When to come back with [`Input::Wake`]. Before the first `handle` it is the time of birth.
    pub fn wake(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn on_due(&mut self, now: Instant, part: Part, out: &mut Vec<Output>) {
        match part {
            Part::Start => self.start(now, out),
            Part::Locator(locator) => {
                self.tell_tunnels(now, locator, tunnel::Input::Wake, out);
            }
            Part::Path(path) => self.wake_prober(now, path, out),
            Part::Mtu(path) => self.tell_mtu(now, path, MtuInput::Wake, out),
            Part::Carrier(path) => self.tell_caller(now, path, carrier::Input::Wake, out),
            Part::Guests => self.send_guests_off(now, out),
            Part::Link(link) => self.release_held(now, link, out),
            Part::Speaker => self.speak(now, bgp::Input::Wake, out),
            Part::Lan(lan) => self.wake_gateway(now, lan, out),
            Part::Guard => self.guard_routes(now, out),
            Part::Protect => self.close_blocks(now, out),
            Part::Egress(id) => self.release(now, id, out),
            Part::Shortcuts => self.review_shortcuts(now, out),
            Part::Names => self.forget_names(now),
        }
    }

    pub(crate) const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// From now on forwarders have to be told of every change.
    pub(crate) fn begin_orders(&mut self) {
        self.orders = Some(Vec::new());
    }

    pub(crate) fn take_orders(&mut self, into: &mut Vec<Order>) {
        into.extend(self.orders.iter_mut().flat_map(|orders| orders.drain(..)));
    }

    /// What a forwarder counted.
    pub(crate) fn count(&mut self, more: &Counters) {
        self.counters.add(more);
    }

    /// Changes what decides about packets, here and wherever else.
    fn publish(&mut self, kind: Kind) {
        self.tables.apply(&kind);
        self.order(kind);
    }

    /// Has every forwarder take a change that is already made here.
    fn order(&mut self, kind: Kind) {
        if let Some(orders) = &mut self.orders {
            orders.push(Order::all(Change(kind)));
        }
    }

    fn link_of(&self, path: PathId) -> LinkId {
        self.settings.paths[index(path)].link
    }

    fn locator_of(&self, path: PathId) -> LocatorId {
        self.settings.paths[index(path)].locator
    }
}

/// A path's place in the node's tables.
const fn index(path: PathId) -> usize {
    path.0 as usize
}
