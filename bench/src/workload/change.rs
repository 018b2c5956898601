//! A single changed route: how long until the monitor has it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::traffic::is_timeout;
use super::{Arena, Conditions, DAEMON, Figures, announcer, monitor, sender};
use crate::Error;
use crate::daemon::Make;
use crate::monitor::{Expected, Monitor, PROBES};
use crate::session::{Neighbor, Session};
use crate::table::{Lengths, Table, write_attributes};
use crate::wire;

/// Samples that count, and those before them that warm up.
const SAMPLES: usize = 2_000;
const WARM_UP: usize = 200;
/// Between two changes of an idle daemon.
const IDLE: Duration = Duration::from_millis(2);
/// Between two changes of a busy daemon, whether or not the last one has arrived.
const PERIOD: Duration = Duration::from_millis(5);
/// Changes in a busy daemon.
const SAMPLES_BUSY: usize = 1_500;
/// The AS that numbers a probe's version; below every tag.
const VERSIONS: u32 = 400_000;
/// How long one change in an idle daemon may take.
const PATIENCE: Duration = Duration::from_secs(10);
const READ: usize = 256 * 1024;
const REST: Duration = Duration::from_millis(500);

/// An UPDATE that announces one probe's prefix in one version.
fn probe(own: Neighbor, number: u32, version: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::message(&mut bytes, wire::UPDATE, |out| {
        out.extend([0, 0]);
        write_attributes(out, &[own.asn, VERSIONS + version], own.address, &[]);
        wire::prefix(out, PROBES + (number << 8), 24);
    });
    bytes
}

/// One change after the other, each when the last has arrived.
pub(super) fn idle(make: Make, conditions: &Conditions<'_>) -> Result<Figures, Error> {
    let arena = Arena::new(make, conditions, 1, 1)?;
    arena.explained(|| {
        let own = sender(0);
        let mut source = arena.open(own)?;
        let mut listener = arena.open(monitor(0))?;
        thread::sleep(REST);
        let before = arena.daemon.usage();
        let table = Table::new(1, 1);
        let expected = Expected {
            table: &table,
            senders: &[announcer(0, 0, Lengths::Table)],
            best: |_, _| 0,
            daemon_as: DAEMON.asn,
            next_hop: monitor(0).far_end(),
        };
        let mut seen = Monitor::new(&expected);
        let mut latencies = Vec::with_capacity(SAMPLES);
        for version in 0..WARM_UP + SAMPLES {
            let version = u32::try_from(version).expect("few samples");
            let bytes = probe(own, 0, version);
            let start = Instant::now();
            let failed = |cause| Error::system("sending a change")(cause);
            source.stream.write_all(&bytes).map_err(failed)?;
            let end = arrival(&mut listener, &mut seen, version)?;
            if version as usize >= WARM_UP {
                latencies.push(end.saturating_duration_since(start));
            }
            thread::sleep(IDLE);
        }
        let after = arena.daemon.usage();
        Ok(percentiles(
            latencies,
            Figures::new(Duration::ZERO, before, after, seen.updates),
        ))
    })
}

/// Waits for a version of the first probe.
fn arrival(listener: &mut Session, seen: &mut Monitor<'_>, version: u32) -> Result<Instant, Error> {
    let failed = |cause| Error::system("waiting for a change")(cause);
    listener
        .stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(failed)?;
    let mut buffer = [0; wire::MESSAGE_MAX];
    seen.feed(&std::mem::take(&mut listener.received), Instant::now());
    loop {
        let len = listener.stream.read(&mut buffer).map_err(failed)?;
        let now = Instant::now();
        if len == 0 || !seen.feed(&buffer[..len], now) {
            return Err(Error::Daemon("the monitor's session ended".to_owned()));
        }
        let mut arrived = seen.probes.drain(..);
        if arrived.any(|(_, found, _)| found == VERSIONS + version) {
            return Ok(now);
        }
    }
}

