//! The data half of a node on one shard: packets in batches from the kernel into tunnels, from tunnels to the kernel,
//! and from one tunnel into another.
//!
//! A forwarder is a value like all cores: it is given buffers with what arrived, and gives what follows to a [`Sink`].
//! It owns copies of the node's tables, the lanes of its shard, the queues of the paths and a bounded pool of buffers, and shares
//! nothing with others. A packet's flow, class and route are looked up once for a super-packet, and once for a
//! run of received packets of one flow; nothing is allocated per packet.
//!
//! ```text
//!  from_kernel ──▶ path ──▶ queue ─┐
//!                                  ├─▶ run ──▶ cut, seal ──▶ transmit
//!  from_underlay ──▶ open ──▶ path ┘   (a relayed batch is sealed where it lies)
//!                      └──▶ join ──▶ deliver
//! ```

mod batch;
mod inbound;
mod outbound;
mod protect;
mod queues;
mod recent;

use core::time::Duration;
use std::collections::VecDeque;

use inet::Instant;
use inet::packet::Ipv4;
use offload::Offload;
use path::PathId;
use queue::Queue;
use tunnel::Lanes;

use super::buffer::{Buffer, Pool};
use super::change::{Change, Kind, Notice, Noticed};
use super::egress::EgressId;
use super::icmp::{self, IcmpBudget};
use super::protect::{Receivers, Senders};
use super::sightings::Sightings;
use super::sink::{Belongs, Handed, Sink, Transmit};
use super::tables::{Tables, Verdict};
use super::usage::Usage;
use crate::id::LocatorId;
use crate::view::{Counters, DropReason};

use batch::Batch;
use inbound::Arrival;
use recent::Recent;

pub(crate) use queues::Waiting;

/// The data half of a node on one shard.
pub struct Forwarder {
    shard: usize,
    tables: Tables,
    /// By [`LocatorId`].
    lanes: Vec<Lanes>,
    pool: Pool,
    /// By [`EgressId`]; made when something first waits.
    queues: Vec<Option<Box<Queue<Waiting>>>>,
    /// Where something waits, in the order of their turns.
    turns: VecDeque<EgressId>,
    recent: Recent,
    batch: Batch,
    arrivals: Vec<Arrival>,
    icmp: IcmpBudget,
    sightings: Sightings,
    senders: Senders,
    receivers: Receivers,
    usage: Usage,
    /// Paths whose use is to be told.
    used: Vec<PathId>,
    /// Since the last report.
    counters: Counters,
    /// When counters are reported the next time, once there is something to report.
    report_at: Option<Instant>,
    /// What tunnels asked to send beside packets; kept for its memory.
    followed: Vec<tunnel::Output>,
}

/// How packets lie in their buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// One packet, perhaps to be cut.
    Packet(Offload),
    /// Slots, each with a packet between room for a tunnel's header and tag.
    Slots {
        /// Where the first begins.
        start: usize,
        /// Octets of each.
        stride: usize,
        /// How many.
        count: usize,
    },
}

impl Forwarder {
    /// The forwarder of a shard, with a copy of the node's tables and the shard's lanes by locator.
    pub(crate) fn new(shard: usize, tables: Tables, lanes: Vec<Lanes>) -> Self {
        let egresses = tables.facts.egresses.len();
        let usage = Usage::new(tables.facts.settings.paths.len());
        Self {
            shard,
            tables,
            lanes,
            pool: Pool::new(),
            queues: (0..egresses).map(|_| None).collect(),
            turns: VecDeque::new(),
            recent: Recent::new(),
            batch: Batch::new(),
            arrivals: Vec::new(),
            icmp: IcmpBudget::default(),
            sightings: Sightings::new(),
            senders: Senders::new(shard),
            receivers: Receivers::default(),
            usage,
            used: Vec::new(),
            counters: Counters::default(),
            report_at: None,
            followed: Vec::new(),
        }
    }

    /// What decides about packets.
    #[cfg(test)]
    pub(crate) const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// An empty buffer for what arrives next; `None` while all are in use, and then nothing should be read.
    pub fn buffer(&mut self) -> Option<Buffer> {
        self.pool.take()
    }

    /// Takes a change of what is known. What follows, such as packets that waited for keys, goes to the sink.
    pub fn apply(&mut self, now: Instant, change: Change, sink: &mut impl Sink) {
        match change.0 {
            Kind::Tunnel { locator, change } => {
                let mut followed = core::mem::take(&mut self.followed);
                if let Some(lanes) = self.lanes.get_mut(locator.index()) {
                    lanes.apply(now, change, &mut followed);
                }
                for output in followed.drain(..) {
                    if let tunnel::Output::Datagram { to, bytes } = output {
                        sink.transmit(Transmit {
                            locator,
                            to,
                            tos: 0,
                            segment: bytes.len(),
                            bytes: &bytes,
                        });
                    }
                }
                self.followed = followed;
            }
            Kind::Send { path, packet } => self.send_alone(now, path, &packet, sink),
            known => {
                self.tables.apply(&known);
                self.recent.forget();
            }
        }
        self.tell(now, sink);
    }

