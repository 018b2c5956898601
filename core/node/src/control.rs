//! The control half of a node whose packets are forwarded by [`Forwarder`]s.

use inet::Instant;

use crate::plane::change::{Noticed, Punted};
use crate::{Forwarder, Input, Node, Notice, Order, Output, Punt};

/// The control half of a node: handshakes, probes, BGP, virtual routers, the forwarding table and the choice of
/// paths. What forwarders have to know it orders; what they notice and cannot do it is told.
pub struct Control {
    node: Node,
}

impl Node {
    /// The node's halves, to be driven by threads of their own: one [`Forwarder`] a thread of the configuration, in
    /// order. What is queued or due stays due.
    pub fn split(mut self) -> (Control, Vec<Forwarder>) {
        let lanes = self.take_lanes();
        let forwarders = lanes
            .into_iter()
            .enumerate()
            .map(|(shard, lanes)| Forwarder::new(shard, self.tables().clone(), lanes))
            .collect();
        self.begin_orders();
        (Control { node: self }, forwarders)
    }
}

impl Control {
    /// Takes one input that is no packet and no datagram. What follows is in `out`, and what forwarders
    /// have to be told in `orders`.
    pub fn handle(
        &mut self,
        now: Instant,
        input: Input<'_>,
        out: &mut Vec<Output>,
        orders: &mut Vec<Order>,
    ) {
        self.node.handle(now, input, out);
        self.node.take_orders(orders);
    }

    /// Takes what a forwarder passed on. `now` may be later than when that was.
    pub fn on_punt(
        &mut self,
        now: Instant,
        punt: Punt,
        out: &mut Vec<Output>,
        orders: &mut Vec<Order>,
    ) {
        match punt.kind {
            Punted::Handshake {
                locator,
                from,
                bytes,
            } => self.node.on_handshake(now, (locator, from), &bytes, out),
            // What is measured is the path, and not how busy this half was.
            Punted::Reply { path, payload } => self.node.on_reply(punt.at, path, &payload, out),
            Punted::Names(heard) => self.node.learn(now, heard),
            Punted::Report {
                path,
                class,
                stream,
                report,
            } => self
                .node
                .on_protection_report(now, (path, class), (stream, report), out),
        }
        self.node.take_orders(orders);
    }

    /// Takes what the forwarder of a shard noticed.
    pub fn on_notice(
        &mut self,
        now: Instant,
        shard: usize,
        notice: Notice,
        out: &mut Vec<Output>,
        orders: &mut Vec<Order>,
    ) {
        match notice.0 {
            Noticed::Tunnel { locator, notice } => self.node.on_lanes(now, locator, notice, out),
            Noticed::Sighting(sighting) => self.node.on_sighting(now, sighting),
            Noticed::Used(path) => self.node.on_used(now, path, out),
            Noticed::Counters(counters) => self.node.count(&counters),
            Noticed::Tunnels { locator, counters } => {
                self.node.on_lanes_counters(locator, shard, counters);
            }
        }
        self.node.take_orders(orders);
    }

    /// When to come back with [`Input::Wake`].
    pub fn wake(&self) -> Option<Instant> {
        self.node.wake()
    }

    /// The node, to look at.
    pub const fn node(&self) -> &Node {
        &self.node
    }
}
