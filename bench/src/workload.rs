//! What can be measured, and one measurement of it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::Error;
use crate::daemon::{Daemon, Make, Setup};
use crate::place::Place;
use crate::session::{Neighbor, Session};
use crate::table::{Lengths, Sender};
use crate::usage::Usage;

mod change;
mod full_table;
mod overlap;
mod traffic;

/// The daemon under test; its own address is its BGP identifier only.
const DAEMON: Neighbor = Neighbor {
    address: Ipv4Addr::new(10, 99, 0, 1),
    asn: 65_000,
};
/// The tester's neighbours announce from 10.99.1.0/24 and listen from 10.99.2.0/24, each with a wire of
/// its own: a monitor that shares no network with a sender must be told the daemon's own address as next hop.
const SENDERS: u8 = 1;
const MONITORS: u8 = 2;
const SENDER_AS: u32 = 64_601;
const MONITOR_AS: u32 = 64_701;
/// The most of either.
const NEIGHBORS_MAX: u8 = 10;
/// Prefix length of both networks.
const WIRE: u8 = 24;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// One sender announces a full table: first octet until the monitor has all of it.
    FullTable,
    /// A second monitor comes: session established until it has all of the table.
    LateJoiner,
    /// The sender's connection closes: until the monitor has no route any more.
    Withdrawal,
    /// Eight senders announce the same 4,000 prefixes with equal paths.
    Equal,
    /// Eight senders announce the same half table with paths of different length.
    Overlap,
    /// One route changes in an idle daemon: announcement until the monitor has it.
    Change,
    /// The same while another session announces full tables without pause.
    ChangeUnderLoad,
}

impl Workload {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 7] = [
        Self::FullTable,
        Self::LateJoiner,
        Self::Withdrawal,
        Self::Equal,
        Self::Overlap,
        Self::Change,
        Self::ChangeUnderLoad,
    ];

    /// Its name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullTable => "w2",
            Self::LateJoiner => "late",
            Self::Withdrawal => "drop",
            Self::Equal => "w1",
            Self::Overlap => "w3",
            Self::Change => "change",
            Self::ChangeUnderLoad => "change-load",
        }
    }

    /// The workload of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|workload| workload.name() == name)
    }
}

/// What one run showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Seconds, or milliseconds in the middle (p50) for single changes.
    pub time: f64,
    /// The 99th percentile in milliseconds, of single changes only.
    pub p99: Option<f64>,
    /// Processor seconds that the daemon used.
    pub cpu_s: f64,
    /// Octets that were resident at most since the daemon's start.
    pub peak_rss: u64,
    /// UPDATEs that the monitor got.
    pub updates: u64,
}

impl Figures {
    fn new(wall: Duration, before: Usage, after: Usage, updates: u64) -> Self {
        Self {
            time: wall.as_secs_f64(),
            p99: None,
            cpu_s: after.cpu.saturating_sub(before.cpu).as_secs_f64(),
            peak_rss: after.peak_rss,
            updates,
        }
    }
}

/// What all runs have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) longhaul: &'a Path,
    pub(crate) processors: Option<&'a str>,
    /// Prefixes of a full table.
    pub(crate) prefixes: usize,
    pub(crate) patience: Duration,
}

/// Measurements of one daemon: what was measured, or why not.
pub(crate) type Measured = Vec<(Workload, Result<Figures, Error>)>;

/// Measures one make of daemon once. Workloads that build on each other share one start of it.
pub(crate) fn measure(make: Make, wanted: &[Workload], conditions: &Conditions<'_>) -> Measured {
    let mut measured = Measured::new();
    let has = |workload| wanted.contains(&workload);
    if has(Workload::FullTable) || has(Workload::LateJoiner) || has(Workload::Withdrawal) {
        let mut found = full_table::measure(make, conditions);
        found.retain(|(workload, _)| has(*workload));
        measured.extend(found);
    }
    for workload in [Workload::Equal, Workload::Overlap] {
        if has(workload) {
            let lengths = match workload {
                Workload::Equal => Lengths::Equal,
                _ => Lengths::Differ(overlap::SENDERS.into()),
            };
            measured.push((workload, overlap::measure(make, conditions, lengths)));
        }
    }
    if has(Workload::Change) {
        measured.push((Workload::Change, change::idle(make, conditions)));
    }
    if has(Workload::ChangeUnderLoad) {
        let figures = change::under_load(make, conditions);
        measured.push((Workload::ChangeUnderLoad, figures));
    }
    measured
}

/// A started daemon, and the tester's place at the other end of the wire.
struct Arena {
    tester: Place,
    daemon: Daemon,
}

impl Arena {
    /// Starts a daemon with so many senders and monitors configured.
    fn new(
        make: Make,
        conditions: &Conditions<'_>,
        senders: u8,
        monitors: u8,
    ) -> Result<Self, Error> {
        let (daemon, tester) = (Place::new()?, Place::new()?);
        let mut neighbors: Vec<Neighbor> = (0..senders).map(sender).collect();
        neighbors.extend((0..monitors).map(monitor));
        for (wire, first) in [("senders", sender(0)), ("monitors", monitor(0))] {
            daemon.wire(wire, &tester, wire)?;
            daemon.addresses(wire, &[first.far_end()], WIRE)?;
            let here = neighbors
                .iter()
                .filter(|one| one.far_end() == first.far_end());
            let addresses: Vec<Ipv4Addr> = here.map(|one| one.address).collect();
            tester.addresses(wire, &addresses, WIRE)?;
        }
        let setup = Setup {
            directory: conditions.directory,
            own: DAEMON,
            neighbors: &neighbors,
            processors: conditions.processors,
            longhaul: conditions.longhaul,
        };
        Ok(Self {
            tester,
            daemon: Daemon::start(make, &daemon, &setup)?,
        })
    }

    fn open(&self, neighbor: Neighbor) -> Result<Session, Error> {
        let alive = || self.daemon.is_alive();
        Session::open(&self.tester, neighbor, alive)
    }

    /// Does the work; an error tells of the daemon's log as well.
    fn explained<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        work().map_err(|error| self.daemon.explain(&error))
    }
}

fn sender(number: u8) -> Neighbor {
    assert!(number < NEIGHBORS_MAX, "their addresses are apart");
    Neighbor {
        address: Ipv4Addr::new(10, 99, SENDERS, number + 1),
        asn: SENDER_AS + u32::from(number),
    }
}

fn monitor(number: u8) -> Neighbor {
    assert!(number < NEIGHBORS_MAX, "their addresses are apart");
    Neighbor {
        address: Ipv4Addr::new(10, 99, MONITORS, number + 1),
        asn: MONITOR_AS + u32::from(number),
    }
}

/// The announcements of a sender; `version` tells its tables apart.
fn announcer(number: u8, version: u8, lengths: Lengths) -> Sender {
    let Neighbor { address, asn } = sender(number);
    Sender {
        number: usize::from(version * NEIGHBORS_MAX + number),
        asn,
        address,
        lengths,
    }
}
