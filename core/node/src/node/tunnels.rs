//! The tunnels' ends: whole while the node forwards by itself, their control halves once forwarders have the lanes.

use core::net::SocketAddrV4;

use inet::Instant;
use path::PathId;
use tunnel::{Endpoint, Handshakes, Lanes, PeerId, PeerView};

use super::{Node, index};
use crate::id::LocatorId;
use crate::output::Output;
use crate::plane::change::{Change, Kind, Order};
use crate::timers::Part;

/// A locator's end of its tunnels.
pub(super) enum Tunnels {
    /// Of a node that forwards by itself.
    Whole(Box<Endpoint>),
    /// Of a node with forwarders.
    Half {
        handshakes: Box<Handshakes>,
        /// By shard: what came to nothing in the lanes.
        lanes: Vec<tunnel::Counters>,
    },
}

impl Tunnels {
    pub(super) fn wake(&self) -> Option<Instant> {
        match self {
            Self::Whole(endpoint) => endpoint.wake(),
            Self::Half { handshakes, .. } => handshakes.wake(),
        }
    }

    pub(super) fn is_ready(&self, now: Instant, peer: PeerId) -> bool {
        match self {
            Self::Whole(endpoint) => endpoint.is_ready(now, peer),
            Self::Half { handshakes, .. } => handshakes.is_ready(now, peer),
        }
    }

    pub(super) fn peer(&self, now: Instant, peer: PeerId) -> Option<PeerView<'_>> {
        match self {
            Self::Whole(endpoint) => endpoint.peer(now, peer),
            Self::Half { handshakes, .. } => handshakes.peer(now, peer),
        }
    }

    pub(super) fn counters(&self) -> tunnel::Counters {
        match self {
            Self::Whole(endpoint) => endpoint.counters(),
            Self::Half { handshakes, lanes } => {
                let mut counters = *handshakes.counters();
                lanes.iter().for_each(|more| counters.add(more));
                counters
            }
        }
    }

    /// Key pairs that are held here: none once forwarders have the lanes.
    pub(super) fn key_pairs(&self) -> usize {
        match self {
            Self::Whole(endpoint) => endpoint.key_pairs(),
            Self::Half { .. } => 0,
        }
    }

    /// Gives the lanes away, those of each shard.
    fn split(self) -> (Self, Vec<Lanes>) {
        match self {
            Self::Whole(endpoint) => {
                let (handshakes, lanes) = endpoint.split();
                let half = Self::Half {
                    handshakes: Box::new(handshakes),
                    lanes: vec![tunnel::Counters::default(); lanes.len()],
                };
                (half, lanes)
            }
            half @ Self::Half { .. } => (half, Vec::new()),
        }
    }
}

impl Node {
    /// Gives the lanes of all tunnels away: by shard, then by [`LocatorId`].
    pub(crate) fn take_lanes(&mut self) -> Vec<Vec<Lanes>> {
        let mut shards = Vec::new();
        for whole in core::mem::take(&mut self.tunnels) {
            let (half, lanes) = whole.split();
            self.tunnels.push(half);
            shards.resize_with(lanes.len(), Vec::new);
            for (shard, lanes) in shards.iter_mut().zip(lanes) {
                shard.push(lanes);
            }
        }
        shards
    }

    /// Puts a packet into a path's tunnel.
    pub(super) fn seal(
        &mut self,
        now: Instant,
        path: PathId,
        packet: &[u8],
        out: &mut Vec<Output>,
    ) {
        let locator = self.locator_of(path);
        let peer = self.paths[index(path)].peer;
        let Tunnels::Whole(endpoint) = &mut self.tunnels[locator.index()] else {
            let packet = packet.to_vec();
            self.order_one(0, Kind::Send { path, packet });
            return;
        };
        let mut followed = core::mem::take(&mut self.scratch.tunnel);
        endpoint.seal(now, peer, packet, &mut followed);
        self.after_tunnel(now, locator, followed, out);
    }

    pub(super) fn tell_tunnels(
        &mut self,
        now: Instant,
        locator: LocatorId,
        input: tunnel::Input,
        out: &mut Vec<Output>,
    ) {
        match &mut self.tunnels[locator.index()] {
            Tunnels::Whole(endpoint) => {
                let mut followed = core::mem::take(&mut self.scratch.tunnel);
                endpoint.handle(now, input, &mut followed);
                self.after_tunnel(now, locator, followed, out);
            }
            Tunnels::Half { handshakes, .. } => {
                let mut orders = Vec::new();
                handshakes.handle(now, input, &mut orders);
                self.after_handshakes(now, locator, orders, out);
            }
        }
    }

    /// A handshake message that a forwarder passed on.
    pub(crate) fn on_handshake(
        &mut self,
        now: Instant,
        (locator, from): (LocatorId, SocketAddrV4),
        bytes: &[u8],
        out: &mut Vec<Output>,
    ) {
        if let Tunnels::Half { handshakes, .. } = &mut self.tunnels[locator.index()] {
            let mut orders = Vec::new();
            handshakes.on_message(now, from, bytes, &mut orders);
            self.after_handshakes(now, locator, orders, out);
        }
    }

    /// What a forwarder's lanes noticed.
    pub(crate) fn on_lanes(
        &mut self,
        now: Instant,
        locator: LocatorId,
        notice: tunnel::Notice,
        out: &mut Vec<Output>,
    ) {
        if let Tunnels::Half { handshakes, .. } = &mut self.tunnels[locator.index()] {
            let mut orders = Vec::new();
            handshakes.on_notice(now, notice, &mut orders);
            self.after_handshakes(now, locator, orders, out);
        }
    }

    /// What came to nothing at a locator's lanes on a shard.
    pub(crate) fn on_lanes_counters(
        &mut self,
        locator: LocatorId,
        shard: usize,
        counters: tunnel::Counters,
    ) {
        if let Tunnels::Half { lanes, .. } = &mut self.tunnels[locator.index()]
            && let Some(lanes) = lanes.get_mut(shard)
        {
            *lanes = counters;
        }
    }

    fn after_handshakes(
        &mut self,
        now: Instant,
        locator: LocatorId,
        orders: Vec<tunnel::Order>,
        out: &mut Vec<Output>,
    ) {
        let mut followed = core::mem::take(&mut self.scratch.tunnel);
        for order in orders {
            match order {
                tunnel::Order::Output(output) => followed.push(output),
                tunnel::Order::Change { shard, change } => {
                    self.order_one(shard, Kind::Tunnel { locator, change });
                }
            }
        }
        self.after_tunnel(now, locator, followed, out);
    }

    /// Passes on what tunnels asked for, and sets their timer.
    pub(super) fn after_tunnel(
        &mut self,
        now: Instant,
        locator: LocatorId,
        mut followed: Vec<tunnel::Output>,
        out: &mut Vec<Output>,
    ) {
        let at = self.tunnels[locator.index()].wake();
        self.timers.set(Part::Locator(locator), at);
        for output in followed.drain(..) {
            match output {
                tunnel::Output::Datagram { to, bytes } => {
                    out.push(Output::Datagram { locator, to, bytes });
                }
                tunnel::Output::Event(event) => self.on_tunnel_event(now, locator, event, out),
            }
        }
        self.scratch.tunnel = followed;
    }

    fn order_one(&mut self, shard: usize, kind: Kind) {
        if let Some(orders) = &mut self.orders {
            orders.push(Order {
                shard: Some(shard),
                change: Change(kind),
            });
        }
    }
}