    /// Takes what another forwarder found to belong here.
    pub fn take(&mut self, now: Instant, handed: Handed, sink: &mut impl Sink) {
        match handed.0 {
            Belongs::Datagrams {
                locator,
                from,
                tos,
                buffer,
                segment,
            } => {
                self.pool.adopt(&buffer);
                self.from_underlay(now, locator, (from, tos), buffer, segment, sink);
            }
            Belongs::Packets(waiting) => {
                self.pool.adopt(&waiting.buffer);
                let id = self.tables.facts.egresses.of(waiting.path);
                match self.owner(id) {
                    // It has had its turn there, and this one has the only lane.
                    Some(owner) if owner != self.shard => self.send(now, waiting, sink),
                    _ => self.enqueue(now, waiting, sink),
                }
            }
            Belongs::Copy {
                came_by,
                label,
                tos,
                buffer,
            } => {
                self.pool.adopt(&buffer);
                self.arrive_alone(now, (came_by, label, tos), buffer, sink);
            }
        }
    }

    /// When to come back with [`Forwarder::run`] although nothing arrived.
    pub fn wake(&self) -> Option<Instant> {
        let waiting = self.turns.iter().filter_map(|id| self.queue(*id)?.next());
        let lanes = self.lanes.iter().filter_map(Lanes::wake);
        let blocks = self.senders.wake();
        waiting
            .chain(lanes)
            .chain(self.report_at)
            .chain(blocks)
            .min()
    }

    /// Packets go through a path, in one direction or the other.
    pub(super) fn note_use(&mut self, now: Instant, path: PathId) {
        if self.usage.note(now, path) {
            self.used.push(path);
        }
    }

    /// Drops a packet and, where it helps, tells its sender why (RFC 1812 §4.3.3).
    fn refuse(
        &mut self,
        now: Instant,
        reason: DropReason,
        about: &[u8],
        by: (Option<PathId>, usize),
        sink: &mut impl Sink,
    ) {
        self.counters.drop(reason);
        let (came_by, mtu) = by;
        let loopback = self.tables.facts.settings.loopback;
        let error = Ipv4::parse(about)
            .ok()
            .and_then(|about| icmp::error(loopback, reason, &about, mtu));
        let Some(error) = error.filter(|_| self.icmp.take(now)) else {
            return;
        };
        self.counters.icmp_errors += 1;
        let Ok(view) = Ipv4::parse(&error) else {
            return;
        };
        match self.tables.back(&view, came_by) {
            Verdict::Kernel | Verdict::Breakout => sink.deliver(Offload::NONE, &[&error]),
            Verdict::Drop(reason) => self.counters.drop(reason),
            Verdict::Path(path, _) => self.send_alone(now, path, &error, sink),
        }
    }

    /// Tells of a packet between two paths, or the kernel and a path, if that is worth it.
    fn sight(
        &mut self,
        now: Instant,
        (from, to): (Option<PathId>, Option<PathId>),
        sink: &mut impl Sink,
    ) {
        if let Some(sighting) = self.tables.sighting(from, to)
            && self.sightings.is_news(now, sighting)
        {
            sink.notice(Notice(Noticed::Sighting(sighting)));
        }
    }

    /// Passes on what the lanes noticed, and from time to time what was counted.
    fn tell(&mut self, now: Instant, sink: &mut impl Sink) {
        for path in self.used.drain(..) {
            sink.notice(Notice(Noticed::Used(path)));
        }
        for (number, lanes) in self.lanes.iter_mut().enumerate() {
            let locator = LocatorId(number as u16);
            for notice in lanes.notices() {
                sink.notice(Notice(Noticed::Tunnel { locator, notice }));
            }
        }
        if self.counters != Counters::default() {
            let at = *self.report_at.get_or_insert(now + REPORT_SPACING);
            if at <= now {
                self.report(sink);
            }
        }
    }

    fn report(&mut self, sink: &mut impl Sink) {
        self.report_at = None;
        let counters = core::mem::take(&mut self.counters);
        sink.notice(Notice(Noticed::Counters(counters)));
        for (number, lanes) in self.lanes.iter().enumerate() {
            sink.notice(Notice(Noticed::Tunnels {
                locator: LocatorId(number as u16),
                counters: *lanes.counters(),
            }));
        }
    }
}

/// How often counters are reported while packets pass.
const REPORT_SPACING: Duration = Duration::from_millis(250);