/// Changes at fixed times while another session announces one full table after the other.
pub(super) fn under_load(make: Make, conditions: &Conditions<'_>) -> Result<Figures, Error> {
    let table = Table::new(conditions.prefixes, 1);
    let senders = [0, 1].map(|version| announcer(0, version, Lengths::Table));
    let versions = senders.each_ref().map(|one| table.announce(one).bytes);
    let expected = Expected {
        table: &table,
        senders: &senders,
        best: |_, _| 0,
        daemon_as: DAEMON.asn,
        next_hop: monitor(0).far_end(),
    };
    let arena = Arena::new(make, conditions, 2, 1)?;
    arena.explained(|| {
        let (load, source) = (arena.open(sender(0))?, arena.open(sender(1))?);
        let mut listener = arena.open(monitor(0))?;
        thread::sleep(REST);
        let before = arena.daemon.usage();
        let mut seen = Monitor::new(&expected);
        let done = AtomicBool::new(false);
        let (sent, arrived) = thread::scope(|scope| {
            scope.spawn(|| send_tables(&load.stream, &versions, &done));
            let probes = scope.spawn(|| send_probes(&source.stream, &done));
            let arrived = arrivals(&mut listener, &mut seen, conditions.patience);
            done.store(true, Ordering::Relaxed);
            // So that a sender that waits for the daemon goes on.
            let _ = load.stream.shutdown(Shutdown::Both);
            let _ = source.stream.shutdown(Shutdown::Both);
            (probes.join(), arrived)
        });
        arrived?;
        let sent = sent.map_err(|_| Error::Daemon("a sender panicked".to_owned()))?;
        let sent = sent.map_err(Error::system("sending changes"))?;
        let mut latencies = Vec::with_capacity(SAMPLES_BUSY);
        for (number, _, at) in &seen.probes {
            if let Some(start) = sent.get(*number as usize) {
                latencies.push(at.saturating_duration_since(*start));
            }
        }
        let after = arena.daemon.usage();
        Ok(percentiles(
            latencies,
            Figures::new(Duration::ZERO, before, after, seen.updates),
        ))
    })
}

/// Tables in turn until `done`.
fn send_tables(mut stream: &TcpStream, versions: &[Vec<u8>], done: &AtomicBool) {
    for bytes in versions.iter().cycle() {
        if done.load(Ordering::Relaxed) || stream.write_all(bytes).is_err() {
            return;
        }
    }
}

/// A probe after each period; when each was sent.
fn send_probes(mut stream: &TcpStream, done: &AtomicBool) -> std::io::Result<Vec<Instant>> {
    // The load shall be under way.
    thread::sleep(REST / 2);
    let start = Instant::now();
    let mut sent = Vec::with_capacity(SAMPLES_BUSY);
    for number in 0..u32::try_from(SAMPLES_BUSY).expect("few samples") {
        let due = start + PERIOD * number;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if done.load(Ordering::Relaxed) {
            break;
        }
        let bytes = probe(sender(1), number, number);
        sent.push(Instant::now());
        stream.write_all(&bytes)?;
    }
    Ok(sent)
}

/// Reads until every probe has arrived.
fn arrivals(
    listener: &mut Session,
    seen: &mut Monitor<'_>,
    patience: Duration,
) -> Result<(), Error> {
    let failed = |cause| Error::system("waiting for changes")(cause);
    let deadline = Instant::now() + patience;
    let mut buffer = vec![0; READ];
    seen.feed(&std::mem::take(&mut listener.received), Instant::now());
    listener
        .stream
        .set_read_timeout(Some(REST))
        .map_err(failed)?;
    while seen.probes.len() < SAMPLES_BUSY {
        match listener.stream.read(&mut buffer) {
            Ok(len) => {
                if len == 0 || !seen.feed(&buffer[..len], Instant::now()) {
                    return Err(Error::Daemon("the monitor's session ended".to_owned()));
                }
            }
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(failed(error)),
        }
        if Instant::now() > deadline {
            let (found, seconds) = (seen.probes.len(), patience.as_secs());
            return Err(Error::Daemon(format!(
                "{found} of {SAMPLES_BUSY} changes arrived in {seconds} s"
            )));
        }
    }
    match &seen.fault {
        Some(fault) => Err(Error::Daemon(format!("the monitor was told {fault}"))),
        None => Ok(()),
    }
}

/// The middle and the 99th percentile, in milliseconds.
fn percentiles(mut latencies: Vec<Duration>, figures: Figures) -> Figures {
    latencies.sort_unstable();
    let at = |percent: usize| {
        let place = latencies.len().saturating_sub(1) * percent / 100;
        latencies.get(place).map(|one| one.as_secs_f64() * 1e3)
    };
    Figures {
        time: at(50).unwrap_or_default(),
        p99: at(99),
        ..figures
    }
}
