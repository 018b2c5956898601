//! Hours of a busy node in minutes: full load both ways while the near node's address changes, keys
//! change and strangers call; what must not happen meanwhile is counted.
//!
//! TCP streams fill both directions. Beside them flows of numbered packets show what is lost and what
//! overtakes. The near node roams without losing its old addresses, so that roaming itself loses
//! nothing; the strangers stand beside it and call the far node over the same wire.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::arena::{Arena, PORT};
use super::implementation::{Implementation, Setup, longhaul};
use super::load::numbered::{Numbered, Tally};
use super::load::tcp::Transfer;
use super::measure::{Bench, Conditions};
use crate::daemon::Directory;
use crate::{Error, Machine};

mod strangers;
mod watch;

use strangers::Strangers;
use watch::Watch;

/// TCP streams each way.
const STREAMS: usize = 2;
/// Flows of numbered packets each way.
const FLOWS: usize = 4;
/// From one change of the near node's address to the next.
const ROAM: Duration = Duration::from_secs(10);
/// Pause between two looks at everything.
const LOOK: Duration = Duration::from_millis(100);
/// The near node's addresses, in turn, and those of the strangers.
const PLACES: [Ipv4Addr; 4] = addresses(101);
const STRANGERS: [Ipv4Addr; 4] = addresses(102);
/// All of them, for the far node.
const BEYOND: &str = "198.18.96.0/19";
/// A flow of which nothing arrives for so long is lost.
const LOST: Duration = Duration::from_secs(5);
/// Octets by which a node may grow after its first fifth: an allocator's own noise.
const GROWTH: u64 = 4 << 20;

/// What to do, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoakOptions {
    /// How long.
    pub time: Duration,
    /// Handshake initiations of strangers a second.
    pub strangers: u32,
    /// The near node's processor and the far one's.
    pub processors: [usize; 2],
    /// Our own program.
    pub longhaul: PathBuf,
    /// Whether to seal with AES-256-GCM.
    pub aes: bool,
    /// Forwarding threads of each node.
    pub threads: u8,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SoakReport {
    /// Of this shape.
    pub format_version: u32,
    /// Where.
    pub machine: Machine,
    /// How long it took.
    pub seconds: f64,
    /// What TCP carried, both ways together, Gb/s.
    pub rate: f64,
    /// TCP streams and flows of numbered packets.
    pub flows: usize,
    /// Flows of which nothing arrived for five seconds.
    pub lost_flows: usize,
    /// The longest time in which nothing of some flow arrived, seconds.
    pub longest_silence: f64,
    /// Numbered packets sent.
    pub packets: u64,
    /// Those that did not arrive, parts per million.
    pub lost_ppm: u64,
    /// Those that came after one of their flow that was sent later.
    pub overtaken: u64,
    /// Initiations of strangers, in a second.
    pub strangers: f64,
    /// How often the near node's address changed.
    pub roamings: u32,
    /// Handshakes after the first, on both nodes.
    pub handshakes: u64,
    /// The near node, then the far one.
    pub nodes: [SoakNode; 2],
    /// What must not have happened.
    pub failures: Vec<String>,
}

/// What a node used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SoakNode {
    /// Processor time per time.
    pub cpu: f64,
    /// Octets resident at most in the second tenth of the time.
    pub early_memory: u64,
    /// The same in the last tenth.
    pub late_memory: u64,
}

/// Lets two nodes work for a while; `tell` hears how it goes.
///
/// # Errors
///
/// The machine does not let us have namespaces, or the nodes do not find each other.
pub fn soak(options: &SoakOptions, tell: &mut dyn FnMut(&str)) -> Result<SoakReport, Error> {
    let directory = Directory::new()?;
    let conditions = Conditions {
        setup: Setup {
            longhaul: &options.longhaul,
            programs: None,
            threads: options.threads,
        },
        directory: directory.path(),
        processors: options.processors,
        time: options.time,
    };
    let implementation = match options.aes {
        true => Implementation::LonghaulAes,
        false => Implementation::Longhaul,
    };
    let arena = Arena::pair(options.processors, directory.path())?;
    open_ways(&arena)?;
    let bench = Bench::start(implementation, arena, &conditions)?;
    let report = run(options, &bench, tell);
    report.map_err(|error| bench.explain(&error))
}

/// Gives the near node and the strangers their addresses, and the far node a way to them.
fn open_ways(arena: &Arena) -> Result<(), Error> {
    let (near, far) = (arena.near(), arena.far());
    for address in PLACES.into_iter().chain(STRANGERS) {
        near.place.address("lo", address.into(), 32)?;
    }
    let via = far.links[0].remote.to_string();
    far.place.ip(&["route", "add", BEYOND, "via", &via])
}

fn run(
    options: &SoakOptions,
    bench: &Bench<'_>,
    tell: &mut dyn FnMut(&str),
) -> Result<SoakReport, Error> {
    let (near, far) = (bench.arena.near(), bench.arena.far());
    let handshakes =
        || Ok::<_, Error>(handshakes_of(options, bench, 0)? + handshakes_of(options, bench, 1)?);
    let before = handshakes()?;
    let streams = [
        Transfer::start(near.end(), far.end(), STREAMS)?,
        Transfer::start(far.end(), near.end(), STREAMS)?,
    ];
    let numbered = [
        Numbered::start(near.end(), far.end(), FLOWS)?,
        Numbered::start(far.end(), near.end(), FLOWS)?,
    ];
    let target = SocketAddrV4::new(near.links[0].remote, PORT);
    let called = (target, longhaul::public_key(far, 0));
    let (processor, rate) = (near.processor, options.strangers);
    let strangers = Strangers::start(&near.place, processor, &STRANGERS, called, rate)?;
    let mut watch = Watch::new(2 * (STREAMS + FLOWS));
    let pause = ROAM.min(options.time / 4);
    let start = Instant::now();
    let mut roamings = 0;
    while start.elapsed() < options.time {
        std::thread::sleep(LOOK);
        let mut counts: Vec<u64> = streams.iter().flat_map(Transfer::each).collect();
        counts.extend(numbered.iter().flat_map(Numbered::each));
        let usages = || [bench.usage(0), bench.usage(1)];
        watch.look(&counts, usages, options.time);
        if start.elapsed() > pause * (roamings + 1) {
            roam(bench, PLACES[roamings as usize % PLACES.len()])?;
            roamings += 1;
            tell(&format!("{:.0} s", start.elapsed().as_secs_f64()));
        }
    }
    let octets: u64 = streams.iter().map(Transfer::received).sum();
    let seconds = start.elapsed().as_secs_f64();
    let called = strangers.sent() as f64 / seconds;
    drop((strangers, streams));
    let [there, back] = numbered.map(Numbered::finish);
    let tally = there.with(back);
    let mut report = SoakReport {
        format_version: 1,
        machine: Machine::here(),
        seconds,
        rate: octets as f64 * 8.0 / seconds / 1e9,
        flows: watch.flows(),
        lost_flows: watch.silent_for(LOST),
        longest_silence: watch.longest_silence().as_secs_f64(),
        packets: tally.sent,
        lost_ppm: lost_ppm(tally),
        overtaken: tally.overtaken,
        strangers: called,
        roamings,
        handshakes: handshakes()? - before,
        nodes: watch.nodes(),
        failures: Vec::new(),
    };
    report.failures = failures(&report);
    Ok(report)
}

/// Lets the near node send from another of its addresses; the others stay.
fn roam(bench: &Bench<'_>, to: Ipv4Addr) -> Result<(), Error> {
    let near = bench.arena.near();
    let (wire, to) = (near.links[0].interface.as_str(), to.to_string());
    let remote = format!("{}/32", near.links[0].remote);
    let route = ["route", "replace", &remote, "dev", wire, "src", &to];
    near.place.ip(&route)
}

/// How many handshakes a node says that it has finished.
fn handshakes_of(options: &SoakOptions, bench: &Bench<'_>, site: usize) -> Result<u64, Error> {
    #[derive(Deserialize)]
    struct Tunnels {
        tunnels: Vec<Tunnel>,
    }
    #[derive(Deserialize)]
    struct Tunnel {
        paths: Vec<Path>,
    }
    #[derive(Deserialize)]
    struct Path {
        handshakes: u64,
    }
    let mut command = Command::new(&options.longhaul);
    command.args(["show", "tunnels", "--format", "json", "--control"]);
    command.arg(longhaul::control(&bench.arena.sites[site]));
    let output = command.output();
    let output = output.map_err(Error::system("asking a node"))?;
    let said: Tunnels = serde_json::from_slice(&output.stdout).map_err(|error| {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        Error::Daemon(format!("a node's answer: {error}; {complaint}"))
    })?;
    let paths = said.tunnels.iter().flat_map(|tunnel| &tunnel.paths);
    Ok(paths.map(|path| path.handshakes).sum())
}

fn lost_ppm(tally: Tally) -> u64 {
    let lost = tally.sent.saturating_sub(tally.arrived);
    (lost * 1_000_000).checked_div(tally.sent).unwrap_or(0)
}

/// What of it must not be.
fn failures(report: &SoakReport) -> Vec<String> {
    let mut failures = Vec::new();
    if report.lost_flows > 0 {
        let (lost, flows) = (report.lost_flows, report.flows);
        failures.push(format!("{lost} of {flows} flows stopped"));
    }
    if report.overtaken > 0 {
        failures.push(format!("{} packets were overtaken", report.overtaken));
    }
    for (name, node) in ["near", "far"].into_iter().zip(&report.nodes) {
        let growth = node.late_memory.saturating_sub(node.early_memory);
        if growth > GROWTH {
            failures.push(format!("the {name} node grew by {growth} octets"));
        }
    }
    failures
}

/// Addresses beyond the wire.
const fn addresses(third: u8) -> [Ipv4Addr; 4] {
    [
        Ipv4Addr::new(198, 18, third, 1),
        Ipv4Addr::new(198, 18, third, 2),
        Ipv4Addr::new(198, 18, third, 3),
        Ipv4Addr::new(198, 18, third, 4),
    ]
}
